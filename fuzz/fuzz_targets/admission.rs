//! Any bytes: admission refuses them or gives a module that lowering takes or finds too large. No panic, bounded memory.
#![no_main]

use assay_machine::admission::{admit, admit_library};
use assay_machine::lower::{LowerError, lower};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|wasm: &[u8]| {
    for admitted in [admit(wasm), admit_library(wasm, &[])] {
        let Ok(admitted) = admitted else { continue };
        match lower(&admitted.module) {
            Err(error @ (LowerError::Module(_) | LowerError::Parse(_))) => panic!("admitted, yet {error}"),
            Err(error @ (LowerError::ActiveElementsOutOfBounds { .. } | LowerError::ActiveDataOutOfBounds { .. })) => {
                panic!("admitted, yet {error}")
            }
            Ok(_) | Err(_) => {}
        }
    }
});
