//! A disk that answers EIO or ENOSPC, on the files of the database and on those of the index apart. `strace` puts the answer
//! in the disk's mouth: the service cannot tell the two.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use serde_json::json;

use crate::process::{PASSWORD, Server, eureka, listing, stderr, stdout};
use crate::tools::{self, Beside};
use crate::witness::Witnesses;
use crate::{all_holds, long};

/// What the disk answers.
#[derive(Debug, Clone, Copy)]
enum Error {
    /// It failed.
    Eio,
    /// It has no room.
    Enospc,
}

impl Error {
    fn name(self) -> &'static str {
        match self {
            Self::Eio => "EIO",
            Self::Enospc => "ENOSPC",
        }
    }
}

/// Which calls fail, as `strace` counts them: all; then some, so that a commit fails in its midst.
const WHEN: [&str; 3] = ["", ":when=1+3", ":when=2+5"];

/// The rounds of a trial.
fn rounds() -> impl Iterator<Item = &'static str> {
    WHEN.into_iter().cycle().take(if long() { 12 } else { 3 })
}

/// Faults of a process, from now until they are lifted.
struct Faults {
    strace: Beside,
    told: PathBuf,
}

impl Faults {
    /// Has these calls fail so on these files, each time (`when` empty) or as `strace` counts them.
    fn of(process: u32, error: Error, calls: &str, when: &str, files: &[PathBuf], folder: &Path) -> Self {
        let told = folder.join("faults");
        let mut command = strace(error, calls, when, files, &told);
        command.args(["-p", &process.to_string()]).stderr(Stdio::piped());
        let mut strace = Beside(command.spawn().unwrap());
        let mut lines = BufReader::new(strace.0.stderr.take().unwrap()).lines();
        let said = lines.next().map_or_else(|| "nothing".to_owned(), |line| line.unwrap());
        // It goes on to tell of each new thread, and ends when nobody listens.
        std::thread::spawn(move || lines.for_each(drop));
        assert!(said.contains("attached"), "strace said {said}");
        Self { strace, told }
    }

    /// Ends them; how many there were.
    fn lift(mut self) -> usize {
        self.strace.interrupt();
        count(&self.told)
    }
}

fn strace(error: Error, calls: &str, when: &str, files: &[PathBuf], told: &Path) -> Command {
    let mut command = Command::new("strace");
    command.arg("-f").arg("-o").arg(told).arg("-e").arg(format!("trace={calls}"));
    command.arg("-e").arg(format!("inject={calls}:error={}{when}", error.name()));
    for file in files {
        command.arg("-P").arg(file);
    }
    command
}

/// How many faults `strace` has written down.
fn count(told: &Path) -> usize {
    std::fs::read_to_string(told).unwrap().lines().filter(|line| line.contains("(INJECTED)")).count()
}

/// A search that finds something, whatever the disk says; again where the machine has no time for it, which other work on it
/// decides.
fn search(server: &Server, token: &str) {
    let begun = Instant::now();
    loop {
        let (status, found) = server.get("/v1/search?q=3396", token);
        if status == 503 && found["code"] == "busy" && begun.elapsed() < Duration::from_secs(10) {
            continue;
        }
        return assert!(status == 200 && !found["items"].as_array().unwrap().is_empty(), "{status} {found}");
    }
}

/// How a database is written.
const WRITES: &str = "fsync,fdatasync,pwrite64,ftruncate";

fn database_files(file: &Path) -> [PathBuf; 2] {
    [file.to_owned(), file.with_extension("db-wal")]
}

fn databases_disk_answers(error: Error) {
    if !tools::has("strace") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(eureka(&data, &["demo"]));
    let author = server.log_in("technician@demo.example", PASSWORD);
    let witnesses = Witnesses::of(&server);
    let tip = json!({"community": "office-printers", "title": "Into the void", "problem": "Nobody is there."});
    let (mut faults, mut refused) = (0, 0);
    for when in rounds() {
        witnesses.working(|| {
            std::thread::sleep(Duration::from_millis(500));
            let files = database_files(&data.join("eureka.db"));
            let failing = Faults::of(server.child.id(), error, WRITES, when, &files, folder.path());
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(2) {
                match server.send("POST", "/v1/tips", &author, Some(tip.clone())) {
                    (201, _) => assert_ne!(when, "", "it was told that the disk has it"),
                    (503, body) => {
                        assert_eq!(body["code"], "unavailable", "{body}");
                        refused += 1;
                    }
                    (status, body) => panic!("{status} {body}"),
                }
                assert_eq!(server.get("/health/live", "").0, 200);
                search(&server, &author);
            }
            faults += failing.lift();
            let begun = Instant::now();
            while server.send("POST", "/v1/tips", &author, Some(tip.clone())).0 != 201 {
                assert!(begun.elapsed() < Duration::from_secs(30), "it did not go on by itself");
                std::thread::sleep(Duration::from_millis(100));
            }
        });
    }
    assert!(faults > 0 && refused > 0, "{faults} faults, {refused} refusals: this was no trial");
    println!("{error:?}: {faults} faults, {refused} writes refused, {} answers", witnesses.answers());
    assert_eq!(witnesses.faults(), Vec::<String>::new());
    server.stop();
    all_holds(&data, None);
}

#[test]
#[ignore = "a long trial: `make resilience` runs it"]
fn while_the_databases_disk_fails_writes_are_refused_reads_go_on_and_nothing_acknowledged_is_lost() {
    databases_disk_answers(Error::Eio);
}

#[test]
#[ignore = "a long trial: `make resilience` runs it"]
fn while_the_databases_disk_is_full_writes_are_refused_reads_go_on_and_nothing_acknowledged_is_lost() {
    databases_disk_answers(Error::Enospc);
}

/// Set for the process that is the control: how its database waits for the disk, and the file.
const CONTROL: &str = "EUREKA_TRIAL_OF_FAULTS";

/// The control: of the same faults, a database that does not wait for the disk hears nothing and acknowledges all the same.
/// It runs in a process of its own, this very test, since nobody is well traced by their own child.
#[test]
#[ignore = "a long trial: `make resilience` runs it"]
fn the_trial_of_faults_tells_a_database_that_waits_for_the_disk_from_one_that_does_not() {
    if let Ok(control) = std::env::var(CONTROL) {
        let (synchronous, file) = control.split_once(' ').unwrap();
        let mut conn = told(file, synchronous);
        let written = diesel::sql_query("INSERT INTO told VALUES (1)").execute(&mut conn);
        return println!("acknowledged: {}", written.is_ok());
    }
    if !tools::has("strace") {
        return;
    }
    for (synchronous, refuses) in [("OFF", false), ("FULL", true)] {
        let folder = tempfile::tempdir().unwrap();
        let (file, faults) = (folder.path().join("told.db"), folder.path().join("faults"));
        let name = file.to_str().unwrap();
        told(name, synchronous).batch_execute("CREATE TABLE told (n INTEGER PRIMARY KEY)").unwrap();
        let mut control = strace(Error::Eio, "fsync,fdatasync", "", &database_files(&file), &faults);
        control.arg("--").arg(std::env::current_exe().unwrap());
        control.args(["--exact", "--include-ignored", "--nocapture", std::thread::current().name().unwrap()]);
        let output = control.env(CONTROL, format!("{synchronous} {name}")).output().unwrap();
        let said = format!("{}{}", stdout(&output), stderr(&output));
        assert!(said.contains(&format!("acknowledged: {}", !refuses)), "{synchronous}: {said}");
        assert_eq!(count(&faults) > 0, refuses, "{synchronous}: {said}");
    }
}

fn told(file: &str, synchronous: &str) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(file).unwrap();
    conn.batch_execute(&format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}")).unwrap();
    conn
}

/// The folders of an index and the files in them that are replaced at each commit.
fn index_files(home: &Path) -> Vec<PathBuf> {
    let halves = ["open", "restricted"].map(|half| home.join(half));
    halves.iter().flat_map(|half| [half.clone(), half.join("meta.json"), half.join(".managed.json")]).collect()
}

/// How an index is written: folders are synced, and files take the place of others.
const REPLACES: &str = "fsync,fdatasync,rename,renameat,renameat2";

fn indexs_disk_answers(error: Error) {
    if !tools::has("strace") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(eureka(&data, &["demo"]));
    let author = server.log_in("technician@demo.example", PASSWORD);
    let witnesses = Witnesses::of(&server);
    let current = || std::fs::read_to_string(data.join("index/CURRENT")).unwrap();
    let before = current();
    let home = data.join("index").join(before.trim());
    let tip = json!({"community": "office-printers", "title": "Meanwhile", "problem": "It stops."});
    let mut faults = 0;
    for when in rounds() {
        witnesses.working(|| {
            std::thread::sleep(Duration::from_millis(500));
            let failing = Faults::of(server.child.id(), error, REPLACES, when, &index_files(&home), folder.path());
            let begun = Instant::now();
            let mut times_not_ready = 0;
            // All fail: then it says so, as soon as it comes to committing.
            let is_awaited = |times_not_ready: usize| when.is_empty() && times_not_ready == 0;
            while begun.elapsed() < Duration::from_secs(3)
                || (is_awaited(times_not_ready) && begun.elapsed() < Duration::from_secs(20))
            {
                assert_eq!(server.get("/health/live", "").0, 200);
                let (status, body) = server.get("/health/ready", "");
                assert!(status == 200 || !body["reasons"].as_array().unwrap().is_empty(), "{status} {body}");
                times_not_ready += usize::from(status == 503);
                search(&server, &author);
                assert_eq!(server.send("POST", "/v1/tips", &author, Some(tip.clone())).0, 201, "the database is well");
            }
            faults += failing.lift();
            assert!(times_not_ready > 0 || !when.is_empty(), "nothing was committed, and it was ready");
            let begun = Instant::now();
            while server.get("/health/ready", "").0 != 200 {
                assert!(begun.elapsed() < Duration::from_secs(30), "it did not go on by itself");
                std::thread::sleep(Duration::from_millis(100));
            }
        });
    }
    assert!(faults > 0, "no fault was met: this was no trial");
    println!("{error:?}: {faults} faults, {} answers", witnesses.answers());
    assert_eq!(witnesses.faults(), Vec::<String>::new());
    server.stop();
    assert_eq!(current(), before, "the index was made anew for nothing");
    all_holds(&data, None);
}

#[test]
#[ignore = "a long trial: `make resilience` runs it"]
fn while_the_indexs_disk_fails_it_is_not_ready_says_why_wipes_nothing_and_catches_up_by_itself() {
    indexs_disk_answers(Error::Eio);
}

#[test]
#[ignore = "a long trial: `make resilience` runs it"]
fn while_the_indexs_disk_is_full_it_is_not_ready_says_why_wipes_nothing_and_catches_up_by_itself() {
    indexs_disk_answers(Error::Enospc);
}

/// Every file of an index but its locks, and what is in it.
fn kept(index: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let is_lock = |path: &Path| path.extension().is_some_and(|extension| extension == "lock");
    listing(index).into_iter().filter(|(path, _)| path.is_file() && !is_lock(path)).collect()
}

/// Set for the process that is the control: the index that it opens.
const WIPER: &str = "EUREKA_TRIAL_OF_WIPING";

/// A control that takes an index whose files it cannot read for none, and begins anew.
fn open_or_wipe(home: &Path) {
    if listing(home).into_iter().any(|(path, _)| path.is_file() && std::fs::read(path).is_err()) {
        std::fs::remove_dir_all(home).unwrap();
    }
}

#[test]
#[ignore = "a long trial: `make resilience` runs it"]
fn an_index_that_cannot_be_read_at_the_start_is_refused_and_not_wiped() {
    if let Ok(home) = std::env::var(WIPER) {
        return open_or_wipe(Path::new(&home));
    }
    if !tools::has("strace") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (data, told) = (folder.path().join("data"), folder.path().join("faults"));
    Server::start(eureka(&data, &["demo"])).stop();
    let index = data.join("index");
    let home = index.join(std::fs::read_to_string(index.join("CURRENT")).unwrap().trim());
    let before = kept(&index);
    let files = before.iter().map(|(path, _)| path).filter(|path| path.starts_with(&home));
    let mut faults = 0;
    for file in files {
        let verify = eureka(&data, &["index", "verify"]);
        let mut command = strace(Error::Eio, "openat", "", std::slice::from_ref(file), &told);
        command.arg("--").arg(verify.get_program()).args(verify.get_args()).env_remove("DATABASE_URL");
        let output = command.output().unwrap();
        if count(&told) == 0 {
            continue; // this one is not read
        }
        faults += 1;
        let said = format!("{}{}", stdout(&output), stderr(&output));
        assert!(!output.status.success() && said.contains("error"), "{}: {said}", file.display());
        assert!(kept(&index) == before, "{}: something was changed: {said}", file.display());
        if !long() && faults == 4 {
            break;
        }
    }
    assert!(faults >= 4, "{faults} files could not be read: this was no trial");
    println!("{faults} files that could not be read, none wiped");
    all_holds(&data, None);

    // The control meets the same fault, in a process of its own: the same look finds that it has wiped.
    let before = kept(&index);
    for (file, wipes) in [(data.join("eureka.db"), false), (home.join("open/meta.json"), true)] {
        let mut control = strace(Error::Eio, "openat", "", &[file], &told);
        control.arg("--").arg(std::env::current_exe().unwrap());
        control.args(["--exact", "--include-ignored", std::thread::current().name().unwrap()]);
        let output = control.env(WIPER, &home).output().unwrap();
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
        assert_eq!((count(&told) > 0, kept(&index) != before), (wipes, wipes));
    }
    println!(
        "control: one that takes what it cannot read for none has wiped {} files",
        before.len() - kept(&index).len()
    );
}
