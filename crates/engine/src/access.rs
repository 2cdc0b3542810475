//! Who is asking: API tokens, sessions, and the demo's made-up people. Secrets are kept as hashes only; roles are read from the
//! configuration each time, so that a person who left a team loses its rights at once.

use crate::error::{Error, Result};
use crate::store::{Act, SessionRow, Store, TokenInfo};
use crate::{Engine, clusters};
use domain::Time;
use domain::access::{Actor, Scope};
use domain::digest::sha256;

/// A session that is not used for so long is over, in seconds.
const IDLE_S: i64 = 8 * 3600;
/// A session is over after this at the latest, in seconds.
const ABSOLUTE_S: i64 = 24 * 3600;
/// How often a session's last use is written down, in seconds.
const TOUCH_S: i64 = 60;

/// A calendar client's token is good for so long, in seconds: a year.
const FEED_S: i64 = 366 * 86_400;

/// The demo's people beyond those whom its teams name.
pub const DEMO_VISITOR: &str = "viv";

impl Engine {
    pub async fn actor_of_token(&self, token: &str) -> domain::Result<Actor> {
        Ok(self.token(token).await?.0)
    }

    async fn token(&self, token: &str) -> Result<(Actor, Option<String>)> {
        if let Some(name) = token.strip_prefix("demo-").filter(|_| self.is_demo()) {
            return Ok((self.demo_actor(name, "token")?, None));
        }
        let row = self.0.store.token_by_hash(&sha256(token)).await?.filter(|row| self.is_valid(row));
        let row = row.ok_or(Error::Domain(domain::Error::Unauthenticated))?;
        Ok((Actor { person: self.0.catalog.person(&row.user), scopes: parse_scopes(&row.scopes), via: "token" }, Some(row.id)))
    }

    fn is_valid(&self, token: &TokenInfo) -> bool {
        token.revoked.is_none() && token.expires.is_none_or(|expires| expires > self.now())
    }

    fn demo_actor(&self, name: &str, via: &'static str) -> Result<Actor> {
        let known = name == DEMO_VISITOR || self.0.catalog.people().iter().any(|person| person.name == name);
        if !known {
            return Err(Error::Domain(domain::Error::Unauthenticated));
        }
        Ok(Actor { person: self.0.catalog.person(name), scopes: Scope::ALL.to_vec(), via })
    }

    /// Everyone who may sign in with one click; nobody outside the demo.
    pub fn demo_people(&self) -> Vec<domain::access::Person> {
        if !self.is_demo() {
            return Vec::new();
        }
        let mut people = self.0.catalog.people();
        people.push(self.0.catalog.person(DEMO_VISITOR));
        people
    }

    /// Signs in on the page with a token; the session reaches as far as the token. Answers the cookie's value.
    pub async fn open_session(&self, token: &str) -> domain::Result<(String, Actor)> {
        let (actor, token_id) = self.token(token).await?;
        Ok((self.insert_session(&actor, token_id).await?, Actor { via: "session", ..actor }))
    }

    /// One click, one made-up person; only in the demo.
    pub async fn open_demo_session(&self, name: &str) -> domain::Result<(String, Actor)> {
        if !self.is_demo() {
            return Err(domain::Error::not_found("such way to sign in"));
        }
        let actor = self.demo_actor(name, "session")?;
        Ok((self.insert_session(&actor, None).await?, actor))
    }

    /// A token that reads and nothing else, for a calendar client, which keeps it in an address; answered this once.
    pub async fn feed_token(&self, actor: &Actor) -> domain::Result<String> {
        domain::access::authorize(actor, domain::access::Verb::Read)?;
        Ok(self.insert_feed_token(actor).await?)
    }

    async fn insert_feed_token(&self, actor: &Actor) -> Result<String> {
        let (token, now) = (format!("dmx_{}", random()?), self.now());
        let info = TokenInfo {
            id: uuid::Uuid::now_v7().to_string(),
            user: actor.person.name.clone(),
            scopes: join(&[Scope::Read]),
            created: now,
            expires: Some(now.plus_seconds(FEED_S)),
            revoked: None,
        };
        let mut tx = self.0.store.write().await?;
        self.0.store.insert_token(&mut tx, &sha256(&token), &info).await?;
        self.0.store.record(&mut tx, Act::by(actor, now, "token.create", &info.id, "a calendar feed")).await?;
        tx.commit().await?;
        Ok(token)
    }

    async fn insert_session(&self, actor: &Actor, token: Option<String>) -> Result<String> {
        let (cookie, now) = (random()?, self.now());
        let session = SessionRow {
            person: actor.person.name.clone(),
            scopes: join(&actor.scopes),
            seen: now,
            expires: now.plus_seconds(ABSOLUTE_S),
            token,
        };
        let mut tx = self.0.store.write().await?;
        self.0.store.insert_session(&mut tx, &sha256(&cookie), &session, now).await?;
        self.0.store.record(&mut tx, Act::by(actor, now, "session.open", &actor.person.name, "")).await?;
        tx.commit().await?;
        Ok(cookie)
    }

    pub async fn actor_of_session(&self, cookie: &str) -> domain::Result<Actor> {
        Ok(self.session(cookie).await?)
    }

    async fn session(&self, cookie: &str) -> Result<Actor> {
        let (hash, now) = (sha256(cookie), self.now());
        let gone = || Error::Domain(domain::Error::Unauthenticated);
        let row = self.0.store.session(&hash).await?.ok_or_else(gone)?;
        if now > row.expires || now.seconds_since(row.seen) > IDLE_S {
            return Err(gone());
        }
        if let Some(id) = &row.token {
            self.0.store.token_by_id(id).await?.filter(|token| self.is_valid(token)).ok_or_else(gone)?;
        }
        if now.seconds_since(row.seen) > TOUCH_S {
            // Who may read goes on reading while the database takes no writes.
            if let Err(error) = self.touch(&hash, now).await {
                tracing::warn!(%error, "that a session is in use was not noted");
            }
        }
        Ok(Actor { person: self.0.catalog.person(&row.person), scopes: parse_scopes(&row.scopes), via: "session" })
    }

    async fn touch(&self, hash: &str, now: Time) -> Result<()> {
        let mut tx = self.0.store.write().await?;
        self.0.store.touch_session(&mut tx, hash, now).await?;
        Ok(tx.commit().await?)
    }

    pub async fn close_session(&self, cookie: &str) -> domain::Result<()> {
        Ok(self.forget_session(cookie).await?)
    }

    async fn forget_session(&self, cookie: &str) -> Result<()> {
        let hash = sha256(cookie);
        let Some(session) = self.0.store.session(&hash).await? else { return Ok(()) };
        let mut tx = self.0.store.write().await?;
        self.0.store.delete_session(&mut tx, &hash).await?;
        let (at, who) = (self.now(), session.person.as_str());
        self.0.store.record(&mut tx, Act { at, who, via: "session", what: "session.close", on: who, outcome: "done", detail: "" }).await?;
        Ok(tx.commit().await?)
    }
}

/// Makes a token and answers it, this once: only its hash is kept.
pub async fn create_token(store: &Store, user: &str, scopes: &[Scope], expires_s: Option<i64>, now: Time) -> domain::Result<String> {
    Ok(insert_token(store, user, scopes, expires_s, now).await?)
}

async fn insert_token(store: &Store, user: &str, scopes: &[Scope], expires_s: Option<i64>, now: Time) -> Result<String> {
    let token = format!("dmx_{}", random()?);
    let info = TokenInfo {
        id: uuid::Uuid::now_v7().to_string(),
        user: user.to_owned(),
        scopes: join(scopes),
        created: now,
        expires: expires_s.map(|s| now.plus_seconds(s)),
        revoked: None,
    };
    let mut tx = store.write().await?;
    store.insert_token(&mut tx, &sha256(&token), &info).await?;
    let act = Act { at: now, who: "operator", via: "command line", what: "token.create", on: &info.id, outcome: "done", detail: user };
    store.record(&mut tx, act).await?;
    tx.commit().await?;
    Ok(token)
}

pub async fn list_tokens(store: &Store) -> domain::Result<Vec<TokenInfo>> {
    Ok(store.tokens().await?)
}

/// Ends a token and the sessions that were opened with it.
pub async fn revoke_token(store: &Store, id: &str) -> domain::Result<()> {
    Ok(revoke(store, id).await?)
}

async fn revoke(store: &Store, id: &str) -> Result<()> {
    let now = clusters::now();
    let mut tx = store.write().await?;
    if !store.revoke_token(&mut tx, id, now).await? {
        return Err(Error::Domain(domain::Error::not_found(format!("token `{}` that is still valid", domain::names::shorten(id)))));
    }
    let act = Act { at: now, who: "operator", via: "command line", what: "token.revoke", on: id, outcome: "done", detail: "" };
    store.record(&mut tx, act).await?;
    Ok(tx.commit().await?)
}

/// 256 random bits, hexadecimal.
fn random() -> Result<String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::Random(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn join(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(",")
}

fn parse_scopes(text: &str) -> Vec<Scope> {
    text.split(',').filter_map(Scope::parse).collect()
}
