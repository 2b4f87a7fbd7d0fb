//! Prints a `CycloneDX` 1.6 bill of what is compiled into the `eureka` binary: `make sbom`. From `cargo metadata` and
//! `Cargo.lock` alone, so that it takes no tool, and the same state of the repository always gives the same bill.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program of one page: whatever fails, it says so and ends"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};
use toml::Table;

/// What the bill is of.
const ROOT: &str = "eureka-server";

fn main() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let told = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(root)
        .output()
        .expect("cargo metadata");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let metadata: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let lock = std::fs::read_to_string(format!("{root}/Cargo.lock")).expect("Cargo.lock");
    let bill = bill(&metadata, &lock);
    println!("{}", serde_json::to_string_pretty(&bill).expect("JSON"));
}

fn bill(metadata: &Value, lock: &str) -> Value {
    let checksums = checksums(lock);
    let packages: BTreeMap<&str, &Value> =
        list(metadata, "/packages").map(|package| (text(package, "id"), package)).collect();
    let nodes: BTreeMap<&str, &Value> = list(metadata, "/resolve/nodes").map(|node| (text(node, "id"), node)).collect();
    let root =
        packages.iter().find(|(_, package)| text(package, "name") == ROOT).map(|(id, _)| *id).expect("the binary");

    // What it reaches by anything but dependencies of tests: what runs in it, and what ran to build it.
    let (mut reached, mut waiting) = (BTreeSet::from([root]), vec![root]);
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    while let Some(id) = waiting.pop() {
        for dependency in list(nodes[id], "/deps") {
            let compiled_in = list(dependency, "/dep_kinds").any(|kind| kind["kind"] != "dev");
            let other = text(dependency, "pkg");
            if compiled_in {
                edges.entry(id).or_default().insert(other);
                if reached.insert(other) {
                    waiting.push(other);
                }
            }
        }
    }
    let component = |id: &&str| {
        let package = packages[*id];
        let (name, version) = (text(package, "name"), text(package, "version"));
        let mut component = json!({
            "type": if *id == root { "application" } else { "library" },
            "bom-ref": reference(package),
            "name": name,
            "version": version,
            "purl": format!("pkg:cargo/{name}@{version}"),
        });
        if let Some(license) = package["license"].as_str() {
            component["licenses"] = json!([{"expression": license.replace('/', " OR ")}]);
        }
        if let Some(checksum) = checksums.get(&(name.to_owned(), version.to_owned())) {
            component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
        }
        component
    };
    let others: Vec<&str> = reached.iter().copied().filter(|id| *id != root).collect();
    let depends = |id: &&str| {
        let on: Vec<String> = edges.get(*id).into_iter().flatten().map(|other| reference(packages[*other])).collect();
        json!({"ref": reference(packages[*id]), "dependsOn": on})
    };
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(&root)},
        "components": others.iter().map(component).collect::<Vec<_>>(),
        "dependencies": reached.iter().map(depends).collect::<Vec<_>>(),
    })
}

fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

fn reference(package: &Value) -> String {
    format!("{}@{}", text(package, "name"), text(package, "version"))
}

/// The SHA-256 of each package as the registry has it.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let lock: Table = lock.parse().expect("TOML");
    let packages = lock["package"].as_array().expect("packages").iter();
    let word =
        |package: &toml::Value, field: &str| package.get(field).and_then(|value| value.as_str()).map(str::to_owned);
    packages
        .filter_map(|package| Some(((word(package, "name")?, word(package, "version")?), word(package, "checksum")?)))
        .collect()
}
