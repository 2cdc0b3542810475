//! `devmatrix token`: API tokens, made beside the server or before its first start.

use super::arguments::{CreateToken, Database, ListTokens, RevokeToken, Token, TokenCommand};
use super::{Done, Failure};
use crate::config;
use domain::Time;
use domain::access::Scope;
use domain::names::{NAME_RULE, Name};
use domain::time::parse_duration;
use engine::{Store, TokenInfo, access};
use serde_json::json;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

pub async fn run(token: Token) -> Done {
    match token.command {
        TokenCommand::Create(create) => make(create).await,
        TokenCommand::List(list) => show(list).await,
        TokenCommand::Revoke(revoke) => end(revoke).await,
    }
}

async fn make(create: CreateToken) -> Done {
    if Name::try_from(create.user.clone()).is_err() {
        return Err(Failure::usage(format!("`{}` is not a user's name: expected {NAME_RULE}.", create.user)));
    }
    let scopes = create.scopes.iter().map(|text| scope(text)).collect::<Result<Vec<_>, _>>()?;
    let expires_s = parse_duration(&create.expires).filter(|seconds| *seconds > 0).ok_or_else(|| {
        Failure::usage(format!("`{}` is not a duration: expected a number and a unit, such as 24h or 30d.", create.expires))
    })?;
    note_rights(&create.user, create.database.config.as_deref())?;
    let store = open(&create.database).await?;
    let token = access::create_token(&store, &create.user, &scopes, Some(expires_s), now()).await;
    store.close().await;
    println!("{}", token?);
    Ok(())
}

fn scope(text: &str) -> Result<Scope, Failure> {
    Scope::parse(text.trim()).ok_or_else(|| {
        let known = Scope::ALL.map(Scope::as_str).join(", ");
        Failure::usage(format!("`{text}` is not a scope: expected some of {known}."))
    })
}

/// A token reaches no further than its owner, which is easily forgotten for a new name.
fn note_rights(user: &str, named: Option<&Path>) -> Done {
    if named.is_none() && !Path::new(config::DEFAULT_FILE).exists() {
        eprintln!("Note: there is no {} here, so it is not known what {user} may do; --config names another.", config::DEFAULT_FILE);
        return Ok(());
    }
    let path = config::file(named)?;
    if config::read(&path)?.catalog.person(user).teams.is_empty() {
        eprintln!("Note: no team in {} names {user}, who may therefore only read.", path.display());
    }
    Ok(())
}

async fn show(list: ListTokens) -> Done {
    let store = open(&list.database).await?;
    let tokens = access::list_tokens(&store).await;
    store.close().await;
    let tokens = tokens?;
    if list.json {
        println!("{}", json!({"items": tokens.iter().map(as_json).collect::<Vec<_>>(), "next": null}));
        return Ok(());
    }
    let rows = tokens
        .iter()
        .map(|token| vec![token.id.clone(), token.user.clone(), token.scopes.clone(), token.created.to_string(), state(token)]);
    super::show::table(&["ID", "USER", "SCOPES", "CREATED", "STATE"], rows.collect());
    Ok(())
}

fn as_json(token: &TokenInfo) -> serde_json::Value {
    json!({
        "id": token.id, "user": token.user, "scopes": token.scopes.split(',').collect::<Vec<_>>(),
        "created": token.created, "expires": token.expires, "revoked": token.revoked,
    })
}

fn state(token: &TokenInfo) -> String {
    match (token.revoked, token.expires) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) if at <= now() => format!("expired {at}"),
        (None, Some(at)) => format!("good until {at}"),
        (None, None) => "good".to_owned(),
    }
}

async fn end(revoke: RevokeToken) -> Done {
    let store = open(&revoke.database).await?;
    let ended = access::revoke_token(&store, &revoke.id).await;
    store.close().await;
    ended?;
    eprintln!("Token {} is revoked, and the sessions that were opened with it have ended.", revoke.id);
    Ok(())
}

async fn open(database: &Database) -> Result<Store, Failure> {
    let named = config::named_database(database.database_url.clone());
    let url = config::database_url(named.as_deref(), &database.data_dir)?;
    Ok(engine::open_store(&url).await?)
}

fn now() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64))
}
