//! The floor under every page: axum, one handler per address, bytes and headers as they were recorded.

use crate::Done;
use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs;
use std::io::{Write, stdout};
use std::path::Path;
use tokio::net::TcpListener;

/// One row of DIR/answers.json.
#[derive(Deserialize)]
struct Answer {
    path: String,
    headers: HashMap<String, String>,
    /// A file in DIR.
    body: String,
}

#[tokio::main]
pub async fn serve(directory: &Path) -> Done {
    let answers: Vec<Answer> = serde_json::from_slice(&fs::read(directory.join("answers.json"))?)?;
    let mut router = Router::new();
    for answer in answers {
        let body = axum::body::Bytes::from(fs::read(directory.join(&answer.body))?);
        let headers = headers(&answer.headers)?;
        router = router.route(&answer.path, get(async move || (headers, body)));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(stdout(), "http://{}", listener.local_addr()?)?;
    // As the portal does it.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    Ok(axum::serve(listener, router).await?)
}

fn headers(pairs: &HashMap<String, String>) -> Result<HeaderMap, Box<dyn std::error::Error>> {
    pairs.iter().map(|(name, value)| Ok((HeaderName::try_from(name)?, HeaderValue::try_from(value)?))).collect()
}
