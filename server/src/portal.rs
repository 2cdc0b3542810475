//! What every handler shares. Cheap to clone; made once, before the first request.

use crate::guard::sessions::Sessions;
use crate::limits::Limits;
use crate::origin::Origin;
use crate::site::Files;
use crate::web::cache::Pages;
use engine::Engine;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What a portal is made of.
pub struct Config {
    pub engine: Engine,
    /// Where it listens: the default of its external address, on loopback only.
    pub address: SocketAddr,
    /// The folder of static files; none is found out (see [`crate::site`]).
    pub site_root: Option<PathBuf>,
}

#[derive(Clone)]
pub struct Portal(Arc<Shared>);

pub struct Shared {
    pub engine: Engine,
    pub origin: Origin,
    pub files: Files,
    pub site: app::Site,
    pub sessions: Sessions,
    pub pages: Pages,
    pub limits: Limits,
    /// Cancelled when the portal is asked to stop: event streams end at once.
    pub stopping: CancellationToken,
}

impl Deref for Portal {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Portal {
    pub(crate) fn new(config: Config) -> Portal {
        let catalog = config.engine.catalog();
        let files = Files::find(config.site_root);
        let site = files.site(config.engine.is_demo(), &catalog.organisation);
        Portal(Arc::new(Shared {
            origin: Origin::of(catalog.external_url.as_deref(), config.address),
            engine: config.engine,
            files,
            site,
            sessions: Sessions::default(),
            pages: Pages::default(),
            limits: Limits::default(),
            stopping: CancellationToken::new(),
        }))
    }

    /// Every route, behind every guard.
    pub fn router(&self) -> axum::Router {
        crate::router::router(self)
    }
}
