//! PostgreSQL: a separate cluster per stack, independent of the cluster of the system's package.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::command;
use crate::health::Health;
use crate::process::StopSignal;
use crate::programs;
use crate::progress::Step;
use crate::stack::addresses::POSTGRES_NAME;
use crate::stack::os_user::OsUser;
use crate::stack::{Mode, Stack};
use crate::supervisor::{Launch, Part};

/// Returns the Postgres of `stack`. Makes the cluster of a new stack.
pub(crate) fn part(stack: &mut Stack, step: &Step) -> Result<Part> {
    let programs = programs::postgres().context("PostgreSQL is not installed")?;
    let user = OsUser::find()?;
    let home = match stack.postgres_home() {
        Some(home) => home.to_path_buf(),
        // A folder outside the stack may hold data of an earlier, deleted stack.
        None => user.empty_home_for(&stack.data("postgres"))?,
    };
    stack.set_postgres_home(&home)?;
    let server = Server { programs, user, data: home.join("cluster"), home };
    if !server.data.join("PG_VERSION").exists() {
        server.make_cluster(stack, step)?;
    }
    server.drop_stale_lock()?;
    server.part(stack)
}

/// Makes the first database if it is missing. The server must be running.
pub(crate) fn ensure_database(stack: &Stack) -> Result<()> {
    let programs = programs::postgres().context("PostgreSQL is not installed")?;
    let server = stack.database_url("postgres")?;
    let psql = |statement: &str| {
        let mut psql = Command::new(programs.join("psql"));
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--command", statement, &server]);
        command::output(&mut psql)
    };
    let found = psql(&format!("select 1 from pg_database where datname = '{POSTGRES_NAME}'"))?;
    if found.is_empty() {
        psql(&format!("create database {POSTGRES_NAME}"))?;
    }
    Ok(())
}

pub(crate) fn health(stack: &Stack) -> Result<Health> {
    let programs = programs::postgres().context("PostgreSQL is not installed")?;
    let port = stack.port("postgres")?.to_string();
    Ok(Health::Program {
        program: programs.join("pg_isready"),
        arguments: ["-q", "-h", "127.0.0.1", "-p", &port].map(str::to_owned).to_vec(),
    })
}

struct Server {
    programs: PathBuf,
    user: OsUser,
    home: PathBuf,
    data: PathBuf,
}

impl Server {
    fn make_cluster(&self, stack: &Stack, step: &Step) -> Result<()> {
        self.user.make_folder(&self.home)?;
        // An interrupted attempt may have left files.
        if self.data.exists() {
            fs::remove_dir_all(&self.data)?;
        }
        let password = self.home.join("password");
        fs::write(&password, POSTGRES_NAME)?;
        self.user.own(&password)?;
        let mut initdb = self.user.command(&self.programs.join("initdb"));
        initdb
            .args(["--username", POSTGRES_NAME, "--auth", "scram-sha-256", "--encoding", "UTF8"])
            .args(["--locale", "C.UTF-8", "--no-sync", "--no-instructions"])
            .arg("--pwfile")
            .arg(&password)
            .arg("--pgdata")
            .arg(&self.data)
            .current_dir(&self.home);
        let log = stack.supervisor().log("postgres-initdb");
        command::run_logged(&mut initdb, &log, step).context("cannot make a Postgres cluster")
    }

    /// Removes a stale lock file: its process id belongs to another process, for example after a
    /// crash of the machine.
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
        let (program, arguments) = self.user.wrap(&self.programs.join("postgres"));
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
            address: stack.postgres_url()?,
            launch,
            health: health(stack)?,
            start_timeout: Duration::from_mins(1),
        })
    }
}

fn durability(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::Lasting => &[],
        Mode::Throwaway => &["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
    }
}
