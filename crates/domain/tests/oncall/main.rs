//! Who is on call: hand-worked hard cases, properties over all IANA zones, and what people arrange between themselves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arranged;
mod cases;
mod properties;
mod support;
