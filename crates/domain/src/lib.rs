//! The rules of the portal, and nothing else: what a change is, when it is refused, whose votes count, when a rollout
//! is done, what a configuration file may say.
//!
//! Invariant: pure. No IO, no clock, no randomness, no async: time and identities come in as arguments, so every rule
//! is a table test and the same input always gives the same plan, byte for byte.

pub mod access;
pub mod audit;
pub mod catalog;
pub mod changes;
pub mod clusters;
pub mod digest;
pub mod error;
pub mod incidents;
pub mod names;
pub mod oncall;
pub mod pages;
pub mod releases;
pub mod text;
pub mod time;
pub mod words;
pub mod zone;

pub use error::{Error, Result};
pub use text::Text;
pub use time::Time;
