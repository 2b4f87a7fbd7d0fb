//! The PostgreSQL cluster that all test processes of a run share: started by the first that needs it, on a Unix socket
//! in the temporary folder, without fsync; ended by a watchdog, folder and all, once nobody has used it for a while.
//!
//! Who uses it holds a shared lock on `users.lock`, which the kernel lets go however a process ends; so nextest's process
//! for each test, `cargo test`'s one for all, and a killed run are alike. Starting and ending take `start.lock`.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::skip::is_ci;

/// Takes the home, a pause in seconds, and the command that ends the cluster. Idle at three looks in a row is idle. A
/// home that somebody else has removed is no longer this one's to end.
const WATCHDOG: &str = r#"
home=$1 pause=$2; shift 2
exec 8>"$home/watchdog.lock"; flock -n 8 || exit 0
exec 9>"$home/start.lock" 7>"$home/users.lock"
idle=0
while sleep "$pause" 7>&- 8>&- 9>&-; do
    flock -n 9 || continue
    [ "$home/start.lock" -ef /dev/fd/9 ] || exit 0
    if flock -n 7; then idle=$((idle + 1)); else idle=0; fi
    if [ "$idle" -ge 3 ]; then
        "$@"
        mv "$home" "$home.$$" && rm -rf "$home.$$"
        exit 0
    fi
    flock -u 7; flock -u 9
done
"#;

/// How long the watchdog pauses between two looks, in seconds.
const PAUSE: &str = "10";

/// The running cluster, and this process's claim on it.
pub(crate) struct Cluster {
    /// Holds the socket, the data and the log; gone with the cluster.
    folder: PathBuf,
    programs: PathBuf,
    _in_use: File,
}

impl Cluster {
    /// The cluster, started if need be. An error says why there is none on this machine; in CI it is a panic.
    pub(crate) fn shared() -> Result<&'static Self, &'static str> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| match programs() {
            Some(programs) => home()
                .and_then(|home| Self::join(programs, &home, PAUSE))
                .map_err(|error| format!("it does not start: {error}")),
            None => Err("PostgreSQL is not installed".to_owned()),
        });
        match shared {
            Ok(cluster) => Ok(cluster),
            #[allow(clippy::panic, reason = "CI tests on both databases or not at all")]
            Err(why) if is_ci() => panic!("no PostgreSQL to test on: {why}"),
            Err(why) => Err(why),
        }
    }

    fn join(programs: PathBuf, home: &Path, pause: &str) -> io::Result<Self> {
        let uid = uid()?;
        refuse_foreign(home, uid)?;
        let starting = lock_home(home)?;
        fs::set_permissions(home, fs::Permissions::from_mode(0o755))?; // the server's own user passes through
        let in_use = File::create(home.join("users.lock"))?;
        in_use.lock_shared()?;
        let cluster = Self { folder: home.join("cluster"), programs, _in_use: in_use };
        let server = Server { cluster: &cluster, as_user: as_user(uid) };
        if !cluster.is_running() {
            server.start()?;
        }
        server.watch(home, pause)?;
        drop(starting);
        Ok(cluster)
    }

    /// Whether a server answers, if only that it has too many clients.
    fn is_running(&self) -> bool {
        let mut ask = Command::new(self.programs.join("pg_isready"));
        run(ask.args(["-q", "-U", "postgres", "-d", "postgres", "-h"]).arg(&self.folder)).is_ok()
    }

    /// Makes an empty database and answers its URL.
    #[allow(clippy::expect_used, reason = "a test without a database has failed")]
    pub(crate) fn create(&self, name: &str) -> String {
        self.copy("template0", name).expect("a PostgreSQL database");
        self.url(name)
    }

    /// Makes a database that `migrate`, given a URL, has migrated: a copy of one made once for each state of the
    /// migrations.
    #[allow(clippy::expect_used, reason = "a test without a database has failed")]
    pub(crate) fn create_migrated(&self, name: &str, migrate: impl FnOnce(&str)) -> String {
        let template = format!("migrated_{:x}", fingerprint().expect("the migrations"));
        if self.copy(&template, name).is_err() {
            self.make_template(&template, migrate).expect("a template database");
            self.copy(&template, name).expect("a PostgreSQL database");
        }
        self.url(name)
    }

    fn make_template(&self, template: &str, migrate: impl FnOnce(&str)) -> io::Result<()> {
        let starting = File::create(self.folder.with_file_name("start.lock"))?;
        starting.lock()?; // another process may be making it
        let is_there = format!("SELECT 1 / count(*) FROM pg_database WHERE datname = '{template}'");
        if self.sql("postgres", &[&is_there]).is_ok() {
            return Ok(());
        }
        let unfinished = format!("{template}_unfinished");
        self.copy("template0", &unfinished)?;
        migrate(&self.url(&unfinished));
        self.sql("postgres", &[&format!("ALTER DATABASE {unfinished} RENAME TO {template}")])
    }

    fn copy(&self, template: &str, name: &str) -> io::Result<()> {
        // Since 15, databases are copied through the log unless told otherwise: five times as slow.
        let strategy = if self.logs_copies() { " STRATEGY file_copy" } else { "" };
        let make_room = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        self.sql("postgres", &[&make_room, &format!("CREATE DATABASE {name} TEMPLATE {template}{strategy}")])
    }

    fn logs_copies(&self) -> bool {
        static LOGS: OnceLock<bool> = OnceLock::new();
        let since_15 = "SELECT 1 / (current_setting('server_version_num')::int / 150000)";
        *LOGS.get_or_init(|| self.sql("postgres", &[since_15]).is_ok())
    }

    /// Drops a database, whoever is connected. A failure is told and no more: the cluster goes away anyhow.
    pub(crate) fn drop_database(&self, name: &str) {
        if let Err(error) = self.sql("postgres", &[&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]) {
            eprintln!("{name} was left behind: {error}");
        }
    }

    fn url(&self, name: &str) -> String {
        format!("postgres:///{name}?host={}&user=postgres", self.folder.display())
    }

    fn sql(&self, database: &str, statements: &[&str]) -> io::Result<()> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-h"]).arg(&self.folder);
        for statement in statements {
            psql.args(["-c", statement]);
        }
        run(&mut psql)
    }
}

/// The cluster's server, for those who hold `start.lock`.
struct Server<'c> {
    cluster: &'c Cluster,
    /// See [`as_user`].
    as_user: Option<&'static str>,
}

impl Server<'_> {
    fn start(&self) -> io::Result<()> {
        let folder = &self.cluster.folder;
        let _ = run(&mut self.stop()); // what a crash may have left
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        let mut install = Command::new("install");
        install.args(["-d", "-m", "0700"]).args(self.as_user.map(|user| format!("--owner={user}"))).arg(folder);
        run(&mut install)?;
        let data = folder.join("data");
        let mut initdb = self.command("initdb");
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]);
        run(initdb.arg(&data))?;
        let settings = format!(
            "-c listen_addresses= -c unix_socket_directories={} -c fsync=off -c synchronous_commit=off \
             -c full_page_writes=off -c autovacuum=off -c max_connections=500 -c shared_buffers=64MB",
            folder.display()
        );
        let mut start = self.command("pg_ctl");
        start.args(["start", "-w", "-s", "-D"]).arg(&data).arg("-l").arg(folder.join("log")).args(["-o", &settings]);
        run(&mut start)
    }

    fn stop(&self) -> Command {
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "-m", "immediate", "-s", "-D"]).arg(self.cluster.folder.join("data"));
        stop
    }

    /// Starts the watchdog, unless there is one.
    fn watch(&self, home: &Path, pause: &str) -> io::Result<()> {
        let lock = File::create(home.join("watchdog.lock"))?;
        if lock.try_lock().is_err() {
            return Ok(());
        }
        lock.unlock()?;
        let stop = self.stop();
        Command::new("sh")
            .args(["-c", WATCHDOG, "eureka-testkit-watchdog"])
            .arg(home)
            .arg(pause)
            .arg(stop.get_program())
            .args(stop.get_args())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        command(&self.cluster.programs.join(program), self.as_user)
    }
}

/// As whom the server runs: it refuses to run as root.
pub(crate) fn as_user(uid: u32) -> Option<&'static str> {
    (uid == 0).then_some("postgres")
}

/// A program, run as somebody else where need be.
pub(crate) fn command(program: &Path, as_user: Option<&str>) -> Command {
    let mut command = match as_user {
        None => Command::new(program),
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
    };
    command.current_dir("/");
    command
}

/// The folder of this user's cluster and its locks.
fn home() -> io::Result<PathBuf> {
    Ok(std::env::temp_dir().join(format!("eureka-testkit-{}", uid()?)))
}

pub(crate) fn uid() -> io::Result<u32> {
    Ok(tempfile::tempfile()?.metadata()?.uid())
}

/// Makes the home if need be, and takes its `start.lock`. The watchdog may remove the home while this waits: what was
/// locked then is a file that is gone, and the next one counts.
fn lock_home(home: &Path) -> io::Result<File> {
    let path = home.join("start.lock");
    loop {
        fs::create_dir_all(home)?;
        let lock = match File::create(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            lock => lock?,
        };
        lock.lock()?;
        let held = lock.metadata()?.ino();
        if path.metadata().is_ok_and(|there| there.ino() == held) {
            return Ok(lock);
        }
    }
}

/// Refuses a home that another user has laid out.
fn refuse_foreign(home: &Path, uid: u32) -> io::Result<()> {
    match fs::symlink_metadata(home) {
        Ok(found) if !found.is_dir() || found.uid() != uid => {
            Err(io::Error::other(format!("{} belongs to somebody else", home.display())))
        }
        _ => Ok(()),
    }
}

/// Runs a program that leaves a server behind, perhaps: nothing of this process's may stay open in it.
pub(crate) fn run(command: &mut Command) -> io::Result<()> {
    let mut told = tempfile::tempfile()?;
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(told.try_clone()?).status()?;
    if status.success() {
        return Ok(());
    }
    let mut why = String::new();
    told.rewind()?;
    told.read_to_string(&mut why)?;
    Err(io::Error::other(format!("{}: {status}: {why}", command.get_program().display())))
}

/// The folder with PostgreSQL's programs: of the newest release in Debian's place, else on the search path.
pub(crate) fn programs() -> Option<PathBuf> {
    let mut releases: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    releases.sort();
    #[allow(clippy::disallowed_methods, reason = "looks for a program, as a shell would")]
    let path = std::env::var("PATH").unwrap_or_default();
    let installed = releases.into_iter().rev().map(|(_, folder)| folder);
    installed
        .chain(std::env::split_paths(&path))
        .find(|folder| ["initdb", "pg_ctl", "pg_isready", "psql"].iter().all(|program| folder.join(program).exists()))
}

/// Tells one state of the migrations from another.
fn fingerprint() -> io::Result<u64> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");
    let mut steps: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path().join("up.sql"))).collect::<io::Result<_>>()?;
    steps.sort();
    let mut hasher = DefaultHasher::new();
    for step in steps {
        step.hash(&mut hasher);
        fs::read(step)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn the_cluster_stays_while_it_is_used_and_then_goes_with_its_folder() {
        let Some(programs) = programs() else { return };
        let home = home().unwrap().with_extension("its-own-test");
        let join = || Cluster::join(programs.clone(), &home, "0.1").unwrap();
        let server = || fs::read_to_string(home.join("cluster/data/postmaster.pid")).ok();
        let wait = |until: &dyn Fn() -> bool| {
            let start = Instant::now();
            while !until() {
                assert!(start.elapsed() < Duration::from_secs(20), "it takes too long");
                std::thread::sleep(Duration::from_millis(50));
            }
        };

        let (one, two) = std::thread::scope(|scope| {
            let (one, two) = (scope.spawn(join), scope.spawn(join));
            (one.join().unwrap(), two.join().unwrap())
        });
        let started = server().unwrap();
        drop(one);
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(server(), Some(started.clone()), "somebody still uses it");

        drop(two);
        let words = PathBuf::from("/proc").join(started.lines().next().unwrap()).join("cmdline");
        wait(&|| !home.exists() && fs::read(&words).unwrap_or_default().is_empty());

        let again = join();
        assert!(again.is_running());
        drop(again);
        wait(&|| !home.exists());
    }
}
