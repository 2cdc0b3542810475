//! Freezes, broken glasses and withdrawn votes from a terminal.

use super::Done;
use super::arguments::{BreakGlass, Freeze, Freezes, Unfreeze, Withdraw};
use super::changes::{Items, PATIENCE_TO_ASK, finish, patiently, plan_to_approve, print_json};
use super::remote::{Client, parse, segment};
use super::show::{plain, table};
use domain::changes::freeze::{self, Scope};
use serde_json::{Value, json};

pub fn withdraw(arguments: &Withdraw) -> Done {
    let client = Client::of(&arguments.remote)?;
    let path = format!("/api/v1/changes/{}/withdraw", segment(&arguments.change));
    finish(&client, client.post(&path, &json!({"reason": arguments.reason}), None)?, &arguments.remote, false)
}

pub fn break_glass(arguments: &BreakGlass) -> Done {
    let client = Client::of(&arguments.remote)?;
    let path = format!("/api/v1/changes/{}", segment(&arguments.change));
    let digest = match &arguments.digest {
        Some(digest) => digest.clone(),
        None => plan_to_approve(&client, &path)?,
    };
    let answer = client.post(&format!("{path}/break-glass"), &json!({"digest": digest, "reason": arguments.reason}), None)?;
    eprintln!("A review is open: another person closes it within a day.");
    finish(&client, answer, &arguments.remote, arguments.wait)
}

pub fn freezes(arguments: &Freezes) -> Done {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(environment) = &arguments.environment {
        query.append_pair("environment", environment);
    }
    if arguments.all {
        query.append_pair("state", "all");
    }
    let answer = Client::of(&arguments.remote)?.get(&format!("/api/v1/freezes?{}", query.finish()))?;
    if arguments.remote.json {
        return print_json(&answer);
    }
    let freezes: Items<freeze::Freeze> = parse(answer)?;
    table(&["ID", "WHAT", "FROM", "UNTIL", "BY", "REASON"], freezes.items.iter().map(row).collect());
    Ok(())
}

fn row(freeze: &freeze::Freeze) -> Vec<String> {
    let until = match (freeze.lifted_at, &freeze.lifted_by, freeze.until) {
        (Some(at), Some(by), _) => format!("lifted by {by} at {at}"),
        (_, _, Some(until)) => until.to_string(),
        _ => "until lifted".to_owned(),
    };
    vec![freeze.id.clone(), scope(freeze).to_owned(), freeze.from.to_string(), until, freeze.by.clone(), freeze.reason.clone()]
}

fn scope(freeze: &freeze::Freeze) -> &str {
    match &freeze.scope {
        Scope::Environment(name) => name,
        Scope::Production => "all production",
    }
}

pub fn freeze(arguments: &Freeze) -> Done {
    let mut body = match &arguments.environment {
        Some(environment) => json!({"environment": environment, "reason": arguments.reason}),
        None => json!({"scope": "production", "reason": arguments.reason}),
    };
    if let Some(until) = &arguments.until {
        body["until"] = json!(until);
    }
    let (client, key) = (Client::of(&arguments.remote)?, uuid::Uuid::now_v7().to_string());
    let answer = patiently(PATIENCE_TO_ASK, || client.post("/api/v1/freezes", &body, Some(&key)))?;
    told(answer, arguments.remote.json, "frozen")
}

pub fn unfreeze(arguments: &Unfreeze) -> Done {
    let client = Client::of(&arguments.remote)?;
    let answer = client.delete(&format!("/api/v1/freezes/{}", segment(&arguments.id)), &json!({"reason": arguments.reason}))?;
    told(answer, arguments.remote.json, "open again, as far as this freeze goes")
}

fn told(answer: Value, as_json: bool, what: &str) -> Done {
    if as_json {
        return print_json(&answer);
    }
    let freeze: freeze::Freeze = parse(answer)?;
    println!("{}: {} is {what}: {}", freeze.id, scope(&freeze), plain(&freeze.reason));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Time;

    #[test]
    fn a_freeze_in_force_never_reads_as_lifted() {
        let (scope, reason, by) = (Scope::Production, "a migration".to_owned(), "dmitri".to_owned());
        let open = freeze::Freeze {
            id: "f".into(),
            scope,
            reason,
            from: Time(0),
            until: None,
            by,
            at: Time(0),
            lifted_by: None,
            lifted_at: None,
            lift_reason: None,
        };
        assert_eq!(row(&open)[3], "until lifted");
        let lifted = freeze::Freeze { lifted_by: Some("olivia".into()), lifted_at: Some(Time(0)), ..open };
        assert_eq!(row(&lifted)[3], "lifted by olivia at 1970-01-01T00:00:00Z");
    }
}
