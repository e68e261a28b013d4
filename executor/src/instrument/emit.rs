//! The output of the walk over a body: instructions, scratch locals, and the finished bytes.

use std::collections::BTreeMap;

use wasm_encoder::reencode::Reencode;
use wasm_encoder::{BlockType, BranchHint, Encode, Ieee32, Ieee64, InstructionSink};
use wasmparser::{Operator, ValType};

use super::InstrumentError;
use super::floats::{CANONICAL_F32, CANONICAL_F64};
use super::types::Indices;

/// An instrumented body.
pub(super) struct Body {
    /// Its bytes, locals first.
    pub bytes: Vec<u8>,
    /// What is known of its branches, by offset from its first byte.
    pub hints: Vec<BranchHint>,
}

/// An instrumented body while it grows.
pub(super) struct Emitter {
    bytes: Vec<u8>,
    hints: Vec<BranchHint>,
    indices: Indices,
    /// First scratch local.
    first_scratch: u32,
    /// Types of the scratch locals.
    scratch: Vec<ValType>,
    /// Scratch locals of each type.
    by_type: BTreeMap<ValType, Vec<u32>>,
}

impl Emitter {
    /// An empty body; scratch locals are numbered from `first_scratch`.
    pub fn new(indices: Indices, first_scratch: u32) -> Self {
        Self {
            bytes: Vec::new(),
            hints: Vec::new(),
            indices,
            first_scratch,
            scratch: Vec::new(),
            by_type: BTreeMap::new(),
        }
    }

    /// Where instructions are appended.
    pub fn code(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.bytes)
    }

    /// Says that the conditional branch to be appended next is nearly always, or hardly ever, taken.
    pub fn expect_branch(&mut self, taken: bool) {
        let branch_func_offset = self.bytes.len() as u32;
        self.hints.push(BranchHint { branch_func_offset, branch_hint_value: u32::from(taken) });
    }

    /// Appends an operator with its indices mapped.
    ///
    /// # Errors
    /// [`InstrumentError::Encode`] if it has no encoding.
    pub fn operator(&mut self, operator: Operator<'_>) -> Result<(), InstrumentError> {
        self.indices.instruction(operator)?.encode(&mut self.bytes);
        Ok(())
    }

    /// A scratch local of a type, always the same.
    pub fn scratch(&mut self, ty: ValType) -> u32 {
        self.nth_scratch(ty, 0)
    }

    /// A scratch local for each of these types.
    pub fn scratch_for(&mut self, types: impl Iterator<Item = ValType>) -> Vec<u32> {
        let mut used: BTreeMap<ValType, usize> = BTreeMap::new();
        types
            .map(|ty| {
                let used = used.entry(ty).or_default();
                *used += 1;
                self.nth_scratch(ty, *used - 1)
            })
            .collect()
    }

    fn nth_scratch(&mut self, ty: ValType, nth: usize) -> u32 {
        let of_type = self.by_type.entry(ty).or_default();
        while of_type.len() <= nth {
            of_type.push(self.first_scratch + self.scratch.len() as u32);
            self.scratch.push(ty);
        }
        of_type[nth]
    }

    /// Replaces the NaN on top of the stack, if it is one, by the canonical NaN.
    pub fn canonicalise(&mut self, ty: ValType) {
        let scratch = self.scratch(ty);
        self.code().local_set(scratch);
        self.get_canonical(ty, scratch);
    }

    /// Pushes the value of a scratch local, a NaN as the canonical NaN. A branch, since NaNs are rare, and on a
    /// comparison that is one flag: a number is at least itself.
    pub fn get_canonical(&mut self, ty: ValType, scratch: u32) {
        let is_f32 = ty == ValType::F32;
        let mut code = self.code();
        code.block(BlockType::Empty).local_get(scratch).local_get(scratch);
        if is_f32 {
            code.f32_ge()
        } else {
            code.f64_ge()
        };
        self.expect_branch(true);
        let mut code = self.code();
        code.br_if(0);
        if is_f32 {
            code.f32_const(Ieee32::new(CANONICAL_F32));
        } else {
            code.f64_const(Ieee64::new(CANONICAL_F64));
        }
        code.local_set(scratch).end().local_get(scratch);
    }

    /// The body's bytes: the locals given as (count, type), the scratch locals, the instructions.
    ///
    /// # Errors
    /// [`InstrumentError::Encode`] if a type has no encoding.
    pub fn finish(mut self, locals: &[(u32, ValType)]) -> Result<Body, InstrumentError> {
        let mut indices = self.indices;
        let scratch = self.scratch.iter().map(|ty| (1, *ty));
        let mut body = Vec::with_capacity(self.bytes.len() + 16);
        (locals.len() + self.scratch.len()).encode(&mut body);
        for (count, ty) in locals.iter().copied().chain(scratch) {
            count.encode(&mut body);
            indices.val_type(ty)?.encode(&mut body);
        }
        for hint in &mut self.hints {
            hint.branch_func_offset += body.len() as u32;
        }
        body.extend(self.bytes);
        Ok(Body { bytes: body, hints: self.hints })
    }
}
