//! The hosts that come with the crate. A choice is a type, never a feature that changes a meaning.
//!
//! | feature | type | for whom |
//! |---|---|---|
//! | - | [`FlagParker`] | a main loop or a core without an operating system |
//! | `critical-section` | `CriticalSectionMutex` | microcontrollers whose interrupt handlers call into the pool |
//! | `spin` | `SpinMutex` | several cores without an operating system |
//! | `alloc` | `ScriptedHost`, `ScriptedParker`, `ScriptedMutex` | tests |

#[cfg(feature = "critical-section")]
mod critical_section;
mod flag;
#[cfg(all(test, loom))]
pub(crate) mod loom;
// Its mutex is made in a constant, which the model checker's atomics cannot be; and without pointer-sized atomics there
// is no `Arc`.
#[cfg(all(feature = "alloc", target_has_atomic = "ptr", not(loom)))]
mod scripted;
#[cfg(feature = "spin")]
mod spin;

#[cfg(feature = "critical-section")]
pub use self::critical_section::CriticalSectionMutex;
pub use self::flag::{FlagParker, FlagUnparker, WakeFlag};
#[cfg(all(feature = "alloc", target_has_atomic = "ptr", not(loom)))]
pub use self::scripted::{ScriptedHost, ScriptedMutex, ScriptedParker, ScriptedUnparker};
#[cfg(feature = "spin")]
pub use self::spin::SpinMutex;
