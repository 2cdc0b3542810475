//! A token in a file that somebody else renews: kubelet for a pod's account, a sidecar, a cron job.

use super::{Credential, Trouble, after};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// How old a file's token may be before the file is read again, in seconds. (client-go does the same.)
const REREAD_S: i64 = 60;

pub struct TokenFile {
    pub path: PathBuf,
}

impl TokenFile {
    pub fn new(path: &str) -> TokenFile {
        TokenFile { path: PathBuf::from(path) }
    }

    /// Good until it is refused: where the file is taken away, the last token still serves.
    pub async fn mint(&self, now: Timestamp) -> Result<Credential, Trouble> {
        Ok(Credential::token(read(&self.path).await?, Some(after(now, REREAD_S)), None))
    }
}

/// The token in a file, without the line's end.
pub async fn read(path: &Path) -> Result<String, Trouble> {
    let shown = path.display();
    let text =
        tokio::fs::read_to_string(path).await.map_err(|error| Trouble::local(format!("the token file {shown} cannot be read: {error}")))?;
    let token = text.trim();
    if token.is_empty() || token.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Trouble::local(format!("the token file {shown} does not hold a token")));
    }
    Ok(token.to_owned())
}
