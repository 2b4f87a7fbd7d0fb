//! A served product to measure: its own data directory, a loopback port, an admin who may do everything.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Client;

const EMAIL: &str = "admin@bench.example";
/// The password of everybody in a benchmark.
pub const PASSWORD: &str = "a-password-for-benchmarks-only";
const ADMIN: [(&str, &str); 2] = [("EUREKA_ADMIN_EMAIL", EMAIL), ("EUREKA_ADMIN_PASSWORD", PASSWORD)];
/// No limits, since one machine asks for everybody.
const UNLIMITED: [&str; 6] = ["--log", "warn", "--limit-user", "0", "--limit-address", "0"];

/// How often it is asked whether it is ready.
const LOOK: Duration = Duration::from_millis(5);
/// How long that may take.
const LONGEST_START: Duration = Duration::from_mins(2);

/// A served product; stopped when dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
    ready_after: Duration,
}

/// Imports a file of tips into a data directory.
pub fn import(binary: &Path, data: &Path, tips: &Path) {
    let import = Command::new(binary)
        .args(["--data".as_ref(), data.as_os_str(), "import".as_ref(), tips.as_os_str()])
        .envs(ADMIN)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(import.expect("the binary").success(), "the import failed");
}

impl Server {
    /// Serves a data directory, and waits until it is ready.
    pub fn start(binary: &Path, data: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let begun = Instant::now();
        let child = Command::new(binary)
            .args(["--data".as_ref(), data.as_os_str()])
            .args(["--listen", &address.to_string()])
            .args(UNLIMITED)
            .arg("serve")
            .envs(ADMIN)
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary");
        let mut server = Self { child, address, ready_after: Duration::ZERO };
        while begun.elapsed() < LONGEST_START {
            if let Ok(mut client) = Client::connect(address, None)
                && let Ok((200, _)) = client.get("/health/ready")
            {
                server.ready_after = begun.elapsed();
                return server;
            }
            std::thread::sleep(LOOK);
        }
        panic!("the server did not become ready");
    }

    /// How long after its start it said that it was ready.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// An access token of the admin.
    pub fn log_in(&self) -> String {
        self.log_in_as(EMAIL)
    }

    /// An access token of somebody with the common password.
    pub fn log_in_as(&self, email: &str) -> String {
        let mut client = Client::connect(self.address, None).expect("a connection");
        let login = json!({ "email": email, "password": PASSWORD }).to_string();
        let (status, body) = client.post("/v1/auth/login", &login).expect("a reply");
        let reply: Value = serde_json::from_slice(body).unwrap_or_default();
        let token = reply["access_token"].as_str().unwrap_or_else(|| panic!("login: {status} {reply}"));
        token.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
