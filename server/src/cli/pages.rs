//! `devmatrix page`: somebody is paged from a terminal.

use super::Done;
use super::arguments::Page as Arguments;
use super::changes::{PATIENCE_TO_ASK, patiently, print_json};
use super::remote::{Client, parse};
use super::show::plain;
use domain::pages::Page;
use serde_json::json;

pub fn page(arguments: &Arguments) -> Done {
    let mut body = json!({"to": arguments.to, "reason": arguments.reason});
    if let Some(incident) = &arguments.incident {
        body["incident"] = json!(incident);
    }
    let (client, key) = (Client::of(&arguments.remote)?, uuid::Uuid::now_v7().to_string());
    let answer = patiently(PATIENCE_TO_ASK, || client.post("/api/v1/pages", &body, Some(&key)))?;
    if arguments.remote.json {
        return print_json(&answer);
    }
    let page: Page = parse(answer)?;
    let mut over: Vec<&str> = page.deliveries.iter().map(|delivery| delivery.channel.as_str()).collect();
    over.sort_unstable();
    over.dedup();
    println!("{}: {} paged over {}: {}", page.label, page.people.join(", "), over.join(", "), plain(&page.reason));
    if !page.unreached.is_empty() {
        eprintln!("No channel reaches {}: call or write yourself.", page.unreached.join(", "));
    }
    Ok(())
}
