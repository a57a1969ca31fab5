//! The driver of a check: paces the load, tends the processors, injects faults and reports
//! progress.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use abacus_testkit::{Cluster, Random, System};

use crate::arrivals::Arrivals;
use crate::fault::{Fault, Kind};
use crate::gate::Gate;
use crate::plan::Plan;
use crate::pool::Pool;

const STEP: Duration = Duration::from_millis(20);
/// Number of parts in which half the requests of a fault pass during a wait.
const STEPS: u32 = 20;
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// Longest standstill of the load before the check stops waiting for its end. Longer than a
/// transaction, a session and a start together.
const STANDSTILL: Duration = Duration::from_mins(1);

/// The parts of a check, and its progress.
pub(crate) struct Driver<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) system: Arc<System>,
    pub(crate) reply_topic: String,
    pub(crate) cluster: Cluster,
    pub(crate) pool: Pool,
    pub(crate) gate: Arc<Gate>,
    pub(crate) arrivals: Arrivals,
    pub(crate) random: Random,
    pub(crate) injected: Vec<(Kind, bool)>,
    pub(crate) progress: &'a dyn Fn(&str),
    pub(crate) began: Instant,
    pub(crate) phase: String,
    pub(crate) last_progress: Instant,
}

impl Driver<'_> {
    /// Injects one fault after the other, each with requests in flight.
    pub(crate) fn inject_faults(&mut self) {
        let faults = self.plan.faults();
        let per_fault = self.plan.requests_per_fault();
        for (index, fault) in faults.iter().enumerate() {
            if self.began.elapsed() > self.plan.deadline {
                self.injected.extend(faults[index..].iter().map(|fault| (fault.kind(), false)));
                (self.progress)("the time for faults is over");
                return;
            }
            self.pool.next = faults.get(index + 1).and_then(|next| match next {
                Fault::Failpoint(arm) => Some(*arm),
                _ => None,
            });
            self.let_some_through(per_fault * (index as u64 + 1));
            self.phase = fault.kind().to_string();
            let fired = self.inject(*fault);
            self.injected.push((fault.kind(), fired));
            if !fired {
                self.pool.state().iter().for_each(|line| (self.progress)(line));
            }
            (self.progress)(&format!(
                "{} {}",
                if fired { "done:" } else { "NOT FIRED:" },
                fault.kind()
            ));
        }
        "waiting for the rest".clone_into(&mut self.phase);
    }

    /// Opens the gate to half a fault's requests below `number`, and waits until a random part of
    /// them is completed.
    fn let_some_through(&mut self, number: u64) {
        let per_fault = self.plan.requests_per_fault();
        let half = number.saturating_sub(per_fault / 2);
        self.gate.open_to(half);
        let goal = half.saturating_sub(self.random.between(per_fault / 20, per_fault / 2));
        "letting requests through".clone_into(&mut self.phase);
        self.wait(Duration::from_secs(20), |driver| driver.done() >= goal);
    }

    /// Number of completed or refused requests.
    fn done(&self) -> u64 {
        self.arrivals.completed() + self.gate.refused()
    }

    /// Waits for `condition` and tends the processors meanwhile. Returns `false` after `patience`.
    pub(crate) fn wait(
        &mut self,
        patience: Duration,
        mut condition: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        let end = Instant::now() + patience;
        loop {
            self.tend();
            if condition(self) {
                return true;
            }
            if Instant::now() >= end {
                return false;
            }
            thread::park_timeout(STEP);
        }
    }

    /// Waits like [`Driver::wait`], and opens the gate in small steps: fast at first, then slower,
    /// so half the requests of a fault last for all of `patience`.
    pub(crate) fn wait_under_load(
        &mut self,
        patience: Duration,
        mut condition: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        let (began, mut steps) = (Instant::now(), 0);
        let size = (self.plan.requests_per_fault() / 2 / u64::from(STEPS)).max(1);
        self.wait(patience, |driver| {
            let opened = driver.gate.opened();
            let is_time = began.elapsed() >= patience * (steps * steps) / (STEPS * STEPS);
            if steps < STEPS && is_time && driver.done() + size >= opened {
                driver.gate.open_to(opened + size);
                steps += 1;
            }
            condition(driver)
        })
    }

    /// Waits until `count` reaches `goal` or stands still for too long.
    pub(crate) fn wait_for_all(&mut self, goal: u64, count: impl Fn(&Self) -> u64) {
        let (mut last, mut moved) = (count(self), Instant::now());
        self.wait(self.plan.deadline, |driver| {
            let now = count(driver);
            if now != last {
                (last, moved) = (now, Instant::now());
            }
            now >= goal || moved.elapsed() > STANDSTILL
        });
    }

    fn tend(&mut self) {
        self.pool.tend();
        if self.last_progress.elapsed() >= PROGRESS_INTERVAL {
            self.last_progress = Instant::now();
            let (seconds, all) = (self.began.elapsed().as_secs(), self.plan.requests);
            (self.progress)(&format!(
                "{seconds:4} s  let through {:6} of {all}  completed {:6}  replies {:6}  faults {:2}  {}",
                self.gate.opened(),
                self.arrivals.completed(),
                self.arrivals.replied(),
                self.injected.len(),
                self.phase,
            ));
        }
    }
}
