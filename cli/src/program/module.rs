//! What can be read off a module without admitting it: imports, functions, names.
//!
//! Names are anybody's, of any length and any characters. They are cut here; who shows them on a terminal escapes them.
//!
//! A module that can't be parsed further gives what was read so far; why it is refused is admission's to say.

use std::collections::BTreeMap;

use serde::Serialize;
use wasmparser::{KnownCustom, Name, Parser, Payload};

/// Most characters of a name that are told.
const NAME_CHARACTERS_MAX: usize = 128;

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
                    self.imports.push(format!("{} {}", cut(import.module), cut(import.name)));
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
                            self.names.extend(named.map(|naming| (naming.index, cut(naming.name))));
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Whose code the lowered function of this index is: the module's functions come first, in their order. The name is
    /// cut and not escaped.
    pub fn name_of(&self, function: usize) -> String {
        if function >= self.functions as usize {
            return "(linked in)".into();
        }
        let index = function as u32 + self.functions_imported;
        self.names.get(&index).cloned().unwrap_or_else(|| format!("function {index}"))
    }
}

/// As much of a name as is told.
fn cut(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{NAME_CHARACTERS_MAX, cut};

    #[test]
    fn names_are_cut_between_characters() {
        let longest = "é".repeat(NAME_CHARACTERS_MAX);
        assert_eq!((cut("").as_str(), cut(&longest)), ("", longest.clone()));
        assert_eq!(cut(&format!("{longest}n")), format!("{longest}…"));
    }
}
