//! Programs: a lowered module with its identity, and how a job of it starts.
//!
//! Owns the descriptor and its hash, the program id (specs/05-lowering.md, "Programs"), and the boot state (specs/03-state.md).

use alloc::sync::Arc;

use alloy_primitives::U256;
use assay_protocol::{B256, BLOB_LENGTH_MAX, BlobRef, keccak256};
use thiserror::Error;

use crate::admission::{AdmissionError, Admitted, admit};
use crate::interpreter::{Interpreter, PreparedCode};
use crate::isa::Instruction;
use crate::lower::{HOST_FUNCTIONS, Image, LowerError, lower};
use crate::memory::flat::{FixedImage, FlatImage, FlatMemory, SharedBytes};
use crate::memory::layout::LEAF_SIZE;
use crate::memory::top::RegionRoots;
use crate::memory::{Memory, Region, blob::BlobTooLong, commit_blob};
use crate::record::{MEMORY_PAGE_SIZE, Record, VERSION};
use crate::stderr::StderrSource;

/// Domain tag of program ids.
const TAG: &[u8] = b"assay.machine.program.v1";

/// What a program is, to everybody who does not run it. Its hash is the program id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Machine version; binds the lowering and the verifier.
    pub version: u8,
    /// Region roots at boot that are not zero, ascending by region, the boot leaf being zero.
    pub mounts: Vec<(u8, B256)>,
    /// First pc.
    pub entry_pc: u32,
    /// Pages of linear memory at boot.
    pub memory_pages: u32,
    /// Pages that `memory.grow` may reach.
    pub memory_pages_max: u32,
    /// The WASM module as its author submitted it.
    pub wasm: BlobRef,
}

impl Descriptor {
    /// The program id: keccak256 over 32-byte big-endian words (tag hash, version, entry pc, pages at boot, most pages, WASM
    /// root, WASM length, hash of the mounts), the mounts being hashed as words (region, root) each.
    pub fn id(&self) -> B256 {
        let word = |value: u64| B256::from(U256::from(value));
        let mounts: Vec<B256> =
            self.mounts.iter().flat_map(|(region, root)| [word(u64::from(*region)), *root]).collect();
        let words = [
            keccak256(TAG),
            word(u64::from(self.version)),
            word(u64::from(self.entry_pc)),
            word(u64::from(self.memory_pages)),
            word(u64::from(self.memory_pages_max)),
            self.wasm.root,
            word(self.wasm.length),
            keccak256(mounts.concat()),
        ];
        keccak256(words.concat())
    }
}

/// Why a WASM module is not a program, or a job of it can't start on this host.
#[derive(Debug, Error)]
pub enum ProgramError {
    /// The module is refused.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// The module is too large for the machine.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The input is longer than a region.
    #[error(transparent)]
    Input(#[from] BlobTooLong),
}

/// What a job adds to its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fuel that the run may use.
    pub fuel: u64,
    /// Bytes that the run may output.
    pub output_bytes: u64,
}

impl Default for Limits {
    /// 2^36 fuel, 256 MiB of output.
    fn default() -> Self {
        Self { fuel: 1 << 36, output_bytes: 1 << 28 }
    }
}

/// A program: id, descriptor, image and code ready to run.
pub struct Program {
    id: B256,
    descriptor: Descriptor,
    normalised: Vec<u8>,
    image: Image,
    /// Where it writes to stderr; no part of the id.
    stderr: Option<StderrSource>,
    code: Arc<PreparedCode>,
    code_bytes: SharedBytes,
    code_root: B256,
}

impl Program {
    /// Admits and lowers a WASM module.
    ///
    /// # Errors
    /// [`ProgramError`] says what was refused or too large.
    pub fn from_wasm(wasm: &[u8]) -> Result<Self, ProgramError> {
        let admitted = admit(wasm)?;
        Self::from_admitted(admitted, commit_blob(wasm)?)
    }

    /// Lowers an admitted module whose author's bytes are `wasm`.
    ///
    /// # Errors
    /// As [`Program::from_wasm`].
    pub fn from_admitted(admitted: Admitted, wasm: BlobRef) -> Result<Self, ProgramError> {
        let image = lower(&admitted.module)?;
        let code_bytes: SharedBytes = Arc::new(image.code.iter().flat_map(|i| i.to_bytes()).collect::<Vec<u8>>());
        let entry_pc = image.functions[(admitted.entry_function - HOST_FUNCTIONS) as usize];
        let stderr = admitted.stderr.map(|stderr| StderrSource {
            entry_pc: image.functions[(stderr.function - HOST_FUNCTIONS) as usize],
            streams_word: image.layout.globals[stderr.streams as usize],
        });
        let mut program = Self {
            id: B256::ZERO,
            descriptor: Descriptor {
                version: VERSION,
                mounts: Vec::new(),
                entry_pc,
                memory_pages: image.memory_pages,
                memory_pages_max: image.memory_pages_max,
                wasm,
            },
            normalised: admitted.module,
            code: Arc::new(PreparedCode::watching(&image, stderr.map(|stderr| stderr.entry_pc))),
            stderr,
            image,
            code_bytes,
            code_root: B256::ZERO,
        };
        let mut memory = program.memory(None, FixedImage { bytes: Arc::new(Vec::new()), root: None });
        memory.commit();
        let (roots, zero) = (memory.region_roots(), RegionRoots::default());
        program.code_root = roots.get(Region::CODE);
        program.descriptor.mounts = Region::all()
            .filter(|region| roots.get(*region) != zero.get(*region))
            .map(|region| (region.number() as u8, roots.get(region)))
            .collect();
        program.id = program.descriptor.id();
        Ok(program)
    }

    /// The program id.
    pub fn id(&self) -> B256 {
        self.id
    }

    /// The descriptor.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The image.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// The normalised module that was lowered.
    pub fn normalised(&self) -> &[u8] {
        &self.normalised
    }

    /// Where the program writes to its stderr, if it can.
    pub fn stderr(&self) -> Option<StderrSource> {
        self.stderr
    }

    /// The run of a job, at its first state.
    ///
    /// # Errors
    /// [`ProgramError::Input`] if the input is longer than a region.
    pub fn boot(&self, input: SharedBytes, limits: Limits) -> Result<Interpreter, ProgramError> {
        let length = (*input).as_ref().len() as u64;
        if length > BLOB_LENGTH_MAX {
            return Err(BlobTooLong { got: length, wanted: BLOB_LENGTH_MAX }.into());
        }
        let mut memory = self.memory(Some(self.code_root), FixedImage { bytes: input, root: None });
        memory.write(0, &length.to_le_bytes());
        memory.write(8, &limits.output_bytes.to_le_bytes());
        let record = Record::boot(self.descriptor.entry_pc, self.image.memory_pages, limits.fuel, B256::ZERO);
        Ok(Interpreter::new(self.code.clone(), record, memory))
    }

    /// The memory of the image, boot leaf zero.
    fn memory(&self, code_root: Option<B256>, input: FixedImage) -> FlatMemory {
        let mut memory = FlatMemory::new(FlatImage {
            system: self.image.system.clone(),
            code: FixedImage { bytes: self.code_bytes.clone(), root: code_root },
            input,
            linear_size: u64::from(self.image.memory_pages) * MEMORY_PAGE_SIZE,
        });
        for (offset, bytes) in &self.image.memory {
            memory.write(Region::MEMORY.base() + u64::from(*offset), bytes);
        }
        memory
    }
}

/// An instruction lies in one leaf of CODE.
const _: () = assert!(LEAF_SIZE.is_multiple_of(Instruction::SIZE));
