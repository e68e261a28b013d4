//! Whether a module may have `spectest`'s memory and table for itself, without the script's telling the difference.
//!
//! In the suite all importers of a script share them. A module that has them for itself sees nothing of what the
//! others write, so this notes what every importer of the script may write, and who may read:
//!
//! ```text
//! segments     write their places, and need the size
//! code         reads contents or size, or may write anything, by the instructions that it has
//! an export    lets others do anything
//! ```
//!
//! A module gets them for itself if what earlier ones have written lies under its own segments, or if it does not read. Of
//! one that reads and has got them nothing is known from the next writer on.

use std::collections::BTreeSet;
use std::ops::Range;

use wasmparser::{ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, Operator, Parser, Payload, TypeRef};

use crate::spectest;

/// The two parts of `spectest`'s state that can change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Memory,
    Table,
}

/// What a module does to a part.
#[derive(Default)]
struct Use {
    is_imported: bool,
    /// The bytes or elements that its active segments write.
    segments: Vec<Range<u64>>,
    /// Whether it may read the contents, or the size.
    reads: bool,
    measures: bool,
    /// Whether it may write anywhere, or grow.
    writes: bool,
}

/// What the modules of a script have done to a part.
#[derive(Default)]
struct Past {
    written: Vec<Range<u64>>,
    is_written_anywhere: bool,
    /// Modules that read it and have it for themselves.
    readers: BTreeSet<usize>,
}

/// What the modules of a script have done to both.
#[derive(Default)]
pub struct Sharing {
    memory: Past,
    table: Past,
}

impl Sharing {
    /// Whether this module, the next of its script, may have the memory and the table for itself.
    pub fn is_unseen(&self, wasm: &[u8]) -> bool {
        [(&self.memory, Part::Memory), (&self.table, Part::Table)].into_iter().all(|(past, part)| {
            let own = Use::of(wasm, part);
            let covers = |written: &Range<u64>| {
                own.segments.iter().any(|segment| segment.start <= written.start && written.end <= segment.end)
            };
            // Segments must fit the size, which only code changes.
            let depends = own.reads || own.measures || !own.segments.is_empty();
            let is_same_size = !past.is_written_anywhere || !depends;
            !own.is_imported || (is_same_size && (!own.reads || past.written.iter().all(covers)))
        })
    }

    /// Notes a module that is instantiated as number `at` of its script, with the memory and the table for itself if it is
    /// `alone`, and returns the modules whose state is no longer known.
    pub fn note(&mut self, at: usize, wasm: &[u8], alone: bool) -> BTreeSet<usize> {
        let mut changed = BTreeSet::new();
        for (past, part) in [(&mut self.memory, Part::Memory), (&mut self.table, Part::Table)] {
            let own = Use::of(wasm, part);
            if !own.is_imported {
                continue;
            }
            if own.writes || !own.segments.is_empty() {
                changed.extend(past.readers.iter().copied());
            }
            past.written.extend(own.segments);
            past.is_written_anywhere |= own.writes;
            if alone && (own.reads || own.measures) {
                past.readers.insert(at);
            }
        }
        changed
    }
}

impl Use {
    fn of(wasm: &[u8], part: Part) -> Self {
        let state = spectest::state_imports(wasm);
        let is_part = |ty: &TypeRef| match part {
            Part::Memory => matches!(ty, TypeRef::Memory(_)),
            Part::Table => matches!(ty, TypeRef::Table(_)),
        };
        let is_imported = state.iter().any(|import| import.module == spectest::NAME && is_part(&import.ty));
        let globals: Vec<_> = state.iter().filter(|import| matches!(import.ty, TypeRef::Global(_))).collect();
        // A segment's offset where it is known: a constant, or the host module's number.
        let offset = |expression: &ConstExpr<'_>| {
            let mut reader = expression.get_operators_reader();
            match (reader.read().ok()?, reader.is_end_then_eof()) {
                (Operator::I32Const { value }, true) => Some(u64::from(value.cast_unsigned())),
                (Operator::GlobalGet { global_index }, true) => {
                    let import = globals.get(global_index as usize)?;
                    let is_number = import.module == spectest::NAME && import.name == "global_i32";
                    is_number.then_some(u64::from(spectest::NUMBER.cast_unsigned()))
                }
                _ => None,
            }
        };
        let mut own = Self { is_imported, ..Self::default() };
        if is_imported {
            for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
                own.add(&payload, part, &offset);
            }
        }
        own
    }

    fn add(&mut self, payload: &Payload<'_>, part: Part, offset: &dyn Fn(&ConstExpr<'_>) -> Option<u64>) {
        match payload {
            Payload::ExportSection(section) => {
                let kind = if part == Part::Memory { ExternalKind::Memory } else { ExternalKind::Table };
                if section.clone().into_iter().flatten().any(|export| export.kind == kind) {
                    (self.reads, self.writes) = (true, true);
                }
            }
            Payload::DataSection(section) if part == Part::Memory => {
                for data in section.clone().into_iter().flatten() {
                    if let DataKind::Active { offset_expr, .. } = data.kind {
                        self.segment(offset(&offset_expr), data.data.len() as u64);
                    }
                }
            }
            Payload::ElementSection(section) if part == Part::Table => {
                for element in section.clone().into_iter().flatten() {
                    let count = match &element.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    };
                    if let ElementKind::Active { offset_expr, .. } = element.kind {
                        self.segment(offset(&offset_expr), count.into());
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader().into_iter().flatten().flatten() {
                    self.instruction(&operator, part);
                }
            }
            _ => {}
        }
    }

    /// A segment of the part, or of another memory or table, which does no harm. At an offset that is not known it may be
    /// anywhere.
    fn segment(&mut self, offset: Option<u64>, length: u64) {
        match offset {
            Some(start) => self.segments.push(start..start + length),
            None => (self.measures, self.writes) = (true, true),
        }
    }

    /// An instruction, by its name: all that is about memory or tables and is not known to read may write.
    fn instruction(&mut self, operator: &Operator<'_>, part: Part) {
        let name = format!("{operator:?}");
        let name = name.split(' ').next().unwrap_or_default();
        let is_among = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let is_atomic = name.contains("Atomic");
        let (is_about, only_reads) = match part {
            Part::Memory => {
                (is_among(&["Load", "Store", "Memory", "Atomic"]), is_among(&["Load", "MemorySize"]) && !is_atomic)
            }
            Part::Table => {
                let reads = is_among(&["CallIndirect", "TableGet", "TableSize"]);
                (reads || (name.contains("Table") && name != "BrTable"), reads)
            }
        };
        let is_about_size = is_among(&["Size", "Grow"]);
        self.reads |= is_about && !is_about_size;
        self.measures |= is_about && is_about_size;
        self.writes |= is_about && !only_reads;
    }
}

#[test]
fn what_another_module_would_see_is_declined() {
    let module =
        |body: &str| wat::parse_str(format!(r#"(module (memory (import "spectest" "memory") 1) {body})"#)).unwrap();
    let loads = "(func (drop (i32.load (i32.const 0))))";
    let (silent, reader) = (module(""), module(loads));
    let writer = module(r#"(data (i32.const 4) "ab")"#);
    let covered = module(&format!(r#"(data (i32.const 3) "abcd") {loads}"#));
    let sizer = module("(func (drop (memory.size)))");
    let storer = module("(func (i32.store (i32.const 0) (i32.const 1)))");

    let mut sharing = Sharing::default();
    assert!(sharing.is_unseen(&reader));
    assert!(sharing.note(0, &reader, true).is_empty());
    assert_eq!(sharing.note(1, &writer, true), BTreeSet::from([0]), "the reader does not see what is written");
    assert!(!sharing.is_unseen(&reader), "it would not see what was written");
    for other in [&silent, &writer, &covered, &sizer] {
        assert!(sharing.is_unseen(other));
    }
    sharing.note(2, &storer, true);
    assert!(sharing.is_unseen(&silent));
    for other in [&reader, &writer, &covered, &sizer] {
        assert!(!sharing.is_unseen(other), "code may have written anywhere");
    }
}
