//! Whether a refusal is for the reason that the suite means.
//!
//! Admission says in the validator's words what is wrong with a module, the suite in those of the specification's own
//! interpreter. Owns the tables by which one stands for the other. A refusal fits if its words contain the suite's message, or what
//! [`SAME`] has for it; the pairs that fit neither way are in [`ELSEWHERE`], with the reason.

use assay_machine::admission::{AdmissionError, Limit};

use crate::spectest;

/// What the suite's messages begin with, and the validator's words for the same.
const SAME: [(&str, &[&str]); 33] = [
    // Of bytes.
    ("END opcode expected", &["control frames remain at end of function body or expression"]),
    ("data count and data section have inconsistent lengths", &["data count is non-zero but data section is absent"]),
    (
        "function and code section have inconsistent lengths",
        &[
            "function section is absent but code section has",
            "function section has non-zero count but code section is absent",
        ],
    ),
    ("illegal opcode", &["illegal opcode"]),
    ("invalid mutability", &["malformed global flags"]),
    ("junk after last section", &["section out of order"]),
    ("length out of bounds", &["unexpected end-of-file"]),
    ("magic header not detected", &["not WASM: the bytes do not begin with"]),
    ("malformed definition type", &["for type"]),
    ("malformed export kind", &["Exact type is not allowed in the exports"]),
    ("malformed import kind", &["for external kind"]),
    ("malformed limits flags", &["invalid table resizable limits flags", "invalid memory limits flags"]),
    ("malformed memop flags", &["malformed memop alignment"]),
    ("malformed mutability", &["malformed global flags"]),
    ("malformed storage type", &["unexpected exact type"]),
    ("multiple start sections", &["section out of order"]),
    ("unexpected content after last section", &["section out of order"]),
    (
        "unexpected end",
        &["unexpected end-of-file", "control frames remain at end", "not WASM: the bytes do not begin with"],
    ),
    ("unexpected token", &["found outside `LegacyTry` block"]),
    ("zero flag expected", &["zero byte expected"]),
    // Of numbers that the binary format has no room for.
    (
        "alignment must not be larger than natural",
        &["malformed memop alignment: alignment too large", "integer representation too long"],
    ),
    ("i32 constant", &["integer too large"]),
    ("memory size", &["integer too large", "integer representation too long"]),
    ("offset out of range", &["integer too large", "integer representation too long"]),
    ("table size", &["integer too large"]),
    // Of validity.
    ("immutable ", &["is immutable"]),
    ("invalid lane index", &["SIMD index out of bounds"]),
    ("type mismatch", &["type mismatch"]),
    // Of descriptors.
    ("sub type ", &["sub type must match super type", "supertype of "]),
    ("described type ", &["supertype of descriptor does not match"]),
    ("descriptor type ", &["supertype of described type must be described by"]),
    ("type 1 does not have a descriptor", &["cast target must have descriptor"]),
    ("type without descriptor", &["expected type with descriptor", "is not described"]),
];

/// Messages of the suite, and words of the validator that do not say the same: in each of these modules more than one
/// thing is wrong, and the two come to different ones first.
const ELSEWHERE: [(&str, &str); 22] = [
    // A section or body is longer than its length says. The validator goes by the length.
    ("integer representation too long", "unexpected end-of-file"),
    ("integer too large", "unexpected end-of-file"),
    ("invalid mutability", "unexpected end-of-file"),
    ("malformed import kind", "unexpected end-of-file"),
    ("malformed limits flags", "unexpected end-of-file"),
    // The suite reads on into the next section, where the validator is at the end of this one.
    ("illegal opcode", "unexpected end-of-file"),
    ("malformed elements segment kind", "unexpected end-of-file"),
    ("section size mismatch", "control frames remain at end of function body or expression"),
    // What is a number of several bytes for the suite is a byte for the validator.
    ("integer representation too long", "invalid leading byte (0xe0) for type"),
    ("integer representation too long", "invalid memory limits flags"),
    ("integer representation too long", "invalid table resizable limits flags"),
    ("integer too large", "invalid memory limits flags"),
    ("integer too large", "invalid table resizable limits flags"),
    // The byte that is wrong has got a meaning since the file was written, and what follows it is wrong for that.
    ("illegal opcode", "constant expression required: non-constant operator"),
    ("malformed section id", "unexpected end-of-file"),
    ("malformed memop flags", "type mismatch: values remaining on stack at end of block"),
    ("zero flag expected", "control frames remain at end of function body or expression"),
    ("zero flag expected", "unknown table"),
    // An addition is constant since then; what it gives is of the wrong type.
    ("constant expression required", "type mismatch: expected funcref, found i32"),
    // One target of a `br_table` is left out, so that the byte after it is read as a label.
    ("unexpected end of section or function", "unknown label: branch depth too large"),
    // A second code section follows, or a second module: the validator sees what is wrong with the first one.
    ("unexpected content after last section", "function and code section have inconsistent lengths"),
    ("length out of bounds", "expected section, got wasm magic number"),
];

/// The validator's words where it comes to a proposal that is not admitted and never gets to what else is wrong.
const PROPOSALS: [&str; 6] = [
    "support is not enabled",
    "must be enabled",
    "proposal to be enabled",
    "without the gc feature",
    "function references required",
    "gc types are disallowed",
];

/// Whether a module was refused as the invalid module that the suite means, or for having more than WASM allows, which
/// admission counts first.
pub fn is_invalid(error: &AdmissionError, message: &str) -> bool {
    let means = |(meant, words): &(&str, &str), said: &str| *meant == message && said.contains(words);
    match error {
        AdmissionError::Invalid { message: said, .. } => {
            let mut same = SAME.iter().filter(|(beginning, _)| message.starts_with(beginning));
            said.contains(message)
                || same.any(|(_, phrases)| phrases.iter().any(|words| said.contains(words)))
                || ELSEWHERE.iter().any(|pair| means(pair, said))
        }
        AdmissionError::OverLimit { limit: Limit::MemoryPages, .. } => message.starts_with("memory size"),
        AdmissionError::OverLimit { limit: Limit::TableElements, .. } => message.starts_with("table size"),
        AdmissionError::OverLimit { limit: Limit::Locals, .. } => message == "too many locals",
        _ => false,
    }
}

/// Whether a refusal as invalid says no more than that a proposal is not admitted.
pub fn is_of_proposal(error: &AdmissionError) -> bool {
    matches!(error, AdmissionError::Invalid { message, .. } if PROPOSALS.iter().any(|words| message.contains(words)))
}

/// Whether a module was refused for an import that nobody offers, or not as it is asked for. A part of the host module's
/// state that is asked for as a function is there, and is no function.
pub fn is_unlinkable(error: &AdmissionError, message: &str) -> bool {
    let meant = match error {
        AdmissionError::ImportSignature { .. } => "incompatible import type",
        AdmissionError::UnknownImport { module, name } if module == spectest::NAME && spectest::is_state(name) => {
            "incompatible import type"
        }
        AdmissionError::UnknownImport { .. } => "unknown import",
        _ => return false,
    };
    message == meant
}

#[test]
fn a_refusal_for_another_reason_does_not_fit() {
    let fits = |said: &str, message| is_invalid(&AdmissionError::Invalid { offset: 0, message: said.into() }, message);
    assert!(fits("unknown local 3: local index out of bounds", "unknown local"));
    assert!(fits("malformed global flags", "malformed mutability"));
    for message in ["type mismatch", "unknown local", "alignment must not be larger than natural", "zero byte expected"]
    {
        assert!(!fits("unexpected end-of-file", message), "{message}");
    }
    assert!(!fits("type mismatch: expected i32, found i64", "unknown type"));
    let unknown = |module: &str, name: &str| AdmissionError::UnknownImport { module: module.into(), name: name.into() };
    assert!(is_unlinkable(&unknown(spectest::NAME, "unknown"), "unknown import"));
    assert!(!is_unlinkable(&unknown(spectest::NAME, "unknown"), "incompatible import type"));
    assert!(!is_unlinkable(&unknown(spectest::NAME, "memory"), "unknown import"));
}
