//! Full disks, on a small file system of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use eureka_testkit::{copy_folder, skip, skip_in_ci_too};
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

/// The control: a program that keeps what it was told in one file.
struct Notebook {
    file: PathBuf,
    save: fn(&Path, &[u8]) -> std::io::Result<()>,
    told: Vec<String>,
}

impl Notebook {
    fn new(file: PathBuf, save: fn(&Path, &[u8]) -> std::io::Result<()>) -> Self {
        Self { file, save, told: Vec::new() }
    }

    /// Keeps one more; whether it was acknowledged.
    fn keep(&mut self, text: String) -> bool {
        let all: Vec<&String> = self.told.iter().chain([&text]).collect();
        let saved = (self.save)(&self.file, json!(all).to_string().as_bytes()).is_ok();
        self.told.extend(saved.then_some(text));
        saved
    }

    /// How many that were acknowledged are not in the file.
    fn lost(&self) -> usize {
        let kept: Vec<String> = serde_json::from_slice(&std::fs::read(&self.file).unwrap()).unwrap_or_default();
        self.told.iter().filter(|text| !kept.contains(text)).count()
    }
}

/// Writes a file where it lies.
fn in_place(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::write(file, bytes)
}

/// Writes another file, which takes its place when it is whole.
fn beside(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = file.with_extension("draft");
    std::fs::write(&draft, bytes)?;
    std::fs::rename(draft, file)
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
    let mut notebooks = [("in-place", in_place as fn(&Path, &[u8]) -> _), ("beside", beside)]
        .map(|(name, save)| Notebook::new(data.join(name), save));
    for notebook in &mut notebooks {
        assert!((0..3).all(|n| notebook.keep(n.to_string().repeat(9_000))));
    }

    let ballast = fill(&data);
    // The control: of the same full disk one program that was told as much loses it, and one that does as this one does not.
    for notebook in &mut notebooks {
        assert!(!notebook.keep("x".repeat(4 << 20)), "the disk was not full");
    }
    let lost = notebooks.each_ref().map(Notebook::lost);
    assert_eq!(lost, [3, 0], "in place, and beside");
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
    println!("{refused} refused while it was full; control: in place {} of 3 were lost, beside {}", lost[0], lost[1]);
    server.stop();
    all_holds(&data, None);
}

#[test]
fn a_damaged_index_that_is_kept_aside_gives_way_where_there_is_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let Some(_mounted) = Mounted::new(&data, &["-t", "tmpfs", "-o", "size=48m", "tmpfs"]) else { return };
    Server::start(eureka(&data, &["demo"])).stop();
    let index = data.join("index");
    let aside = index.join("damaged-20261130T101500Z");
    copy_folder(&index.join(std::fs::read_to_string(index.join("CURRENT")).unwrap().trim()), &aside);
    let server = Server::start(eureka(&data, &["demo"]));
    std::thread::sleep(Duration::from_secs(1));
    assert!(aside.exists(), "there is room");
    let ballast = fill(&data);
    let deadline = Instant::now() + Duration::from_mins(1);
    while aside.exists() {
        assert!(Instant::now() < deadline, "it is kept though there is no room");
        std::thread::sleep(Duration::from_millis(100));
    }
    std::fs::remove_file(ballast).unwrap();
    server.stop();
    all_holds(&data, None);
}
