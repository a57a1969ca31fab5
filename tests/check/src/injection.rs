//! Injection of faults. Every injection verifies that its fault took effect.

use std::time::{Duration, Instant};

use abacus_testkit::Broker;

use crate::driver::Driver;
use crate::fault::{ArmedFailpoint, Fault};

/// Longest time for a fault to take effect: a rebalance around a dead member, and a start.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Most attempts at a fault.
pub(crate) const ATTEMPTS: u32 = 3;

impl Driver<'_> {
    /// Injects a fault. Returns whether the fault took effect.
    pub(crate) fn inject(&mut self, fault: Fault) -> bool {
        match fault {
            Fault::Kill(after) => self.kill(after),
            Fault::Failpoint(arm) => self.die_at(arm),
            Fault::Freeze => self.freeze(),
            Fault::BrokerRestart(away) => self.bounce(away, |broker| broker.ask_to_stop()),
            Fault::BrokerKill(away) => self.bounce(away, Broker::stop),
            Fault::EndTxnInSocket => self.stop_with_end_txn(),
            Fault::LateEndTxn => self.delay_end_txn(),
            Fault::Add => self.add(),
            Fault::Remove => self.remove(),
        }
    }

    fn victim(&mut self) -> usize {
        let all: Vec<usize> = (0..self.pool.len()).collect();
        *self.random.one_of(&all)
    }

    /// Chooses a processor with partitions.
    fn working_victim(&mut self) -> usize {
        let mut victim = self.victim();
        self.wait_under_load(PATIENCE, |driver| {
            let works = driver.pool.partitions_of(victim).is_some_and(|partitions| partitions > 0);
            if !works {
                victim = driver.victim();
            }
            works
        });
        victim
    }

    fn kill(&mut self, after: Duration) -> bool {
        let victim = self.working_victim();
        let moment = Instant::now() + after;
        self.wait_under_load(PATIENCE, |_| Instant::now() >= moment);
        self.pool.kill(victim)
    }

    fn die_at(&mut self, arm: ArmedFailpoint) -> bool {
        // The processor started during the last fault may be armed, and may already be dead.
        if !self.pool.is_armed(arm) && !self.pool.fired.contains(&arm) {
            let victim = self.victim();
            self.pool.arm(victim, arm);
        }
        self.wait_under_load(PATIENCE, |driver| driver.pool.has_fired(arm))
    }

    /// Stops a processor for longer than a session. The other processors then have all partitions,
    /// and the stopped one resumes outside the group.
    fn freeze(&mut self) -> bool {
        let victim = self.working_victim();
        let all = self.system.kafka.end_offsets(&self.system.topics.requested).len() as u64;
        let end = Instant::now() + self.plan.session;
        self.pool.pause(victim);
        let replaced = self.wait_under_load(PATIENCE, |driver| {
            Instant::now() >= end && driver.pool.partitions_beside(victim) == all
        });
        let lived = self.pool.is_running(victim);
        self.pool.resume(victim);
        replaced && lived
    }

    /// Stops and starts a broker. Waits until the broker is in sync again, so the next broker may
    /// stop.
    fn bounce(&mut self, away: Duration, stop: fn(&mut Broker)) -> bool {
        let all: Vec<usize> = (0..self.cluster.size()).collect();
        let index = *self.random.one_of(&all);
        stop(self.cluster.broker(index));
        let ended =
            self.wait_under_load(PATIENCE, |driver| driver.cluster.broker(index).has_ended());
        let end = Instant::now() + away;
        self.wait_under_load(PATIENCE, |_| Instant::now() >= end);
        self.cluster.broker(index).launch();
        let in_sync = self.wait_under_load(PATIENCE, |driver| driver.cluster.is_in_sync().is_ok());
        if self.cluster.size() == 1 {
            self.arrivals.renew(&self.system, &self.reply_topic);
        }
        ended && in_sync && self.goes_on()
    }

    /// Waits for a further completion.
    pub(crate) fn goes_on(&mut self) -> bool {
        let before = self.arrivals.completed();
        self.wait_under_load(PATIENCE, |driver| driver.arrivals.completed() > before)
    }

    fn add(&mut self) -> bool {
        self.pool.add();
        let newest = self.pool.len() - 1;
        self.wait_under_load(PATIENCE, |driver| {
            driver.pool.partitions_of(newest).is_some_and(|partitions| partitions > 0)
        })
    }

    /// Stops a processor in order. A processor that is settling a transaction may end with a failure;
    /// then another one is added and stopped.
    fn remove(&mut self) -> bool {
        (0..ATTEMPTS).any(|attempt| (attempt == 0 || self.add()) && self.pool.remove())
            && self.goes_on()
    }
}
