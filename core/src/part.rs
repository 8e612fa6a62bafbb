//! A part that only some pools have, such as those with gates. Elsewhere it takes no memory, and all that has to do with it
//! vanishes.
#![forbid(unsafe_code)]

use core::fmt;

use crate::sync::{AtomicUsize, blank, const_blank};

/// What is all zeros at the beginning, so that a pool in a static takes no flash.
pub trait Blank: Sized + fmt::Debug {
    const_blank! {
        /// As it is at the beginning.
        const BLANK: Self;
    }
}

/// A part that is there, or not: which of the two, the type says.
pub trait Part<T>: Blank {
    /// The part, if it is there.
    fn get(&self) -> Option<&T>;

    /// The part, for those who know that it is there.
    fn there(&mut self) -> &mut T;
}

/// A part that is there.
#[derive(Debug)]
pub struct There<T>(T);

impl<T: Blank> Blank for There<T> {
    const_blank! {
        const BLANK: Self = Self(blank!(T));
    }
}

impl<T: Blank> Part<T> for There<T> {
    #[inline(always)]
    fn get(&self) -> Option<&T> {
        Some(&self.0)
    }

    #[inline(always)]
    fn there(&mut self) -> &mut T {
        &mut self.0
    }
}

/// A part that is not.
#[derive(Debug)]
pub struct Absent;

impl Blank for Absent {
    const_blank! {
        const BLANK: Self = Self;
    }
}

impl<T> Part<T> for Absent {
    #[inline(always)]
    fn get(&self) -> Option<&T> {
        None
    }

    fn there(&mut self) -> &mut T {
        unreachable!("nobody knows of what is not there")
    }
}

impl Blank for AtomicUsize {
    const_blank! {
        #[allow(clippy::declare_interior_mutable_const, reason = "made anew wherever it is named")]
        const BLANK: Self = Self::new(0);
    }
}
