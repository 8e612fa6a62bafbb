//! State of each thread that runs jobs: made where it is first used, and dropped with its thread.
//!
//! A thread has a list of its values, in a thread-local of this crate. It is looked through in the order of their making, which is
//! right for some dozens. A value's entry refers weakly to what has made it, so that an address names one local as long as there is
//! an entry of it, and what was left of locals that are gone is found by the threads themselves.
#![forbid(unsafe_code)]

use std::any::{Any, type_name};
use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::ptr;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use crate::here::call::drop_quietly;
use crate::sys;

/// A value of type `T` for each thread that uses it: a buffer, a connection, a random number generator that jobs take up where the
/// last job on the same worker has left it. A handle: cheap to clone, `Send` and `Sync` whatever `T` is, since no value leaves its thread.
///
/// A value is made by the first job that uses it on a thread. *Any* thread gets one, not only workers: who joins, waits for a
/// scope or takes part in a parallel loop runs jobs as well, and a job is not to ask where it is. So there are at most as many values
/// as threads have used it. A value is dropped when its thread ends: a worker's before
/// [`Pool::shutdown`](crate::Pool::shutdown) returns. When the last handle is gone the values go, too: the present thread's at once,
/// those of others when these make their next value of any local, or end.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fastthreadpool::{Pool, WorkerLocal};
/// use std::cell::RefCell;
///
/// let pool = Pool::new()?;
/// let size = 4096;
/// let buffers = WorkerLocal::new(move || RefCell::new(Vec::<u8>::with_capacity(size)));
/// for n in 0..100_u8 {
///     let buffers = buffers.clone();
///     pool.submit(move || {
///         buffers.with(|buffer| {
///             let mut buffer = buffer.borrow_mut();
///             buffer.clear();
///             buffer.extend([n; 3]);
///             buffer.iter().map(|byte| u32::from(*byte)).sum::<u32>()
///         })
///     })?;
/// }
/// pool.shutdown();
/// assert_eq!(pool.done().drain().map(|done| done.value).sum::<u32>(), 3 * 4950);
/// # Ok(()) }
/// ```
pub struct WorkerLocal<T: 'static>(Arc<Maker<T>>);

struct Maker<T: 'static>(Box<dyn Fn() -> T + Send + Sync>);

/// A value of the present thread.
struct Entry {
    /// Names the local by its address.
    of: Weak<dyn Any + Send + Sync>,
    value: Value,
}

#[derive(Clone)]
enum Value {
    /// Its initializer runs.
    Making,
    There(Rc<dyn Any>),
}

/// All of them; each is dropped by itself, since a panic at the end of a thread would end the process.
struct Entries(RefCell<Vec<Entry>>);

sys::local! {
    static ENTRIES: Entries = const { Entries(RefCell::new(Vec::new())) };
}

impl Entry {
    fn is_of(&self, maker: *const ()) -> bool {
        self.of.as_ptr().cast() == maker
    }

    fn is_left(&self) -> bool {
        self.of.strong_count() == 0
    }
}

impl Entries {
    fn find(&self, maker: *const ()) -> Option<Value> {
        self.0.borrow().iter().find(|entry| entry.is_of(maker)).map(|entry| entry.value.clone())
    }

    /// Takes out some, to be dropped while the list is not borrowed.
    fn take(&self, is_meant: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let mut entries = self.0.borrow_mut();
        let (taken, kept) = mem::take(&mut *entries).into_iter().partition(|entry| is_meant(entry));
        *entries = kept;
        taken
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        mem::take(self.0.get_mut()).into_iter().for_each(drop_quietly);
    }
}

impl<T: 'static> WorkerLocal<T> {
    /// A local whose values are made by `init`, each on its thread.
    pub fn new(init: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(Maker(Box::new(init))))
    }

    /// Calls `f` with the present thread's value, which is made now if there is none.
    ///
    /// To change it `T` takes a [`Cell`](std::cell::Cell) or a [`RefCell`]. What waits inside of `f` may run
    /// another job on this thread, which is given the same value: hold no borrow of a `RefCell` while you join or wait.
    ///
    /// # Panics
    ///
    /// Passes on a panic of the initializer; then there is no value, and the next use tries again. Panics when the initializer
    /// uses the same local on its own thread, and when the thread ends and its values are dropped already.
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        let value = ENTRIES.with(|entries| match entries.find(self.address()) {
            Some(Value::There(value)) => value,
            Some(Value::Making) => panic!("the initializer of a WorkerLocal<{}> uses it itself", type_name::<T>()),
            None => self.make(entries),
        });
        let value = value.downcast::<T>().unwrap_or_else(|_| unreachable!("an address names one local"));
        f(&value)
    }

    fn address(&self) -> *const () {
        Arc::as_ptr(&self.0).cast()
    }

    #[cold]
    fn make(&self, entries: &Entries) -> Rc<dyn Any> {
        /// Dropped: the value could not be made.
        struct Making<'e>(&'e Entries, *const ());
        impl Drop for Making<'_> {
            fn drop(&mut self) {
                drop(self.0.take(|entry| entry.is_of(self.1)));
            }
        }
        entries.take(Entry::is_left).into_iter().for_each(drop_quietly);
        let maker = self.address();
        let of: Weak<Maker<T>> = Arc::downgrade(&self.0);
        entries.0.borrow_mut().push(Entry { of, value: Value::Making });
        let making = Making(entries, maker);
        let value: Rc<dyn Any> = Rc::new((self.0.0)());
        mem::forget(making);
        if let Some(entry) = entries.0.borrow_mut().iter_mut().find(|entry| entry.is_of(maker)) {
            entry.value = Value::There(Rc::clone(&value));
        }
        value
    }
}

impl<T> Clone for WorkerLocal<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Maker<T> {
    /// The last handle is gone, and with it the present thread's value.
    fn drop(&mut self) {
        let maker = ptr::from_ref(self).cast();
        // Not there any more: the thread ends, and its values are gone.
        let taken = ENTRIES.try_with(|entries| entries.take(|entry| entry.is_of(maker)));
        taken.into_iter().flatten().for_each(drop_quietly);
    }
}

impl<T> fmt::Debug for WorkerLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerLocal").field("type", &type_name::<T>()).finish_non_exhaustive()
    }
}
