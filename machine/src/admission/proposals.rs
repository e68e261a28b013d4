//! The proposals of WebAssembly by name: which are admitted, and how each other one is switched on in the validator.
//!
//! Owns the mapping between names and validator features. Never decides anything: [`super::explain`] does.

use wasmparser::WasmFeatures;

/// What an admitted module may use: WebAssembly 1.0 and what today's compilers emit by default.
///
/// `GC_TYPES` is the validator's name for "reference types other than funcref"; without it externref is refused.
pub(super) const ADMITTED: WasmFeatures = WasmFeatures::FLOATS
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::EXTENDED_CONST);

/// A part of WebAssembly that is known and not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proposal {
    /// 128-bit vectors.
    Simd,
    /// Vectors whose results may differ between hosts.
    RelaxedSimd,
    /// Shared memory and atomics.
    Threads,
    /// Threads that share functions, tables and globals.
    SharedEverythingThreads,
    /// Tags, throw, try_table, exnref.
    Exceptions,
    /// The first design of exceptions: try, catch, delegate.
    LegacyExceptions,
    /// return_call and its kin.
    TailCalls,
    /// The host's references.
    Externref,
    /// Typed and non-nullable function references.
    FunctionReferences,
    /// Structs, arrays, i31, subtyping, constant expressions that read globals.
    Gc,
    /// Memories and tables with 64-bit indices.
    Memory64,
    /// More than one memory.
    MultiMemory,
    /// Memory pages of other sizes than 64 KiB.
    CustomPageSizes,
    /// memory.discard.
    MemoryControl,
    /// Continuations.
    StackSwitching,
    /// 128-bit integer arithmetic.
    WideArithmetic,
    /// Type descriptors.
    CustomDescriptors,
    /// The shorter encoding of imports.
    CompactImports,
    /// A component instead of a module.
    ComponentModel,
    /// A memory that is imported (WebAssembly 1.0, but a job has no one to import it from).
    ImportedMemory,
    /// A table that is imported.
    ImportedTable,
    /// A global that is imported.
    ImportedGlobal,
}

/// Proposals that a validator feature stands for, in the order in which they are tried: what needs less comes first.
pub(super) const FEATURES: [(Proposal, WasmFeatures); 18] = {
    use Proposal::*;
    use WasmFeatures as F;
    let gc = F::GC.union(F::GC_TYPES).union(F::FUNCTION_REFERENCES);
    let stack_switching = F::STACK_SWITCHING.union(F::EXCEPTIONS).union(F::GC_TYPES).union(F::FUNCTION_REFERENCES);
    [
        (Simd, F::SIMD),
        (RelaxedSimd, F::SIMD.union(F::RELAXED_SIMD)),
        (Threads, F::THREADS),
        (TailCalls, F::TAIL_CALL),
        (Exceptions, F::EXCEPTIONS),
        (LegacyExceptions, F::LEGACY_EXCEPTIONS.union(F::EXCEPTIONS)),
        (Externref, F::GC_TYPES),
        (FunctionReferences, F::FUNCTION_REFERENCES),
        (Memory64, F::MEMORY64),
        (MultiMemory, F::MULTI_MEMORY),
        (CustomPageSizes, F::CUSTOM_PAGE_SIZES),
        (MemoryControl, F::MEMORY_CONTROL),
        (WideArithmetic, F::WIDE_ARITHMETIC),
        (CompactImports, F::COMPACT_IMPORTS),
        (Gc, gc),
        (StackSwitching, stack_switching),
        (CustomDescriptors, gc.union(F::CUSTOM_DESCRIPTORS)),
        (SharedEverythingThreads, gc.union(F::THREADS).union(F::SHARED_EVERYTHING_THREADS)),
    ]
};

impl Proposal {
    /// The name under which a refusal is reported and counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simd => "SIMD",
            Self::RelaxedSimd => "relaxed SIMD",
            Self::Threads => "threads",
            Self::SharedEverythingThreads => "shared-everything threads",
            Self::Exceptions => "exceptions",
            Self::LegacyExceptions => "legacy exceptions",
            Self::TailCalls => "tail calls",
            Self::Externref => "externref",
            Self::FunctionReferences => "function references",
            Self::Gc => "GC",
            Self::Memory64 => "memory64",
            Self::MultiMemory => "multi-memory",
            Self::CustomPageSizes => "custom page sizes",
            Self::MemoryControl => "memory control",
            Self::StackSwitching => "stack switching",
            Self::WideArithmetic => "wide arithmetic",
            Self::CustomDescriptors => "custom descriptors",
            Self::CompactImports => "compact imports",
            Self::ComponentModel => "component model",
            Self::ImportedMemory => "imported memory",
            Self::ImportedTable => "imported table",
            Self::ImportedGlobal => "imported global",
        }
    }
}
