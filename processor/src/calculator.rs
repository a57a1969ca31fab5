//! From a job to its answer: validation, cache, computation, or a hand-over to the heavy lane.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use abacus_operations::{Answer, Interrupted, Limits, Prepared, prepare};
use abacus_schemas::CacheLevel;

use crate::cache::{Cache, Cached};
use crate::config::CostConfig;
use crate::job::Job;
use crate::lane::Lane;
use crate::metrics::Metrics;
use crate::responder::{JobOutcome, Responder};
use crate::single_flight::SingleFlight;

/// Answers jobs.
pub(crate) struct Calculator {
    limits: Limits,
    costs: CostConfig,
    cache: Cache,
    responder: Arc<Responder>,
    /// Each lane has its own: nobody waits for one whose threads come last.
    main: SingleFlight,
    heavy: SingleFlight,
    metrics: Metrics,
}

impl Calculator {
    pub(crate) fn new(
        limits: Limits,
        costs: CostConfig,
        cache: Cache,
        responder: Arc<Responder>,
        metrics: Metrics,
    ) -> Self {
        let (main, heavy) = Default::default();
        Self { limits, costs, cache, responder, main, heavy, metrics }
    }

    /// Answers a job, hands it over, or leaves it with the same computation under way. Gives back
    /// the jobs that waited for this one's computation: with its answer, or to be taken anew if it
    /// was given up.
    #[must_use]
    pub(crate) fn take(&self, job: Job, lane: Lane) -> Vec<Job> {
        if let Some(outcome) = job.outcome.clone() {
            self.responder.answer(job, outcome);
            return Vec::new();
        }
        if !job.is_wanted() {
            self.give_up(job);
            return Vec::new();
        }
        let prepared = match self.prepare(&job) {
            Ok(prepared) => prepared,
            Err(outcome) => {
                self.responder.answer(job, outcome);
                return Vec::new();
            }
        };
        let weight = self.costs.weigh(prepared.cost().word_operations(), lane);
        if weight != Weight::Trivial
            && let Some(cached) = self.cache.in_memory(prepared.canonical())
        {
            self.responder.answer(job, JobOutcome::found(cached, CacheLevel::Memory));
            return Vec::new();
        }
        match weight {
            Weight::Trivial | Weight::Light => self.answer_light(job, &prepared),
            Weight::Costly => return self.compute_once(job, &prepared, lane),
            Weight::Heavy => self.pass_on(job, &prepared),
        }
        Vec::new()
    }

    /// Too short to be shared, or to be worth an interruption.
    fn answer_light(&self, job: Job, prepared: &Prepared) {
        if let Ok(outcome) = self.compute(prepared, &|| false) {
            self.responder.answer(job, outcome);
        }
    }

    /// To the heavy lane, unless another processor has computed it before.
    fn pass_on(&self, job: Job, prepared: &Prepared) {
        match self.in_redis(prepared) {
            Some(cached) => {
                self.responder.answer(job, JobOutcome::found(cached, CacheLevel::Redis))
            }
            None => self.responder.hand_over(job),
        }
    }

    /// Leads the computation, or waits for it where it is under way. It goes on for as long as
    /// anybody wants it.
    fn compute_once(&self, job: Job, prepared: &Prepared, lane: Lane) -> Vec<Job> {
        let flights = match lane {
            Lane::Main => &self.main,
            Lane::Heavy => &self.heavy,
        };
        let Some((job, flight)) = flights.join(job, prepared.canonical()) else {
            self.metrics.shared.inc();
            return Vec::new();
        };
        let is_unwanted = || !job.is_wanted() && !flight.is_wanted();
        let result = self.find_or_compute(prepared, &is_unwanted);
        let mut waiting = flight.land();
        if let Ok(outcome) = result {
            for job in &mut waiting {
                job.outcome = Some(outcome.clone().shared());
            }
            self.responder.answer(job, outcome);
        } else {
            self.metrics.interrupted.inc();
            self.give_up(job);
        }
        waiting
    }

    /// Looks into memory again: between the first look and becoming the first to want it, another
    /// may have computed it.
    fn find_or_compute(
        &self,
        prepared: &Prepared,
        is_unwanted: &dyn Fn() -> bool,
    ) -> Result<JobOutcome, Interrupted> {
        if let Some(cached) = self.cache.in_memory_by_now(prepared.canonical()) {
            return Ok(JobOutcome::found(cached, CacheLevel::Memory));
        }
        match self.in_redis(prepared) {
            Some(cached) => Ok(JobOutcome::found(cached, CacheLevel::Redis)),
            None => self.compute(prepared, is_unwanted),
        }
    }

    fn in_redis(&self, prepared: &Prepared) -> Option<Cached> {
        let is_worth_it = self.costs.is_worth_redis(prepared.cost().word_operations());
        is_worth_it.then(|| self.cache.in_redis(prepared.canonical())).flatten()
    }

    /// One whose deadline has passed is told so. One whose partition has moved on is read again by
    /// its new owner.
    fn give_up(&self, job: Job) {
        if job.context.ack.is_current() {
            self.responder.answer(job, JobOutcome::failed("expired", EXPIRED));
        }
    }

    fn prepare(&self, job: &Job) -> Result<Prepared, JobOutcome> {
        let Job { request, .. } = job;
        self.guarded(|| prepare(&request.operation, &request.operands, &self.limits))?
            .map_err(|refusal| JobOutcome::failed(refusal.code(), refusal.to_string()))
    }

    /// A panic is an answer too: the caller must not wait for nothing, nor the partition stand still.
    fn guarded<T>(&self, work: impl FnOnce() -> T) -> Result<T, JobOutcome> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
            self.metrics.panics.inc();
            JobOutcome::failed("internal", "the computation failed; this is our fault")
        })
    }

    /// Computes and remembers.
    fn compute(
        &self,
        prepared: &Prepared,
        is_unwanted: &dyn Fn() -> bool,
    ) -> Result<JobOutcome, Interrupted> {
        let (began, worked) = (Instant::now(), thread_time());
        match self.guarded(|| prepared.answer(is_unwanted)) {
            Ok(answer) => {
                let answer = answer?;
                self.metrics.note_computed(prepared, thread_time().saturating_sub(worked));
                Ok(self.remember(prepared, answer, began.elapsed()))
            }
            Err(failed) => Ok(failed),
        }
    }

    fn remember(&self, prepared: &Prepared, answer: Answer, elapsed: Duration) -> JobOutcome {
        let (cached, cost) = (Cached::from(answer), prepared.cost().word_operations());
        if cost >= TRIVIAL {
            let is_worth_redis = self.costs.is_worth_redis(cost);
            self.cache.put(prepared.canonical(), cached.clone(), is_worth_redis);
        }
        let compute_micros = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        JobOutcome { compute_micros, ..JobOutcome::found(cached, CacheLevel::None) }
    }
}

/// What this thread has worked since it began: unlike the time of day, it stands still while others
/// have the core.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

const EXPIRED: &str = "the deadline passed before the computation was done";

/// Word operations below which to compute takes no longer than to look into memory.
const TRIVIAL: u64 = 2_000;
/// Word operations from which a computation is shared, and asked whether anybody still wants it.
const COSTLY: u64 = 100_000;

/// How a computation is treated, by its estimated cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Not worth remembering.
    Trivial,
    /// Computed where it is.
    Light,
    /// Worth sharing and interrupting.
    Costly,
    /// Not for the main lane.
    Heavy,
}

impl CostConfig {
    fn weigh(&self, word_operations: u64, lane: Lane) -> Weight {
        let is_heavy = self.heavy > 0 && word_operations >= self.heavy;
        match lane {
            Lane::Main if is_heavy => Weight::Heavy,
            _ if word_operations >= COSTLY => Weight::Costly,
            _ if word_operations < TRIVIAL => Weight::Trivial,
            _ => Weight::Light,
        }
    }

    fn is_worth_redis(&self, word_operations: u64) -> bool {
        word_operations >= self.redis
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_main_lane_hands_over_and_only_what_is_heavy() {
        let costs = CostConfig { redis: 0, heavy: 1_000_000 };
        for (cost, main, heavy) in [
            (1_999, Weight::Trivial, Weight::Trivial),
            (2_000, Weight::Light, Weight::Light),
            (99_999, Weight::Light, Weight::Light),
            (100_000, Weight::Costly, Weight::Costly),
            (999_999, Weight::Costly, Weight::Costly),
            (1_000_000, Weight::Heavy, Weight::Costly),
        ] {
            assert_eq!(costs.weigh(cost, Lane::Main), main, "{cost}");
            assert_eq!(costs.weigh(cost, Lane::Heavy), heavy, "{cost}");
        }
    }

    #[test]
    fn no_threshold_is_no_hand_over() {
        let costs = CostConfig { redis: 0, heavy: 0 };
        assert_eq!(costs.weigh(u64::MAX, Lane::Main), Weight::Costly);
    }
}
