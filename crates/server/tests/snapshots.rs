//! Copies of the index for replicas that start without one: used when they are sound and of this log, and not otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that stops has failed"
)]

mod process;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use eureka_testkit::{MockBucket, TestDatabase};
use process::{PASSWORD, Server, eureka, listing, stderr, stdout};
use serde_json::{Value, json};

/// What is where copies are kept, by its path there.
type Contents = BTreeMap<String, Vec<u8>>;

/// What spoils a copy.
type Damage<'d> = &'d dyn Fn(&mut Contents);

/// A database on a server, a place for copies, and replicas.
struct Place {
    folder: tempfile::TempDir,
    database: TestDatabase,
    bucket: Option<MockBucket>,
}

impl Place {
    /// One that keeps copies in a folder.
    fn with_folder() -> Option<Self> {
        let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::empty_postgres()?);
        Some(Self { folder, database, bucket: None })
    }

    /// One that keeps them in a bucket.
    fn with_bucket() -> Option<Self> {
        Some(Self { bucket: Some(MockBucket::start()), ..Self::with_folder()? })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, replica: &str, arguments: &[&str]) -> Command {
        let mut command = eureka(&self.at(replica), arguments);
        command.env("DATABASE_URL", self.database.url()).env("EUREKA_KEYS", self.at("keys"));
        match &self.bucket {
            None => command.env("EUREKA_SNAPSHOTS", self.at("copies")),
            Some(bucket) => command.envs([
                ("EUREKA_SNAPSHOTS", format!("s3://{}/copies", MockBucket::NAME).as_str()),
                ("AWS_ENDPOINT_URL", &bucket.endpoint()),
                ("AWS_ALLOW_HTTP", "true"),
                ("AWS_ACCESS_KEY_ID", MockBucket::KEY),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
            ]),
        };
        command
    }

    /// What a replica without an index says while it opens one, and its comparison with the database.
    fn opens(&self, replica: &str) -> Output {
        opens(self.command(replica, &["index", "verify"]))
    }

    fn contents(&self) -> Contents {
        if let Some(bucket) = &self.bucket {
            let named = |(key, bytes): (String, _)| (key.strip_prefix("copies/").unwrap().to_owned(), bytes);
            return bucket.objects().into_iter().map(named).collect();
        }
        let top = self.at("copies");
        let all = if top.exists() { listing(&top) } else { Vec::new() };
        let files = all.into_iter().filter(|(path, _)| path.is_file());
        files.map(|(path, bytes)| (path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned(), bytes)).collect()
    }

    fn set_contents(&self, contents: Contents) {
        if let Some(bucket) = &self.bucket {
            let keyed = contents.into_iter().map(|(path, bytes)| (format!("copies/{path}"), bytes));
            return bucket.set_objects(keyed.collect());
        }
        std::fs::remove_dir_all(self.at("copies")).unwrap();
        for (path, bytes) in contents {
            let path = self.at("copies").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    /// The copies that there are.
    fn copies(&self) -> Vec<String> {
        let names = self.contents().into_keys().filter(|path| !path.contains("/draft-"));
        names.filter_map(|path| path.strip_suffix("/manifest.json").map(str::to_owned)).collect()
    }

    fn wait_for_a_copy(&self) {
        wait_until("there is a copy", || !self.copies().is_empty());
    }
}

fn opens(mut command: Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    output
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}: not within 30 s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

const BEGINS: &str = "the index begins with a copy";
const MADE_ANEW: &str = "the index was made anew";

#[test]
fn a_new_replica_begins_with_a_copy_and_reads_what_is_left_of_the_log() {
    begins_with_a_copy(Place::with_folder);
}

#[test]
fn a_new_replica_begins_with_a_copy_from_a_bucket_too() {
    begins_with_a_copy(Place::with_bucket);
}

fn begins_with_a_copy(place: fn() -> Option<Place>) {
    let Some(place) = place() else { return };
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
    if place.bucket.is_none() {
        // The copy holds what private communities wrote: it is its owner's alone.
        for (file, _) in listing(&place.at("copies").join(&place.copies()[0])) {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", file.display());
        }
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
    refuses_what_is_not_sound(Place::with_folder);
}

#[test]
fn a_copy_in_a_bucket_is_refused_for_the_same_faults() {
    refuses_what_is_not_sound(Place::with_bucket);
}

fn refuses_what_is_not_sound(place: fn() -> Option<Place>) {
    let (Some(place), Some(foreign)) = (place(), place()) else { return };
    for place in [&place, &foreign] {
        let server = Server::start(place.command("one", &["demo"]));
        place.wait_for_a_copy();
        server.stop();
    }
    let (sound, copy) = (place.contents(), place.copies().remove(0));
    let largest = sound.iter().max_by_key(|(_, bytes)| bytes.len()).unwrap().0.clone();
    let damages: [(&str, Damage<'_>); 8] = [
        ("is not what was sent", &|contents| {
            let bytes = contents.get_mut(&largest).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }),
        ("is missing", &|contents| drop(contents.remove(&largest))),
        ("its manifest is damaged", &|contents| drop(contents.insert(format!("{copy}/manifest.json"), b"{".to_vec()))),
        ("schema version 9999", &|contents| with_manifest(contents, |manifest| manifest["schema"] = json!(9999))),
        ("is of form 2", &|contents| with_manifest(contents, |manifest| manifest["form"] = json!(2))),
        ("another life", &|contents| {
            let other = foreign.copies().remove(0);
            let moved = foreign.contents().into_iter();
            *contents = moved.map(|(path, bytes)| (path.replace(&other, &copy), bytes)).collect();
        }),
        ("does not pass through", &|contents| {
            with_manifest(contents, |manifest| manifest["hash"] = json!("0".repeat(64)));
        }),
        ("a file outside of it", &|contents| {
            with_manifest(contents, |manifest| manifest["files"]["../outside"] = json!({"bytes": 0, "sha256": ""}));
        }),
    ];
    for (turn, (why, damage)) in damages.into_iter().enumerate() {
        let mut damaged = sound.clone();
        damage(&mut damaged);
        place.set_contents(damaged);
        let told = place.opens(&format!("replica-{turn}"));
        let said = stderr(&told);
        assert!(said.contains("a copy of the index is not used") && said.contains(why), "{why}: {said}");
        assert!(!said.contains(BEGINS), "{why}: {said}");
        assert!(stdout(&told).contains("Index and database agree."), "{why}: {}", stdout(&told));
    }
    // The control: the same copy, as it was sent, is used.
    place.set_contents(sound);
    assert!(stderr(&place.opens("last")).contains(BEGINS));
}

fn with_manifest(contents: &mut Contents, change: impl FnOnce(&mut Value)) {
    let (_, bytes) = contents.iter_mut().find(|(path, _)| path.ends_with("manifest.json")).unwrap();
    let mut manifest: Value = serde_json::from_slice(bytes).unwrap();
    change(&mut manifest);
    *bytes = manifest.to_string().into_bytes();
}

#[test]
fn a_copy_that_was_cut_off_is_not_found_and_goes_with_the_next() {
    let Some(place) = Place::with_bucket() else { return };
    let bucket = place.bucket.as_ref().unwrap();
    bucket.refuse("manifest.json");
    let refused = || bucket.asked().iter().any(|request| request.starts_with("PUT") && request.contains("manifest"));
    let server = Server::start(place.command("one", &["demo"]));
    wait_until("a copy is cut off", refused);
    server.kill();
    let left = place.contents();
    assert!(left.len() > 2 && place.copies().is_empty(), "{:?}", left.keys());

    let said = stderr(&place.opens("two"));
    assert!(!said.contains(BEGINS) && !said.contains("is not used"), "{said}");

    // The claim keeps others from it for these hours. In later ones, another makes a copy.
    bucket.refuse("");
    let is_claim = |path: &str| path.contains("/claim-");
    let mut later: Contents = left.into_iter().filter(|(path, _)| !is_claim(path)).collect();
    let life = later.keys().next().unwrap().splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
    later.insert(format!("{life}/claim-1"), Vec::new());
    later.insert(format!("{life}/{:020}/open/left", 1), b"left".to_vec());
    place.set_contents(later);
    let server = Server::start(place.command("three", &["demo"]));
    place.wait_for_a_copy();
    let of_the_copy = |path: &String| path.starts_with(&place.copies()[0]) || is_claim(path);
    wait_until("nothing else is left", || {
        let names: Vec<String> = place.contents().into_keys().collect();
        names.iter().all(of_the_copy) && names.iter().filter(|path| is_claim(path)).count() == 1
    });
    server.stop();
    assert!(stderr(&place.opens("four")).contains(BEGINS));
}

#[test]
fn a_store_that_is_not_there_or_does_not_know_the_service_stops_nothing() {
    let Some(place) = Place::with_bucket() else { return };
    let nobody = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let wrong = [
        ("AWS_ENDPOINT_URL", nobody.as_str(), "refused"),
        ("AWS_ACCESS_KEY_ID", "somebody", "InvalidAccessKeyId"),
        ("AWS_ALLOW_HTTP", "false", "https"),
    ];
    for (name, value, why) in wrong {
        let said = stderr(&opens({
            let mut command = place.command(&format!("verify-{name}"), &["index", "verify"]);
            command.env(name, value);
            command
        }));
        assert!(said.contains("no copy of the index could be fetched") && said.contains(why), "{name}: {said}");
        let mut command = place.command(&format!("serve-{name}"), &["demo"]);
        command.env(name, value);
        let server = Server::start(command);
        let token = server.log_in("technician@demo.example", PASSWORD);
        assert_eq!(server.get("/v1/search?q=3396", &token).0, 200);
        server.stop();
    }
    assert_eq!(place.contents(), Contents::new());
}
