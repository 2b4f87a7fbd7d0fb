//! Copies of the index for replicas that start without one: used when they are sound and of this log, and not otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that stops has failed"
)]

mod process;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use eureka_testkit::TestDatabase;
use process::{PASSWORD, Server, eureka, listing, stderr, stdout};
use serde_json::{Value, json};

/// A database on a server, a place for copies, and replicas.
struct Place {
    folder: tempfile::TempDir,
    database: TestDatabase,
}

impl Place {
    fn new() -> Option<Self> {
        Some(Self { folder: tempfile::tempdir().unwrap(), database: TestDatabase::empty_postgres()? })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, replica: &str, arguments: &[&str]) -> Command {
        let mut command = eureka(&self.at(replica), arguments);
        command.env("DATABASE_URL", self.database.url()).env("EUREKA_SNAPSHOTS", self.at("copies"));
        command.env("EUREKA_KEYS", self.at("keys"));
        command
    }

    /// What a replica without an index says while it opens one, and its comparison with the database.
    fn opens(&self, replica: &str) -> Output {
        let output = self.command(replica, &["index", "verify"]).output().unwrap();
        assert!(output.status.success(), "{replica}: {}{}", stdout(&output), stderr(&output));
        output
    }

    /// The copies that there are.
    fn copies(&self) -> Vec<PathBuf> {
        let all = if self.at("copies").exists() { listing(&self.at("copies")) } else { Vec::new() };
        let manifests = all.into_iter().map(|(path, _)| path).filter(|path| path.ends_with("manifest.json"));
        manifests.filter_map(|path| path.parent().map(Path::to_owned)).collect()
    }

    /// Waits until there is a copy.
    fn wait_for_a_copy(&self) {
        let begun = Instant::now();
        while self.copies().is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(30), "nobody makes a copy");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

const BEGINS: &str = "the index begins with a copy";
const MADE_ANEW: &str = "the index was made anew";

#[test]
fn a_new_replica_begins_with_a_copy_and_reads_what_is_left_of_the_log() {
    let Some(place) = Place::new() else { return };
    let server = Server::start(place.command("one", &["demo"]));
    place.wait_for_a_copy();
    let author = server.log_in("technician@demo.example", PASSWORD);
    let reviewer = server.log_in("reviewer@demo.example", PASSWORD);
    server.publish(&author, &reviewer, "Zirconium that came after the copy");
    // Another replica is told that this one has made a copy.
    let other = Server::start(place.command("two", &["demo"]));
    let (_, found) = other.get("/v1/search?q=zirconium", &author);
    assert_eq!(found["total"]["value"], 1, "{found}");
    other.stop();
    assert_eq!(place.copies().len(), 1);

    let told = place.opens("three");
    let said = stderr(&told);
    assert!(said.contains(BEGINS) && !said.contains(MADE_ANEW), "{said}");
    assert!(stdout(&told).contains("Index and database agree."), "{}", stdout(&told));
    // The copy holds what private communities wrote: it is its owner's alone.
    for (file, _) in listing(&place.copies()[0]).iter().filter(|(path, _)| path.is_file()) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", file.display());
    }
    server.stop();
    let log = log_of(place.command("four", &["serve", "--listen", "127.0.0.1:0"]));
    assert!(log.iter().any(|line| line["message"] == BEGINS), "{log:?}");
}

/// What a service logs until it serves.
fn log_of(mut command: Command) -> Vec<Value> {
    command.args(["--log-format", "json", "--log", "info"]).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut log = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let entry: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let serves = entry["address"].is_string();
        log.push(entry);
        if serves {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    log
}

#[test]
fn a_copy_that_is_damaged_foreign_of_other_fields_or_of_another_past_is_refused_and_the_index_made_anew() {
    let (Some(place), Some(foreign)) = (Place::new(), Place::new()) else { return };
    for place in [&place, &foreign] {
        let server = Server::start(place.command("one", &["demo"]));
        place.wait_for_a_copy();
        server.stop();
    }
    let copy = place.copies().remove(0);
    let sound = listing(&copy);
    let restore = || {
        std::fs::remove_dir_all(&copy).unwrap();
        put(&sound);
    };
    let manifest = |change: fn(&mut Value)| {
        let file = copy.join("manifest.json");
        let mut manifest: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        change(&mut manifest);
        std::fs::write(file, manifest.to_string()).unwrap();
    };
    let largest = sound.iter().max_by_key(|(_, bytes)| bytes.len()).unwrap().0.clone();
    let damages: [(&str, &dyn Fn()); 8] = [
        ("is not what was sent", &|| {
            let mut bytes = std::fs::read(&largest).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&largest, bytes).unwrap();
        }),
        ("is missing", &|| std::fs::remove_file(&largest).unwrap()),
        ("its manifest is damaged", &|| std::fs::write(copy.join("manifest.json"), "{").unwrap()),
        ("schema version 9999", &|| manifest(|manifest| manifest["schema"] = json!(9999))),
        ("is of form 2", &|| manifest(|manifest| manifest["form"] = json!(2))),
        ("another life", &|| {
            let other = foreign.copies().remove(0);
            std::fs::remove_dir_all(&copy).unwrap();
            put(&listing(&other)
                .into_iter()
                .map(|(path, bytes)| (copy.join(path.strip_prefix(&other).unwrap()), bytes))
                .collect::<Vec<_>>());
        }),
        ("does not pass through", &|| manifest(|manifest| manifest["hash"] = json!("0".repeat(64)))),
        ("a file outside of it", &|| {
            manifest(|manifest| manifest["files"]["../outside"] = json!({"bytes": 0, "sha256": ""}));
        }),
    ];
    for (turn, (why, damage)) in damages.into_iter().enumerate() {
        damage();
        let told = place.opens(&format!("replica-{turn}"));
        let said = stderr(&told);
        assert!(said.contains("a copy of the index is not used") && said.contains(why), "{why}: {said}");
        assert!(!said.contains(BEGINS), "{why}: {said}");
        assert!(stdout(&told).contains("Index and database agree."), "{why}: {}", stdout(&told));
        restore();
    }
    // The control: the same copy, as it was sent, is used.
    assert!(stderr(&place.opens("last")).contains(BEGINS));
}

fn put(files: &[(PathBuf, Vec<u8>)]) {
    for (path, bytes) in files {
        // A folder is listed too, with no bytes.
        let is_folder = files.iter().any(|(other, _)| other != path && other.starts_with(path));
        if !is_folder {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}
