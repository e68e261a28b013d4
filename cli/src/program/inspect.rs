//! `assay program inspect`: the descriptor, the sizes, the functions, or why there is no program.

use std::collections::BTreeMap;

use assay_machine::admission::Limit;
use assay_machine::isa::name_of;
use assay_machine::lower::Image;
use assay_machine::memory::Region;
use assay_machine::program::{Program, ProgramError};
use eyre::{Result, bail};
use serde::Serialize;

use super::module::ModuleFacts;
use crate::console::{self, shown};
use crate::disassembly::disassemble;
use crate::failure::Failure;
use crate::job::{lower, read_admissible, too_large};
use crate::report::{Blob, grouped, region_name};

/// What `assay program inspect --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay program inspect jobs/wasm/sha256.wasm
  assay program inspect jobs/wasm/sha256.wasm --json | jq '.functions | max_by(.frame_slots)'
  assay program inspect jobs/wasm/sha256.wasm --disassemble | less

A module that is refused gets the reason, what was found in it so far, and exit code 3.

Exit codes: 0 done, 1 a file is missing, 2 usage, 3 module refused.";

/// Functions and opcodes that the summary names.
const SHOWN: usize = 10;

/// The command line of `assay program inspect`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Arguments {
    #[command(flatten)]
    pub module: super::Arguments,
    /// Print the code of every function instead
    #[arg(long, conflicts_with = "json")]
    disassemble: bool,
}

#[derive(Serialize)]
struct Admitted {
    admitted: bool,
    program: String,
    descriptor: DescriptorReport,
    module: ModuleFacts,
    sizes: Sizes,
    instructions: u64,
    instructions_by_name: BTreeMap<String, u64>,
    functions: Vec<FunctionReport>,
}

#[derive(Serialize)]
struct Refused {
    admitted: bool,
    reason: &'static str,
    message: String,
    module: ModuleFacts,
}

#[derive(Serialize)]
struct DescriptorReport {
    version: u8,
    entry_pc: u32,
    memory_pages: u32,
    memory_pages_max: u32,
    wasm: Blob,
    mounts: Vec<Mount>,
}

#[derive(Serialize)]
struct Mount {
    region: String,
    root: String,
}

/// Sizes in bytes.
#[derive(Serialize)]
struct Sizes {
    normalised: usize,
    code: usize,
    system: usize,
    memory_data: usize,
}

#[derive(Serialize)]
struct FunctionReport {
    name: String,
    pc: u32,
    instructions: u32,
    frame_slots: u32,
    metering_blocks: usize,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let json = arguments.module.json;
    let Some(wasm) = read_admissible(&arguments.module.module)? else {
        let (reason, module) = (Limit::ModuleBytes.name(), ModuleFacts::default());
        return Refused { admitted: false, reason, message: too_large(), module }.tell(json);
    };
    let module = ModuleFacts::of(&wasm);
    match lower(&wasm) {
        Ok(program) if arguments.disassemble => disassembly(&program, &module),
        Ok(program) => {
            let report = Admitted::of(&program, module);
            if json { console::print_json(&report) } else { console::print(&report.text()) }
        }
        Err(error) => {
            let (reason, message) = (reason(&error), error.to_string());
            Refused { admitted: false, reason, message, module }.tell(json)
        }
    }
}

/// A constant name for the reason, for counting.
fn reason(error: &ProgramError) -> &'static str {
    match error {
        ProgramError::Admission(error) => error.reason(),
        ProgramError::Lower(_) => "too large for the machine",
        ProgramError::Input(_) => "module too long",
    }
}

/// First pc, one past the last pc, and frame of each function, in the order of the code.
fn functions(image: &Image) -> impl Iterator<Item = (u32, u32, u32, usize)> {
    let ends = image.functions.iter().skip(1).copied().chain([image.code.len() as u32]);
    let plans = image.plans.iter().map(|plan| (plan.frame_slots, plan.charges.len()));
    image.functions.iter().zip(ends).zip(plans).map(|((pc, end), (frame, blocks))| (*pc, end, frame, blocks))
}

fn disassembly(program: &Program, module: &ModuleFacts) -> Result<()> {
    let image = program.image();
    for (index, (pc, end, frame, _)) in functions(image).enumerate() {
        let mut text = format!("{}: frame {frame} slots\n", shown(&module.name_of(index)));
        for (at, instruction) in (pc..end).zip(&image.code[pc as usize..end as usize]) {
            text += &format!("{at:>9}  {}\n", disassemble(instruction).text);
        }
        console::print(&(text + "\n"))?;
    }
    Ok(())
}

impl Admitted {
    fn of(program: &Program, module: ModuleFacts) -> Self {
        let (image, descriptor) = (program.image(), program.descriptor());
        let mount = |(region, root): &(u8, assay_protocol::B256)| Mount {
            region: Region::new(*region).map_or_else(|| region.to_string(), region_name),
            root: root.to_string(),
        };
        let mut by_name = BTreeMap::new();
        for instruction in &image.code {
            *by_name.entry(name_of(instruction.opcode).unwrap_or_default()).or_default() += 1;
        }
        let function = |(index, (pc, end, frame_slots, metering_blocks)): (usize, (u32, u32, u32, usize))| {
            FunctionReport { name: module.name_of(index), pc, instructions: end - pc, frame_slots, metering_blocks }
        };
        Self {
            admitted: true,
            program: program.id().to_string(),
            descriptor: DescriptorReport {
                version: descriptor.version,
                entry_pc: descriptor.entry_pc,
                memory_pages: descriptor.memory_pages,
                memory_pages_max: descriptor.memory_pages_max,
                wasm: descriptor.wasm.into(),
                mounts: descriptor.mounts.iter().map(mount).collect(),
            },
            sizes: Sizes {
                normalised: program.normalised().len(),
                code: image.code.len() * assay_machine::isa::Instruction::SIZE,
                system: image.system.len(),
                memory_data: image.memory.iter().map(|(_, bytes)| bytes.len()).sum(),
            },
            instructions: image.code.len() as u64,
            instructions_by_name: by_name,
            functions: functions(image).enumerate().map(function).collect(),
            module,
        }
    }

    fn text(&self) -> String {
        let (descriptor, sizes) = (&self.descriptor, &self.sizes);
        let mut text = format!("program        {}\n", self.program);
        text += &format!("machine        version {}, entry at pc {}\n", descriptor.version, descriptor.entry_pc);
        text +=
            &format!("memory         {} to {} pages of 64 KiB\n", descriptor.memory_pages, descriptor.memory_pages_max);
        for mount in &descriptor.mounts {
            text += &format!("mount          {:<8} {}\n", mount.region, mount.root);
        }
        text += &self.module.text();
        let bytes = |count: usize| grouped(count as u64);
        text += &format!("normalised     {} bytes\n", bytes(sizes.normalised));
        text += &format!("code           {} bytes, {} instructions\n", bytes(sizes.code), grouped(self.instructions));
        text += &format!("system         {} bytes of globals, tables, passive segments\n", bytes(sizes.system));
        text += &format!("memory data    {} bytes\n", bytes(sizes.memory_data));

        let mut largest: Vec<&FunctionReport> = self.functions.iter().collect();
        largest.sort_by_key(|function| std::cmp::Reverse(function.instructions));
        text += &format!("\nfunctions      {}, the largest being\n", self.functions.len());
        text += &format!("  {:>10} {:>12} {:>12}  name\n", "pc", "instructions", "frame slots");
        for FunctionReport { name, pc, instructions, frame_slots, .. } in largest.iter().take(SHOWN) {
            text += &format!("  {pc:>10} {instructions:>12} {frame_slots:>12}  {}\n", shown(name));
        }
        let widest = self.functions.iter().map(|function| function.frame_slots).max().unwrap_or(0);
        text += &format!("  the widest frame has {widest} slots\n");

        let mut frequent: Vec<(&String, &u64)> = self.instructions_by_name.iter().collect();
        frequent.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        text += &format!("\ninstructions   {} different ones, the most frequent being\n", frequent.len());
        for (name, count) in frequent.iter().take(SHOWN) {
            text += &format!("  {:>10}  {name}\n", grouped(**count));
        }
        text
    }
}

impl Refused {
    /// Says so, and ends as a refusal does.
    fn tell(&self, json: bool) -> Result<()> {
        if json {
            console::print_json(self)?;
        } else {
            console::print(&self.text())?;
        }
        bail!(Failure::Explained)
    }

    fn text(&self) -> String {
        format!("refused        {}\nbecause        {}\n{}", self.reason, shown(&self.message), self.module.text())
    }
}

impl ModuleFacts {
    fn text(&self) -> String {
        let size = grouped(self.size as u64);
        let mut text = format!(
            "module         {size} bytes, {} functions, {} data segments\n",
            self.functions, self.data_segments
        );
        for import in &self.imports {
            text += &format!("import         {}\n", shown(import));
        }
        text
    }
}
