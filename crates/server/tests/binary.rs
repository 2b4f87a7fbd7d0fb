//! The binary as an operator meets it: first start, kill, restart, stop; import and the commands that look after things.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that stops has failed; some change the database behind the service's back"
)]

mod process;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use eureka_testkit::TestDatabase;
use process::{PASSWORD, Server, eureka, listing, run, stderr, stdout};
use serde_json::{Value, json};

#[test]
fn the_first_start_makes_database_keys_and_admin_and_says_how_to_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(eureka(folder.path(), &["serve"]));
    for name in ["eureka.db", "index", "keys"] {
        assert!(folder.path().join(name).exists(), "{name}");
    }
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success(), "SIGTERM ends it with 0");
    let mut out = BufReader::new(server.child.stdout.take().unwrap());
    while out.read_line(&mut server.said).unwrap() > 0 {}
    let password = server.said.lines().find_map(|line| line.strip_prefix("Password, shown only now: ")).unwrap();

    let server = Server::start(eureka(folder.path(), &["serve"]));
    let token = server.log_in("admin@eureka.example", password);
    assert_eq!(server.get("/v1/me", &token).1["site_role"], "admin");
}

#[test]
fn an_index_that_is_gone_damaged_or_of_another_database_is_made_anew_without_an_operator() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    let found = |server: &Server| {
        let token = server.log_in("technician@demo.example", PASSWORD);
        server.get("/v1/search?q=3396", &token).1["total"]["value"].as_u64().unwrap()
    };
    let server = Server::start(eureka(folder.path(), &["demo"]));
    let before = found(&server);
    assert!(before > 0);
    server.kill();

    std::fs::remove_dir_all(&index).unwrap();
    let server = Server::start(eureka(folder.path(), &["demo"]));
    assert_eq!(found(&server), before);
    server.kill();

    for file in files_of(&index) {
        let mut bytes = std::fs::read(&file).unwrap();
        if let Some(byte) = bytes.get_mut(0) {
            *byte ^= 0xff;
            std::fs::write(&file, bytes).unwrap();
        }
    }
    let server = Server::start(eureka(folder.path(), &["demo"]));
    assert_eq!(found(&server), before);
    server.kill();

    let other = tempfile::tempdir().unwrap();
    Server::start(eureka(other.path(), &["serve"])).kill();
    std::fs::remove_dir_all(&index).unwrap();
    std::fs::rename(other.path().join("index"), &index).unwrap();
    let server = Server::start(eureka(folder.path(), &["demo"]));
    assert_eq!(found(&server), before);
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_of(&path)) } else { files.push(path) }
    }
    files
}

/// Flips a letter of a file of an index that nobody has open; what it holds then.
fn rot(index: &Path) -> Vec<u8> {
    let rotten = files_of(index).into_iter().find(|file| file.extension().is_some_and(|kind| kind == "idx")).unwrap();
    let mut bytes = std::fs::read(&rotten).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&rotten, &bytes).unwrap();
    bytes
}

#[test]
fn the_demo_s_public_password_is_never_served_beyond_loopback() {
    let folder = tempfile::tempdir().unwrap();
    Server::start(eureka(folder.path(), &["demo"])).kill();
    for command in ["serve", "demo"] {
        let output = run(folder.path(), &[command, "--listen", "0.0.0.0:0"]);
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("loopback"), "{output:?}");
    }
}

#[test]
fn an_import_tells_what_it_refused_and_makes_no_doubles() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tips.jsonl");
    let lines = [
        json!({"id": "a-1", "title": "One", "problem": "It stops.", "source": "manual"}).to_string(),
        json!({"id": "a-2", "title": "", "problem": "It stops."}).to_string(),
        "not json".to_owned(),
        json!({"id": "a-3", "title": "Three", "problem": "It stops.", "fault_codes": ["E-541"]}).to_string(),
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let import = || run(folder.path(), &["import", file.to_str().unwrap()]);
    let first = stdout(&import());
    assert!(first.contains("imported 2, here before 0, refused 2"), "{first}");
    assert!(first.contains("line 2 a-2: /title required") && first.contains("line 3"), "{first}");
    let again = stdout(&import());
    assert!(again.contains("imported 0, here before 2, refused 2"), "{again}");
    assert!(run(folder.path(), &["index", "verify"]).status.success());
    assert!(run(folder.path(), &["index", "rebuild"]).status.success());
    assert!(run(folder.path(), &["doctor"]).status.success());
}

#[test]
fn what_is_imported_is_numbered_in_the_order_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(eureka(folder.path(), &["demo"]));
    let token = server.log_in("technician@demo.example", PASSWORD);
    let (_, first) = server.get("/v1/tips/T-1001", &token);
    assert_eq!(first["external_id"], "fx-printers-001", "{first}");
}

#[test]
fn secrets_are_masked_and_the_document_is_the_committed_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = eureka(folder.path(), &["settings"]);
    command.env("DATABASE_URL", "postgres://eureka:hunter2@db.example/eureka");
    command.env("EUREKA_ADMIN_PASSWORD", "hunter3-and-more");
    let shown = stdout(&command.output().unwrap());
    assert!(shown.contains("postgres://eureka:********@db.example/eureka"), "{shown}");
    assert!(!shown.contains("hunter"), "{shown}");
    let document = stdout(&run(folder.path(), &["openapi"]));
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/eureka.json");
    assert_eq!(document, std::fs::read_to_string(committed).unwrap());
}

#[test]
fn looking_creates_nothing_and_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let doctor = run(&empty, &["doctor"]);
    assert_eq!(doctor.status.code(), Some(1));
    for missing in ["there are none", "there is no database", "there is none"] {
        assert!(stdout(&doctor).contains(missing), "{}", stdout(&doctor));
    }
    let audit = run(&empty, &["audit", "verify"]);
    assert_eq!(audit.status.code(), Some(1));
    assert!(stderr(&audit).contains("there is no database"), "{}", stderr(&audit));
    assert!(listing(&empty).is_empty());

    let data = folder.path().join("data");
    Server::start(eureka(&data, &["demo"])).stop();
    let before = listing(&data);
    for command in [["doctor"].as_slice(), &["audit", "verify"]] {
        let output = run(&data, command);
        assert!(output.status.success(), "{command:?}: {}{}", stdout(&output), stderr(&output));
        assert!(listing(&data) == before, "{command:?} changed something");
    }
    let _server = Server::start(eureka(&data, &["demo"]));
    for command in [["doctor"].as_slice(), &["audit", "verify"]] {
        let output = run(&data, command);
        assert!(output.status.success(), "beside the service, {command:?}: {}{}", stdout(&output), stderr(&output));
    }
}

#[test]
fn a_log_that_was_cut_off_is_known_by_a_head_that_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (data, older) = (folder.path().join("data"), folder.path().join("older.db"));
    let audit = |head: &str| run(&data, &["audit", "verify", "--head", head]);
    Server::start(eureka(&data, &["demo"])).stop();
    std::fs::copy(data.join("eureka.db"), &older).unwrap();
    let server = Server::start(eureka(&data, &["demo"]));
    let (author, reviewer) =
        (server.log_in("technician@demo.example", PASSWORD), server.log_in("reviewer@demo.example", PASSWORD));
    server.publish(&author, &reviewer, "Witness");
    server.stop();
    let told = stdout(&run(&data, &["audit", "verify"]));
    let head = told.lines().find_map(|line| line.strip_prefix("head ")).unwrap();
    assert!(audit(head).status.success(), "{}", stdout(&audit(head)));
    let other = format!("{}{}", &head[..head.len() - 1], if head.ends_with('0') { '1' } else { '0' });
    assert_eq!(audit(&other).status.code(), Some(1));
    assert!(!audit("no head").status.success());

    std::fs::copy(older, data.join("eureka.db")).unwrap();
    assert!(run(&data, &["audit", "verify"]).status.success(), "the chain itself holds");
    assert_eq!(audit(head).status.code(), Some(1));
    assert!(stdout(&audit(head)).contains("cut off"), "{}", stdout(&audit(head)));
}

#[test]
fn a_schema_that_is_not_up_to_date_is_named_and_left_as_it_is() {
    let databases = [Some(TestDatabase::empty_sqlite()), TestDatabase::empty_postgres()];
    for database in databases.into_iter().flatten() {
        let folder = tempfile::tempdir().unwrap();
        let run =
            |command: &[&str]| eureka(folder.path(), command).env("DATABASE_URL", database.url()).output().unwrap();
        let pending = database.store().pending_migrations().unwrap();
        let (doctor, audit) = (run(&["doctor"]), run(&["audit", "verify"]));
        assert!(stdout(&doctor).contains("migrations are pending"), "{}", stdout(&doctor));
        assert!(stderr(&audit).contains("eureka migrate"), "{}", stderr(&audit));
        assert_eq!((doctor.status.code(), audit.status.code()), (Some(1), Some(1)));
        assert_eq!(database.store().pending_migrations().unwrap(), pending);
        assert!(listing(folder.path()).is_empty());
    }
}

#[test]
fn two_services_start_at_once_on_an_empty_database() {
    let Some(database) = TestDatabase::empty_postgres() else { return };
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let start = |name: &str| {
        let mut command = eureka(&folder.path().join(name), &["serve"]);
        command.env("EUREKA_KEYS", &keys).env("DATABASE_URL", database.url());
        Server::start(command)
    };
    let ready: Vec<bool> = std::thread::scope(|scope| {
        let services = ["one", "two", "three"].map(|name| scope.spawn(move || start(name)));
        services.into_iter().map(|service| service.join().is_ok()).collect()
    });
    assert_eq!(ready, [true; 3]);
}

#[test]
fn the_demo_leaves_a_database_alone_that_is_somebody_s() {
    let folder = tempfile::tempdir().unwrap();
    Server::start(eureka(folder.path(), &["serve"])).stop();
    let before = std::fs::read(folder.path().join("eureka.db")).unwrap();
    let output = run(folder.path(), &["demo", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("a database of its own"), "{}", stderr(&output));
    assert_eq!(std::fs::read(folder.path().join("eureka.db")).unwrap(), before);
}

#[test]
fn two_processes_do_not_share_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(eureka(folder.path(), &["demo"]));
    let second = run(folder.path(), &["demo", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use by another process"), "{second:?}");
}

/// Runs SQL behind the service's back, without what forbids it.
fn tamper(file: &Path, sql: &str) {
    let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    conn.batch_execute(&format!("DROP TRIGGER IF EXISTS submitted_text_is_immutable; {sql}")).unwrap();
}

#[test]
fn index_verify_names_the_tips_that_differ_and_changes_nothing_unless_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(eureka(folder.path(), &["demo"]));
    let token = server.log_in("technician@demo.example", PASSWORD);
    let [stale, extra] = ["T-1001", "T-1002"]
        .map(|number| server.get(&format!("/v1/tips/{number}"), &token).1["id"].as_str().unwrap().to_owned());
    server.stop();
    let verify = |arguments: &[&str]| {
        let output = run(folder.path(), &[&["index", "verify"], arguments].concat());
        (output.status.code(), stdout(&output))
    };
    assert_eq!(verify(&[]).0, Some(0));
    tamper(
        &folder.path().join("eureka.db"),
        "UPDATE revisions SET title = 'Changed behind the log' WHERE tip_id = (SELECT id FROM tips WHERE number = 1001);
         UPDATE tips SET hold = 'x' WHERE number = 1002",
    );
    for _ in 0..2 {
        let (code, told) = verify(&[]);
        assert_eq!(code, Some(1), "{told}");
        let line = |word: &str| told.lines().find(|line| line.contains(word)).unwrap_or_default().to_owned();
        assert!(line("stale").contains(&stale) && line("extra").contains(&extra), "{told}");
    }
    let (code, told) = verify(&["--repair"]);
    assert!(code == Some(0) && told.contains("Repaired."), "{told}");
    let (code, told) = verify(&[]);
    assert!(code == Some(0) && told.contains("Index and database agree."), "{told}");
    tamper(&folder.path().join("eureka.db"), "UPDATE tips SET hold = NULL WHERE number = 1002");
    let (code, told) = verify(&[]);
    let missing = told.lines().find(|line| line.contains("missing")).unwrap_or_default();
    assert!(code == Some(1) && missing.contains(&extra), "{told}");
}

#[test]
fn index_verify_says_of_an_index_that_cannot_be_used_why_and_makes_it_anew_only_when_told() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for data in [&folder, &other] {
        Server::start(eureka(data.path(), &["demo"])).stop();
    }
    let index = folder.path().join("index");
    let flip = || drop(rot(&index));
    let of_another = || {
        std::fs::remove_dir_all(&index).unwrap();
        std::fs::rename(other.path().join("index"), &index).unwrap();
    };
    let cases: [(&dyn Fn(), &str); 2] = [(&flip, "is not what was written"), (&of_another, "not on the chain")];
    for (harm, why) in cases {
        harm();
        let content = || listing(&index).into_iter().filter(|(path, _)| path.is_file()).collect::<Vec<_>>();
        let before = content();
        for _ in 0..2 {
            let output = run(folder.path(), &["index", "verify"]);
            let told = stdout(&output);
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains("cannot be used") && told.contains(why), "{told}");
            assert!(!told.contains("agree"), "{told}");
        }
        assert!(content() == before, "{why}: something was changed");
        let output = run(folder.path(), &["index", "verify", "--repair"]);
        assert!(output.status.success() && stdout(&output).contains(why), "{}", stdout(&output));
        let output = run(folder.path(), &["index", "verify"]);
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    }
}

#[test]
fn a_person_who_is_erased_beside_a_running_service_is_gone_from_its_index_files_and_all() {
    const NAME: &str = "quixotzyx";
    const EMAIL: &str = "quixotzyx@example.org";
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(eureka(folder.path(), &["demo"]));
    let [admin, steward, reviewer] =
        ["admin", "steward", "reviewer"].map(|who| server.log_in(&format!("{who}@demo.example"), PASSWORD));
    let account = json!({"email": EMAIL, "name": NAME, "password": "oxidised fuse holders"});
    let (status, account) = server.send("POST", "/v1/users", &admin, Some(account));
    assert_eq!(status, 201, "{account}");
    let member = format!("/v1/communities/office-printers/members/{}", account["id"].as_str().unwrap());
    let (status, body) = server.send("PUT", &member, &steward, Some(json!({"role": "contributor"})));
    assert!((200..300).contains(&status), "{body}");
    let gone = server.log_in(EMAIL, "oxidised fuse holders");
    server.publish(&gone, &reviewer, "Zirconium in the fuser");
    let author = || {
        let found = server.get("/v1/search?q=zirconium", &reviewer).1;
        found["items"][0]["tip"]["author"]["name"].as_str().unwrap_or_default().to_owned()
    };
    let holding = |what: &Path| -> Vec<PathBuf> {
        let has =
            |bytes: Vec<u8>| bytes.to_ascii_lowercase().windows(NAME.len()).any(|window| window == NAME.as_bytes());
        files_of(what).into_iter().filter(|file| std::fs::read(file).is_ok_and(has)).collect()
    };
    let wait_until = |what: &str, holds: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{what}: {:?}", holding(folder.path()));
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let index = folder.path().join("index");
    wait_until("the tip is found", &|| author() == NAME);
    assert!(!holding(&index).is_empty() && !holding(folder.path()).is_empty(), "it is there before");
    let erased = run(folder.path(), &["user", "erase", EMAIL]);
    assert!(erased.status.success(), "{}{}", stdout(&erased), stderr(&erased));
    wait_until("the name is gone from what is found", &|| author() == "Former member");
    wait_until("and from the files of the index", &|| holding(&index).is_empty());
    server.stop();
    assert_eq!(holding(folder.path()), Vec::<PathBuf>::new(), "nor is it in the database's");
    for check in [["index", "verify"], ["audit", "verify"]] {
        assert!(run(folder.path(), &check).status.success(), "{check:?}");
    }
}

#[test]
fn an_index_that_was_damaged_is_kept_aside_and_told_of_until_a_person_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    Server::start(eureka(folder.path(), &["demo"])).stop();
    let index = folder.path().join("index");
    let bytes = rot(&index);
    let aside = || {
        let names = std::fs::read_dir(&index).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("damaged-")).collect::<Vec<_>>()
    };
    let doctor = || {
        let output = run(folder.path(), &["doctor"]);
        assert!(output.status.success(), "{}", stdout(&output));
        stdout(&output)
    };
    let repaired = run(folder.path(), &["index", "verify", "--repair"]);
    assert!(repaired.status.success(), "{}{}", stdout(&repaired), stderr(&repaired));
    let kept = aside();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(files_of(&kept[0]).iter().any(|file| std::fs::read(file).unwrap() == bytes), "as it was found");
    assert!(doctor().contains(&kept[0].display().to_string()), "{}", doctor());

    assert!(stderr(&repaired).contains(&kept[0].display().to_string()), "the log tells of it: {}", stderr(&repaired));
    Server::start(eureka(folder.path(), &["demo"])).stop();
    assert_eq!(aside(), kept, "it stays where it is");

    let erased = run(folder.path(), &["user", "erase", "outsider@demo.example"]);
    assert!(erased.status.success() && stdout(&erased).contains("damaged"), "{}{}", stdout(&erased), stderr(&erased));
    assert_eq!(aside(), Vec::<PathBuf>::new(), "though no service runs");
    assert!(!doctor().contains("damaged"), "{}", doctor());
}

#[test]
fn the_id_that_a_reply_tells_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(eureka(folder.path(), &["serve"]));
    let ask = |own: Option<&str>| {
        let mut request = ureq::get(format!("{}/v1/me", server.base)).config().http_status_as_error(false).build();
        if let Some(own) = own {
            request = request.header("X-Request-Id", own);
        }
        request.call().unwrap().headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    let (given, own) = (ask(None), ask(Some("ticket-4711")));
    assert_eq!(own, "ticket-4711");
    for id in [&given, &own] {
        let begun = Instant::now();
        loop {
            let lines = server.log.lock().unwrap().clone();
            let entries = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let of_it = entries.filter(|entry| entry["span"]["id"] == id.as_str()).collect::<Vec<_>>();
            if let Some(served) = of_it.iter().find(|entry| entry["message"] == "served") {
                assert_eq!((&served["status"], &served["span"]["path"]), (&json!(401), &json!("/v1/me")), "{served}");
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{id} is not in the log: {lines:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_connection_that_was_idle_for_a_while_serves_the_next_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(eureka(folder.path(), &["serve"]));
    let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).unwrap();
    let mut ask = || {
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
        let mut reply = [0; 4096];
        let read = stream.read(&mut reply).unwrap();
        String::from_utf8_lossy(&reply[..read]).into_owned()
    };
    assert!(ask().starts_with("HTTP/1.1 200 "));
    std::thread::sleep(Duration::from_secs(8));
    let again = ask();
    assert!(again.starts_with("HTTP/1.1 200 "), "{again:?}");
}

#[test]
fn the_scripted_day_goes_from_a_submission_to_fifty_outcomes_and_ends_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let played = run(folder.path(), &["demo", "--script"]);
    assert!(played.status.success(), "{}", stderr(&played));
    assert_eq!(stderr(&played), "", "nothing to warn of");
    assert!(listing(folder.path()).is_empty(), "it leaves nothing behind");
    let told = stdout(&played);
    let mut rest = told.as_str();
    for line in [
        "Otto Brandt searches \"3396 dc40\"",
        "Tess Ferreira submits \"DocuColor 40: fault 3396 that comes and goes\"",
        "Ravi Okonkwo decides request_changes (incomplete)",
        "revision 1 is changes_requested",
        "Tess Ferreira reads what there is to know",
        "tip.changes_requested T-1169 by Ravi Okonkwo (incomplete): \"Which holders",
        "Ravi Okonkwo decides approve",
        "revision 2 is in_review, 1 of 2 approvals, one a steward's",
        "Stella Marchetti decides approve",
        "revision 2 is published, 2 of 2 approvals",
        "Otto Brandt searches \"3396 dc40\"",
        "1. T-1169 \"DocuColor 40: fault 3396 that comes and goes\" by Tess Ferreira",
        "Runa Lindqvist decides reject (unsafe)",
        "revision 3 is rejected",
        "tip.rejected T-1169 by Runa Lindqvist (unsafe): \"A bridged fuse",
        "Otto Brandt reads the tip",
        "solution: Unplug, wait five minutes.",
        "use it 50 times",
        "fixed it 43 of 49",
        "nothing waits",
        "1. T-1169 \"DocuColor 40: fault 3396 that comes and goes\" by Tess Ferreira; fixed it 43 of 49",
    ] {
        let Some((_, after)) = rest.split_once(line) else { panic!("{line} does not come where it should: {told}") };
        rest = after;
    }
    assert_eq!(told.lines().filter(|line| line.contains(" tells ")).count(), 50);
    assert!(!told.contains("Bridge it"), "readers never see the text that was turned down: {told}");
}
