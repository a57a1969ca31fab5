//! Signals and the hard deadline of a shutdown. The watchdog guarantees that the process ends.
//!
//! The watchdog has a separate thread with a separate tokio runtime. So neither blocked workers nor
//! an endless task can keep the process alive. The watchdog is never disarmed; it ends with the
//! process.

use std::io;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;
use tracing::error;

use crate::shutdown::Shutdown;

/// Longest wait of a forced exit for its log line.
const LOG_TIMEOUT: Duration = Duration::from_millis(250);
/// Time limit of an exit; later the process aborts. If `main` has returned and an exit handler
/// hangs, a second exit waits for the first exit.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// Handle to the watchdog's thread.
#[derive(Debug)]
pub(crate) struct Watchdog {
    signal: Arc<OnceLock<&'static str>>,
}

impl Watchdog {
    /// Starts the watchdog. A SIGTERM or SIGINT requests `stopping`. After this request, from any
    /// source, another signal or the end of `timeout` ends the process with exit code 1, or by
    /// SIGABRT if the exit hangs.
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

    /// Name of the signal behind the shutdown; `None` if a failure requested the shutdown.
    pub(crate) fn signal(&self) -> Option<&'static str> {
        self.signal.get().copied()
    }
}

/// Watches signals and the deadline. Logs nothing before the exit, because standard output may
/// block.
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
    reason = "must end the process regardless of all other threads"
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
