//! Images at the ends of things, opcode by opcode: fields at their bounds, slots at STACK's end, accesses across and
//! beside the ends of chunks, pages and memory, tables and segments at SYSTEM's end, streams at their regions' ends, fuel
//! that is just enough, records that are broken.
//!
//! What is combined is drawn from a seed; what it is combined of is listed here.

use super::follow;
use super::images::{Image, Random, opcodes};
use super::three::Three;
use assay_machine::isa::{Instruction, form_of, op};
use assay_machine::memory::{Memory, Region, SparseMemory};
use assay_machine::record::{MEMORY_PAGES_MAX, OUTPUT_LENGTH_MAX, Record, STACK_SLOTS};
use assay_protocol::B256;

const SEED: u64 = 0xed9e;
/// Drawn images of each opcode that is neither numeric nor a load or store.
const DRAWN: usize = 240;

/// Numbers where something ends or begins.
const EDGES: &[u64] = &[
    0,
    1,
    2,
    4,
    5,
    31,
    32,
    33,
    40,
    255,
    256,
    991,
    992,
    1000,
    1023,
    1024,
    1025,
    4064,
    4095,
    4096,
    65_503,
    65_504,
    65_535,
    65_536,
    1 << 31,
    (1 << 32) - 33,
    (1 << 32) - 5,
    (1 << 32) - 2,
    (1 << 32) - 1,
    1 << 32,
    (1 << 33) - 1,
    (1 << 36) - 33,
    (1 << 36) - 32,
    (1 << 36) - 1,
    1 << 36,
    (1 << 36) + 1,
    1 << 63,
    u64::MAX - 3,
    u64::MAX,
];
/// Counts that a repeating instruction may be left with.
const COUNTS: &[u64] = &[0, 1, 3, 4, 5, 31, 32, 33, 64, 1 << 31, (1 << 32) - 1, 1 << 32, u64::MAX];
/// Words of SYSTEM where a table or segment may stand, its size first.
const TABLES: &[u64] = &[2, 30, 31, 32, 63, (1 << 32) - 2, (1 << 32) - 1];
/// Sizes that they may claim.
const SIZES: &[u64] = &[0, 1, 5, 40, (1 << 32) - 1, 1 << 32, (1 << 32) + 4, 1 << 63, u64::MAX - 1, u64::MAX];
const PAGES: &[u32] = &[0, 1, 2, MEMORY_PAGES_MAX - 1, MEMORY_PAGES_MAX];
const FUELS: &[u64] = &[0, 1, 2, 3, 4, 5, 34, 1000, (1 << 32) - 1, 1 << 32, u64::MAX];
const PCS: &[u32] = &[0, 15, 16, 1000, u32::MAX - 2, u32::MAX - 1];

/// All of them.
pub fn all(three: &mut Three) {
    println!("edges: seed {SEED:#x}");
    let mut random = Random(SEED);
    let furnished = furnished(&mut random);
    undefined_opcodes(three, &furnished);
    for opcode in opcodes() {
        fields(three, opcode, &furnished);
        last_slots(three, opcode, &furnished);
        broken_records(three, opcode, &furnished, &mut random);
        if (op::I32_LOAD..=op::I64_STORE32).contains(&opcode) {
            accesses(three, opcode, &furnished, &mut random);
        } else if opcode >= op::TRAP {
            for _ in 0..DRAWN {
                drawn(three, opcode, &furnished, &mut random);
            }
        }
    }
}

/// Random bytes at both ends of every region that steps read, and at the end of a small memory.
fn furnished(random: &mut Random) -> SparseMemory {
    let mut memory = SparseMemory::new();
    let region = 1 << 36;
    for (region_base, offset, size) in [
        (Region::SYSTEM, 0, 1024),
        (Region::SYSTEM, (1 << 35) - 64, 512),
        (Region::SYSTEM, region - 512, 512),
        (Region::STACK, 0, 1024),
        (Region::STACK, 8 * u64::from(STACK_SLOTS) - 512, 512),
        (Region::MEMORY, 0, 8192),
        (Region::MEMORY, 65_536 - 4096, 8192),
        (Region::MEMORY, (1 << 32) - 65_536 - 2048, 4096),
        (Region::MEMORY, (1 << 32) - 4096, 4096),
        (Region::INPUT, 0, 4096),
        (Region::INPUT, region - 2048, 2048),
        (Region::OUTPUT, 0, 2048),
        (Region::OUTPUT, region - 2048, 2048),
    ] {
        for at in (0..size).step_by(8) {
            memory.write(region_base.base() + offset + at, &random.next().to_le_bytes());
        }
    }
    memory.commit();
    memory
}

fn plain_record() -> Record {
    Record { fp: 4, ..Record::boot(16, 1, 1000, B256::ZERO) }
}

/// Small fields where the opcode has them, else zeros.
fn plain_instruction(opcode: u16) -> Instruction {
    let form = form_of(opcode).expect("images are of defined opcodes");
    let or_zero = |used: bool, value: u16| if used { value } else { 0 };
    Instruction {
        opcode,
        d: or_zero(form.fields.d, 3),
        a: or_zero(form.fields.a, 5),
        b: or_zero(form.fields.b, 2),
        imm: if form.imm_end == Some(0) { 0 } else { 1 },
    }
}

fn check(three: &mut Three, record: Record, instruction: Instruction, memory: &SparseMemory, what: &str) {
    let name = || format!("{what}: {instruction:?} from {record:?}");
    let mut image = Image::new(record, instruction, memory.clone());
    follow(three, &mut image, &name());
}

fn undefined_opcodes(three: &mut Three, furnished: &SparseMemory) {
    let low = 0..0x0500;
    let far = opcodes().into_iter().flat_map(|opcode| (11..16).map(move |bit| opcode | 1 << bit));
    for opcode in low.chain(far).chain([u16::MAX]).filter(|opcode| form_of(*opcode).is_none()) {
        let instruction = Instruction { opcode, ..Instruction::default() };
        check(three, plain_record(), instruction, furnished, "undefined");
    }
}

/// Every field that is unused, non-zero; the immediate around its bound; the fields with bounds of their own.
fn fields(three: &mut Three, opcode: u16, furnished: &SparseMemory) {
    let form = form_of(opcode).expect("images are of defined opcodes");
    let plain = plain_instruction(opcode);
    let mut changed = vec![plain];
    for value in [1, 0x8000] {
        changed.extend([
            Instruction { d: if form.fields.d { plain.d } else { value }, ..plain },
            Instruction { a: if form.fields.a { plain.a } else { value }, ..plain },
            Instruction { b: if form.fields.b { plain.b } else { value }, ..plain },
        ]);
    }
    let end = form.imm_end.unwrap_or(0);
    changed.extend([0, end.wrapping_sub(1), end, 1 << 63].map(|imm| Instruction { imm, ..plain }));
    if matches!(opcode, op::ENTER | op::CLEAR) {
        changed.extend([0, 1, 32, 33, u16::MAX].map(|b| Instruction { b, ..plain }));
        changed.extend([0, 1, 32].map(|b| Instruction { a: 0, b, ..plain }));
    }
    changed.dedup();
    for instruction in changed {
        check(three, plain_record(), instruction, furnished, "fields");
    }
}

/// The frame moves over STACK's end, slot by slot.
fn last_slots(three: &mut Three, opcode: u16, furnished: &SparseMemory) {
    for from_end in 1..=10 {
        let record = Record { fp: STACK_SLOTS - from_end, ..plain_record() };
        check(three, record, plain_instruction(opcode), furnished, "last slots");
    }
    let form = form_of(opcode).expect("images are of defined opcodes");
    if form.fields.d || form.fields.a {
        let wild = |used: bool| if used { u16::MAX } else { 0 };
        let instruction = Instruction { d: wild(form.fields.d), a: wild(form.fields.a), ..plain_instruction(opcode) };
        for fp in [0, STACK_SLOTS - 131_072, STACK_SLOTS - 131_071, STACK_SLOTS - 65_537, STACK_SLOTS - 65_536] {
            check(three, Record { fp, ..plain_record() }, instruction, furnished, "wild slots");
        }
    }
}

fn broken_records(three: &mut Three, opcode: u16, furnished: &SparseMemory, random: &mut Random) {
    let plain = plain_record();
    let broken = [
        Record { status: random.next() as u8, ..plain },
        Record { version: random.next() as u8, ..plain },
        Record { reserved: 1 << random.below(16), ..plain },
        Record { fp: STACK_SLOTS + random.below(2) as u32 * 0x8000_0000, ..plain },
        Record { memory_pages: MEMORY_PAGES_MAX + 1 + random.below(9) as u32, ..plain },
        Record { output_length: OUTPUT_LENGTH_MAX + 1, ..plain },
        Record { pc_or_code: u32::MAX, ..plain },
        Record { status: 1 + random.below(4) as u8, version: 2, fp: u32::MAX, ..plain },
    ];
    let record = broken[random.below(broken.len() as u64) as usize];
    check(three, record, plain_instruction(opcode), furnished, "broken record");
}

/// Loads and stores across and beside the ends of chunks, pages and memory.
fn accesses(three: &mut Three, opcode: u16, furnished: &SparseMemory, random: &mut Random) {
    for memory_pages in [1, MEMORY_PAGES_MAX] {
        let size = u64::from(memory_pages) << 16;
        let record = Record { memory_pages, ..plain_record() };
        let near =
            |end: u64| [end.wrapping_sub(8), end.wrapping_sub(7), end - 4, end - 3, end - 2, end - 1, end, end + 1];
        let ends = [1024, 4096, size - 1024, size];
        let addresses = ends.into_iter().flat_map(near).chain([0, 1, 2, 3, (1 << 32) + 5, (1 << 33) - 2]);
        for address in addresses {
            // The address as a slot, as an offset, and as a sum of both.
            let least = address.saturating_sub((1 << 32) - 1);
            let most = address.min((1 << 32) - 1);
            let base = random.pick(&[least, most, (least + most) / 2]);
            let mut memory = furnished.clone();
            let dirt = random.below(2) * (random.next() << 32);
            let form = form_of(opcode).expect("loads and stores are defined");
            let mut instruction = Instruction { opcode, a: 30, imm: address - base, ..Instruction::default() };
            if form.fields.d {
                instruction.d = random.pick(&[30, 0, 60]);
            } else {
                instruction.b = random.pick(&[30, 1, 60]);
            }
            memory.write(slot_address(&record, 30), &(base | dirt).to_le_bytes());
            check(three, record, instruction, &memory, "access");
        }
    }
}

fn slot_address(record: &Record, slot: u64) -> u64 {
    Region::STACK.base() + 8 * (u64::from(record.fp) + slot)
}

/// One image of edges: fields, slots, sizes and record, each from its list.
fn drawn(three: &mut Three, opcode: u16, furnished: &SparseMemory, random: &mut Random) {
    let form = form_of(opcode).expect("images are of defined opcodes");
    let record = Record {
        pc_or_code: random.pick(PCS),
        fp: random.pick(&[0, 4, 24, 26, STACK_SLOTS - 64, STACK_SLOTS - 48]),
        memory_pages: random.pick(PAGES),
        fuel: random.pick(FUELS),
        output_length: random.pick(EDGES).min(OUTPUT_LENGTH_MAX),
        ..plain_record()
    };
    // Frames of up to 48 slots: a, a + 1, ... cross the end of a leaf now and then.
    let field = |used: bool, random: &mut Random| if used { random.pick(&[0, 3, 4, 5, 6, 29, 30, 31, 44]) } else { 0 };
    let d = field(form.fields.d, random);
    let a = field(form.fields.a, random);
    let b = match opcode {
        op::ENTER | op::CLEAR => random.pick(&[0, 1, 2, 31, 32]),
        _ => field(form.fields.b, random),
    };
    let (table, other) = (random.pick(TABLES), random.pick(TABLES));
    let imm = match opcode {
        op::TRAP => 1 + random.below(10),
        op::MEMORY_INIT | op::TABLE_GET | op::TABLE_SET | op::TABLE_FILL => table,
        op::TABLE_COPY | op::TABLE_INIT => table | other << 32,
        op::TABLE_GROW => table | random.pick(&[0, 5, 40, 41, (1 << 32) - 1]) << 32,
        op::CALL_INDIRECT => table | random.below(3) << 32,
        op::SYSTEM_GET | op::SYSTEM_SET => random.pick(&[0, 31, 32, (1 << 32) - 1, 1 << 32, (1 << 33) - 1]),
        op::MEMORY_GROW => random.pick(&[0, 1, 2, 3, 65_535, 65_536]),
        op::ENTER => random.pick(&[0, 1, 4, 5, 1000]) | random.pick(&[0, 48, 1 << 17, (1 << 18) - 4, 1 << 18]) << 32,
        op::JUMP => random.pick(EDGES) & 0xffff_ffff | random.pick(FUELS) << 32,
        op::FUEL => random.pick(FUELS),
        op::CHARGE => random.pick(&[0, 1, 3, 31]),
        op::SELECT => random.pick(&[0, 4, 31]),
        _ => random.pick(EDGES) & form.imm_end.map_or(u64::MAX, |end| end.saturating_sub(1)),
    };
    let mut memory = furnished.clone();
    let mut put = |slot: u16, value: u64| memory.write(slot_address(&record, u64::from(slot)), &value.to_le_bytes());
    // Destination, source, count; the ranges overlap or are those of the memory's end as often as not.
    let size = record.memory_size();
    let destination = if random.one_in(3) { size.wrapping_sub(random.pick(COUNTS)) } else { random.pick(EDGES) };
    let source = match random.below(3) {
        0 => destination.wrapping_add(random.below(80)).wrapping_sub(40),
        1 => size.wrapping_sub(random.pick(COUNTS)),
        _ => random.pick(EDGES),
    };
    for (slot, value) in [(d, random.pick(EDGES)), (b, random.pick(EDGES)), (a + 3, 7), (a + 2, random.pick(COUNTS))] {
        put(slot, value);
    }
    put(a + 1, if opcode == op::OUTPUT_WRITE { random.pick(COUNTS) } else { source });
    put(a, destination);
    match opcode {
        op::RETURN => {
            put(a, random.pick(EDGES) & 0xffff_ffff | (u64::from(record.fp) + random.below(3)).wrapping_sub(1) << 32)
        }
        op::CALL_INDIRECT => put(b, random.pick(&[0, 1, 4, (1 << 32) - 2, (1 << 32) - 1])),
        op::TABLE_GET | op::TABLE_SET => put(a, random.pick(&[0, 4, 39, (1 << 32) - 2, (1 << 32) - 1])),
        _ => {}
    }
    if opcode == op::CALL_INDIRECT && !random.one_in(4) {
        for index in [0, 1, 4, (1 << 32) - 2, (1 << 32) - 1] {
            memory.write(
                8 * (table + 1 + index),
                &(random.below(3) << 32 | random.pick(EDGES) & 0xffff_ffff).to_le_bytes(),
            );
        }
    }
    let (input_length, output_limit) = (random.pick(EDGES), random.pick(EDGES));
    memory.write(0, &input_length.to_le_bytes());
    memory.write(8, &output_limit.to_le_bytes());
    for table in [table, other] {
        memory.write(8 * table, &random.pick(SIZES).to_le_bytes());
    }
    check(three, record, Instruction { opcode, d, a, b, imm }, &memory, "drawn");
}
