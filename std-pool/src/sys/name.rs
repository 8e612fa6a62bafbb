//! The name of a thread as the system shows it. std's is longer: Linux keeps the first bytes of it (`PR_SET_NAME` in the manual
//! page of `prctl`).

/// Bytes that are shown.
pub(crate) const NAME_BYTES: usize = 15;

/// From now on the system shows this as the name of the present thread, where it shows less than std keeps.
pub(crate) fn show_name(name: &str) {
    #[cfg(all(target_os = "linux", not(any(miri, shuttle))))]
    if let Ok(name) = std::ffi::CString::new(name) {
        // SAFETY: the string ends with a zero byte, and is there until the call returns. Of more bytes than there is room for
        // the first are taken.
        let _ = unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    }
    #[cfg(not(all(target_os = "linux", not(any(miri, shuttle)))))]
    let _ = name;
}
