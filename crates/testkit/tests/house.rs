//! The arrows of the house: who may depend on whom. `crates/README.md` draws them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stops has failed")]

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};

/// Each crate, and those of the house that it may import.
const ARROWS: [(&str, &[&str]); 7] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("search", &["domain"]),
    ("service", &["domain", "store", "search"]),
    ("api", &["domain", "service"]),
    ("server", &["domain", "store", "search", "service", "api"]),
    ("testkit", &["domain", "store", "service", "api"]),
];

/// Crates from outside that only some floors may know.
const KEPT_IN: [(&str, &[&str]); 11] = [
    ("diesel", &["store"]),
    ("tantivy", &["search"]),
    ("actix-web", &["api", "server", "testkit"]),
    ("utoipa", &["api"]),
    ("jsonwebtoken", &["service"]),
    ("ureq", &["service", "server", "testkit"]),
    ("object_store", &["server"]),
    ("image", &["service", "testkit"]),
    ("comrak", &["api"]),
    ("ammonia", &["api"]),
    ("anyhow", &["server"]),
];

fn dependencies(krate: &str, section: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(krate).join("Cargo.toml");
    let manifest: Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    manifest.get(section).and_then(Value::as_table).into_iter().flat_map(|table| table.keys().cloned()).collect()
}

fn crates() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn every_crate_of_the_house_is_drawn() {
    let drawn: BTreeSet<String> = ARROWS.iter().map(|(krate, _)| (*krate).to_owned()).collect();
    assert_eq!(crates(), drawn);
}

#[test]
fn nobody_imports_against_the_arrows() {
    for (krate, allowed) in ARROWS {
        let imported: BTreeSet<String> = dependencies(krate, "dependencies")
            .iter()
            .filter_map(|name| name.strip_prefix("eureka-").map(str::to_owned))
            .collect();
        let allowed: BTreeSet<String> = allowed.iter().map(|&name| name.to_owned()).collect();
        assert!(imported.is_subset(&allowed), "{krate} imports {imported:?}, and may import {allowed:?}");
    }
}

#[test]
fn the_testkit_is_for_tests_alone() {
    for krate in crates() {
        assert!(!dependencies(&krate, "dependencies").contains("eureka-testkit"), "{krate}");
        assert!(!dependencies(&krate, "build-dependencies").contains("eureka-testkit"), "{krate}");
    }
}

#[test]
fn each_framework_stays_on_its_floor() {
    for (name, floors) in KEPT_IN {
        for krate in crates() {
            let known = dependencies(&krate, "dependencies").contains(name);
            assert!(!known || floors.contains(&krate.as_str()), "{krate} knows {name}");
        }
    }
}

#[test]
fn what_is_banned_is_not_locked() {
    // `deny.toml` has the reasons, and `cargo deny` what this cannot know.
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock")).unwrap();
    let rules = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deny.toml")).unwrap();
    let (lock, rules): (Table, Table) = (lock.parse().unwrap(), rules.parse().unwrap());
    let named = |list: &Value| -> BTreeSet<String> {
        list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let (locked, banned) = (named(&lock["package"]), named(&rules["bans"]["deny"]));
    assert!(locked.len() > 300 && banned.len() >= 4);
    assert_eq!(locked.intersection(&banned).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |dialect: &str| -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(dialect);
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}
