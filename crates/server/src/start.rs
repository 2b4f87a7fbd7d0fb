//! From settings to a running service: database, keys, index, first admin.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, ensure};
use eureka_domain::Clock;
use eureka_domain::user::SiteRole;
use eureka_service::{
    Courier, Indexer, Keys, NewUser, Passwords, Photos, PoolOptions, Pools, Providers, SearchPool, Service,
    ServiceError, generate_key,
};
use eureka_store::{Store, users};

use crate::clock::{SystemClock, SystemIds};
use crate::config::Settings;
use crate::keys;
use crate::snapshots::Snapshots;

/// A service with its index, ready for use cases.
pub(crate) struct Started {
    /// The service.
    pub(crate) service: Arc<Service>,
    store: Store,
    follower: Option<JoinHandle<()>>,
    sender: Option<JoinHandle<()>>,
}

impl Started {
    /// Follows the change log from now on, for the index and for webhooks.
    pub(crate) fn follow(&mut self) -> anyhow::Result<()> {
        self.follower = Some(self.service.indexer().follow()?);
        self.sender = Some(self.service.follow_webhooks(eureka_api::webhook_message)?);
        Ok(())
    }

    /// Writes down what was searched, ends the followers, closes index and database.
    pub(crate) fn stop(self) {
        self.service.settle_searches();
        self.service.stop_webhooks();
        self.service.indexer().stop();
        if let Some(sender) = self.sender
            && sender.join().is_err()
        {
            tracing::error!("the sending of webhooks ended with a panic");
        }
        if let Some(follower) = self.follower
            && follower.join().is_err()
        {
            tracing::error!("the indexer ended with a panic");
        }
        self.store.close();
    }
}

/// Opens the database and brings its schema up to date.
pub(crate) fn open_store(settings: &Settings) -> anyhow::Result<Store> {
    let data = settings.data_dir();
    std::fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
    let store = Store::open(&settings.database(), settings.readers).context("cannot open the database")?;
    let log_id = eureka_domain::Ids::next(&SystemIds::new(), SystemClock.now());
    for name in store.migrate(log_id).context("cannot bring the database up to date")? {
        tracing::info!(migration = %name, "applied");
    }
    Ok(store)
}

/// Opens a database that is there and up to date, for reads only.
pub(crate) fn open_to_read(settings: &Settings) -> anyhow::Result<Store> {
    let store = Store::open_to_read(&settings.database(), settings.readers).context("cannot open the database")?;
    let pending = store.pending_migrations().context("cannot read the schema")?;
    ensure!(pending.is_empty(), "the schema is older than this program: run `eureka migrate` first");
    Ok(store)
}

/// Opens everything.
pub(crate) fn start(settings: &Settings) -> anyhow::Result<Started> {
    start_at(settings, Arc::new(SystemClock))
}

/// Opens everything, at the time that a clock shows.
pub(crate) fn start_at(settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Started> {
    let store = open_store(settings)?;
    let indexer = open_index(settings, &store)??;
    finish(settings, store, indexer, clock)
}

/// Opens everything, for a service that outlasts trouble with its index: one that cannot be opened is left as it is, and
/// tried again by the follower.
pub(crate) fn start_patiently(settings: &Settings) -> anyhow::Result<Started> {
    let store = open_store(settings)?;
    let indexer = open_index(settings, &store)?.unwrap_or_else(|error| {
        tracing::error!(%error, "the index could not be opened; it will be tried again");
        Indexer::shut(store.clone(), &settings.index_dir(), &error)
    });
    finish(settings, store, indexer, Arc::new(SystemClock))
}

/// The index, or why it cannot be opened; the outer error is of the settings.
fn open_index(settings: &Settings, store: &Store) -> anyhow::Result<Result<Arc<Indexer>, ServiceError>> {
    let (store, dir) = (store.clone(), settings.index_dir());
    Ok(match Snapshots::of(settings)? {
        Some(snapshots) => Indexer::open_or_fetch(store, &dir, |to, chain| snapshots.fetch(to, chain)),
        None => Indexer::open(store, &dir),
    })
}

fn finish(settings: &Settings, store: Store, indexer: Arc<Indexer>, clock: Arc<dyn Clock>) -> anyhow::Result<Started> {
    let keys = keys::load_or_create(&settings.keys_dir(), &settings.issuer)?;
    let providers = Providers::new(&settings.issuer, settings.providers()?)?;
    let service = assemble(store.clone(), indexer, clock, keys)?.believing(providers);
    let service = service.posting(Arc::new(Courier::new(settings.webhook_allow.clone())));
    Ok(Started { service: Arc::new(service), store, follower: None, sender: None })
}

/// A service for commands that neither search nor sign: without the index, which a running service may hold, and with a
/// key that is thrown away.
pub(crate) fn offline(settings: &Settings, store: Store) -> anyhow::Result<Service> {
    let indexer = Indexer::idle(store.clone());
    let keys = Keys::new(&settings.issuer, &[generate_key()?])?;
    assemble(store, indexer, Arc::new(SystemClock), keys)
}

fn assemble(store: Store, indexer: Arc<Indexer>, clock: Arc<dyn Clock>, keys: Keys) -> anyhow::Result<Service> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let passwords = Passwords::new(cores)?;
    // Each may hold a photo of forty million pixels, and work on it for a second: never on all cores.
    let photos = Photos::new((cores / 2).clamp(1, 4))?;
    let searches = SearchPool::new(PoolOptions::default()).map_err(ServiceError::from)?;
    Ok(Service::new(store, indexer, clock, Arc::new(SystemIds::new()), keys, Pools { passwords, photos, searches }))
}

/// Creates the first admin, where there is none, and says how to log in.
pub(crate) fn ensure_admin(settings: &Settings, service: &Service) -> anyhow::Result<()> {
    let admins = service.store().read(users::admins)?;
    if admins > 0 {
        return Ok(());
    }
    let (password, made_up) = match &settings.admin_password {
        Some(password) => (password.clone(), false),
        None => (new_password()?, true),
    };
    let admin = NewUser {
        email: settings.admin_email.clone(),
        name: "Admin".to_owned(),
        password: password.clone(),
        site_role: SiteRole::Admin,
    };
    match service.add_user(admin) {
        Ok(_) => {}
        // Another process has started on the same database, and was first.
        Err(ServiceError::Taken { .. }) if service.store().read(users::admins)? > 0 => return Ok(()),
        Err(error) => return Err(error).context("cannot create the first admin"),
    }
    println!("Created the first admin: {}", settings.admin_email);
    if made_up {
        println!("Password, shown only now: {password}");
    }
    let shown = if made_up { &password } else { "…" };
    println!(
        "Log in:\n  curl -s http://{}/v1/auth/login -H 'Content-Type: application/json' \\\n    \
         -d '{{\"email\":\"{}\",\"password\":\"{shown}\"}}'",
        settings.listen, settings.admin_email,
    );
    Ok(())
}

/// A password of 128 random bits in groups that can be read aloud.
pub(crate) fn new_password() -> anyhow::Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0u8; 26];
    getrandom::fill(&mut bytes).context("no randomness")?;
    let letters: Vec<char> =
        bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)).map(|&letter| char::from(letter))).collect();
    Ok(letters.chunks(6).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}
