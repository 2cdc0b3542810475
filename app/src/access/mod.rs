//! Signing in.

mod page;

pub(crate) use page::page;

use domain::Error;
use domain::access::Person;

#[derive(Clone, Debug, Default)]
pub struct SignInData {
    /// With `--demo`: the made-up people, one button each. Empty: a field for a token.
    pub people: Vec<Person>,
    /// A same-origin path; the server has checked it.
    pub return_to: String,
    /// Why the last try did not work.
    pub error: Option<Error>,
}
