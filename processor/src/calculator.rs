//! Answers jobs: validation, cache, computation, or forwarding to the heavy lane.

mod weight;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use abacus_operations::{Answer, Interrupted, Limits, Prepared, prepare};
use abacus_schemas::CacheLevel;

use self::weight::{TRIVIAL, Weight};
use crate::cache::{Cache, Cached};
use crate::config::CostConfig;
use crate::job::Job;
use crate::lane::Lane;
use crate::metrics::Metrics;
use crate::outcome::JobOutcome;
use crate::repeats::Recurrence;
use crate::responder::Responder;
use crate::single_flight::SingleFlight;

/// Answers jobs.
pub(crate) struct Calculator {
    limits: Limits,
    costs: CostConfig,
    cache: Cache,
    responder: Arc<Responder>,
    /// Each lane has its own computations in flight: a main job never waits for a heavy thread.
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

    /// Answers a job, forwards it, or adds it to an equal computation in flight. Returns the jobs that
    /// waited for this computation: with an outcome, or without if the computation was interrupted and
    /// must be repeated.
    #[must_use]
    pub(crate) fn process(&self, job: Job, lane: Lane) -> Vec<Job> {
        if let Some(outcome) = job.outcome.clone() {
            self.responder.answer(job, outcome);
            return Vec::new();
        }
        if !job.is_wanted() {
            self.give_up(job);
            return Vec::new();
        }
        match job.recurrence {
            Recurrence::Conflict => {
                self.responder.answer(job, JobOutcome::failed("request-id-conflict", CONFLICT));
                return Vec::new();
            }
            Recurrence::Repeat if job.context.reply_to.is_none() => {
                job.context.ack.finish(None);
                return Vec::new();
            }
            Recurrence::First | Recurrence::Repeat => {}
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
            Weight::Heavy => self.forward_unless_cached(job, &prepared),
        }
        Vec::new()
    }

    /// Computes a job too short for sharing and interruption.
    fn answer_light(&self, job: Job, prepared: &Prepared) {
        if let Ok(outcome) = self.compute(prepared, &|| false) {
            self.responder.answer(job, outcome);
        }
    }

    /// Forwards a job to the heavy lane, unless Redis has the result of another processor.
    fn forward_unless_cached(&self, job: Job, prepared: &Prepared) {
        match self.in_redis(prepared) {
            Some(cached) => {
                self.responder.answer(job, JobOutcome::found(cached, CacheLevel::Redis));
            }
            None => self.responder.forward_to_heavy(job),
        }
    }

    /// Leads the computation, or joins the computation in flight. The computation continues while any
    /// job wants the result.
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
        let mut waiting = flight.finish();
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

    /// Checks memory again before computing: another job may have stored the result after the first
    /// check.
    fn find_or_compute(
        &self,
        prepared: &Prepared,
        is_unwanted: &dyn Fn() -> bool,
    ) -> Result<JobOutcome, Interrupted> {
        if let Some(cached) = self.cache.in_memory_uncounted(prepared.canonical()) {
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

    /// Answers an expired job as expired. Drops a job of a revoked partition: the new owner reads the
    /// record again.
    fn give_up(&self, job: Job) {
        if job.context.ack.is_current() {
            self.responder.answer(job, JobOutcome::failed("expired", EXPIRED));
        }
    }

    fn prepare(&self, job: &Job) -> Result<Prepared, JobOutcome> {
        let Job { request, .. } = job;
        self.catch_panic(|| prepare(&request.operation, &request.operands, &self.limits))?
            .map_err(|refusal| JobOutcome::failed(refusal.code(), refusal.to_string()))
    }

    /// Runs `work`, and turns a panic into a failure: the caller gets an answer, and the partition
    /// continues.
    fn catch_panic<T>(&self, work: impl FnOnce() -> T) -> Result<T, JobOutcome> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
            self.metrics.panics.inc();
            JobOutcome::failed("internal", "the computation failed; this is our fault")
        })
    }

    /// Computes a result and stores it in the cache.
    fn compute(
        &self,
        prepared: &Prepared,
        is_unwanted: &dyn Fn() -> bool,
    ) -> Result<JobOutcome, Interrupted> {
        let (began, cpu_before) = (Instant::now(), thread_time());
        match self.catch_panic(|| prepared.answer(is_unwanted)) {
            Ok(answer) => {
                let answer = answer?;
                self.metrics.note_computed(prepared, thread_time().saturating_sub(cpu_before));
                Ok(self.store(prepared, answer, began.elapsed()))
            }
            Err(failed) => Ok(failed),
        }
    }

    fn store(&self, prepared: &Prepared, answer: Answer, elapsed: Duration) -> JobOutcome {
        let (cached, cost) = (Cached::from(answer), prepared.cost().word_operations());
        if cost >= TRIVIAL {
            let is_worth_redis = self.costs.is_worth_redis(cost);
            self.cache.put(prepared.canonical(), cached.clone(), is_worth_redis);
        }
        let compute_micros = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        JobOutcome { compute_micros, ..JobOutcome::found(cached, CacheLevel::None) }
    }
}

/// CPU time of this thread. The clock stops while other threads have the core.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

const CONFLICT: &str =
    "another request with this request_id was written before; a new request needs a new id";
const EXPIRED: &str = "the deadline passed before the computation was done";
