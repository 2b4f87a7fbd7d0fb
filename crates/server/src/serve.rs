//! `eureka serve`: HTTP until a signal says stop, then drain.

use std::any::Any;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::web::Data;
use anyhow::{Context, bail};
use eureka_api::Api;
use eureka_service::{Drift, ServiceError};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Settings;
use crate::snapshots::Snapshots;
use crate::start::{self, Started};
use crate::{demo, logging, traces};

/// How long a client may take to send the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may lie idle. Longer than proxies and clients keep theirs, a minute mostly: closed any sooner, it is
/// now and then closed under a request that is on its way, and whoever sent it does not know whether it took effect.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests in flight may take once the process is to stop, in seconds.
const SHUTDOWN_PATIENCE: u64 = 15;
/// How often what has expired is forgotten, and reviewers are reminded.
const HOUR: Duration = Duration::from_hours(1);
/// How soon after the start the index's files are held against their checksums, and compared with the database, for the first
/// time: a service that is replaced every day is to be checked too. And how soon again after that could not be done.
const FIRST_CHECK: Duration = Duration::from_mins(5);
/// How often after that.
const DAY: Duration = Duration::from_hours(24);
/// How often it is asked whether a copy of the index is due.
const SHIPPING: Duration = Duration::from_secs(10);
/// The same after it could not be made.
const SHIPPING_AGAIN: Duration = Duration::from_mins(5);
/// How long a client may leave what it was sent untaken; then the kernel ends the connection.
const READ_PATIENCE: Duration = Duration::from_secs(30);
/// Connections held at once, for each core.
const CONNECTIONS: usize = 2000;
/// Threads for what may block, in all.
const BLOCKING: usize = 512;

/// Serves the API.
pub(crate) fn serve(settings: &Settings) -> anyhow::Result<ExitCode> {
    logging::start(settings)?;
    for (name, value) in settings.shown() {
        tracing::info!(setting = name, value, "in force");
    }
    let started = start::start_patiently(settings)?;
    if !settings.listen.ip().is_loopback() && demo::has_cast(&started.service)? {
        bail!(
            "this database holds the demo's accounts, whose password is public: \
             they are served on a loopback address only, not on {}",
            settings.listen
        );
    }
    start::ensure_admin(settings, &started.service)?;
    run(settings, started, |_| ())
}

/// Serves until a signal says stop. `ready` is told the address once it is bound.
pub(crate) fn run(
    settings: &Settings,
    mut started: Started,
    ready: impl FnOnce(SocketAddr),
) -> anyhow::Result<ExitCode> {
    started.follow()?;
    let api = Api::limited(Arc::clone(&started.service), settings.limits());
    let api = Data::new(api.reached_at(settings.public_url.as_deref().unwrap_or_default()));
    let served = actix_web::rt::System::new().block_on(listen(settings, api, ready));
    started.stop();
    traces::settle();
    served.map(|()| ExitCode::SUCCESS)
}

async fn listen(settings: &Settings, api: Data<Api>, ready: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
    let shared = api.clone();
    // Half as many threads as cores read requests and send replies: what takes long is done on others, and a thread more than
    // is needed takes a core from a search in the midst of it. The framework's bounds are for each of them.
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = cores.div_ceil(2);
    let server = HttpServer::new(move || eureka_api::app(shared.clone()))
        .workers(threads)
        .worker_max_blocking_threads(BLOCKING.div_ceil(threads))
        .client_request_timeout(HEAD_PATIENCE)
        .keep_alive(KEEP_ALIVE)
        .max_connections((CONNECTIONS * cores).div_ceil(threads))
        .on_connect(|connection, _| give_up_on_unread(connection))
        .shutdown_timeout(SHUTDOWN_PATIENCE)
        .disable_signals()
        .bind(settings.listen)
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    if let Some(address) = settings.metrics_listen {
        serve_metrics(address, api.clone())?;
    }
    let address = server.addrs().first().copied().unwrap_or(settings.listen);
    let server = server.run();
    tracing::info!(%address, "serving; the documentation is at /docs/");
    ready(address);

    actix_web::rt::spawn(look_after(api.clone()));
    actix_web::rt::spawn(check_index(api.clone()));
    let snapshots = Snapshots::of(settings)?.map(Arc::new);
    if let Some(snapshots) = &snapshots {
        actix_web::rt::spawn(ship_index(api.clone(), Arc::clone(snapshots)));
    }
    let handle = server.handle();
    let drain = Duration::from_secs(settings.drain);
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    actix_web::rt::spawn(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        tracing::info!("stopping: not ready from now on");
        api.drain();
        if let Some(snapshots) = snapshots {
            snapshots.stop();
        }
        tokio::time::sleep(drain).await;
        handle.stop(true).await;
    });
    server.await.context("the server failed")
}

/// Has the kernel end a connection whose client does not read; the framework would wait for it for ever.
#[cfg_attr(not(target_os = "linux"), allow(unused_variables, reason = "only Linux can be told"))]
fn give_up_on_unread(connection: &dyn Any) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>()
        && let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(READ_PATIENCE))
    {
        tracing::debug!(%error, "a client that does not read would not be given up on");
    }
}

/// Serves the figures for operators for as long as the process lives.
fn serve_metrics(address: SocketAddr, api: Data<Api>) -> anyhow::Result<()> {
    let server = HttpServer::new(move || eureka_api::operator_app(api.clone()))
        .workers(1)
        .client_request_timeout(HEAD_PATIENCE)
        .disable_signals()
        .bind(address)
        .with_context(|| format!("cannot listen on {address}"))?;
    actix_web::rt::spawn(server.run());
    Ok(())
}

/// Checks the index's files and compares it with the database, soon after the start and then daily, and repairs what
/// differs.
async fn check_index(api: Data<Api>) {
    let mut daily = tokio::time::interval_at(tokio::time::Instant::now() + FIRST_CHECK, DAY);
    loop {
        daily.tick().await;
        let api = api.clone();
        match actix_web::web::block(move || api.service().indexer().check()).await {
            Ok(Ok(drift)) if drift.is_none() => tracing::info!(tips = drift.compared, "index and database agree"),
            Ok(Ok(Drift { damage: Some(why), .. })) => tracing::error!(why, "the index was damaged and was made anew"),
            Ok(Ok(drift)) => tracing::error!(
                missing = drift.missing.len(),
                extra = drift.extra.len(),
                stale = drift.stale.len(),
                "the index differed from the database and was repaired"
            ),
            Ok(Err(error)) => {
                tracing::warn!(%error, "index and database could not be compared");
                daily.reset_after(FIRST_CHECK);
            }
            Err(error) => tracing::error!(%error, "the comparison panicked"),
        }
    }
}

/// Has a copy of the index made now and then, for processes that start without one.
async fn ship_index(api: Data<Api>, snapshots: Arc<Snapshots>) {
    let mut now_and_then = tokio::time::interval(SHIPPING);
    loop {
        now_and_then.tick().await;
        let (api, snapshots) = (api.clone(), Arc::clone(&snapshots));
        match actix_web::web::block(move || snapshots.keep_up(api.service().indexer())).await {
            Ok(Ok(Some(position))) => tracing::info!(position, "a copy of the index was made for others"),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = format!("{error:#}"), "no copy of the index could be made");
                now_and_then.reset_after(SHIPPING_AGAIN);
            }
            Err(error) => tracing::error!(%error, "the copying of the index panicked"),
        }
    }
}

/// Does what nobody asks for, at the start and every hour: forgets what has expired, reminds of broken promises, asks for
/// another look at what nobody has confirmed for long.
async fn look_after(api: Data<Api>) {
    let mut hourly = tokio::time::interval(HOUR);
    loop {
        hourly.tick().await;
        let api = api.clone();
        let work = move || {
            let service = api.service();
            Ok::<_, ServiceError>((service.forget_expired()?, service.remind_reviewers()?, service.open_rechecks()?))
        };
        match actix_web::web::block(work).await {
            Ok(Ok((forgotten, reminded, rechecks))) => tracing::debug!(forgotten, reminded, rechecks, "looked after"),
            Ok(Err(error)) => tracing::warn!(%error, "the hourly work could not be done"),
            Err(error) => tracing::error!(%error, "the hourly work panicked"),
        }
    }
}
