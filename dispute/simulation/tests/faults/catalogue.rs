//! Batches with a fault: what is changed in one without, and the number of the fault that is meant.

use assay_protocol::B256;
use assay_protocol::objects::{Claim, Origin, Place, Source};

use crate::region::{BEFORE, Draft, EMPTY, LONG, Region, SHORT, WASM};

/// A batch with a fault.
pub struct Case {
    pub name: &'static str,
    /// Number of the fault that is meant; there may be others besides.
    pub wanted: u8,
    /// Changes the claims.
    edit: fn(&Region, &mut Vec<Claim>),
    /// Changes header and bytes.
    corrupt: fn(&mut Draft),
}

impl Case {
    pub fn draft(&self, region: &Region) -> Draft {
        let mut claims = region.claims();
        (self.edit)(region, &mut claims);
        let mut draft = region.draft(&claims);
        (self.corrupt)(&mut draft);
        draft
    }
}

/// A fault of a leaf that says something else, properly signed.
macro_rules! says {
    ($name:literal, $wanted:literal, $leaf:literal, |$claim:ident| $change:expr) => {
        Case {
            name: $name,
            wanted: $wanted,
            edit: |region, claims| {
                let $claim = &mut claims[$leaf];
                $change;
                region.sign($claim);
            },
            corrupt: |_| {},
        }
    };
}

/// A fault of the claims.
macro_rules! claims {
    ($name:literal, $wanted:literal, $edit:expr) => {
        Case { name: $name, wanted: $wanted, edit: $edit, corrupt: |_| {} }
    };
}

/// A fault of the bytes or of the header.
macro_rules! bytes {
    ($name:literal, $wanted:literal, $corrupt:expr) => {
        Case { name: $name, wanted: $wanted, edit: |_, _| {}, corrupt: $corrupt }
    };
}

pub fn all() -> Vec<Case> {
    let mut cases = signatures();
    cases.extend(numbers());
    cases.extend(attempts());
    cases.extend(inputs());
    cases.extend(modules());
    cases.extend(trees());
    cases.extend(directories());
    cases.extend(areas());
    cases
}

fn signatures() -> Vec<Case> {
    vec![
        claims!("a request signed by the executor", 1, |region, claims| {
            claims[1].client_signature = region.executor.sign(&claims[1].request, &region.deployment.domain);
        }),
        claims!("no signature of the client", 1, |_, claims| claims[4].client_signature = [0; 65]),
        // A record has no region: in this one it is another task, which nobody signed.
        claims!("a task of another region", 1, |region, claims| {
            claims[1].request.region = B256::repeat_byte(5);
            region.sign(&mut claims[1]);
            claims[1].request.region = region.id;
            claims[1].result.task = claims[1].request.id(&region.deployment.domain);
        }),
        claims!("a result signed by a stranger", 2, |region, claims| {
            claims[1].executor_signature = region.stranger.sign(&claims[1].result, &region.deployment.domain);
        }),
        claims!("no signature of the executor", 2, |_, claims| claims[0].executor_signature = [0; 65]),
        claims!("an executor without a stake", 2, |region, claims| {
            claims[2].result.executor = region.stranger.address();
            claims[2].executor_signature = region.stranger.sign(&claims[2].result, &region.deployment.domain);
        }),
    ]
}

fn numbers() -> Vec<Case> {
    vec![
        claims!("a fuel limit above the deployment's", 3, |region, claims| {
            claims[0].request.fuel_limit = region.deployment.parameters.fuel_limit_max + 1;
            region.sign(&mut claims[0]);
        }),
        claims!("an output limit above the deployment's", 3, |region, claims| {
            claims[0].request.output_length_max = region.deployment.parameters.output_length_max + 1;
            region.sign(&mut claims[0]);
        }),
        claims!("an input above the deployment's", 3, |region, claims| {
            claims[2].request.input.length = region.deployment.parameters.input_length_max + 1;
            claims[2].input = Origin::Absent.into();
            region.sign(&mut claims[2]);
        }),
        says!("more fuel than the limit", 3, 1, |claim| claim.result.fuel_used = 1001),
        says!("more output than the limit", 3, 1, |claim| claim.result.output.length = 101),
        says!("status 0", 3, 1, |claim| claim.result.status = 0),
        says!("exhausted with fuel left", 3, 1, |claim| claim.result.status = 3),
        says!("a program that nobody registered", 4, 2, |claim| claim.request.program = B256::repeat_byte(9)),
        bytes!("a header with a later deadline", 7, |draft| draft.batch.min_deadline += 1),
        bytes!("another first sequence number", 9, |draft| draft.batch.first_sequence -= 1),
        claims!("a sequence number twice", 9, |_, claims| claims[2].sequence = claims[1].sequence),
    ]
}

fn attempts() -> Vec<Case> {
    vec![
        claims!("a task twice", 5, |_, claims| {
            claims[1] = Claim { sequence: claims[1].sequence, ..claims[0] };
        }),
        claims!("a task of an earlier batch", 5, |region, claims| {
            let before = region.posted[1].data(region).claim(0).unwrap();
            claims[0] = Claim { sequence: claims[0].sequence, ..before };
        }),
        claims!("a first attempt with a predecessor", 6, |_, claims| {
            claims[0].predecessor = Place { batch: 1, index: 0 };
        }),
        says!("a second attempt without a predecessor's batch before", 6, 1, |claim| {
            claim.result.attempt = 1;
            claim.predecessor = Place { batch: BEFORE, index: 0 };
        }),
        says!("a predecessor that is not there", 6, 1, |claim| {
            claim.result.attempt = 1;
            claim.predecessor = Place { batch: 1, index: 99 };
        }),
        says!("a predecessor of another task", 6, 1, |claim| {
            claim.result.attempt = 1;
            claim.predecessor = Place { batch: 1, index: 3 };
        }),
        claims!("a predecessor that stands", 6, |region, claims| {
            let before = region.posted[1].data(region).claim(0).unwrap();
            claims[0] = Claim { sequence: claims[0].sequence, predecessor: Place { batch: 1, index: 0 }, ..before };
            claims[0].result.attempt = 1;
            region.sign(&mut claims[0]);
        }),
    ]
}

fn inputs() -> Vec<Case> {
    vec![
        says!("an input from nowhere", 10, 0, |claim| claim.input = Source { kind: 9, batch: 0, index: 0 }),
        says!("an absent input with a place", 10, 0, |claim| claim.input = Source { kind: 0, batch: 0, index: 1 }),
        says!("an input here with a batch", 10, 0, |claim| claim.input = Source { kind: 1, batch: 1, index: LONG }),
        says!("an input of no entry here", 10, 0, |claim| claim.input = Origin::Here(99).into()),
        says!("another input here", 10, 0, |claim| claim.input = Origin::Here(SHORT).into()),
        says!("an empty input where there is one", 10, 0, |claim| claim.input = Origin::Here(EMPTY).into()),
        says!("an input of no entry before", 10, 2, |claim| claim.input = earlier(1, 99)),
        says!("another input before", 10, 2, |claim| claim.input = earlier(1, SHORT)),
        says!("an input beyond the horizon", 10, 2, |claim| claim.input = earlier(0, LONG)),
        says!("an input of this batch as if earlier", 10, 2, |claim| claim.input = earlier(BEFORE, LONG)),
        says!("an input from itself", 10, 3, |claim| claim.input = output(BEFORE, 3)),
        says!("another output as input", 10, 3, |claim| claim.input = output(BEFORE, 1)),
        says!("an input from a later batch", 10, 3, |claim| claim.input = output(BEFORE + 1, 0)),
        says!("an input from no leaf before", 10, 4, |claim| claim.input = output(1, 99)),
        says!("another output of before as input", 10, 4, |claim| claim.input = output(1, 1)),
    ]
}

fn modules() -> Vec<Case> {
    vec![
        says!("a module from nowhere", 10, 0, |claim| claim.wasm = Source { kind: 9, batch: 0, index: 0 }),
        says!("an absent module with a batch", 10, 2, |claim| claim.wasm = Source { kind: 0, batch: 1, index: 0 }),
        says!("a module from an output", 10, 0, |claim| claim.wasm = output(1, 0)),
        says!("a module of no entry here", 10, 0, |claim| claim.wasm = Origin::Here(99).into()),
        says!("another module here", 10, 0, |claim| claim.wasm = Origin::Here(SHORT).into()),
        says!("a module of no entry before", 10, 1, |claim| claim.wasm = earlier(1, 99)),
        says!("another module before", 10, 1, |claim| claim.wasm = earlier(1, LONG)),
        says!("a module beyond the horizon", 10, 1, |claim| claim.wasm = earlier(0, WASM)),
        says!("a module of a later batch", 10, 1, |claim| claim.wasm = earlier(BEFORE + 1, WASM)),
    ]
}

fn trees() -> Vec<Case> {
    vec![
        bytes!("a node over two leaves", 8, |draft| draft.flip(draft.layout().leaf_node(1, 1).start)),
        bytes!("a node over the last leaf", 8, |draft| draft.flip(draft.layout().leaf_node(1, 2).end - 1)),
        Case {
            name: "the root over one leaf",
            wanted: 8,
            edit: |_, claims| claims.truncate(1),
            corrupt: |draft| draft.batch.leaf_root = B256::repeat_byte(1),
        },
        Case {
            name: "the root over two leaves",
            wanted: 8,
            edit: |_, claims| claims.truncate(2),
            corrupt: |draft| draft.batch.leaf_root = B256::repeat_byte(1),
        },
        bytes!("padding of the leaf tree", 15, |draft| draft.flip(draft.layout().leaf_node(1, 3).start)),
        bytes!("a node over four leaves", 15, |draft| draft.flip(draft.layout().leaf_node(2, 0).start)),
        bytes!("the root over all leaves", 15, |draft| draft.batch.leaf_root = B256::repeat_byte(1)),
    ]
}

/// Offsets of an entry's fields: specs/12-batches.md, "Directory".
fn directories() -> Vec<Case> {
    vec![
        bytes!("an encoding that is none", 11, |draft| draft.put(LONG, 40, &1u32.to_be_bytes())),
        bytes!("a blob too long", 11, |draft| draft.put(LONG, 32, &((1u64 << 36) + 1).to_be_bytes())),
        bytes!("an empty blob in the middle", 11, |draft| draft.put(LONG, 32, &0u64.to_be_bytes())),
        bytes!("an area that begins too late", 11, |draft| draft.put(SHORT, 44, &9u32.to_be_bytes())),
        bytes!("an area beyond the data", 11, |draft| draft.put(WASM, 32, &5000u64.to_be_bytes())),
        bytes!("a byte too many", 11, |draft| draft.bytes.push(0)),
    ]
}

fn areas() -> Vec<Case> {
    vec![
        bytes!("a byte of a page among others", 12, |draft| draft.flip(draft.area(LONG).page(1).start + 7)),
        bytes!("a byte of the only page", 12, |draft| draft.flip(draft.area(SHORT).start)),
        bytes!("a byte of the data's last page", 12, |draft| draft.flip(draft.area(WASM).blob_end() - 1)),
        bytes!("a root of the empty blob", 12, |draft| draft.put(EMPTY, 0, &[1])),
        bytes!("a hash of a page", 12, |draft| draft.flip(draft.area(LONG).node(0, 2).start)),
        bytes!("a node over two pages", 13, |draft| draft.flip(draft.area(LONG).node(1, 1).start)),
        bytes!("padding of a blob's tree", 13, |draft| draft.flip(draft.area(LONG).node(0, 3).start)),
        bytes!("the root of a blob of pages", 13, |draft| draft.put(LONG, 0, &[1])),
        bytes!("a byte behind the head", 14, |draft| draft.flip(draft.layout().head_length())),
        bytes!("a byte behind a page", 14, |draft| draft.flip(draft.area(SHORT).blob_end() + 1)),
        bytes!("a byte before a tree", 14, |draft| draft.flip(draft.area(LONG).node(0, 0).start - 1)),
        bytes!("a byte behind a tree", 14, |draft| draft.flip(draft.area(LONG).end() + 50)),
    ]
}

fn earlier(batch: u64, index: u32) -> Source {
    Origin::Earlier(Place { batch, index }).into()
}

fn output(batch: u64, index: u32) -> Source {
    Origin::Output(Place { batch, index }).into()
}
