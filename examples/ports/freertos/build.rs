//! Compiles the kernel, with the configuration of this folder, and hands the linker the memory map of the chip.

use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::copy("memory.x", out.join("memory.x"))?;
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");

    let kernel =
        PathBuf::from(env::var("DEP_FREERTOS_KERNEL").map_err(|_| "nobody says where the kernel's sources are")?);
    let port = kernel.join("portable/GCC/ARM_CM3");
    cc::Build::new()
        .files(["tasks.c", "list.c", "portable/MemMang/heap_4.c"].map(|file| kernel.join(file)))
        .file(port.join("port.c"))
        .include("c")
        .include(kernel.join("include"))
        .include(&port)
        // No C library: the few functions that the kernel calls come with Rust's core library.
        .flag("-ffreestanding")
        .flag("-isystem")
        .flag("c/stub")
        .opt_level(1)
        .warnings(false)
        .compile("freertos");
    for file in ["c", "memory.x", "build.rs"] {
        println!("cargo:rerun-if-changed={file}");
    }
    Ok(())
}
