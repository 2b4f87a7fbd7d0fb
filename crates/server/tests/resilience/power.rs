//! Power cuts: what is on the disk at a moment, and nothing of what the kernel still held.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection};

use crate::disk::Mounted;
use crate::process::{Server, eureka};
use crate::witness::Witnesses;
use crate::{all_holds, long};

/// An empty file system in a file.
fn image(file: &Path) {
    std::fs::File::create(file).unwrap().set_len(96 << 20).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(file).status();
    assert!(made.is_ok_and(|made| made.success()), "mkfs.ext4");
}

fn mount(image: &Path, at: &Path) -> Option<Mounted> {
    Mounted::new(at, &["-o", "loop", image.to_str().unwrap()])
}

/// Cuts the power under load, so often; after each, what was acknowledged is on the disk.
#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, at) = (folder.path().join("disk"), folder.path().join("at"));
    image(&disk);
    let Some(mut mounted) = mount(&disk, &at) else { return };
    let data = |at: &Path| at.join("data");
    let mut server = Server::start(eureka(&data(&at), &["demo"]));
    let witnesses = Witnesses::of(&server);
    let mut at = at;
    witnesses.working(|| {
        for cut in 0..if long() { 20 } else { 2 } {
            std::thread::sleep(Duration::from_millis(500 + 90 * cut));
            server.signal("STOP");
            let copy = folder.path().join(format!("disk-{cut}"));
            std::fs::copy(if cut == 0 { disk.clone() } else { folder.path().join(format!("disk-{}", cut - 1)) }, &copy)
                .unwrap();
            server.signal("KILL");
            at = folder.path().join(format!("at-{cut}"));
            let next = mount(&copy, &at).expect("it could be mounted before");
            server = Server::start(eureka(&data(&at), &["demo"]));
            mounted = next;
            witnesses.are_at(vec![server.base.clone()]);
        }
    });
    println!("{} answers", witnesses.answers());
    assert_eq!(witnesses.faults(), Vec::<String>::new());
    server.stop();
    all_holds(&data(&at), None);
    drop(mounted);
}

/// The control: of the same cuts of a database that does not wait for the disk, some lose what it acknowledged; of one that
/// does, none.
#[test]
fn the_trial_of_power_cuts_tells_a_database_that_waits_for_the_disk_from_one_that_does_not() {
    for (synchronous, loses) in [("NORMAL", true), ("FULL", false)] {
        let Some(lost) = (0..5).map(|_| lost(synchronous)).sum::<Option<i64>>() else { return };
        println!("{synchronous}: {lost} rows lost in five cuts");
        assert_eq!(lost > 0, loses, "{synchronous}: {lost} were lost");
    }
}

/// How many rows that a database had acknowledged are gone after a cut; `None` where nothing can be mounted.
fn lost(synchronous: &str) -> Option<i64> {
    let folder = tempfile::tempdir().unwrap();
    let (disk, at) = (folder.path().join("disk"), folder.path().join("at"));
    image(&disk);
    let mounted = mount(&disk, &at)?;
    let mut conn = open(&at, synchronous);
    conn.batch_execute("CREATE TABLE told (n INTEGER PRIMARY KEY)").unwrap();
    conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    Command::new("sync").arg("--file-system").arg(&at).status().unwrap();
    let (begun, mut told) = (Instant::now(), 0_i64);
    while begun.elapsed() < Duration::from_millis(200) {
        told += 1;
        diesel::sql_query(format!("INSERT INTO told VALUES ({told})")).execute(&mut conn).unwrap();
    }
    let (copy, after) = (folder.path().join("copy"), folder.path().join("after"));
    std::fs::copy(&disk, &copy).unwrap();
    drop((conn, mounted));
    let _mounted = mount(&copy, &after)?;
    Some(told - count(&mut open(&after, synchronous)))
}

fn open(folder: &Path, synchronous: &str) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(folder.join("told.db").to_str().unwrap()).unwrap();
    conn.batch_execute(&format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}")).unwrap();
    conn
}

fn count(conn: &mut SqliteConnection) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }
    let rows: Vec<Count> = diesel::sql_query("SELECT count(*) AS n FROM told").load(conn).unwrap();
    rows[0].n
}
