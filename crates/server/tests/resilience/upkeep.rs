//! What operators do while everybody works: the index made anew, again and again, and a backup, which is then put to the
//! test that the service itself is put to.

use std::path::Path;
use std::time::{Duration, Instant};

use eureka_testkit::TestDatabase;
use serde_json::{Value, json};

use crate::process::{PASSWORD, Server, eureka, stderr, stdout};
use crate::witness::Witnesses;
use crate::{all_holds, long};

/// Has the index made anew, and waits for it; how many tips it has.
fn rebuild(server: &Server, admin: &str, reader: &str) -> u64 {
    let (status, told) = server.send("POST", "/v1/admin/index/rebuild", admin, Some(json!({})));
    assert_eq!(status, 202, "{told}");
    let begun = Instant::now();
    loop {
        let (status, found) = server.get("/v1/search?q=3396", reader);
        assert!(status == 200 && !found["items"].as_array().unwrap().is_empty(), "{status} {found}");
        let (_, told) = server.get("/v1/admin/index", admin);
        match told["work"]["state"].as_str() {
            Some("running") => assert!(begun.elapsed() < Duration::from_mins(1), "{told}"),
            Some("done") => return told["work"]["indexed"].as_u64().unwrap(),
            _ => panic!("{told}"),
        }
    }
}

fn command(data: &Path, arguments: &[&str], database: Option<&str>) -> std::process::Command {
    let mut command = eureka(data, arguments);
    command.envs(database.map(|url| ("DATABASE_URL", url)));
    command
}

fn succeed(data: &Path, arguments: &[&str], database: Option<&str>) {
    let output = command(data, arguments, database).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
}

fn upkeep(database: Option<&str>, to: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let [data, other, backup] = ["data", "other", "backup"].map(|name| folder.path().join(name));
    let server = Server::start(command(&data, &["demo"], database));
    let admin = server.log_in("admin@demo.example", PASSWORD);
    let reader = server.log_in("reviewer2@demo.example", PASSWORD);
    let witnesses = Witnesses::of(&server);
    let rounds = if long() { 20 } else { 3 };
    let mut made = Vec::new();
    let before = witnesses.working(|| {
        for _ in 0..rounds {
            std::thread::sleep(Duration::from_millis(300));
            made.push(rebuild(&server, &admin, &reader));
        }
        let before = witnesses.answers();
        succeed(&data, &["backup", backup.to_str().unwrap()], database);
        std::thread::sleep(Duration::from_secs(1));
        before
    });
    assert!(made.last() > made.first(), "nothing was written beside the rebuilds: {made:?}");
    let all = witnesses.answers();
    assert!(before > 0 && all > before, "{before} answers before the backup, {all} in all");
    println!("{rounds} rebuilds of {made:?} tips, {before} answers before the backup, {all} in all");
    assert_eq!(witnesses.faults(), Vec::<String>::new());
    server.stop();
    all_holds(&data, database);

    succeed(&other, &["restore", backup.to_str().unwrap()], to);
    let server = Server::start(command(&other, &["demo"], to));
    witnesses.are_at(vec![server.base.clone()]);
    assert_eq!(witnesses.faults_of_first(before), Vec::<String>::new(), "the backup has all that was acknowledged");
    // The control: what came after the backup is not in it, and the judge finds that.
    let lost = witnesses.faults();
    assert!(!lost.is_empty(), "the judge finds nothing missing in an older copy");
    let (_, found) = server.get("/v1/search?q=3396", &server.log_in("reviewer2@demo.example", PASSWORD));
    assert!(found["items"].as_array().is_some_and(|hits: &Vec<Value>| !hits.is_empty()), "{found}");
    server.stop();
    all_holds(&other, to);
}

#[test]
#[ignore = "a long trial: `make resilience` runs it"]
fn while_the_index_is_made_anew_and_a_backup_is_made_nothing_acknowledged_is_lost_in_either() {
    upkeep(None, None);
    if let (Some(from), Some(to)) = (TestDatabase::empty_postgres(), TestDatabase::empty_postgres()) {
        upkeep(Some(from.url()), Some(to.url()));
    }
}
