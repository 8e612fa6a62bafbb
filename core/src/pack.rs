//! What payloads are made of, and how one that was refused comes back.

/// What a payload is made of, at the last moment, in its slot.
///
/// Every payload is made of itself. [`Pack::pack`] may panic: the job was not accepted then, and its place is given up.
pub trait Pack<P>: Sized {
    /// Whether the job has an owner who waits for it: then it is run, and not removed with all others
    /// ([`Pool::cancel_queued`](crate::Pool::cancel_queued)). In fixed storage no job has.
    const OWNED: bool = false;

    /// Makes the payload.
    fn pack(self) -> P;

    /// Makes it undone, when the pool was closed just then.
    ///
    /// # Safety
    ///
    /// The payload is one that [`Pack::pack`] of this type has made, and nothing has been done with it since.
    unsafe fn unpack(payload: P) -> Self;
}

impl<P> Pack<P> for P {
    #[inline(always)]
    fn pack(self) -> P {
        self
    }

    unsafe fn unpack(payload: P) -> Self {
        payload
    }
}

/// A submit that was refused gives the payload back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused<P> {
    /// No room at present.
    Full(P),
    /// The pool does not accept jobs.
    Closed(P),
}

impl<P> Refused<P> {
    /// The payload.
    pub fn into_inner(self) -> P {
        match self {
            Self::Full(payload) | Self::Closed(payload) => payload,
        }
    }

    /// The same refusal of something else.
    pub fn map<Q>(self, f: impl FnOnce(P) -> Q) -> Refused<Q> {
        match self {
            Self::Full(payload) => Refused::Full(f(payload)),
            Self::Closed(payload) => Refused::Closed(f(payload)),
        }
    }
}
