//! Waiting: for a condition with a limit, and for a child process; both end at once when the user interrupts.

use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

const STEP: Duration = Duration::from_millis(50);

/// How long an interrupted child may take to end by itself.
const CHILD_GRACE: Duration = Duration::from_secs(10);

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Turns the first SIGINT or SIGTERM into an orderly end; a second one ends xtask on the spot.
pub(crate) fn catch_interrupts() -> Result<()> {
    let interrupted = INTERRUPTED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 130, Arc::clone(interrupted))?;
        flag::register(signal, Arc::clone(interrupted))?;
    }
    Ok(())
}

/// Whether the user has asked xtask to stop.
pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED.get().is_some_and(|flag| flag.load(Ordering::SeqCst))
}

/// Lets later waits run again, so that an interrupted command can clean up behind itself.
pub(crate) fn forget_interrupt() {
    if let Some(flag) = INTERRUPTED.get() {
        flag.store(false, Ordering::SeqCst);
    }
}

/// Calls `poll` until it yields a value or `limit` has passed, which gives `None`.
pub(crate) fn until<T>(
    limit: Duration,
    mut poll: impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = poll()? {
            return Ok(Some(value));
        }
        if is_interrupted() {
            bail!("interrupted");
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        pause();
    }
}

/// Waits for `child`; on an interrupt passes it on and waits a little more.
pub(crate) fn for_child(child: &mut Child) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return if is_interrupted() { Err(anyhow::anyhow!("interrupted")) } else { Ok(status) };
        }
        if is_interrupted() {
            end_child(child)?;
            bail!("interrupted");
        }
        pause();
    }
}

fn end_child(child: &mut Child) -> Result<()> {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended between the two calls, which is what is wanted.
        let _ = kill_process(pid, Signal::TERM);
    }
    let deadline = Instant::now() + CHILD_GRACE;
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            child.kill()?;
        }
        pause();
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the pause between two looks at a condition")]
fn pause() {
    thread::sleep(STEP);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_the_value_of_the_condition() {
        let mut looks = 0;
        let found = until(Duration::from_secs(5), || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!(found.unwrap(), Some(3));
    }

    #[test]
    fn a_wait_past_its_limit_yields_nothing() {
        assert_eq!(until::<()>(Duration::ZERO, || Ok(None)).unwrap(), None);
    }
}
