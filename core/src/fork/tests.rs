//! The desk, step by step.

use core::ptr;
use std::vec::Vec;

use super::*;

/// In whose name gates are shut.
const ME: usize = 7;

unsafe fn nothing(_: NonNull<Fork>, _: usize) {}

fn desks() -> [Desk; 3] {
    core::array::from_fn(|_| Desk::new())
}

fn put(desk: &Desk, fork: &Fork) -> Put {
    // SAFETY: the tests keep their forks.
    unsafe { desk.push(NonNull::from(fork)) }
}

/// As who has taken it does before it runs it.
fn begin(taken: &TakenFork, number: usize, desk: &Desk) {
    // SAFETY: the tests keep their forks.
    let fork = unsafe { taken.0.as_ref() };
    fork.thief.store(number, Ordering::Relaxed);
    fork.from.store(desk.forks(), Ordering::Relaxed);
    fork.state.store(TAKEN, Ordering::Release);
}

fn is(taken: Option<TakenFork>, fork: &Fork) -> bool {
    taken.is_some_and(|taken| ptr::eq(taken.0.as_ptr(), fork))
}

#[test]
fn the_oldest_is_taken_first_and_the_last_taken_back() {
    let desk = Desk::new();
    let forks: Vec<_> = (0..SLOTS).map(|_| Fork::new(0, false, nothing)).collect();
    let puts: Vec<_> = forks.iter().map(|fork| (desk.has_room(ME), put(&desk, fork)).1).collect();
    assert!(!desk.gate().is_shut() && !desk.has_room(ME) && desk.gate().is_shut_by(ME) && desk.gate().is_shut());
    assert!(is(desk.take(&|_| true), &forks[0]));
    assert!(!desk.gate().is_shut() && desk.has_room(ME), "who takes one opens");
    // Another in its slot.
    let another = Fork::new(0, false, nothing);
    let last = put(&desk, &another);
    assert!(!desk.has_room(ME) && desk.pop(last) && !desk.pop(last));
    assert!(puts.iter().rev().take(SLOTS - 1).all(|put| desk.pop(*put)));
    assert!(!desk.pop(puts[0]), "somebody has it");
    assert!(!desk.has_offer() && desk.forks() == 0);
}

/// What it is told by who runs it.
#[repr(C)]
struct Looks<'d> {
    fork: Fork,
    thief: &'d Desk,
    saw: AtomicBool,
}

unsafe fn look_at_thief(fork: NonNull<Fork>, _: usize) {
    // SAFETY: the fork is the first field of such a thing.
    let this = unsafe { fork.cast::<Looks<'_>>().as_ref() };
    this.saw.store(this.thief.is_eager(), Ordering::Relaxed);
}

#[test]
fn who_runs_a_fork_of_an_eager_desk_is_eager_meanwhile() {
    let desks = desks();
    for is_eager in [true, false] {
        desks[0].set_eager(is_eager);
        let looks = Looks {
            fork: Fork::new(0, desks[0].is_eager(), look_at_thief),
            thief: &desks[1],
            saw: AtomicBool::new(!is_eager),
        };
        // SAFETY: it is done before it is gone.
        let put = unsafe { desks[0].push(NonNull::from(&looks).cast()) };
        desks[1].set_eager(!is_eager);
        assert_eq!(desks[0].take(&|_| true).unwrap().run(1, &desks[1]), None);
        assert!(!desks[0].pop(put) && looks.saw.load(Ordering::Relaxed) == is_eager);
        assert_eq!(desks[1].is_eager(), !is_eager, "as before");
    }
}

#[test]
fn serials_wrap() {
    let desk = Desk::new();
    let fork = Fork::new(0, false, nothing);
    desk.slots.0[0].offer.store(usize::MAX & !FULL, Ordering::Relaxed);
    for _ in 0..3 {
        let put = put(&desk, &fork);
        assert!(desk.has_offer() && desk.pop(put) && !desk.pop(put));
    }
    assert_eq!(desk.slots.0[0].offer.load(Ordering::Relaxed), 2 * SERIAL);
}

/// A thief has an older fork of its own on its desk: that is no part of what is waited for, though it is of what the thief does.
#[test]
fn a_chain_of_three_leaps_over_nothing_but_what_it_waits_for() {
    let desks = desks();
    let [outer, older, inner, innermost] = core::array::from_fn(|_| Fork::new(0, false, nothing));
    // The second runs what the first waits for, and forks twice; the third takes the later.
    let _ = put(&desks[0], &outer);
    begin(&desks[0].take(&|_| true).unwrap(), 1, &desks[1]);
    let _ = put(&desks[1], &older);
    let _ = put(&desks[1], &inner);
    begin(&desks[1].take(&|at| at == 1).unwrap(), 2, &desks[2]);
    // The third forks in turn; the second, who waits, helps it.
    let _ = put(&desks[2], &innermost);
    let taken = leapfrog(&desks, &inner);
    assert!(taken.as_ref().is_some_and(|taken| ptr::eq(taken.0.as_ptr(), &raw const innermost)));
    begin(&taken.unwrap(), 1, &desks[1]);
    // Now the third waits for what lies on top of the second, below which there is the older one.
    assert!(leapfrog(&desks, &innermost).is_none());
    // The first may take that.
    assert!(is(leapfrog(&desks, &outer), &older));
}

#[test]
fn what_is_over_or_not_begun_is_helped_by_nobody() {
    let desks = desks();
    let (fork, other) = (Fork::new(0, false, nothing), Fork::new(1, false, nothing));
    let _ = put(&desks[0], &fork);
    assert!(leapfrog(&desks, &fork).is_none() && !fork.may_park());
    let taken = desks[0].take(&|_| true).unwrap();
    begin(&taken, 1, &desks[1]);
    let _ = put(&desks[1], &other);
    assert!(fork.may_park() && fork.may_park(), "it may, again and again");
    assert_eq!(taken.run(1, &desks[2]), None, "it began anew: nobody is known to wait");
    assert!(fork.is_done() && !fork.may_park());
    assert!(leapfrog(&desks, &fork).is_none());
    assert!(is(desks[1].take(&|_| true), &other));
}

#[test]
fn who_looks_in_vain_asks_for_more() {
    let desks = desks();
    let fork = Fork::new(0, false, nothing);
    let all: [&[Desk]; 2] = [&desks[..2], &desks[2..]];
    assert!(look(all, 1, Look::Joins).is_none() && look(all, 1, Look::Forks).is_none());
    desks[2].gate.set(ME);
    assert!(look(all, 1, Look::Take).is_none() && !desks[2].gate.is_shut());
    let put = put(&desks[2], &fork);
    assert!(look(all, 1, Look::Joins).is_some() && look(all, 1, Look::Forks).is_some());
    assert!(is(look(all, 1, Look::Take), &fork));
    assert!(look(all, 1, Look::Joins).is_some() && look(all, 1, Look::Forks).is_none());
    assert!(!desks[2].pop(put));
    // One's own are not others'.
    let _ = super::tests::put(&desks[1], &fork);
    assert!(look(all, 1, Look::Take).is_none());
}
