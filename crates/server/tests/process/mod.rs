//! The binary as a process of its own, for tests.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "eureka-demo-2026";

pub(crate) fn eureka(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eureka"));
    for name in
        ["DATABASE_URL", "EUREKA_DATA", "EUREKA_LISTEN", "EUREKA_CONFIG", "EUREKA_KEYS", "EUREKA_METRICS_LISTEN"]
    {
        command.env_remove(name);
    }
    // How much a test asks for is not to depend on how fast the machine is.
    command.envs([("EUREKA_LIMIT_USER", "0"), ("EUREKA_LIMIT_ADDRESS", "0")]);
    command.args(arguments).arg("--data").arg(data);
    command
}

pub(crate) fn run(data: &Path, arguments: &[&str]) -> Output {
    eureka(data, arguments).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server in a process of its own.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) base: String,
    /// What it has said on its standard output before it served.
    pub(crate) said: String,
    /// The lines of its log since it serves.
    pub(crate) log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts `eureka serve` or `demo`, on a free port, and waits until it serves.
    pub(crate) fn start(command: Command) -> Self {
        Self::start_at(command, 0)
    }

    /// The same on a port of one's choice.
    pub(crate) fn start_at(command: Command, port: u16) -> Self {
        let mut server = Self::start_unready(command, port);
        server.wait_until_ready();
        server
    }

    /// The same without waiting for it to be ready.
    pub(crate) fn start_unready(mut command: Command, port: u16) -> Self {
        let listen = format!("127.0.0.1:{port}");
        command.args(["--listen", &listen, "--log-format", "json", "--log", "eureka=info"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = log.next().expect("it ended before it served").unwrap();
            let Ok(entry) = serde_json::from_str::<Value>(&line) else { panic!("not a line of the log: {line}") };
            if let Some(address) = entry["address"].as_str() {
                break address.to_owned();
            }
        };
        let lines = Arc::default();
        let kept: Arc<Mutex<Vec<String>>> = Arc::clone(&lines);
        std::thread::spawn(move || log.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
        Self { child, base: format!("http://{address}"), said: String::new(), log: lines }
    }

    pub(crate) fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.get("/health/ready", "").0 != 200 {
            assert!(Instant::now() < deadline, "not ready in a minute");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it is ready and has nothing more to say of that: whatever was the matter is over.
    pub(crate) fn wait_until_well(&self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let (status, body) = self.get("/health/ready", "");
            if status == 200 && body["reasons"].is_null() {
                return;
            }
            assert!(Instant::now() < deadline, "it did not go on by itself: {body}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn send(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/json");
        let sent = match body {
            Some(body) => agent.run(request.body(body.to_string()).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        };
        let mut response = sent.unwrap();
        let body = response.body_mut().read_to_vec().unwrap();
        (response.status().as_u16(), serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Attaches a file to a tip, with a name for the request; `None` when no whole answer came.
    pub(crate) fn attach(&self, tip: &str, token: &str, name: &str, bytes: &[u8]) -> Option<(u16, Value)> {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = ureq::http::Request::builder()
            .method("POST")
            .uri(format!("{}/v1/tips/{tip}/attachments?name={name}", self.base))
            .header("Authorization", format!("Bearer {token}"))
            .header("Idempotency-Key", format!("{tip} {name}"))
            .header("Content-Type", "application/octet-stream");
        let mut response = agent.run(request.body(bytes.to_vec()).unwrap()).ok()?;
        let body = response.body_mut().read_to_vec().ok()?;
        Some((response.status().as_u16(), serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// The bytes of a file, with status 0 and none where no whole answer came.
    pub(crate) fn bytes(&self, path: &str, token: &str) -> (u16, Vec<u8>) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.get(format!("{}{path}", self.base)).header("Authorization", format!("Bearer {token}"));
        let Ok(mut response) = request.call() else { return (0, Vec::new()) };
        let status = response.status().as_u16();
        let bytes = response.body_mut().with_config().limit(1 << 30).read_to_vec();
        bytes.map_or_else(|_| (0, Vec::new()), |bytes| (status, bytes))
    }

    /// Does something to the newest state of it, and must succeed: sends `If-Match: *`.
    pub(crate) fn act(&self, method: &str, path: &str, token: &str, body: &Value) -> Value {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/json")
            .header("If-Match", "*");
        let mut reply = agent.run(request.body(body.to_string()).unwrap()).unwrap();
        let told: Value = serde_json::from_slice(&reply.body_mut().read_to_vec().unwrap()).unwrap_or_default();
        assert!(reply.status().is_success(), "{method} {path}: {} {told}", reply.status());
        told
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.send("GET", path, token, None)
    }

    /// Logs somebody in; again where the machine is too busy for it.
    pub(crate) fn log_in(&self, email: &str, password: &str) -> String {
        let login = json!({"email": email, "password": password});
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match self.send("POST", "/v1/auth/login", "", Some(login.clone())) {
                (200, body) => return body["access_token"].as_str().unwrap().to_owned(),
                (503, _) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(100)),
                (status, body) => panic!("{status} {body}"),
            }
        }
    }

    /// Takes a tip all the way to approved; its number.
    pub(crate) fn publish(&self, author: &str, reviewer: &str, title: &str) -> String {
        let tip = json!({"community": "office-printers", "title": title, "problem": "It stops.", "submit": true});
        let (status, tip) = self.send("POST", "/v1/tips", author, Some(tip));
        assert_eq!(status, 201, "{tip}");
        let path = format!("/v1/reviews/{}/decisions", tip["review"]["id"].as_str().unwrap());
        let approve = json!({"verdict": "approve", "revision": 1});
        assert_eq!(self.send("POST", &path, reviewer, Some(approve)).0, 201);
        tip["number"].as_str().unwrap().to_owned()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Ends it as an operator does.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        assert!(self.child.wait().unwrap().success());
    }

    /// Ends it at once, as a power cut would end the process.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every file and folder under a folder, and what is in the files.
pub(crate) fn listing(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(listing(&path));
        }
        all.push((path.clone(), std::fs::read(&path).unwrap_or_default()));
    }
    all.sort();
    all
}
