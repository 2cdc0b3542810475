//! The `devmatrix` binary, run as people and scripts run it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod check;
mod disk;
mod oncall;
mod remote;
mod serve;
mod support;
mod token;
