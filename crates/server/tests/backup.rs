//! Backups: made under writes, tried, restored as a new life; refused where anything about them is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that stops has failed"
)]

mod process;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use eureka_store::{Conn, Store, StoreError};
use eureka_testkit::TestDatabase;
use process::{PASSWORD, Server, eureka, listing, run, stderr, stdout};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Where a database may be, and a folder for all the rest.
struct Place {
    folder: TempDir,
    database: Option<TestDatabase>,
}

impl Place {
    fn on_file() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: None }
    }

    /// The same on a server, if there is one.
    fn on_server() -> Option<Self> {
        Some(Self { folder: tempfile::tempdir().unwrap(), database: Some(TestDatabase::empty_postgres()?) })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = eureka(&self.data(), arguments);
        if let Some(database) = &self.database {
            command.env("DATABASE_URL", database.url());
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        stdout(&output)
    }
}

/// Runs a test with a place to back up and one to restore to, of each kind.
fn on_both(test: impl Fn(&Place, &Place)) {
    test(&Place::on_file(), &Place::on_file());
    if let (Some(from), Some(to)) = (Place::on_server(), Place::on_server()) {
        test(&from, &to);
    }
}

/// The numbers of the tips that a search for `Witness` finds.
fn witnesses(server: &Server, token: &str) -> Vec<String> {
    let (_, found) = server.get("/v1/search?q=Witness&limit=100&sort=newest", token);
    let hits = found["items"].as_array().unwrap();
    hits.iter().map(|hit| hit["tip"]["number"].as_str().unwrap().to_owned()).collect()
}

fn path(folder: &Path) -> &str {
    folder.to_str().unwrap()
}

#[test]
fn a_backup_under_writes_holds_all_that_was_acknowledged_before_and_comes_back_as_a_new_life() {
    on_both(|from, to| {
        let backup = from.folder.path().join("backup");
        let server = Server::start(from.command(&["demo"]));
        let author = server.log_in("technician@demo.example", PASSWORD);
        let reviewer = server.log_in("reviewer@demo.example", PASSWORD);
        let key = json!({"name": "a program", "scopes": ["read"]});
        let (made, key) = server.send("POST", "/v1/api-keys", &author, Some(key));
        let key = key["key"].as_str().unwrap_or_else(|| panic!("{made} {key}")).to_owned();
        assert_eq!(server.get("/v1/me", &key).0, 200);
        let mut before: Vec<String> =
            (0..5).map(|n| server.publish(&author, &reviewer, &format!("Witness {n}"))).collect();
        let plan = [b"%PDF-1.7\n".to_vec(), b"% one line of many\n".repeat(40_000)].concat();
        let draft = json!({"community": "office-printers", "title": "With a plan", "problem": "It stops."});
        let (_, draft) = server.send("POST", "/v1/tips", &author, Some(draft));
        let kept = server.attach(draft["id"].as_str().unwrap(), &author, "plan.pdf", &plan).unwrap();
        assert_eq!(kept.0, 201, "{}", kept.1);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut n = 0;
                while !done.load(Ordering::SeqCst) {
                    server.publish(&author, &reviewer, &format!("Meanwhile {n}"));
                    n += 1;
                }
            });
            let told = from.run(&["backup", path(&backup)]);
            done.store(true, Ordering::SeqCst);
            assert!(told.status.success(), "{}{}", stdout(&told), stderr(&told));
        });
        let after = server.publish(&author, &reviewer, "Witness that came too late");
        server.stop();
        let old = log_id(&from.succeed(&["audit", "verify"]));
        for (file, _) in listing(&backup) {
            let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{} can be read by others: {mode:o}", file.display());
        }

        let told = to.succeed(&["restore", path(&backup)]);
        assert!(told.contains("signing keys are those of the backup"), "{told}");
        let new = log_id(&to.succeed(&["audit", "verify"]));
        assert_ne!(old, new, "a restored past is another life");
        let server = Server::start(to.command(&["demo"]));
        assert_eq!(
            server.get("/v1/me", &author).0,
            401,
            "the backup's sessions are over, though its keys are the same"
        );
        assert_eq!(server.get("/v1/me", &key).0, 401, "and so are its keys for programs");
        let author = server.log_in("technician@demo.example", PASSWORD);
        let mut found = witnesses(&server, &author);
        found.sort();
        before.sort();
        assert_eq!(found, before);
        assert!(!found.contains(&after));
        assert!(server.bytes(kept.1["url"].as_str().unwrap(), &author) == (200, plan), "the file is as it was");
        server.stop();
        to.succeed(&["index", "verify"]);
        to.succeed(&["doctor"]);
    });
}

fn log_id(told: &str) -> String {
    told.lines().find_map(|line| line.strip_prefix("log  ")).unwrap().to_owned()
}

#[test]
fn a_restore_over_a_database_is_refused_unless_told_and_then_keeps_what_was_there() {
    on_both(|from, to| {
        let backup = from.folder.path().join("backup");
        Server::start(from.command(&["demo"])).stop();
        from.succeed(&["backup", path(&backup)]);

        let server = Server::start(to.command(&["serve"]));
        if to.database.is_none() {
            let told = to.run(&["restore", path(&backup), "--set-aside"]);
            assert!(stderr(&told).contains("stop the service first"), "{}", stderr(&told));
        }
        server.stop();
        let before = log_id(&to.succeed(&["audit", "verify"]));
        let told = to.run(&["restore", path(&backup)]);
        assert_eq!(told.status.code(), Some(1));
        assert!(stderr(&told).contains("--set-aside"), "{}", stderr(&told));
        assert_eq!(log_id(&to.succeed(&["audit", "verify"])), before);

        let told = to.succeed(&["restore", path(&backup), "--set-aside"]);
        assert!(told.contains("What was there is kept as"), "{told}");
        assert!(told.contains("keys that are there stay"), "{told}");
        assert_ne!(log_id(&to.succeed(&["audit", "verify"])), before);
        // The index in this directory is the old database's.
        let server = Server::start(to.command(&["demo"]));
        let token = server.log_in("technician@demo.example", PASSWORD);
        assert!(server.get("/v1/search?q=3396", &token).1["total"]["value"].as_u64().unwrap() > 0);
        server.stop();
        if to.database.is_none() {
            let kept = listing(&to.data()).into_iter().map(|(path, _)| path);
            let kept = kept.into_iter().find(|path| path.to_string_lossy().contains("eureka.db.before-")).unwrap();
            let mut command = eureka(&to.data(), &["audit", "verify"]);
            let told = command.env("DATABASE_URL", kept).output().unwrap();
            assert_eq!(log_id(&stdout(&told)), before, "what was set aside is whole");
        }
    });
}

#[test]
fn a_backup_that_is_not_what_was_made_is_refused_and_nothing_is_touched() {
    on_both(|from, to| {
        let folder = from.folder.path();
        Server::start(from.command(&["demo"])).stop();
        from.succeed(&["backup", path(&folder.join("sound"))]);
        let names: Vec<PathBuf> = files(&folder.join("sound"));
        assert!(names.len() >= 3, "{names:?}");
        let mut damages: Vec<(String, PathBuf)> = Vec::new();
        let mut damage = |what: &str, change: &dyn Fn(&Path)| {
            let copy = folder.join(format!("damaged-{}", damages.len()));
            for name in &names {
                let to = copy.join(name);
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                std::fs::copy(folder.join("sound").join(name), to).unwrap();
            }
            change(&copy);
            damages.push((what.to_owned(), copy));
        };
        for name in &names {
            damage(&format!("{} flipped", name.display()), &|copy| {
                let mut bytes = std::fs::read(copy.join(name)).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                std::fs::write(copy.join(name), bytes).unwrap();
            });
            damage(&format!("{} cut short", name.display()), &|copy| {
                let bytes = std::fs::read(copy.join(name)).unwrap();
                std::fs::write(copy.join(name), &bytes[..bytes.len() / 2]).unwrap();
            });
            damage(&format!("{} gone", name.display()), &|copy| std::fs::remove_file(copy.join(name)).unwrap());
        }
        let manifest = |change: fn(&mut Value)| {
            move |copy: &Path| {
                let file = copy.join("manifest.json");
                let mut manifest: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
                change(&mut manifest);
                std::fs::write(file, manifest.to_string()).unwrap();
            }
        };
        damage("a newer schema", &manifest(|manifest| manifest["schema"] = json!("20991231000000")));
        damage("a newer form", &manifest(|manifest| manifest["form"] = json!(2)));
        damage("another history", &manifest(|manifest| manifest["hash"] = json!("0".repeat(64))));
        for (what, copy) in &damages {
            let told = to.run(&["restore", path(copy)]);
            assert_eq!(told.status.code(), Some(1), "{what}: {}", stdout(&told));
            assert!(!to.data().exists(), "{what}: something was written");
        }
        if to.database.is_none() {
            let left = to.data().join("eureka.db-wal");
            std::fs::create_dir_all(to.data()).unwrap();
            std::fs::write(&left, "of another database").unwrap();
            let told = to.run(&["restore", path(&folder.join("sound"))]);
            assert!(stderr(&told).contains("left of another database"), "{}", stderr(&told));
            assert_eq!(listing(&to.data()).len(), 1);
            std::fs::remove_file(left).unwrap();
        }
        to.succeed(&["restore", path(&folder.join("sound"))]);
    });
}

/// The files under a folder, by their paths in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let all = listing(folder).into_iter().filter(|(path, _)| path.is_file());
    all.map(|(path, _)| path.strip_prefix(folder).unwrap().to_owned()).collect()
}

#[test]
fn a_backup_that_fails_leaves_nothing_that_could_be_taken_for_one() {
    on_both(|from, _| {
        let folder = from.folder.path().join("backups");
        std::fs::create_dir(&folder).unwrap();
        Server::start(from.command(&["demo"])).stop();
        let (first, second) = (folder.join("first"), folder.join("second"));
        from.succeed(&["backup", path(&first), "--without-keys"]);
        assert_eq!(files(&first).len(), 2, "{:?}", files(&first));
        let again = from.run(&["backup", path(&first)]);
        assert!(stderr(&again).contains("is there already"), "{}", stderr(&again));
        // A key that cannot be read is met after the database has been copied and tried.
        std::fs::create_dir(from.data().join("keys/signing-0002.pk8")).unwrap();
        let failed = from.run(&["backup", path(&second)]);
        assert_eq!(failed.status.code(), Some(1));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "{}", stderr(&failed));
    });
}

#[test]
fn a_copy_whose_chain_does_not_hold_is_no_backup() {
    let from = Place::on_file();
    Server::start(from.command(&["demo"])).stop();
    tamper(&from.data().join("eureka.db"));
    let backup = from.folder.path().join("backup");
    let told = run(&from.data(), &["backup", path(&backup)]);
    assert_eq!(told.status.code(), Some(1));
    assert!(stderr(&told).contains("chain is broken at change 2"), "{}", stderr(&told));
    assert!(!backup.exists());
}

/// Rewrites history, as nobody can who goes through the store.
fn tamper(file: &Path) {
    let store = Store::open(path(file), 1).unwrap();
    let done = store.write(|conn| match conn {
        Conn::Sqlite(conn) => conn
            .batch_execute(
                "DROP TRIGGER change_log_is_not_rewritten; UPDATE change_log SET subject = NULL WHERE seq = 2",
            )
            .map_err(StoreError::from),
        Conn::Postgres(_) => Err(StoreError::Panicked),
    });
    done.unwrap();
    store.close();
}

#[test]
fn what_a_killed_backup_left_on_the_server_is_dropped_by_the_next_one_unless_it_is_in_use() {
    let Some(from) = Place::on_server() else { return };
    let url = from.database.as_ref().unwrap().url().to_owned();
    let (before, after) =
        url.split_once("///").and_then(|(scheme, rest)| Some((scheme, rest.split_once('?')?.1))).unwrap();
    let url_of = |name: &str| format!("{before}///{name}?{after}");
    let mut server = PgConnection::establish(&url).unwrap();
    let hours_ago = |hours: i64| {
        let at = chrono::Utc::now() - chrono::Duration::hours(hours);
        let seconds = u64::try_from(at.timestamp()).unwrap();
        let at = uuid::Timestamp::from_unix(uuid::NoContext, seconds, std::process::id());
        format!("eureka_trial_{}", uuid::Uuid::new_v7(at).simple())
    };
    let [left, in_use, recent] = [hours_ago(3), hours_ago(2), hours_ago(0)];
    let create = |name: &str| format!("CREATE DATABASE {name} TEMPLATE template0");
    for name in [&left, &recent] {
        server.batch_execute(&create(name)).unwrap();
    }
    // The backups of other tests drop it too, as long as nobody uses it.
    let user = (0..50).find_map(|_| {
        let _ = server.batch_execute(&create(&in_use));
        PgConnection::establish(&url_of(&in_use)).ok()
    });
    assert!(user.is_some(), "nobody could connect to {in_use}");
    Server::start(from.command(&["serve"])).stop();
    from.succeed(&["backup", path(&from.folder.path().join("backup"))]);
    let is_there = |name: &str| PgConnection::establish(&url_of(name)).is_ok();
    assert_eq!([&left, &in_use, &recent].map(|name| is_there(name)), [false, true, true]);
    drop(user);
    // Now that nobody uses it, another test's backup may have dropped it.
    for name in [in_use, recent] {
        server.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
    }
}

#[test]
fn a_program_older_than_the_server_is_named() {
    let Some(from) = Place::on_server() else { return };
    Server::start(from.command(&["serve"])).stop();
    let programs = from.folder.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let old = programs.join("pg_dump");
    std::fs::write(&old, "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n").unwrap();
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    let backup = from.folder.path().join("backup");
    let told = from.run(&["backup", path(&backup), "--programs", path(&programs)]);
    assert!(stderr(&told).contains("pg_dump of release 9 cannot read a server"), "{}", stderr(&told));
}
