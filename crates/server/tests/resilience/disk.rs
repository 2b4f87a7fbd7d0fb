//! Full disks, on a small file system of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use eureka_testkit::{skip, skip_in_ci_too};
use serde_json::json;

use crate::all_holds;
use crate::process::{PASSWORD, Server, eureka};

/// A file system mounted for a test; gone with it.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// Mounts it, or says that one may not.
    pub(crate) fn new(at: &Path, arguments: &[&str]) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(arguments).arg(at).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(at.to_owned()));
        }
        let why = format!("{arguments:?} could not be mounted; run this as root on Linux");
        if may_mount() {
            skip(&why);
        } else {
            skip_in_ci_too(&why);
        }
        None
    }
}

/// Whether this process has the right to mount (`CAP_SYS_ADMIN`, the 21st bit), which root may be without in a container.
fn may_mount() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let rights = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    rights.and_then(|rights| u64::from_str_radix(rights.trim(), 16).ok()).is_some_and(|rights| rights & (1 << 21) != 0)
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Takes all the room there is.
fn fill(folder: &Path) -> PathBuf {
    let ballast = folder.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    ballast
}

#[test]
fn when_the_disk_is_full_it_says_so_loses_nothing_and_goes_on_by_itself_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let Some(_mounted) = Mounted::new(&data, &["-t", "tmpfs", "-o", "size=48m", "tmpfs"]) else { return };
    let server = Server::start(eureka(&data, &["demo"]));
    let (author, reviewer) =
        (server.log_in("technician@demo.example", PASSWORD), server.log_in("reviewer@demo.example", PASSWORD));
    let before: Vec<String> =
        (0..3).map(|n| server.publish(&author, &reviewer, &format!("Witness before {n}"))).collect();

    let ballast = fill(&data);
    let tip = json!({"community": "office-printers", "title": "Witness", "problem": "x".repeat(9_000), "submit": true});
    let (mut refused, mut taken) = (0, Vec::new());
    for _ in 0..40 {
        match server.send("POST", "/v1/tips", &author, Some(tip.clone())) {
            (201, made) => taken.push(made["number"].as_str().unwrap().to_owned()),
            (503, body) => {
                assert_eq!(body["code"], "unavailable", "{body}");
                refused += 1;
            }
            (status, body) => panic!("{status} {body}"),
        }
    }
    assert!(refused > 0, "the disk was not full");
    assert_eq!(server.get("/health/live", "").0, 200);
    assert_eq!(server.get("/v1/search?q=3396", &author).0, 200, "reading goes on");

    std::fs::remove_file(ballast).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while server.send("POST", "/v1/tips", &author, Some(tip.clone())).0 != 201 {
        assert!(Instant::now() < deadline, "it did not go on by itself");
        std::thread::sleep(Duration::from_millis(100));
    }
    for number in before.iter().chain(&taken) {
        assert_eq!(server.get(&format!("/v1/tips/{number}"), &author).0, 200, "{number} was acknowledged");
    }
    server.publish(&author, &reviewer, "Witness after");
    server.stop();
    all_holds(&data, None);
}
