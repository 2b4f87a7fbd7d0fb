//! Programs that trials need and the service does not. Where one is missing, its trial is left out, aloud and counted; in CI
//! that is a failure.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use eureka_testkit::skip;

/// Whether a program is installed; says aloud where it is not.
pub(crate) fn has(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).any(|folder| folder.join(program).is_file())
    });
    if !found {
        skip(&format!("{program} is not installed"));
    }
    found
}

/// The library that shows programs another time, wherever the system keeps it; says aloud where it does not.
pub(crate) fn faketime() -> Option<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib/faketime"];
    let library = folders.iter().map(|folder| Path::new(folder).join("libfaketimeMT.so.1")).find(|file| file.is_file());
    if library.is_none() {
        skip("libfaketime is not installed");
    }
    library
}

/// A program that runs beside a trial; it ends with it.
pub(crate) struct Beside(pub(crate) Child);

impl Beside {
    /// Asks it to end, and waits.
    pub(crate) fn interrupt(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
