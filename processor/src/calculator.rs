//! From a job to its answer: validation, cache, computation.
//!
//! Costly computations that are wanted several times at once are made once: a job that finds its
//! computation under way leaves itself with it and frees its worker.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use abacus_operations::{Limits, Prepared, prepare};
use abacus_schemas::{CacheLevel, Outcome, Timestamp};
use parking_lot::Mutex;

use crate::answering::{Answered, Answering};
use crate::cache::{Cache, Cached};
use crate::job::Job;
use crate::metrics::Metrics;

/// Answers jobs.
pub(crate) struct Calculator {
    limits: Limits,
    /// Word operations from which a computation is worth asking Redis for, and sharing.
    costly: u64,
    cache: Cache,
    answering: Arc<Answering>,
    under_way: Mutex<HashMap<Box<str>, Vec<Job>>>,
    metrics: Metrics,
}

impl Calculator {
    pub(crate) fn new(
        limits: Limits,
        costly: u64,
        cache: Cache,
        answering: Arc<Answering>,
        metrics: Metrics,
    ) -> Self {
        Self { limits, costly, cache, answering, under_way: Mutex::default(), metrics }
    }

    /// Answers a job, or leaves it with the same computation under way, which then answers it.
    pub(crate) fn take(&self, job: Job) {
        if is_expired(&job) {
            let message = "the deadline had passed before a processor took the request up";
            return self.answering.answer(job, Answered::failed("expired", message));
        }
        let prepared = match self.prepare(&job) {
            Ok(prepared) => prepared,
            Err(answered) => return self.answering.answer(job, answered),
        };
        if let Some(cached) = self.cache.in_memory(prepared.canonical()) {
            return self.answering.answer(job, found(&cached, CacheLevel::Memory));
        }
        if prepared.cost().word_operations() < self.costly {
            let answered = self.compute(&prepared);
            return self.answering.answer(job, answered);
        }
        self.take_costly(job, &prepared);
    }

    fn take_costly(&self, job: Job, prepared: &Prepared) {
        let Some(job) = self.join(job, prepared.canonical()) else { return };
        let answered = self.find_or_compute(prepared);
        let waiting = self.under_way.lock().remove(prepared.canonical()).unwrap_or_default();
        for waiting in waiting {
            let cache = CacheLevel::Memory;
            self.answering
                .answer(waiting, Answered { compute_micros: 0, cache, ..answered.clone() });
        }
        self.answering.answer(job, answered);
    }

    /// Looks into memory again: between the first look and becoming the first to want it, another
    /// may have computed it.
    fn find_or_compute(&self, prepared: &Prepared) -> Answered {
        if let Some(cached) = self.cache.in_memory(prepared.canonical()) {
            return found(&cached, CacheLevel::Memory);
        }
        match self.cache.in_redis(prepared.canonical()) {
            Some(cached) => found(&cached, CacheLevel::Redis),
            None => self.compute(prepared),
        }
    }

    /// Gives the job back if it is the first to want its computation.
    fn join(&self, job: Job, canonical: &str) -> Option<Job> {
        let mut under_way = self.under_way.lock();
        if let Some(waiting) = under_way.get_mut(canonical) {
            self.metrics.shared.inc();
            waiting.push(job);
            return None;
        }
        under_way.insert(canonical.into(), Vec::new());
        Some(job)
    }

    fn prepare(&self, job: &Job) -> Result<Prepared, Answered> {
        let Job { request, .. } = job;
        self.guarded(|| prepare(&request.operation, &request.operands, &self.limits))?
            .map_err(|refusal| Answered::failed(refusal.code(), refusal.to_string()))
    }

    /// A panic is an answer too: the caller must not wait for nothing, nor the partition stand still.
    fn guarded<T>(&self, work: impl FnOnce() -> T) -> Result<T, Answered> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
            self.metrics.panics.inc();
            Answered::failed("internal", "the computation failed; this is our fault")
        })
    }

    /// Computes and remembers.
    fn compute(&self, prepared: &Prepared) -> Answered {
        let began = Instant::now();
        let answer = match self.guarded(|| prepared.answer(&|| false)) {
            Ok(Ok(answer)) => answer,
            Ok(Err(interrupted)) => {
                return Answered::failed("interrupted", interrupted.to_string());
            }
            Err(failed) => return failed,
        };
        let elapsed = began.elapsed();
        self.metrics.computed.with_label_values(&[prepared.operation()]).inc();
        let cached = Cached::from(answer);
        let is_costly = prepared.cost().word_operations() >= self.costly;
        self.cache.put(prepared.canonical(), cached.clone(), is_costly);
        let compute_micros = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        Answered { compute_micros, ..found(&cached, CacheLevel::None) }
    }
}

fn is_expired(job: &Job) -> bool {
    let is_over = |deadline_ms| deadline_ms < Timestamp::now().as_micros() / 1000;
    job.envelope.deadline_ms.is_some_and(is_over)
}

fn found(cached: &Cached, level: CacheLevel) -> Answered {
    let outcome = Outcome::Succeeded {
        result: cached.decimal.to_string(),
        digits: i64::try_from(cached.digits()).unwrap_or(i64::MAX),
        bits: i64::try_from(cached.bits).unwrap_or(i64::MAX),
    };
    Answered { outcome, compute_micros: 0, cache: level }
}
