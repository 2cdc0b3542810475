//! Reading `channels`: what the portal sends over, to whom, and where its secrets are.

use super::super::Team;
use super::super::channels::{Channel, Login, Secret, Security, Slack, Smtp, Way, Webhook};
use super::access::is_loopback;
use super::oncall::is_email;
use super::{Reader, Text};
use serde::Deserialize;
use serde_saphyr::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChannel {
    pub(super) name: Text,
    smtp: Option<Spanned<RawSmtp>>,
    webhook: Option<Spanned<RawWebhook>>,
    slack: Option<Spanned<RawSlack>>,
    record: Option<Spanned<RawRecord>>,
    reaches: Option<Spanned<Vec<Text>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSmtp {
    host: Text,
    port: Option<Spanned<i64>>,
    security: Option<Text>,
    from: Text,
    username: Option<Text>,
    password_file: Option<Text>,
    password_env: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWebhook {
    url: Text,
    secret_file: Option<Text>,
    secret_env: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSlack {
    url_file: Option<Text>,
    url_env: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecord {}

impl Reader<'_> {
    pub(super) fn channels(&mut self, raw: Vec<RawChannel>, teams: &[Team]) -> Vec<Channel> {
        self.distinct("channel", raw.iter().map(|channel| &channel.name));
        raw.into_iter().filter_map(|channel| self.channel(channel, teams)).collect()
    }

    fn channel(&mut self, raw: RawChannel, teams: &[Team]) -> Option<Channel> {
        self.name(&raw.name);
        let reaches = raw.reaches.map(|some| {
            if some.value.is_empty() {
                self.problem(&some, "expected at least one, such as [\"team:devops\", olivia]; without `reaches` it is everyone");
            }
            some.value.iter().filter_map(|text| self.participant(text, teams)).collect()
        });
        let mut ways = Vec::new();
        ways.extend(raw.smtp.map(|smtp| self.smtp(smtp).map(Way::Smtp)));
        ways.extend(raw.webhook.map(|webhook| self.webhook(webhook).map(Way::Webhook)));
        ways.extend(raw.slack.map(|slack| self.slack(&slack).map(Way::Slack)));
        ways.extend(raw.record.map(|_| Some(Way::Record)));
        if ways.len() != 1 {
            let name = &raw.name.value;
            self.problem(&raw.name, &format!("the channel `{name}` needs one of `smtp`, `webhook`, `slack` and `record`"));
            return None;
        }
        Some(Channel { name: raw.name.value, way: ways.pop()??, reaches })
    }

    fn smtp(&mut self, raw: Spanned<RawSmtp>) -> Option<Smtp> {
        let RawSmtp { host, port, security, from, username, password_file, password_env } = raw.value;
        if !is_host(&host.value) {
            self.problem(&host, &format!("`{}` is not a host: expected a name or an address, without port", host.value));
        }
        if !is_email(&from.value) {
            self.problem(&from, &format!("`{}` is not an e-mail address: expected NAME@HOST", from.value));
        }
        let known = security.as_ref().is_none_or(|text| self.one_of("security", text, &Security::NAMES));
        let chosen = security.as_ref().and_then(|text| Security::parse(&text.value)).unwrap_or(Security::StartTls);
        let port = self.port(port, chosen)?;
        let login = match username {
            Some(username) => {
                let password = self.secret(&username, "username", "password", password_file, password_env);
                // A password in the open is nobody's secret.
                if chosen == Security::Nothing && !is_loopback(&host.value) {
                    self.problem(&username, "a password needs `security: starttls` or `tls`");
                }
                Some(Login { username: username.value, password: password? })
            }
            None => {
                if let Some(password) = password_file.or(password_env) {
                    self.problem(&password, "a password needs a `username`");
                }
                None
            }
        };
        known.then_some(Smtp { host: host.value, port, security: chosen, from: from.value, login })
    }

    fn port(&mut self, port: Option<Spanned<i64>>, security: Security) -> Option<u16> {
        let Some(port) = port else { return Some(security.usual_port()) };
        let number = u16::try_from(port.value).ok().filter(|number| *number > 0);
        if number.is_none() {
            self.problem(&port, "expected a port from 1 to 65535");
        }
        number
    }

    fn webhook(&mut self, raw: Spanned<RawWebhook>) -> Option<Webhook> {
        let url = &raw.value.url;
        if !is_web_address(&url.value) {
            self.problem(url, &format!("`{}` is not the address of a webhook: expected https://HOST/PATH", url.value));
        }
        let at = Spanned { value: (), referenced: raw.referenced, defined: raw.defined };
        let RawWebhook { url, secret_file, secret_env } = raw.value;
        let secret = self.secret(&at, "webhook", "secret", secret_file, secret_env)?;
        Some(Webhook { url: url.value, secret })
    }

    fn slack(&mut self, raw: &Spanned<RawSlack>) -> Option<Slack> {
        let url = self.secret(raw, "slack", "url", raw.value.url_file.clone(), raw.value.url_env.clone())?;
        Some(Slack { url })
    }

    /// Exactly one of `KEY_file` and `KEY_env`.
    fn secret<T>(&mut self, at: &Spanned<T>, whose: &str, key: &str, file: Option<Text>, variable: Option<Text>) -> Option<Secret> {
        match (file, variable) {
            (Some(file), None) if !file.value.is_empty() => Some(Secret::File(file.value)),
            (None, Some(variable)) if is_variable(&variable.value) => Some(Secret::Variable(variable.value)),
            (Some(file), None) => {
                self.problem(&file, "expected the path of a file");
                None
            }
            (None, Some(variable)) => {
                let why = format!("`{}` is not the name of a variable: expected capitals, digits and `_`", variable.value);
                self.problem(&variable, &why);
                None
            }
            (Some(_), Some(variable)) => {
                self.problem(&variable, &format!("expected `{key}_file` or `{key}_env`, not both"));
                None
            }
            (None, None) => {
                self.problem(at, &format!("`{whose}` needs `{key}_file` or `{key}_env`: where the secret is, not the secret"));
                None
            }
        }
    }
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

fn is_web_address(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && c != '@' && c != '#';
    let host = |scheme: &str| text.strip_prefix(scheme).filter(|host| !host.is_empty() && !host.starts_with(['/', '?', ':']));
    text.chars().all(plain) && (host("https://").is_some() || host("http://").is_some_and(is_loopback))
}

fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
