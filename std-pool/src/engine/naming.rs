//! What the threads of a pool are called: by a number, and by a name that has it in it.
#![forbid(unsafe_code)]

use crate::engine::Engine;
use crate::here::call::catch;
use crate::sys::{self, Mutex};

/// Makes the name of a thread of its number.
pub(crate) type NameThread = Box<dyn Fn(usize) -> String + Send + Sync>;

/// Which numbers the threads have: each, from 1 on, the lowest that no other had when it was asked for.
pub(super) struct Numbers(Mutex<Vec<bool>>);

impl Numbers {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(super) fn take(&self) -> usize {
        let mut taken = self.0.lock();
        let index = taken.iter().position(|is_taken| !is_taken).unwrap_or(taken.len());
        if index == taken.len() {
            taken.push(true);
        } else {
            taken[index] = true;
        }
        index + 1
    }

    pub(super) fn give_back(&self, number: usize) {
        self.0.lock()[number - 1] = false;
    }
}

impl Engine {
    /// The whole name, for std.
    pub(super) fn thread_name(&self, number: usize) -> String {
        let own = self.config.thread_name.as_ref().and_then(|name| catch(|| name(number)).ok());
        let mut name = own.unwrap_or_else(|| format!("{}-{number}", self.config.name_prefix));
        // No thread can be called so.
        name.retain(|letter| letter != '\0');
        name
    }

    /// What the system shows of the name of the present thread.
    pub(super) fn show_thread_name(&self, number: usize) {
        if self.config.thread_name.is_none() {
            self.show_name(&number.to_string());
        }
    }

    /// std has shown the first bytes of it: not the end, by which it differs from the others.
    pub(super) fn show_name(&self, suffix: &str) {
        if let Some(name) = shorten(&self.config.name_prefix, suffix) {
            sys::show_name(&name);
        }
    }
}

/// As much of the prefix as the system has room for before the suffix; `None` if there is room for all.
fn shorten(prefix: &str, suffix: &str) -> Option<String> {
    let room = sys::NAME_BYTES.saturating_sub(suffix.len() + 1);
    if prefix.len() <= room {
        return None;
    }
    let end = (0..=room).rev().find(|end| prefix.is_char_boundary(*end)).unwrap_or(0);
    Some(format!("{}-{suffix}", &prefix[..end]))
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_number_is_the_next() {
        let numbers = Numbers::new();
        assert_eq!([(); 3].map(|()| numbers.take()), [1, 2, 3]);
        numbers.give_back(2);
        numbers.give_back(1);
        assert_eq!([(); 3].map(|()| numbers.take()), [1, 2, 4]);
    }

    #[test]
    fn of_a_long_name_the_number_is_left_and_no_letter_is_cut_in_two() {
        assert_eq!(shorten("ThreadPool", "1234"), None);
        assert_eq!(shorten("ThreadPool", "12345").as_deref(), Some("ThreadPoo-12345"));
        assert_eq!(shorten("twelve bytes", "12"), None);
        assert_eq!(shorten("schön gezählt", "1").as_deref(), Some("schön gezäh-1"));
        assert_eq!(shorten("schön gezählt", "123").as_deref(), Some("schön gez-123"));
        assert_eq!(shorten("any", "12345678901234567890").as_deref(), Some("-12345678901234567890"));
    }
}
