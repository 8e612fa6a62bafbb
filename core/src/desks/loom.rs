//! A model of a guest's desk that is handed on, while a worker takes.

use std::sync::Arc;

use ::loom::cell::UnsafeCell;
use ::loom::thread;
use core::ptr::NonNull;

use super::Desks;
use crate::fork::{Fork, Look};
use crate::hosts::loom::model;

/// The desk of the one seat; the one of the guests comes after it.
const SEAT: usize = 0;
const GUEST: usize = 1;

/// A second half that counts its runs, for its owner to see.
#[repr(C)]
struct Half {
    fork: Fork,
    ran: UnsafeCell<usize>,
}

// SAFETY: its count is touched by who runs it, and after that by its owner: the model looks whether that is so.
unsafe impl Sync for Half {}

impl Half {
    fn new() -> Self {
        Self { fork: Fork::new(GUEST, false, Self::run), ran: UnsafeCell::new(0) }
    }

    /// # Safety
    ///
    /// The fork is that of a half, which is there.
    unsafe fn run(fork: NonNull<Fork>, _: usize) {
        // SAFETY: the fork is its first field.
        unsafe { fork.cast::<Self>().as_ref() }.run_here();
    }

    fn run_here(&self) {
        // SAFETY: run by one, and seen by the owner after that.
        self.ran.with_mut(|ran| unsafe { *ran += 1 });
    }

    /// As a guest, if a desk is free.
    fn join(&self, desks: &Desks) {
        if let Some(number) = desks.take_guest() {
            let desk = &desks.all()[number];
            assert!(number == GUEST && desk.forks() == 0 && !desk.gate().is_shut(), "nothing is left on it");
            // SAFETY: it is joined, and stays until the end of the run.
            let put = unsafe { desk.push(NonNull::from(self).cast()) };
            if desk.pop(put) {
                self.run_here();
            } else {
                while !self.fork.is_done() {
                    thread::yield_now();
                }
            }
            desk.leave();
        } else {
            self.run_here();
        }
        // SAFETY: it is over.
        assert_eq!(self.ran.with(|ran| unsafe { *ran }), 1, "run once");
    }
}

/// Two join, one after the other or at the same time; for the worker it is one desk.
#[test]
fn a_guest_has_the_desk_of_another() {
    model(2, || {
        let world = Arc::new((Desks::new(1), [Half::new(), Half::new()]));
        let _ = world.0.make();
        let other = {
            let world = world.clone();
            thread::spawn(move || world.1[1].join(&world.0))
        };
        let worker = {
            let world = world.clone();
            thread::spawn(move || {
                if let Some(taken) = world.0.look(1, SEAT, Look::Take) {
                    assert_eq!(taken.run(SEAT, &world.0.all()[SEAT]), None, "nobody parks");
                }
            })
        };
        world.1[0].join(&world.0);
        other.join().unwrap();
        worker.join().unwrap();
        for half in &world.1 {
            // SAFETY: all is over.
            assert_eq!(half.ran.with(|ran| unsafe { *ran }), 1);
        }
    });
}
