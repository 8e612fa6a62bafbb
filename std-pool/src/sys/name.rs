//! The name of a thread as the system shows it. std's is longer: Linux keeps the first bytes of it (`PR_SET_NAME` in the manual
//! page of `prctl`).

/// Bytes that are shown.
pub(crate) const NAME_BYTES: usize = 15;

/// From now on the system shows this as the name of the present thread, up to the first zero, where it shows less than std keeps.
pub(crate) fn show_name(name: &[u8; NAME_BYTES]) {
    #[cfg(all(target_os = "linux", not(any(miri, shuttle))))]
    {
        let mut ended = [0; NAME_BYTES + 1];
        ended[..NAME_BYTES].copy_from_slice(name);
        // SAFETY: it ends with a zero byte, and is there until the call returns.
        let _ = unsafe { libc::prctl(libc::PR_SET_NAME, ended.as_ptr()) };
    }
    #[cfg(not(all(target_os = "linux", not(any(miri, shuttle)))))]
    let _ = name;
}
