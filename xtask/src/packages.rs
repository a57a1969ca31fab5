//! System packages that the commands require, and their installation.
//!
//! A package is missing if its program or file is missing, whatever the package manager says. So a
//! Java or a Redis from another source suffices.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command;
use crate::java;
use crate::programs;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Purpose of a command; it selects the required packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Compile the workspace: librdkafka is C, built from source.
    Build,
    /// Run Kafka, the registry, Postgres and Redis.
    Servers,
    /// Run the tests; some tests use clients in Python, in Java, and kcat.
    Tests,
    /// Put load on the HTTP interface.
    Bench,
    /// Make a bare Debian system.
    Fresh,
}

struct Requirement {
    purpose: Purpose,
    name: &'static str,
    /// Debian packages with the program or file, in order of preference.
    packages: &'static [&'static str],
    is_met: fn() -> bool,
}

const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        purpose: Purpose::Build,
        name: "a C++ compiler",
        packages: &["g++"],
        is_met: || programs::on_path("g++").is_some(),
    },
    Requirement {
        purpose: Purpose::Build,
        name: "make",
        packages: &["make"],
        is_met: || programs::on_path("make").is_some(),
    },
    Requirement {
        purpose: Purpose::Build,
        name: "pkg-config",
        packages: &["pkg-config"],
        is_met: || programs::on_path("pkg-config").is_some(),
    },
    Requirement {
        purpose: Purpose::Build,
        name: "zlib's headers",
        packages: &["zlib1g-dev"],
        is_met: || Path::new("/usr/include/zlib.h").is_file(),
    },
    Requirement {
        purpose: Purpose::Servers,
        name: "Java 17 or newer",
        packages: &["default-jre-headless", "openjdk-17-jre-headless"],
        is_met: || java::find().is_some(),
    },
    Requirement {
        purpose: Purpose::Servers,
        name: "Maven",
        packages: &["maven"],
        is_met: || programs::on_path("mvn").is_some(),
    },
    Requirement {
        purpose: Purpose::Servers,
        name: "PostgreSQL",
        packages: &["postgresql"],
        is_met: || programs::postgres().is_some(),
    },
    Requirement {
        purpose: Purpose::Servers,
        name: "Redis",
        packages: &["redis-server"],
        is_met: || programs::on_path("redis-server").is_some(),
    },
    Requirement {
        purpose: Purpose::Tests,
        name: "Python with venv",
        packages: &["python3-venv"],
        is_met: has_python_venv,
    },
    Requirement {
        purpose: Purpose::Tests,
        name: "a Java compiler",
        packages: &["default-jdk-headless", "openjdk-17-jdk-headless"],
        is_met: || programs::on_path("javac").is_some(),
    },
    Requirement {
        purpose: Purpose::Tests,
        name: "kcat",
        packages: &["kcat"],
        is_met: || programs::on_path("kcat").is_some(),
    },
    Requirement {
        purpose: Purpose::Tests,
        name: "curl",
        packages: &["curl"],
        is_met: || programs::on_path("curl").is_some(),
    },
    Requirement {
        purpose: Purpose::Bench,
        name: "wrk",
        packages: &["wrk"],
        is_met: || programs::on_path("wrk").is_some(),
    },
    Requirement {
        purpose: Purpose::Fresh,
        name: "debootstrap",
        packages: &["debootstrap"],
        is_met: || programs::on_path("debootstrap").is_some(),
    },
    Requirement {
        purpose: Purpose::Fresh,
        name: "slirp4netns",
        packages: &["slirp4netns"],
        is_met: || programs::on_path("slirp4netns").is_some(),
    },
];

fn has_python_venv() -> bool {
    command::succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}

/// Installs the missing packages for `purposes`. Without the permission, fails with a line for the
/// user to run.
pub(crate) fn ensure(
    workspace: &Workspace,
    progress: &Progress,
    purposes: &[Purpose],
) -> Result<()> {
    let missing = missing_for(purposes);
    if missing.is_empty() {
        return Ok(());
    }
    if programs::on_path("apt-get").is_none() {
        bail!("this machine lacks {}; install it, then repeat the command", list(&missing));
    }
    let Some(privilege) = Privilege::find() else {
        bail!(
            "this machine lacks {}; run this line, then repeat the command:\n\n  \
             sudo apt-get update && sudo apt-get install -y --no-install-recommends {}\n",
            list(&missing),
            packages_for(&missing).join(" ")
        );
    };
    let packages = install(workspace, progress, privilege, &missing)?;
    let still_missing = missing_for(purposes);
    if !still_missing.is_empty() {
        bail!("{} still missing after installing {}", list(&still_missing), packages.join(", "));
    }
    Ok(())
}

fn missing_for(purposes: &[Purpose]) -> Vec<&'static Requirement> {
    REQUIREMENTS
        .iter()
        .filter(|requirement| purposes.contains(&requirement.purpose) && !(requirement.is_met)())
        .collect()
}

fn list(requirements: &[&Requirement]) -> String {
    requirements.iter().map(|requirement| requirement.name).collect::<Vec<_>>().join(", ")
}

/// Returns the first available package of each requirement.
fn packages_for(requirements: &[&'static Requirement]) -> Vec<&'static str> {
    let is_available = |package: &&&str| {
        command::output(Command::new("apt-cache").args(["show", "--no-all-versions", package]))
            .is_ok_and(|text| !text.is_empty())
    };
    requirements
        .iter()
        .filter_map(|requirement| match requirement.packages {
            [only] => Some(*only),
            several => several.iter().find(is_available).or(several.first()).copied(),
        })
        .collect()
}

#[derive(Debug, Clone, Copy)]
enum Privilege {
    Root,
    Sudo,
}

impl Privilege {
    fn find() -> Option<Self> {
        if rustix::process::geteuid().is_root() {
            return Some(Self::Root);
        }
        command::succeeds(Command::new("sudo").args(["-n", "true"])).then_some(Self::Sudo)
    }

    fn apt_get(self) -> Command {
        let mut command = match self {
            Self::Root => Command::new("env"),
            Self::Sudo => {
                let mut sudo = Command::new("sudo");
                sudo.args(["-n", "env"]);
                sudo
            }
        };
        command.args([
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-o",
            "DPkg::Lock::Timeout=300",
        ]);
        command
    }
}

fn install(
    workspace: &Workspace,
    progress: &Progress,
    privilege: Privilege,
    missing: &[&'static Requirement],
) -> Result<Vec<&'static str>> {
    let log = workspace.local().join("apt.log");
    progress.step("refresh the list of packages", |step| {
        command::run_logged(privilege.apt_get().arg("update"), &log, step)
    })?;
    let packages = packages_for(missing);
    progress.step(&format!("install {}", packages.join(" ")), |step| {
        let mut apt = privilege.apt_get();
        apt.args(["install", "-y", "--no-install-recommends"]).args(&packages);
        command::run_logged(&mut apt, &log, step)
    })?;
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_names_a_package() {
        assert!(REQUIREMENTS.iter().all(|requirement| !requirement.packages.is_empty()));
    }
}
