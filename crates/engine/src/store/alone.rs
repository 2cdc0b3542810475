//! One portal for a database in a file: SQLite keeps several from corrupting it, but nothing from each carrying out the same change.
//! PostgreSQL has room for several, which take turns by leases.
//!
//! Invariant: the lock is the operating system's, so it ends with the process, however that ends.

use crate::StartError;
use std::fs::{File, TryLockError};
use std::path::PathBuf;

/// Held as long as the portal runs.
#[derive(Debug)]
pub struct Alone {
    _lock: File,
}

/// None: the database is not a file.
pub fn alone(url: &str) -> Result<Option<Alone>, StartError> {
    let Some(rest) = url.strip_prefix("sqlite://") else { return Ok(None) };
    let file = rest.split('?').next().unwrap_or_default();
    let path = PathBuf::from(format!("{file}.lock"));
    let opened = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = opened.map_err(|error| StartError(format!("{} cannot be opened: {error}", path.display())))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(Alone { _lock: lock })),
        Err(TryLockError::WouldBlock) => {
            let why = "is in use by another portal: stop that one first, or give both a PostgreSQL database with --database-url";
            Err(StartError(format!("The database {file} {why}.")))
        }
        Err(TryLockError::Error(error)) => Err(StartError(format!("{} cannot be locked: {error}", path.display()))),
    }
}
