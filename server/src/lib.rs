//! The composition root of DevMatrix Portal: it reads the configuration, starts the engine, and puts pages, JSON API and
//! files behind one guarded router. The command line is here too.
//!
//! Invariant: nothing is decided here. Handlers parse, call the engine, and write down what it answered; every refusal
//! has its status and its code from `domain::Error`.

pub mod api;
pub mod cli;
pub mod config;
pub mod demo;
pub mod guard;
pub mod limits;
pub mod origin;
pub mod portal;
pub mod problem;
pub mod router;
pub mod serve;
pub mod site;
pub mod web;

pub use portal::{Config, Portal};

/// Puts a portal together around a running engine. Nothing listens yet: see [`Portal::router`] and [`serve::until_stopped`].
pub fn build(config: Config) -> Portal {
    Portal::new(config)
}
