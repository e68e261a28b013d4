//! A normalised module, parsed into what lowering needs: types, functions, tables, globals and segments.
//!
//! Assumes the contract of `admission`: the module is valid, its imports are the four host functions in order, it has
//! no start section. It never validates; a broken promise of `admission` is a [`LowerError::Module`].

use alloc::collections::BTreeMap;

use wasmparser::{
    CompositeInnerType, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, FunctionBody, Operator, Parser,
    Payload, TypeRef, ValType,
};

use super::{HOST_FUNCTIONS, LowerError};

/// Parameters and results of a function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature {
    /// Parameter types.
    pub params: Vec<ValType>,
    /// Result types.
    pub results: Vec<ValType>,
}

impl Signature {
    /// The frame's link slot: behind the parameters and the results.
    pub fn link_slot(&self) -> usize {
        self.params.len().max(self.results.len())
    }
}

/// The value of a constant expression, before functions have addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constant {
    /// A number, or 0 for a null reference.
    Word(u64),
    /// A reference to a function.
    Function(u32),
}

/// A table with its limits.
#[derive(Clone, Debug)]
pub struct Table {
    /// Entries at boot.
    pub initial: u32,
    /// Entries that `table.grow` may reach.
    pub maximum: u32,
}

/// A global variable.
#[derive(Clone, Debug)]
pub struct Global {
    /// Whether `global.set` may change it.
    pub mutable: bool,
    /// Its value at boot.
    pub value: Constant,
    /// Its type.
    pub ty: ValType,
}

/// Where an active segment goes: a table or memory, and an offset in units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentMode {
    /// Copied at boot to this table (0 for memory) and offset, then dropped.
    Active(u32, u32),
    /// Kept for `memory.init` and `table.init`.
    Passive,
    /// Only declares references; dropped at boot.
    Declared,
}

/// An element segment.
#[derive(Clone, Debug)]
pub struct ElementSegment {
    /// How it is used.
    pub mode: SegmentMode,
    /// The references.
    pub items: Vec<Constant>,
}

/// A data segment.
#[derive(Clone, Debug)]
pub struct DataSegment<'a> {
    /// How it is used.
    pub mode: SegmentMode,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// What a name in the export section refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportItem {
    /// A function by index.
    Function(u32),
    /// A global by index.
    Global(u32),
}

/// A parsed normalised module.
pub struct Module<'a> {
    /// The module's bytes.
    pub bytes: &'a [u8],
    /// Types by index.
    pub types: Vec<Signature>,
    /// Structural type id by type index; ids start at 1 and count distinct signatures in order.
    pub type_ids: Vec<u32>,
    /// Type index by function index, imports first.
    pub functions: Vec<u32>,
    /// Tables by index.
    pub tables: Vec<Table>,
    /// Memory pages at boot and at most; (0, 0) without a memory.
    pub memory: (u32, u32),
    /// Globals by index.
    pub globals: Vec<Global>,
    /// Element segments by index.
    pub elements: Vec<ElementSegment>,
    /// Data segments by index.
    pub data: Vec<DataSegment<'a>>,
    /// Exported functions and globals by name.
    pub exports: BTreeMap<String, ExportItem>,
    /// Bodies of the functions that are not imported.
    pub bodies: Vec<FunctionBody<'a>>,
}

impl<'a> Module<'a> {
    /// Parses the module.
    ///
    /// # Errors
    /// [`LowerError::Module`] if the bytes break the contract of `admission`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, LowerError> {
        let mut module = Module {
            bytes,
            types: Vec::new(),
            type_ids: Vec::new(),
            functions: Vec::new(),
            tables: Vec::new(),
            memory: (0, 0),
            globals: Vec::new(),
            elements: Vec::new(),
            data: Vec::new(),
            exports: BTreeMap::new(),
            bodies: Vec::new(),
        };
        for payload in Parser::new(0).parse_all(bytes) {
            module.section(payload?)?;
        }
        module.number_types();
        Ok(module)
    }

    /// The signature of a function.
    pub fn signature(&self, function: u32) -> &Signature {
        &self.types[self.functions[function as usize] as usize]
    }

    fn section(&mut self, payload: Payload<'a>) -> Result<(), LowerError> {
        match payload {
            Payload::TypeSection(reader) => {
                for group in reader {
                    for ty in group?.into_types() {
                        let CompositeInnerType::Func(ty) = ty.composite_type.inner else {
                            return Err(LowerError::Module("a type is not a function type"));
                        };
                        self.types.push(Signature { params: ty.params().to_vec(), results: ty.results().to_vec() });
                    }
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    let TypeRef::Func(ty) = import?.ty else {
                        return Err(LowerError::Module("an import is not a function"));
                    };
                    self.functions.push(ty);
                }
                if self.functions.len() != HOST_FUNCTIONS as usize {
                    return Err(LowerError::Module("the imports are not the four host functions"));
                }
            }
            Payload::FunctionSection(reader) => {
                for ty in reader {
                    self.functions.push(ty?);
                }
            }
            Payload::TableSection(reader) => {
                for table in reader {
                    let table = table?;
                    let initial = table.ty.initial.min(u64::from(TABLE_ENTRIES_MAX)) as u32;
                    let maximum = table.ty.maximum.unwrap_or(u64::MAX).min(u64::from(TABLE_ENTRIES_MAX)) as u32;
                    self.tables.push(Table { initial, maximum });
                }
            }
            Payload::MemorySection(reader) => {
                for memory in reader {
                    let memory = memory?;
                    let maximum = memory.maximum.unwrap_or(u64::MAX).min(u64::from(crate::record::MEMORY_PAGES_MAX));
                    self.memory = (memory.initial as u32, maximum as u32);
                }
            }
            Payload::GlobalSection(reader) => {
                for global in reader {
                    let global = global?;
                    let value = self.constant(&global.init_expr)?;
                    self.globals.push(Global { mutable: global.ty.mutable, value, ty: global.ty.content_type });
                }
            }
            Payload::ExportSection(reader) => {
                for export in reader {
                    let export = export?;
                    let item = match export.kind {
                        ExternalKind::Func => ExportItem::Function(export.index),
                        ExternalKind::Global => ExportItem::Global(export.index),
                        _ => continue,
                    };
                    self.exports.insert(export.name.into(), item);
                }
            }
            Payload::ElementSection(reader) => {
                for element in reader {
                    let element = element?;
                    self.element(element)?;
                }
            }
            Payload::DataSection(reader) => {
                for data in reader {
                    let data = data?;
                    let mode = match data.kind {
                        DataKind::Passive => SegmentMode::Passive,
                        DataKind::Active { offset_expr, .. } => SegmentMode::Active(0, self.offset(&offset_expr)?),
                    };
                    self.data.push(DataSegment { mode, bytes: data.data });
                }
            }
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            _ => {}
        }
        Ok(())
    }

    fn element(&mut self, element: wasmparser::Element<'a>) -> Result<(), LowerError> {
        let mode = match element.kind {
            ElementKind::Passive => SegmentMode::Passive,
            ElementKind::Declared => SegmentMode::Declared,
            ElementKind::Active { table_index, offset_expr } => {
                SegmentMode::Active(table_index.unwrap_or(0), self.offset(&offset_expr)?)
            }
        };
        let mut items = Vec::new();
        match element.items {
            ElementItems::Functions(reader) => {
                for function in reader {
                    items.push(Constant::Function(function?));
                }
            }
            ElementItems::Expressions(_, reader) => {
                for expr in reader {
                    items.push(self.constant(&expr?)?);
                }
            }
        }
        self.elements.push(ElementSegment { mode, items });
        Ok(())
    }

    fn offset(&self, expr: &ConstExpr<'a>) -> Result<u32, LowerError> {
        match self.constant(expr)? {
            Constant::Word(word) => Ok(word as u32),
            Constant::Function(_) => Err(LowerError::Module("a segment's offset is a reference")),
        }
    }

    /// Evaluates a constant expression of the admitted kinds; its operand stack holds words.
    fn constant(&self, expr: &ConstExpr<'a>) -> Result<Constant, LowerError> {
        let mut stack: Vec<Constant> = Vec::new();
        for operator in expr.get_operators_reader() {
            let value = match operator? {
                Operator::I32Const { value } => Constant::Word(u64::from(value as u32)),
                Operator::I64Const { value } => Constant::Word(value as u64),
                Operator::F32Const { value } => Constant::Word(u64::from(value.bits())),
                Operator::F64Const { value } => Constant::Word(value.bits()),
                Operator::RefNull { .. } => Constant::Word(0),
                Operator::RefFunc { function_index } => Constant::Function(function_index),
                Operator::GlobalGet { global_index } => match self.globals.get(global_index as usize) {
                    Some(global) => global.value,
                    None => return Err(LowerError::Module("a constant names a later global")),
                },
                Operator::End => break,
                operator => {
                    let (Some(Constant::Word(b)), Some(Constant::Word(a))) = (stack.pop(), stack.pop()) else {
                        return Err(LowerError::Module("a constant expression lacks operands"));
                    };
                    Constant::Word(match operator {
                        Operator::I32Add => u64::from((a as u32).wrapping_add(b as u32)),
                        Operator::I32Sub => u64::from((a as u32).wrapping_sub(b as u32)),
                        Operator::I32Mul => u64::from((a as u32).wrapping_mul(b as u32)),
                        Operator::I64Add => a.wrapping_add(b),
                        Operator::I64Sub => a.wrapping_sub(b),
                        Operator::I64Mul => a.wrapping_mul(b),
                        _ => {
                            return Err(LowerError::Module(
                                "a constant expression has an operator that is not constant",
                            ));
                        }
                    })
                }
            };
            stack.push(value);
        }
        stack.pop().ok_or(LowerError::Module("a constant expression is empty"))
    }

    fn number_types(&mut self) {
        let mut ids: BTreeMap<&Signature, u32> = BTreeMap::new();
        for signature in &self.types {
            let next = ids.len() as u32 + 1;
            self.type_ids.push(*ids.entry(signature).or_insert(next));
        }
    }
}

/// Most entries of a table.
pub const TABLE_ENTRIES_MAX: u32 = 1 << 20;
