//! The pages and their forms, as a browser without JavaScript uses them.

mod changes;
mod home;
mod policy;
mod sign_in;
