//! What the catalog knows of who is on call: whom a participant stands for, how people are reached, whose calendar counts.

use super::{Calendar, Catalog, Level, Rotation};
use crate::incidents::{Due, Response};
use crate::names::{nearest, shorten};
use crate::oncall::Participant;
use crate::{Error, Result, Time};

/// How a person is reached: with one click, and over the channels of the portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// The address of a conversation with them.
    pub chat: Option<String>,
    /// Their member id in Slack.
    pub slack: Option<String>,
}

impl Catalog {
    pub fn rotation(&self, name: &str) -> Result<&Rotation> {
        let known = self.rotations.iter().map(|r| r.name.as_str());
        self.rotations.iter().find(|r| r.name == name).ok_or_else(|| self.unknown("rotation", name, known))
    }

    pub fn severity(&self, level: &str) -> Result<&Level> {
        let known = self.severities.iter().map(|l| l.level.as_str());
        self.severities.iter().find(|l| l.level == level).ok_or_else(|| self.unknown("severity", level, known))
    }

    pub fn calendar(&self, name: &str) -> Option<&Calendar> {
        self.calendars.iter().find(|c| c.name == name)
    }

    /// The persons that a participant stands for now, in the order of the team.
    pub fn people_of(&self, participant: &Participant) -> Vec<String> {
        match participant {
            Participant::Person(name) => vec![name.clone()],
            Participant::Team(name) => self.team(name).map(|team| team.members.clone()).unwrap_or_default(),
        }
    }

    /// Whether somebody of this name is there: a team, or a member of one.
    pub fn knows(&self, participant: &Participant) -> bool {
        match participant {
            Participant::Team(name) => self.team(name).is_some(),
            Participant::Person(name) => self.teams.iter().any(|team| team.members.contains(name)),
        }
    }

    /// `DevOps Team`, `Olivia`
    pub fn title_of(&self, participant: &Participant) -> String {
        match participant {
            Participant::Team(name) => self.team(name).map_or_else(|| name.clone(), |team| team.title.clone()),
            Participant::Person(name) => self.person(name).title,
        }
    }

    /// The name of somebody who is in a team.
    pub fn member(&self, name: &str) -> Result<String> {
        let all = || self.teams.iter().flat_map(|team| team.members.iter().map(String::as_str));
        if all().any(|known| known == name) {
            return Ok(name.to_owned());
        }
        let hint = nearest(name, all()).map_or("expected a member of a team".to_owned(), |near| format!("did you mean `{near}`?"));
        Err(Error::invalid("to", format!("`{}` is in no team: {hint}", shorten(name))))
    }

    pub fn contact(&self, person: &str) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.name == person)
    }

    /// When a problem of this level that opened then must be answered by this team.
    pub fn due(&self, level: &Level, opened: Time, team: Option<&str>) -> Due {
        let of_team = team.and_then(|team| self.team(team)?.calendar.as_deref()).and_then(|name| self.calendar(name));
        let own = match &level.response {
            Response::NextBusinessDay(name) => self.calendar(name),
            Response::Within(_) => None,
        };
        level.due(opened, of_team, own)
    }
}
