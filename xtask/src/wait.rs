//! Waits for conditions, with a time limit, and for child processes. An interrupt by the user ends
//! every wait.

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

/// Longest wait for an interrupted child before it is killed.
const CHILD_GRACE: Duration = Duration::from_secs(10);

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Turns the first SIGINT or SIGTERM into an orderly end. A second signal ends xtask at once.
pub(crate) fn catch_interrupts() -> Result<()> {
    let interrupted = INTERRUPTED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 130, Arc::clone(interrupted))?;
        flag::register(signal, Arc::clone(interrupted))?;
    }
    Ok(())
}

/// Returns true after an interrupt by the user.
pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED.get().is_some_and(|flag| flag.load(Ordering::SeqCst))
}

/// Clears the interrupt, because an interrupted command waits during its clean-up.
pub(crate) fn forget_interrupt() {
    if let Some(flag) = INTERRUPTED.get() {
        flag.store(false, Ordering::SeqCst);
    }
}

/// Calls `poll` until it returns a value. Returns `None` after `limit`.
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

/// Waits for `child`. After an interrupt, signals the child and waits up to [`CHILD_GRACE`].
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
        // The signal fails if the child has just ended.
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

#[expect(clippy::disallowed_methods, reason = "the pause between two checks of a condition")]
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
