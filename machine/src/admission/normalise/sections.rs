//! The sections around the code: globals, exports, elements, tables, memory, data.
//!
//! Every constant is folded and every reference renumbered here; active segments are held to the initial sizes.

use wasm_encoder::{
    ConstExpr, DataSection, ElementSection, Elements, ExportKind, ExportSection, GlobalSection, MemorySection,
    MemoryType, RefType, TableSection, TableType,
};
use wasmparser::{DataKind, ElementItems, ElementKind, ExternalKind};

use super::numbering::{Writer, value_type};
use crate::admission::constant::{Constant, fold, fold_offset};
use crate::admission::link::Linked;
use crate::admission::survey::{Survey, element_items};
use crate::admission::{AdmissionError, ENTRY_EXPORT, Limit, MEMORY_EXPORT, Mode};

const PAGE_BYTES: u64 = 65536;

impl Writer {
    pub(super) fn globals(&mut self, linked: &Linked<'_>) -> Result<GlobalSection, AdmissionError> {
        let mut section = GlobalSection::new();
        for global in linked.program.globals.clone().into_iter().flatten() {
            let global = global?;
            let value = fold(&global.init_expr)?;
            section.global(global_type(global.ty), &self.constant(value));
        }
        for adapter in &linked.adapters {
            for (global, index) in adapter.survey.globals.clone().into_iter().flatten().zip(0..) {
                let global = global?;
                if !adapter.reached_globals.contains(&index) {
                    continue;
                }
                let value = fold(&global.init_expr)?;
                if let Constant::Function(_) = value {
                    let message = "wanted functions that are only called".into();
                    return Err(AdmissionError::Adapter { module: adapter.module.into(), message });
                }
                section.global(global_type(global.ty), &self.constant(value));
            }
        }
        Ok(section)
    }

    /// The exports that stay, and whether one of them has the entry's name.
    pub(super) fn exports(
        &mut self,
        program: &Survey<'_>,
        mode: Mode,
    ) -> Result<(ExportSection, bool), AdmissionError> {
        let (mut section, mut entry_name_taken) = (ExportSection::new(), false);
        if mode == Mode::Program {
            section.export(MEMORY_EXPORT, ExportKind::Memory, 0);
            return Ok((section, entry_name_taken));
        }
        for export in program.exports.clone().into_iter().flatten() {
            let export = export?;
            entry_name_taken |= export.name == ENTRY_EXPORT;
            let (kind, index) = match export.kind {
                ExternalKind::Func | ExternalKind::FuncExact => {
                    let function = self.reference(export.index);
                    self.declared[function as usize] = true;
                    (ExportKind::Func, function)
                }
                ExternalKind::Table => (ExportKind::Table, export.index),
                ExternalKind::Memory => (ExportKind::Memory, export.index),
                ExternalKind::Global => (ExportKind::Global, export.index),
                // Tags are refused with their proposal.
                ExternalKind::Tag => continue,
            };
            section.export(export.name, kind, index);
        }
        Ok((section, entry_name_taken))
    }

    pub(super) fn elements(&mut self, program: &Survey<'_>) -> Result<ElementSection, AdmissionError> {
        let mut section = ElementSection::new();
        for (element, segment) in program.elements.clone().into_iter().flatten().zip(0..) {
            let element = element?;
            let count = element_items(&element.items);
            let items = self.element_items(element.items)?;
            match element.kind {
                ElementKind::Passive => section.passive(items),
                ElementKind::Declared => section.declared(items),
                ElementKind::Active { table_index, offset_expr } => {
                    let offset = fold_offset(&offset_expr)?;
                    let table = table_index.unwrap_or(0);
                    let wanted = program.tables[table as usize].initial;
                    let got = u64::from(offset) + u64::from(count);
                    if got > wanted {
                        return Err(AdmissionError::ElementsOutOfBounds { segment, got, wanted });
                    }
                    // Table 0 has a shorter encoding of its own; one meaning, one encoding.
                    let table = (table != 0).then_some(table);
                    section.active(table, &ConstExpr::i32_const(offset.cast_signed()), items)
                }
            };
        }
        Ok(section)
    }

    fn element_items(&mut self, items: ElementItems<'_>) -> Result<Elements<'static>, AdmissionError> {
        Ok(match items {
            ElementItems::Functions(functions) => {
                let mut references = Vec::new();
                for function in functions {
                    let function = self.reference(function?);
                    self.declared[function as usize] = true;
                    references.push(function);
                }
                Elements::Functions(references.into())
            }
            ElementItems::Expressions(_, expressions) => {
                let mut constants = Vec::new();
                for expression in expressions {
                    let value = fold(&expression?)?;
                    constants.push(self.constant(value));
                }
                Elements::Expressions(RefType::FUNCREF, constants.into())
            }
        })
    }
}

/// Tables with their effective maximum: growing past it fails, as it may by the specification.
pub(super) fn tables(program: &Survey<'_>) -> TableSection {
    let mut section = TableSection::new();
    for table in &program.tables {
        let maximum = table.maximum.unwrap_or(u64::MAX).min(Limit::TableElements.bound());
        section.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: table.initial,
            maximum: Some(maximum),
            shared: false,
        });
    }
    section
}

/// The one memory, with its effective maximum; an empty one that cannot grow where the program has none.
pub(super) fn memory(program: &Survey<'_>) -> MemorySection {
    let (minimum, maximum) =
        program.memory.map_or((0, 0), |memory| (memory.initial, memory.maximum.unwrap_or(Limit::MemoryPages.bound())));
    let mut section = MemorySection::new();
    section.memory(MemoryType {
        minimum,
        maximum: Some(maximum),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    section
}

pub(super) fn data(program: &Survey<'_>) -> Result<DataSection, AdmissionError> {
    let wanted = program.memory.map_or(0, |memory| memory.initial * PAGE_BYTES);
    let mut section = DataSection::new();
    for (datum, segment) in program.data.clone().into_iter().flatten().zip(0..) {
        let datum = datum?;
        let bytes = datum.data.iter().copied();
        match datum.kind {
            DataKind::Passive => section.passive(bytes),
            DataKind::Active { memory_index, offset_expr } => {
                let offset = fold_offset(&offset_expr)?;
                let got = u64::from(offset) + datum.data.len() as u64;
                if got > wanted {
                    return Err(AdmissionError::DataOutOfBounds { segment, got, wanted });
                }
                section.active(memory_index, &ConstExpr::i32_const(offset.cast_signed()), bytes)
            }
        };
    }
    Ok(section)
}

fn global_type(ty: wasmparser::GlobalType) -> wasm_encoder::GlobalType {
    wasm_encoder::GlobalType { val_type: value_type(ty.content_type), mutable: ty.mutable, shared: false }
}
