//! Clocks that jump under work: back by more than tokens are forgiven, on by an hour and by a day, and home again. The
//! service is shown another time by `libfaketime`; what waits by a steady clock goes on as it did.

use std::path::Path;
use std::time::Duration;

use eureka_testkit::TestDatabase;
use serde_json::json;

use crate::process::{PASSWORD, Server, eureka};
use crate::witness::Witnesses;
use crate::{all_holds, long, tools};

/// The jumps, in seconds from the true time.
const JUMPS: [i64; 8] = [-60, -90, 0, 3600, 0, 86_400, -90, 0];

/// Shows another time from now on.
fn show(file: &Path, seconds: i64) {
    let draft = file.with_extension("new");
    std::fs::write(&draft, format!("{seconds:+}\n")).unwrap();
    std::fs::rename(draft, file).unwrap();
}

/// How far ahead of the true time the service dates what it writes, in seconds.
fn ahead(server: &Server, token: &str) -> i64 {
    let tip = json!({"community": "office-printers", "title": "What time is it", "problem": "It stops."});
    let (status, made) = server.send("POST", "/v1/tips", token, Some(tip));
    assert_eq!(status, 201, "{made}");
    let at: chrono::DateTime<chrono::Utc> = made["created_at"].as_str().unwrap().parse().unwrap();
    (at - chrono::Utc::now()).num_seconds()
}

fn leaps(library: &Path, database: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let (data, time) = (folder.path().join("data"), folder.path().join("time"));
    show(&time, 0);
    let mut command = eureka(&data, &["demo"]);
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &time).env("FAKETIME_NO_CACHE", "1");
    // What waits is to wait by a clock that no one sets.
    command.envs([("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("DONT_FAKE_MONOTONIC", "1")]);
    command.envs(database.map(|url| ("DATABASE_URL", url)));
    let server = Server::start(command);
    let log_in = |name: &str| server.log_in(&format!("{name}@demo.example"), PASSWORD);

    // Three callers whose rights end before the first jump: a session, a key, an account's sessions.
    let (gone, owner) = (log_in("outsider"), log_in("reviewer2"));
    assert_eq!(server.send("POST", "/v1/auth/logout", &gone, None).0, 204);
    let (_, key) = server.send("POST", "/v1/api-keys", &owner, Some(json!({"name": "a program", "scopes": ["read"]})));
    let (secret, id) = (key["key"].as_str().unwrap(), key["id"].as_str().unwrap());
    assert_eq!(server.get("/v1/me", secret).0, 200);
    assert_eq!(server.send("DELETE", &format!("/v1/api-keys/{id}"), &owner, None).0, 204);
    let changed = json!({"current_password": PASSWORD, "password": "another-password-2027"});
    let (status, told) = server.send("PUT", "/v1/me/password", &owner, Some(changed));
    assert!(status < 300, "{status} {told}");
    let revoked = [gone.as_str(), secret, owner.as_str()];

    let witnesses = Witnesses::of(&server);
    let pause = Duration::from_millis(if long() { 6000 } else { 1200 });
    let mut met = Vec::new();
    witnesses.working(|| {
        for jump in JUMPS {
            show(&time, jump);
            std::thread::sleep(pause);
            for caller in revoked {
                let (status, told) = server.get("/v1/me", caller);
                assert_eq!(status, 401, "{jump} s: revoked, and answered {told}");
            }
            assert_eq!(server.get("/health/ready", "").0, 200, "{jump} s");
            met.push(ahead(&server, &log_in("technician")));
        }
    });
    // The control: it was shown each of these times, and tokens of other times were refused.
    for (jump, seen) in JUMPS.iter().zip(&met) {
        assert!((jump - seen).abs() < 30, "shown {jump}, dated {seen}");
    }
    let again = witnesses.asked_again();
    assert!(again.iter().any(|again| again.why.iter().any(|why| why.starts_with("401"))), "no token felt any jump");
    println!("{} jumps, {} answers, {} asked for again", JUMPS.len(), witnesses.answers(), again.len());
    assert_eq!(witnesses.faults(), Vec::<String>::new());
    let admin = log_in("admin");
    let (_, page) = server.get("/v1/admin/audit?limit=100", &admin);
    let seen: Vec<i64> = page["items"].as_array().unwrap().iter().filter_map(|row| row["position"].as_i64()).collect();
    assert!(seen.len() == 100 && seen.windows(2).all(|pair| pair[0] == pair[1] + 1), "the log's order: {seen:?}");
    server.stop();
    all_holds(&data, database);
}

#[test]
#[ignore = "a long trial: `make resilience` runs it"]
fn when_the_clock_jumps_nothing_acknowledged_is_lost_and_nobody_revoked_comes_back() {
    let Some(library) = tools::faketime() else { return };
    leaps(&library, None);
    if long()
        && let Some(database) = TestDatabase::empty_postgres()
    {
        leaps(&library, Some(database.url()));
    }
}
