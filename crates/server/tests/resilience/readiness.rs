//! When a service says that it is ready: not before its index has what the database had at the start.

use std::path::Path;

use eureka_testkit::copy_folder;
use serde_json::Value;

use crate::all_holds;
use crate::process::{PASSWORD, Server, eureka};

const WRITTEN: usize = 30;

/// Puts an index in the place of another.
fn put_back(index: &Path, earlier: &Path) {
    std::fs::remove_dir_all(index).unwrap();
    copy_folder(earlier, index);
}

/// The place in the log that stands in the last commit of an index.
fn place(index: &Path) -> i64 {
    let current = std::fs::read_to_string(index.join("CURRENT")).unwrap();
    let meta = std::fs::read_to_string(index.join(current.trim()).join("open/meta.json")).unwrap();
    let meta: Value = serde_json::from_str(&meta).unwrap();
    let payload: Value = serde_json::from_str(meta["payload"].as_str().unwrap()).unwrap();
    payload["cursor"]["seq"].as_i64().unwrap()
}

#[test]
fn a_service_whose_index_is_behind_is_ready_once_it_has_all_that_was_there_at_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let (data, earlier) = (folder.path().join("data"), folder.path().join("earlier"));
    let index = data.join("index");
    Server::start(eureka(&data, &["demo"])).stop();
    copy_folder(&index, &earlier);
    let server = Server::start(eureka(&data, &["demo"]));
    let [author, reviewer] =
        ["technician", "reviewer"].map(|who| server.log_in(&format!("{who}@demo.example"), PASSWORD));
    for n in 0..WRITTEN {
        server.publish(&author, &reviewer, &format!("Witness behind {n}"));
    }
    server.stop();
    let found = |server: &Server| {
        let (status, found) = server.get("/v1/search?q=%22witness+behind%22&limit=100", &author);
        assert_eq!(status, 200, "{found}");
        found["items"].as_array().unwrap().len()
    };

    // The control: the index that is put back has none of it.
    let behind = place(&index) - place(&earlier);
    assert!(behind >= i64::try_from(WRITTEN).unwrap(), "the index is {behind} behind");

    put_back(&index, &earlier);
    let server = Server::start(eureka(&data, &["demo"]));
    assert_eq!(found(&server), WRITTEN, "it was ready before its index was");
    server.stop();
    all_holds(&data, None);
}
