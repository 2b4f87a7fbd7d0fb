//! A service of its own over a directory that is thrown away: the collection's documents in it, the API on a loopback
//! port.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use anyhow::{Context, bail};
use eureka_api::{Api, LimitOptions};
use eureka_domain::community::{Charter, Openness, ReviewPolicy};
use eureka_domain::ids::TipId;
use eureka_domain::user::SiteRole;
use eureka_service::{IMPORT_SLICE, NewUser, Service};
use eureka_store::tips;
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;

use super::collection::{COMMUNITY, Collection};
use crate::config::Settings;
use crate::start::{self, Started};

/// Who asks.
pub(super) const EMAIL: &str = "evaluate@eureka.example";
/// How many tips are read at once.
const BATCH: i64 = 1000;

/// A running service.
pub(super) struct Scratch {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// The password of who asks.
    pub(super) password: String,
    /// Outside names by tip number.
    names: HashMap<String, String>,
    started: Started,
    server: (ServerHandle, JoinHandle<anyhow::Result<()>>),
    /// Thrown away when dropped.
    _folder: TempDir,
}

impl Scratch {
    /// Loads a collection and serves it. A document that cannot be a tip is an error: it would be missed silently.
    pub(super) fn start(settings: &Settings, collection: &Collection) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no directory to throw away")?;
        let data = Some(folder.path().to_owned());
        let settings = Settings { data, database_url: None, keys: None, ..settings.clone() };
        let mut started = start::start(&settings)?;
        load(&started.service, collection)?;
        let names = names(&started.service)?;
        started.service.indexer().catch_up()?;
        started.follow()?;
        let password = start::new_password()?;
        started.service.add_user(NewUser {
            email: EMAIL.to_owned(),
            name: "Evaluation".to_owned(),
            password: password.clone(),
            site_role: SiteRole::Member,
        })?;
        let (address, server) = listen(Arc::clone(&started.service))?;
        Ok(Self { address, password, names, started, server, _folder: folder })
    }

    /// The outside name of a tip.
    pub(super) fn name_of(&self, number: &str) -> Option<&str> {
        self.names.get(number).map(String::as_str)
    }

    /// Stops serving, and throws everything away.
    pub(super) fn stop(self) {
        let (handle, thread) = self.server;
        drop(handle.stop(false));
        if !matches!(thread.join(), Ok(Ok(()))) {
            tracing::error!("the server did not stop cleanly");
        }
        self.started.stop();
    }
}

fn load(service: &Service, collection: &Collection) -> anyhow::Result<()> {
    service.found_community(Charter {
        slug: COMMUNITY.to_owned(),
        name: collection.name.clone(),
        description: "Documents of a judged collection.".to_owned(),
        openness: Openness::Open,
        policy: ReviewPolicy::default(),
    })?;
    let bar = ProgressBar::new(collection.documents.len() as u64)
        .with_style(ProgressStyle::with_template("{bar:30} {pos}/{len} documents  {elapsed} elapsed, {eta} left")?);
    for slice in collection.documents.chunks(IMPORT_SLICE) {
        let report = service.import_tips(slice.to_vec())?;
        if let Some(refusal) = report.refused.first() {
            bail!("{}: document {} cannot be a tip: {:?}", collection.name, refusal.external_id, refusal.errors);
        }
        if report.known > 0 {
            bail!("{}: a document's name comes twice", collection.name);
        }
        bar.inc(slice.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

fn names(service: &Service) -> anyhow::Result<HashMap<String, String>> {
    let mut names = HashMap::new();
    let mut after: Option<TipId> = None;
    loop {
        let sheets = service.store().read(|conn| tips::sheets_after(conn, after, BATCH))?;
        let Some(last) = sheets.last() else { return Ok(names) };
        after = Some(last.tip.id);
        let named = sheets.into_iter().filter_map(|sheet| Some((sheet.tip.number.to_string(), sheet.tip.external_id?)));
        names.extend(named);
    }
}

type Serving = (ServerHandle, JoinHandle<anyhow::Result<()>>);

fn listen(service: Arc<Service>) -> anyhow::Result<(SocketAddr, Serving)> {
    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let api = Data::new(Api::limited(service, LimitOptions::none()));
            let server = HttpServer::new(move || eureka_api::app(api.clone()))
                .disable_signals()
                .bind(("127.0.0.1", 0))
                .context("cannot listen on a loopback port")?;
            let address = server.addrs().first().copied().context("no address")?;
            let server = server.run();
            let _ = tell.send((address, server.handle())); // whoever waits has not gone
            server.await.context("the server failed")
        })
    });
    match told.recv() {
        Ok((address, handle)) => Ok((address, (handle, thread))),
        Err(_) => match thread.join() {
            Ok(Err(error)) => Err(error),
            _ => bail!("the server did not start"),
        },
    }
}
