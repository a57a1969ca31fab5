//! `check fresh`: the two commands of the README, in a bare Debian system made for the check.
//!
//! The system has Debian's minimal packages, a C compiler, CA certificates, git and curl, and the Rust toolchain of
//! this machine. A clean clone of the last commit runs in separate namespaces, so ports and processes do not collide
//! with another stack. The system reaches the package registries through user-mode networking.

mod system;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use self::system::System;
use crate::cli;
use crate::command;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::test::and_then_clean_up;
use crate::workspace::Workspace;

/// Runs the check and prints the time of each step.
pub(super) fn run(workspace: &Workspace, progress: &Progress, options: &cli::Fresh) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!(
            "`check fresh` makes a system with debootstrap and namespaces, so it must run as root"
        );
    }
    packages::ensure(workspace, progress, &[Purpose::Fresh])?;
    let mut times = Times(Vec::new());
    let system = times.measure("make a bare system", || System::make(workspace, progress))?;
    let result = run_commands(&system, progress, options, &mut times);
    times.print();
    and_then_clean_up(result, || {
        if options.keep {
            println!("\nthe system is in {}", system.root().display());
            return system.stop();
        }
        system.remove()
    })
}

fn run_commands(
    system: &System,
    progress: &Progress,
    options: &cli::Fresh,
    times: &mut Times,
) -> Result<()> {
    let up: &[&str] = &["cargo", "xtask", "up", "--profile", options.profile.name()];
    let test: &[&str] = &["cargo", "xtask", "test"];
    let commands = if options.skip_tests { vec![up] } else { vec![up, test] };
    for words in commands {
        let line = words.join(" ");
        times.measure(&line, || {
            progress.section(&format!("in the bare system: {line}"), || {
                command::run(&mut system.command(words))
            })
        })?;
    }
    Ok(())
}

/// Duration of each step, in order.
struct Times(Vec<(String, Duration)>);

impl Times {
    fn measure<T>(&mut self, step: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        let result = work();
        self.0.push((step.to_owned(), started.elapsed()));
        result
    }

    fn print(&self) {
        for (step, time) in &self.0 {
            println!("{step:<36}{:>8.1} s", time.as_secs_f64());
        }
    }
}
