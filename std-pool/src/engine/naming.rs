//! What the threads of a pool are called: by a number, and by a name that has it in it.
#![forbid(unsafe_code)]

use crate::engine::Engine;
use crate::here::call::catch;
use crate::sys::{self, Mutex, NAME_BYTES, thread};

/// Makes the name of a thread of its number, if it can.
pub(crate) type NameThread = Box<dyn Fn(usize) -> Option<String> + Send + Sync>;

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
        let own = self.config.thread_name.as_ref().and_then(|name| name(number));
        own.unwrap_or_else(|| format!("{}-{number}", self.config.name_prefix))
    }
}

/// A name that std takes, of what a user makes of a number; `None` if that panics.
pub(crate) fn own_name(make: impl FnOnce() -> String) -> Option<String> {
    let mut name = catch(make).ok()?;
    name.retain(|letter| letter != '\0');
    Some(name)
}

/// Has the system show the end of the name of the present thread, by which it differs from the others, and as much of the
/// beginning as there is room for: std has had it show the first bytes.
pub(super) fn show_end() {
    let thread = thread::current();
    if let Some(name) = thread.name().and_then(shorten) {
        sys::show_name(&name);
    }
}

/// The name with a prefix that is as short as it has to be; `None` if there is room for all.
fn shorten(name: &str) -> Option<[u8; NAME_BYTES]> {
    if name.len() <= NAME_BYTES {
        return None;
    }
    let (prefix, _) = name.rsplit_once('-')?;
    let rest = &name.as_bytes()[prefix.len()..];
    let rest = &rest[rest.len().saturating_sub(NAME_BYTES)..];
    let room = NAME_BYTES - rest.len();
    let end = (0..=room).rev().find(|end| prefix.is_char_boundary(*end)).unwrap_or(0);
    let mut shown = [0; NAME_BYTES];
    shown[..end].copy_from_slice(&prefix.as_bytes()[..end]);
    shown[end..end + rest.len()].copy_from_slice(rest);
    Some(shown)
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
        let shown = |name| {
            shorten(name).map(|shown| String::from_utf8(shown.into()).unwrap().trim_end_matches('\0').to_owned())
        };
        assert_eq!(shown("ThreadPool-1234"), None);
        assert_eq!(shown("ThreadPool-12345").as_deref(), Some("ThreadPoo-12345"));
        assert_eq!(shown("two-parts-with-done").as_deref(), Some("two-parts--done"));
        assert_eq!(shown("schön gezählt-1").as_deref(), Some("schön gezäh-1"));
        assert_eq!(shown("schön gezählt-123").as_deref(), Some("schön gez-123"));
        assert_eq!(shown("any-123456789012345678").as_deref(), Some("456789012345678"));
        assert_eq!(shown("none of this is a number"), None);
    }
}
