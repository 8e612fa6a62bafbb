//! A job without its type: one function pointer and 48 bytes inline, larger ones in a box.
//!
//! # Rules
//!
//! 1. `data` holds a value of the type that `run` was made for: the job itself, or its box, as [`Fit`] says.
//! 2. `run` takes the value out of `data`. With a context it may put one back, and says so; without, it drops it.
//! 3. A value that was taken out and not put back is not touched again: `run` is `None` while it is out.
//! 4. Without a context `run` may also be given the address of a [`Question`], plus one: then it answers, and the value stays.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::end::{After, End};

/// Words of inline room.
const WORDS: usize = 48 / size_of::<usize>();

type Data = MaybeUninit<[usize; WORDS]>;

/// What a [`Task`] can hold: something that runs with a context `C`.
pub trait Run<C: ?Sized>: Sized {
    /// Runs it.
    fn run(self, context: &mut C) -> Ran<Self>;

    /// What it is called, as [`Task::name`] says; nothing by default.
    fn name(&self) -> &'static str {
        ""
    }
}

/// What a run has left of its job: see [`After`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran<J> {
    /// Nothing.
    Over(End),
    /// The job for another run.
    Again(J, End),
    /// The job for the rest of this run.
    Back(J),
}

impl<J> Ran<J> {
    /// What is said of the job, and the job.
    fn split(self) -> (After, Option<J>) {
        match self {
            Self::Over(end) => (After::over(end), None),
            Self::Again(job, end) => (After::again(end), Some(job)),
            Self::Back(job) => (After::Back, Some(job)),
        }
    }
}

#[cfg(feature = "alloc")]
impl<C: ?Sized, J: Run<C>> Run<C> for Box<J> {
    fn run(self, context: &mut C) -> Ran<Self> {
        match (*self).run(context) {
            Ran::Over(end) => Ran::Over(end),
            Ran::Again(job, end) => Ran::Again(Box::new(job), end),
            Ran::Back(job) => Ran::Back(Box::new(job)),
        }
    }

    fn name(&self) -> &'static str {
        (**self).name()
    }
}

/// A closure that runs once.
struct Once<F>(F);

impl<C: ?Sized, F: FnOnce(&mut C)> Run<C> for Once<F> {
    #[inline(always)]
    fn run(self, context: &mut C) -> Ran<Self> {
        (self.0)(context);
        Ran::Over(End::Done)
    }
}

/// A closure that runs as long as it returns `true`.
#[cfg(feature = "alloc")]
struct Again<F>(F);

#[cfg(feature = "alloc")]
impl<C: ?Sized, F: FnMut(&mut C) -> bool> Run<C> for Again<F> {
    fn run(mut self, context: &mut C) -> Ran<Self> {
        if (self.0)(context) { Ran::Again(self, End::Done) } else { Ran::Over(End::Done) }
    }
}

/// A job of any type: run with a context `C`, and then gone, or back for another time.
///
/// Jobs of up to 48 bytes and the alignment of a pointer are stored inline; larger ones are boxed.
///
/// ```
/// use fastthreadpool_core::Task;
///
/// let once = Task::once(|sum: &mut u32| *sum += 1);
/// let mut calls = 0;
/// let twice = Task::again(move |sum: &mut u32| {
///     calls += 1;
///     *sum += 10 * calls;
///     calls < 2
/// });
///
/// let mut sum = 0;
/// assert!(once.run(&mut sum).is_none());
/// let twice = twice.run(&mut sum).expect("it wants to run again");
/// assert!(twice.run(&mut sum).is_none());
/// assert_eq!(sum, 1 + 10 + 20);
/// ```
pub struct Task<C: ?Sized> {
    run: Option<RunValue<C>>,
    data: Data,
    /// The value inside moves between threads, and is not shared.
    marker: PhantomData<dyn FnMut(&mut C) + Send>,
}

const _: () = assert!(size_of::<Task<()>>() == size_of::<Data>() + size_of::<usize>());

type RunValue<C> = unsafe fn(*mut Data, Option<&mut C>) -> After;

/// A question to a task, and the answer.
struct Question {
    data: *const Data,
    name: &'static str,
}

/// What makes the address of a question different from that of data.
const ASKS: usize = 1;

const _: () = assert!(align_of::<Question>() > ASKS && align_of::<Data>() > ASKS);

/// Whether a job is stored inline.
struct Fit<J>(PhantomData<J>);

impl<J> Fit<J> {
    const INLINE: bool = size_of::<J>() <= size_of::<Data>() && align_of::<J>() <= align_of::<Data>();
}

impl<C: ?Sized> Task<C> {
    /// Whether a job of this type is stored inline.
    #[must_use]
    pub const fn holds<J>() -> bool {
        Fit::<J>::INLINE
    }

    /// A task of any job.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub fn new<J: Run<C> + Send + 'static>(job: J) -> Self {
        // SAFETY: `'static`: nothing that the job borrows can end before the task.
        unsafe { Self::new_unbounded(job) }
    }

    /// A task that runs a closure once.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub fn once<F: FnOnce(&mut C) + Send + 'static>(f: F) -> Self {
        Self::new(Once(f))
    }

    /// A task that runs a closure as long as it returns `true`.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub fn again<F: FnMut(&mut C) -> bool + Send + 'static>(f: F) -> Self {
        Self::new(Again(f))
    }

    /// A task of a job that may borrow.
    ///
    /// # Safety
    ///
    /// The task is run to its end or dropped before anything that the job borrows ends.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub unsafe fn new_unbounded<J: Run<C> + Send>(job: J) -> Self {
        if const { Fit::<J>::INLINE } { Self::store(job) } else { Self::store(Box::new(job)) }
    }

    /// A task that runs a closure once, for targets without an allocator: a closure that does not fit does not compile.
    #[inline]
    pub fn inline<F: FnOnce(&mut C) + Send + 'static>(f: F) -> Self {
        const { assert!(Fit::<F>::INLINE, "the closure is larger than the task's inline room, and there is no box") };
        Self::store(Once(f))
    }

    #[inline(always)]
    fn store<V: Run<C>>(value: V) -> Self {
        // Not in a const block: that would be evaluated for the branch of `new_unbounded` that is not taken, too.
        assert!(Fit::<V>::INLINE);
        let mut data = Data::uninit();
        // SAFETY: the value fits, as just asserted. This makes rule 1 true.
        unsafe { data.as_mut_ptr().cast::<V>().write(value) };
        Self { run: Some(run_value::<C, V>), data, marker: PhantomData }
    }

    /// Runs the task. Returns it if it wants to run again.
    ///
    /// # Panics
    ///
    /// Passes on a panic of the job, which is gone then.
    pub fn run(mut self, context: &mut C) -> Option<Self> {
        if self.step(context).is_over() { None } else { Some(self) }
    }

    /// Runs the task where it is. Unless it is over the task holds what is left of the job; else it is spent, and is over
    /// again whenever it is run.
    ///
    /// # Panics
    ///
    /// Passes on a panic of the job; the task is spent then.
    #[inline(always)]
    pub fn step(&mut self, context: &mut C) -> After {
        let Some(run) = self.run.take() else { return After::Done };
        // SAFETY: rule 1, since `run` was there; rule 3, since it is not while the value is out.
        let after = unsafe { run(&raw mut self.data, Some(context)) };
        // Most are done, and who called asks the same next.
        if after != After::Done && !after.is_over() {
            self.run = Some(run);
        }
        after
    }

    /// What the job inside is [called](Run::name); nothing if the task is spent. In the place of a field, which each task would have
    /// to carry, this asks the job.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let Some(run) = self.run else { return "" };
        let mut question = Question { data: &raw const self.data, name: "" };
        let asks = (&raw mut question).map_addr(|address| address | ASKS);
        // SAFETY: rule 4; and rule 1 for the data, since `run` is there.
        unsafe { run(asks.cast(), None) };
        question.name
    }

    /// The job itself again.
    ///
    /// # Safety
    ///
    /// The task was made from a job of exactly this type by [`Task::new`] or [`Task::new_unbounded`], and is not spent.
    #[cfg(feature = "alloc")]
    pub unsafe fn into_job<J: Run<C>>(mut self) -> J {
        self.run = None;
        let data = &raw mut self.data;
        if const { Fit::<J>::INLINE } {
            // SAFETY: rule 1 for `J`, as the caller says; rule 3.
            unsafe { data.cast::<J>().read() }
        } else {
            // SAFETY: rule 1 for the box of a `J`, as the caller says; rule 3.
            *unsafe { data.cast::<Box<J>>().read() }
        }
    }
}

impl<C: ?Sized> Drop for Task<C> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(run) = self.run {
            // SAFETY: rule 1, since `run` is there.
            unsafe { run(&raw mut self.data, None) };
        }
    }
}

impl<C: ?Sized> fmt::Debug for Task<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

/// # Safety
///
/// Rule 1 with the type `V`; or, without a context, rule 4 with data of that.
unsafe fn run_value<C: ?Sized, V: Run<C>>(data: *mut Data, context: Option<&mut C>) -> After {
    let Some(context) = context else {
        if data.addr() & ASKS == 0 {
            // SAFETY: rule 1; the value is out now (rule 2).
            drop(unsafe { data.cast::<V>().read() });
        } else {
            // SAFETY: rule 4: who asks waits for the answer.
            let question = unsafe { &mut *data.map_addr(|address| address & !ASKS).cast::<Question>() };
            // SAFETY: rule 1 for what is asked.
            question.name = unsafe { &*question.data.cast::<V>() }.name();
        }
        return After::Cancelled;
    };
    // SAFETY: rule 1; the value is out now (rule 2).
    let value = unsafe { data.cast::<V>().read() };
    let (after, value) = value.run(context).split();
    if let Some(value) = value {
        // SAFETY: rule 1 again, with the same type.
        unsafe { data.cast::<V>().write(value) };
    }
    after
}

#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_task_drops_what_it_holds_once_whether_it_ran_or_not() {
        for (ran, large) in [(false, false), (true, false), (false, true), (true, true)] {
            let held = Arc::new(());
            let (small, big) = (held.clone(), (held.clone(), [0_u64; 20]));
            let task = if large {
                drop(small);
                Task::once(move |(): &mut ()| _ = &big)
            } else {
                drop(big);
                Task::once(move |(): &mut ()| _ = &small)
            };
            if ran {
                assert!(task.run(&mut ()).is_none());
            } else {
                drop(task);
            }
            assert_eq!(Arc::strong_count(&held), 1, "ran: {ran}, large: {large}");
        }
    }

    #[test]
    fn a_task_comes_back_until_it_has_enough() {
        for large in [false, true] {
            let held = Arc::new(());
            let (mut left, inside, filler) = (3, held.clone(), [large; 80]);
            let body = move |runs: &mut u32| {
                let _ = &inside;
                *runs += 1;
                left -= 1;
                left > 0
            };
            let mut body = body;
            let task = if large { Task::again(move |runs| filler[7] && body(runs)) } else { Task::again(body) };
            let (mut task, mut runs) = (Some(task), 0);
            while let Some(present) = task.take() {
                task = present.run(&mut runs);
            }
            assert_eq!((runs, Arc::strong_count(&held)), (3, 1));
        }
    }

    #[test]
    fn a_job_can_be_had_back() {
        struct Big([u64; 9]);
        impl Run<()> for Big {
            fn run(self, (): &mut ()) -> Ran<Self> {
                Ran::Over(End::Done)
            }
        }
        // SAFETY: made from this type in the same line.
        let back: Big = unsafe { Task::<()>::new(Big([7; 9])).into_job() };
        assert_eq!(back.0, [7; 9]);
    }

    #[test]
    fn a_task_says_what_its_job_is_called_and_keeps_it() {
        struct Named<const N: usize>(Arc<()>, [usize; N], &'static str);
        impl<const N: usize> Run<()> for Named<N> {
            fn run(self, (): &mut ()) -> Ran<Self> {
                assert_eq!((Arc::strong_count(&self.0) > 1, self.1), (true, [0; N]));
                Ran::Again(self, End::Done)
            }
            fn name(&self) -> &'static str {
                self.2
            }
        }
        let held = Arc::new(());
        let tasks = [Task::new(Named(held.clone(), [0; 1], "inline")), Task::new(Named(held.clone(), [0; 9], "boxed"))];
        for (task, name) in tasks.into_iter().zip(["inline", "boxed"]) {
            assert_eq!((task.name(), task.name()), (name, name));
            let task = task.run(&mut ()).expect("it wants to run again");
            assert_eq!(task.name(), name);
        }
        assert_eq!(Arc::strong_count(&held), 1);
        let mut task = Task::once(|(): &mut ()| ());
        assert_eq!((task.name(), task.step(&mut ()), task.name()), ("", After::Done, ""));
    }

    #[test]
    fn forty_eight_bytes_stay_inline() {
        const { assert!(Fit::<[usize; WORDS]>::INLINE && !Fit::<[usize; WORDS + 1]>::INLINE) };
    }

    #[test]
    fn a_panic_consumes_the_closure() {
        let held = Arc::new(());
        let inside = held.clone();
        let task = Task::once(move |(): &mut ()| {
            let inside = inside;
            panic!("on purpose, with {inside:?} inside");
        });
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| task.run(&mut ()))).is_err());
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
