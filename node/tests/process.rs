//! A process ends well at SIGTERM: the test starts itself again as a child and sends it the signal.

#![cfg(unix)]

use assay_node::shutdown::Process;
use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Set in the child.
const CHILD: &str = "ASSAY_TEST_PROCESS";

/// The child of the next test; as a test of its own it has nothing to do.
#[tokio::test]
async fn child_runs_until_the_signal() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mut process = Process::new();
    let token = process.token();
    process.critical("player", async move {
        // Said from within a task: by now the signal is listened to, for `run` is polled first.
        println!("running");
        token.cancelled().await;
        println!("told to stop");
        Ok::<(), Infallible>(())
    });
    process.run().await.expect("all tasks obey");
    println!("ended well");
}

#[test]
fn a_signal_ends_the_process_in_order() {
    for signal in ["TERM", "INT"] {
        let mut child = Command::new(std::env::current_exe().expect("a test has a binary"))
            .args(["--exact", "child_runs_until_the_signal", "--nocapture", "--test-threads=1"])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .spawn()
            .expect("this binary runs");
        let mut lines =
            BufReader::new(child.stdout.take().expect("it is piped")).lines().map(|line| line.expect("text"));
        lines.find(|line| line.ends_with("running") && !line.starts_with("running 1")).expect("the child runs");
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
        let rest: Vec<_> = lines.collect();
        assert!(
            rest.iter().any(|line| line == "told to stop") && rest.iter().any(|line| line == "ended well"),
            "{rest:?}"
        );
        assert!(child.wait().expect("it was started").success(), "{signal}");
    }
}
