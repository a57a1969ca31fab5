//! Quotas, and the generic cell rate algorithm (*Traffic control and congestion control in B-ISDN*, ITU-T I.371, Annex A).
//!
//! The state of a quota is a moment: the time at which the quota is whole again. Taking units moves the moment
//! forward, at most to one window from now. This module reads no clock.

use std::time::{Duration, Instant};

use abacus_runtime::Setting;

/// A number of units in each window. Used units come back evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    units: u64,
    window: Duration,
}

/// A quota, or no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub Option<Quota>);

impl Limit {
    /// Multiplies the units of the quota.
    #[must_use]
    pub fn times(self, factor: u64) -> Self {
        let quota = |quota: Quota| Quota { units: quota.units.saturating_mul(factor), ..quota };
        Self(self.0.map(quota))
    }
}

impl Quota {
    /// Returns `None` for zero units and for a zero window.
    pub fn new(units: u64, window: Duration) -> Option<Self> {
        (units > 0 && !window.is_zero()).then_some(Self { units, window })
    }

    /// Units in each window.
    pub fn units(self) -> u64 {
        self.units
    }

    /// Length of the window.
    pub fn window(self) -> Duration {
        self.window
    }

    /// Time in which `units` come back, rounded up; at most one window.
    pub(crate) fn time_for(self, units: u64) -> Duration {
        let nanos = self.window.as_nanos() * u128::from(units.min(self.units));
        from_nanos(nanos.div_ceil(u128::from(self.units)))
    }

    /// Units that come back in `time`, rounded down; at most the whole quota.
    pub(crate) fn units_in(self, time: Duration) -> u64 {
        let time = time.min(self.window).as_nanos();
        let units = time * u128::from(self.units) / self.window.as_nanos().max(1);
        u64::try_from(units).unwrap_or(u64::MAX)
    }
}

/// Text such as `600000/60s`, or `off`.
impl Setting for Limit {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let quota = text.split_once('/').and_then(|(units, window)| {
            Quota::new(units.trim().parse().ok()?, Duration::parse(window.trim()).ok()?)
        });
        let quota = quota
            .ok_or("expected units and the time they last for, such as `600/60s`, or `off`")?;
        Ok(Self(Some(quota)))
    }
}

/// Used units of a quota.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gcra {
    /// Time at which the quota is whole again; `None` before the first use.
    whole_at: Option<Instant>,
}

impl Gcra {
    /// Takes units. An error is the time until enough units are back.
    pub(crate) fn take(&mut self, quota: Quota, units: u64, now: Instant) -> Result<(), Duration> {
        let used = self.used(now);
        let wanted = used + quota.time_for(units);
        if wanted > quota.window {
            return Err(wanted.saturating_sub(quota.window));
        }
        self.whole_at = Some(now + wanted);
        Ok(())
    }

    /// Takes units without a check, at most all units.
    pub(crate) fn charge(&mut self, quota: Quota, units: u64, now: Instant) {
        let used = (self.used(now) + quota.time_for(units)).min(quota.window);
        self.whole_at = Some(now + used);
    }

    /// Remaining units.
    pub(crate) fn left(&self, quota: Quota, now: Instant) -> u64 {
        quota.units_in(quota.window.saturating_sub(self.used(now)))
    }

    /// Time until the quota is whole again.
    fn used(&self, now: Instant) -> Duration {
        self.whole_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }
}

fn from_nanos(nanos: u128) -> Duration {
    u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
}

#[cfg(test)]
mod tests;
