//! `devmatrix serve`: the portal itself.

use super::arguments::Serve;
use super::{Done, Failure};
use crate::portal::{Config, Portal};
use crate::{config, demo, serve};
use domain::catalog::Catalog;
use engine::{Engine, Options};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub async fn run(arguments: Serve) -> Done {
    if arguments.demo { run_demo(arguments).await } else { run_configured(arguments).await }
}

async fn run_configured(arguments: Serve) -> Done {
    let path = config::file(arguments.config.as_deref())?;
    let read = config::read(&path)?;
    for warning in &read.warnings {
        tracing::warn!("{}:{}:{}: {}", path.display(), warning.line, warning.column, warning.what);
    }
    can_be_reached(&read.catalog, arguments.listen, &path)?;
    if let Some((_, sentence)) = config::missing_kubeconfigs(&read.catalog).into_iter().next() {
        return Err(Failure::failed(format!("In {} {sentence}: mend its `path`, or put the file there.", path.display())));
    }
    let data_dir = arguments.data_dir.unwrap_or_else(|| PathBuf::from("data"));
    let database_url = config::database_url(config::named_database(arguments.database_url).as_deref(), &data_dir)?;
    let listener = serve::listen(arguments.listen).await?;
    let external_url = read.catalog.external_url.clone();
    let portal = start(&listener, read.catalog, database_url, external_url, None).await?;
    announce(&format!(
        "DevMatrix Portal is at {} (sign in with a token: devmatrix token create --user NAME --scopes read,change)",
        portal.origin.url()
    ));
    serve::until_stopped(portal, listener).await
}

/// Without an external address a portal answers on loopback names only, so listening anywhere else would be of no use.
fn can_be_reached(catalog: &Catalog, listen: SocketAddr, path: &Path) -> Done {
    if catalog.external_url.is_some() || listen.ip().is_loopback() {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::failed(format!(
        "To listen on {listen}, set `external_url` in {path} to the address that browsers will use, such as https://portal.example."
    )))
}

async fn run_demo(arguments: Serve) -> Done {
    if !arguments.listen.ip().is_loopback() {
        let listen = arguments.listen;
        return Err(Failure::usage(format!(
            "The demo lets everyone in, so it does not listen on {listen}: leave --listen out, or name a loopback address such as 127.0.0.1:3000."
        )));
    }
    let data = DemoData::of(arguments.data_dir)?;
    // Only what the command says: made-up people must not come into a real database by an environment variable.
    let database_url = config::database_url(arguments.database_url.as_deref(), data.path())?;
    let listener = serve::listen(arguments.listen).await?;
    let demo = demo::start().await?;
    if let Some(file) = &arguments.demo_kubeconfig {
        let unwritable = |error| Failure::failed(format!("{} cannot be written: {error}.", file.display()));
        std::fs::write(file, demo.clusters.kubeconfig()).map_err(unwritable)?;
    }
    let portal = start(&listener, demo.catalog.clone(), database_url, None, Some(demo.addresses())).await?;
    let people: Vec<_> = portal.engine.demo_people().into_iter().map(|person| person.name).collect();
    announce(&format!("DevMatrix Portal is at {} (demo cluster; sign in as {})", portal.origin.url(), people.join(", ")));
    serve::until_stopped(portal, listener).await
}

/// The demo keeps nothing, unless it is told where.
enum DemoData {
    Kept(PathBuf),
    /// Removed when it is dropped.
    Temporary(TempDir),
}

impl DemoData {
    fn of(named: Option<PathBuf>) -> Result<DemoData, Failure> {
        if let Some(path) = named {
            return Ok(DemoData::Kept(path));
        }
        let made = tempfile::Builder::new().prefix("devmatrix-demo-").tempdir();
        made.map(DemoData::Temporary)
            .map_err(|error| Failure::failed(format!("A temporary directory cannot be made: {error}; name one with --data-dir.")))
    }

    fn path(&self) -> &Path {
        match self {
            DemoData::Kept(path) => path,
            DemoData::Temporary(directory) => directory.path(),
        }
    }
}

async fn start(
    listener: &TcpListener,
    catalog: Catalog,
    database_url: String,
    external_url: Option<String>,
    demo: Option<engine::Demo>,
) -> Result<Portal, Failure> {
    let address = listener.local_addr().map_err(|error| Failure::failed(format!("The address of the socket is unknown: {error}.")))?;
    let external_url = external_url.unwrap_or_else(|| format!("http://{address}"));
    let engine = Engine::start(Options { catalog, database_url, demo, external_url, patience: engine::Patience::default() }).await?;
    Ok(crate::build(Config { engine, address, site_root: None }))
}

fn announce(line: &str) {
    use std::io::Write;
    // Whoever closed our standard output does not want to know.
    let _ = writeln!(std::io::stdout(), "{line}");
}
