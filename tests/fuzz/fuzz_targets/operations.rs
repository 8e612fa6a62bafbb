//! Any operations: the pool does what the model does, and touches no memory that is not its own.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tests::model::{Op, run};

fuzz_target!(|ops: Vec<Op>| run(&ops));
