//! What is true or not.

use pyo3::prelude::*;

/// Of a flag of the user's, as 1 or 0 for those of the original; by itself the binding takes nothing but a `bool`.
pub(crate) fn truth(flag: &Bound<'_, PyAny>) -> PyResult<bool> {
    flag.is_truthy()
}
