//! Images made from a seed: one instruction and whatever stands around it, plausible or wild.
//!
//! Shared by the tests of steps and by the example that writes the step vectors. No image is a lowered program: sizes
//! lie, slots leave the frame, records are broken, just as an enemy would write them.

use assay_machine::isa::{Instruction, Numeric, form_of, numeric_kind, op};
use assay_machine::memory::layout::{CHUNK_SIZE, Region};
use assay_machine::memory::{Memory, SparseMemory};
use assay_machine::record::Record;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// A number of any size.
    pub fn wild(&mut self) -> u64 {
        self.next() >> self.below(64)
    }
}

/// Every opcode that is defined.
pub fn opcodes() -> Vec<u16> {
    (0..=u16::MAX).filter(|opcode| form_of(*opcode).is_some()).collect()
}

/// Whether an opcode is of the numeric families.
pub fn is_numeric(opcode: u16) -> bool {
    numeric_kind(opcode & 0xff).is_some() && opcode < 0x0400
}

/// A record and its memory, committed.
#[derive(Clone)]
pub struct Image {
    pub record: Record,
    pub memory: SparseMemory,
}

impl Image {
    /// The image of one instruction at the record's pc.
    pub fn new(record: Record, instruction: Instruction, mut memory: SparseMemory) -> Self {
        memory.write(Region::CODE.base() + 16 * u64::from(record.pc_or_code), &instruction.to_bytes());
        let memory_root = memory.commit();
        Self { record: Record { memory_root, ..record }, memory }
    }
}

/// Words of SYSTEM where tables and segments like to stand.
const TABLES: &[u64] = &[2, 8, 30, 31, 32, 60];

/// Some bytes in every region that steps use, so that siblings are not all zero.
pub fn furnished(random: &mut Random) -> SparseMemory {
    let mut memory = SparseMemory::new();
    for word in 0..128 {
        let value = match random.below(4) {
            0 => random.below(64),
            1 => (random.below(3) << 32) | random.below(1000),
            2 => 0,
            _ => random.wild(),
        };
        memory.write(8 * word, &value.to_le_bytes());
    }
    for table in TABLES {
        let size = if random.one_in(4) { random.wild() } else { random.below(40) };
        memory.write(8 * table, &size.to_le_bytes());
    }
    let input_length = if random.one_in(8) { random.wild() } else { random.below(3000) };
    memory.write(0, &input_length.to_le_bytes());
    let output_limit = if random.one_in(4) { random.wild() } else { 1 << 20 };
    memory.write(8, &output_limit.to_le_bytes());
    for (region, pages) in [(Region::MEMORY, 2), (Region::INPUT, 1), (Region::OUTPUT, 1)] {
        for address in (0..pages * 4096).step_by(8) {
            memory.write(region.base() + address, &random.next().to_le_bytes());
        }
    }
    memory
}

/// An image whose next instruction has this opcode, unless its record is broken.
pub fn image(random: &mut Random, opcode: u16, furnished: &SparseMemory) -> Image {
    let record = record(random);
    let instruction = instruction(random, opcode);
    let mut memory = furnished.clone();
    let Instruction { d, a, b, imm, .. } = instruction;
    let (a, fp) = (u64::from(a), u64::from(record.fp));
    for slot in [u64::from(d), a, a + 1, a + 2, a + 3, u64::from(b), imm & 0xffff] {
        let address = Region::STACK.base() + 8 * (fp + slot);
        memory.write(address, &slot_value(random, &record).to_le_bytes());
    }
    match opcode {
        // A link that fits now and then.
        op::RETURN => {
            let link = (random.below(fp + 2) << 32) | random.below(1 << 32);
            memory.write(Region::STACK.base() + 8 * (fp + a), &link.to_le_bytes());
        }
        // References of the wanted type now and then.
        op::CALL_INDIRECT if random.one_in(2) => {
            for index in 0..40 {
                let reference = (imm & !0xffff_ffff) | random.below(5);
                memory.write(8 * ((imm & 0xffff_ffff) + 1 + index), &reference.to_le_bytes());
            }
        }
        // Sizes that lie, wherever the table is.
        op::TABLE_GET..=op::TABLE_INIT if random.one_in(3) => {
            for table in [imm & 0xffff_ffff, imm >> 32] {
                memory.write(8 * table, &random.wild().to_le_bytes());
            }
        }
        _ => {}
    }
    Image::new(record, instruction, memory)
}

fn record(random: &mut Random) -> Record {
    let mut record = Record::boot(0, 0, 0, Default::default());
    record.pc_or_code = match random.below(8) {
        0 => u32::MAX - 1 - random.below(3) as u32,
        1 => random.next() as u32 & !1,
        _ => random.below(64) as u32,
    };
    record.fp = match random.below(8) {
        0 => (1 << 18) - 1 - random.below(40) as u32,
        1 => random.below(1 << 18) as u32,
        _ => random.below(64) as u32,
    };
    record.memory_pages = random.pick(&[0, 1, 1, 1, 2, 2, 65_535, 65_536]);
    record.fuel = match random.below(6) {
        0 => random.below(4),
        1 => random.wild(),
        _ => 100_000,
    };
    record.output_length = match random.below(6) {
        0 => (1 << 36) - random.below(40),
        1 => random.below((1 << 36) + 1),
        2 => 1024 * random.below(4) + 1024 - random.below(33),
        _ => random.below(2000),
    };
    if random.one_in(40) {
        match random.below(7) {
            0 => record.status = random.next() as u8,
            1 => record.version = random.next() as u8,
            2 => record.reserved = random.next() as u16,
            3 => record.fp = 1 << 18,
            4 => record.memory_pages = 65_537,
            5 => record.output_length = (1 << 36) + 1,
            _ => record.pc_or_code = u32::MAX,
        }
    }
    record
}

/// An instruction of this opcode; its fields are in range most of the time.
pub fn instruction(random: &mut Random, opcode: u16) -> Instruction {
    let form = form_of(opcode).expect("images are of defined opcodes");
    let dirty = random.one_in(40);
    let mut field = |used: bool| match used || dirty {
        true => match random.below(12) {
            0 => random.next() as u16,
            1 => u16::MAX - random.below(4) as u16,
            _ => random.below(40) as u16,
        },
        false => 0,
    };
    let (d, a) = (field(form.fields.d), field(form.fields.a));
    let mut b = field(form.fields.b);
    if opcode == op::ENTER && b == 0 && random.one_in(2) {
        b = 32;
    }
    let imm = match form.imm_end {
        _ if dirty => random.wild(),
        Some(0) => 0,
        _ => immediate(random, opcode).min(form.imm_end.map_or(u64::MAX, |end| end - u64::from(!random.one_in(40)))),
    };
    Instruction { opcode, d, a, b, imm }
}

fn immediate(random: &mut Random, opcode: u16) -> u64 {
    let table = |random: &mut Random| match random.below(6) {
        0 => u64::from(u32::MAX) - random.below(40),
        1 => random.below(1 << 32),
        _ => random.pick(TABLES),
    };
    match opcode {
        op::TRAP => 1 + random.below(10),
        op::ENTER => random.pick(&[0, 40, 1 << 17, 1 << 18, 1 << 31]) << 32 | random.below(6),
        op::CALL_INDIRECT => random.below(3) << 32 | table(random),
        op::TABLE_GROW => random.pick(&[0, 10, 60, 100, 0xffff_ffff]) << 32 | table(random),
        op::TABLE_COPY | op::TABLE_INIT => table(random) << 32 | table(random),
        op::TABLE_GET | op::TABLE_SET | op::TABLE_FILL | op::MEMORY_INIT => table(random),
        op::SYSTEM_GET | op::SYSTEM_SET if random.one_in(2) => (1 << 33) - 1 - random.below(3),
        op::MEMORY_GROW => random.pick(&[0, 1, 2, 3, 100, 65_536]),
        op::SELECT => random.below(40),
        op::FUEL | op::CHARGE => random.below(32),
        op::JUMP => random.below(4) << 32 | random.below(1 << 32),
        op::I32_LOAD..=op::I64_STORE32 => random.pick(&[0, 0, 0, 1, 1000, 0xffff_ffff]),
        _ if matches!(numeric_kind(opcode & 0xff), Some(Numeric::Compare32 | Numeric::Compare64)) => {
            random.next() & 0x0003_0003_ffff_ffff
        }
        _ => random.wild(),
    }
}

fn slot_value(random: &mut Random, record: &Record) -> u64 {
    let chunk = CHUNK_SIZE as u64;
    let value = match random.below(8) {
        0..=2 => random.below(50),
        3 | 4 => (chunk * (1 + random.below(7))).wrapping_sub(random.below(40)),
        5 => (u64::from(record.memory_pages) << 16).wrapping_sub(random.below(40)),
        6 => u64::from(u32::MAX) - random.below(40),
        _ => random.wild(),
    };
    if random.one_in(4) { value | random.next() << 32 } else { value }
}
