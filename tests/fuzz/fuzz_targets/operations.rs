//! Any operations: the pool does what the model does, and touches no memory that is not its own.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::{arbitrary, fuzz_target};
use tests::model::{Op, run};

#[derive(Debug)]
struct Operations(Vec<Op>);

impl Arbitrary<'_> for Operations {
    /// As many as there are bytes for.
    fn arbitrary(bytes: &mut Unstructured<'_>) -> Result<Self> {
        let mut operations = Vec::new();
        while !bytes.is_empty() {
            operations.push(bytes.arbitrary()?);
        }
        Ok(Self(operations))
    }
}

fuzz_target!(|operations: Operations| run(&operations.0));
