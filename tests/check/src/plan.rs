//! The plan of a check: amount of load, and faults.

use std::time::Duration;

use abacus_testkit::Random;

use crate::fault::{ArmedFailpoint, FAILPOINTS, Fault};

/// A plan. Equal plans make equal choices.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Number of requests over all channels.
    pub requests: u64,
    /// Approximate number of requests over HTTP.
    pub over_http: u64,
    /// Number of processors killed by SIGKILL, including deaths at failpoints.
    pub kills: u64,
    /// Number of processors at the start.
    pub processors: usize,
    /// Session time-out of the consumer group.
    pub session: Duration,
    /// Seed of all random choices.
    pub seed: u64,
    /// Number of brokers. A lone broker is killed instead of stopped in order. An orderly stop may
    /// lose the markers of transactions that end meanwhile; they stay open and hide later records.
    /// Clients of a lone broker may also never recover from an orderly stop (librdkafka issue
    /// 5301).
    pub brokers: usize,
    /// Additional settings of the services.
    pub settings: Vec<(String, String)>,
    /// Time after which no more faults are injected.
    pub deadline: Duration,
}

impl Plan {
    /// A plan with the usual proportions.
    pub fn new(requests: u64, kills: u64, seed: u64) -> Self {
        Self {
            requests,
            over_http: (requests / 20).clamp(1, 5000),
            kills,
            processors: 3,
            session: Duration::from_secs(10),
            seed,
            brokers: 3,
            settings: Vec::new(),
            deadline: Duration::from_secs(180 + 40 * kills + requests / 200),
        }
    }

    /// Returns whether the request `number` goes over HTTP.
    pub(crate) fn is_over_http(&self, number: u64) -> bool {
        number.is_multiple_of((self.requests / self.over_http.max(1)).max(1))
    }

    /// Number of requests for each fault. About as many go before the first fault and after the
    /// last one.
    pub(crate) fn requests_per_fault(&self) -> u64 {
        (self.requests / (self.fault_count() + 2)).max(1)
    }

    fn fault_count(&self) -> u64 {
        self.kills + self.rounds() * 7
    }

    /// Number of faults of each kind other than kills.
    fn rounds(&self) -> u64 {
        (self.kills / 10).max(1)
    }

    /// The faults, in the order of injection.
    pub fn faults(&self) -> Vec<Fault> {
        let mut random = Random::new(self.seed);
        let mut faults = self.kills(&mut random);
        for _ in 0..self.rounds() {
            let away = Duration::from_millis(random.between(200, 5000));
            let stop = if self.brokers > 1 { Fault::BrokerRestart } else { Fault::BrokerKill };
            faults.extend([stop(away), Fault::BrokerKill(away), Fault::Freeze]);
            faults.extend([Fault::EndTxnInSocket, Fault::LateEndTxn]);
        }
        random.shuffle(&mut faults);
        let part = faults.len().div_ceil(usize::try_from(self.rounds()).unwrap());
        faults.chunks(part).flat_map(|part| with_one_more(part, &mut random)).collect()
    }

    /// Plans the kills. Every second kill is at a failpoint, and every failpoint is used once
    /// before any repeats.
    fn kills(&self, random: &mut Random) -> Vec<Fault> {
        let mut named = FAILPOINTS.to_vec();
        random.shuffle(&mut named);
        let at_points = (self.kills / 2).max(self.kills.saturating_sub(1).min(7));
        let kill = |number| {
            if number < at_points {
                let failpoint = named[usize::try_from(number).unwrap() % named.len()];
                Fault::Failpoint(ArmedFailpoint::new(failpoint, self.requests_per_fault(), random))
            } else {
                Fault::Kill(Duration::from_millis(random.below(300)))
            }
        };
        (0..self.kills).map(kill).collect()
    }
}

/// Adds a processor among `faults`, and removes it after at least one further fault.
fn with_one_more(faults: &[Fault], random: &mut Random) -> Vec<Fault> {
    let mut faults = faults.to_vec();
    let add = random.below(faults.len() as u64);
    let remove = random.between(add + 2, faults.len() as u64 + 1);
    for (at, fault) in [(add, Fault::Add), (remove, Fault::Remove)] {
        faults.insert(usize::try_from(at).unwrap(), fault);
    }
    faults
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fault::Kind;

    #[test]
    fn a_plan_follows_from_its_seed() {
        let faults = |seed| Plan::new(1000, 20, seed).faults();
        assert_eq!(faults(3), faults(3));
        assert_ne!(faults(3), faults(4));
    }

    #[test]
    fn every_kind_of_fault_is_planned_and_nothing_is_removed_that_was_not_added() {
        for (seed, kills) in (0..20).flat_map(|seed| [8, 20, 100].map(|kills| (seed, kills))) {
            let faults = Plan::new(1000, kills, seed).faults();
            let kinds: BTreeSet<Kind> = faults.iter().map(|fault| fault.kind()).collect();
            assert_eq!(kinds.len(), 15, "{kinds:?}");
            let is_kill = |fault: &&Fault| matches!(fault, Fault::Kill(_) | Fault::Failpoint(_));
            assert_eq!(faults.iter().filter(is_kill).count() as u64, kills);
            let mut extra = 0;
            for fault in faults {
                match fault {
                    Fault::Add => extra += 1,
                    Fault::Remove => extra -= 1,
                    _ => {}
                }
                assert!((0..=1).contains(&extra), "seed {seed}: {extra} extra");
            }
            assert_eq!(extra, 0);
        }
    }

    #[test]
    fn a_broker_that_is_alone_is_not_stopped_in_order() {
        let plan = Plan { brokers: 1, ..Plan::new(1000, 20, 1) };
        let kinds: Vec<Kind> = plan.faults().iter().map(|fault| fault.kind()).collect();
        assert!(kinds.contains(&Kind::BrokerKill) && !kinds.contains(&Kind::BrokerRestart));
    }

    #[test]
    fn about_as_many_requests_as_planned_come_over_http() {
        let plan = Plan::new(3000, 8, 1);
        let over_http = (0..plan.requests).filter(|number| plan.is_over_http(*number)).count();
        assert_eq!(over_http, 150);
    }
}
