//! Any bytes as what happens to a board of games.
#![no_main]

#[path = "../properties/board.rs"]
mod board;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    board::board(bytes);
});
