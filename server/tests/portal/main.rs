//! The portal from outside, on the demo's clusters: one file per part of the URL tree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod api;
mod pages;
mod rights;
mod routes;
mod support;
