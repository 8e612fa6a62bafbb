//! Prints the public interface of the crates whose descriptions by rustdoc are named, sorted, an item a line.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    for file in std::env::args().skip(1) {
        let api = public_api::Builder::from_rustdoc_json(file)
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(true)
            .build()?;
        print!("{api}");
    }
    Ok(())
}
