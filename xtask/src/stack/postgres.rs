//! PostgreSQL: a cluster of our own, whatever the system's package has set up.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::command;
use crate::health::Health;
use crate::packages;
use crate::process::StopSignal;
use crate::progress::Step;
use crate::stack::account::Account;
use crate::stack::{Mode, Stack};
use crate::supervisor::{Launch, Part};

/// The superuser, its password and the first database. The server listens on the loopback interface only.
const NAME: &str = "abacus";

/// The URL of a server on `port`, for its superuser.
pub(crate) fn url(port: u16) -> String {
    url_of_database(port, NAME)
}

fn url_of_database(port: u16, database: &str) -> String {
    format!("postgres://{NAME}:{NAME}@127.0.0.1:{port}/{database}")
}

/// The folder of `initdb` and `postgres`: the newest of Debian's, else what is on the path.
pub(crate) fn find_programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("bin").join("initdb").is_file())
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .max()
        .map(|(_, folder)| folder.join("bin"));
    newest.or_else(|| Some(packages::on_path("initdb")?.parent()?.to_path_buf()))
}

/// What to run for the Postgres of `stack`; makes its cluster where that is new.
pub(crate) fn part(stack: &mut Stack, step: &Step) -> Result<Part> {
    let programs = find_programs().context("PostgreSQL is not installed")?;
    let account = Account::find()?;
    let home = match stack.postgres_home() {
        Some(home) => home.to_path_buf(),
        // What an earlier stack of this folder has left outside it belongs to a log that is gone.
        None => account.empty_home_for(&stack.data("postgres"))?,
    };
    stack.set_postgres_home(&home)?;
    let server = Server { programs, account, data: home.join("cluster"), home };
    if !server.data.join("PG_VERSION").exists() {
        server.make_cluster(stack, step)?;
    }
    server.drop_stale_lock()?;
    server.part(stack)
}

/// Makes the first database where it is not there. The server must be up.
pub(crate) fn ensure_database(stack: &Stack) -> Result<()> {
    let programs = find_programs().context("PostgreSQL is not installed")?;
    let server = url_of_database(stack.port("postgres")?, "postgres");
    let psql = |statement: &str| {
        let mut psql = Command::new(programs.join("psql"));
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--command", statement, &server]);
        command::output(&mut psql)
    };
    let found = psql(&format!("select 1 from pg_database where datname = '{NAME}'"))?;
    if found.is_empty() {
        psql(&format!("create database {NAME}"))?;
    }
    Ok(())
}

pub(crate) fn health(stack: &Stack) -> Result<Health> {
    let programs = find_programs().context("PostgreSQL is not installed")?;
    let port = stack.port("postgres")?.to_string();
    Ok(Health::Program {
        program: programs.join("pg_isready"),
        arguments: ["-q", "-h", "127.0.0.1", "-p", &port].map(str::to_owned).to_vec(),
    })
}

struct Server {
    programs: PathBuf,
    account: Account,
    home: PathBuf,
    data: PathBuf,
}

impl Server {
    fn make_cluster(&self, stack: &Stack, step: &Step) -> Result<()> {
        self.account.make_folder(&self.home)?;
        // What an interrupted attempt has left.
        if self.data.exists() {
            fs::remove_dir_all(&self.data)?;
        }
        let password = self.home.join("password");
        fs::write(&password, NAME)?;
        self.account.own(&password)?;
        let mut initdb = self.account.command(&self.programs.join("initdb"));
        initdb
            .args(["--username", NAME, "--auth", "scram-sha-256", "--encoding", "UTF8"])
            .args(["--locale", "C.UTF-8", "--no-sync", "--no-instructions"])
            .arg("--pwfile")
            .arg(&password)
            .arg("--pgdata")
            .arg(&self.data)
            .current_dir(&self.home);
        let log = stack.supervisor().log("postgres-initdb");
        command::run_logged(&mut initdb, &log, step).context("cannot make a Postgres cluster")
    }

    /// Removes a lock file whose process id belongs to another process by now, as after a crash of the machine.
    fn drop_stale_lock(&self) -> Result<()> {
        let file = self.data.join("postmaster.pid");
        let Ok(text) = fs::read_to_string(&file) else { return Ok(()) };
        let pid = text.lines().next().unwrap_or_default();
        let owner = fs::read_link(format!("/proc/{pid}/cwd")).ok();
        if owner.as_deref() != fs::canonicalize(&self.data).ok().as_deref() {
            fs::remove_file(&file)?;
        }
        Ok(())
    }

    fn part(&self, stack: &Stack) -> Result<Part> {
        let port = stack.port("postgres")?;
        let (program, arguments) = self.account.wrap(&self.programs.join("postgres"));
        let mut launch = Launch::new(program, &self.home)
            .arguments(arguments)
            .arguments(["-D".into(), self.data.clone()])
            .arguments(["-p", &port.to_string()])
            .arguments(["-c", "listen_addresses=127.0.0.1"])
            .arguments(["-c", "unix_socket_directories="])
            .arguments(["-c", "max_connections=200"])
            .arguments(durability(stack.mode()).iter().flat_map(|setting| ["-c", setting]));
        launch.stop = StopSignal::Interrupt;
        Ok(Part {
            name: "postgres".to_owned(),
            address: url(port),
            launch,
            health: health(stack)?,
            patience: Duration::from_mins(1),
        })
    }
}

fn durability(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::Lasting => &[],
        Mode::Throwaway => &["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
    }
}
