//! The whole product on a loopback port, on a test's own database: what a client sees is what is tested.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use actix_web::{HttpServer, rt::System};
use eureka_api::{Api, LimitOptions};
use eureka_domain::community::{Charter, Community, Openness, ReviewPolicy, Role};
use eureka_domain::ids::UserId;
use eureka_domain::user::SiteRole;
use eureka_service::{
    Courier, Indexer, Keys, NewUser, Passwords, Photos, PoolOptions, Pools, Post, ProviderOptions, Providers,
    SearchPool, Service, generate_key,
};
use eureka_store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::call::{Call, Reply};
use crate::clock::{CountedIds, FixedClock};
use crate::{TestDatabase, on_both, secrets};

/// Everyone's password.
pub const PASSWORD: &str = "oxidised fuse holders";

/// Someone with an account who is logged in.
#[derive(Clone)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// Their login name.
    pub email: String,
    /// Their access token.
    pub token: String,
    /// Their refresh token.
    pub refresh_token: String,
}

/// A running service.
pub struct TestApp {
    /// Its clock.
    pub clock: Arc<FixedClock>,
    /// The service behind it.
    pub service: Arc<Service>,
    shared: Shared,
    providers: Vec<ProviderOptions>,
    address: SocketAddr,
    api: Data<Api>,
    server: Option<(ServerHandle, JoinHandle<()>)>,
    follower: Option<JoinHandle<()>>,
    index: TempDir,
}

/// What the processes of one installation have in common.
#[derive(Clone)]
struct Shared {
    clock: Arc<FixedClock>,
    ids: Arc<CountedIds>,
    key: Vec<u8>,
}

impl Shared {
    #[allow(clippy::expect_used, reason = "a test without a key has failed")]
    fn new() -> Self {
        Self { clock: Arc::default(), ids: Arc::default(), key: generate_key().expect("a key") }
    }
}

/// Webhooks that reach this machine.
#[allow(clippy::expect_used, reason = "a constant")]
fn to_this_machine() -> Arc<dyn Post> {
    Arc::new(Courier::new(vec!["127.0.0.0/8".parse().expect("a network")]))
}

/// Runs a test on the product over each kind of database.
pub fn on_both_apps(test: impl Fn(&TestApp) + Sync) {
    on_both(|database| test(&TestApp::start(database)));
}

#[allow(clippy::expect_used, reason = "a test without an app has failed")]
impl TestApp {
    /// Starts the product on a database.
    pub fn start(database: &TestDatabase) -> Self {
        Self::limited(database, LimitOptions::default())
    }

    /// Starts the product on a database, with limits of its own. Its webhooks reach this machine, and are sent when
    /// [`Self::send_webhooks`] says so.
    pub fn limited(database: &TestDatabase, limits: LimitOptions) -> Self {
        Self::posting(database, limits, to_this_machine())
    }

    /// Starts the product on a database, with another way for its webhooks to leave the house.
    pub fn posting(database: &TestDatabase, limits: LimitOptions, post: Arc<dyn Post>) -> Self {
        Self::sharing(database.store().clone(), Shared::new(), limits, Vec::new(), post)
    }

    /// Starts the product on a database, believing these identity providers.
    pub fn believing(database: &TestDatabase, providers: Vec<ProviderOptions>) -> Self {
        Self::sharing(database.store().clone(), Shared::new(), LimitOptions::none(), providers, to_this_machine())
    }

    /// Another process on the same database, with the same keys and the same time.
    pub fn replica(&self, database: &TestDatabase) -> Self {
        let (store, shared, providers) = (database.open_again(), self.shared.clone(), self.providers.clone());
        Self::sharing(store, shared, LimitOptions::none(), providers, to_this_machine())
    }

    fn sharing(
        store: Store,
        shared: Shared,
        limits: LimitOptions,
        providers: Vec<ProviderOptions>,
        post: Arc<dyn Post>,
    ) -> Self {
        secrets::watch();
        secrets::must_not_be_logged(PASSWORD);
        let (clock, ids) = (Arc::clone(&shared.clock), Arc::clone(&shared.ids));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let indexer = Indexer::open(store.clone(), &folder.path().join("index")).expect("an index");
        let keys = Keys::new("eureka", std::slice::from_ref(&shared.key)).expect("keys");
        let pools = Pools {
            passwords: Passwords::cheap(2).expect("a hasher"),
            photos: Photos::new(1).expect("threads"),
            searches: SearchPool::new(PoolOptions::default()).expect("threads"),
        };
        let believed = Providers::new("eureka", providers.clone()).expect("providers");
        let service = Service::new(store, indexer, clock.clone(), ids, keys, pools);
        let service = Arc::new(service.believing(believed).posting(post));
        let follower = service.indexer().follow().expect("a thread");
        let api = Data::new(Api::limited(Arc::clone(&service), limits));
        let (address, server) = listen(api.clone());
        let (server, follower) = (Some(server), Some(follower));
        Self { clock, service, shared, providers, address, api, server, follower, index: folder }
    }

    /// Has it say that it is not ready, as it does before it stops.
    pub fn drain(&self) {
        self.api.drain();
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder of its index.
    pub fn index_folder(&self) -> &Path {
        self.index.path()
    }

    /// A request; it goes out with [`Call::send`].
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(format!("http://{}", self.address), method, path)
    }

    /// Reads, as a person.
    pub fn get(&self, person: &Person, path: &str) -> Reply {
        self.call("GET", path).by(person).send()
    }

    /// Posts JSON, as a person.
    pub fn post(&self, person: &Person, path: &str, body: Value) -> Reply {
        self.call("POST", path).by(person).json(body).send()
    }

    /// Does something to what was read before: posts JSON with its entity tag.
    pub fn act(&self, person: &Person, path: &str, etag: &str, body: Value) -> Reply {
        self.call("POST", path).by(person).header("If-Match", etag).json(body).send()
    }

    /// An account, logged in.
    pub fn person(&self, name: &str) -> Person {
        self.account(name, SiteRole::Member)
    }

    /// An admin, logged in.
    pub fn admin(&self) -> Person {
        self.account("admin", SiteRole::Admin)
    }

    fn account(&self, name: &str, site_role: SiteRole) -> Person {
        let email = format!("{name}@example.org");
        let new = NewUser { email: email.clone(), name: name.to_owned(), password: PASSWORD.to_owned(), site_role };
        let id = self.service.add_user(new).expect("an account").value.id;
        self.log_in(id, &email)
    }

    /// A program that acts for a person with a key of these scopes.
    pub fn key(&self, owner: &Person, scopes: &[&str]) -> Person {
        let made = self.post(owner, "/v1/api-keys", json!({"name": "a program", "scopes": scopes})).expect(201);
        Person { token: made.word("/key"), refresh_token: String::new(), ..owner.clone() }
    }

    /// Logs someone in again.
    pub fn log_in(&self, id: UserId, email: &str) -> Person {
        let reply = self.call("POST", "/v1/auth/login").json(json!({"email": email, "password": PASSWORD})).send();
        assert_eq!(reply.status, 200, "{}", reply.text());
        let token = |name: &str| reply.at(name).as_str().unwrap_or_default().to_owned();
        Person { id, email: email.to_owned(), token: token("/access_token"), refresh_token: token("/refresh_token") }
    }

    /// A community.
    pub fn community(&self, slug: &str, openness: Openness) -> Community {
        self.community_with(slug, openness, ReviewPolicy::default())
    }

    /// A community with a review policy of its own.
    pub fn community_with(&self, slug: &str, openness: Openness, policy: ReviewPolicy) -> Community {
        let charter =
            Charter { slug: slug.to_owned(), name: slug.to_owned(), description: String::new(), openness, policy };
        self.service.found_community(charter).expect("a community").value
    }

    /// An account with a role in a community, logged in.
    pub fn member(&self, community: &Community, name: &str, role: Role) -> Person {
        let person = self.person(name);
        self.join(community, &person, role);
        person
    }

    /// Makes somebody a member of a community.
    pub fn join(&self, community: &Community, person: &Person, role: Role) {
        self.service.enrol_member(community.id, person.id, role).expect("a member");
    }

    /// A tip that waits for review: what its author sees.
    pub fn submitted(&self, author: &Person, community: &Community, title: &str) -> Reply {
        let mut tip = sample(&community.slug, title);
        tip["submit"] = json!(true);
        self.post(author, "/v1/tips", tip).expect(201)
    }

    /// A tip that a reviewer has approved, and that searches find: its id.
    pub fn published(&self, author: &Person, reviewer: &Person, community: &Community, title: &str) -> String {
        let tip = self.submitted(author, community, title);
        let review = tip.at("/review/id").as_str().unwrap_or_default().to_owned();
        let decided = self
            .post(reviewer, &format!("/v1/reviews/{review}/decisions"), json!({"verdict": "approve", "revision": 1}))
            .expect(201);
        self.settle(decided.position());
        tip.at("/id").as_str().unwrap_or_default().to_owned()
    }

    /// Follows the log for the webhooks and sends what is due.
    pub fn send_webhooks(&self) {
        self.service.send_webhooks(eureka_api::webhook_message).expect("webhooks to be sent");
    }

    /// Waits until searches know of a position.
    pub fn settle(&self, position: i64) {
        let patience = std::time::Duration::from_secs(10);
        self.service.indexer().wait_for(position, patience).expect("the index to follow");
    }
}

/// A tip, to be written.
pub fn sample(community: &str, title: &str) -> Value {
    json!({
        "community": community,
        "title": title,
        "problem": "The machine stops with fault code 3396, mostly in the morning.",
        "solution": "Clean the two fuse holders; they oxidise.",
        "products": ["DocuColor 40"],
        "fault_codes": ["3396"],
        "lang": "en",
    })
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.server.take() {
            drop(handle.stop(false));
            let _ = thread.join();
        }
        self.service.indexer().stop();
        if let Some(follower) = self.follower.take() {
            let _ = follower.join();
        }
        if !std::thread::panicking() {
            let (leaks, _) = secrets::leaks();
            assert!(leaks.is_empty(), "secrets were logged: {leaks:#?}");
        }
    }
}

#[allow(clippy::expect_used, reason = "a test without an app has failed")]
fn listen(api: Data<Api>) -> (SocketAddr, (ServerHandle, JoinHandle<()>)) {
    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        System::new().block_on(async move {
            let server = HttpServer::new(move || eureka_api::app(api.clone()))
                .workers(1)
                .disable_signals()
                .bind(("127.0.0.1", 0))
                .expect("a port");
            let address = server.addrs().first().copied().expect("an address");
            let server = server.run();
            tell.send((address, server.handle())).expect("the test waits");
            server.await.expect("the server");
        });
    });
    let (address, handle) = told.recv().expect("a running server");
    (address, (handle, thread))
}
