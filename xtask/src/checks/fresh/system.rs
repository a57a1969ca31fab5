//! A bare Debian system in a folder, and the namespaces that run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command;
use crate::files::remove;
use crate::progress::Progress;
use crate::wait;
use crate::workspace::Workspace;

const RELEASE: &str = "bookworm";
/// Packages beyond Debian's minimal system, as README's requirements name them.
const PACKAGES: &str = "gcc,libc6-dev,ca-certificates,git,curl";
const CLONE: &str = "/root/abacus";
const TOOLCHAIN: &str = "/opt/rust";
/// Name server that slirp4netns gives to its network.
const RESOLVER: &str = "nameserver 10.0.2.3\n";
const START_LIMIT: Duration = Duration::from_secs(20);

/// Settings of this machine by which package managers reach their registries.
const REGISTRY_SETTINGS: &[&str] = &[
    "/etc/apt/auth.conf.d",
    "/etc/maven/settings.xml",
    "/etc/pip.conf",
    "/root/.cargo/config.toml",
    "/root/.config/go/env",
    "/root/.config/pip",
    "/root/.m2/settings.xml",
    "/root/.npmrc",
    "/usr/local/share/ca-certificates",
];
/// Environment variables with the same purpose.
const REGISTRY_VARIABLES: &[&str] =
    &["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

/// A running bare system. Its processes end with it.
pub(super) struct System {
    root: PathBuf,
    /// Runs `unshare`; the first process of the system is its child.
    unshare: Child,
    network: Option<Child>,
}

impl System {
    /// Makes and starts a system with a clean clone of the checkout.
    pub(super) fn make(workspace: &Workspace, progress: &Progress) -> Result<Self> {
        let root = workspace.local().join("fresh");
        remove(&root)?;
        let log = workspace.local().join("fresh.log");
        progress.step("make a bare Debian system", |step| {
            command::run_logged(&mut debootstrap(&root)?, &log, step)
        })?;
        progress.step("copy registry settings, clone the checkout", |step| {
            configure(&root)?;
            let mut clone = Command::new("git");
            clone.args(["clone", "--quiet", "--no-local"]).arg(workspace.root());
            command::run_logged(clone.arg(inside(&root, CLONE)), &log, step)
        })?;
        progress.step("start the system", |_| Self::start(root, &toolchain()?))
    }

    fn start(root: PathBuf, toolchain: &Path) -> Result<Self> {
        fs::create_dir_all(inside(&root, TOOLCHAIN))?;
        let mut unshare = Command::new("unshare");
        unshare
            .args(["--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child"])
            .args(["sh", "-euc", START, "sh"])
            .args([&root, toolchain])
            .arg(inside(&root, TOOLCHAIN))
            .stdin(Stdio::null());
        let unshare = unshare.spawn().context("cannot run unshare")?;
        let mut system = Self { root, unshare, network: None };
        system.connect()?;
        command::run(&mut system.command(&["update-ca-certificates"]))?;
        Ok(system)
    }

    /// Starts the network once the first process has entered the root folder.
    fn connect(&mut self) -> Result<()> {
        let entered = wait::until(START_LIMIT, || {
            let first = self.first_process();
            Ok(first.filter(|pid| {
                fs::read_link(format!("/proc/{pid}/root")).is_ok_and(|root| root == self.root)
            }))
        })?;
        let pid = entered.context("the bare system did not start")?;
        let mut slirp = Command::new("slirp4netns");
        slirp.args(["--configure", "--mtu=65520", "--disable-host-loopback"]).args([&pid, "tap0"]);
        slirp.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.network = Some(slirp.spawn().context("cannot run slirp4netns")?);
        let connected = wait::until(START_LIMIT, || {
            let routes = fs::read_to_string(format!("/proc/{pid}/net/route")).unwrap_or_default();
            Ok(routes.contains("tap0").then_some(()))
        })?;
        connected.context("the bare system got no network")
    }

    /// Returns the process id of the system's first process, as this machine counts.
    fn first_process(&self) -> Option<String> {
        let pid = self.unshare.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        Some(children.split_whitespace().next()?.to_owned())
    }

    /// Returns a command that runs in the clone inside the system.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut enter = Command::new("nsenter");
        enter
            .arg(format!("--target={}", self.first_process().unwrap_or_default()))
            .args(["--mount", "--pid", "--net", "--uts", "--ipc", "--root"])
            .args([&format!("--wd={}", inside(&self.root, CLONE).display()), "--"])
            .args(["env", "-i", "HOME=/root", "LANG=C.UTF-8"])
            .arg(format!("PATH={TOOLCHAIN}/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
        for name in REGISTRY_VARIABLES {
            if let Ok(value) = std::env::var(name) {
                enter.arg(format!("{name}={value}"));
            }
        }
        enter.args(words);
        enter
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Ends all processes of the system.
    pub(super) fn stop(mut self) -> Result<()> {
        self.end()
    }

    /// Ends all processes of the system and removes its files.
    pub(super) fn remove(mut self) -> Result<()> {
        self.end()?;
        remove(&self.root)
    }

    fn end(&mut self) -> Result<()> {
        for child in self.network.iter_mut().chain([&mut self.unshare]) {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // The processes have ended already unless a step failed.
        let _ = self.end();
    }
}

/// Mounts what a system needs and waits inside it. Arguments: root folder, toolchain, folder of the toolchain.
const START: &str = r#"
mount --rbind /dev "$1/dev"
mount --types proc proc "$1/proc"
mount --rbind /sys "$1/sys"
mount --types tmpfs tmpfs "$1/tmp"
mount --bind "$2" "$3"
exec chroot "$1" sleep infinity
"#;

fn debootstrap(root: &Path) -> Result<Command> {
    let sites = command::output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(SITE)",
        "Created-By: Packages",
    ]))?;
    let mirror = sites.lines().next().context("apt has no source of packages")?;
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", &format!("--include={PACKAGES}"), RELEASE]);
    debootstrap.arg(root).arg(mirror);
    Ok(debootstrap)
}

fn configure(root: &Path) -> Result<()> {
    fs::write(inside(root, "/etc/resolv.conf"), RESOLVER)?;
    for path in REGISTRY_SETTINGS.iter().filter(|path| Path::new(path).exists()) {
        let target = inside(root, path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut copy = Command::new("cp");
        command::run(
            copy.args(["--recursive", "--dereference", "--no-target-directory", path]).arg(target),
        )?;
    }
    Ok(())
}

/// Returns the folder of the Rust toolchain that runs xtask.
fn toolchain() -> Result<PathBuf> {
    let sysroot = command::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let folder = PathBuf::from(sysroot);
    if !folder.join("bin").join("cargo").is_file() {
        bail!("{} has no bin/cargo; install the toolchain with rustup", folder.display());
    }
    Ok(folder)
}

/// Returns the path of a file inside the system, as this machine sees it.
fn inside(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}
