//! The commands as users run them: the built binary, its exit codes, its JSON.
//!
//! Expected outputs come from `jobs/expected`, which independent implementations have checked.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn jobs(path: &str) -> String {
    format!("{}/../jobs/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// A folder of the test's own, which goes away with it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn wasm(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
        path
    }
}

fn assay(arguments: &[&str], cache: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(arguments).env("ASSAY_CACHE", cache).stdin(Stdio::null()).output().unwrap()
}

/// As [`answer`], with bytes on stdin.
fn answer_to(arguments: &[&str], stdin: &Path) -> Vec<u8> {
    let cache = Folder::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    let stdin = std::fs::File::open(stdin).unwrap();
    let output = command.args(arguments).env("ASSAY_CACHE", cache.0.path()).stdin(stdin).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn stdin_is_the_same_input_as_a_file() {
    let jobs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs");
    let (wasm, input) = (jobs.join("wasm/sha256.wasm"), jobs.join("inputs/sha256.txt"));
    let (wasm, file) = (wasm.to_str().unwrap(), input.to_str().unwrap());
    for question in [&["--hashes", "3"][..], &["--at", "1000"], &["--witness", "1000"]] {
        let arguments = |input| [&["trace", wasm, "--input", input], question].concat();
        assert_eq!(answer_to(&arguments("-"), &input), answer(&arguments(file)), "{question:?}");
    }
}

/// Runs a command that must answer, and returns what it printed.
fn answer(arguments: &[&str]) -> Vec<u8> {
    let cache = Folder::new();
    let output = assay(arguments, cache.0.path());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn json(arguments: &[&str]) -> Value {
    let mut arguments = arguments.to_vec();
    arguments.push("--json");
    serde_json::from_slice(&answer(&arguments)).unwrap()
}

/// Runs a command that must fail with an exit code, and returns what it said.
fn refusal(arguments: &[&str], code: i32) -> String {
    let cache = Folder::new();
    let output = assay(arguments, cache.0.path());
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(!said.contains("panicked") && !said.to_lowercase().contains("backtrace"), "{said}");
    said
}

#[test]
fn both_engines_print_the_expected_output_and_agree_on_the_rest() {
    let (module, input) = (jobs("wasm/csv.wasm"), jobs("inputs/csv.csv"));
    let expected = std::fs::read(jobs("expected/csv.csv")).unwrap();
    let mut results = Vec::new();
    for engine in ["wasmtime", "machine"] {
        let run = ["run", &module, "--input", &input, "--engine", engine];
        assert_eq!(answer(&run), expected, "{engine}");
        let result = json(&run);
        assert_eq!(result["engine"], engine);
        assert_eq!(result["fallback"], Value::Null);
        assert_eq!(result["output_hex"], format!("0x{}", hex::encode(&expected)));
        results.push(result);
    }
    for field in ["program", "status", "code", "trap", "fuel_used", "fuel_limit", "input", "output"] {
        assert_eq!(results[0][field], results[1][field], "{field}");
    }
    assert_eq!(results[0]["status"], "exit");
    assert_eq!(results[0]["output"]["length"], expected.len());
}

#[test]
fn the_output_goes_to_a_file_when_one_is_named() {
    let folder = Folder::new();
    let file = folder.path("image.png");
    let (module, input) = (jobs("wasm/mandelbrot.wasm"), jobs("inputs/mandelbrot.txt"));
    let result = json(&["run", &module, "--input", &input, "--output", file.to_str().unwrap()]);
    assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(jobs("expected/mandelbrot.png")).unwrap());
    assert_eq!(result["output_hex"], Value::Null);
    assert_eq!(result["output_file"], file.to_str().unwrap());
}

#[test]
fn how_a_job_ends_is_an_answer_unless_strict_is_given() {
    let folder = Folder::new();
    let trap = folder.wasm("trap.wasm", r#"(module (memory 1) (func (export "_start") unreachable))"#);
    let trap = trap.to_str().unwrap();
    let result = json(&["run", trap]);
    assert_eq!(
        (&result["status"], &result["trap"], &result["code"]),
        (&"trap".into(), &"unreachable".into(), &1.into())
    );
    assert!(refusal(&["run", trap, "--strict"], 4).contains("did not end with exit code 0"));

    let result = json(&["run", &jobs("wasm/primes.wasm"), "--input", &jobs("inputs/primes.txt"), "--fuel", "1000"]);
    assert_eq!((&result["status"], &result["fuel_used"]), (&"out_of_fuel".into(), &1000.into()));
    assert_eq!(result["output"]["length"], 0);
}

#[test]
fn a_refused_module_is_named_with_its_reason() {
    let folder = Folder::new();
    let simd = folder.wasm("simd.wasm", r#"(module (func (export "_start") (drop (v128.const i64x2 0 0))))"#);
    let simd = simd.to_str().unwrap();
    for command in
        [vec!["run", simd], vec!["trace", simd], vec!["program", "id", simd], vec!["program", "inspect", simd]]
    {
        assert!(refusal(&command, 3).contains("SIMD"), "{command:?}");
    }
    let cache = Folder::new();
    let inspected = assay(&["program", "inspect", simd, "--json"], cache.0.path());
    let inspected: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!((&inspected["admitted"], &inspected["reason"]), (&false.into(), &"SIMD".into()));
    assert_eq!(inspected["module"]["functions"], 1);
}

#[test]
fn what_is_missing_is_named() {
    assert!(refusal(&["run", "no-such-file.wasm"], 1).contains("can't read no-such-file.wasm"));
    let module = jobs("wasm/primes.wasm");
    assert!(refusal(&["run", &module, "--input", "no-such-input"], 1).contains("can't read no-such-input"));
    assert!(
        refusal(&["run", &module, "--output", "no/such/folder/file"], 1).contains("can't write no/such/folder/file")
    );
    refusal(&["run"], 2);
    refusal(&["trace", &module, "--at", "1", "--witness", "1"], 2);
    refusal(&["trace", &module, "--hashes", "1"], 2);
}

/// Runs a command in so many KiB of address space.
#[cfg(target_os = "linux")]
fn assay_within(address_space_kib: u32, arguments: &[&str]) -> Output {
    let cache = Folder::new();
    let limited = format!("ulimit -v {address_space_kib} && exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_assay")]).args(arguments);
    command.env("ASSAY_CACHE", cache.0.path()).stdin(Stdio::null()).output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn memory_that_the_host_does_not_give_for_the_output_is_named() {
    let folder = Folder::new();
    let endless = folder.wasm(
        "endless.wasm",
        r#"(module (import "assay" "output_write" (func $write (param i32 i32))) (memory 16)
            (func (export "_start") (loop (call $write (i32.const 0) (i32.const 0x100000)) (br 0))))"#,
    );
    let endless = endless.to_str().unwrap();
    for command in [&["run", endless, "--engine", "machine"][..], &["trace", endless]] {
        let limits = ["--output-limit", "4294967296", "--json"];
        let output = assay_within(320 << 10, &[command, &limits].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
        assert!(said.contains("error: the host does not give "), "{command:?}: {said}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["exit_code"], 1);
        assert!(report["error"].as_str().unwrap().ends_with(" bytes of memory for the output"), "{report}");
    }
}

/// The machine goes on without its fast path, and whoever waits for it knows why it takes so long.
#[cfg(target_os = "linux")]
#[test]
fn a_host_without_the_address_space_of_a_fast_run_is_said_to_be_one_once() {
    let folder = Folder::new();
    let module = folder.wasm("exit.wasm", r#"(module (memory 1) (func (export "_start")))"#);
    let module = module.to_str().unwrap();
    for question in
        [&["run", module, "--engine", "machine"][..], &["trace", module], &["trace", module, "--hashes", "2"]]
    {
        // Room for the process, and none for 4 GiB.
        for (address_space_kib, wanted) in [(2_u32 << 20, 1), (64 << 20, 0)] {
            let output = assay_within(address_space_kib, question);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{question:?}: {said}");
            let told = said.lines().filter(|line| line.contains("4 GiB of address space")).count();
            assert_eq!(told, wanted, "{question:?}: {said}");
        }
    }
}

#[test]
fn a_second_run_takes_the_module_from_the_cache() {
    let cache = Folder::new();
    let run = ["run", &jobs("wasm/primes.wasm"), "--input", &jobs("inputs/primes.txt")];
    let first = assay(&run, cache.0.path());
    let entries = || std::fs::read_dir(cache.0.path()).unwrap().count();
    assert_eq!(entries(), 1, "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(assay(&run, cache.0.path()).stdout, first.stdout);
    assert_eq!(entries(), 1);
}

#[test]
fn a_cache_that_cannot_be_made_costs_speed_only() {
    let folder = Folder::new();
    let file = folder.path("file");
    std::fs::write(&file, b"not a folder").unwrap();
    let run = assay(&["run", &jobs("wasm/primes.wasm"), "--input", &jobs("inputs/primes.txt"), "--json"], &file);
    let result: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&result["engine"], &result["fallback"]), (&"wasmtime".into(), &Value::Null));
    assert!(String::from_utf8_lossy(&run.stderr).contains("are not kept"));
}

#[test]
fn hashes_states_and_proofs_of_a_run_fit_together() {
    let (module, input) = (jobs("wasm/sha256.wasm"), jobs("inputs/sha256.txt"));
    let trace = |question: &[&str]| json(&[&["trace", &module, "--input", &input], question].concat());
    let end = trace(&[]);
    assert_eq!(
        (&end["halted"], &end["state"]["status"], &end["instruction"]),
        (&true.into(), &"exit".into(), &Value::Null)
    );

    let hashes = trace(&["--hashes", "4"]);
    let states = hashes["states"].as_array().unwrap();
    assert_eq!(states.len(), 4);
    assert_eq!((&states[0]["step"], &states[3]["step"]), (&0.into(), &end["step"]));
    assert_eq!(states[3]["state_hash"], end["state"]["state_hash"]);

    let step = states[1]["step"].to_string();
    let before = trace(&["--at", &step]);
    assert_eq!(before["state"]["state_hash"], states[1]["state_hash"]);
    let proof = trace(&["--witness", &step]);
    assert_eq!(proof["before"], before["state"]);
    assert_eq!(proof["instruction"], before["instruction"]);
    assert_eq!(proof["contract"]["agrees"], true);
    assert!(proof["contract"]["execution_gas"].as_u64().unwrap() < 700_000);
    let next = trace(&["--at", &(states[1]["step"].as_u64().unwrap() + 1).to_string()]);
    assert_eq!(proof["after"], next["state"]);
    let witness = proof["witness"]["bytes"].as_str().unwrap();
    assert_eq!(witness.len(), 2 + 2 * proof["witness"]["size"].as_u64().unwrap() as usize);
}

#[test]
fn a_halted_machine_is_its_own_successor() {
    let folder = Folder::new();
    let module = folder.wasm("exit.wasm", r#"(module (memory 1) (func (export "_start")))"#);
    let proof = json(&["trace", module.to_str().unwrap(), "--witness", "1000000"]);
    assert_eq!(proof["before"], proof["after"]);
    assert_eq!(proof["witness"]["size"], 0);
}

#[test]
fn inspection_accounts_for_every_instruction() {
    let module = jobs("wasm/lz.wasm");
    let inspected = json(&["program", "inspect", &module]);
    let id = String::from_utf8(answer(&["program", "id", &module])).unwrap();
    assert_eq!(inspected["program"], id.trim());
    let functions = inspected["functions"].as_array().unwrap();
    let total: u64 = functions.iter().map(|function| function["instructions"].as_u64().unwrap()).sum();
    assert_eq!(inspected["instructions"], total);
    let by_name: u64 =
        inspected["instructions_by_name"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(by_name, total);
    let imports = inspected["module"]["imports"].as_array().unwrap();
    assert!(imports.contains(&"wasi_snapshot_preview1 fd_read".into()));

    let listing = String::from_utf8(answer(&["program", "inspect", &module, "--disassemble"])).unwrap();
    assert_eq!(listing.lines().filter(|line| line.starts_with(' ')).count() as u64, total);
    assert!(!listing.contains("undefined"));
}

#[test]
fn the_demo_tells_its_story_to_the_end() {
    let told = String::from_utf8(answer(&["demo"])).unwrap();
    for part in ["exit code 0", "steps", "gas", "bit for bit", "the contract refuses"] {
        assert!(told.contains(part), "{part} is missing:\n{told}");
    }
}

/// The same as data: both engines come to the output that is expected, and the step is the one of the trace.
#[test]
fn the_demo_has_its_figures_as_json() {
    let told = json(&["demo", "--step", "1000"]);
    let (module, input) = (jobs("wasm/csv.wasm"), jobs("inputs/csv.csv"));
    let [native, machine] = &told["runs"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!((&native["engine"], &machine["engine"]), (&Value::from("wasmtime"), &Value::from("machine")));
    let expected = std::fs::read(jobs("expected/csv.csv")).unwrap();
    for run in [native, machine] {
        assert_eq!((&run["status"], &run["output"]["length"]), (&Value::from("exit"), &Value::from(expected.len())));
    }
    assert_eq!(native["fuel_used"], machine["fuel_used"]);
    assert_eq!(told["hashes"].as_array().unwrap().len(), 5);
    let witness = json(&["trace", &module, "--input", &input, "--witness", "1000"]);
    assert_eq!(told["program"], witness["program"]);
    let step = &told["step"];
    assert_eq!(
        (&step["step"], &step["before"], &step["after"]),
        (&witness["step"], &witness["before"], &witness["after"])
    );
    assert_eq!(step["execution_gas"], witness["contract"]["execution_gas"]);
    assert_eq!(told["changed_witness"], "refused");
}

#[cfg(unix)]
#[test]
fn the_output_goes_through_links_and_into_pipes_and_a_file_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let (wasm, input) = (jobs("wasm/sha256.wasm"), jobs("inputs/sha256.txt"));
    let expected = answer(&["run", &wasm, "--input", &input]);
    let to = |path: &Path| answer(&["run", &wasm, "--input", &input, "--output", path.to_str().unwrap()]);

    let (file, link) = (folder.path("file"), folder.path("link"));
    std::fs::write(&file, b"before").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    to(&link);
    assert!(link.is_symlink(), "the link is still one");
    assert_eq!(std::fs::read(&file).unwrap(), expected);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);

    let pipe = folder.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::read(pipe).unwrap())
    };
    to(&pipe);
    assert_eq!(reader.join().unwrap(), expected);
}

#[test]
fn json_has_failures_too() {
    let folder = Folder::new();
    let text = folder.path("text");
    std::fs::write(&text, "no module").unwrap();
    for command in [&["run"][..], &["trace"], &["program", "id"]] {
        let output = assay(&[command, &[text.to_str().unwrap(), "--json"]].concat(), folder.0.path());
        assert_eq!(output.status.code(), Some(3), "{command:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["exit_code"], 3);
        assert!(report["error"].as_str().unwrap().contains("not WASM"), "{report}");
    }
}

#[test]
fn json_has_wrong_command_lines_too() {
    let folder = Folder::new();
    for wrong in [&["run", "--json"][..], &["trace", "x", "--json", "--hashes", "many"], &["no-such", "--json"]] {
        let output = assay(wrong, folder.0.path());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["exit_code"], 2);
        assert!(!report["error"].as_str().unwrap().is_empty(), "{report}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("error: "), "{wrong:?}");
    }
    let missing = assay(&["run", "--json"], folder.0.path()).stdout;
    assert!(String::from_utf8_lossy(&missing).contains("<FILE.wasm>"), "what is missing is named");
    assert!(assay(&["no-such"], folder.0.path()).stdout.is_empty());
}

/// What only the command can say of its flags and settings, before it does anything.
#[test]
fn wrong_values_and_missing_settings_are_wrong_command_lines_too() {
    let folder = Folder::new();
    let task = format!("0x{}", "11".repeat(32));
    for (wrong, named) in [
        (&["job", "new", "123", "--json"][..], "123"),
        (&["job", "new", "match", "--json"], "match"),
        (&["devnet", "up", "--dishonest", "5", "--json"], "0..=4"),
        (&["job", "status", &task, "--sequencer", "foo", "--json"], "the address of the sequencer"),
        (&["job", "status", &task, "--json"], "sequencer is set nowhere"),
        (&["dispute", "list", "--json"], "l1.url is set nowhere"),
        (&["bond", "status", "--json"], "whose?"),
        (&["bond", "status", "0x12", "--json"], "an address is 0x and 40 hex digits"),
        (&["bond", "deposit", "--role", "executor", "--amount", "0", "--json"], "--amount is zero"),
        (&["job", "submit", "x.wasm", "--fee", "1.5wei", "--json"], "no whole number of wei"),
        (&["job", "submit", "x.wasm", "--output", "x", "--json"], "--wait"),
        (&["job", "consumer", "--program", "0x12", "--json"], "neither a file nor a program's id"),
    ] {
        let output = assay(wrong, folder.0.path());
        let said = String::from_utf8_lossy(&output.stderr);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{wrong:?}: {said}"));
        assert!(report["error"].as_str().unwrap().contains(named), "{wrong:?}: {report}");
        assert_eq!((output.status.code(), &report["exit_code"]), (Some(2), &Value::from(2)), "{wrong:?}: {said}");
    }
}

#[test]
fn a_devnet_says_which_port_is_taken_before_it_starts_anything() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let flags = ["devnet", "up", "--l1", "http://127.0.0.1:1", "--telemetry", "0", "--json", "--port", &port];
    let output = assay(&flags, folder.0.path());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let error = report["error"].as_str().unwrap();
    assert!(error.contains(&format!("can't listen on port {port}; --port names another")), "{error}");
    assert_eq!(output.status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn endless_files_are_refused_before_they_fill_memory() {
    // As any module that is beyond a limit of admission.
    let message = refusal(&["program", "id", "/dev/zero"], 3);
    assert!(message.contains("is refused: too many or too large: module bytes: got more than 67108864"), "{message}");
    let folder = Folder::new();
    let inspected = assay(&["program", "inspect", "/dev/zero", "--json"], folder.0.path());
    assert_eq!(inspected.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(
        (&report["admitted"], &report["reason"]),
        (&Value::Bool(false), &Value::from("module bytes")),
        "{report}"
    );
}

#[cfg(unix)]
#[test]
fn a_job_that_fails_says_why() {
    let folder = Folder::new();
    let write = r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 16) "\20\00\00\00\05\00\00\00") (data (i32.const 32) "oh\1b!\0a")
        (func $say (drop (call $write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 64))))"#;
    let text = |ending| {
        format!("(module {write} (func $fails {ending}) (func (export \"_start\") (call $say) (call $fails)))")
    };
    let trap = folder.wasm("trap.wasm", &text("unreachable"));
    let trap = trap.to_str().unwrap();
    for engine in ["wasmtime", "machine"] {
        let result = json(&["run", trap, "--engine", engine]);
        assert_eq!((&result["function"], &result["stderr"]), (&"fails".into(), &"oh\u{1b}!\n".into()), "{engine}");
        let cache = Folder::new();
        let said = assay(&["run", trap, "--engine", engine], cache.0.path()).stderr;
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("trap: unreachable") && said.contains("stopped in fails\n"), "{said}");
        // What a job writes reaches no terminal as it is.
        assert!(said.contains("the job's stderr:\n  oh\\u{1b}!\n"), "{said}");
    }
    // A pipe is read once.
    let pipe = folder.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (to, module) = (pipe.clone(), std::fs::read(trap).unwrap());
    let writer = std::thread::spawn(move || std::fs::write(to, module).unwrap());
    assert_eq!(json(&["run", pipe.to_str().unwrap()])["function"], "fails");
    writer.join().unwrap();
    let fine = folder.wasm("fine.wasm", &text(""));
    let fine = fine.to_str().unwrap();
    assert!(json(&["run", fine])["stderr"].is_null());
    let explained = json(&["run", fine, "--explain"]);
    assert_eq!((&explained["stderr"], &explained["function"]), (&"oh\u{1b}!\n".into(), &Value::Null));
}

/// Names are whoever's made the module: a terminal must not take them for orders.
#[test]
fn names_in_a_module_give_a_terminal_no_orders() {
    let folder = Folder::new();
    let named = folder.wasm(
        "named.wasm",
        r#"(module (func $f (@name "\1b[31mred\07\0d") unreachable) (func (export "_start") (call $f)))"#,
    );
    let imports =
        folder.wasm("imports.wasm", r#"(module (import "\1b[2J" "\07bell" (func)) (func (export "_start")))"#);
    let memory =
        folder.wasm("memory.wasm", r#"(module (import "\1b[2J" "\07bell" (memory 1)) (func (export "_start")))"#);
    for module in [named.to_str().unwrap(), imports.to_str().unwrap(), memory.to_str().unwrap()] {
        for command in [&["run", module][..], &["run", module, "--strict"], &["program", "inspect", module]] {
            let output = assay(command, folder.0.path());
            let said = [output.stdout, output.stderr].concat();
            let order = said.iter().find(|byte| byte.is_ascii_control() && !b"\n\t".contains(byte));
            assert_eq!(order, None, "{command:?}: {}", String::from_utf8_lossy(&said).escape_debug());
            assert!(said.windows(4).any(|four| four == b"\\u{1" || four == b"bell"), "{command:?} names the name");
        }
    }
}

/// In JSON a name is itself, escaped as JSON escapes; nowhere is it longer than anybody reads.
#[test]
fn names_in_a_module_are_told_once_and_cut() {
    let folder = Folder::new();
    let module = |file: &str, name: &str| {
        let names = format!(r#"(func $f (@name "{name}") unreachable) (func (export "_start") (call $f))"#);
        folder.wasm(file, &format!("(module (memory 1) {names})"))
    };
    let (named, long) = (module("named.wasm", r"\1b[31m\22red\5c"), module("long.wasm", &"n".repeat(5000)));
    let cut = format!("{}…", "n".repeat(128));
    for (module, name) in [(named.to_str().unwrap(), "\u{1b}[31m\"red\\"), (long.to_str().unwrap(), cut.as_str())] {
        assert_eq!(json(&["run", module])["function"], name);
        assert_eq!(json(&["program", "inspect", module])["functions"][0]["name"], name);
    }
    for command in [&["run"][..], &["program", "inspect"], &["program", "inspect", "--disassemble"]] {
        let output = assay(&[command, &[long.to_str().unwrap()]].concat(), folder.0.path());
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(&cut) && !said.contains(&"n".repeat(129)), "{command:?}: {said}");
    }
    let imports = folder.wasm("imports.wasm", r#"(module (import "\1b[2J" "bell" (func)) (func (export "_start")))"#);
    let inspected = assay(&["program", "inspect", imports.to_str().unwrap(), "--json"], folder.0.path());
    let inspected: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(inspected["module"]["imports"][0], "\u{1b}[2J bell");
}

#[test]
fn stderr_that_takes_nothing_is_no_failure() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        println!("skipped: this system has no /dev/full");
        return;
    };
    let cache = Folder::new();
    let (wasm, input) = (jobs("wasm/sha256.wasm"), jobs("inputs/sha256.txt"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(["run", &wasm, "--input", &input]).env("ASSAY_CACHE", cache.0.path()).stderr(full);
    assert_eq!(command.output().unwrap().status.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_command_that_waits_for_its_input() {
    let cache = Folder::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(["run", &jobs("wasm/sha256.wasm"), "--input", "-"]).env("ASSAY_CACHE", cache.0.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // It listens from its very start; whether it waits already does not matter.
    let interrupted = loop {
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::yield_now();
    };
    use std::os::unix::process::ExitStatusExt;
    // Before it listens, the signal itself ends it.
    assert!(interrupted.code() == Some(130) || interrupted.signal() == Some(2), "{interrupted:?}");
}

/// What is there of the file when the signal comes goes: the file has its name and all its bytes, or is not there.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_part_of_a_file() {
    let folder = Folder::new();
    let module = folder.wasm(
        "long.wasm",
        r#"(module (import "assay" "output_write" (func $write (param i32 i32))) (memory 1024)
            (func (export "_start")
                (call $write (i32.const 0) (i32.const 0x4000000))
                (call $write (i32.const 0) (i32.const 0x4000000))
                (call $write (i32.const 0) (i32.const 0x4000000))))"#,
    );
    let target = folder.path("target");
    std::fs::create_dir(&target).unwrap();
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(&target).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.arg("run").arg(&module).arg("--output").arg(target.join("file"));
    command.env("ASSAY_CACHE", folder.path("cache")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let ended = loop {
        if names().iter().any(|name| name.starts_with(".assay-")) {
            Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::yield_now();
    };
    assert!(matches!(ended.code(), Some(0 | 130)), "{ended:?}");
    // A signal may come when the file has its name.
    let names = names();
    let is_whole = || target.join("file").metadata().unwrap().len() == 3 << 26;
    assert!(names.is_empty() || names == ["file"] && is_whole(), "{names:?}");
}
