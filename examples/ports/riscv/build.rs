//! Hands the linker the memory map of the machine.

use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::copy("virt.x", out.join("virt.x"))?;
    println!("cargo:rerun-if-changed=virt.x");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tvirt.x");
    Ok(())
}
