//! The instruction set: the one table of opcodes, their names, forms and the fields they use (specs/04-instructions.md).
//!
//! Owns the 16-byte encoding and the table that the decoder, the lowering, the interpreter, the verifier's
//! constants and the specification are generated from or checked against. It knows no semantics.

use alloc::format;
use alloc::string::String;

/// One instruction, decoded field by field but not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Instruction {
    /// What to do; see [`FORMS`] and the families of [`form_of`].
    pub opcode: u16,
    /// Destination slot.
    pub d: u16,
    /// First source slot.
    pub a: u16,
    /// Second source slot.
    pub b: u16,
    /// Immediate.
    pub imm: u64,
}

impl Instruction {
    /// Size in bytes.
    pub const SIZE: usize = 16;

    /// Reads the 16 bytes, little-endian.
    pub fn from_bytes(bytes: &[u8; Self::SIZE]) -> Self {
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let [.., i0, i1, i2, i3, i4, i5, i6, i7] = *bytes;
        Self {
            opcode: half(0),
            d: half(2),
            a: half(4),
            b: half(6),
            imm: u64::from_le_bytes([i0, i1, i2, i3, i4, i5, i6, i7]),
        }
    }

    /// Writes the 16 bytes, little-endian.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[0..2].copy_from_slice(&self.opcode.to_le_bytes());
        bytes[2..4].copy_from_slice(&self.d.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.a.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.b.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.imm.to_le_bytes());
        bytes
    }
}

/// Added to a binary opcode: the second operand is the immediate.
pub const IMMEDIATE: u16 = 0x0100;
/// Added to an integer comparison: branch if it holds.
pub const BRANCH: u16 = 0x0200;
/// Added to an integer comparison: branch if it holds against the field b, sign-extended.
pub const BRANCH_IMMEDIATE: u16 = 0x0300;

/// Which fields an opcode uses, and which slots it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Fields that may be non-zero.
    pub fields: Fields,
    /// Slots checked against the end of STACK before anything is read.
    pub slots: Slots,
    /// Exclusive bound of the immediate; 0 for an unused one, `None` for all 64 bits.
    pub imm_end: Option<u64>,
}

/// Fields that may be non-zero, besides the immediate (see [`Form::imm_end`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The field d is used.
    pub d: bool,
    /// The field a is used.
    pub a: bool,
    /// The field b is used.
    pub b: bool,
}

/// The slots that an opcode names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slots {
    /// None that are checked at decoding.
    None,
    /// d only.
    D,
    /// a only.
    A,
    /// d and a.
    DA,
    /// a and b.
    AB,
    /// d, a and b.
    DAB,
    /// d, a, b and the slot in the immediate.
    DABImm,
    /// a to a + 1.
    Pair,
    /// a to a + 2.
    Triple,
    /// d, and a to a + 2.
    DTriple,
    /// a to a + 3.
    Quad,
    /// a to a + b - 1, b in 1..=32.
    Range,
    /// The callee's link, d + a.
    Link,
    /// b and the callee's link, d + a.
    BLink,
}

const fn form(fields: &str, slots: Slots, imm_end: Option<u64>) -> Form {
    let (mut d, mut a, mut b) = (false, false, false);
    let bytes = fields.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'd' => d = true,
            b'a' => a = true,
            b'b' => b = true,
            _ => panic!("a field is d, a or b"),
        }
        i += 1;
    }
    Form { fields: Fields { d, a, b }, slots, imm_end }
}

const WORD32: Option<u64> = Some(1 << 32);
const SYSTEM_WORDS: Option<u64> = Some(1 << 33);
const ANY: Option<u64> = None;
const NO: Option<u64> = Some(0);

/// What kind of numeric operator an opcode is: how many operands, their width, whether it compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numeric {
    /// One operand.
    Unary,
    /// Two operands of 32 bits.
    Binary32,
    /// Two operands of 64 bits.
    Binary64,
    /// Integer comparison of two operands of 32 bits.
    Compare32,
    /// Integer comparison of two operands of 64 bits.
    Compare64,
}

/// Calls a macro with the table of numeric opcodes: `code CONSTANT "name" Kind` each, ascending.
macro_rules! for_each_numeric {
    ($each:ident) => {
        $each! {
            0x45 I32_EQZ "i32.eqz" Unary
            0x46 I32_EQ "i32.eq" Compare32
            0x47 I32_NE "i32.ne" Compare32
            0x48 I32_LT_S "i32.lt_s" Compare32
            0x49 I32_LT_U "i32.lt_u" Compare32
            0x4a I32_GT_S "i32.gt_s" Compare32
            0x4b I32_GT_U "i32.gt_u" Compare32
            0x4c I32_LE_S "i32.le_s" Compare32
            0x4d I32_LE_U "i32.le_u" Compare32
            0x4e I32_GE_S "i32.ge_s" Compare32
            0x4f I32_GE_U "i32.ge_u" Compare32
            0x50 I64_EQZ "i64.eqz" Unary
            0x51 I64_EQ "i64.eq" Compare64
            0x52 I64_NE "i64.ne" Compare64
            0x53 I64_LT_S "i64.lt_s" Compare64
            0x54 I64_LT_U "i64.lt_u" Compare64
            0x55 I64_GT_S "i64.gt_s" Compare64
            0x56 I64_GT_U "i64.gt_u" Compare64
            0x57 I64_LE_S "i64.le_s" Compare64
            0x58 I64_LE_U "i64.le_u" Compare64
            0x59 I64_GE_S "i64.ge_s" Compare64
            0x5a I64_GE_U "i64.ge_u" Compare64
            0x5b F32_EQ "f32.eq" Binary32
            0x5c F32_NE "f32.ne" Binary32
            0x5d F32_LT "f32.lt" Binary32
            0x5e F32_GT "f32.gt" Binary32
            0x5f F32_LE "f32.le" Binary32
            0x60 F32_GE "f32.ge" Binary32
            0x61 F64_EQ "f64.eq" Binary64
            0x62 F64_NE "f64.ne" Binary64
            0x63 F64_LT "f64.lt" Binary64
            0x64 F64_GT "f64.gt" Binary64
            0x65 F64_LE "f64.le" Binary64
            0x66 F64_GE "f64.ge" Binary64
            0x67 I32_CLZ "i32.clz" Unary
            0x68 I32_CTZ "i32.ctz" Unary
            0x69 I32_POPCNT "i32.popcnt" Unary
            0x6a I32_ADD "i32.add" Binary32
            0x6b I32_SUB "i32.sub" Binary32
            0x6c I32_MUL "i32.mul" Binary32
            0x6d I32_DIV_S "i32.div_s" Binary32
            0x6e I32_DIV_U "i32.div_u" Binary32
            0x6f I32_REM_S "i32.rem_s" Binary32
            0x70 I32_REM_U "i32.rem_u" Binary32
            0x71 I32_AND "i32.and" Binary32
            0x72 I32_OR "i32.or" Binary32
            0x73 I32_XOR "i32.xor" Binary32
            0x74 I32_SHL "i32.shl" Binary32
            0x75 I32_SHR_S "i32.shr_s" Binary32
            0x76 I32_SHR_U "i32.shr_u" Binary32
            0x77 I32_ROTL "i32.rotl" Binary32
            0x78 I32_ROTR "i32.rotr" Binary32
            0x79 I64_CLZ "i64.clz" Unary
            0x7a I64_CTZ "i64.ctz" Unary
            0x7b I64_POPCNT "i64.popcnt" Unary
            0x7c I64_ADD "i64.add" Binary64
            0x7d I64_SUB "i64.sub" Binary64
            0x7e I64_MUL "i64.mul" Binary64
            0x7f I64_DIV_S "i64.div_s" Binary64
            0x80 I64_DIV_U "i64.div_u" Binary64
            0x81 I64_REM_S "i64.rem_s" Binary64
            0x82 I64_REM_U "i64.rem_u" Binary64
            0x83 I64_AND "i64.and" Binary64
            0x84 I64_OR "i64.or" Binary64
            0x85 I64_XOR "i64.xor" Binary64
            0x86 I64_SHL "i64.shl" Binary64
            0x87 I64_SHR_S "i64.shr_s" Binary64
            0x88 I64_SHR_U "i64.shr_u" Binary64
            0x89 I64_ROTL "i64.rotl" Binary64
            0x8a I64_ROTR "i64.rotr" Binary64
            0x8b F32_ABS "f32.abs" Unary
            0x8c F32_NEG "f32.neg" Unary
            0x8d F32_CEIL "f32.ceil" Unary
            0x8e F32_FLOOR "f32.floor" Unary
            0x8f F32_TRUNC "f32.trunc" Unary
            0x90 F32_NEAREST "f32.nearest" Unary
            0x91 F32_SQRT "f32.sqrt" Unary
            0x92 F32_ADD "f32.add" Binary32
            0x93 F32_SUB "f32.sub" Binary32
            0x94 F32_MUL "f32.mul" Binary32
            0x95 F32_DIV "f32.div" Binary32
            0x96 F32_MIN "f32.min" Binary32
            0x97 F32_MAX "f32.max" Binary32
            0x98 F32_COPYSIGN "f32.copysign" Binary32
            0x99 F64_ABS "f64.abs" Unary
            0x9a F64_NEG "f64.neg" Unary
            0x9b F64_CEIL "f64.ceil" Unary
            0x9c F64_FLOOR "f64.floor" Unary
            0x9d F64_TRUNC "f64.trunc" Unary
            0x9e F64_NEAREST "f64.nearest" Unary
            0x9f F64_SQRT "f64.sqrt" Unary
            0xa0 F64_ADD "f64.add" Binary64
            0xa1 F64_SUB "f64.sub" Binary64
            0xa2 F64_MUL "f64.mul" Binary64
            0xa3 F64_DIV "f64.div" Binary64
            0xa4 F64_MIN "f64.min" Binary64
            0xa5 F64_MAX "f64.max" Binary64
            0xa6 F64_COPYSIGN "f64.copysign" Binary64
            0xa7 I32_WRAP_I64 "i32.wrap_i64" Unary
            0xa8 I32_TRUNC_F32_S "i32.trunc_f32_s" Unary
            0xa9 I32_TRUNC_F32_U "i32.trunc_f32_u" Unary
            0xaa I32_TRUNC_F64_S "i32.trunc_f64_s" Unary
            0xab I32_TRUNC_F64_U "i32.trunc_f64_u" Unary
            0xac I64_EXTEND_I32_S "i64.extend_i32_s" Unary
            0xad I64_EXTEND_I32_U "i64.extend_i32_u" Unary
            0xae I64_TRUNC_F32_S "i64.trunc_f32_s" Unary
            0xaf I64_TRUNC_F32_U "i64.trunc_f32_u" Unary
            0xb0 I64_TRUNC_F64_S "i64.trunc_f64_s" Unary
            0xb1 I64_TRUNC_F64_U "i64.trunc_f64_u" Unary
            0xb2 F32_CONVERT_I32_S "f32.convert_i32_s" Unary
            0xb3 F32_CONVERT_I32_U "f32.convert_i32_u" Unary
            0xb4 F32_CONVERT_I64_S "f32.convert_i64_s" Unary
            0xb5 F32_CONVERT_I64_U "f32.convert_i64_u" Unary
            0xb6 F32_DEMOTE_F64 "f32.demote_f64" Unary
            0xb7 F64_CONVERT_I32_S "f64.convert_i32_s" Unary
            0xb8 F64_CONVERT_I32_U "f64.convert_i32_u" Unary
            0xb9 F64_CONVERT_I64_S "f64.convert_i64_s" Unary
            0xba F64_CONVERT_I64_U "f64.convert_i64_u" Unary
            0xbb F64_PROMOTE_F32 "f64.promote_f32" Unary
            0xbc I32_REINTERPRET_F32 "i32.reinterpret_f32" Unary
            0xbd I64_REINTERPRET_F64 "i64.reinterpret_f64" Unary
            0xbe F32_REINTERPRET_I32 "f32.reinterpret_i32" Unary
            0xbf F64_REINTERPRET_I64 "f64.reinterpret_i64" Unary
            0xc0 I32_EXTEND8_S "i32.extend8_s" Unary
            0xc1 I32_EXTEND16_S "i32.extend16_s" Unary
            0xc2 I64_EXTEND8_S "i64.extend8_s" Unary
            0xc3 I64_EXTEND16_S "i64.extend16_s" Unary
            0xc4 I64_EXTEND32_S "i64.extend32_s" Unary
            0xd0 I32_TRUNC_SAT_F32_S "i32.trunc_sat_f32_s" Unary
            0xd1 I32_TRUNC_SAT_F32_U "i32.trunc_sat_f32_u" Unary
            0xd2 I32_TRUNC_SAT_F64_S "i32.trunc_sat_f64_s" Unary
            0xd3 I32_TRUNC_SAT_F64_U "i32.trunc_sat_f64_u" Unary
            0xd4 I64_TRUNC_SAT_F32_S "i64.trunc_sat_f32_s" Unary
            0xd5 I64_TRUNC_SAT_F32_U "i64.trunc_sat_f32_u" Unary
            0xd6 I64_TRUNC_SAT_F64_S "i64.trunc_sat_f64_s" Unary
            0xd7 I64_TRUNC_SAT_F64_U "i64.trunc_sat_f64_u" Unary
        }
    };
}
#[cfg(feature = "std")]
pub(crate) use for_each_numeric;

macro_rules! numeric_table {
    ($($code:literal $constant:ident $name:literal $kind:ident)*) => {
        /// Numeric opcodes by name: WASM's own bytes, and 0xd0.. for its saturating conversions.
        #[allow(missing_docs)]
        pub mod num { $(pub const $constant: u16 = $code;)* }
        /// Numeric opcodes: (opcode, name, kind), ascending.
        pub const NUMERIC: &[(u16, &str, Numeric)] = &[$(($code, $name, Numeric::$kind)),*];
    };
}

for_each_numeric!(numeric_table);

macro_rules! form_table {
    ($($code:literal $constant:ident $name:literal $fields:literal $slots:ident $imm:expr;)*) => {
        /// The other opcodes by name.
        #[allow(missing_docs)]
        pub mod op { $(pub const $constant: u16 = $code;)* }
        /// The other opcodes: (opcode, name, form), ascending.
        pub const FORMS: &[(u16, &str, Form)] = &[$(($code, $name, form($fields, Slots::$slots, $imm))),*];
    };
}

form_table! {
    0x28 I32_LOAD "i32.load" "da" DA WORD32;
    0x29 I64_LOAD "i64.load" "da" DA WORD32;
    0x2a F32_LOAD "f32.load" "da" DA WORD32;
    0x2b F64_LOAD "f64.load" "da" DA WORD32;
    0x2c I32_LOAD8_S "i32.load8_s" "da" DA WORD32;
    0x2d I32_LOAD8_U "i32.load8_u" "da" DA WORD32;
    0x2e I32_LOAD16_S "i32.load16_s" "da" DA WORD32;
    0x2f I32_LOAD16_U "i32.load16_u" "da" DA WORD32;
    0x30 I64_LOAD8_S "i64.load8_s" "da" DA WORD32;
    0x31 I64_LOAD8_U "i64.load8_u" "da" DA WORD32;
    0x32 I64_LOAD16_S "i64.load16_s" "da" DA WORD32;
    0x33 I64_LOAD16_U "i64.load16_u" "da" DA WORD32;
    0x34 I64_LOAD32_S "i64.load32_s" "da" DA WORD32;
    0x35 I64_LOAD32_U "i64.load32_u" "da" DA WORD32;
    0x36 I32_STORE "i32.store" "ab" AB WORD32;
    0x37 I64_STORE "i64.store" "ab" AB WORD32;
    0x38 F32_STORE "f32.store" "ab" AB WORD32;
    0x39 F64_STORE "f64.store" "ab" AB WORD32;
    0x3a I32_STORE8 "i32.store8" "ab" AB WORD32;
    0x3b I32_STORE16 "i32.store16" "ab" AB WORD32;
    0x3c I64_STORE8 "i64.store8" "ab" AB WORD32;
    0x3d I64_STORE16 "i64.store16" "ab" AB WORD32;
    0x3e I64_STORE32 "i64.store32" "ab" AB WORD32;
    0x0401 TRAP "trap" "" None Some(11);
    0x0402 FUEL "fuel" "" None ANY;
    0x0403 JUMP "jump" "" None ANY;
    0x0404 BR_TABLE "br_table" "a" A WORD32;
    0x0405 ENTER "enter" "ab" None ANY;
    0x0406 CLEAR "clear" "ab" Range NO;
    0x0407 CALL "call" "da" Link WORD32;
    0x0408 CALL_INDIRECT "call_indirect" "dab" BLink ANY;
    0x0409 RETURN "return" "a" A NO;
    0x040a EXIT "exit" "a" A NO;
    0x040b CHARGE "charge" "a" A Some(32);
    0x0410 CONST "const" "d" D ANY;
    0x0411 COPY "copy" "da" DA NO;
    0x0412 SELECT "select" "dab" DABImm Some(1 << 16);
    0x0413 SYSTEM_GET "system.get" "d" D SYSTEM_WORDS;
    0x0414 SYSTEM_SET "system.set" "a" A SYSTEM_WORDS;
    0x0420 MEMORY_SIZE "memory.size" "d" D NO;
    0x0421 MEMORY_GROW "memory.grow" "da" DA Some(65537);
    0x0422 MEMORY_COPY "memory.copy" "a" Triple NO;
    0x0423 MEMORY_FILL "memory.fill" "a" Triple NO;
    0x0424 MEMORY_INIT "memory.init" "a" Triple WORD32;
    0x0430 TABLE_GET "table.get" "da" DA WORD32;
    0x0431 TABLE_SET "table.set" "ab" AB WORD32;
    0x0432 TABLE_GROW "table.grow" "da" DTriple ANY;
    0x0433 TABLE_FILL "table.fill" "a" Triple WORD32;
    0x0434 TABLE_COPY "table.copy" "a" Triple ANY;
    0x0435 TABLE_INIT "table.init" "a" Triple ANY;
    0x0440 INPUT_SIZE "input.size" "d" D NO;
    0x0441 INPUT_BEGIN "input.begin" "a" Quad NO;
    0x0442 INPUT_COPY "input.copy" "a" Triple NO;
    0x0443 OUTPUT_WRITE "output.write" "a" Pair NO;
}

/// The numeric kind of a base opcode below 0x100, if it is numeric.
pub fn numeric_kind(base: u16) -> Option<Numeric> {
    let at = NUMERIC.binary_search_by_key(&base, |entry| entry.0).ok()?;
    Some(NUMERIC[at].2)
}

/// The form of an opcode, families included; `None` if it is undefined.
pub fn form_of(opcode: u16) -> Option<Form> {
    if let Ok(at) = FORMS.binary_search_by_key(&opcode, |entry| entry.0) {
        return Some(FORMS[at].2);
    }
    let kind = numeric_kind(opcode & 0xff)?;
    match (opcode & 0xff00, kind) {
        (0, Numeric::Unary) => Some(form("da", Slots::DA, NO)),
        (0, _) => Some(form("dab", Slots::DAB, NO)),
        (IMMEDIATE, Numeric::Binary32 | Numeric::Compare32) => Some(form("da", Slots::DA, WORD32)),
        (IMMEDIATE, Numeric::Binary64 | Numeric::Compare64) => Some(form("da", Slots::DA, ANY)),
        (BRANCH, Numeric::Compare32 | Numeric::Compare64) => Some(form("ab", Slots::AB, ANY)),
        (BRANCH_IMMEDIATE, Numeric::Compare32 | Numeric::Compare64) => Some(form("ab", Slots::A, ANY)),
        _ => None,
    }
}

/// The name of an opcode as the specification and the disassembly write it.
pub fn name_of(opcode: u16) -> Option<String> {
    if let Ok(at) = FORMS.binary_search_by_key(&opcode, |entry| entry.0) {
        return Some(FORMS[at].1.into());
    }
    form_of(opcode)?;
    let at = NUMERIC.binary_search_by_key(&(opcode & 0xff), |entry| entry.0).ok()?;
    let name = NUMERIC[at].1;
    Some(match opcode & 0xff00 {
        IMMEDIATE => format!("{name}_imm"),
        BRANCH => format!("br.{name}"),
        BRANCH_IMMEDIATE => format!("br.{name}_imm"),
        _ => name.into(),
    })
}

/// Whether the fields of an instruction are as its form says: defined opcode, unused fields zero, immediate in range.
pub fn is_well_formed(instruction: &Instruction) -> bool {
    let Some(form) = form_of(instruction.opcode) else { return false };
    let fields_ok = (form.fields.d || instruction.d == 0)
        && (form.fields.a || instruction.a == 0)
        && (form.fields.b || instruction.b == 0);
    let imm_ok = match form.imm_end {
        None => true,
        Some(0) => instruction.imm == 0,
        Some(end) => instruction.imm < end,
    };
    let own_ok = match instruction.opcode {
        op::TRAP => instruction.imm != 0,
        op::ENTER => instruction.b <= 32 && (instruction.b != 0 || instruction.a == 0),
        op::CLEAR => (1..=32).contains(&instruction.b),
        _ => true,
    };
    fields_ok && imm_ok && own_ok
}
