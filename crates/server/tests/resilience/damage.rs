//! Damaged index files: every kind of file, in every way that disks and people damage them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eureka_testkit::copy_folder;
use serde_json::Value;

use crate::process::{PASSWORD, Server, eureka};
use crate::{all_holds, long};

/// A way to damage a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Flip,
    Truncate,
    Empty,
    Delete,
}

impl Damage {
    const ALL: [Self; 4] = [Self::Flip, Self::Truncate, Self::Empty, Self::Delete];

    fn of(self, file: &Path) {
        let mut bytes = std::fs::read(file).unwrap();
        match self {
            Self::Flip => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x10;
            }
            Self::Truncate => bytes.truncate(bytes.len() * 2 / 3),
            Self::Empty => bytes.clear(),
            Self::Delete => return std::fs::remove_file(file).unwrap(),
        }
        std::fs::write(file, bytes).unwrap();
    }
}

/// What a technician is told, whatever happens to the index.
fn answers(server: &Server) -> Vec<Value> {
    let token = server.log_in("reviewer@demo.example", PASSWORD);
    ["3396", "fuser+noise", "E-541", "papier", "the+of", "%22fuse+holders%22", "sterilizer"]
        .iter()
        .map(|q| server.get(&format!("/v1/search?facets=product&q={q}"), &token).1)
        .flat_map(|reply| ["/items", "/total", "/facets"].map(|part| without_scores(reply.pointer(part))))
        .collect()
}

/// The hits, without what differs between two indexes of the same: how far their files are merged.
fn without_scores(part: Option<&Value>) -> Value {
    match part {
        Some(Value::Array(items)) => items.iter().map(|item| item["tip"]["number"].clone()).collect(),
        other => other.cloned().unwrap_or_default(),
    }
}

fn current(index: &Path) -> String {
    std::fs::read_to_string(index.join("CURRENT")).unwrap_or_default()
}

/// One file of each kind in each half, but for locks, which hold nothing.
fn kinds(index: &Path) -> BTreeMap<String, PathBuf> {
    let mut kinds = BTreeMap::new();
    let mut folders = vec![index.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let kind = match path.extension() {
                Some(extension) if name.len() > 32 => extension.to_string_lossy().into_owned(),
                _ => name,
            };
            if path.extension().is_some_and(|extension| extension == "lock")
                || std::fs::metadata(&path).unwrap().len() == 0
            {
                continue;
            }
            let half = folder.file_name().unwrap().to_string_lossy().into_owned();
            kinds.entry(format!("{half}/{kind}")).or_insert(path);
        }
    }
    kinds
}

#[test]
fn damage_to_any_kind_of_index_file_is_found_at_the_start_and_healed_and_no_answer_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let (data, whole) = (folder.path().join("data"), folder.path().join("whole"));
    let index = data.join("index");
    let server = Server::start(eureka(&data, &["demo"]));
    let expected = answers(&server);
    server.stop();
    copy_folder(&index, &whole);

    // The control: what is not damaged is not made anew.
    let server = Server::start(eureka(&data, &["demo"]));
    assert_eq!(answers(&server), expected);
    assert!(expected.iter().any(|part| part.as_array().is_some_and(|hits| hits.len() > 1)), "{expected:?}");
    server.stop();
    assert_eq!(current(&index), current(&whole));

    let kinds = kinds(&whole);
    assert!(kinds.len() >= 14, "{:?}", kinds.keys());
    let mut trials = 0;
    for (turn, (kind, file)) in kinds.iter().enumerate() {
        for (place, damage) in Damage::ALL.into_iter().enumerate() {
            if !long() && place != turn % Damage::ALL.len() {
                continue; // each kind in one way, each way on some kind
            }
            std::fs::remove_dir_all(&index).unwrap();
            copy_folder(&whole, &index);
            trials += 1;
            damage.of(&index.join(file.strip_prefix(&whole).unwrap()));
            let server = Server::start(eureka(&data, &["demo"]));
            assert_eq!(answers(&server), expected, "{kind}: {damage:?}");
            server.stop();
            all_holds(&data, None);
            // A wrong name among the files to be looked after costs the room of a file, and nothing else; without
            // CURRENT there is only one folder it can mean.
            if !kind.ends_with(".managed.json") && kind != "whole/CURRENT" {
                assert_ne!(current(&index), current(&whole), "{kind}: {damage:?} was not found");
            }
        }
    }
    println!("{} kinds of file, {trials} trials", kinds.len());
}
