//! Child processes that end with the test, even if the test is killed.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::{PATIENCE, wait_until};

/// State letter of a stopped thread in `/proc`.
const STOPPED: char = 'T';

/// A running program. Dropping this kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// A command that runs `program`. The program dies with the test run, even after SIGKILL.
    pub fn command(program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command
    }

    /// Starts a command made by [`Process::command`].
    pub fn spawn(name: &str, command: Command) -> Self {
        let child = spawn_on_a_lasting_thread(command);
        let child = child.unwrap_or_else(|error| panic!("{name} could not be started: {error}"));
        Self { name: name.to_owned(), child }
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Sends SIGTERM.
    pub fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGKILL and waits for the end of the process.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("a child can be waited for");
    }

    /// Sends SIGSTOP and waits until all threads are stopped. Connections stay open. The wait is
    /// needed because a busy machine delivers the signal late.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
        wait_until(&format!("{} to stand still", self.name), PATIENCE, || {
            let states = self.thread_states();
            let is_still = states.iter().all(|state| *state == STOPPED);
            is_still.then_some(()).ok_or_else(|| format!("{states:?}"))
        });
    }

    /// State letters of all threads.
    fn thread_states(&self) -> Vec<char> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let state = |thread: io::Result<fs::DirEntry>| {
            // The thread may have ended.
            let stat = fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
            // The name before the state is in parentheses and may contain any character.
            stat.rsplit(") ").next()?.chars().next()
        };
        threads.filter_map(state).collect()
    }

    /// Resident memory, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// Largest resident memory since the start, in bytes.
    pub fn peak_resident_bytes(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// A size in `/proc/PID/status`, in bytes.
    fn memory(&self, name: &str) -> u64 {
        let file = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(file).expect("it runs");
        let kibibytes = status.lines().find_map(|line| line.strip_prefix(name));
        let number = kibibytes.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        number.expect("the kernel says how much") << 10
    }

    /// Sends SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits for the process to end by itself.
    pub fn wait_for_exit(&mut self, patience: Duration) -> ExitStatus {
        let (name, child) = (&self.name, &mut self.child);
        wait_until(&format!("{name} to exit"), patience, || match child.try_wait() {
            Ok(Some(status)) => Ok(status),
            other => Err(format!("{other:?}")),
        })
    }

    /// Exit status, if the process has ended.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal)
            .unwrap_or_else(|error| panic!("{} cannot be signalled: {error}", self.name));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Order = (Command, Sender<io::Result<Child>>);

/// Spawns a command on one lasting thread. The kernel sends a child's death signal when the
/// *thread* that spawned it ends, and the thread of a test ends with the test.
fn spawn_on_a_lasting_thread(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, orders) = channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in orders {
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (answer, child) = channel();
    spawner.send((command, answer)).expect("the spawner lasts");
    child.recv().expect("the spawner answers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_process_stands_still_until_it_is_resumed() {
        let mut command = Process::command("sleep");
        command.arg("60");
        let process = Process::spawn("sleep", command);
        process.pause();
        assert_eq!(process.thread_states(), [STOPPED]);
        process.resume();
        wait_until("it to go on", PATIENCE, || match process.thread_states() {
            states if states.contains(&STOPPED) => Err(format!("{states:?}")),
            _ => Ok(()),
        });
    }
}
