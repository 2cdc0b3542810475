//! The pages and their forms, as a browser without JavaScript uses them.

mod changes;
mod components;
mod environments;
mod home;
mod incidents;
mod oncall;
mod paging;
mod policy;
mod sign_in;
