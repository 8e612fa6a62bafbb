//! Draws what was measured: bars for each work, shorter is better.

use std::error::Error;
use std::path::Path;

use crate::bench::Row;

pub fn draw(_rows: &[Row], _folder: &Path) -> Result<(), Box<dyn Error>> {
    Err("not yet".into())
}
