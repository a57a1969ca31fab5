//! One drain, from the assignment of partitions to all members of a group until its last committed
//! offset. Commits before that, while members join, do not count.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Serialize;

use super::contender::Contender;
use crate::child::{Running, wait};
use crate::group::Group;
use crate::measurement::count;
use crate::processes::Processes;
use crate::topic_set::TopicSet;

/// Polling intervals of the group, before the start and until the end of a drain.
const BEGIN_CHECK_INTERVAL: Duration = Duration::from_millis(5);
const END_CHECK_INTERVAL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_mins(5);

/// The figures of a drain.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Drain {
    pub(super) round: u32,
    pub(super) contender: String,
    /// Requests per second.
    pub(super) rate: f64,
    /// CPU time per request, in microseconds: of the draining processes, and of the other
    /// processes.
    pub(super) own_micros: f64,
    pub(super) other_micros: BTreeMap<String, f64>,
    /// Largest peak memory of a draining process, in bytes.
    pub(super) peak_bytes: u64,
}

/// Measures one drain of `requests` requests by `contender`.
pub(super) fn measure(
    set: &TopicSet,
    contender: Contender,
    round: u32,
    requests: u64,
    others: &Processes,
) -> Result<Drain> {
    let group = format!("bench-{round}-{}", contender.to_string().replace([' ', ','], "-"));
    let watched = Group::new(set, &group, &[&set.topics.requested])?;
    let mut running = contender.start(set, &group)?;
    let members = running.len();
    let own: Processes = pairs(&running).parse().map_err(anyhow::Error::msg)?;
    wait(BEGIN_CHECK_INTERVAL, PATIENCE, &mut running, || watched.has_begun(members))?;
    let (began, own_before, others_before) =
        (Instant::now(), own.cpu_times()?, others.cpu_times()?);
    let drained = requests - watched.committed()?;
    ensure!(drained > 0, "the backlog was drained before every member had partitions");
    wait(END_CHECK_INTERVAL, PATIENCE, &mut running, || Ok(watched.committed()? >= requests))?;
    let took = began.elapsed();
    let own_spent = own.cpu_times()?.since(&own_before);
    let others_spent = others.cpu_times()?.since(&others_before);
    let memory = own.memory()?;
    running.into_iter().try_for_each(Running::stop)?;
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / count(drained);
    Ok(Drain {
        round,
        contender: contender.to_string(),
        rate: count(drained) / took.as_secs_f64(),
        own_micros: micros(own_spent.into_values().sum()),
        other_micros: others_spent.into_iter().map(|(name, time)| (name, micros(time))).collect(),
        peak_bytes: memory.iter().map(|memory| memory.peak).max().unwrap_or_default(),
    })
}

fn pairs(running: &[Running]) -> String {
    running.iter().map(Running::pair).collect::<Vec<_>>().join(",")
}
