//! Operating system user of Postgres.
//!
//! Postgres refuses to run as root. If xtask runs as root, Postgres runs as another user, with a
//! data folder accessible to this user: the stack's folder, or a folder under `/var/tmp` if the
//! user cannot enter the checkout.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;

/// Users for a server if xtask runs as root, in order of preference.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Operating system user of the server.
pub(super) enum OsUser {
    /// The user of xtask.
    Current,
    /// Another user, because xtask runs as root.
    Other { name: &'static str, user: u32, group: u32 },
}

impl OsUser {
    pub(super) fn find() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Current);
        }
        for name in UNPRIVILEGED {
            if let (Ok(user), Ok(group)) = (id(name, "-u"), id(name, "-g")) {
                return Ok(Self::Other { name, user, group });
            }
        }
        bail!("Postgres refuses to run as root, and there is no user {}", UNPRIVILEGED.join(" or "))
    }

    /// Returns the command for a program under this user: a program and its first arguments.
    pub(super) fn wrap(&self, program: &Path) -> (PathBuf, Vec<String>) {
        let Self::Other { name, group, .. } = self else {
            return (program.to_path_buf(), Vec::new());
        };
        let user = format!("--reuid={name}");
        let group = format!("--regid={group}");
        let program = program.display().to_string();
        ("setpriv".into(), vec![user, group, "--clear-groups".to_owned(), "--".to_owned(), program])
    }

    pub(super) fn command(&self, program: &Path) -> Command {
        let (program, arguments) = self.wrap(program);
        let mut command = Command::new(program);
        command.args(arguments).current_dir("/");
        command
    }

    /// Returns a data folder accessible to this user: `inside`, or else its substitute under
    /// `/var/tmp`.
    fn home_for(&self, inside: PathBuf) -> Result<PathBuf> {
        self.make_folder(&inside)?;
        let is_reachable =
            command::succeeds(self.command(Path::new("test")).arg("-w").arg(&inside));
        Ok(if is_reachable { inside } else { outside(&inside) })
    }

    /// Returns the data folder as `home_for` does. Empties a folder outside the stack's folder.
    pub(super) fn empty_home_for(&self, inside: &Path) -> Result<PathBuf> {
        let home = self.home_for(inside.to_path_buf())?;
        if home != inside && home.is_dir() {
            fs::remove_dir_all(&home)
                .with_context(|| format!("cannot empty {}", home.display()))?;
        }
        Ok(home)
    }

    pub(super) fn make_folder(&self, folder: &Path) -> Result<()> {
        // Any user may have put a link at this path under /var/tmp.
        if fs::symlink_metadata(folder).is_ok_and(|found| !found.is_dir()) {
            bail!("{} is not a folder; remove it", folder.display());
        }
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        self.own(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        Ok(())
    }

    pub(super) fn own(&self, path: &Path) -> Result<()> {
        if let Self::Other { user, group, .. } = self {
            chown(path, Some(*user), Some(*group))
                .with_context(|| format!("cannot change the owner of {}", path.display()))?;
        }
        Ok(())
    }
}

/// Returns the substitute of `folder` under `/var/tmp`.
fn outside(folder: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    PathBuf::from(format!("/var/tmp/abacus-{:016x}", hasher.finish()))
}

fn id(name: &str, which: &str) -> Result<u32> {
    Ok(command::output(Command::new("id").args([which, name]))?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_stacks_never_share_a_place_outside() {
        assert_ne!(outside(Path::new("/a/dev")), outside(Path::new("/a/test")));
        assert_eq!(outside(Path::new("/a/dev")), outside(Path::new("/a/dev")));
    }

    #[test]
    fn another_account_is_entered_through_setpriv() {
        let account = OsUser::Other { name: "postgres", user: 1, group: 2 };
        let (program, arguments) = account.wrap(Path::new("/bin/postgres"));
        assert_eq!(program, Path::new("setpriv"));
        assert_eq!(arguments.last().unwrap(), "/bin/postgres");
    }
}
