//! What can be opened, on a view of a stage of the simulation with games that are told by hand.

use alloy_primitives::{Bytes, Log};
use alloy_sol_types::SolEvent;
use assay_protocol::contracts::Court;
use assay_protocol::presets::Preset;
use assay_simulation::job::Job;
use assay_simulation::key::Key;
use assay_simulation::stage::{Entry, Stage, claim_id};

use super::*;

const ME: Address = Address::repeat_byte(7);

/// A view of one claim, and the numbers of its deployment.
struct Scene {
    view: View,
    court: Address,
    executor: Address,
    leaf: LeafId,
    parameters: Parameters,
    posted_at: u64,
}

impl Scene {
    fn new() -> Self {
        let (jobs, executor) = (Job::all(), Key::named("executor", 1));
        let parameters = Preset::Devnet.parameters(Address::repeat_byte(9));
        let entry = Entry { job: &jobs[0], executor: &executor, claimed: jobs[0].truth };
        let stage = Stage::new(parameters.clone(), 1_000_000_000, &[entry]);
        let mut view = View::new(stage.deployment.contracts());
        for block in stage.world.blocks() {
            block
                .logs()
                .for_each(|log| view.apply(block.number, block.time, log).expect("logs of contracts are taken"));
        }
        let case = &stage.cases[0];
        let leaf = LeafId { region: case.proof.batch.region, batch: case.proof.batch.number, index: case.proof.index };
        assert_eq!(leaf.claim(), claim_id(case));
        let (court, posted_at) = (stage.deployment.court, stage.posted_at[0]);
        Self { view, court, executor: executor.address(), leaf, parameters, posted_at }
    }

    fn tell(&mut self, event: &impl SolEvent) {
        let log = Log { address: self.court, data: event.encode_log_data() };
        self.view.apply(1_000, self.posted_at + 1, &log).expect("the court could say so");
    }

    fn committed(&mut self, game: u8, challenger: Address, is_stay: bool) {
        let challenge = Court::Challenge {
            challenger,
            batchHash: B256::ZERO,
            index: self.leaf.index,
            leaf: B256::ZERO,
            commitment: B256::repeat_byte(game),
            bond: U256::from(1),
            isStay: is_stay,
            expiry: self.posted_at + 100,
        };
        let (claim, executor, record) = (self.leaf.claim(), self.executor, Bytes::new());
        self.tell(&Court::Committed { game: B256::repeat_byte(game), claim, executor, challenge, record });
    }

    fn lost(&mut self, game: u8) {
        let (game, none) = (B256::repeat_byte(game), U256::ZERO);
        self.tell(&Court::ChallengeLost { game, challenger: ME, toExecutor: none, burned: none });
    }

    fn convicted(&mut self, game: u8) {
        let (executor, game, from, none) = (self.executor, B256::repeat_byte(game), self.posted_at, U256::ZERO);
        let (pot, winners, share) = (none, none, none);
        self.tell(&Court::Convicted { executor, game, voidFrom: from, pot, costPaid: none, winners, share });
    }

    fn is_spent_at(&self, now: u64) -> bool {
        spent(&self.view, [self.leaf].iter(), &self.parameters, now) == [self.leaf]
    }

    fn opening_at(&self, now: u64) -> Option<Opening> {
        let row = ChallengeRow { is_stay: false };
        let challenges = BTreeMap::from([(self.leaf, Challenge { row, executor: self.executor })]);
        openings(&self.view, ME, &challenges, &self.parameters, now).remove(&self.leaf)
    }

    fn opening(&self) -> Option<Opening> {
        self.opening_at(self.posted_at + 1)
    }
}

/// A game that was lost in time is followed by another, with a name and so a salt of its own; after three of them there is no more.
#[test]
fn a_lost_game_is_followed_by_another() {
    let mut scene = Scene::new();
    let mut names = std::collections::BTreeSet::new();
    for round in 0..ROUNDS_MAX {
        let opening = scene.opening().expect("none stands");
        assert_eq!((opening.round, opening.has_games), (round, false));
        assert!(names.insert(opening.name));
        let game = 2 * round as u8 + 1;
        // Others' games don't count.
        scene.committed(game + 1, Address::repeat_byte(8), false);
        scene.committed(game, ME, false);
        assert_eq!(scene.opening(), None, "one stands");
        let of = |game: u8| scene.view.board().game(B256::repeat_byte(game)).expect("it was told");
        assert_eq!(round_of(&scene.view, of(game)), round);
        assert_eq!(round_of(&scene.view, of(1)), 0, "what was before does not change");
        scene.lost(game);
    }
    assert_eq!(scene.opening(), None, "so many bonds and no more");
}

#[test]
fn names_of_commitments_are_those_of_earlier_versions() {
    let scene = Scene::new();
    let batch = scene.view.batch(scene.leaf.region, scene.leaf.batch).expect("it was posted");
    let name = keccak256((keccak256("commit"), batch.hash, scene.leaf.index, ME).abi_encode());
    assert_eq!(scene.opening().map(|opening| opening.name), Some(name));
}

#[test]
fn what_is_held_or_late_is_not_opened() {
    let mut scene = Scene::new();
    let end = scene.posted_at + scene.parameters.window;
    assert_eq!(scene.opening().map(|opening| opening.until), Some(end));
    assert!(scene.opening_at(end - 1).is_some());
    assert_eq!(scene.opening_at(end), None, "it would land after the window");
    // A stay on another claim of the executor.
    let leaf = scene.leaf;
    scene.leaf.index += 1;
    scene.committed(1, ME, true);
    scene.leaf = leaf;
    assert_eq!(scene.opening(), None, "an own stay holds it");
    scene.lost(1);
    assert!(scene.opening().is_some_and(|opening| !opening.has_games));
    scene.leaf.index += 1;
    scene.committed(2, ME, false);
    scene.leaf = leaf;
    assert!(scene.opening().is_some_and(|opening| opening.has_games && opening.round == 0));
}

/// No bond is put on what a conviction voids; yet it is remembered, for a conviction that L1 takes back leaves a claim to be challenged.
#[test]
fn a_convicts_claim_is_remembered_and_challenged_when_the_conviction_is_taken_back() {
    let mut scene = Scene::new();
    scene.committed(1, Address::repeat_byte(8), false);
    let before = scene.view.clone();
    scene.convicted(1);
    let fate_by = scene.posted_at + scene.parameters.dispute_span();
    assert_eq!((scene.opening(), scene.is_spent_at(scene.posted_at + 1)), (None, false));
    assert_eq!((scene.is_spent_at(fate_by), scene.is_spent_at(fate_by + 1)), (false, true));
    // Folded again without the block of the conviction.
    scene.view = before;
    assert!(scene.opening().is_some_and(|opening| opening.round == 0));
}
