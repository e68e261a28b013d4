//! Faults of claims against `specs/vectors/batch.json`: batches whose bytes are well-formed, facts of L1, what is wrong.
#![allow(clippy::unwrap_used)]

mod vectors;

use std::convert::Infallible;

use assay_protocol::data::Data;
use assay_protocol::faults::{FAULTS, Facts, Fault, LeafFacts, Limits, ProgramFacts, faults};
use assay_protocol::objects::{Domain, Place};
use assay_protocol::{Address, B256, BlobRef};
use vectors::{Value, address, blob, bytes, hash, header, list, number, text};

fn batches() -> Value {
    serde_json::from_str(include_str!("../../specs/vectors/batch.json")).unwrap()
}

/// The facts of the vectors.
struct Listed<'a>(&'a Value);

impl Listed<'_> {
    fn find(&self, name: &str, is: impl Fn(&Value) -> bool) -> Option<&Value> {
        list(self.0, name).iter().find(|row| is(row))
    }
}

fn covers(row: &Value, time: u64) -> bool {
    (number(row, "from")..number(row, "until")).contains(&time)
}

fn place(row: &Value) -> Place {
    Place { batch: number(row, "batch"), index: number(row, "index") }
}

impl Facts for Listed<'_> {
    type Error = Infallible;

    fn is_registered(&self, executor: Address, time: u64) -> Result<bool, Infallible> {
        Ok(self.find("executors", |row| address(row, "owner") == executor && covers(row, time)).is_some())
    }

    fn is_key(&self, executor: Address, key: Address, time: u64) -> Result<bool, Infallible> {
        let is_own = key == executor && self.is_registered(executor, time)?;
        let is_of = |row: &Value| address(row, "owner") == executor && address(row, "key") == key && covers(row, time);
        Ok(is_own || self.find("keys", is_of).is_some())
    }

    fn program(&self, program: B256) -> Result<Option<ProgramFacts>, Infallible> {
        let found = self.find("programs", |row| hash(row, "id") == program);
        Ok(found.map(|row| ProgramFacts { registered_at: number(row, "registeredAt"), wasm: blob(row) }))
    }

    fn leaf(&self, wanted: Place) -> Result<Option<LeafFacts>, Infallible> {
        Ok(self.find("leaves", |row| place(row) == wanted).map(|row| LeafFacts {
            task: hash(row, "task"),
            attempt: number(row, "attempt"),
            output: BlobRef { root: hash(row, "outputRoot"), length: number(row, "outputLength") },
            voided_at: Some(number(row, "voidedAt")).filter(|at| *at != 0),
        }))
    }

    fn entry(&self, batch: u64, index: u32) -> Result<Option<BlobRef>, Infallible> {
        Ok(self.find("entries", |row| place(row) == Place { batch, index }).map(blob))
    }

    fn attempt(&self, task: B256, attempt: u32, before: u64) -> Result<Option<Place>, Infallible> {
        let is = |row: &Value| {
            hash(row, "task") == task && number::<u32>(row, "attempt") == attempt && place(row).batch < before
        };
        Ok(self.find("leaves", is).map(place))
    }
}

/// A fault as the vectors write it.
fn written(fault: &Fault) -> String {
    let number = fault.number();
    match fault {
        Fault::ClientSignature { leaf, .. }
        | Fault::ExecutorSignature { leaf, .. }
        | Fault::Bound { leaf, .. }
        | Fault::Program { leaf, .. }
        | Fault::Repeated { leaf, .. }
        | Fault::Predecessor { leaf, .. }
        | Fault::Deadline { leaf, .. } => format!("F{number} {leaf}"),
        Fault::Source { leaf, need, .. } => format!("F{number} {leaf} {need}"),
        other => panic!("the bytes are well-formed: {other}"),
    }
}

#[test]
fn claims_have_the_faults_of_the_vectors_and_no_others() {
    let vectors = batches();
    let domain = Domain { chain_id: number(&vectors, "chainId"), contract: address(&vectors, "batches") };
    let facts = &vectors["facts"];
    let limits = &facts["limits"];
    let limits = Limits {
        fuel_limit_max: number(limits, "fuelLimitMax"),
        output_length_max: number(limits, "outputLengthMax"),
        input_length_max: number(limits, "inputLengthMax"),
        source_horizon: number(limits, "sourceHorizon"),
    };
    let mut numbers = Vec::new();
    for row in list(&vectors, "accused") {
        let name = text(row, "name");
        let (batch, bytes) = (header(&row["header"]), bytes(row, "data"));
        let data = Data::decode(&batch, &domain, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let Ok(found) = faults(&data, number(row, "postedAt"), &limits, &Listed(facts));
        let got: Vec<String> = found.iter().map(written).collect();
        let wanted: Vec<&str> = list(row, "faults").iter().map(|fault| fault.as_str().unwrap()).collect();
        assert_eq!(got, wanted, "{name}: {found:?}");
        for fault in &found {
            let (index, fault_name) = FAULTS[usize::from(fault.number()) - 1];
            assert_eq!((fault.number(), fault.name()), (index, fault_name));
            assert!(fault.to_string().starts_with("leaf "), "{fault}");
            assert!(fault.evidence(&data).iter().all(|span| span.end <= bytes.len() as u64), "{name}");
        }
        numbers.extend(found.iter().map(Fault::number));
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 10]);
}
