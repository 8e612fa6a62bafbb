//! Here: the present thread, what user code it is inside of, and how that is called.

pub(crate) mod blocking;
pub(crate) mod call;
pub(crate) mod cancellation;
pub(crate) mod frame;
pub(crate) mod histogram;
pub(crate) mod inside;
pub(crate) mod job;
pub(crate) mod location;
pub(crate) mod observer;
pub(crate) mod place;
pub(crate) mod removed;
