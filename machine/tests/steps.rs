//! Random images: the step never panics, its proof says what it did, and no other proof is accepted.

#[allow(dead_code)]
mod images;

use assay_machine::isa::{Instruction, name_of, num, op};
use assay_machine::memory::layout::Region;
use assay_machine::memory::proof::ChunkProof;
use assay_machine::memory::zero::zero;
use assay_machine::memory::{Memory, SparseMemory};
use assay_machine::record::Record;
use assay_machine::witness::{CHUNKS_MAX, Witness, WitnessError, prove_step, step_in_place, verify_step};
use assay_protocol::{B256, Status, TrapCode};
use images::{Image, Random, image, is_numeric, opcodes};
use std::collections::{BTreeMap, BTreeSet};

const IMAGES_PER_NUMERIC_OPCODE: usize = 24;
const IMAGES_PER_OTHER_OPCODE: usize = 400;

/// Calls `check` with the images of one seed, and counts them.
fn for_images(seed: u64, share: usize, mut check: impl FnMut(&mut Random, u16, Image)) -> usize {
    let mut random = Random(seed);
    let mut count = 0;
    for opcode in opcodes() {
        let furnished = images::furnished(&mut random);
        let images = if is_numeric(opcode) { IMAGES_PER_NUMERIC_OPCODE } else { IMAGES_PER_OTHER_OPCODE };
        for _ in 0..images.div_ceil(share) {
            let image = image(&mut random, opcode, &furnished);
            check(&mut random, opcode, image);
            count += 1;
        }
    }
    count
}

#[test]
fn every_step_is_proved() {
    // By opcode: how often it ended how.
    let mut endings: BTreeMap<u16, BTreeSet<(u8, u32)>> = BTreeMap::new();
    let count = for_images(1, 1, |_, opcode, Image { record, mut memory }| {
        let mut direct = memory.clone();
        let stepped = step_in_place(record, &mut direct);
        let wanted = Record { memory_root: direct.commit(), ..stepped };

        let (witness, next) = prove_step(record, &mut memory);
        assert_eq!(next, wanted, "proving is stepping: {record:?}");
        assert_eq!(memory.commit(), next.memory_root, "the memory has moved on");
        assert_eq!(verify_step(record, &witness), Ok(wanted), "{} from {record:?}", name_of(opcode).unwrap());

        if next.status != Status::Running as u8 {
            assert_eq!(next.memory_root, record.memory_root, "a halt writes nothing");
        } else {
            assert!(next.is_canonical(), "steps lead from canonical records to canonical ones");
        }
        if record.is_canonical() && record.is_running() && record.pc_or_code != u32::MAX {
            let code = if next.is_running() { 0 } else { next.pc_or_code };
            endings.entry(opcode).or_default().insert((next.status, code));
        }
    });
    assert!(count > 20_000, "{count} images");

    let running = (Status::Running as u8, 0);
    let trap = |code: TrapCode| (Status::Trap as u8, code as u32);
    let ended = |opcode: u16, ending: (u8, u32)| endings[&opcode].contains(&ending);
    for opcode in opcodes() {
        let name = name_of(opcode).unwrap();
        let illegal = ended(opcode, (Status::Illegal as u8, 0));
        assert!(illegal || is_numeric(opcode), "{name} with wild fields is illegal");
        let runs = !matches!(opcode, op::TRAP | op::EXIT);
        assert!(!runs || ended(opcode, running), "{name} runs");
    }
    for code in 1..=10 {
        assert!(ended(op::TRAP, (Status::Trap as u8, code)), "trap {code}");
    }
    assert!(endings[&op::EXIT].iter().any(|(status, _)| *status == Status::Exit as u8));
    let memory_accesses = (op::I32_LOAD..=op::I64_STORE32).chain([
        op::MEMORY_COPY,
        op::MEMORY_FILL,
        op::MEMORY_INIT,
        op::INPUT_BEGIN,
        op::INPUT_COPY,
        op::OUTPUT_WRITE,
    ]);
    for opcode in memory_accesses {
        assert!(ended(opcode, trap(TrapCode::MemoryOutOfBounds)), "{} out of bounds", name_of(opcode).unwrap());
    }
    for opcode in [op::TABLE_GET, op::TABLE_SET, op::TABLE_FILL, op::TABLE_COPY, op::TABLE_INIT, op::CALL_INDIRECT] {
        assert!(ended(opcode, trap(TrapCode::TableOutOfBounds)), "{} out of bounds", name_of(opcode).unwrap());
    }
    for opcode in [op::FUEL, op::JUMP, op::ENTER, op::CHARGE] {
        assert!(ended(opcode, (Status::OutOfFuel as u8, 0)), "{} without fuel", name_of(opcode).unwrap());
    }
    assert!(ended(op::CALL_INDIRECT, trap(TrapCode::IndirectCallToNull)));
    assert!(ended(op::CALL_INDIRECT, trap(TrapCode::BadSignature)));
    assert!(ended(op::ENTER, trap(TrapCode::StackOverflow)));
    assert!(ended(op::OUTPUT_WRITE, trap(TrapCode::OutputLimit)));
}

/// What may be done to a proof: each change of its entries must be refused.
fn tamper(random: &mut Random, entries: &[ChunkProof]) -> Vec<Vec<ChunkProof>> {
    let mut changed = Vec::new();
    for i in 0..entries.len() {
        let mut without = entries.to_vec();
        let removed = without.remove(i);
        changed.push(without);
        let mut twice = entries.to_vec();
        twice.insert(i, removed);
        changed.push(twice);
        if i > 0 {
            let mut swapped = entries.to_vec();
            swapped.swap(i - 1, i);
            changed.push(swapped);
        }
    }
    let mut other = entries.to_vec();
    if let Some(entry) = entries.first() {
        // A chunk that the step does not touch, whatever its siblings are.
        let size = entry.bytes.len() as u64;
        let address = entry.address ^ (size << random.below(8));
        let at = other.partition_point(|entry| entry.address < address);
        other.insert(at, ChunkProof { address, ..entry.clone() });
        changed.push(other);
    }
    changed
}

#[test]
fn every_other_witness_is_refused() {
    let mut tampered = 0;
    for_images(2, 40, |random, opcode, Image { record, mut memory }| {
        let name = name_of(opcode).unwrap();
        let (bytes, _) = prove_step(record, &mut memory);
        let mut refused = |changed: &[u8], how: &str| {
            tampered += 1;
            assert!(verify_step(record, changed).is_err(), "{name}: {how} from {record:?}");
        };
        for _ in 0..if bytes.is_empty() { 0 } else { 64 } {
            let bit = random.below(8 * bytes.len() as u64) as usize;
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refused(&flipped, &format!("bit {bit} flipped"));
        }
        for length in [1, 8, 32, bytes.len() / 2, bytes.len()] {
            if !bytes.is_empty() {
                refused(&bytes[..bytes.len() - length], &format!("{length} bytes short"));
            }
            let mut extended = bytes.clone();
            extended.resize(bytes.len() + length.max(1), 0);
            refused(&extended, &format!("{length} bytes too long"));
        }
        let witness = Witness::parse(&bytes).unwrap();
        assert_eq!(witness.to_bytes(), bytes, "one encoding");
        for changed in tamper(random, witness.entries()) {
            refused(&Witness::new(changed).to_bytes(), "entries changed");
        }
    });
    assert!(tampered > 20_000, "{tampered} tampered witnesses");
}

/// `i32.add` of slots in one leaf: two entries, CODE and STACK.
fn two_entries() -> (Record, SparseMemory) {
    let instruction = Instruction { opcode: num::I32_ADD, d: 2, a: 0, b: 1, imm: 0 };
    let mut random = Random(3);
    let memory = images::furnished(&mut random);
    let image = Image::new(Record::boot(5, 1, 100, B256::ZERO), instruction, memory);
    (image.record, image.memory)
}

#[test]
fn every_bit_of_a_witness_counts() {
    let (record, mut memory) = two_entries();
    let (bytes, next) = prove_step(record, &mut memory);
    assert_eq!(verify_step(record, &bytes), Ok(next));
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(verify_step(record, &flipped).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(verify_step(record, &bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn each_refusal_says_why() {
    use WitnessError::*;
    let (record, mut memory) = two_entries();
    let (bytes, _) = prove_step(record, &mut memory);
    let entries = Witness::parse(&bytes).unwrap().entries().to_vec();
    let (code, stack) = (entries[0].clone(), entries[1].clone());
    let verify = |entries: &[&ChunkProof]| {
        let entries = entries.iter().map(|entry| (*entry).clone()).collect();
        verify_step(record, &Witness::new(entries).to_bytes())
    };
    let with_address = |address: u64| {
        let mut changed = bytes.clone();
        changed[..8].copy_from_slice(&address.to_be_bytes());
        verify_step(record, &changed)
    };

    assert_eq!(
        verify_step(record, &bytes[..bytes.len() - 1]),
        Err(Truncated { offset: bytes.len() - 32, wanted: 32, got: 31 })
    );
    assert_eq!(with_address(1 << 40), Err(AddressOutOfRange { address: 1 << 40 }));
    assert_eq!(with_address(code.address + 16), Err(AddressNotAligned { address: code.address + 16, wanted: 256 }));
    assert_eq!(with_address((3 << 36) + 256), Err(AddressNotAligned { address: (3 << 36) + 256, wanted: 1024 }));
    let descending = Err(NotAscending { previous: stack.address, address: code.address });
    assert_eq!(verify(&[&stack, &code]), descending);
    assert_eq!(verify(&[&code, &code]), Err(NotAscending { previous: code.address, address: code.address }));

    let mask = code.mask | 1 << 28;
    let mut changed = bytes.clone();
    changed[8..12].copy_from_slice(&mask.to_be_bytes());
    assert_eq!(verify_step(record, &changed), Err(MaskOutOfRange { address: code.address, mask, levels: 28 }));

    let level = (0..28).find(|level| code.mask >> level & 1 == 1).expect("most of CODE is zero");
    assert_eq!(code.siblings[level as usize], zero(Region::CODE.kind())[level as usize]);
    let spelled_out = ChunkProof { mask: code.mask & !(1 << level), ..code.clone() };
    assert_eq!(verify(&[&spelled_out, &stack]), Err(ZeroSiblingPresent { address: code.address, level }));

    assert_eq!(verify(&[&code]), Err(NotOpened { address: stack.address }));
    let (empty, untouched) = (verify_step(record, &[]), memory.chunk_proof(3 << 36));
    assert_eq!(empty, Err(NotOpened { address: code.address }));
    assert_eq!(verify(&[&code, &stack, &untouched]), Err(NotTouched { address: 3 << 36 }));
    let many: Vec<ChunkProof> = (0..=CHUNKS_MAX as u64).map(|i| memory.chunk_proof((3 << 36) + 1024 * i)).collect();
    let refs: Vec<&ChunkProof> = many.iter().collect();
    assert_eq!(verify(&refs), Err(TooManyChunks));
    assert_eq!(verify(&refs[1..]), Err(NotOpened { address: code.address }), "eight are read");

    let mut lied = stack.clone();
    lied.bytes[0] ^= 1;
    let got = lied.fold(&lied.bytes);
    assert_eq!(verify(&[&code, &lied]), Err(WrongRoot { address: stack.address, wanted: record.memory_root, got }));
}

#[test]
fn a_chunk_is_opened_where_the_chunks_before_are_replaced() {
    // memory.fill of 8 bytes at 16: writes slots, then memory.
    let mut memory = SparseMemory::new();
    for (slot, value) in [16u64, 0xab, 8].into_iter().enumerate() {
        memory.write(Region::STACK.base() + 8 * slot as u64, &value.to_le_bytes());
    }
    let fill = Instruction { opcode: op::MEMORY_FILL, ..Instruction::default() };
    let Image { record, mut memory } = Image::new(Record::boot(0, 1, 0, B256::ZERO), fill, memory);
    let address = Region::MEMORY.base();
    let early = memory.chunk_proof(address);

    let (witness, next) = prove_step(record, &mut memory);
    assert_eq!(verify_step(record, &witness), Ok(next));
    let mut entries = Witness::parse(&witness).unwrap().entries().to_vec();
    let stack = entries[1].clone();
    let mut stack_after = stack.bytes.clone();
    stack_after[0] = 24;
    stack_after[16] = 0;
    let late = std::mem::replace(&mut entries[2], early);
    assert_eq!((late.address, &late.bytes), (address, &entries[2].bytes));
    assert_eq!(
        verify_step(record, &Witness::new(entries).to_bytes()),
        Err(WitnessError::WrongRoot { address, wanted: stack.fold(&stack_after), got: record.memory_root })
    );
}

#[test]
fn a_step_that_touches_nothing_has_the_empty_witness() {
    let (running, mut memory) = two_entries();
    let broken = Record { version: 2, ..running };
    for (record, wanted) in [
        (running.exit(7), running.exit(7)),
        (running.illegal(), running.illegal()),
        (Record { status: 9, ..running }, Record { status: 9, ..running }),
        (broken, broken.illegal()),
        (Record { pc_or_code: u32::MAX, ..running }, running.illegal()),
    ] {
        let (witness, next) = prove_step(record, &mut memory);
        assert_eq!((witness.len(), next), (0, wanted));
        assert_eq!(verify_step(record, &[]), Ok(wanted));
        let opened = memory.chunk_proof(0);
        let refused = verify_step(record, &Witness::new(vec![opened]).to_bytes());
        assert_eq!(refused, Err(WitnessError::NotTouched { address: 0 }));
    }
}

#[test]
fn the_vectors_for_l1_are_steps() {
    #[derive(serde::Deserialize)]
    struct File {
        source: String,
        steps: Vec<Vector>,
    }
    #[derive(serde::Deserialize)]
    struct Vector {
        name: String,
        head: String,
        root: String,
        witness: String,
        next_head: String,
        next_root: String,
    }
    let file: File = serde_json::from_str(include_str!("../../specs/vectors/steps.json")).unwrap();
    assert_eq!(file.source, "reference");
    let bytes = |text: &str| hex::decode(text.strip_prefix("0x").unwrap()).unwrap();
    let record = |head: &str, root: &str| {
        let all: [u8; Record::SIZE] = [bytes(head), bytes(root)].concat().try_into().unwrap();
        Record::from_bytes(&all)
    };
    let mut covered = BTreeSet::new();
    for vector in &file.steps {
        let (before, after) = (record(&vector.head, &vector.root), record(&vector.next_head, &vector.next_root));
        assert_eq!(verify_step(before, &bytes(&vector.witness)), Ok(after), "{}", vector.name);
        covered.extend(vector.name.split(' ').next().map(str::to_owned));
    }
    for opcode in opcodes() {
        let name = name_of(opcode).unwrap();
        assert!(covered.contains(&*name), "{name} has a vector for L1");
    }
}
