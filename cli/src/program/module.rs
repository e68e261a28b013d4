//! What can be read off a module without admitting it: imports, functions, names.
//!
//! Names are anybody's: what a terminal would take for an order is escaped.
//!
//! A module that can't be parsed further gives what was read so far; why it is refused is admission's to say.

use std::collections::BTreeMap;

use serde::Serialize;
use wasmparser::{KnownCustom, Name, Parser, Payload};

/// The facts.
#[derive(Default, Serialize)]
pub struct ModuleFacts {
    /// Bytes of the module.
    pub size: usize,
    /// Imports, as `module name`.
    pub imports: Vec<String>,
    /// Functions that it defines.
    pub functions: u32,
    /// Data segments.
    pub data_segments: u32,
    /// Names of functions by index, imports counted first.
    #[serde(skip)]
    pub names: BTreeMap<u32, String>,
    /// Imported functions.
    #[serde(skip)]
    pub functions_imported: u32,
}

impl ModuleFacts {
    /// Reads a module as far as it can be read.
    pub fn of(wasm: &[u8]) -> Self {
        let mut facts = Self { size: wasm.len(), ..Self::default() };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload {
                Ok(payload) => facts.read(payload),
                Err(_) => break,
            }
        }
        facts
    }

    fn read(&mut self, payload: Payload<'_>) {
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports().map_while(Result::ok) {
                    let (module, name) = (import.module.escape_debug(), import.name.escape_debug());
                    self.imports.push(format!("{module} {name}"));
                    self.functions_imported += u32::from(matches!(import.ty, wasmparser::TypeRef::Func(_)));
                }
            }
            Payload::FunctionSection(functions) => self.functions = functions.count(),
            Payload::DataSection(data) => self.data_segments = data.count(),
            Payload::CustomSection(custom) => {
                if let KnownCustom::Name(names) = custom.as_known() {
                    for subsection in names.into_iter().map_while(Result::ok) {
                        if let Name::Function(functions) = subsection {
                            let named = functions.into_iter().map_while(Result::ok);
                            self.names
                                .extend(named.map(|naming| (naming.index, naming.name.escape_debug().to_string())));
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Whose code the lowered function of this index is: the module's functions come first, in their order.
    pub fn name_of(&self, function: usize) -> String {
        if function >= self.functions as usize {
            return "(linked in)".into();
        }
        let index = function as u32 + self.functions_imported;
        self.names.get(&index).cloned().unwrap_or_else(|| format!("function {index}"))
    }
}
