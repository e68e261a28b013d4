//! The story: a job goes from a request to final and is proven to a contract; a lie goes from a batch to a slashed stake.
//!
//! ```text
//! jobs      four real jobs by honest executors, their outputs held against what independent programs computed
//! lie       an executor that lies joins and gets a job
//! dispute   the challenger finds it, and every move of the game is told
//! after     the job is run again by another one and becomes final; the first job's output is proven to the consumer
//! ```
//!
//! Owns the order and what must have come out; everything it tells was asked of the sequencer or of L1. It fails if anything is not as the
//! story says.

mod dispute;
mod jobs;

use assay_deploy::deploy_consumer;
use assay_executor_node::Corruption;
use assay_machine::memory::commit_blob;
use assay_operator::grouped;
use eyre::{Result, ensure};
use serde_json::json;

use crate::consumer;
use crate::net::{Devnet, DevnetConfig};
use crate::teller::Teller;
use jobs::{Client, Sample};

/// The step from which on the liar's states are others.
const LIE_FROM_STEP: u64 = 100_000;

/// Tells the story on a devnet of its own.
///
/// # Errors
/// Whatever did not go as told.
pub async fn run(config: DevnetConfig, teller: &mut Teller) -> Result<()> {
    teller.chapter("1. L1, contracts and every role, on this machine. All keys are anvil's, which everybody knows.");
    let mut devnet = Devnet::start(DevnetConfig { dishonest: config.dishonest.max(1), ..config }, teller).await?;
    let told = tell(&mut devnet, teller).await;
    // The roles end before anything is said of how it ended.
    let stopped = devnet.stop().await;
    told?;
    stopped?;
    teller.tell("end", "every role has stopped in order", json!({}));
    Ok(())
}

async fn tell(devnet: &mut Devnet, teller: &mut Teller) -> Result<()> {
    let client = Client::new(devnet).await?;

    teller.chapter("2. Four jobs, run by honest executors.");
    let first = client.submit(&Sample::csv(), teller).await?;
    for sample in [Sample::json(), Sample::mandelbrot(), Sample::sha256()] {
        client.submit(&sample, teller).await?;
    }
    let program = first.program;
    let (l1, wallet) = (&devnet.l1, &devnet.parties.client.wallet);
    let consumer = deploy_consumer(&l1.endpoint, wallet, &l1.deployment, program).await?.address;
    teller.tell(
        "consumer",
        format!("a contract that acts on results of that program, once they are final, is at {consumer}"),
        json!({ "consumer": consumer, "program": program }),
    );

    teller.chapter(
        "3. An executor that lies joins: the same code, which says of every run that it came to another exit code.",
    );
    devnet.add_liar(0, Corruption::WrongState, LIE_FROM_STEP).await?;
    let liar = devnet.parties.dishonest[0].clone();
    let lie = client.submit_until(&Sample::primes(), liar.address(), &devnet.parties, teller).await?;

    teller.chapter(
        "4. The challenger runs every result again. It needs nobody but L1 for that, and disputes what is wrong.",
    );
    dispute::follow(devnet, liar.address(), lie.task, teller).await?;

    teller.chapter(
        "5. The job is run again, and becomes final. So does the first one, whose output goes to the contract.",
    );
    let mended = client.follow_to_final(lie.task, &devnet.parties, teller).await?;
    ensure!(mended.executor != liar.address(), "the liar has run the job again");
    ensure!(mended.attempt > 0, "the liar's result has become final");
    lie.sample.check(&mended, &client).await?;
    let honest = client.follow_to_final(first.task, &devnet.parties, teller).await?;
    first.sample.check(&honest, &client).await?;
    let proof = client.proof(first.task).await?;
    let party = &devnet.parties.client;
    let (mined, root, length) = consumer::act(&devnet.l1, party, consumer, first.task, &proof).await?;
    let wanted = commit_blob(first.sample.expected)?;
    ensure!((root, length) == (wanted.root, wanted.length), "the contract remembers another output");
    teller.tell(
        "proven",
        format!("the contract has taken the proof and remembers the output: {length} bytes, root {root}"),
        json!({ "consumer": consumer, "transaction": mined.transaction, "gas": mined.gas, "root": root, "length": length }),
    );
    teller.more(&format!("transaction {}, {} gas", mined.transaction, grouped(mined.gas)));
    Ok(())
}
