//! The pages of the portal. On the server (feature `ssr`) every page is `load`ed from the engine into plain data and then
//! rendered by a pure view; in the browser (feature `hydrate`) only the islands exist: live updates and the palette.
//!
//! Invariant: a page is a function of its data and the time. Nothing here reads a clock, a cluster or a database while it
//! renders, and no markup carries a script or a style, so the Content-Security-Policy needs neither nonce nor hash.

// Views are one type each: a page nests deeper than the compiler looks by default.
#![recursion_limit = "512"]

pub mod live;
pub mod logs;
pub mod palette;
mod visible;

#[cfg(feature = "ssr")]
pub mod access;
#[cfg(feature = "ssr")]
pub mod approvals;
#[cfg(feature = "ssr")]
pub mod changes;
#[cfg(feature = "ssr")]
pub mod components;
#[cfg(feature = "ssr")]
pub mod environments;
#[cfg(feature = "ssr")]
pub mod errors;
#[cfg(feature = "ssr")]
mod frame;
#[cfg(feature = "ssr")]
pub mod home;
#[cfg(feature = "ssr")]
pub mod incidents;
#[cfg(feature = "ssr")]
pub mod links;
#[cfg(feature = "ssr")]
pub mod oncall;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
mod parts;
#[cfg(feature = "ssr")]
pub mod render;
#[cfg(feature = "ssr")]
mod site;
#[cfg(feature = "ssr")]
pub mod trains;
#[cfg(feature = "ssr")]
pub mod words;

#[cfg(feature = "ssr")]
pub use site::{EnvironmentHealth, Site, Theme, Viewer};
