//! Each kind of lie, found at a rate of 1, disputed to its end, slashed; and the tasks that were lied about, run again and final.

use alloy_primitives::{B256, Bytes, U256};
use assay_anvil::account;
use assay_executor_node::Corruption;
use assay_protocol::contracts::Bonds;
use assay_protocol::objects::TaskRequest;
use assay_protocol::rpc::TaskState;

use crate::roles::{
    CHALLENGER, SILENT, WRONG_FUEL, WRONG_OUTPUT, WRONG_STATE, challenger_config, executor_config, register, watch,
    work,
};
use crate::stage::{CLIENT, Client, EXECUTOR, Stage, eventually, wallet, wasm};

/// Counts primes below this: some hundred thousand steps.
const INPUT: &[u8] = b"2000\n";
/// Tasks: each liar gets some.
const TASKS: u64 = 20;

/// Submits a job whose run takes a moment.
pub async fn submit(client: &Client, program: B256, nonce: u64) -> B256 {
    let (request, _) = client.request(program, INPUT, nonce);
    let request = TaskRequest { fuel_limit: 100_000_000, ..request };
    let signature = Bytes::from(wallet(CLIENT).sign_hash(&request.id(&client.domain)).unwrap().to_vec());
    client.submit(&request, &signature, INPUT).await.unwrap().receipt.task
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_liar_is_caught_and_slashed_and_its_tasks_become_final() {
    let Some(stage) = Stage::open().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let sequencer = stage.sequencer(stage.config(&folder.path().join("sequencer"))).await;
    let challenger = watch(&stage, challenger_config(&stage.anvil.url(), &folder.path().join("challenger"))).await;
    let liars = [
        (WRONG_OUTPUT, Corruption::WrongOutput),
        (WRONG_FUEL, Corruption::WrongFuel),
        (WRONG_STATE, Corruption::WrongState),
        (SILENT, Corruption::Silent),
    ];
    let mut executors = Vec::new();
    for (index, kind) in liars.into_iter().chain([(EXECUTOR, Corruption::None)]) {
        if index != EXECUTOR {
            register(&stage, index).await;
        }
        let data = folder.path().join(format!("executor-{index}"));
        executors.push(work(&stage, index, executor_config(&stage.anvil.url(), &sequencer.url(), &data, kind)).await);
    }
    let client = Client::new(&sequencer.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let mut tasks = Vec::new();
    for nonce in 0..TASKS {
        tasks.push(submit(&client, program, nonce).await);
    }
    challenger.convicts(&liars.map(|(index, _)| index)).await;
    for (index, kind) in liars {
        let stake = Bonds::stakeOfCall { role: 0, owner: account(index).0 };
        assert_eq!(stage.call(stage.deployment.contracts.bonds, stake).await, U256::ZERO, "{kind:?}");
    }
    eventually("all games are settled", async || {
        let report = challenger.report();
        report.executors.iter().all(|line| line.disputed == line.won + line.lost).then_some(())
    })
    .await;
    let report = challenger.report();
    println!("{}", report.to_json());
    for (index, kind) in liars {
        let line = report.executors.iter().find(|line| line.executor == account(index).0).unwrap();
        assert!(line.wrong > 0 && line.agreed == 0 && line.convicted, "{kind:?}: {line:?}");
        assert!(line.disputed > 0 && line.won == line.disputed && line.lost == 0, "{kind:?}: {line:?}");
        assert_ne!(line.paid, "0", "{kind:?}: {line:?}");
    }
    let honest = report.executors.iter().find(|line| line.executor == account(EXECUTOR).0).unwrap();
    assert!(honest.agreed > 0 && honest.agreed == honest.sampled && honest.disputed == 0, "{honest:?}");
    for task in tasks {
        let view = client.reaches(task, TaskState::Final).await;
        assert_eq!(view.result.unwrap().result.executor, account(EXECUTOR).0);
    }
    let paid = challenger.chain.view().credit(stage.deployment.contracts.court, account(CHALLENGER).0);
    println!("credit left {paid:?}");
    for executor in executors {
        executor.stop().await;
    }
    challenger.stop().await;
    sequencer.stop().await;
}
