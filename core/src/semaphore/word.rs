//! The semaphore's word: how many permits are free, who may take them, whether it is closed.
//!
//! # The word
//!
//! | bits | name | means | set by | cleared by |
//! |---|---|---|---|---|
//! | 0 | `WAITERS` | the list is not empty | the first waiter that joins it | whoever takes off the last |
//! | 1 | `CLOSED` | nobody acquires | `close` | `reopen` |
//! | 2 | `STRICT` | free permits are the head's | a head that asks for several, or was called too often in vain | the next head |
//! | 3 | `CALLED` | the head was woken and has not looked yet | a settler | the head when it looks or leaves, the next head |
//! | 4 | `FAIR` | whoever waits is the head's equal: `STRICT` goes with `WAITERS` | from the beginning | - |
//! | 5.. | permits | | `release` adds | a newcomer, or the head under the lock |
//!
//! `WAITERS`, `STRICT` and `CALLED` change with the list, under its lock. `STRICT` and `CALLED` exclude each other, and mean
//! nothing without `WAITERS`, so they are never set without it. What the flags mean to who comes:
//!
//! | flags | a newcomer | a release |
//! |---|---|---|
//! | none | takes its permits, or joins the list if they are too few | adds |
//! | `WAITERS` | the same: it overtakes | adds, then settles: calls the head, or grants where more is free than the head asks for |
//! | `WAITERS`, `CALLED` | the same | adds; settles only where more is free than the head takes |
//! | `WAITERS`, `STRICT` | joins the list | adds, then settles: grants from the head on |
//! | `CLOSED` and any | is refused | adds, and settles as above: the list is being emptied |
#![forbid(unsafe_code)]

/// A value of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) usize);

const WAITERS: usize = 1;
const CLOSED: usize = WAITERS << 1;
const STRICT: usize = CLOSED << 1;
const CALLED: usize = STRICT << 1;
const FAIR: usize = CALLED << 1;
const LIST: usize = WAITERS | STRICT | CALLED;
const FLAGS: usize = LIST | CLOSED | FAIR;
const ONE_PERMIT: usize = FLAGS + 1;

const _: () = assert!(ONE_PERMIT == FAIR << 1, "flags and permits share no bit and leave none out");

/// Why permits cannot be taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too few permits; for a newcomer also: they are another's.
    TooFew,
    Closed,
}

/// What the head finds that was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Taken(Word),
    TooFew(Word),
}

impl Word {
    pub(super) const MAX_PERMITS: usize = usize::MAX / ONE_PERMIT;

    /// Nobody waits. `permits` are at most [`Word::MAX_PERMITS`].
    pub(super) const fn of(permits: usize, is_fair: bool) -> Self {
        Self((permits * ONE_PERMIT) | if is_fair { FAIR } else { 0 })
    }

    pub(super) const fn permits(self) -> usize {
        self.0 / ONE_PERMIT
    }

    pub(super) const fn has_waiters(self) -> bool {
        self.0 & WAITERS != 0
    }

    pub(super) const fn is_called(self) -> bool {
        self.0 & CALLED != 0
    }

    pub(super) const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// Whether somebody has to settle after permits were added.
    #[inline]
    pub(super) const fn is_unsettled(self) -> bool {
        self.has_waiters() && (self.0 & CALLED == 0 || self.permits() > 1)
    }

    const fn less(self, count: usize) -> Self {
        Self(self.0 - count * ONE_PERMIT)
    }

    /// For a newcomer that does not wait.
    #[inline]
    pub(super) const fn take(self, count: usize) -> Result<Self, Refusal> {
        if self.0 & (STRICT | CLOSED) == 0 && self.permits() >= count {
            Ok(self.less(count))
        } else if self.is_closed() {
            Err(Refusal::Closed)
        } else {
            Err(Refusal::TooFew)
        }
    }

    /// Without up to `count` of its permits; and how many these are. It has no more to hand out than before.
    pub(super) fn forget(self, count: usize) -> (Self, usize) {
        let gone = count.min(self.permits());
        (self.less(gone), gone)
    }

    /// The list has another head, who asks for so many; or none.
    pub(super) const fn headed_by(self, head: Option<usize>) -> Self {
        let without = self.0 & !LIST;
        Self(match head {
            None => without,
            Some(count) if count > 1 || self.0 & FAIR != 0 => without | WAITERS | STRICT,
            Some(_) => without | WAITERS,
        })
    }

    /// For the first that waits, under the list's lock. It is to be listed if the result has waiters.
    pub(super) const fn join(self, count: usize, is_barging: bool) -> Result<Self, Refusal> {
        match self.take(count) {
            Err(Refusal::TooFew) if is_barging => Ok(self.headed_by(Some(count))),
            Err(Refusal::TooFew) => Ok(Self(self.0 | WAITERS | STRICT)),
            taken_or_closed => taken_or_closed,
        }
    }

    /// For a settler, under the list's lock: the head, who asks for `count`, is called if the result says so, or else has its
    /// permits; behind it is one who asks for `next`.
    pub(super) const fn serve(self, count: usize, next: Option<usize>) -> Result<Self, Refusal> {
        if self.is_closed() {
            Err(Refusal::Closed)
        } else if self.permits() < count {
            Err(Refusal::TooFew)
        } else if self.0 & STRICT != 0 || self.permits() > count {
            Ok(self.less(count).headed_by(next))
        } else if self.0 & CALLED != 0 {
            Err(Refusal::TooFew)
        } else {
            Ok(Self(self.0 | CALLED))
        }
    }

    /// The same where nobody overtakes. The flags stay until the list is empty.
    pub(super) const fn grant(self, count: usize) -> Result<Self, Refusal> {
        if self.is_closed() {
            Err(Refusal::Closed)
        } else if self.permits() < count {
            Err(Refusal::TooFew)
        } else {
            Ok(self.less(count))
        }
    }

    /// For the head that was called, under the list's lock: it takes its permits, or goes on waiting; `was_in_vain` too often,
    /// for what is its own from now on.
    pub(super) const fn look(self, count: usize, next: Option<usize>, was_in_vain: bool) -> Look {
        if !self.is_closed() && self.permits() >= count {
            return Look::Taken(self.less(count).headed_by(next));
        }
        Look::TooFew(Self(self.0 & !CALLED | if was_in_vain { STRICT } else { 0 }))
    }

    /// `None`: there would be more than `most`.
    #[inline]
    pub(super) const fn give(self, count: usize, most: usize) -> Option<Self> {
        match self.permits().checked_add(count) {
            Some(sum) if sum <= most => Some(Self(self.0 + count * ONE_PERMIT)),
            _ => None,
        }
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

    /// Every legal combination of flags with few, some and most permits.
    fn words() -> impl Iterator<Item = Word> {
        let is_legal = |flags: usize| {
            let list = flags & LIST;
            let strict = list & STRICT != 0;
            matches!(list, 0 | WAITERS) && (list == 0 || flags & FAIR == 0)
                || list == WAITERS | CALLED && flags & FAIR == 0
                || list == WAITERS | STRICT && strict
        };
        [0, 1, 2, 7, Word::MAX_PERMITS - 1, Word::MAX_PERMITS].into_iter().flat_map(move |permits| {
            (0..=FLAGS).filter(move |flags| is_legal(*flags)).map(move |flags| Word(Word::of(permits, false).0 | flags))
        })
    }

    fn is_legal(word: Word) -> bool {
        words().any(|legal| legal.0 & FLAGS == word.0 & FLAGS)
    }

    const COUNTS: [usize; 4] = [0, 1, 2, 7];

    #[test]
    fn permits_use_every_bit_that_the_flags_leave() {
        assert_eq!(Word::of(Word::MAX_PERMITS, true).0, !FLAGS | FAIR);
        for word in words() {
            assert_eq!(word.permits() * ONE_PERMIT + (word.0 & FLAGS), word.0);
        }
    }

    #[test]
    fn a_newcomer_takes_what_is_not_kept_and_changes_nothing_else() {
        for (word, count) in words().flat_map(|word| COUNTS.map(|count| (word, count))) {
            match word.take(count) {
                Ok(taken) => {
                    assert!(word.0 & STRICT == 0 && !word.is_closed());
                    assert_eq!(taken.give(count, Word::MAX_PERMITS), Some(word));
                }
                Err(Refusal::Closed) => assert!(word.is_closed()),
                Err(Refusal::TooFew) => assert!(word.0 & STRICT != 0 || word.permits() < count),
            }
            if let Some(given) = word.give(count, 7) {
                assert_eq!(given.permits(), word.permits() + count);
                assert!(given.permits() <= 7);
                assert_eq!(given.0 & FLAGS, word.0 & FLAGS);
            }
        }
    }

    #[test]
    fn the_head_is_served_or_called_or_there_is_nothing_for_it() {
        let heads = words().filter(|word| word.has_waiters());
        let counts = || COUNTS.into_iter().flat_map(|count| [None, Some(1), Some(2)].map(|next| (count, next)));
        for (word, (count, next)) in heads.flat_map(|word| counts().map(move |counts| (word, counts))) {
            match word.serve(count, next) {
                Ok(granted) if !granted.is_called() => {
                    assert!(is_legal(granted) && granted.has_waiters() == next.is_some());
                    assert_eq!(granted.permits() + count, word.permits());
                }
                Ok(called) => {
                    assert_eq!(called.0, word.0 | CALLED);
                    assert!(word.0 & (CALLED | STRICT) == 0 && word.permits() == count);
                }
                Err(Refusal::Closed) => assert!(word.is_closed()),
                // Who was called already finds it.
                Err(Refusal::TooFew) => assert!(word.permits() < count || word.0 & CALLED != 0),
            }
            // A release that does not settle leaves nothing that a settler would hand out.
            let has_to = word.serve(1, next).is_ok();
            assert!(!has_to || word.is_unsettled(), "{word:?}");
        }
    }

    #[test]
    fn who_was_called_takes_or_waits_on_and_after_too_many_calls_what_comes_is_its_own() {
        for word in words().filter(|word| word.0 & CALLED != 0) {
            match word.look(1, Some(1), false) {
                Look::Taken(taken) => assert_eq!((taken.permits(), taken.0 & FLAGS), (word.permits() - 1, WAITERS)),
                Look::TooFew(rest) => {
                    assert!(word.permits() == 0 || word.is_closed());
                    assert_eq!(rest.0, word.0 & !CALLED);
                    let Look::TooFew(strict) = word.look(1, Some(1), true) else { panic!("as few") };
                    assert!(is_legal(strict) && strict.reopen().take(0) == Err(Refusal::TooFew));
                }
            }
        }
    }

    #[test]
    fn who_asks_for_several_or_waits_in_a_fair_one_is_not_overtaken() {
        for word in words() {
            assert_eq!(word.headed_by(None).0 & LIST, 0);
            let strict = |count| word.headed_by(Some(count)).0 & LIST == WAITERS | STRICT;
            assert!(strict(2) && strict(1) == (word.0 & FAIR != 0));
            assert!(is_legal(word.headed_by(Some(1))) && is_legal(word.headed_by(Some(2))));
        }
    }

    #[test]
    fn where_nobody_overtakes_it_is_as_in_a_fair_one_but_for_the_flags_of_an_empty_list() {
        for word in words().filter(|word| word.0 & FAIR != 0 && word.has_waiters()) {
            assert_eq!(word.grant(1), word.serve(1, Some(1)));
            assert_eq!(word.grant(1).map(|word| word.headed_by(None)), word.serve(1, None));
            assert_eq!(
                word.join(2, false),
                word.take(2).or_else(|refusal| match refusal {
                    Refusal::TooFew => Ok(word),
                    Refusal::Closed => Err(refusal),
                })
            );
        }
    }

    #[test]
    fn who_joins_an_empty_list_takes_or_is_its_head() {
        for word in words().filter(|word| !word.has_waiters()) {
            match word.join(2, true) {
                Ok(joined) if joined.has_waiters() => {
                    assert_eq!((word.take(2), joined), (Err(Refusal::TooFew), word.headed_by(Some(2))));
                }
                taken_or_closed => assert_eq!(taken_or_closed, word.take(2)),
            }
        }
    }

    #[test]
    fn what_is_forgotten_was_free_and_leaves_nothing_to_settle() {
        for (word, count) in words().flat_map(|word| COUNTS.map(|count| (word, count))) {
            let (left, gone) = word.forget(count);
            assert!(gone == count || left.permits() == 0 && gone < count);
            assert_eq!((left.permits() + gone, left.0 & FLAGS), (word.permits(), word.0 & FLAGS));
            assert!(!left.is_unsettled() || word.is_unsettled());
        }
    }

    #[test]
    fn a_flag_is_all_that_closing_changes() {
        for word in words() {
            assert!(word.close().is_closed() && !word.close().reopen().is_closed());
            assert_eq!(word.close().reopen().0, word.0 & !CLOSED);
        }
    }
}
