//! The way out that always works: signals, and the hard deadline of a shutdown.
//!
//! It has a thread and a tokio runtime of its own, so that neither a service whose workers are all
//! blocked nor a task that never ends can keep the process alive. It is never disarmed: it ends
//! with the process.

use std::io;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;
use tracing::error;

use crate::shutdown::Shutdown;

/// How long a forced exit waits for its own log line.
const LOG_TIMEOUT: Duration = Duration::from_millis(250);
/// How long an exit may take. Where `main` has returned and what the process runs at its exit hangs,
/// a second exit waits for the first.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// The handle to the watchdog's thread.
#[derive(Debug)]
pub(crate) struct Watchdog {
    signal: Arc<OnceLock<&'static str>>,
}

impl Watchdog {
    /// From now on a SIGTERM or SIGINT requests `stopping`. Once that is requested, by whomever, a
    /// further signal or the end of `timeout` ends the process with exit code 1, or by SIGABRT if
    /// the exit itself hangs.
    pub(crate) fn start(stopping: Shutdown, timeout: Duration) -> io::Result<Self> {
        let tokio = Builder::new_current_thread().enable_all().build()?;
        let signals = {
            let _inside = tokio.enter();
            Signals::listen()?
        };
        let signal = Arc::default();
        let watch = watch(signals, stopping, timeout, Arc::clone(&signal));
        thread::Builder::new().name("watchdog".to_owned()).spawn(move || tokio.block_on(watch))?;
        Ok(Self { signal })
    }

    /// The signal that requested the shutdown, if one did.
    pub(crate) fn signal(&self) -> Option<&'static str> {
        self.signal.get().copied()
    }
}

/// Writes no line of its own before the end: standard output may be what hangs.
async fn watch(
    mut signals: Signals,
    stopping: Shutdown,
    timeout: Duration,
    first: Arc<OnceLock<&'static str>>,
) {
    tokio::select! {
        biased;
        () = stopping.requested() => {}
        name = signals.next() => {
            let _ = first.set(name);
            stopping.request();
        }
    }
    tokio::select! {
        biased;
        name = signals.next() => force_exit(format!("{name} during the shutdown")),
        () = sleep(timeout) => force_exit(format!("the shutdown took longer than {timeout:?}")),
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that must end the process whatever its other threads do"
)]
fn force_exit(reason: String) {
    let (written, line_written) = mpsc::channel();
    let logger = thread::Builder::new().name("exit-log".to_owned()).spawn(move || {
        error!(reason, "forced exit");
        let _ = written.send(());
    });
    if logger.is_ok() {
        let _ = line_written.recv_timeout(LOG_TIMEOUT);
    }
    let _ = thread::Builder::new().name("exit-abort".to_owned()).spawn(|| {
        thread::park_timeout(EXIT_TIMEOUT);
        std::process::abort()
    });
    std::process::exit(1)
}
