//! What `ops/` and the guides tell roles, against the built binary: every flag and every setting there is one that it takes.
//!
//! Each role is started with exactly what a file says. It gets as far as the deployment, which is not on this machine: settings that it
//! does not know would have ended it before.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

const ROLES: [&str; 3] = ["sequencer", "executor", "challenger"];

fn read(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Why a role does not start.
fn ending(arguments: &[String], environment: &[(String, String)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ASSAY")) {
        command.env_remove(name);
    }
    let output = command.envs(environment.iter().cloned()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let told: Value = serde_json::from_str(told.trim())
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {told}{}", String::from_utf8_lossy(&output.stderr)));
    told["error"].as_str().unwrap().to_owned()
}

/// The lines of a service in the compose file, or of what several share.
fn block<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = text.lines().skip_while(|line| line.trim_end() != name);
    let head = lines.next().unwrap_or_else(|| panic!("there is no {name}"));
    let depth = |line: &str| line.len() - line.trim_start().len();
    lines.take_while(|line| line.trim().is_empty() || depth(line) > depth(head)).collect()
}

/// Settings of a block: `ASSAY__NAME: value`.
fn settings(lines: &[&str]) -> Vec<(String, String)> {
    let pairs = lines.iter().filter_map(|line| line.trim().split_once(": "));
    let pairs = pairs.filter(|(name, _)| name.starts_with("ASSAY__"));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

fn words(line: &str) -> Vec<String> {
    line.split([' ', ',']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_compose_file_gives_roles_what_they_take() {
    let text = read("ops/compose/compose.yaml");
    let mut shared = settings(&block(&text, "x-l1: &l1"));
    assert_eq!(shared.len(), 2, "{shared:?}");
    shared
        .iter_mut()
        .filter(|(name, _)| name == "ASSAY__L1__URL")
        .for_each(|(_, url)| *url = "http://127.0.0.1:1".into());
    for role in ROLES {
        let lines = block(&text, &format!("  {role}:"));
        let command = lines.iter().find_map(|line| line.trim().strip_prefix("command: [")).unwrap();
        let arguments = words(command.trim_end_matches(']'));
        assert_eq!(arguments[0], role);
        let mut environment = [shared.clone(), settings(&lines)].concat();
        assert!(environment.len() >= 6, "{environment:?}");
        let error = ending(&arguments, &environment);
        assert!(error.contains("/config/deployment.json"), "{role}: {error}");
        // A name that it does not know would have been told of.
        environment.push(("ASSAY__NOT__THERE".into(), "1".into()));
        let error = ending(&arguments, &environment);
        assert!(error.to_lowercase().contains("not"), "{role}: {error}");
        assert!(!error.contains("/config/deployment.json"), "{role}: {error}");
    }
}

#[test]
fn units_and_guides_give_roles_what_they_take() {
    let folder = tempfile::tempdir().unwrap();
    for role in ROLES {
        let unit = read(&format!("ops/systemd/assay-{role}.service"));
        let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/assay ")).unwrap();
        let environment = unit.lines().filter_map(|line| line.strip_prefix("Environment=")).flat_map(words);
        let environment = environment.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.replace("%d", "/run/credentials").replace("%S", "/var/lib"))
        });
        let environment: Vec<(String, String)> = environment.collect();
        assert!(environment.iter().any(|(name, _)| name == "ASSAY__KEYSTORE"), "{environment:?}");
        // The configuration is the guide's.
        let guide = read(&format!("docs/{role}.md"));
        let example = guide.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config = folder.path().join(format!("{role}.toml"));
        std::fs::write(&config, example).unwrap();
        let named = format!("/etc/assay/{role}.toml");
        let arguments = words(start).into_iter().map(|word| if word == named { shown(&config) } else { word });
        let arguments: Vec<String> = arguments.collect();
        assert!(arguments.contains(&shown(&config)), "{start}");
        let error = ending(&arguments, &environment);
        assert!(error.contains("/etc/assay/deployment.json"), "{role}: {error}");
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn the_image_runs_the_binary_and_can_listen_where_the_compose_file_says() {
    let (image, compose) = (read("ops/compose/Dockerfile"), read("ops/compose/compose.yaml"));
    assert!(image.contains("cargo build --release --locked --package assay\n"));
    assert!(image.contains("COPY --from=build /assay/target/release/assay /usr/local/bin/assay\n"));
    let exposed = image.lines().find_map(|line| line.strip_prefix("EXPOSE ")).unwrap();
    let exposed: Vec<&str> = exposed.split(' ').collect();
    let listened = compose.lines().filter_map(|line| line.trim().split_once(": 0.0.0.0:")).map(|(_, port)| port);
    let listened: Vec<&str> = listened.collect();
    assert_eq!(listened.len(), 4, "{listened:?}");
    assert!(listened.iter().all(|port| exposed.contains(port)), "{exposed:?} {listened:?}");
    // What is scraped is what is listened on.
    let scraped = read("ops/compose/prometheus.yml");
    for target in ["sequencer:8653", "executor:8700", "challenger:8710"] {
        assert!(scraped.contains(target) && listened.contains(&target.split(':').nth(1).unwrap()), "{target}");
    }
}
