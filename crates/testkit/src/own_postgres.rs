//! A PostgreSQL server of a test's own, with fsync, to be killed and to be followed by a standby.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::postgres::{as_user, command, programs, run, uid};

/// The server; it ends, folder and all, when dropped.
pub struct OwnPostgres {
    folder: TempDir,
    programs: PathBuf,
    as_user: Option<&'static str>,
}

impl OwnPostgres {
    /// A new server with an empty database `eureka`; `settings` are lines of its configuration. `None` where PostgreSQL is not
    /// installed.
    #[allow(clippy::expect_used, reason = "a test without a database has failed")]
    pub fn primary(settings: &[&str]) -> Option<Self> {
        let server = Self::in_a_new_folder(programs()?).expect("a folder for a PostgreSQL server");
        server.make(settings).expect("a PostgreSQL server");
        Some(server)
    }

    /// A standby of it, streaming.
    #[allow(clippy::expect_used, reason = "a test without a database has failed")]
    pub fn standby(&self) -> Self {
        let standby = Self::in_a_new_folder(self.programs.clone()).expect("a folder for a PostgreSQL server");
        let mut copy = standby.command("pg_basebackup");
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "-U", "postgres", "-h"]).arg(self.folder.path());
        run(copy.arg("-D").arg(standby.data())).expect("a base backup");
        standby.configure(&[]).expect("a configuration");
        standby.start();
        standby
    }

    /// Starts it (again), and waits until it answers.
    #[allow(clippy::expect_used, reason = "a test without a database has failed")]
    pub fn start(&self) {
        let mut start = self.control("start");
        run(start.arg("-w").arg("-l").arg(self.folder.path().join("log/server"))).expect("a PostgreSQL server");
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&self) {
        let _ = run(self.control("stop").args(["-m", "immediate"]));
    }

    /// Makes a standby the primary.
    #[allow(clippy::expect_used, reason = "a test without a database has failed")]
    pub fn promote(&self) {
        run(self.control("promote").arg("-w")).expect("a promotion");
    }

    /// Changes a setting while it runs.
    #[allow(clippy::expect_used, reason = "a test without a database has failed")]
    pub fn set(&self, setting: &str) {
        self.configure(&[setting]).and_then(|()| run(&mut self.control("reload"))).expect("a changed setting");
    }

    /// Where the database is that is served by this one or another, whichever takes writes.
    pub fn url_of_either(&self, other: &Self) -> String {
        let hosts = [self, other].map(|server| server.folder.path().display().to_string()).join(",");
        format!("postgres:///eureka?host={hosts}&user=postgres&target_session_attrs=read-write&connect_timeout=2")
    }

    fn in_a_new_folder(programs: PathBuf) -> io::Result<Self> {
        let folder = TempDir::new()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?; // the server's own user keeps its socket there
        fs::create_dir(folder.path().join("log"))?;
        fs::set_permissions(folder.path().join("log"), fs::Permissions::from_mode(0o777))?;
        Ok(Self { folder, programs, as_user: as_user(uid()?) })
    }

    fn make(&self, settings: &[&str]) -> io::Result<()> {
        let mut initdb = self.command("initdb");
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"]).arg(self.data());
        run(&mut initdb)?;
        self.configure(settings)?;
        self.start();
        let mut create = self.command("createdb");
        run(create.args(["-U", "postgres", "-h"]).arg(self.folder.path()).arg("eureka"))
    }

    /// Adds lines to the configuration; the last of a name counts.
    fn configure(&self, settings: &[&str]) -> io::Result<()> {
        let socket = format!("unix_socket_directories = '{}'", self.folder.path().display());
        let fixed = ["listen_addresses = ''", &socket, "shared_buffers = 32MB"];
        let lines = fixed.iter().chain(settings).copied().collect::<Vec<_>>().join("\n") + "\n";
        let path = self.data().join("postgresql.conf");
        let mut text = fs::read_to_string(&path)?;
        text.push_str(&lines);
        fs::write(path, text)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, what: &str) -> Command {
        let mut control = self.command("pg_ctl");
        control.args([what, "-s", "-D"]).arg(self.data());
        control
    }

    fn command(&self, program: &str) -> Command {
        command(&self.programs.join(program), self.as_user)
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        self.kill();
    }
}
