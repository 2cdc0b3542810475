//! Reading an environment's policy: whose votes a change needs, and when the environment is open.

use super::super::{Approval, Duty, Group, Rule};
use super::{Known, Reader, Text};
use crate::changes::windows::{self, Effect, Window};
use crate::names::nearest;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_saphyr::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawApproval {
    rules: Spanned<Vec<RawRule>>,
    exclude_requester: Option<bool>,
    #[serde(default)]
    exclude_authors: bool,
    expires: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    from: Spanned<Vec<Text>>,
    needed: Spanned<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWindow {
    allow: Option<Text>,
    deny: Option<Text>,
    zone: Option<Text>,
    reason: Option<String>,
}

/// A plan waits this long for its votes when the policy does not say.
const DEFAULT_EXPIRY_S: i64 = 86_400;

impl Reader<'_> {
    pub(super) fn approval(&mut self, raw: RawApproval, known: &Known) -> Approval {
        if raw.rules.value.is_empty() {
            self.problem(
                &raw.rules,
                "expected at least one rule, such as {from: [\"team:devops\"], needed: 1}; leave `approval` out when none is needed",
            );
        }
        let expires_s = raw.expires.map_or(DEFAULT_EXPIRY_S, |text| self.duration(&text));
        let rules = raw.rules.value.into_iter().map(|rule| self.rule(rule, known)).collect();
        Approval { rules, exclude_requester: raw.exclude_requester.unwrap_or(true), exclude_authors: raw.exclude_authors, expires_s }
    }

    fn rule(&mut self, rule: RawRule, known: &Known) -> Rule {
        if rule.needed.value < 1 {
            self.problem(&rule.needed, "expected how many votes are needed, 1 or more");
        }
        if rule.from.value.is_empty() {
            self.problem(&rule.from, "expected whose votes count, such as [\"team:devops\"]");
        }
        let from: Vec<Group> = rule.from.value.iter().filter_map(|group| self.group(group, known)).collect();
        Rule { from, needed: rule.needed.value }
    }

    fn group(&mut self, group: &Text, known: &Known) -> Option<Group> {
        let Some(parsed) = Group::parse(&group.value) else {
            self.problem(group, &format!("`{}` is not a group: expected {}", group.value, Group::EXPECTED));
            return None;
        };
        let at = |name: &str| Spanned { value: name.to_owned(), referenced: group.referenced, defined: group.defined };
        match &parsed {
            Group::Team(team) => self.reference("team", &at(team), &known.teams).then_some(parsed),
            Group::Person(person) => self.reference("approver", &at(person), &known.approvers).then_some(parsed),
            Group::OnCall(_) if known.rotations.is_empty() => {
                self.problem(group, "whoever is on call comes with `rotations`, and this file has none: expected team:NAME or person:NAME");
                None
            }
            Group::OnCall(duty) => self.duty(group, duty, known).then_some(parsed),
        }
    }

    /// A rotation that the file has, and a role that it has.
    fn duty(&mut self, group: &Text, duty: &Duty, known: &Known) -> bool {
        let Some((_, roles)) = known.rotations.iter().find(|(rotation, _)| *rotation == duty.rotation) else {
            let names: Vec<_> = known.rotations.iter().map(|(name, _)| name.as_str()).collect();
            self.problem(group, &format!("there is no rotation `{}`: expected one of {}", duty.rotation, names.join(", ")));
            return false;
        };
        let has = roles.contains(&duty.role);
        if !has {
            self.problem(group, &format!("rotation `{}` has no role `{}`: expected one of {}", duty.rotation, duty.role, roles.join(", ")));
        }
        has
    }

    pub(super) fn window(&mut self, raw: Spanned<RawWindow>) -> Option<Window> {
        let zone = self.zone_of(&raw);
        let (effect, text) = match (&raw.value.allow, &raw.value.deny) {
            (Some(text), None) => (Effect::Allow, text),
            (None, Some(text)) => (Effect::Deny, text),
            _ => {
                self.problem(&raw, "expected either `allow` or `deny`, such as {deny: \"Fri 16:00 - Mon 08:00\", zone: Europe/Berlin}");
                return None;
            }
        };
        let when = match windows::parse(&text.value, zone.as_ref().unwrap_or(&TimeZone::UTC)) {
            Ok(when) => when,
            Err(what) => {
                self.problem(text, &what);
                return None;
            }
        };
        let reason = raw.value.reason.as_deref().unwrap_or_default().trim().to_owned();
        Some(Window { effect, when, zone: zone?, reason, text: text.value.trim().to_owned() })
    }

    fn zone_of(&mut self, raw: &Spanned<RawWindow>) -> Option<TimeZone> {
        let Some(name) = &raw.value.zone else {
            self.problem(raw, "the window needs `zone`: expected whose clock its times are read from, such as Europe/Berlin");
            return None;
        };
        // The database reads names in any case; a file should have the one that people know.
        let known: Vec<String> = self.zones.available().map(|name| name.to_string()).collect();
        let Some(zone) = self.zones.get(&name.value).ok().filter(|_| known.contains(&name.value)) else {
            let hint =
                nearest(&name.value, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            self.problem(name, &format!("there is no time zone `{}`: {hint}expected a name such as Europe/Berlin", name.value));
            return None;
        };
        Some(zone)
    }
}
