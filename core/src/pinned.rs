//! Being inside: the right to look at slots that one has not reserved, whose memory stays as long as somebody is.
//!
//! Who is inside is counted in one number of the pool; a store gives memory back only while it is zero. A [`Pinned`] is the
//! proof of being counted, and every look at a foreign slot asks for one. It costs nothing: it is a lifetime without a value.

use core::marker::PhantomData;

use crate::host::Host;
use crate::pool::Pool;
use crate::storage::Storage;

/// The proof that its owner is inside of all stores of one pool, as long as it lives.
#[derive(Clone, Copy, Debug)]
pub struct Pinned<'i>(PhantomData<&'i ()>);

impl Pinned<'_> {
    /// # Safety
    ///
    /// For the lifetime that is chosen the stores for which it is used either count the caller as inside, or keep the slots
    /// that are looked at for another reason.
    #[inline(always)]
    pub(crate) const unsafe fn new() -> Self {
        Self(PhantomData)
    }
}

/// Counts its owner as inside until dropped, whatever panics in between.
pub(crate) struct Inside<'p, P, H: Host, S: Storage<P>>(&'p Pool<P, H, S>);

impl<'p, P, H: Host, S: Storage<P>> Inside<'p, P, H, S> {
    pub(crate) fn new(pool: &'p Pool<P, H, S>) -> Self {
        pool.enter();
        Self(pool)
    }

    #[inline(always)]
    #[expect(clippy::unused_self, reason = "borrowed as long as what is returned")]
    pub(crate) fn pinned(&self) -> Pinned<'_> {
        // SAFETY: counted from `new` to the drop, and borrowed meanwhile.
        unsafe { Pinned::new() }
    }
}

impl<P, H: Host, S: Storage<P>> Drop for Inside<'_, P, H, S> {
    fn drop(&mut self) {
        self.0.leave();
    }
}
