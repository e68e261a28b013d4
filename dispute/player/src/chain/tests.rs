//! The fold held against the contracts themselves: whole stages and bouts of the simulation are read from their logs, and what the view
//! says is compared with what the contracts answer. Rows are rolled back at every block, restarted from, and thrown away.

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, Log, keccak256};
use alloy_sol_types::SolEvent;
use assay_dispute::game::Side;
use assay_dispute::player::Phase;
use assay_node::store::{Schema, Store};
use assay_protocol::contracts::{Batches, Bonds, Court};
use assay_protocol::data::{encode, parts};
use assay_protocol::deployment::DEPLOYMENT_VERSION;
use assay_protocol::faults::{Facts, faults};
use assay_protocol::objects::{Origin, Place, Role};
use assay_protocol::presets::Preset;
use assay_simulation::job::Job;
use assay_simulation::liar::{Corruption, Story};
use assay_simulation::plan::{Claim, Conduct, Plan, Player};
use assay_simulation::stage::{Stage, claim_id, executor_of};
use assay_simulation::world::{Block, CHAIN_ID, World};
use tempfile::TempDir;

use super::ingest::{self, Placed};
use super::rows::{EVENTS, PARTS};
use super::*;
use crate::cases::{CaseSource, Cases, RunsConfig};

fn deployment(stage: &Stage) -> Deployment {
    let of = &stage.deployment;
    Deployment {
        version: DEPLOYMENT_VERSION,
        chain_id: CHAIN_ID,
        preset: Preset::Devnet,
        treasury: of.parameters.treasury,
        first_block: 0,
        contracts: of.contracts(),
    }
}

/// A store with what some blocks said.
struct Shelf {
    directory: TempDir,
    store: Store,
    deployment: Deployment,
}

impl Shelf {
    fn new(deployment: Deployment) -> Self {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let store = open(&directory);
        Self { directory, store, deployment }
    }

    fn of(stage: &Stage) -> Self {
        let shelf = Self::new(deployment(stage));
        shelf.take(stage.world.blocks());
        shelf
    }

    /// As the follower takes them: block by block.
    fn take(&self, blocks: &[Block]) {
        for block in blocks {
            self.write(&placed(block));
        }
    }

    fn write(&self, logs: &[Placed]) {
        let mut batch = self.store.batch();
        ingest::write(&mut batch, &self.deployment, logs).expect("logs of L1 are taken");
        batch.commit_lazily().expect("there is room");
    }

    fn roll_back(&self, void_from: u64) {
        let mut batch = self.store.batch();
        ingest::delete(&mut batch, &self.deployment, void_from).expect("rows can be read");
        batch.commit_lazily().expect("there is room");
    }

    fn view(&self) -> View {
        Settled::new(&self.deployment).newest(&self.store).expect("rows fold")
    }

    fn chain(&self) -> Chain {
        Chain::still(self.store.clone(), self.deployment.clone(), &[]).expect("rows fold")
    }

    fn restart(self) -> Self {
        let Self { directory, store, deployment } = self;
        drop(store);
        let store = open(&directory);
        Self { directory, store, deployment }
    }
}

fn open(directory: &TempDir) -> Store {
    Store::open(directory.path(), &assay_node::l1::schema(schema(Schema::new("test", 1)))).expect("it opens")
}

fn placed(block: &Block) -> Vec<Placed> {
    let place = |(index, log): (u64, &Log)| Placed { place: (block.number, index), time: block.time, log: log.clone() };
    (0..).zip(block.logs()).map(place).collect()
}

/// Views have no equality, but one form.
fn same(one: &View, other: &View) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

fn lie() -> Conduct {
    Conduct::Lying { from: 4, corruption: Corruption::Pc, story: Story::Steady }
}

fn claim(job: usize, executor: u32, lie: Option<u64>) -> Claim {
    Claim { job, executor, lie, is_old: false }
}

/// Three claims, one false; a liar on each side, an honest player against each; one stay.
fn plan() -> Plan {
    let player = |side, number, conduct, cases| Player::new(side, number, conduct, cases);
    let stay = Player { is_stay: true, ..player(Side::Challenger, 9, lie(), vec![1]) };
    Plan {
        claims: vec![claim(0, 0, None), claim(2, 1, None), claim(2, 2, Some(0))],
        players: vec![
            player(Side::Executor, 0, Conduct::Honest, vec![0]),
            player(Side::Executor, 1, Conduct::Honest, vec![1]),
            player(Side::Executor, 2, lie(), vec![2]),
            player(Side::Challenger, 0, Conduct::Honest, vec![2]),
            player(Side::Challenger, 1, lie(), vec![0]),
            player(Side::Challenger, 2, lie(), vec![2]),
            stay,
        ],
        is_withheld: false,
        pace: 2,
        base_fee_top: None,
        reorganisations: 0,
        tampering: 0,
        seed: 7,
    }
}

/// The bout's stage, and its chain when all is played.
fn bout() -> (Stage, World) {
    let bout = plan().bout(&Job::all());
    let stage = bout.stage.clone();
    let (_, world) = bout.play_on().expect("the honest side gets its due");
    (stage, world)
}

#[test]
fn what_was_posted_is_found_again() {
    let jobs = Job::all();
    let bout = plan().bout(&jobs);
    let stage = &bout.stage;
    let shelf = Shelf::of(stage);
    let chain = shelf.chain();
    let view = shelf.view();
    let (region, state) = view.regions().next().expect("a region was opened");
    assert_eq!((view.regions().count(), state.batches.len()), (1, 1));
    let batch = &state.batches[0];
    assert_eq!((batch.posted_at, batch.hash), (stage.posted_at[0], stage.cases[0].batch_hash));
    assert_eq!(view.batch_of_hash(batch.hash), Some((region, 0)));
    assert_eq!(chain.batch_data(region, 1).expect("rows can be read").map(|data| data.header), None);

    let data = chain.batch_data(region, 0).expect("rows can be read").expect("it was posted");
    let opened = data.open().expect("it is L1's");
    let found = faults(&opened, batch.posted_at, &chain.parameters().limits(), &chain.facts(region));
    assert_eq!(found.expect("facts can be had"), [], "an innocent sequencer");

    let sources = Sources::of_l1(chain.clone());
    for (index, case) in (0..).zip(&stage.cases) {
        let leaf = LeafId { region, batch: 0, index };
        assert_eq!(leaf.claim(), claim_id(case));
        let opened = chain.open_leaf(leaf).expect("rows can be read").expect("it is there");
        assert_eq!((opened.leaf, &opened.siblings), (case.leaf, &case.proof.siblings));
        assert_eq!(&opened.record[..], &case.proof.record[..]);
        assert_eq!(opened.claim.result.executor, executor_of(case));
        let run = sources.run(leaf).expect("all of it is on L1");
        let job = &jobs[plan().claims[index as usize].job];
        assert_eq!((&run.wasm[..], &run.input[..]), (&job.wasm[..], &job.input[..]));
        let built = crate::cases::case_of(run.leaf, &run.opened, &run.descriptor);
        assert_eq!(
            (built.proof, built.descriptor, built.claimed),
            (case.proof.clone(), case.descriptor.clone(), case.claimed)
        );
        run.boot().expect("the program is the one that is registered");
        assert_eq!(chain.blob(&job.input_ref).expect("rows can be read").as_ref(), Some(&*job.input));
    }
    let beyond = LeafId { region, batch: 0, index: 99 };
    assert!(chain.claim(beyond).expect("rows can be read").is_none());
    assert!(matches!(sources.run(beyond), Err(SourceMissing::Leaf(leaf)) if leaf == beyond));
}

/// Every answer of the view, at the end of a bout, is that of the contracts.
#[test]
fn the_view_answers_as_the_contracts_do() {
    let (stage, mut world) = bout();
    let shelf = Shelf::new(deployment(&stage));
    shelf.take(world.blocks());
    let view = shelf.view();
    let window = stage.deployment.parameters.window;
    assert!(view.board().games().all(|game| !game.is_running()));
    assert!(view.board().games().count() >= 3, "{} games", view.board().games().count());
    assert!(view.board().games().any(|game| game.phase == Phase::Lost));
    let (mut clear, mut void) = (0, 0);
    for (index, case) in stage.cases.iter().enumerate() {
        let (executor, posted_at) = (executor_of(case), stage.posted_at[index]);
        let call = Court::standingOfCall { claim: claim_id(case), executor, postedAt: posted_at };
        let wanted = world.view(stage.deployment.court, &call).expect("the court answers");
        let got = match view.standing(claim_id(case), executor, posted_at, window) {
            Standing::Clear => (0, 0),
            Standing::Held => (1, 0),
            Standing::Void { since } => (2, since),
        };
        assert_eq!(got, (wanted._0, wanted._1), "case {index}");
        clear += usize::from(got.0 == 0);
        void += usize::from(got.0 == 2);
        let leaf = LeafId { region: case.proof.batch.region, batch: 0, index: case.proof.index };
        let fate = view.fate(leaf, executor, window, world.head().time).expect("it was posted");
        assert_eq!(matches!(fate, Fate::Void { .. }), got.0 == 2, "{fate:?}");
    }
    assert!(clear > 0 && void > 0);
    let accounts: Vec<Address> = plan().players.iter().map(|player| player.key().address()).collect();
    let mut owed = 0;
    let times: Vec<u64> = world.blocks().iter().map(|block| block.time).step_by(5).collect();
    for account in accounts.iter().chain([&stage.deployment.parameters.treasury]) {
        for contract in [stage.deployment.court, stage.deployment.bonds] {
            // Both contracts have the same function.
            let credit = world.view(contract, &Court::creditOfCall { account: *account }).expect("it answers");
            assert_eq!(view.credit(contract, *account).owed, credit, "{account} at {contract}");
            owed += usize::from(!credit.is_zero());
        }
        for time in times.iter().copied() {
            let call = Bonds::isRegisteredCall { role: 0, owner: *account, time };
            let wanted = world.view(stage.deployment.bonds, &call).expect("it answers");
            assert_eq!(view.stakes().is_registered(Role::Executor, *account, time), wanted, "{account} at {time}");
            let call = Bonds::isKeyCall { role: 0, owner: *account, key: accounts[0], time };
            let wanted = world.view(stage.deployment.bonds, &call).expect("it answers");
            assert_eq!(view.stakes().is_key(Role::Executor, *account, accounts[0], time), wanted);
        }
    }
    assert!(owed >= 4, "{owed} credits");
}

/// Whatever block a reorganisation goes back to, rows and view are as if the blocks after it had never been.
#[test]
fn dropped_blocks_leave_nothing_behind() {
    let (stage, world) = bout();
    let blocks = world.blocks();
    let full = Shelf::new(deployment(&stage));
    full.take(blocks);
    let whole = full.view();
    let grown = Shelf::new(deployment(&stage));
    for cut in (1..blocks.len()).step_by(3) {
        grown.take(&blocks[grown_to(&grown)..cut]);
        full.roll_back(cut as u64);
        assert!(same(&full.view(), &grown.view()), "cut at block {cut}");
        let rows = |shelf: &Shelf| (shelf.store.range(&EVENTS, ..).count(), shelf.store.range(&PARTS, ..).count());
        assert_eq!(rows(&full), rows(&grown), "cut at block {cut}");
        assert_eq!(indexed(&full), indexed(&grown), "cut at block {cut}");
        full.take(&blocks[cut..]);
        assert!(same(&full.view(), &whole), "read again from block {cut}");
    }
    let full = full.restart();
    assert!(same(&full.view(), &whole), "after a restart");
}

/// A reorganisation costs a pass over the events that it can reach, whatever was before them: those before are not even looked at.
#[test]
fn what_is_settled_is_not_folded_again() {
    let (stage, world) = bout();
    let blocks = world.blocks();
    let shelf = Shelf::new(deployment(&stage));
    shelf.take(blocks);
    let end = blocks.len() as u64;
    let whole = shelf.view();
    let (opened, newest) = Settled::open(&shelf.store, &shelf.deployment, 5).expect("rows fold");
    assert!(same(&newest, &whole) && opened.is_before(end - 1), "opened");
    let mut settled = Settled::new(&shelf.deployment);
    for before in 1..=end {
        settled.advance(&shelf.store, before).expect("rows fold");
        assert!(same(&settled.newest(&shelf.store).expect("rows fold"), &whole), "settled before {before}");
        assert!(settled.is_before(before) && !settled.is_before(before - 1), "settled before {before}");
    }
    // Without the rows that are settled, the events of the others are enough.
    let middle = end / 2;
    let mut settled = Settled::new(&shelf.deployment);
    settled.advance(&shelf.store, middle).expect("rows fold");
    let mut batch = shelf.store.batch();
    for row in shelf.store.range(&EVENTS, ..(middle, 0)) {
        batch.delete(&EVENTS, &row.expect("rows can be read").0);
    }
    batch.commit().expect("there is room");
    assert!(same(&settled.newest(&shelf.store).expect("rows fold"), &whole), "nothing of what is settled was read");
}

fn grown_to(shelf: &Shelf) -> usize {
    shelf.store.last(&EVENTS).expect("rows can be read").map_or(0, |((block, _), _)| block as usize + 1)
}

fn indexed(shelf: &Shelf) -> (usize, usize) {
    (shelf.store.range(&rows::ATTEMPTS, ..).count(), shelf.store.range(&rows::BLOBS, ..).count())
}

#[test]
fn a_reset_that_was_broken_off_is_finished() {
    let stage = plan().bout(&Job::all()).stage;
    let shelf = Shelf::of(&stage);
    // As a crash leaves it: marked, and nothing thrown away yet.
    let mut batch = shelf.store.batch();
    batch.put(&rows::RESETTING, &(), &()).expect("it is writable");
    batch.commit().expect("there is room");
    let shelf = shelf.restart();
    ingest::finish_reset(&shelf.store).expect("rows can be deleted");
    assert_eq!((shelf.store.range(&EVENTS, ..).count(), indexed(&shelf)), (0, (0, 0)));
    assert_eq!(shelf.store.get(&rows::RESETTING, &()).expect("rows can be read"), None);
    shelf.take(stage.world.blocks());
    assert!(same(&shelf.view(), &Shelf::of(&stage).view()));
}

/// A part that is staged again counts as it was staged last; taken back, as it was before.
#[test]
fn the_part_that_was_posted_last_counts() {
    let stage = plan().bout(&Job::all()).stage;
    let deployment = deployment(&stage);
    let shelf = Shelf::of(&stage);
    let chain = shelf.chain();
    let (region, _) = chain.view().regions().next().map(|(id, region)| (id, region.name)).expect("a region");
    let leaf = LeafId { region, batch: 0, index: 0 };
    let mut claim = chain.claim(leaf).expect("rows can be read").expect("it is there");
    claim.input = Origin::Here(0).into();
    let input = vec![7; 100_000];
    let encoded = encode(region, &deployment.domain(), &[claim], &[&input]).expect("it fits");
    let parent = chain.batch(region, 0).expect("it was posted").hash;
    let header = encoded.batch(region, 1, parent, 1);
    let log = |data| Log { address: deployment.contracts.batches, data };
    let part = |part: u32, bytes: &[u8]| {
        let data = Bytes::copy_from_slice(bytes);
        log(Batches::DataPosted { region, number: 1, part, data }.encode_log_data())
    };
    let good: Vec<&[u8]> = parts(&encoded.data).collect();
    let posted =
        log(Batches::BatchPosted { region, number: 1, batchHash: header.hash(), batch: (&header).into() }
            .encode_log_data());
    let at = |block, index, log: &Log| Placed { place: (block, index), time: block, log: log.clone() };
    let bad = vec![1; good[0].len()];
    shelf.write(&[at(1000, 0, &part(0, &bad)), at(1000, 1, &part(1, good[1]))]);
    shelf.write(&[at(1001, 3, &part(0, good[0]))]);
    shelf.write(&[at(1002, 0, &part(1, good[1])), at(1002, 1, &posted)]);
    let data =
        shelf.chain().batch_data(region, 1).expect("the last of each part fits the header").expect("it is there");
    assert_eq!(*data.bytes, encoded.data);
    assert_eq!(ingest::count(&shelf.store, rows::attempt_hash(region, claim.result.task, 0)), 2);

    shelf.roll_back(1001);
    assert_eq!(
        (shelf.view().batch(region, 1), ingest::newest(&shelf.store).expect("rows can be read")),
        (None, Some(1000))
    );
    let mut batch = shelf.store.batch();
    let again = ingest::write(&mut batch, &shelf.deployment, &[at(1001, 0, &posted)]);
    assert!(matches!(again, Err(ChainError::Data { number: 1, .. })), "with the bad part back, the bytes are others");
    drop(batch);
    let mut batch = shelf.store.batch();
    let other = Log { address: deployment.contracts.batches, ..posted };
    shelf.roll_back(1000);
    let missing = ingest::write(&mut batch, &shelf.deployment, &[at(1001, 0, &other)]);
    assert!(matches!(missing, Err(ChainError::Part { part: 0, .. })), "no part was seen");
}

#[test]
fn attempts_are_found_by_their_task() {
    let stage = plan().bout(&Job::all()).stage;
    let chain = Shelf::of(&stage).chain();
    let (region, _) = chain.view().regions().next().map(|(id, region)| (id, region.name)).expect("a region");
    let facts = chain.facts(region);
    let leaf = LeafId { region, batch: 0, index: 1 };
    let task = chain.claim(leaf).expect("rows can be read").expect("it is there").result.task;
    let found = |attempt, number| facts.attempt(task, attempt, number).expect("rows can be read");
    assert_eq!((found(0, 1), found(0, 0), found(1, 1)), (Some(leaf.place()), None, None));
    let known = facts.leaf(Place { batch: 0, index: 1 }).expect("rows can be read").expect("it is there");
    assert_eq!((known.task, known.attempt, known.voided_at), (task, 0, None));
    assert!(facts.leaf(Place { batch: 3, index: 0 }).expect("rows can be read").is_none());
    assert!(facts.entry(0, 0).expect("rows can be read").is_some());
    assert!(facts.entry(0, 99).expect("rows can be read").is_none());
    assert!(facts.program(keccak256("none")).expect("the view answers").is_none());
}

/// Events that no contract emits are refused, each by its name, and change no row.
#[test]
fn events_that_can_not_be_are_refused() {
    let stage = plan().bout(&Job::all()).stage;
    let deployment = deployment(&stage);
    let batches = deployment.contracts.batches;
    let mut view = Shelf::of(&stage).view();
    let refused = |view: &mut View, address, data| {
        view.apply(9999, 9999, &Log { address, data }).expect_err("no contract emits it")
    };
    let region = keccak256("nowhere");
    let error = refused(&mut view, batches, Batches::BatchVoided { region, number: 0 }.encode_log_data());
    assert!(matches!(error, FoldError::UnknownRegion { region: got } if got == region), "{error}");
    let (known, state) = view.regions().next().map(|(id, region)| (id, region.clone())).expect("a region");
    let error = refused(&mut view, batches, Batches::BatchVoided { region: known, number: 8 }.encode_log_data());
    assert!(matches!(error, FoldError::Number { got: 8, wanted: 0, .. }), "{error}");
    let header = state.batches[0].header;
    let posted =
        |number, hash| Batches::BatchPosted { region: known, number, batchHash: hash, batch: (&header).into() };
    let error = refused(&mut view, batches, posted(0, keccak256("other")).encode_log_data());
    assert!(matches!(error, FoldError::Hash { .. }), "{error}");
    let error = refused(&mut view, batches, posted(0, header.hash()).encode_log_data());
    assert!(matches!(error, FoldError::Number { got: 0, wanted: 1, .. }), "{error}");
    let error = refused(&mut view, deployment.contracts.court, alloy_primitives::LogData::empty());
    assert!(matches!(error, FoldError::Board(_)), "{error}");
    let error = refused(&mut view, batches, alloy_primitives::LogData::empty());
    assert!(matches!(error, FoldError::Log { contract, .. } if contract == batches), "{error}");
    let registered = Bonds::Registered { role: 5, owner: Address::ZERO, stake: Default::default() };
    let error = refused(&mut view, deployment.contracts.bonds, registered.encode_log_data());
    assert!(matches!(error, FoldError::Role { got: 5 } | FoldError::Log { .. }), "{error}");
    // Another contract's logs are none of ours.
    view.apply(9999, 9999, &Log { address: Address::ZERO, data: alloy_primitives::LogData::empty() }).expect("nothing");
}

/// Evidence goes by what is run: claims of one run share it, whoever made them, each with its own proof. What had to go is derived anew.
#[test]
fn claims_of_one_run_share_its_evidence() {
    let stage = plan().bout(&Job::all()).stage;
    let chain = Shelf::of(&stage).chain();
    let region = chain.view().regions().next().expect("a region").0;
    let leaf = |index| LeafId { region, batch: 0, index };
    // Leaves 1 and 2 are of one job, the second with a false result.
    let asked = [0, 1, 2, 0];
    let open = |config| {
        let cases = Cases::new(Sources::of_l1(chain.clone()), config);
        for index in asked {
            let opened = cases.open(leaf(index)).expect("all of it is on L1");
            let wanted = &stage.cases[index as usize];
            assert_eq!((opened.case.batch_hash, opened.case.leaf), (wanted.batch_hash, wanted.leaf));
            assert_eq!(opened.case.claimed, wanted.claimed);
        }
        cases
    };
    let roomy = open(RunsConfig::default());
    assert_eq!(roomy.runs().count(), 2);
    let steps = roomy.runs().interpreted_steps();
    drop(roomy.open(leaf(1)).expect("it is held"));
    assert_eq!(roomy.runs().interpreted_steps(), steps, "it was surveyed");
    // No room for two: what was used last stays, whatever it takes.
    let narrow = open(RunsConfig { count_max: 1, ..RunsConfig::default() });
    assert_eq!(narrow.runs().count(), 1);
    assert!(narrow.runs().interpreted_steps() > steps, "leaf 0 came again");
    let missing = roomy.open(leaf(99));
    assert!(matches!(missing.err(), Some(SourceMissing::Leaf(got)) if got == leaf(99)));
}

/// An earlier leaf's output is an input, by running it again; without L1 and without anybody who has it, a blob is missing.
#[test]
fn outputs_of_earlier_leaves_are_inputs() {
    let jobs = Job::all();
    let stage = plan().bout(&jobs).stage;
    let shelf = Shelf::of(&stage);
    let chain = shelf.chain();
    let (region, parent) = {
        let view = chain.view();
        let (region, state) = view.regions().next().expect("a region");
        (region, state.batches[0].hash)
    };
    // Leaf 1 is of the sieve; a task that takes what it output, whatever its own result.
    let sieve = chain.claim(LeafId { region, batch: 0, index: 1 }).expect("rows").expect("it is there");
    let mut claim = sieve;
    claim.request.input = sieve.result.output;
    claim.input = Origin::Output(Place { batch: 0, index: 1 }).into();
    claim.wasm = Origin::Earlier(Place { batch: 0, index: sieve.wasm.index }).into();
    claim.sequence = 100;
    claim.result.task = claim.request.id(&chain.domain());
    let mut lost = claim;
    lost.sequence = 101;
    lost.request.input.root = keccak256("nobody has it");
    lost.result.task = lost.request.id(&chain.domain());
    lost.input = Origin::Absent.into();
    let encoded = encode(region, &chain.domain(), &[claim, lost], &[]).expect("it fits");
    let header = encoded.batch(region, 1, parent, 1);
    let log = |data| Log { address: shelf.deployment.contracts.batches, data };
    let data = Bytes::copy_from_slice(&encoded.data);
    let part = log(Batches::DataPosted { region, number: 1, part: 0, data }.encode_log_data());
    let posted =
        log(Batches::BatchPosted { region, number: 1, batchHash: header.hash(), batch: (&header).into() }
            .encode_log_data());
    let at = |index, log| Placed { place: (1000, index), time: 1000, log };
    shelf.write(&[at(0, part), at(1, posted)]);
    let chain = shelf.chain();

    let sources = Sources::of_l1(chain.clone());
    let run = sources.run(LeafId { region, batch: 1, index: 0 }).expect("it is run again");
    assert_eq!((run.input.len() as u64, &run.wasm[..]), (sieve.result.output.length, &jobs[2].wasm[..]));
    // Its input is made of the sieve's, and is copied once.
    let most = (sieve.request.input.length + run.input.len() as u64).max(2 * run.input.len() as u64);
    assert_eq!(sources.input_bytes(run.leaf).expect("rows"), Some(most));
    assert_eq!(
        sources.input_bytes(LeafId { region, batch: 0, index: 1 }).expect("rows"),
        Some(sieve.request.input.length)
    );
    assert_eq!(sources.input_bytes(LeafId { region, batch: 9, index: 0 }).expect("rows"), None);
    let wasm = jobs[2].descriptor.wasm;
    let blobs = [wasm, run.opened.claim.request.input, wasm, sieve.request.input];
    assert_eq!(sources.blobs_of_run(run.leaf).expect("rows"), blobs, "of both leaves");
    let missing = LeafId { region, batch: 1, index: 1 };
    assert!(matches!(sources.run(missing), Err(SourceMissing::Blob { what: "input", .. })));

    // What this host can't run says nothing of where the bytes are.
    struct Weak;
    impl Outputs for Weak {
        fn output(&self, _: &Run) -> Result<Vec<u8>, String> {
            Err("too large for it".into())
        }
    }
    let weak = Sources::new(chain.clone(), Arc::new(Weak), Arc::new(Nowhere));
    let earlier = LeafId { region, batch: 0, index: 1 };
    assert!(matches!(weak.run(run.leaf), Err(SourceMissing::Output { leaf, .. }) if leaf == earlier));

    struct Liar;
    impl Outputs for Liar {
        fn output(&self, _: &Run) -> Result<Vec<u8>, String> {
            Ok(vec![0; 3000])
        }
    }
    impl Blobs for Liar {
        fn fetch(&self, _: &assay_protocol::BlobRef) -> Result<Option<Arc<[u8]>>, String> {
            Ok(Some(Arc::new([1])))
        }
    }
    // What a place gives is the run's input, and no copy of it.
    struct Pantry(Arc<[u8]>);
    impl Blobs for Pantry {
        fn fetch(&self, _: &assay_protocol::BlobRef) -> Result<Option<Arc<[u8]>>, String> {
            Ok(Some(self.0.clone()))
        }
    }
    let given = Pantry(run.input.clone());
    let again = Sources::new(chain.clone(), Arc::new(Liar), Arc::new(given)).run(run.leaf).expect("the place has it");
    assert!(Arc::ptr_eq(&again.input, &run.input));
    // Who has run the earlier leaf knows that it is wrong.
    let alone = Sources::new(chain.clone(), Arc::new(Liar), Arc::new(Nowhere));
    assert!(matches!(alone.run(run.leaf), Err(SourceMissing::False { leaf, .. }) if leaf == earlier));
    let sources = Sources::new(chain, Arc::new(Liar), Arc::new(Liar));
    for index in [0, 1] {
        let error = sources.run(LeafId { region, batch: 1, index }).err().expect("others' bytes are checked");
        assert!(error.to_string().contains("other bytes"), "{error}");
    }
}
