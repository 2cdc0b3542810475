//! Slack, by an incoming webhook: who knows its address may write there, so the address is the secret.

use super::http::Service;
use super::message::Message;
use super::outlet::{later, secret};
use ::http::{HeaderMap, HeaderValue, header};
use domain::catalog::channels::Slack;
use domain::pages::Answer;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

pub async fn send(http: &Service, hook: &Slack, message: &Message) -> Answer {
    let url = match secret(&hook.url).await {
        Ok(url) => url,
        Err(why) => return later(why),
    };
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    http.post(url.expose_secret(), headers, body(message).to_string()).await
}

fn body(message: &Message) -> Value {
    let mention = format!("<@{}>", message.delivery.address);
    let mut lines = vec![format!("{mention} *{}* pages you:", escaped(&message.by)), bounded(&escaped(&message.page.reason))];
    if let (Some(label), Some(url)) = (&message.page.incident, &message.incident_url) {
        lines.push(format!("Incident <{url}|{}>", escaped(label)));
    }
    lines.push(format!("<{}|Acknowledge {}>", message.url, message.page.label));
    json!({
        "text": format!("{mention} {}", escaped(&message.title())),
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": lines.join("\n")}}],
    })
}

/// A section may have 3000 characters, mention and links among them; the page has the whole. No entity is cut.
fn bounded(escaped: &str) -> String {
    const MOST: usize = 2500;
    let Some((end, _)) = escaped.char_indices().nth(MOST) else { return escaped.to_owned() };
    let kept = &escaped[..end];
    let whole = match kept.rfind('&') {
        Some(begun) if !kept[begun..].contains(';') => &kept[..begun],
        _ => kept,
    };
    format!("{whole} …")
}

/// Slack's three characters: nothing that somebody writes becomes a link or calls a whole channel.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_entities() {
        assert_eq!(bounded("short &amp; sweet"), "short &amp; sweet");
        let cut = bounded(&escaped(&"<".repeat(2000)));
        assert_eq!(cut, format!("{} …", "&lt;".repeat(625)));
        let odd = bounded(&escaped(&format!("a{}", "<".repeat(2000))));
        assert_eq!(odd, format!("a{} …", "&lt;".repeat(624)), "not in the middle of one");
    }
}
