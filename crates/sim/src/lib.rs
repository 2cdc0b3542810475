//! A simulated Kubernetes cluster: an HTTP server in this process that an ordinary client can talk to.
//!
//! It keeps objects as the API server does (resourceVersion, generation, conflicts, watches, strict validation), runs
//! the controllers that a portal depends on (Deployments with their ReplicaSets, StatefulSets, DaemonSets, Jobs, pods),
//! and can be told to fail in the ways that clusters fail. What it leaves out is listed in `Cluster`.
//!
//! Invariant: it is a verified fake. The same conformance suite runs on it and on a real control plane; where the two
//! differ, this crate is wrong.

mod clock;
mod cluster;
mod controllers;
pub mod demo;
mod edit;
mod faults;
mod image;
pub mod load;
mod nodes;
mod object;
mod place;
mod proxy;
mod resource;
mod selector;
mod server;
mod state;
mod status;
mod writes;

pub use clock::Clock;
pub use cluster::Cluster;
pub use faults::{Fault, Faults, Match, Twist};
pub use image::digest_of;
pub use proxy::Proxy;
pub use status::Status;
pub use writes::WriteRecord;
