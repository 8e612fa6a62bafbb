//! `top` in a pipe.

use std::process::{Command, Stdio};

#[test]
fn who_reads_no_more_ends_it_and_it_says_nothing() {
    let mut top = Command::new(env!("CARGO_BIN_EXE_top"));
    top.args(["--level", "1", concat!(env!("CARGO_MANIFEST_DIR"), "/src")]);
    let mut top = top.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(top.stdout.take());
    let output = top.wait_with_output().unwrap();
    assert_eq!((String::from_utf8_lossy(&output.stderr).as_ref(), output.status.code()), ("", Some(0)));
}
