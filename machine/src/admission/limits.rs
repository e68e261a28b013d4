//! The limits of admission: one table of what is bounded, by how much, and under which name a refusal reports it.
//!
//! Assumes nothing. Never measures anything itself: [`super::survey`] counts and asks here.

/// Something an admitted module may have only so much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Bytes of the whole module.
    ModuleBytes,
    /// Entries of the type section.
    Types,
    /// Parameters and results of all types together.
    SignatureValues,
    /// Parameters of one function or block type.
    Params,
    /// Results of one function or block type.
    Results,
    /// Entries of the import section.
    Imports,
    /// Functions that the module defines.
    Functions,
    /// Tables that the module defines.
    Tables,
    /// Initial size of one table, in elements.
    TableElements,
    /// Initial or maximum size of the memory, in pages of 64 KiB.
    MemoryPages,
    /// Globals that the module defines.
    Globals,
    /// Entries of the export section.
    Exports,
    /// Element segments.
    ElementSegments,
    /// Items of all element segments together.
    ElementItems,
    /// Data segments.
    DataSegments,
    /// Bytes of one function body, its local declarations included.
    BodyBytes,
    /// Parameters and locals of one function together.
    Locals,
    /// Height of one function's operand stack.
    OperandStack,
    /// Values that instructions take and leave, those beyond four an instruction, over the whole module: what wide calls,
    /// blocks and branches move. A branch table counts once for each target.
    TransferredValues,
}

impl Limit {
    /// Every limit, for tables and tests.
    pub const ALL: [Self; 19] = [
        Self::ModuleBytes,
        Self::Types,
        Self::SignatureValues,
        Self::Params,
        Self::Results,
        Self::Imports,
        Self::Functions,
        Self::Tables,
        Self::TableElements,
        Self::MemoryPages,
        Self::Globals,
        Self::Exports,
        Self::ElementSegments,
        Self::ElementItems,
        Self::DataSegments,
        Self::BodyBytes,
        Self::Locals,
        Self::OperandStack,
        Self::TransferredValues,
    ];

    /// The greatest admitted value.
    #[must_use]
    pub const fn bound(self) -> u64 {
        match self {
            Self::ModuleBytes => 64 << 20,
            Self::Types | Self::Globals | Self::ElementSegments | Self::DataSegments => 1 << 16,
            Self::SignatureValues | Self::TableElements | Self::BodyBytes => 1 << 20,
            // A call must fit a frame's immediates with room for the link word.
            Self::Params | Self::Results => 990,
            Self::Imports => 1 << 12,
            Self::Functions | Self::Exports => 1 << 18,
            Self::Tables => 32,
            Self::MemoryPages => 1 << 16,
            Self::ElementItems => 1 << 21,
            Self::Locals => 50_000,
            // No frame has more slots, so no taller stack could be lowered.
            Self::OperandStack => 1 << 16,
            // Two bytes can move 990 values. Without this bound the work of validation, and the code lowered from a
            // module, could be 500 times its size. Code that a compiler wrote hardly ever goes beyond four.
            Self::TransferredValues => 1 << 25,
        }
    }

    /// The name under which a refusal is reported and counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ModuleBytes => "module bytes",
            Self::Types => "types",
            Self::SignatureValues => "signature values",
            Self::Params => "parameters",
            Self::Results => "results",
            Self::Imports => "imports",
            Self::Functions => "functions",
            Self::Tables => "tables",
            Self::TableElements => "table elements",
            Self::MemoryPages => "memory pages",
            Self::Globals => "globals",
            Self::Exports => "exports",
            Self::ElementSegments => "element segments",
            Self::ElementItems => "element items",
            Self::DataSegments => "data segments",
            Self::BodyBytes => "function body bytes",
            Self::Locals => "locals",
            Self::OperandStack => "operand stack",
            Self::TransferredValues => "transferred values",
        }
    }

    /// `Ok` when `got` is admitted.
    pub(super) fn check(self, got: u64) -> Result<(), super::AdmissionError> {
        if got <= self.bound() {
            return Ok(());
        }
        Err(super::AdmissionError::OverLimit { limit: self, got, wanted: self.bound() })
    }
}
