//! Decides who answers each import, and which parts of the adapters come along.
//!
//! Owns names and signatures: the host interface, and the modules that are linked in. An adapter is a module of
//! functions and globals that works on its importer's memory and calls the host; what the program does not reach of it
//! is left out. Never encodes anything: [`super::normalise`] does.

use std::collections::BTreeSet;

use wasmparser::{ExternalKind, FuncType, Operator, TypeRef, ValType};

use super::proposals::ADMITTED;
use super::survey::{Survey, survey};
use super::{AdmissionError, HOST_MODULE};

/// Names and signatures of the host functions, in the order of their indices.
pub(super) fn host_functions() -> [(&'static str, FuncType); 4] {
    use ValType::{I32, I64};
    [
        ("input_size", FuncType::new([], [I64])),
        ("input_read", FuncType::new([I32, I64, I32], [I32])),
        ("output_write", FuncType::new([I32, I32], [])),
        ("exit", FuncType::new([I32], [])),
    ]
}

/// Who answers an imported function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A host function, by index.
    Host(u32),
    /// A function of an adapter, by the adapter's place in the list and the index that it has in that adapter.
    Adapter { adapter: usize, function: u32 },
}

/// A module to link in.
pub(super) struct Adapter<'a> {
    /// The module name under which programs import from it.
    pub module: &'a str,
    pub survey: Survey<'a>,
    /// Which host function each of its imported functions is.
    imports: Vec<u32>,
    /// The defined functions that the program reaches, by the adapter's own indices.
    pub reached_functions: BTreeSet<u32>,
    /// The globals that those functions use.
    pub reached_globals: BTreeSet<u32>,
}

/// A program and all that answers its imports.
pub(super) struct Linked<'a> {
    pub program: Survey<'a>,
    /// One for each imported function of the program.
    pub targets: Vec<Target>,
    pub adapters: Vec<Adapter<'a>>,
}

/// Resolves every import of `program` against the host and `adapters`, given by import name and bytes.
pub(super) fn link<'a>(program: Survey<'a>, adapters: &[(&'a str, &'a [u8])]) -> Result<Linked<'a>, AdmissionError> {
    let mut linked = Linked { targets: Vec::new(), adapters: Vec::new(), program };
    for at in 0..linked.program.imports.len() {
        let (_, import) = linked.program.imports[at];
        let TypeRef::Func(ty) = import.ty else {
            continue;
        };
        let unknown = || AdmissionError::UnknownImport { module: import.module.into(), name: import.name.into() };
        let (target, wanted) = if import.module == HOST_MODULE {
            host(import.name).ok_or_else(unknown)?
        } else {
            let place = adapters.iter().position(|(module, _)| *module == import.module).ok_or_else(unknown)?;
            let adapter = linked.adapter(adapters[place])?;
            linked.adapters[adapter]
                .exported(import.name)?
                .map(|(function, ty)| (Target::Adapter { adapter, function }, ty))
                .ok_or_else(unknown)?
        };
        signature(import.module, import.name, &linked.program.types[ty as usize], &wanted)?;
        linked.targets.push(target);
    }
    for &target in &linked.targets {
        if let Target::Adapter { adapter, function } = target {
            linked.adapters[adapter].reach(function)?;
        }
    }
    Ok(linked)
}

fn host(name: &str) -> Option<(Target, FuncType)> {
    let functions = host_functions().into_iter().zip(0..);
    functions.into_iter().find(|((known, _), _)| *known == name).map(|((_, ty), index)| (Target::Host(index), ty))
}

fn signature(module: &str, name: &str, got: &FuncType, wanted: &FuncType) -> Result<(), AdmissionError> {
    if got == wanted {
        return Ok(());
    }
    let (got, wanted) = (describe(got), describe(wanted));
    Err(AdmissionError::ImportSignature { module: module.into(), name: name.into(), got, wanted })
}

/// A signature as the specification writes it.
pub(super) fn describe(ty: &FuncType) -> String {
    let list = |types: &[ValType]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    format!("[{}] -> [{}]", list(ty.params()), list(ty.results()))
}

impl<'a> Linked<'a> {
    /// The place of an adapter in the list, reading it when it is first used.
    fn adapter(&mut self, (module, wasm): (&'a str, &'a [u8])) -> Result<usize, AdmissionError> {
        if let Some(place) = self.adapters.iter().position(|adapter| adapter.module == module) {
            return Ok(place);
        }
        self.adapters.push(Adapter::read(module, wasm)?);
        Ok(self.adapters.len() - 1)
    }
}

impl<'a> Adapter<'a> {
    fn read(module: &'a str, wasm: &'a [u8]) -> Result<Self, AdmissionError> {
        let refuse = |message: String| AdmissionError::Adapter { module: module.into(), message };
        let survey = survey(wasm, ADMITTED, 0).map_err(|failure| refuse(failure.error.to_string()))?;
        let mut imports = Vec::new();
        for (_, import) in &survey.imports {
            match import.ty {
                // The importer's memory may be smaller than any minimum, so that none may be asked for.
                TypeRef::Memory(memory) if memory.initial == 0 && memory.maximum.is_none() => {}
                TypeRef::Func(ty) if import.module == HOST_MODULE => {
                    let (target, wanted) =
                        host(import.name).ok_or_else(|| refuse(format!("unknown host function `{}`", import.name)))?;
                    signature(module, import.name, &survey.types[ty as usize], &wanted)?;
                    if let Target::Host(index) = target {
                        imports.push(index);
                    }
                }
                _ => {
                    return Err(refuse(format!("import `{}` `{}`", import.module, import.name)));
                }
            }
        }
        let state = survey.memory.is_some() || !survey.tables.is_empty() || survey.start.is_some();
        if state || survey.elements.is_some() || survey.data.is_some() || survey.data_count.is_some() {
            return Err(refuse("wanted functions and globals only".into()));
        }
        let (reached_functions, reached_globals) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self { module, survey, imports, reached_functions, reached_globals })
    }

    /// The host function behind one of the adapter's own imported functions.
    pub fn host(&self, function: u32) -> Option<u32> {
        self.imports.get(function as usize).copied()
    }

    /// A function that the adapter exports under `name`, and its type.
    pub(super) fn exported(&self, name: &str) -> Result<Option<(u32, FuncType)>, AdmissionError> {
        for export in self.survey.exports.clone().into_iter().flatten() {
            let export = export?;
            if export.name != name || export.kind != ExternalKind::Func {
                continue;
            }
            if self.host(export.index).is_some() {
                let message = format!("`{name}` is an import that is exported again");
                return Err(AdmissionError::Adapter { module: self.module.into(), message });
            }
            let ty = self.survey.functions[export.index as usize];
            return Ok(Some((export.index, self.survey.types[ty as usize].clone())));
        }
        Ok(None)
    }

    /// Marks a function, and all that it calls and uses, as part of the program.
    fn reach(&mut self, function: u32) -> Result<(), AdmissionError> {
        let mut pending = vec![function];
        while let Some(function) = pending.pop() {
            if self.host(function).is_some() || !self.reached_functions.insert(function) {
                continue;
            }
            let body = &self.survey.bodies[function as usize - self.survey.functions_imported];
            for operator in body.get_operators_reader()? {
                match operator? {
                    Operator::Call { function_index } => pending.push(function_index),
                    Operator::RefFunc { .. } => {
                        let message = "wanted functions that are only called".into();
                        return Err(AdmissionError::Adapter { module: self.module.into(), message });
                    }
                    Operator::GlobalGet { global_index } | Operator::GlobalSet { global_index } => {
                        self.reached_globals.insert(global_index);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
