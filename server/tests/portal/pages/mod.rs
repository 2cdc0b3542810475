//! The pages and their forms, as a browser without JavaScript uses them.

mod changes;
mod components;
mod environments;
mod home;
mod sign_in;
