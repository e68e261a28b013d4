//! One numbering for all that is linked: which index a type, function or global of an input module gets.
//!
//! Owns the index spaces and the wrappers through which host functions are referred to. Never writes a body.

use std::collections::BTreeMap;

use wasm_encoder::{ConstExpr, EntityType, FunctionSection, HeapType, Ieee32, Ieee64, ImportSection, TypeSection};
use wasmparser::FuncType;

use crate::admission::constant::Constant;
use crate::admission::link::{Linked, Target, host_functions};
use crate::admission::{AdmissionError, HOST_FUNCTIONS_COUNT, HOST_MODULE};

/// The type section as it grows, and where each signature stands in it.
pub(super) struct Types {
    pub(super) section: TypeSection,
    pub(super) known: BTreeMap<FuncType, u32>,
}

impl Types {
    /// The program's types keep their indices, duplicates included.
    fn new(program: &[FuncType]) -> Self {
        let mut types = Self { section: TypeSection::new(), known: BTreeMap::new() };
        for ty in program {
            let index = types.push(ty);
            types.known.entry(ty.clone()).or_insert(index);
        }
        types
    }

    pub(super) fn intern(&mut self, ty: &FuncType) -> u32 {
        if let Some(&index) = self.known.get(ty) {
            return index;
        }
        let index = self.push(ty);
        self.known.insert(ty.clone(), index);
        index
    }

    fn push(&mut self, ty: &FuncType) -> u32 {
        let convert = |types: &[wasmparser::ValType]| types.iter().map(|&ty| value_type(ty)).collect::<Vec<_>>();
        self.section.ty().function(convert(ty.params()), convert(ty.results()));
        self.section.len() - 1
    }
}

/// How the indices of one input module read in the normalised one.
pub(super) struct Renumbering {
    pub(super) types: Vec<u32>,
    pub(super) functions: Vec<u32>,
    pub(super) globals: Vec<u32>,
}

pub(super) struct Writer {
    pub(super) types: Types,
    pub(super) imports: ImportSection,
    pub(super) functions: FunctionSection,
    pub(super) program: Renumbering,
    pub(super) adapters: Vec<Renumbering>,
    /// The function through which each host function is referred to, once it is.
    pub(super) wrappers: [Option<u32>; HOST_FUNCTIONS_COUNT as usize],
    /// Host functions in the order in which their wrappers are numbered.
    pub(super) wrapped: Vec<u32>,
    /// The types of the host functions.
    pub(super) host_types: [u32; HOST_FUNCTIONS_COUNT as usize],
    /// Functions that bodies refer to, and functions that something outside of bodies refers to, by new index.
    pub(super) referred: Vec<bool>,
    pub(super) declared: Vec<bool>,
}

impl Writer {
    pub(super) fn new(linked: &Linked<'_>) -> Result<Self, AdmissionError> {
        let program = &linked.program;
        let mut types = Types::new(&program.types);
        let (mut imports, mut functions) = (ImportSection::new(), FunctionSection::new());
        let host_types = host_functions().map(|(name, ty)| {
            let ty = types.intern(&ty);
            imports.import(HOST_MODULE, name, EntityType::Function(ty));
            ty
        });

        let mut next_function = HOST_FUNCTIONS_COUNT;
        let mut next_global = program.globals_count;
        let own: Vec<u32> = program.functions[program.functions_imported..].to_vec();
        let own_first = next_function;
        for &ty in &own {
            functions.function(ty);
            next_function += 1;
        }
        let mut adapters = Vec::new();
        for adapter in &linked.adapters {
            let survey = &adapter.survey;
            let adapter_types: Vec<u32> = survey.types.iter().map(|ty| types.intern(ty)).collect();
            // What is not reached has no number; nothing that is written refers to it.
            let mut renumbering = Renumbering {
                functions: vec![u32::MAX; survey.functions.len()],
                globals: vec![u32::MAX; survey.globals_count as usize],
                types: adapter_types,
            };
            for function in 0..survey.functions_imported as u32 {
                renumbering.functions[function as usize] = adapter.host(function).unwrap_or(u32::MAX);
            }
            for &function in &adapter.reached_functions {
                functions.function(renumbering.types[survey.functions[function as usize] as usize]);
                renumbering.functions[function as usize] = next_function;
                next_function += 1;
            }
            for &global in &adapter.reached_globals {
                renumbering.globals[global as usize] = next_global;
                next_global += 1;
            }
            adapters.push(renumbering);
        }
        let imported = linked.targets.iter().map(|target| match *target {
            Target::Host(index) => index,
            Target::Adapter { adapter, function } => adapters[adapter].functions[function as usize],
        });
        let program = Renumbering {
            types: (0..program.types.len() as u32).collect(),
            functions: imported.chain((own_first..).take(own.len())).collect(),
            globals: (0..program.globals_count).collect(),
        };
        let count = (next_function + HOST_FUNCTIONS_COUNT) as usize;
        Ok(Self {
            types,
            imports,
            functions,
            program,
            adapters,
            wrappers: [None; HOST_FUNCTIONS_COUNT as usize],
            wrapped: Vec::new(),
            host_types,
            referred: vec![false; count],
            declared: vec![false; count],
        })
    }

    /// The index that a reference to a function of the program has: never that of an import.
    pub(super) fn reference(&mut self, function: u32) -> u32 {
        let function = self.program.functions[function as usize];
        let Some(wrapper) = self.wrappers.get(function as usize).copied() else {
            return function;
        };
        if let Some(wrapper) = wrapper {
            return wrapper;
        }
        let index = HOST_FUNCTIONS_COUNT + self.functions.len();
        self.functions.function(self.host_types[function as usize]);
        self.wrappers[function as usize] = Some(index);
        self.wrapped.push(function);
        index
    }

    /// A constant of the program that stands outside of bodies.
    pub(super) fn constant(&mut self, constant: Constant) -> ConstExpr {
        match constant {
            Constant::I32(value) => ConstExpr::i32_const(value),
            Constant::I64(value) => ConstExpr::i64_const(value),
            Constant::F32(bits) => ConstExpr::f32_const(Ieee32::new(bits)),
            Constant::F64(bits) => ConstExpr::f64_const(Ieee64::new(bits)),
            Constant::Null => ConstExpr::ref_null(HeapType::FUNC),
            Constant::Function(function) => {
                let function = self.reference(function);
                self.declared[function as usize] = true;
                ConstExpr::ref_func(function)
            }
        }
    }
}

/// A value type of an admitted module.
pub(super) fn value_type(ty: wasmparser::ValType) -> wasm_encoder::ValType {
    match ty {
        wasmparser::ValType::I32 => wasm_encoder::ValType::I32,
        wasmparser::ValType::I64 => wasm_encoder::ValType::I64,
        wasmparser::ValType::F32 => wasm_encoder::ValType::F32,
        wasmparser::ValType::F64 => wasm_encoder::ValType::F64,
        wasmparser::ValType::V128 => wasm_encoder::ValType::V128,
        // Admission knows one reference type.
        wasmparser::ValType::Ref(_) => wasm_encoder::ValType::FUNCREF,
    }
}
