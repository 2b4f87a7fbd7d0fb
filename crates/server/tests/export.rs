//! Export and import: what one database holds for readers comes back the same out of another, on both kinds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that stops has failed"
)]

mod process;

use eureka_testkit::TestDatabase;
use process::{Server, eureka, run, stderr, stdout};

#[test]
fn what_is_exported_and_imported_elsewhere_is_exported_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let (from, file) = (folder.path().join("from"), folder.path().join("all.jsonl.gz"));
    Server::start(eureka(&from, &["demo"])).stop();
    let told = run(&from, &["export", file.to_str().unwrap()]);
    assert!(stdout(&told).contains("exported 6 communities and 171 tips"), "{} {}", stdout(&told), stderr(&told));
    let again = run(&from, &["export", file.to_str().unwrap()]);
    assert!(!again.status.success(), "what is there is not written over");
    let plain = |file: &std::path::Path| {
        let mut text = String::new();
        let mut packed = flate2::read::GzDecoder::new(std::fs::File::open(file).unwrap());
        std::io::Read::read_to_string(&mut packed, &mut text).unwrap();
        text
    };
    let first = plain(&file);
    assert!(first.contains("\"visibility\":\"private\"") && first.contains("\"safety\":\"danger\""));

    let databases = [Some(TestDatabase::empty_sqlite()), TestDatabase::empty_postgres()];
    for database in databases.into_iter().flatten() {
        let to = tempfile::tempdir().unwrap();
        let run = |command: &[&str]| eureka(to.path(), command).env("DATABASE_URL", database.url()).output().unwrap();
        let told = run(&["import", file.to_str().unwrap()]);
        assert!(stdout(&told).contains("imported 171, here before 0, refused 0"), "{}", stdout(&told));
        let told = run(&["import", file.to_str().unwrap()]);
        assert!(stdout(&told).contains("imported 0, here before 171, refused 0"), "{}", stdout(&told));
        let back = to.path().join("back.jsonl.gz");
        let told = run(&["export", back.to_str().unwrap()]);
        assert!(told.status.success(), "{}", stderr(&told));
        assert!(plain(&back) == first, "{:?}: the two exports differ", database.kind());
    }
}
