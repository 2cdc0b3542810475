//! Who is behind a cookie or a token, remembered for half a second, so that a page with its parts asks the database once.
//!
//! Invariant: what is remembered is younger than [`REMEMBERED`]; a revoked token and a closed session end within that.

use domain::Result;
use domain::access::Actor;
use engine::Engine;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Security asks for "within a second": an event stream that looks this often, at what is this old, ends in time.
pub const REMEMBERED: Duration = Duration::from_millis(450);

/// Above so many the old ones are forgotten.
const BOUND: usize = 4096;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Cookie(String),
    Token(String),
}

#[derive(Default)]
pub struct Sessions {
    known: Mutex<HashMap<Key, (Actor, Instant)>>,
}

impl Sessions {
    pub async fn of_cookie(&self, engine: &Engine, cookie: &str) -> Result<Actor> {
        let key = Key::Cookie(cookie.to_owned());
        match self.recall(&key) {
            Some(actor) => Ok(actor),
            None => Ok(self.keep(key, engine.actor_of_session(cookie).await?)),
        }
    }

    pub async fn of_token(&self, engine: &Engine, token: &str) -> Result<Actor> {
        let key = Key::Token(token.to_owned());
        match self.recall(&key) {
            Some(actor) => Ok(actor),
            None => Ok(self.keep(key, engine.actor_of_token(token).await?)),
        }
    }

    /// After sign-out: at once, not within that time.
    pub fn forget_cookie(&self, cookie: &str) {
        self.lock().remove(&Key::Cookie(cookie.to_owned()));
    }

    fn recall(&self, key: &Key) -> Option<Actor> {
        let known = self.lock();
        known.get(key).filter(|(_, at)| at.elapsed() < REMEMBERED).map(|(actor, _)| actor.clone())
    }

    fn keep(&self, key: Key, actor: Actor) -> Actor {
        let mut known = self.lock();
        if known.len() >= BOUND {
            known.retain(|_, (_, at)| at.elapsed() < REMEMBERED);
        }
        if known.len() < BOUND {
            known.insert(key, (actor.clone(), Instant::now()));
        }
        actor
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, (Actor, Instant)>> {
        // The table is never left half-written: a poisoned lock is as good as any.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
