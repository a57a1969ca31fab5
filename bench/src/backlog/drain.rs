//! One drain: from the moment every member of a group has partitions to its last committed offset. What
//! was committed before that, while members were still joining, does not count.

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

/// How often the group is looked at, before it has begun and until it is done.
const LOOK_FOR_BEGIN: Duration = Duration::from_millis(5);
const LOOK_FOR_END: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_mins(5);

/// What a drain took.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Drain {
    pub(super) round: u32,
    pub(super) contender: String,
    /// Requests a second.
    pub(super) rate: f64,
    /// CPU time on a request, in microseconds: of those who drained, and of the other processes.
    pub(super) own_micros: f64,
    pub(super) other_micros: BTreeMap<String, f64>,
    /// The most memory that one of those who drained ever had, in bytes.
    pub(super) peak_bytes: u64,
}

/// Lets `contender` drain `requests` requests.
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
    wait(LOOK_FOR_BEGIN, PATIENCE, &mut running, || watched.has_begun(members))?;
    let (began, own_before, others_before) =
        (Instant::now(), own.cpu_times()?, others.cpu_times()?);
    let drained = requests - watched.committed()?;
    ensure!(drained > 0, "all was drained before every member had partitions");
    wait(LOOK_FOR_END, PATIENCE, &mut running, || Ok(watched.committed()? >= requests))?;
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
