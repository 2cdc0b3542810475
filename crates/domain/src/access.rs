//! Who may do what. Deny by default; one function, [`authorize`], and its proof is the only way to a mutation.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a team may do. Everyone who is signed in may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    /// Asks for changes.
    Deployer,
    /// Decides on changes.
    Approver,
    Admin,
}

impl Role {
    pub const NAMES: [&str; 4] = ["viewer", "deployer", "approver", "admin"];

    pub fn parse(text: &str) -> Option<Role> {
        match text {
            "viewer" => Some(Role::Viewer),
            "deployer" => Some(Role::Deployer),
            "approver" => Some(Role::Approver),
            "admin" => Some(Role::Admin),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Deployer => "deployer",
            Role::Approver => "approver",
            Role::Admin => "admin",
        }
    }
}

/// What a token is good for. It only ever narrows what its owner may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Read,
    Change,
    Approve,
    Incident,
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 5] = [Scope::Read, Scope::Change, Scope::Approve, Scope::Incident, Scope::Admin];

    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Change => "change",
            Scope::Approve => "approve",
            Scope::Incident => "incident",
            Scope::Admin => "admin",
        }
    }
}

/// Who asks for what nobody asked for: no person is called so.
pub const PORTAL: &str = "portal";

/// A person, with the teams and roles that the configuration gives them at this moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub name: String,
    /// How the pages write it: `Bea Lindholm`, or the name again.
    pub title: String,
    pub teams: Vec<String>,
    pub roles: Vec<Role>,
}

impl Person {
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role) || self.roles.contains(&Role::Admin)
    }

    /// Two letters for the round mark beside a name.
    pub fn initials(&self) -> String {
        let letters: String = self.title.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
        letters.to_uppercase()
    }
}

/// A signed-in person and how far their session or token reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub person: Person,
    pub scopes: Vec<Scope>,
    /// `session` or `token`: written to the audit record.
    pub via: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Read,
    /// Ask for, abort, or lift a hold on, a change.
    Change,
    /// Approve or reject.
    Decide,
    /// Answer problems and arrange who is on call: whoever belongs to a team, whatever its roles.
    Respond,
    /// Let a change through alone. Who may is asked of [`crate::changes::may_break_glass`].
    BreakGlass,
    Administer,
}

impl Verb {
    pub const ALL: [Verb; 6] = [Verb::Read, Verb::Change, Verb::Decide, Verb::Respond, Verb::BreakGlass, Verb::Administer];

    fn role(self) -> Option<Role> {
        match self {
            Verb::Read | Verb::Respond | Verb::BreakGlass => None,
            Verb::Change => Some(Role::Deployer),
            Verb::Decide => Some(Role::Approver),
            Verb::Administer => Some(Role::Admin),
        }
    }

    fn scope(self) -> Scope {
        match self {
            Verb::Read => Scope::Read,
            Verb::Change => Scope::Change,
            Verb::Decide | Verb::BreakGlass => Scope::Approve,
            Verb::Respond => Scope::Incident,
            Verb::Administer => Scope::Admin,
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Verb::Read => "read",
            Verb::Change => "ask for changes",
            Verb::Decide => "decide on changes",
            Verb::Respond => "answer problems or arrange who is on call",
            Verb::BreakGlass => "break the glass",
            Verb::Administer => "administer the portal",
        }
    }
}

/// Proof that somebody may do something: only [`authorize`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'a> {
    actor: &'a Actor,
}

impl<'a> Allowed<'a> {
    pub fn person(&self) -> &'a Person {
        &self.actor.person
    }

    pub fn actor(&self) -> &'a Actor {
        self.actor
    }
}

/// The first line of every use-case.
pub fn authorize(actor: &Actor, verb: Verb) -> Result<Allowed<'_>> {
    if let Some(role) = verb.role()
        && !actor.person.has(role)
    {
        let (who, what, role) = (&actor.person.name, verb.in_words(), role.as_str());
        return Err(Error::forbidden("role_missing", format!("{who} may not {what}: that needs the role {role}.")));
    }
    if verb == Verb::Respond && actor.person.teams.is_empty() && !actor.person.has(Role::Admin) {
        let (who, what) = (&actor.person.name, verb.in_words());
        return Err(Error::forbidden("role_missing", format!("{who} may not {what}: that needs to be in a team.")));
    }
    if !actor.scopes.contains(&verb.scope()) {
        let (what, scope) = (verb.in_words(), verb.scope().as_str());
        return Err(Error::forbidden("scope_missing", format!("This token may not {what}: it lacks the scope {scope}.")));
    }
    Ok(Allowed { actor })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(roles: &[Role], scopes: &[Scope]) -> Actor {
        let person = Person { name: "bea".into(), title: "Bea".into(), teams: vec![], roles: roles.to_vec() };
        Actor { person, scopes: scopes.to_vec(), via: "token" }
    }

    #[test]
    fn roles_times_verbs() {
        let table: [(&[Role], [bool; 6]); 6] = [
            (&[], [true, false, false, false, true, false]),
            (&[Role::Viewer], [true, false, false, false, true, false]),
            (&[Role::Deployer], [true, true, false, false, true, false]),
            (&[Role::Approver], [true, false, true, false, true, false]),
            (&[Role::Deployer, Role::Approver], [true, true, true, false, true, false]),
            (&[Role::Admin], [true, true, true, true, true, true]),
        ];
        for (roles, expected) in table {
            let got = Verb::ALL.map(|verb| authorize(&actor(roles, &Scope::ALL), verb).is_ok());
            assert_eq!(got, expected, "{roles:?}");
        }
    }

    #[test]
    fn whoever_is_in_a_team_may_respond() {
        let mut member = actor(&[], &Scope::ALL);
        member.person.teams = vec!["support".into()];
        assert!(authorize(&member, Verb::Respond).is_ok() && authorize(&member, Verb::Change).is_err());
        member.scopes = vec![Scope::Read, Scope::Change];
        assert_eq!(authorize(&member, Verb::Respond).unwrap_err().code(), "scope_missing");
    }

    #[test]
    fn a_token_narrows_and_never_widens() {
        for verb in Verb::ALL {
            let narrowed = actor(&[Role::Admin], &[Scope::Read]);
            assert_eq!(authorize(&narrowed, verb).is_ok(), verb == Verb::Read, "{verb:?}");
        }
        let error = authorize(&actor(&[], &Scope::ALL), Verb::Decide).unwrap_err();
        assert_eq!((error.status(), error.code()), (403, "role_missing"));
    }
}
