//! The report of a run, for people.

use std::fmt;
use std::time::Duration;

use crate::plan::Plan;
use crate::verdict::{KindCounts, Verdict};

/// The outcome of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The plan.
    pub plan: Plan,
    /// Number of schemas that the registry accepted, and of those that it refused.
    pub schemas: [usize; 2],
    /// Largest resident memory of ingress, processor and projector, with the bounds, in bytes.
    pub memory: Vec<(&'static str, u64, u64)>,
    /// Last log lines of services that ended.
    pub last_words: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Time of writing, and of the whole run.
    pub took: [Duration; 2],
}

impl Report {
    /// Returns whether every promise was kept.
    pub fn is_good(&self) -> bool {
        self.verdict.is_clean()
    }

    fn write_kinds(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name: &str, counts: KindCounts| {
            let KindCounts { refused, written, completed, dead } = counts;
            writeln!(f, "  {name:<20}{refused:>10}{written:>10}{completed:>11}{dead:>10}")
        };
        writeln!(
            f,
            "{:<22}{:>10}{:>10}{:>11}{:>10}",
            "records", "refused", "written", "completed", "dead"
        )?;
        let mut all = KindCounts::default();
        for (kind, counts) in &self.verdict.kinds {
            line(f, &kind.to_string(), *counts)?;
            all.refused += counts.refused;
            all.written += counts.written;
            all.completed += counts.completed;
            all.dead += counts.dead;
        }
        line(f, "all", all)
    }

    fn write_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { completions, repeats, right: [http, kafka], succeeded, .. } = &self.verdict;
        writeln!(f, "completions {completions}, repeats without their own {repeats}")?;
        writeln!(f, "right answers: {http} over HTTP, {kafka} over Kafka; results {succeeded}")?;
        let [accepted, refused] = self.schemas;
        writeln!(f, "schemas: {accepted} accepted, {refused} refused by the registry")?;
        for (name, peak, bound) in &self.memory {
            writeln!(f, "{name}: {} MiB at most, bound {} MiB", peak >> 20, bound >> 20)?;
        }
        Ok(())
    }

    fn write_broken(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.verdict.violations)?;
        self.last_words.iter().try_for_each(|words| writeln!(f, "{words}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_kinds(f)?;
        self.write_rest(f)?;
        self.write_broken(f)?;
        let verdict = if self.is_good() { "in = out" } else { "FAILED" };
        let [writing, all] = self.took.map(|took| took.as_secs());
        writeln!(f, "{verdict}: seed {}, {writing} s of writing, {all} s", self.plan.seed)
    }
}
