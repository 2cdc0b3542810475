//! Made-up people.

use domain::access::{Actor, Person, Role, Scope};

pub fn person(name: &str) -> Person {
    let (teams, roles): (&[&str], &[Role]) = match name {
        "bea" | "ben" => (&["backend"], &[Role::Viewer, Role::Deployer]),
        "dmitri" => (&["devops"], &[Role::Viewer, Role::Deployer, Role::Approver]),
        "olivia" => (&["devops"], &[Role::Viewer, Role::Deployer, Role::Approver, Role::Admin]),
        _ => (&[], &[Role::Viewer]),
    };
    let title = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
    Person { name: name.into(), title, teams: teams.iter().map(|t| (*t).into()).collect(), roles: roles.to_vec() }
}

pub fn actor(name: &str) -> Actor {
    Actor { person: person(name), scopes: Scope::ALL.to_vec(), via: "session" }
}
