//! Groups: jobs that are counted, limited, waited for and cancelled together. The pool itself is one, the root, and pays for
//! none of this.
//!
//! | file | what is in it |
//! |---|---|
//! | `policy` | what is said of a group when it is built |
//! | `inner` | a group: its policy, its gate, its outlet; what the engine asks of it |
//! | `kin` | its cohorts, and those of the groups inside it: waiting, cancelling, counting |
//! | `hold` | how jobs belong to their groups; to the root for nothing |
//! | `member` | a job's hold on another |
//! | `recurring` | the same for a job that repeats |
//! | `totals` | the counts of a group, which do not wrap |
//! | `deadline` | when a group ends by itself |
//! | `failure` | one that ends all that a group has |
//! | `arrivals` | the oldest of its queue, where that goes for a new one |
//! | `door` | the bound of its queue, and who waits for room |
//! | `room` | the room in its done queue |
//! | `admission` | how a job is admitted |
//! | `entering` | the way of one that is, without its type |
//! | `keyed` | one job at a time for each key |
//! | `ways` | how all that is reached by those who have a group |

pub(crate) mod admission;
mod arrivals;
mod deadline;
pub(crate) mod door;
pub(crate) mod entering;
mod failure;
pub(crate) mod hold;
pub(crate) mod inner;
pub(crate) mod keyed;
pub(crate) mod kin;
pub(crate) mod member;
pub(crate) mod policy;
mod recurring;
mod room;
mod totals;
pub(crate) mod ways;
