//! `abacus-migrate`: applies the missing migrations to the database of the request log.

use std::process::ExitCode;

use abacus_migrations::{Error, MigrateConfig, apply, connect};
use abacus_runtime::{Config as _, Environment};

/// Exit code after wrong arguments or settings: another start cannot help.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => migrate(),
        Some("--help" | "-h") => print(&help()),
        Some("--version" | "-V") => print(concat!("abacus-migrate ", env!("CARGO_PKG_VERSION"))),
        Some(other) => refuse(&format!("unexpected argument `{other}`; see --help"), USAGE),
    }
}

fn migrate() -> ExitCode {
    let mut env = Environment::from_process();
    let config = MigrateConfig::read(&mut env);
    if let Err(problems) = env.finish() {
        return refuse(&problems.to_string(), USAGE);
    }
    match bring_up_to_date(&config) {
        Ok(applied) => print(&report(&applied)),
        Err(error) => refuse(&error.to_string(), 1),
    }
}

fn bring_up_to_date(config: &MigrateConfig) -> Result<Vec<String>, Error> {
    apply(&mut connect(&config.postgres, config.wait)?)
}

fn report(applied: &[String]) -> String {
    if applied.is_empty() {
        return "nothing to apply: the database is up to date".to_owned();
    }
    format!("applied {}", applied.join(", "))
}

fn help() -> String {
    let mut env = Environment::from_pairs::<&str, &str>([]);
    let _ = MigrateConfig::read(&mut env);
    let settings = env.settings().iter().map(|setting| {
        let default = setting.default.unwrap_or("(not set)");
        format!("\n  {}\n      {}\n      default: {default}", setting.name, setting.meaning)
    });
    format!(
        "Brings the database of the request log up to date.\n\n\
         Usage: abacus-migrate [--help | --version]\n\n\
         Settings are environment variables:{}",
        settings.collect::<String>()
    )
}

#[expect(clippy::print_stdout, reason = "the program's answer")]
fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "the program's answer")]
fn refuse(text: &str, code: u8) -> ExitCode {
    eprintln!("abacus-migrate: {text}");
    ExitCode::from(code)
}
