//! `/api/v1` and what stands beside it.

mod bad_input;
mod catalog;
mod changes;
mod events;
mod health;
mod holds;
mod incidents;
mod logs;
mod oncall;
mod pages;
mod policy;
mod restore_config;
mod sessions;
