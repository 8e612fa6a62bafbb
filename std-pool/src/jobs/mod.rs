//! Jobs: what a submitted function becomes, and the ways to say what becomes of its value.
//!
//! | file | what is in it |
//! |---|---|
//! | `call` | a function with or without a context, and what it is called |
//! | `limited` | one that is not to begin too late, or not to run too long |
//! | `enter` | the way of a job into its group |
//! | `batch` | many jobs at once |
//! | `once` | a job that runs once |
//! | `periodic` | one that runs again and again |
//! | `runs` | the handle of that |
//! | `overlapping` | one whose runs may overlap |
//! | `items` | one that returns an iterator |
//! | `spawned` | one of any type, with a handle |
//! | `future` | one that is a future, with a handle |
//! | `bell` | who wakes that |
//! | `continued` | one that follows another |
//! | `context` | what a job may know about itself |
//! | `cancelled` | what a job can wait for besides being cancelled |
//! | `builder`, `schedule` | all that can be said of a job; of one that repeats |
//! | `when` | points in time |

pub(crate) mod batch;
pub(crate) mod bell;
pub(crate) mod builder;
pub(crate) mod call;
pub(crate) mod cancelled;
pub(crate) mod context;
pub(crate) mod continued;
pub(crate) mod enter;
pub(crate) mod future;
pub(crate) mod items;
pub(crate) mod limited;
pub(crate) mod once;
pub(crate) mod overlapping;
pub(crate) mod periodic;
pub(crate) mod runs;
pub(crate) mod schedule;
pub(crate) mod spawned;
pub(crate) mod when;
