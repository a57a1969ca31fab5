//! Quotas, and the generic cell rate algorithm that keeps them.
//!
//! The whole state of a caller's quota is one moment: when it would be whole again if nothing more
//! were asked. What is asked moves it on; it may not move past a window from now. No clock is read
//! here. See *Traffic control and congestion control in B-ISDN* (ITU-T I.371, Annex A).

use std::time::{Duration, Instant};

use abacus_runtime::Setting;

/// So many units at once, and as many in every window, which come back evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    units: u64,
    window: Duration,
}

/// A quota that is kept, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit(pub(crate) Option<Quota>);

impl Limit {
    /// So many times as much in the same time.
    pub(crate) fn times(self, factor: u64) -> Self {
        let quota = |quota: Quota| Quota { units: quota.units.saturating_mul(factor), ..quota };
        Self(self.0.map(quota))
    }
}

impl Quota {
    /// Nothing, if that would allow nothing or everything.
    pub(crate) fn new(units: u64, window: Duration) -> Option<Self> {
        (units > 0 && !window.is_zero()).then_some(Self { units, window })
    }

    pub(crate) fn units(self) -> u64 {
        self.units
    }

    pub(crate) fn window(self) -> Duration {
        self.window
    }

    /// How long so many units take to come back.
    pub(crate) fn time_for(self, units: u64) -> Duration {
        let nanos = self.window.as_nanos() * u128::from(units.min(self.units));
        from_nanos(nanos.div_ceil(u128::from(self.units)))
    }

    /// How many units come back in `time`.
    pub(crate) fn units_in(self, time: Duration) -> u64 {
        let time = time.min(self.window).as_nanos();
        let units = time * u128::from(self.units) / self.window.as_nanos().max(1);
        u64::try_from(units).unwrap_or(u64::MAX)
    }
}

/// `600000/60s`, or `off`.
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

/// What one caller has used of a quota.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gcra {
    /// When the quota is whole again; `None` if nothing was ever used.
    whole_at: Option<Instant>,
}

impl Gcra {
    /// Uses units, or says how long until there are as many.
    pub(crate) fn take(&mut self, quota: Quota, units: u64, now: Instant) -> Result<(), Duration> {
        let used = self.used(now);
        let wanted = used + quota.time_for(units);
        if wanted > quota.window {
            return Err(wanted.saturating_sub(quota.window));
        }
        self.whole_at = Some(now + wanted);
        Ok(())
    }

    /// Uses units that somebody else has allowed, at most all there are.
    pub(crate) fn charge(&mut self, quota: Quota, units: u64, now: Instant) {
        let used = (self.used(now) + quota.time_for(units)).min(quota.window);
        self.whole_at = Some(now + used);
    }

    /// How many units are left.
    pub(crate) fn left(&self, quota: Quota, now: Instant) -> u64 {
        quota.units_in(quota.window.saturating_sub(self.used(now)))
    }

    /// How long until the quota is whole again.
    fn used(&self, now: Instant) -> Duration {
        self.whole_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }
}

fn from_nanos(nanos: u128) -> Duration {
    u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
}

#[cfg(test)]
mod tests;
