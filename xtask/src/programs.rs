//! Search for the programs of the machine.

use std::env;
use std::fs;
use std::path::PathBuf;

/// Returns the program called `name`, from the user's path or from the system's folders.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Returns the folder of `initdb` and `postgres`: Debian's newest version, or else the folder on
/// the path.
pub(crate) fn postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("bin").join("initdb").is_file())
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .max()
        .map(|(_, folder)| folder.join("bin"));
    newest.or_else(|| Some(on_path("initdb")?.parent()?.to_path_buf()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_on_every_path() {
        assert!(on_path("sh").is_some());
        assert!(on_path("no-such-program-anywhere").is_none());
    }
}
