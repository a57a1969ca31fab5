//! The report of a check, for people.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::fault::Kind;
use crate::plan::Plan;
use crate::verdict::Verdict;

/// The outcome of a check.
#[derive(Clone, Debug)]
pub struct Report {
    /// The plan.
    pub plan: Plan,
    /// The injected faults in order. `true` marks a fault that took effect.
    pub injected: Vec<(Kind, bool)>,
    /// Process exits outside the plan. They are not violations.
    pub unplanned_exits: Vec<String>,
    /// The verdict on topics and callers.
    pub verdict: Verdict,
    /// Duration of the check.
    pub took: Duration,
}

impl Report {
    /// Returns whether every promise was kept and every planned kind of fault took effect.
    pub fn is_good(&self) -> bool {
        self.verdict.is_clean() && self.never_fired().is_empty()
    }

    /// Planned kinds of faults that never took effect.
    pub fn never_fired(&self) -> Vec<Kind> {
        let faults = self.faults();
        faults.iter().filter(|(_, (_, fired))| *fired == 0).map(|(kind, _)| *kind).collect()
    }

    /// Counts of planned and effective faults, by kind.
    fn faults(&self) -> BTreeMap<Kind, (usize, usize)> {
        let mut faults = BTreeMap::new();
        for (kind, fired) in &self.injected {
            let (planned, happened): &mut (usize, usize) = faults.entry(*kind).or_default();
            *planned += 1;
            *happened += usize::from(*fired);
        }
        faults
    }

    fn write_faults(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<42}{:>8}{:>8}", "faults", "planned", "fired")?;
        for (kind, (planned, fired)) in self.faults() {
            writeln!(f, "  {:<40}{planned:>8}{fired:>8}", kind.to_string())?;
        }
        Ok(())
    }

    fn write_topics(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict {
            requested, handed_over, completed, written, succeeded, failed, expired, ..
        } = &self.verdict;
        let rows = [
            ("requests in their topic", *requested),
            ("  handed to the heavy lane", *handed_over),
            ("completions under read_committed", *completed),
            ("  the oracle's result", *succeeded),
            ("  the failure it must be", *failed),
            ("  expired, past their deadline", *expired),
            ("completions under read_uncommitted", *written),
            ("  of aborted transactions", written.saturating_sub(*completed)),
        ];
        writeln!(f, "topics")?;
        rows.iter().try_for_each(|(name, count)| writeln!(f, "  {name:<40}{count:>8}"))
    }

    fn write_callers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { direct, http, .. } = &self.verdict;
        let rows = [
            ("callers", direct.callers, http.callers),
            ("own answer", direct.answered, http.answered),
            ("definite error", direct.refused, http.refused),
            ("none before the deadline", direct.waiting, http.waiting),
            ("repeated", direct.repeated, http.repeated),
            ("another's answer", direct.foreign, http.foreign),
        ];
        writeln!(f, "{:<42}{:>8}{:>8}", "replies", "Kafka", "HTTP")?;
        rows.iter()
            .try_for_each(|(name, direct, http)| writeln!(f, "  {name:<40}{direct:>8}{http:>8}"))
    }

    fn write_broken(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.verdict.violations)?;
        for kind in self.never_fired() {
            writeln!(f, "NEVER FIRED: {kind}")?;
        }
        for exit in &self.unplanned_exits {
            writeln!(f, "not planned: {exit}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_faults(f)?;
        self.write_topics(f)?;
        self.write_callers(f)?;
        self.write_broken(f)?;
        let verdict = if self.is_good() { "exactly once" } else { "FAILED" };
        let seconds = self.took.as_secs();
        writeln!(f, "{verdict}: seed {}, {seconds} s", self.plan.seed)
    }
}
