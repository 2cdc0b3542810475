//! One portal for a database in a file: SQLite keeps several from corrupting it, but nothing from each carrying out the same change.
//! PostgreSQL has room for several, which take turns by leases.
//!
//! Invariant: the lock is the operating system's, so it ends with the process, however that ends.

use crate::StartError;
use sqlx::sqlite::SqliteConnectOptions;
use std::fs::{File, TryLockError};
use std::path::PathBuf;

/// Held as long as the portal runs.
#[derive(Debug)]
pub struct Alone {
    lock: File,
    path: PathBuf,
}

impl Alone {
    /// Whether the lock still stands where others look for it: somebody may have removed the file, and then it keeps nobody out.
    pub fn stands(&self) -> bool {
        same_file(&self.lock, &self.path)
    }
}

#[cfg(unix)]
fn same_file(lock: &File, path: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(held), Ok(there)) = (lock.metadata(), path.metadata()) else { return false };
    (held.dev(), held.ino()) == (there.dev(), there.ino())
}

#[cfg(not(unix))]
fn same_file(_: &File, path: &std::path::Path) -> bool {
    path.exists()
}

/// None: the database is no file.
pub fn alone(url: &str) -> Result<Option<Alone>, StartError> {
    let Some(file) = file(url)? else { return Ok(None) };
    let path = PathBuf::from(format!("{}.lock", file.display()));
    let opened = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = opened.map_err(|error| StartError(format!("{} cannot be opened: {error}", path.display())))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(Alone { lock, path })),
        Err(TryLockError::WouldBlock) => {
            let why = "is in use by another portal: stop that one first, or give both a PostgreSQL database with --database-url";
            Err(StartError(format!("The database {} {why}.", file.display())))
        }
        Err(TryLockError::Error(error)) => Err(StartError(format!("{} cannot be locked: {error}", path.display()))),
    }
}

/// The file that SQLite would open for this URL, in whichever way it is written: the same by each of its names.
fn file(url: &str) -> Result<Option<PathBuf>, StartError> {
    if !url.starts_with("sqlite:") {
        return Ok(None);
    }
    let options: SqliteConnectOptions =
        url.parse().map_err(|error| StartError(format!("The database {url} cannot be opened: {error}; write sqlite://FILE?mode=rwc.")))?;
    let named = options.get_filename();
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Ok(None);
    }
    // A file that is not there yet has one name at least: that of its folder, and its own.
    let whole = named.canonicalize().or_else(|_| {
        let folder = named.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
        folder.canonicalize().map(|folder| folder.join(named.file_name().unwrap_or_default()))
    });
    whole.map(Some).map_err(|error| StartError(format!("The database {} cannot be opened: {error}.", named.display())))
}
