//! The guide: what there is, what for, and how each call behaves at its edges. Every example runs with the tests.
//!
//! | chapter | |
//! |---|---|
//! | [`first_pool`] | a pool, its jobs and their order, how it is set up, how it ends |
//! | [`results`] | values, failures, panics; queues, callbacks, handles |
//! | [`groups`] | jobs that are counted, limited, waited for and cancelled together |
//! | [`time`] | later, at, again and again; what was missed; the time of day |
//! | [`cancelling`] | taking jobs back, telling them to stop, how long they have |
//! | [`back_pressure`] | bounded queues, of jobs and of results, and what becomes of what has no room |
//! | [`fork_join`] | maps, loops, scopes, joins: work that borrows, and that its caller shares |
//! | [`waiting`] | semaphore and lock; waiting inside of jobs without deadlock; pools without threads |
//! | [`watching`] | counts, metrics, who waits for what, observers, spans, pictures |
//! | [`testing`] | a clock turned by hand, one thread, the order in which it fails |
//! | [`porting`] | the same pool on a microcontroller, or on an operating system of one's own |
//! | [`which_call`] | which call for which need: all of them, in tables |
//! | [`recipes`] | retries, rate limits, cron, a pool for all, debouncing, what was removed, queues elsewhere |
//! | [`coming_from`] | rayon, scopes of crossbeam and std, threadpool, scheduled-thread-pool, tokio's `spawn_blocking` |
//! | [`python`] | the Python module of the same name |
//! | [`inside`] | how it works, what it costs in memory, its limits |
//!
//! What belongs to a feature is linked to by the place of its page, so that this can be built without it.

#[doc = include_str!("guide/first_pool.md")]
pub mod first_pool {}

#[doc = include_str!("guide/results.md")]
pub mod results {}

#[doc = include_str!("guide/groups.md")]
pub mod groups {}

#[doc = include_str!("guide/time.md")]
pub mod time {}

#[doc = include_str!("guide/cancelling.md")]
pub mod cancelling {}

#[doc = include_str!("guide/back_pressure.md")]
pub mod back_pressure {}

#[doc = include_str!("guide/fork_join.md")]
pub mod fork_join {}

#[doc = include_str!("guide/waiting.md")]
pub mod waiting {}

#[doc = include_str!("guide/watching.md")]
pub mod watching {}

#[doc = include_str!("guide/testing.md")]
pub mod testing {}

#[doc = include_str!("guide/porting.md")]
pub mod porting {}

#[doc = include_str!("guide/which_call.md")]
pub mod which_call {}

#[doc = include_str!("guide/recipes.md")]
pub mod recipes {}

#[doc = include_str!("guide/coming_from.md")]
pub mod coming_from {}

#[doc = include_str!("guide/python.md")]
pub mod python {}

#[doc = include_str!("guide/inside.md")]
pub mod inside {}
