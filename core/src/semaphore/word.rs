//! The semaphore's word: how many permits are free, whether somebody waits, whether it is closed.
//!
//! # The word
//!
//! | bits | name | set by | cleared by |
//! |---|---|---|---|
//! | 0 | `WAITERS` | the first waiter that joins the list, under the list's lock | whoever empties the list, under the lock |
//! | 1 | `CLOSED` | `close` | `reopen` |
//! | 2.. | permits | `release` adds | a newcomer while neither flag is set, or the head's grant under the lock |
//!
//! All combinations are legal. What they mean to who comes:
//!
//! | WAITERS | CLOSED | a newcomer | a release |
//! |---|---|---|---|
//! | - | - | takes its permits, or joins the list if they are too few | adds |
//! | x | - | joins the list, however many permits are free: they are the head's | adds, then settles |
//! | - | x | is refused | adds |
//! | x | x | is refused; the list is being emptied | adds, then settles |
#![forbid(unsafe_code)]

/// A value of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) usize);

const WAITERS: usize = 1;
const CLOSED: usize = WAITERS << 1;
const FLAGS: usize = WAITERS | CLOSED;
const ONE_PERMIT: usize = CLOSED << 1;

const _: () = assert!(ONE_PERMIT == FLAGS + 1, "flags and permits share no bit and leave none out");

/// Why permits cannot be taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too few permits; for a newcomer also: others wait for them.
    TooFew,
    Closed,
}

impl Word {
    pub(super) const MAX_PERMITS: usize = usize::MAX / ONE_PERMIT;

    /// No flag. `permits` are at most [`Word::MAX_PERMITS`].
    pub(super) const fn of(permits: usize) -> Self {
        Self(permits * ONE_PERMIT)
    }

    pub(super) const fn permits(self) -> usize {
        self.0 / ONE_PERMIT
    }

    pub(super) const fn has_waiters(self) -> bool {
        self.0 & WAITERS != 0
    }

    pub(super) const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// For a newcomer that does not wait: it overtakes nobody.
    #[inline]
    pub(super) const fn take(self, count: usize) -> Result<Self, Refusal> {
        if self.0 & FLAGS == 0 && self.permits() >= count {
            Ok(Self(self.0 - count * ONE_PERMIT))
        } else if self.is_closed() {
            Err(Refusal::Closed)
        } else {
            Err(Refusal::TooFew)
        }
    }

    /// For a newcomer that waits, under the list's lock. It is to be listed if the result has waiters: itself, at least.
    pub(super) const fn join(self, count: usize) -> Result<Self, Refusal> {
        match self.take(count) {
            Err(Refusal::TooFew) => Ok(Self(self.0 | WAITERS)),
            taken_or_closed => taken_or_closed,
        }
    }

    /// For the head of the list, under the list's lock.
    pub(super) const fn grant(self, count: usize) -> Result<Self, Refusal> {
        if self.is_closed() {
            Err(Refusal::Closed)
        } else if self.permits() >= count {
            Ok(Self(self.0 - count * ONE_PERMIT))
        } else {
            Err(Refusal::TooFew)
        }
    }

    /// `None`: there would be more than `most`.
    #[inline]
    pub(super) const fn give(self, count: usize, most: usize) -> Option<Self> {
        match self.permits().checked_add(count) {
            Some(sum) if sum <= most => Some(Self(self.0 + count * ONE_PERMIT)),
            _ => None,
        }
    }

    /// The list is empty.
    pub(super) const fn empty(self) -> Self {
        Self(self.0 & !WAITERS)
    }

    pub(super) const fn close(self) -> Self {
        Self(self.0 | CLOSED)
    }

    pub(super) const fn reopen(self) -> Self {
        Self(self.0 & !CLOSED)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Every combination of flags with few, some and most permits.
    fn words() -> impl Iterator<Item = Word> {
        [0, 1, 2, 7, Word::MAX_PERMITS - 1, Word::MAX_PERMITS]
            .into_iter()
            .flat_map(|permits| (0..=FLAGS).map(move |flags| Word(Word::of(permits).0 | flags)))
    }

    #[test]
    fn permits_use_every_bit_that_the_flags_leave() {
        assert_eq!(Word::of(Word::MAX_PERMITS).0, !FLAGS);
        for word in words() {
            assert_eq!(word.permits() * ONE_PERMIT + (word.0 & FLAGS), word.0);
        }
    }

    #[test]
    fn taking_and_granting_and_giving_move_exactly_the_permits() {
        for (word, count) in words().flat_map(|word| [0, 1, 2, 7].map(|count| (word, count))) {
            match word.take(count) {
                Ok(taken) => {
                    assert!(!word.has_waiters() && !word.is_closed());
                    assert_eq!(taken.give(count, Word::MAX_PERMITS), Some(word));
                }
                Err(Refusal::Closed) => assert!(word.is_closed()),
                Err(Refusal::TooFew) => assert!(word.has_waiters() || word.permits() < count),
            }
            match word.grant(count) {
                Ok(granted) => {
                    assert!(!word.is_closed());
                    assert_eq!(granted.give(count, Word::MAX_PERMITS), Some(word));
                }
                Err(Refusal::Closed) => assert!(word.is_closed()),
                Err(Refusal::TooFew) => assert!(word.permits() < count),
            }
            if let Some(given) = word.give(count, 7) {
                assert_eq!(given.permits(), word.permits() + count);
                assert!(given.permits() <= 7);
                assert_eq!(given.0 & FLAGS, word.0 & FLAGS);
            }
        }
    }

    #[test]
    fn who_joins_takes_or_waits_or_is_refused() {
        for word in words() {
            match word.join(2) {
                Ok(joined) if joined.has_waiters() => {
                    assert!(word.take(2).is_err() && !joined.is_closed());
                    assert_eq!(joined.permits(), word.permits());
                }
                Ok(taken) => assert_eq!(word.take(2), Ok(taken)),
                Err(refusal) => assert!(refusal == Refusal::Closed && word.is_closed()),
            }
        }
    }

    #[test]
    fn a_flag_is_all_that_closing_and_emptying_change() {
        for word in words() {
            assert!(word.close().is_closed() && !word.close().reopen().is_closed() && !word.empty().has_waiters());
            assert_eq!(word.close().reopen().0, word.0 & !CLOSED);
            assert_eq!(word.empty().0, word.0 & !WAITERS);
        }
    }
}
