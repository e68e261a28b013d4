//! The commands that act on a deployment, as operators run them: the built binary against anvil.
//!
//! Without an anvil each test counts itself as skipped, aloud; where `ASSAY_REQUIRE_ANVIL` is set it fails.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use alloy_primitives::{Address, U256};
use assay_anvil::{Anvil, Mining, Settings};
use serde_json::Value;

const ETHER: u64 = 1_000_000_000_000_000_000;

/// An anvil with a folder for keys and files.
struct Place {
    anvil: Anvil,
    folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Option<Self> {
        let settings = Settings { mining: Mining::EachTransaction, ..Settings::default() };
        let anvil = Anvil::start_or_skip(&settings).await?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "correct horse\n").unwrap();
        Some(Self { anvil, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command with L1, deployment and password in the environment.
    fn assay(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(arguments).stdin(Stdio::null()).current_dir(self.folder.path());
        command.env("ASSAY__L1__URL", self.anvil.url()).env("ASSAY__DEPLOYMENT", self.path("deployment.json"));
        command.env("ASSAY__PASSWORD_FILE", self.path("password")).env_remove("ASSAY_PASSWORD");
        command.output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.assay(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn refusal(&self, arguments: &[&str], code: i32) -> String {
        let output = self.assay(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    /// A new key with money: its keystore and address.
    async fn key(&self) -> (String, Address) {
        let made = self.json(&["keys", "new", "--folder", "keys"]);
        let address: Address = made["address"].as_str().unwrap().parse().unwrap();
        self.anvil.set_balance(address, U256::from(100) * U256::from(ETHER)).await.unwrap();
        (made["keystore"].as_str().unwrap().to_owned(), address)
    }

    async fn deployed(&self) -> (String, Address) {
        let (key, address) = self.key().await;
        self.json(&["deploy", "--preset", "devnet", "--keystore", &key]);
        (key, address)
    }

    fn stake(&self, owner: Address, role: &str) -> Value {
        let status = self.json(&["bond", "status", &owner.to_string(), "--role", role]);
        status["stakes"][0].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stake_lives_from_its_registration_to_its_withdrawal() {
    let Some(place) = Place::new().await else { return };
    let (key, owner) = place.deployed().await;
    assert!(place.refusal(&["deploy", "--preset", "devnet", "--keystore", &key], 1).contains("is there already"));

    assert_eq!(place.stake(owner, "executor")["registered_from"], Value::Null);
    let register = ["bond", "register", "--role", "executor", "--keystore", &key];
    let said = place.refusal(&[&register[..], &["--amount", "1eth"]].concat(), 5);
    assert!(said.contains("the stake is 1 ETH, at least 8 ETH"), "{said}");
    place.json(&register);
    assert!(place.refusal(&register, 5).contains("registers once"));
    place.json(&["bond", "deposit", "--role", "executor", "--amount", "2eth", "--keystore", &key]);
    let stake = place.stake(owner, "executor");
    assert_eq!((&stake["is_registered"], &stake["held_by"]), (&Value::Bool(true), &Value::from("no_exit")));
    assert_eq!(stake["stake_wei"], (U256::from(10) * U256::from(ETHER)).to_string());
    assert_eq!(place.stake(owner, "sequencer")["registered_from"], Value::Null);
    // For people, of the configured key.
    let text = place.assay(&["bond", "status", "--keystore", &key]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("10 ETH, registered") && text.contains("no exit is announced"), "{text}");
    // A keystore says whose it is, whatever its name, and without a password.
    std::fs::copy(place.path(&key), place.path("owner.json")).unwrap();
    let status = place.json(&["bond", "status", "--keystore", "owner.json", "--password-file", "none"]);
    assert_eq!(status["owner"].as_str().unwrap().parse::<Address>().unwrap(), owner);

    let withdraw = ["bond", "withdraw", "--keystore", &key];
    assert!(place.refusal(&withdraw, 1).contains("nothing is withdrawable"));
    place.json(&["bond", "exit", "--role", "executor", "--keystore", &key]);
    assert!(
        place.refusal(&["bond", "exit", "--role", "executor", "--keystore", &key], 5).contains("announced already")
    );
    let stake = place.stake(owner, "executor");
    assert_eq!(stake["held_by"], "time");
    assert!(place.refusal(&withdraw, 1).contains("withdrawable in"));
    let (until, from) = (stake["registered_until"].as_u64().unwrap(), stake["withdrawable_from"].as_u64().unwrap());
    // W + 2 K + margin of the devnet preset (specs/15-presets.md).
    assert_eq!(from - until, 60 + 2 * 60 + 90);
    place.anvil.pass_time(from - until + 60).await.unwrap();
    place.anvil.mine(1).await.unwrap();
    assert_eq!(place.stake(owner, "executor")["is_withdrawable"], true);
    let heir = Address::repeat_byte(7);
    let done = place.json(&[&withdraw[..], &["--to", &heir.to_string()]].concat());
    assert_eq!(done["transactions"][0]["what"], "withdraw stake as executor");
    let balance = place.anvil.request("eth_getBalance", serde_json::json!([heir, "latest"])).await.unwrap();
    assert_eq!(balance, "0x8ac7230489e80000", "10 ether, in hex");
    assert_eq!(place.stake(owner, "executor")["stake_wei"], "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_key_consents_signs_and_is_revoked() {
    let Some(place) = Place::new().await else { return };
    let (key, owner) = place.deployed().await;
    let (hot_key, hot) = place.key().await;
    place.json(&["bond", "register", "--role", "sequencer", "--keystore", &key]);
    let asked = ["keys", "consent", &hot_key, "--role", "sequencer", "--owner", &owner.to_string()];
    let consent = place.json(&asked)["consent"].as_str().unwrap().to_owned();
    let authorise = |consent: &str| {
        let hot = hot.to_string();
        ["bond", "authorise", "--role", "sequencer", "--key", &hot, "--consent", consent, "--keystore", &key]
            .map(str::to_owned)
    };
    let run = |arguments: [String; 10]| place.assay(&arguments.each_ref().map(String::as_str));

    let another = ["keys", "consent", &hot_key, "--role", "executor", "--owner", &owner.to_string()];
    let another = place.json(&another)["consent"].as_str().unwrap().to_owned();
    let refused = run(authorise(&another));
    assert_eq!(refused.status.code(), Some(5), "the consent of another role");
    let short = run(authorise("0x1234"));
    assert!(String::from_utf8_lossy(&short.stderr).contains("has 2 bytes, wanted the 65"));

    assert!(run(authorise(&consent)).status.success());
    let keys = place.stake(owner, "sequencer")["keys"].clone();
    assert_eq!(keys[0]["key"].as_str().unwrap().parse::<Address>().unwrap(), hot);
    assert_eq!(keys[0]["until"], Value::Null);
    assert_eq!(run(authorise(&consent)).status.code(), Some(5), "the key is taken");
    place.json(&["bond", "revoke", "--role", "sequencer", "--key", &hot.to_string(), "--keystore", &key]);
    assert!(place.stake(owner, "sequencer")["keys"][0]["until"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_register_once_and_there_are_no_games() {
    let Some(place) = Place::new().await else { return };
    let (key, _) = place.deployed().await;
    let module = format!("{}/../jobs/wasm/csv.wasm", env!("CARGO_MANIFEST_DIR"));
    let id = place.json(&["program", "id", &module])["program"].clone();
    let register = ["program", "register", &module, "--keystore", &key];
    let first = place.json(&register);
    assert_eq!((&first["program"], &first["is_new"]), (&id, &Value::Bool(true)));
    let again = place.json(&register);
    assert_eq!((&again["registered_at"], &again["is_new"]), (&first["registered_at"], &Value::Bool(false)));

    assert_eq!(place.json(&["dispute", "list"])["games"], serde_json::json!([]));
    assert!(place.refusal(&["dispute", "show", "0x12"], 1).contains("none of 0 games"));
    assert!(place.refusal(&["dispute", "show", "game"], 2).contains("no id of a game"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_of_another_chain_is_named() {
    let Some(place) = Place::new().await else { return };
    let (key, owner) = place.deployed().await;
    let owner = owner.to_string();
    let status = ["bond", "status", &owner];
    let said = place.refusal(&[&status[..], &["--l1", "http://127.0.0.1:1"]].concat(), 6);
    assert!(said.contains("http://127.0.0.1:1 can't be reached"), "{said}");
    assert!(place.refusal(&[&status[..], &["--deployment", "none.json"]].concat(), 1).contains("none.json"));
    let text = std::fs::read_to_string(place.path("deployment.json")).unwrap();
    std::fs::write(place.path("other.json"), text.replace("31337", "31338")).unwrap();
    let said = place.refusal(&[&status[..], &["--deployment", "other.json"]].concat(), 1);
    assert!(said.contains("chain 31337, the deployment is of chain 31338"), "{said}");
    let begun_anew = Place::new().await.unwrap();
    let anew = begun_anew.anvil.url();
    let said = place.refusal(&[&status[..], &["--l1", &anew]].concat(), 1);
    assert!(said.contains("there is no contract at"), "{said}");

    std::fs::write(place.path("wrong"), "staple\n").unwrap();
    let said = place.refusal(&["keys", "show", &key, "--open", "--password-file", "wrong"], 1);
    assert!(said.contains("does not open: the password is wrong"), "{said}");
    std::fs::write(place.path("bad.json"), "no JSON").unwrap();
    let said = place.refusal(&[&status[..], &["--deployment", "bad.json"]].concat(), 1);
    assert!(said.contains("bad.json: deployment file: ") && said.matches("expected ").count() == 1, "{said}");
    // A file says what flags don't, and flags win.
    let file = format!("deployment = \"none.json\"\nkeystore = \"{key}\"\n[l1]\nurl = \"{}\"\n", place.anvil.url());
    std::fs::write(place.path("assay.toml"), file).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(["bond", "status", "--config", "assay.toml", "--deployment", "deployment.json", "--json"]);
    let output = command.current_dir(place.folder.path()).env_remove("ASSAY__L1__URL").output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["owner"].as_str().unwrap().to_lowercase(), owner.to_lowercase());
}

/// What six transactions have made is told, wherever its file can't be written.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_not_lost_with_its_file() {
    let Some(place) = Place::new().await else { return };
    let (key, account) = place.key().await;
    let deploy = ["deploy", "--preset", "devnet", "--keystore", &key];
    let said = place.refusal(&[&deploy[..], &["--output", "nowhere/d.json"]].concat(), 1);
    assert!(said.contains("can't write nowhere/d.json: No such file or directory"), "{said}");
    let sent = place.anvil.request("eth_getTransactionCount", serde_json::json!([account, "latest"])).await.unwrap();
    assert_eq!(sent, "0x0", "nothing was sent");

    if !Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let told = place.assay(&[&deploy[..], &["--output", "/dev/full", "--force", "--json"]].concat());
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert_eq!(told.status.code(), Some(1), "{said}");
    assert!(said.contains("can't write /dev/full: No space left on device"), "{said}");
    assert!(said.contains("the deployment went to stdout"), "{said}");
    std::fs::write(place.path("deployment.json"), &told.stdout).unwrap();
    assert_eq!(place.stake(account, "executor")["registered_from"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deploys_without_ether_is_named() {
    let Some(place) = Place::new().await else { return };
    let made = place.json(&["keys", "new", "--folder", "keys"]);
    let account: Address = made["address"].as_str().unwrap().parse().unwrap();
    let key = made["keystore"].as_str().unwrap();
    let said = place.refusal(&["deploy", "--preset", "devnet", "--keystore", key], 1);
    assert!(said.contains(&format!("{account} has 0 ETH, and pays for six transactions: ")), "{said}");
    let mut names = std::fs::read_dir(place.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.all(|name| name == "keys" || name == "password"), "no part of a file is left");
}

/// The guides have keystores named by their roles.
#[test]
fn keystores_are_found_by_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("password"), "correct horse\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(arguments).stdin(Stdio::null()).current_dir(folder.path());
        command.env_remove("ASSAY_PASSWORD").env_remove("ASSAY__PASSWORD_FILE").output().unwrap()
    };
    let json = |arguments: &[&str]| -> Value {
        let output = run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let made = json(&["keys", "new", "--folder", "keys", "--password-file", "password"]);
    let executor = path("keys/executor.json");
    std::fs::rename(path(made["keystore"].as_str().unwrap()), &executor).unwrap();
    std::fs::write(path("keys/deployment.json"), "{}").unwrap();
    for shown in ["keys", "keys/executor.json"] {
        let shown = json(&["keys", "show", shown]);
        let wanted = serde_json::json!({
            "address": made["address"], "keystore": "keys/executor.json", "is_opened": false,
        });
        assert_eq!(shown, wanted);
    }

    // Others' keystores may leave the address out.
    let mut silent: Value = serde_json::from_slice(&std::fs::read(&executor).unwrap()).unwrap();
    silent.as_object_mut().unwrap().remove("address").unwrap();
    std::fs::write(path("keys/foundry"), silent.to_string()).unwrap();
    let shown = json(&["keys", "show", "keys"]);
    assert_eq!((&shown[0]["address"], &shown[1]["address"]), (&made["address"], &Value::Null), "{shown}");
    let opened = json(&["keys", "show", "keys/foundry", "--password-file", "password"]);
    assert_eq!((&opened["address"], &opened["is_opened"]), (&made["address"], &Value::Bool(true)));
    for (file, named) in [("foundry", "no password from the terminal"), ("deployment.json", "it is no keystore: ")] {
        let refused = run(&["keys", "show", &format!("keys/{file}")]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{file}: {said}");
        assert!(said.contains(named), "{file}: {said}");
    }
}

#[test]
fn completions_and_settings_need_no_l1() {
    let assay = |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_assay")).args(arguments).output().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = assay(&["completions", shell]);
        assert!(script.status.success() && String::from_utf8_lossy(&script.stdout).contains("withdraw"), "{shell}");
    }
    assert_eq!(assay(&["completions", "sh"]).status.code(), Some(2));
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    let missing = command.args(["dispute", "list"]).env_remove("ASSAY__L1__URL").output().unwrap();
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(said.contains("l1.url is set nowhere") && said.contains("ASSAY__L1__URL"), "{said}");
    // Before a key is opened, or a sequencer asked.
    let task = format!("0x{}", "11".repeat(32));
    for (wrong, why) in [
        (&["job", "submit", "x.wasm", "--wait", "soft", "--output", "no/such/file"][..], "there is no folder no/such"),
        (&["job", "output", &task, "--output", "/"], "it is a folder"),
    ] {
        let refused = assay(wrong);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{wrong:?}: {said}");
        assert!(said.contains("can't write ") && said.contains(why), "{wrong:?}: {said}");
    }
}
