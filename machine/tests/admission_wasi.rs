//! Programs for WASI preview 1, linked and run in wasmi. Expectations are written by hand from the documentation of
//! preview 1 and from the adapter's own list of what a program finds.

mod host;

use assay_machine::admission::{Admitted, admit, admit_library};
use host::{Ending, run};

const ADAPTER_SOURCE: &str = include_str!("../src/admission/wasi_adapter.wat");
const ADAPTER: &[u8] = include_bytes!("../src/admission/wasi_adapter.wasm");

fn wasm(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|error| panic!("the test's own text: {error}"))
}

fn program(wat: &str) -> Admitted {
    admit(&wasm(wat)).unwrap_or_else(|error| panic!("{error}"))
}

/// The committed adapter is what its source assembles to. `BLESS=1` writes it anew.
#[test]
fn adapter_is_fresh() {
    let assembled = wasm(ADAPTER_SOURCE);
    if std::env::var_os("BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/admission/wasi_adapter.wasm");
        std::fs::write(path, &assembled).expect("the source tree is writable");
    }
    assert!(assembled == ADAPTER, "run: BLESS=1 cargo test -p assay-machine --test admission_wasi adapter_is_fresh");
}

/// Every function of preview 1, with its signature in letters: i = i32, l = i64. From the `witx` of preview 1.
const PREVIEW_1: [(&str, &str, &str); 46] = [
    ("args_get", "ii", "i"),
    ("args_sizes_get", "ii", "i"),
    ("environ_get", "ii", "i"),
    ("environ_sizes_get", "ii", "i"),
    ("clock_res_get", "ii", "i"),
    ("clock_time_get", "ili", "i"),
    ("fd_advise", "illi", "i"),
    ("fd_allocate", "ill", "i"),
    ("fd_close", "i", "i"),
    ("fd_datasync", "i", "i"),
    ("fd_fdstat_get", "ii", "i"),
    ("fd_fdstat_set_flags", "ii", "i"),
    ("fd_fdstat_set_rights", "ill", "i"),
    ("fd_filestat_get", "ii", "i"),
    ("fd_filestat_set_size", "il", "i"),
    ("fd_filestat_set_times", "illi", "i"),
    ("fd_pread", "iiili", "i"),
    ("fd_prestat_get", "ii", "i"),
    ("fd_prestat_dir_name", "iii", "i"),
    ("fd_pwrite", "iiili", "i"),
    ("fd_read", "iiii", "i"),
    ("fd_readdir", "iiili", "i"),
    ("fd_renumber", "ii", "i"),
    ("fd_seek", "ilii", "i"),
    ("fd_sync", "i", "i"),
    ("fd_tell", "ii", "i"),
    ("fd_write", "iiii", "i"),
    ("path_create_directory", "iii", "i"),
    ("path_filestat_get", "iiiii", "i"),
    ("path_filestat_set_times", "iiiilli", "i"),
    ("path_link", "iiiiiii", "i"),
    ("path_open", "iiiiillii", "i"),
    ("path_readlink", "iiiiii", "i"),
    ("path_remove_directory", "iii", "i"),
    ("path_rename", "iiiiii", "i"),
    ("path_symlink", "iiiii", "i"),
    ("path_unlink_file", "iii", "i"),
    ("poll_oneoff", "iiii", "i"),
    ("proc_exit", "i", ""),
    ("proc_raise", "i", "i"),
    ("sched_yield", "", "i"),
    ("random_get", "ii", "i"),
    ("sock_accept", "iii", "i"),
    ("sock_recv", "iiiiii", "i"),
    ("sock_send", "iiiii", "i"),
    ("sock_shutdown", "ii", "i"),
];

fn types(letters: &str) -> String {
    letters.chars().map(|letter| if letter == 'i' { " i32" } else { " i64" }).collect()
}

fn import(name: &str) -> String {
    let (_, params, results) = PREVIEW_1.iter().find(|(known, _, _)| *known == name).expect("a function of preview 1");
    format!(
        r#"(import "wasi_snapshot_preview1" "{name}" (func ${name} (param{}) (result{})))"#,
        types(params),
        types(results)
    )
}

/// A program that imports `names`, has one page of memory, and runs `body`.
fn with(names: &[&str], body: &str) -> String {
    let imports: String = names.iter().map(|name| import(name)).collect();
    format!(
        r#"(module {imports} (memory (export "memory") 1)
             (func $expect (param $got i32) (param $wanted i32)
               (if (i32.ne (local.get $got) (local.get $wanted)) (then (unreachable))))
             (func $expect64 (param $got i64) (param $wanted i64)
               (if (i64.ne (local.get $got) (local.get $wanted)) (then (unreachable))))
             (func (export "_start") {body}))"#
    )
}

/// Runs a program that checks itself and traps when something is not as expected.
fn check(names: &[&str], body: &str, input: &[u8], output: &[u8]) {
    let (ending, got) = run(&program(&with(names, body)).module, input);
    assert_eq!(ending, Ending::Exit(0), "{body}");
    assert_eq!(got, output, "{body}");
}

#[test]
fn every_function_links_with_its_signature() {
    let names: Vec<_> = PREVIEW_1.iter().map(|(name, _, _)| *name).collect();
    check(&names, "", b"", b"");
}

#[test]
fn descriptors_outside_the_standard_ones_are_bad() {
    // Every function that takes a descriptor first, called with 3, 4 and -1 and zeroes: badf, or no such directory.
    let skipped = ["proc_exit", "proc_raise", "sched_yield", "random_get", "poll_oneoff", "path_symlink"];
    for (name, params, _) in PREVIEW_1 {
        if !(name.starts_with("fd_") || name.starts_with("path_") || name.starts_with("sock_"))
            || skipped.contains(&name)
        {
            continue;
        }
        for fd in [3, 4, -1] {
            let rest: String =
                params[1..].chars().map(|l| if l == 'i' { "(i32.const 0)" } else { "(i64.const 0)" }).collect();
            check(&[name], &format!("(call $expect (call ${name} (i32.const {fd}) {rest}) (i32.const 8))"), b"", b"");
        }
    }
    let symlink = "(call $path_symlink (i32.const 0) (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 0))";
    check(&["path_symlink"], &format!("(call $expect {symlink} (i32.const 8))"), b"", b"");
}

#[test]
fn what_is_not_supported_says_so() {
    // (function, arguments, errno): notdir 54, notsock 57, notsup 58, spipe 70, inval 28, badf 8.
    let i = |value: i32| format!("(i32.const {value})");
    let l = |value: i64| format!("(i64.const {value})");
    let cases: &[(&str, Vec<String>, i32)] = &[
        ("path_open", vec![i(0), i(0), i(0), i(0), i(0), l(0), l(0), i(0), i(0)], 54),
        ("path_unlink_file", vec![i(1), i(0), i(0)], 54),
        ("fd_readdir", vec![i(0), i(0), i(0), l(0), i(0)], 54),
        ("sock_recv", vec![i(0), i(0), i(0), i(0), i(0), i(0)], 57),
        ("sock_shutdown", vec![i(2), i(0)], 57),
        ("proc_raise", vec![i(6)], 58),
        ("fd_allocate", vec![i(1), l(0), l(1)], 58),
        ("fd_fdstat_set_flags", vec![i(1), i(4)], 58),
        ("fd_fdstat_set_flags", vec![i(1), i(0)], 0),
        ("fd_fdstat_set_rights", vec![i(1), l(0), l(0)], 58),
        ("fd_filestat_set_size", vec![i(1), l(0)], 58),
        ("fd_filestat_set_times", vec![i(0), l(0), l(0), i(0)], 58),
        ("fd_seek", vec![i(1), l(0), i(1), i(0)], 70),
        ("fd_tell", vec![i(2), i(0)], 70),
        ("fd_pread", vec![i(1), i(0), i(0), l(0), i(0)], 70),
        ("fd_pwrite", vec![i(1), i(0), i(0), l(0), i(0)], 70),
        ("fd_pwrite", vec![i(0), i(0), i(0), l(0), i(0)], 8),
        ("fd_read", vec![i(1), i(0), i(0), i(0)], 8),
        ("fd_write", vec![i(0), i(0), i(0), i(0)], 8),
        ("fd_sync", vec![i(0)], 0),
        ("fd_sync", vec![i(1)], 28),
        ("fd_advise", vec![i(0), l(0), l(0), i(5)], 0),
        ("fd_advise", vec![i(0), l(0), l(0), i(6)], 28),
        ("fd_advise", vec![i(1), l(0), l(0), i(0)], 70),
        ("clock_time_get", vec![i(4), l(0), i(0)], 28),
        ("clock_res_get", vec![i(-1), i(0)], 28),
        ("poll_oneoff", vec![i(0), i(0), i(0), i(0)], 28),
        ("sched_yield", vec![], 0),
        ("args_get", vec![i(0), i(0)], 0),
        ("fd_prestat_get", vec![i(0), i(0)], 8),
    ];
    for (name, arguments, errno) in cases {
        let call = format!("(call $expect (call ${name} {}) (i32.const {errno}))", arguments.concat());
        check(&[name], &call, b"", b"");
    }
}

/// Reads with two vectors of 4 and 2 bytes until the input ends, writing what came; 0 bytes at the end.
#[test]
fn stdin_is_read_in_turn_and_stdout_appended() {
    let body = "
        (local $count i32)
        (i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 4))
        (i32.store (i32.const 8) (i32.const 104)) (i32.store (i32.const 12) (i32.const 2))
        (loop $more
          (call $expect (call $fd_read (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 64)) (i32.const 0))
          (local.set $count (i32.load (i32.const 64)))
          (i32.store (i32.const 16) (i32.const 100)) (i32.store (i32.const 20) (local.get $count))
          (i32.store (i32.const 24) (i32.const 0)) (i32.store (i32.const 28) (i32.const 0))
          (call $expect (call $fd_write (i32.const 1) (i32.const 16) (i32.const 2) (i32.const 68)) (i32.const 0))
          (call $expect (i32.load (i32.const 68)) (local.get $count))
          (call $expect (call $fd_write (i32.const 2) (i32.const 16) (i32.const 2) (i32.const 68)) (i32.const 0))
          (call $expect (i32.load (i32.const 68)) (local.get $count))
          (br_if $more (local.get $count)))";
    for input in [&b""[..], b"a", b"abcd", b"abcde", b"abcdef", b"abcdefghijklm"] {
        check(&["fd_read", "fd_write"], body, input, input);
    }
}

#[test]
fn stdin_seeks_tells_and_reads_at_positions() {
    let body = "
        (i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 3))
        ;; From the end, back 4, then on by 1: the position is 7 of 10.
        (call $expect (call $fd_seek (i32.const 0) (i64.const -4) (i32.const 2) (i32.const 64)) (i32.const 0))
        (call $expect64 (i64.load (i32.const 64)) (i64.const 6))
        (call $expect (call $fd_seek (i32.const 0) (i64.const 1) (i32.const 1) (i32.const 64)) (i32.const 0))
        (call $expect (call $fd_tell (i32.const 0) (i32.const 72)) (i32.const 0))
        (call $expect64 (i64.load (i32.const 72)) (i64.const 7))
        (call $expect (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 80)) (i32.const 0))
        (call $expect (i32.load (i32.const 80)) (i32.const 3))
        (call $expect (i32.load (i32.const 100)) (i32.const 0x00393837))
        ;; Reading at a position leaves the position; past the end there is nothing.
        (call $expect (call $fd_pread (i32.const 0) (i32.const 0) (i32.const 1) (i64.const 1) (i32.const 80)) (i32.const 0))
        (call $expect (i32.load (i32.const 100)) (i32.const 0x00333231))
        (call $expect (call $fd_pread (i32.const 0) (i32.const 0) (i32.const 1) (i64.const -1) (i32.const 80)) (i32.const 0))
        (call $expect (i32.load (i32.const 80)) (i32.const 0))
        (call $expect (call $fd_tell (i32.const 0) (i32.const 72)) (i32.const 0))
        (call $expect64 (i64.load (i32.const 72)) (i64.const 10))
        ;; Before the start, past every number, and an unknown origin: inval, and the position stays.
        (call $expect (call $fd_seek (i32.const 0) (i64.const -11) (i32.const 1) (i32.const 64)) (i32.const 28))
        (call $expect
          (call $fd_seek (i32.const 0) (i64.const 0x7fffffffffffffff) (i32.const 1) (i32.const 64)) (i32.const 28))
        (call $expect (call $fd_seek (i32.const 0) (i64.const 0) (i32.const 3) (i32.const 64)) (i32.const 28))
        (call $expect (call $fd_tell (i32.const 0) (i32.const 72)) (i32.const 0))
        (call $expect64 (i64.load (i32.const 72)) (i64.const 10))";
    check(&["fd_seek", "fd_tell", "fd_read", "fd_pread"], body, b"0123456789", b"");
}

#[test]
fn descriptors_report_what_they_are() {
    let body = "
        (call $expect (call $fd_fdstat_get (i32.const 0) (i32.const 0)) (i32.const 0))
        (call $expect64 (i64.load (i32.const 0)) (i64.const 4))
        (call $expect (call $fd_fdstat_get (i32.const 1) (i32.const 0)) (i32.const 0))
        (call $expect64 (i64.load (i32.const 0)) (i64.const 0))
        (call $expect64 (i64.and (i64.load (i32.const 8)) (i64.const 0x66)) (i64.const 0x40))
        (call $expect (call $fd_filestat_get (i32.const 0) (i32.const 100)) (i32.const 0))
        (call $expect (i32.load8_u (i32.const 116)) (i32.const 4))
        (call $expect64 (i64.load (i32.const 132)) (i64.const 5))
        (call $expect (call $fd_filestat_get (i32.const 1) (i32.const 100)) (i32.const 0))
        (call $expect64 (i64.load (i32.const 132)) (i64.const 0))";
    check(&["fd_fdstat_get", "fd_filestat_get"], body, b"12345", b"");
}

#[test]
fn descriptors_close_and_move() {
    let body = "
        (i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 1))
        (i32.store8 (i32.const 100) (i32.const 65))
        ;; stdout takes stderr's number: 1 is closed, 2 is the output.
        (call $expect (call $fd_renumber (i32.const 1) (i32.const 2)) (i32.const 0))
        (call $expect (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)) (i32.const 8))
        (call $expect (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 64)) (i32.const 0))
        (call $expect (call $fd_renumber (i32.const 2) (i32.const 1)) (i32.const 8))
        (call $expect (call $fd_renumber (i32.const 2) (i32.const 2)) (i32.const 0))
        (call $expect (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 64)) (i32.const 0))
        (call $expect (call $fd_close (i32.const 2)) (i32.const 0))
        (call $expect (call $fd_close (i32.const 2)) (i32.const 8))
        (call $expect (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 64)) (i32.const 8))";
    check(&["fd_renumber", "fd_write", "fd_close"], body, b"", b"AA");
}

#[test]
fn arguments_environment_and_clocks_are_constant() {
    let body = "
        (i64.store (i32.const 0) (i64.const -1)) (i64.store (i32.const 8) (i64.const -1))
        (call $expect (call $args_sizes_get (i32.const 0) (i32.const 4)) (i32.const 0))
        (call $expect (call $environ_sizes_get (i32.const 8) (i32.const 12)) (i32.const 0))
        (call $expect64 (i64.or (i64.load (i32.const 0)) (i64.load (i32.const 8))) (i64.const 0))
        (call $expect (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 16)) (i32.const 0))
        ;; 54 years of which 13 are leap years: 19723 days.
        (call $expect64 (i64.load (i32.const 16)) (i64.mul (i64.const 86400000000000) (i64.const 19723)))
        (call $expect (call $clock_res_get (i32.const 1) (i32.const 16)) (i32.const 0))
        (call $expect64 (i64.load (i32.const 16)) (i64.const 1))";
    check(&["args_sizes_get", "environ_sizes_get", "clock_time_get", "clock_res_get"], body, b"", b"");
}

/// The published first outputs of SplitMix64 with seed 0.
#[test]
fn random_bytes_are_split_mix_64() {
    let body = "
        (call $expect (call $random_get (i32.const 0) (i32.const 19)) (i32.const 0))
        (call $expect64 (i64.load (i32.const 0)) (i64.const 0xe220a8397b1dcdaf))
        (call $expect64 (i64.load (i32.const 8)) (i64.const 0x6e789e6aa1b965f4))
        ;; The third word is 0x06c45d188009454f, of which three bytes were asked for.
        (call $expect64 (i64.load (i32.const 16)) (i64.const 0x09454f))
        (call $expect (call $random_get (i32.const 0) (i32.const 0)) (i32.const 0))
        (call $expect (call $random_get (i32.const 0) (i32.const 8)) (i32.const 0))
        (call $expect64 (i64.load (i32.const 0)) (i64.const 0xf88bb8a8724c81ec))";
    check(&["random_get"], body, b"", b"");
}

#[test]
fn polls_are_due_at_once() {
    let body = "
        ;; A clock, a read of stdin, a write of stdout, a read of stdout.
        (i64.store (i32.const 0) (i64.const 11)) (i64.store (i32.const 24) (i64.const 1000000000))
        (i64.store (i32.const 48) (i64.const 22)) (i32.store8 (i32.const 56) (i32.const 1))
        (i64.store (i32.const 96) (i64.const 33)) (i32.store8 (i32.const 104) (i32.const 2))
        (i32.store (i32.const 112) (i32.const 1))
        (i64.store (i32.const 144) (i64.const 44)) (i32.store8 (i32.const 152) (i32.const 1))
        (i32.store (i32.const 160) (i32.const 1))
        (call $expect (call $poll_oneoff (i32.const 0) (i32.const 512) (i32.const 4) (i32.const 1024)) (i32.const 0))
        (call $expect (i32.load (i32.const 1024)) (i32.const 4))
        (call $expect64 (i64.load (i32.const 512)) (i64.const 11))
        (call $expect64 (i64.load (i32.const 520)) (i64.const 0))
        (call $expect64 (i64.load (i32.const 544)) (i64.const 22))
        (call $expect64 (i64.load (i32.const 552)) (i64.const 0x10000))
        (call $expect64 (i64.load (i32.const 560)) (i64.const 5))
        (call $expect64 (i64.load (i32.const 576)) (i64.const 33))
        (call $expect64 (i64.load (i32.const 584)) (i64.const 0x20000))
        (call $expect64 (i64.load (i32.const 608)) (i64.const 44))
        (call $expect64 (i64.load (i32.const 616)) (i64.const 0x10008))";
    check(&["poll_oneoff"], body, b"12345", b"");
}

#[test]
fn bad_pointers_trap() {
    for call in [
        "(call $fd_read (i32.const 0) (i32.const 65532) (i32.const 1) (i32.const 0))",
        "(call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 65533))",
        "(call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const -1))",
        "(call $random_get (i32.const 65530) (i32.const 7))",
        "(call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 65529))",
    ] {
        let wat = with(&["fd_read", "fd_write", "random_get", "clock_time_get"], &format!("(drop {call})"));
        let (ending, _) = run(&program(&wat).module, b"x");
        assert_eq!(ending, Ending::Trap(wasmi::TrapCode::MemoryOutOfBounds), "{call}");
    }
}

#[test]
fn exit_codes_are_passed_on() {
    let (ending, output) = run(&program(&with(&["proc_exit"], "(call $proc_exit (i32.const 42))")).module, b"");
    assert_eq!((ending, output), (Ending::Exit(42), vec![]));
}

/// A program without a memory gets an empty one: whatever WASI would write is out of bounds.
#[test]
fn a_program_without_memory_can_link() {
    let wat = format!(
        r#"(module {} (func (export "_start") (drop (call $random_get (i32.const 0) (i32.const 1)))))"#,
        import("random_get")
    );
    assert_eq!(run(&program(&wat).module, b"").0, Ending::Trap(wasmi::TrapCode::MemoryOutOfBounds));
}

/// Only what is reached of the adapter comes along, and nothing without an import.
#[test]
fn the_adapter_is_linked_as_far_as_it_is_reached() {
    let functions = |wat: &str| program(wat).entry_function - 4;
    assert_eq!(functions(r#"(module (func (export "_start")))"#), 1);
    let wat = format!(r#"(module {} (func (export "_start")))"#, import("sched_yield"));
    assert_eq!(functions(&wat), 2);
    // fd_tell needs seekable and stream besides itself.
    let wat = format!(r#"(module {} (func (export "_start")))"#, import("fd_tell"));
    assert_eq!(functions(&wat), 4);
}

/// A harness offers functions of its own as a module over the same interface.
#[test]
fn a_library_links_other_adapters() {
    let spectest = wasm(
        r#"(module (import "assay" "output_write" (func $write (param i32 i32))) (import "program" "memory" (memory 0))
             (global $calls (mut i32) (i32.const 7)) (global $unused i32 (i32.const 1))
             (func (export "unused"))
             (func (export "print_i32") (param i32)
               (global.set $calls (i32.add (global.get $calls) (local.get 0)))
               (i32.store8 (i32.const 0) (global.get $calls))
               (call $write (i32.const 0) (i32.const 1))))"#,
    );
    let library = wasm(
        r#"(module (import "spectest" "print_i32" (func $print (param i32))) (memory 1)
             (export "print" (func $print)) (start $first) (func $first (call $print (i32.const 1))))"#,
    );
    let admitted = admit_library(&library, &[("spectest", &spectest)]).expect("both are well formed");
    assert_eq!(run(&admitted.module, b""), (Ending::Exit(0), vec![8]));
    let (mut store, instance) = host::instantiate(&admitted.module, b"");
    let print = instance.get_typed_func::<i32, ()>(&store, "print").expect("exports stay");
    print.call(&mut store, 3).expect("it returns");
    assert_eq!(store.data().output, [10]);
}
