//! The PostgreSQL cluster that all test processes of a run share: started by the first that needs it, on a Unix socket
//! in the temporary folder, without fsync; ended by a watchdog once nobody has used it for a while.
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

/// Takes the folder, and then the command that ends the cluster. Idle three times in a row, ten seconds apart, is idle.
const WATCHDOG: &str = r#"
folder=$1; shift
exec 8>"$folder/watchdog.lock"; flock -n 8 || exit 0
exec 9>"$folder/start.lock" 7>"$folder/users.lock"
idle=0
while sleep 10; do
    flock -n 9 || continue
    if flock -n 7; then idle=$((idle + 1)); else idle=0; fi
    if [ "$idle" -ge 3 ]; then
        "$@"
        rm -rf "$folder/cluster"
        exit 0
    fi
    flock -u 7; flock -u 9
done
"#;

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
            Some(programs) => Self::join(programs).map_err(|error| error.to_string()),
            None => Err("PostgreSQL is not installed".to_owned()),
        });
        match shared {
            Ok(cluster) => Ok(cluster),
            #[allow(clippy::panic, reason = "CI tests on both databases or not at all")]
            Err(why) if is_ci() => panic!("no PostgreSQL to test on: {why}"),
            Err(why) => Err(why),
        }
    }

    fn join(programs: PathBuf) -> io::Result<Self> {
        let uid = tempfile::tempfile()?.metadata()?.uid();
        let home = std::env::temp_dir().join(format!("eureka-testkit-{uid}"));
        fs::create_dir_all(&home)?;
        if home.metadata()?.uid() != uid {
            return Err(io::Error::other(format!("{} belongs to somebody else", home.display())));
        }
        fs::set_permissions(&home, fs::Permissions::from_mode(0o755))?; // the server's own user passes through

        let starting = File::create(home.join("start.lock"))?;
        starting.lock()?;
        let in_use = File::create(home.join("users.lock"))?;
        in_use.lock_shared()?;
        let cluster = Self { folder: home.join("cluster"), programs, _in_use: in_use };
        let server = Server { cluster: &cluster, as_user: (uid == 0).then_some("postgres") };
        if cluster.sql("postgres", &["SELECT 1"]).is_err() {
            server.start()?;
        }
        server.watch(&home)?;
        Ok(cluster)
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
        let make_room = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        self.sql("postgres", &[&make_room, &format!("CREATE DATABASE {name} TEMPLATE {template}")])
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
    /// PostgreSQL refuses to run as root.
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
             -c full_page_writes=off -c max_connections=200 -c shared_buffers=64MB",
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
    fn watch(&self, home: &Path) -> io::Result<()> {
        let lock = File::create(home.join("watchdog.lock"))?;
        if lock.try_lock().is_err() {
            return Ok(());
        }
        lock.unlock()?;
        let stop = self.stop();
        Command::new("sh")
            .args(["-c", WATCHDOG, "eureka-testkit-watchdog"])
            .arg(home)
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
        let program = self.cluster.programs.join(program);
        let mut command = match self.as_user {
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
}

/// Runs a program that leaves a server behind, perhaps: nothing of this process's may stay open in it.
fn run(command: &mut Command) -> io::Result<()> {
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
fn programs() -> Option<PathBuf> {
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
        .find(|folder| ["initdb", "pg_ctl", "psql"].iter().all(|program| folder.join(program).exists()))
}

fn is_ci() -> bool {
    #[allow(clippy::disallowed_methods, reason = "a setting of the test run, not of the product")]
    let ci = std::env::var("CI");
    ci.is_ok_and(|ci| ci == "true")
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
