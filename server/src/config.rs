//! Finding and reading the configuration file, and where the data is kept. Every failure is a sentence that says what to do.

use crate::cli::Failure;
use domain::catalog::{Catalog, Problem, Read};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What is read when nothing is named.
pub const DEFAULT_FILE: &str = "devmatrix.yaml";

/// The text of a configuration file.
pub fn text(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::failed(format!("There is no configuration file {shown}: name another with --config.")),
        ErrorKind::PermissionDenied => {
            Failure::failed(format!("The configuration file {shown} may not be read: give this user the right to."))
        }
        ErrorKind::IsADirectory => Failure::failed(format!("{shown} is a directory: name a file with --config.")),
        _ => Failure::failed(format!("The configuration file {shown} cannot be read: {error}.")),
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let (line, column) = place(error.as_bytes(), error.utf8_error().valid_up_to());
        Failure::failed(format!("{shown}:{line}:{column}: the file is not UTF-8 here: save it as UTF-8."))
    })
}

/// Line and column, from 1, of a byte.
fn place(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = &bytes[..at];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}

/// The catalog in a file; each problem is `FILE:LINE:COLUMN: what`.
pub fn read(path: &Path) -> Result<Read, Failure> {
    domain::catalog::read(&text(path)?, &engine::zones()).map_err(|problems| Failure::failed(listed(path, &problems).join("\n")))
}

pub fn listed(path: &Path, problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| format!("{}:{problem}", path.display())).collect()
}

/// The file that was named, or the one that lies here.
pub fn file(named: Option<&Path>) -> Result<PathBuf, Failure> {
    match named {
        Some(path) => Ok(path.to_path_buf()),
        None if Path::new(DEFAULT_FILE).exists() => Ok(PathBuf::from(DEFAULT_FILE)),
        None => Err(Failure::usage(format!(
            "There is no {DEFAULT_FILE} here: name a configuration with --config FILE, or look at the portal first with --demo."
        ))),
    }
}

/// The kubeconfigs that a catalog names and that are not there: where the file names each, and a sentence.
pub fn missing_kubeconfigs(catalog: &Catalog) -> Vec<((u64, u64), String)> {
    let named = catalog.clusters.iter().flat_map(|cluster| cluster.kubeconfigs().map(move |kubeconfig| (cluster, kubeconfig)));
    named
        .filter(|(_, kubeconfig)| !Path::new(&kubeconfig.path).is_file())
        .map(|(cluster, kubeconfig)| {
            let sentence = format!("the kubeconfig {} of cluster {} is not there on this machine", kubeconfig.path, cluster.name);
            (kubeconfig.place, sentence)
        })
        .collect()
}

/// The database that the command or the environment names. (A URL may hold a password, which a command line would show.)
pub fn named_database(argument: Option<String>) -> Option<String> {
    argument.or_else(|| std::env::var("DEVMATRIX_DATABASE_URL").ok()).filter(|url| !url.is_empty())
}

/// The database: the one that is named, or SQLite in the data directory, which is made if need be.
pub fn database_url(named: Option<&str>, data_dir: &Path) -> Result<String, Failure> {
    if let Some(url) = named {
        return Ok(url.to_owned());
    }
    let shown = data_dir.display();
    fs::create_dir_all(data_dir)
        .map_err(|error| Failure::failed(format!("The data directory {shown} cannot be made: {error}; name another with --data-dir.")))?;
    close_to_others(data_dir);
    Ok(format!("sqlite://{}?mode=rwc", data_dir.join("devmatrix.db").display()))
}

/// The database holds hashes of tokens and the record of acts: it is nobody else's business.
#[cfg(unix)]
fn close_to_others(data_dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if let Err(error) = fs::set_permissions(data_dir, fs::Permissions::from_mode(0o700)) {
        tracing::warn!(%error, "the data directory stays readable for others");
    }
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_and_the_demo_are_good() {
        for (name, text) in [("example", include_str!("../devmatrix.example.yaml")), ("demo", include_str!("demo.yaml"))] {
            let read = domain::catalog::read(text, &engine::zones()).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
            assert!(read.warnings.is_empty(), "{name}: {:?}", read.warnings);
            assert_eq!((read.catalog.components.len(), read.catalog.environments.len()), (8, 3), "{name}");
        }
    }

    #[test]
    fn a_place_counts_from_one() {
        assert_eq!(place(b"ab\ncd\nef", 4), (2, 2));
        assert_eq!(place(b"ab", 0), (1, 1));
    }
}
