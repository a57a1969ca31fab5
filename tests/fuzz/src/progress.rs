//! Offsets of the consumer groups, and the wait for their ends.

use std::thread;
use std::time::{Duration, Instant};

use abacus_testkit::{Position, System};

use crate::evidence::Stuck;
use crate::outputs::Outputs;
use crate::services::Services;
use crate::shot::Target;

/// Longest time without any progress. A batch that no client can read takes some seconds.
const PATIENCE: Duration = Duration::from_mins(1);
const INTERVAL: Duration = Duration::from_millis(100);

/// The next offsets of a group in a topic, and the end of the topic.
struct Lag {
    group: &'static str,
    target: Target,
    next: Vec<i64>,
    ends: Vec<i64>,
}

impl Lag {
    fn of_processor(system: &System, outputs: &Outputs<'_>, target: Target) -> Self {
        let (group, suffix) = match target {
            Target::Heavy => ("processor (heavy lane)", ".heavy"),
            _ => ("processor", ""),
        };
        let id = format!("{}{suffix}", system.processor_group());
        let committed = system.kafka.committed(&id, target.topic(&system.topics));
        let next = committed.into_iter().map(Option::unwrap_or_default).collect();
        Self { group, target, next, ends: outputs.ends(target) }
    }

    fn of_projector(system: &System, outputs: &Outputs<'_>, target: Target) -> Self {
        let ends = outputs.ends(target);
        let select = "SELECT partition, next_offset FROM projected_offsets WHERE topic = $1";
        let topic = target.topic(&system.topics).to_owned();
        let mut next = vec![0; ends.len()];
        for row in system.database.connect().query(select, &[&topic]).unwrap() {
            let (partition, offset): (i32, i64) = (row.get(0), row.get(1));
            next[usize::try_from(partition).unwrap()] = offset;
        }
        Self { group: "projector", target, next, ends }
    }

    fn missing(&self) -> i64 {
        self.next.iter().zip(&self.ends).map(|(next, end)| (end - next).max(0)).sum()
    }

    fn stuck(&self) -> impl Iterator<Item = Stuck> {
        let partitions = (0..).zip(self.next.iter().zip(&self.ends));
        partitions.filter(|(_, (next, end))| next < end).map(|(partition, (next, end))| Stuck {
            group: self.group,
            target: self.target,
            position: Position { partition, offset: *next },
            end: *end,
        })
    }
}

/// Waits until at most `allowed` requests are not committed. Returns the partitions without progress.
pub(crate) fn wait_for_processor(
    (system, outputs, services): (&System, &mut Outputs<'_>, &mut Services),
    allowed: i64,
) -> Vec<Stuck> {
    let lag = |outputs: &Outputs<'_>| Lag::of_processor(system, outputs, Target::Requested);
    wait((outputs, services), allowed, |outputs| vec![lag(outputs)])
}

/// Waits for the ends of all topics, in the order of the events. Returns the partitions without
/// progress.
pub(crate) fn wait_for_ends(
    (system, outputs, services): (&System, &mut Outputs<'_>, &mut Services),
) -> Vec<Stuck> {
    let processor = |outputs: &Outputs<'_>, target| Lag::of_processor(system, outputs, target);
    let projector = |outputs: &Outputs<'_>, target| Lag::of_projector(system, outputs, target);
    let mut stuck =
        wait((outputs, services), 0, |outputs| vec![processor(outputs, Target::Requested)]);
    outputs.read_to_end();
    stuck.extend(wait((outputs, services), 0, |outputs| vec![processor(outputs, Target::Heavy)]));
    outputs.read_to_end();
    stuck.extend(wait((outputs, services), 0, |outputs| {
        [Target::Requested, Target::Completed].map(|target| projector(outputs, target)).into()
    }));
    stuck
}

fn wait(
    (outputs, services): (&mut Outputs<'_>, &mut Services),
    allowed: i64,
    lags: impl Fn(&Outputs<'_>) -> Vec<Lag>,
) -> Vec<Stuck> {
    let mut last = (Instant::now(), i64::MAX);
    loop {
        let lags = lags(outputs);
        let missing: i64 = lags.iter().map(Lag::missing).sum();
        if missing <= allowed {
            return Vec::new();
        }
        if missing < last.1 {
            last = (Instant::now(), missing);
        }
        if last.0.elapsed() > PATIENCE || !services.are_running() {
            return lags.iter().flat_map(Lag::stuck).collect();
        }
        outputs.poll();
        thread::park_timeout(INTERVAL);
    }
}
