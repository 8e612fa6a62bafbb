//! Forks: halves of joins that lie on their owners' stacks, where others may take them; and the desks on which they are shown.
//!
//! Every worker has a desk, and so has whoever joins and is none. A join puts its second half on the desk, runs the first, and
//! takes the second back, or waits for the thief who has it. A fork is no job: it has no id, and nobody counts it.
//!
//! # The desk
//!
//! A few slots, of which the owner fills the next and takes the last back. When the one whose turn it is has a fork in it, the
//! *gate* is shut, and a join is one load and two calls. Whoever takes a fork, or looks in vain, opens it: then the owner looks
//! again whether there is room. It does not when it takes one back itself: what lies below is enough, and larger, as long as nobody
//! wants it. An opening may be lost when the owner shuts at the same moment: who looks in vain looks again. A gate is shut in the name
//! of somebody, so that who joins sees at one glance that it is the right one, and shut. An owner who wants to show nothing goes
//! by a gate of its own, which nobody else knows.
//!
//! | gate | to | who | |
//! |---|---|---|---|
//! | open | shut, in the owner's name | the owner | `has_room`: there is none |
//! | shut | open | a thief | `open`, an exchange |
//! | either | open | the owner | `pop` of what lay lowest; a guest who `leave`s |
//!
//! `offer` is `serial << 1 | FULL`; the serial goes up with each fork in that slot.
//!
//! | from | to | who | |
//! |---|---|---|---|
//! | empty | full, next serial | the owner | `push` |
//! | full | empty | a thief | `take`, an exchange |
//! | full | empty | the owner | `pop`, the same exchange |
//!
//! A desk is *eager* while its owner is in the middle of something that takes long, and so is that of a thief while it runs a fork of
//! an eager one: then forks call for as many workers as work, else for one at a time; while somebody naps for none, for that one will
//! look. A guest does not count as one that works, and threads that are not there yet start one after the other all the same. Where a
//! join is soon over the wake-ups would take longer than it.
//!
//! # The fork
//!
//! | from | to | who | |
//! |---|---|---|---|
//! | PENDING | TAKEN | who has taken it | `begin`; before that, who it is and where its own desk begins |
//! | TAKEN | WAITED | the owner | `may_park`: from now on it is to be woken |
//! | TAKEN, WAITED | DONE | the thief | `end`; it touches the fork no more |
//!
//! # Leapfrogging
//!
//! Who waits for a fork helps its thief, and takes nothing but what was forked *inside of the fork that it waits for*, so that a
//! lock which is held across a join never meets somebody who wants it on top of the same stack. The position of a fork is how
//! many were on the desk below it. What lies on the thief's desk at or above the position that it had when it began, while it is
//! not done, was forked inside: who runs it runs nothing else on top. (Wagner, Calder: *Leapfrogging*, `PPoPP` 1993, for the
//! principle; there a thief of a thief has no such mark.)
//!
//! # Order
//!
//! 1. A thief reads `fork` and `at` before its exchange. If that succeeds they belong to the serial that it has seen: to write
//!    others the owner must have seen the slot empty, with acquire, and so after the exchange, which releases.
//! 2. A leapfrogger reads the offer with acquire, then the state. If the offer was made after the fork had ended, the end happened
//!    before the offer, and so the state says DONE. If it was made before, it lies above the mark, or is not taken.
//! 3. `push` and `has_offer` are sequentially consistent: a worker changes the pool's word and then looks, an owner offers and
//!    then reads the word: one of the two sees the other.

#[cfg(all(test, loom))]
mod loom;
#[cfg(all(test, not(loom)))]
mod tests;

use core::fmt;
use core::ptr::NonNull;

use crate::sync::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, Padded, const_unless_loom, sized};

/// Forks of a desk that others can see. One is not enough: the first halves of long items would come one after the other.
const SLOTS: usize = sized(4, 2);

const FULL: usize = 1;
const SERIAL: usize = 2;

const OPEN: usize = 0;

const PENDING: usize = 0;
const TAKEN: usize = 1;
const WAITED: usize = 2;
const DONE: usize = 3;

/// Whether a join shows its second half, for who is about to. Shut, it is so in somebody's name, a number that is not 0.
#[derive(Debug)]
pub struct ForkGate(AtomicUsize);

impl ForkGate {
    const_unless_loom! {
        /// An open one.
        pub const fn new() -> Self {
            Self(AtomicUsize::new(OPEN))
        }
    }

    /// One that is shut. Nobody opens it who was not given it.
    #[inline]
    pub fn shut(name: usize) -> Self {
        debug_assert_ne!(name, OPEN, "the name of nobody");
        Self(AtomicUsize::new(name))
    }

    /// Whether it is shut in that name.
    #[inline(always)]
    pub fn is_shut_by(&self, name: usize) -> bool {
        self.0.load(Ordering::Relaxed) == name
    }

    /// Whether it is shut.
    #[inline(always)]
    pub fn is_shut(&self) -> bool {
        !self.is_shut_by(OPEN)
    }

    #[inline]
    fn set(&self, to: usize) {
        self.0.store(to, Ordering::Relaxed);
    }

    /// Asks the owner to look again whether there is room.
    fn open(&self) {
        let seen = self.0.load(Ordering::Relaxed);
        if seen != OPEN {
            // No plain store: the gate is not opened again by who is late.
            let _ = self.0.compare_exchange(seen, OPEN, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

impl Default for ForkGate {
    fn default() -> Self {
        Self::new()
    }
}

/// The public part of a fork, which lies on its owner's stack.
pub struct Fork {
    state: AtomicUsize,
    /// The desk of who has taken it, and how many forks lay there.
    thief: AtomicUsize,
    from: AtomicUsize,
    /// The owner's desk.
    owner: usize,
    /// Whether that was eager.
    is_eager: bool,
    run: unsafe fn(NonNull<Fork>, usize),
}

impl Fork {
    /// A fork of the owner of a desk, which is eager or not. `run` runs it for who has taken it, the owner of another desk, and does
    /// not unwind.
    pub fn new(owner: usize, is_eager: bool, run: unsafe fn(NonNull<Self>, usize)) -> Self {
        let zero = || AtomicUsize::new(0);
        Self { state: AtomicUsize::new(PENDING), thief: zero(), from: zero(), owner, is_eager, run }
    }

    /// Whether who has taken it is done with it.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) == DONE
    }

    /// Says that the owner is about to park until it is done. Returns false if it need not, or may not yet; look again then.
    pub fn may_park(&self) -> bool {
        let exchange = self.state.compare_exchange(TAKEN, WAITED, Ordering::AcqRel, Ordering::Acquire);
        matches!(exchange, Ok(_) | Err(WAITED))
    }

    /// Its thief's desk, and from where on there lies what was forked inside of it.
    fn thief(&self) -> Option<(usize, usize)> {
        let state = self.state.load(Ordering::Acquire);
        let is_taken = state == TAKEN || state == WAITED;
        is_taken.then(|| (self.thief.load(Ordering::Relaxed), self.from.load(Ordering::Relaxed)))
    }
}

impl fmt::Debug for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fork").field("state", &self.state).field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// A fork that was taken, and is to be run by who has it.
#[derive(Debug)]
#[must_use = "its owner waits for it"]
pub struct TakenFork(NonNull<Fork>);

// SAFETY: what a fork runs may be run by others: its owner has shown it to them.
unsafe impl Send for TakenFork {}

impl TakenFork {
    /// That there is something, for who does not want to have it.
    #[cfg(any(feature = "alloc", test))]
    const SOME: Self = Self(NonNull::dangling());

    /// Whether it is of an eager desk.
    pub(crate) fn is_eager(&self) -> bool {
        // SAFETY: it is there until it is done.
        unsafe { self.0.as_ref() }.is_eager
    }

    /// Runs it, on behalf of the owner of a desk. Returns the desk whose owner is to be woken, if there is one.
    #[inline]
    pub(crate) fn run(self, number: usize, desk: &Desk) -> Option<usize> {
        let fork = self.0;
        // SAFETY: it is there until it is done: its owner takes it back or waits for that, and cannot take back what was taken.
        let (shared, run) = unsafe { (fork.as_ref(), fork.as_ref().run) };
        let owner = shared.owner;
        let was_eager = desk.set_eager(shared.is_eager);
        shared.thief.store(number, Ordering::Relaxed);
        shared.from.store(desk.forks(), Ordering::Relaxed);
        shared.state.store(TAKEN, Ordering::Release);
        // SAFETY: taken once, so it is run once.
        unsafe { run(fork, number) };
        desk.set_eager(was_eager);
        // SAFETY: as above.
        let before = swap(unsafe { &fork.as_ref().state }, DONE);
        (before == WAITED).then_some(owner)
    }
}

/// The state becomes another. A loop, since the facade has no exchange without a condition; it goes around at most once more.
fn swap(word: &AtomicUsize, value: usize) -> usize {
    let mut seen = TAKEN;
    loop {
        match word.compare_exchange(seen, value, Ordering::AcqRel, Ordering::Acquire) {
            Ok(before) => return before,
            Err(now) => seen = now,
        }
    }
}

#[derive(Debug)]
struct Slot {
    offer: AtomicUsize,
    fork: AtomicPtr<Fork>,
    at: AtomicUsize,
}

/// Where a fork was put.
#[derive(Clone, Copy, Debug)]
#[must_use = "what lies on a desk is taken back"]
pub struct Put {
    at: usize,
    offer: usize,
}

/// A desk. All zeros is a free one.
#[derive(Debug)]
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), repr(align(128)))]
pub struct Desk {
    gate: ForkGate,
    /// Forks that were put here, and whose joins have not ended.
    forks: AtomicUsize,
    /// Of those for who is no worker: somebody has it.
    pub(crate) taken: AtomicBool,
    /// Which only the owner writes and reads.
    is_eager: AtomicBool,
    slots: Padded<[Slot; SLOTS]>,
}

impl Desk {
    #[cfg(any(feature = "alloc", test))]
    pub(crate) fn new() -> Self {
        let zero = || AtomicUsize::new(0);
        let slot = |_| Slot { offer: zero(), fork: AtomicPtr::new(core::ptr::null_mut()), at: zero() };
        Self {
            gate: ForkGate::new(),
            forks: zero(),
            taken: AtomicBool::new(false),
            is_eager: AtomicBool::new(false),
            slots: Padded(core::array::from_fn(slot)),
        }
    }

    #[cfg(simulated)]
    pub(crate) fn name_parts(&self, say: &mut dyn FnMut(&'static str, usize, usize)) {
        use crate::sync::simulated::name;
        name(say, "gate", &self.gate);
        name(say, "offers", &self.slots);
    }

    // ----- the owner

    /// Shut when there is no room for a fork, as far as the owner knows: then both halves are the owner's.
    #[inline(always)]
    pub fn gate(&self) -> &ForkGate {
        &self.gate
    }

    /// Whether what its owner is in the middle of takes long.
    #[inline]
    pub fn is_eager(&self) -> bool {
        self.is_eager.load(Ordering::Relaxed)
    }

    /// Now it does, or does not. Returns what was before.
    #[inline]
    pub fn set_eager(&self, is_eager: bool) -> bool {
        let before = self.is_eager();
        self.is_eager.store(is_eager, Ordering::Relaxed);
        before
    }

    /// Forks of which the joins have not ended.
    #[inline]
    pub(crate) fn forks(&self) -> usize {
        self.forks.load(Ordering::Relaxed)
    }

    /// Whether a fork can be put here; if not the gate is shut in that name.
    #[inline]
    pub fn has_room(&self, name: usize) -> bool {
        // Acquire for rule 1.
        let has_room = self.slot(self.forks()).offer.load(Ordering::Acquire) & FULL == 0;
        if !has_room {
            self.gate.set(name);
        }
        has_room
    }

    /// Shows a fork to the others. There is room.
    ///
    /// # Safety
    ///
    /// The caller is the owner, and takes it back with [`Desk::pop`], the last one first, or waits until the fork is done, before the
    /// fork is gone.
    #[inline]
    pub unsafe fn push(&self, fork: NonNull<Fork>) -> Put {
        let at = self.forks();
        let slot = self.slot(at);
        let before = slot.offer.load(Ordering::Relaxed);
        debug_assert_eq!(before & FULL, 0, "there is room");
        slot.fork.store(fork.as_ptr(), Ordering::Relaxed);
        slot.at.store(at, Ordering::Relaxed);
        let offer = before.wrapping_add(SERIAL) | FULL;
        self.forks.store(at + 1, Ordering::Relaxed);
        // Sequentially consistent for rule 3.
        slot.offer.store(offer, Ordering::SeqCst);
        Put { at, offer }
    }

    /// Takes back what was put here last. Returns false if somebody else has taken it.
    #[inline]
    pub fn pop(&self, put: Put) -> bool {
        self.forks.store(put.at, Ordering::Relaxed);
        if put.at == 0 {
            self.gate.set(OPEN);
        }
        let offer = &self.slot(put.at).offer;
        offer.compare_exchange(put.offer, put.offer & !FULL, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    // ----- others

    /// From here on it is whoever's who takes it.
    pub(crate) fn leave(&self) {
        self.gate.set(OPEN);
        self.set_eager(false);
        self.taken.store(false, Ordering::Release);
    }

    /// Whether somebody could take something here.
    #[cfg(any(feature = "alloc", test))]
    pub(crate) fn has_offer(&self) -> bool {
        self.slots.0.iter().any(|slot| slot.offer.load(Ordering::SeqCst) & FULL != 0)
    }

    /// Takes the oldest fork that `may` be taken, of which it is told the position.
    pub(crate) fn take(&self, may: &dyn Fn(usize) -> bool) -> Option<TakenFork> {
        let forks = self.forks();
        (0..SLOTS).find_map(|ahead| {
            let slot = self.slot(forks.wrapping_add(ahead));
            let seen = slot.offer.load(Ordering::Acquire);
            if seen & FULL == 0 {
                return None;
            }
            let (fork, at) = (slot.fork.load(Ordering::Relaxed), slot.at.load(Ordering::Relaxed));
            if !may(at) {
                return None;
            }
            slot.offer.compare_exchange(seen, seen & !FULL, Ordering::AcqRel, Ordering::Relaxed).ok()?;
            self.gate.open();
            NonNull::new(fork).map(TakenFork)
        })
    }

    /// Takes what was forked inside of a fork whose thief this desk belongs to, from a position on.
    fn take_inside(&self, fork: &Fork, from: usize) -> Option<TakenFork> {
        let taken = self.take(&|at| at >= from && !fork.is_done());
        if taken.is_none() {
            self.gate.open();
        }
        taken
    }

    #[inline]
    fn slot(&self, at: usize) -> &Slot {
        &self.slots.0[at % SLOTS]
    }
}

/// What helps a fork on that was taken, if there is such a thing: something that was forked inside of it.
pub(crate) fn leapfrog(desks: &[Desk], fork: &Fork) -> Option<TakenFork> {
    let (thief, from) = fork.thief()?;
    desks[thief].take_inside(fork, from)
}

/// For what a worker looks at the desks of all others.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// To take the oldest of somebody's forks; or else to ask for some.
    Take,
    /// Whether a fork lies somewhere: the answer is [`TakenFork::SOME`].
    Forks,
    /// Whether somebody is in the middle of a join that has shown something: the same.
    Joins,
}

/// Looks at the desks of the seats, but that of `except`, and at those of guests.
#[cfg(any(feature = "alloc", test))]
pub(crate) fn look(desks: [&[Desk]; 2], except: usize, look: Look) -> Option<TakenFork> {
    let others =
        || desks.iter().flat_map(|desks| desks.iter()).enumerate().filter(|(n, _)| *n != except).map(|(_, desk)| desk);
    match look {
        Look::Take => {
            let taken = others().find_map(|desk| desk.take(&|_| true));
            if taken.is_none() {
                others().for_each(|desk| desk.gate.open());
            }
            taken
        }
        Look::Forks => others().any(Desk::has_offer).then_some(TakenFork::SOME),
        Look::Joins => others().any(|desk| desk.forks() > 0).then_some(TakenFork::SOME),
    }
}
