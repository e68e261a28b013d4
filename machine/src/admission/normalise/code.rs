//! The code: bodies with their indices rewritten, and the bodies that are synthesised.

use wasm_encoder::reencode::{Error as ReencodeError, Reencode, utils};
use wasm_encoder::{CodeSection, ElementSection, Elements, Function, Instruction};
use wasmparser::{FuncType, FunctionBody};

use super::numbering::{Renumbering, Writer};
use crate::admission::link::{Linked, host_functions};
use crate::admission::{AdmissionError, HOST_FUNCTIONS_COUNT};

/// The host function that ends a run.
const EXIT: u32 = HOST_FUNCTIONS_COUNT - 1;

impl Writer {
    pub(super) fn code(&mut self, linked: &Linked<'_>) -> Result<CodeSection, AdmissionError> {
        let mut section = CodeSection::new();
        for body in &linked.program.bodies {
            section.function(&BodyWriter { writer: self, adapter: None }.body(body)?);
        }
        for (place, adapter) in linked.adapters.iter().enumerate() {
            for &function in &adapter.reached_functions {
                let body = &adapter.survey.bodies[function as usize - adapter.survey.functions_imported];
                section.function(&BodyWriter { writer: self, adapter: Some(place) }.body(body)?);
            }
        }
        Ok(section)
    }

    /// The bodies of the wrappers: all parameters on, call, return what comes.
    pub(super) fn wrappers(&self, code: &mut CodeSection) {
        let hosts = host_functions();
        for &host in &self.wrapped {
            let mut function = Function::new([]);
            for param in 0..hosts[host as usize].1.params().len() as u32 {
                function.instruction(&Instruction::LocalGet(param));
            }
            function.instruction(&Instruction::Call(host)).instruction(&Instruction::End);
            code.function(&function);
        }
    }

    /// Bodies may only refer to functions that something outside of bodies mentions. What only a dropped export
    /// mentioned is mentioned here instead, in a segment behind all others.
    pub(super) fn declare(&self, elements: &mut ElementSection) {
        let both = self.referred.iter().zip(&self.declared).zip(0..);
        let undeclared: Vec<u32> =
            both.filter(|((referred, declared), _)| **referred && !**declared).map(|(_, index)| index).collect();
        if !undeclared.is_empty() {
            elements.declared(Elements::Functions(undeclared.into()));
        }
    }

    pub(super) fn entry(&mut self, code: &mut CodeSection, start: Option<u32>, start_export: Option<u32>) -> u32 {
        let index = HOST_FUNCTIONS_COUNT + self.functions.len();
        let ty = self.types.intern(&FuncType::new([], []));
        self.functions.function(ty);
        let mut function = Function::new([]);
        for called in [start, start_export].into_iter().flatten() {
            function.instruction(&Instruction::Call(self.program.functions[called as usize]));
        }
        function.instruction(&Instruction::I32Const(0)).instruction(&Instruction::Call(EXIT));
        function.instruction(&Instruction::End);
        code.function(&function);
        index
    }
}

/// Rewrites one body: every index by its module's renumbering, everything else as it is.
struct BodyWriter<'w> {
    writer: &'w mut Writer,
    /// The place of the adapter that the body is from, `None` for the program.
    adapter: Option<usize>,
}

impl BodyWriter<'_> {
    fn body(&mut self, body: &FunctionBody<'_>) -> Result<Function, AdmissionError> {
        let mut function = self.new_function_with_parsed_locals(body).map_err(unreadable)?;
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            function.instruction(&self.parse_instruction(&mut reader).map_err(unreadable)?);
        }
        Ok(function)
    }

    fn renumbering(&self) -> &Renumbering {
        self.adapter.map_or(&self.writer.program, |adapter| &self.writer.adapters[adapter])
    }
}

type Infallible = ReencodeError<std::convert::Infallible>;

impl Reencode for BodyWriter<'_> {
    type Error = std::convert::Infallible;

    /// Reached for calls only: references are taken out in [`Self::instruction`].
    fn function_index(&mut self, function: u32) -> Result<u32, Infallible> {
        Ok(self.renumbering().functions[function as usize])
    }

    fn type_index(&mut self, ty: u32) -> Result<u32, Infallible> {
        Ok(self.renumbering().types[ty as usize])
    }

    fn global_index(&mut self, global: u32) -> Result<u32, Infallible> {
        Ok(self.renumbering().globals[global as usize])
    }

    fn instruction<'a>(&mut self, operator: wasmparser::Operator<'a>) -> Result<Instruction<'a>, Infallible> {
        // Adapters hold no references: linking has refused them.
        if let wasmparser::Operator::RefFunc { function_index } = operator {
            let function = self.writer.reference(function_index);
            self.writer.referred[function as usize] = true;
            return Ok(Instruction::RefFunc(function));
        }
        utils::instruction(self, operator)
    }
}

/// A validated body is readable; should the two readers ever disagree, the module is refused rather than miswritten.
fn unreadable(error: Infallible) -> AdmissionError {
    match error {
        ReencodeError::ParseError(error) => error.into(),
        other => AdmissionError::Invalid { offset: 0, message: other.to_string() },
    }
}
