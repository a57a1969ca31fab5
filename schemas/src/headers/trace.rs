//! Trace context of a request: `traceparent` and `tracestate` of
//! [W3C Trace Context](https://www.w3.org/TR/trace-context/).

use super::names::{TRACEPARENT, TRACESTATE};
use super::repeated::last;

/// Length of `traceparent` in version 00: version, trace id, parent id and flags. Later versions
/// may append fields.
const TRACEPARENT_BYTES: usize = 55;
/// Longest accepted `traceparent` of a later version, in bytes.
const MAX_TRACEPARENT_BYTES: usize = 256;
/// Longest forwarded `tracestate`, in bytes: the length that every participant should support.
const MAX_TRACESTATE_BYTES: usize = 512;

/// Trace context of a request, forwarded unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext<'a> {
    traceparent: &'a [u8],
    tracestate: Option<&'a [u8]>,
}

impl<'a> TraceContext<'a> {
    /// Makes a trace context. Returns `None` for an invalid `traceparent`: the standard forbids
    /// reading `tracestate` then. An invalid `tracestate` is dropped, and a long one is cut between
    /// two entries.
    pub fn new(traceparent: &'a [u8], tracestate: Option<&'a [u8]>) -> Option<Self> {
        let tracestate = tracestate.and_then(shortened);
        is_traceparent(traceparent).then_some(Self { traceparent, tracestate })
    }

    /// Reads the trace context of a request.
    pub fn from_headers(
        headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)> + Clone,
    ) -> Option<Self> {
        Self::new(last(headers.clone(), TRACEPARENT)?, last(headers, TRACESTATE))
    }

    /// Returns the headers that [`Self::from_headers`] reads.
    pub fn to_headers(self) -> impl Iterator<Item = (&'static str, &'a [u8])> {
        let tracestate = self.tracestate.map(|state| (TRACESTATE, state));
        [(TRACEPARENT, self.traceparent)].into_iter().chain(tracestate)
    }

    /// Value of the header `traceparent`.
    pub fn traceparent(&self) -> &'a [u8] {
        self.traceparent
    }

    /// Value of the header `tracestate`.
    pub fn tracestate(&self) -> Option<&'a [u8]> {
        self.tracestate
    }
}

/// Returns `true` for a valid `traceparent` of version 00 or of a later version. A later version
/// begins with the fields of version 00, and appends further fields after a dash.
pub fn is_traceparent(value: &[u8]) -> bool {
    let Some((known, appended)) = value.split_at_checked(TRACEPARENT_BYTES) else { return false };
    let mut fields = known.split(|byte| *byte == b'-');
    let mut next = || fields.next();
    let (Some(version), Some(trace_id), Some(parent_id), Some(flags), None) =
        (next(), next(), next(), next(), next())
    else {
        return false;
    };
    let is_complete = match version {
        b"ff" => false,
        b"00" => appended.is_empty(),
        _ => appended.is_empty() || appended.starts_with(b"-"),
    };
    is_complete
        && value.len() <= MAX_TRACEPARENT_BYTES
        && appended.iter().all(u8::is_ascii_graphic)
        && is_hex(version, 2)
        && is_hex(trace_id, 32)
        && is_hex(parent_id, 16)
        && is_hex(flags, 2)
        && has_digit(trace_id)
        && has_digit(parent_id)
}

fn is_hex(field: &[u8], len: usize) -> bool {
    field.len() == len && field.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// True unless the id consists of zeros, which makes it invalid.
fn has_digit(id: &[u8]) -> bool {
    id.iter().any(|byte| *byte != b'0')
}

/// Removes entries from the end of a long `tracestate`. Returns `None` for an invalid value.
fn shortened(value: &[u8]) -> Option<&[u8]> {
    let is_text = value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    if !is_text || value.trim_ascii().is_empty() {
        return None;
    }
    let Some((kept, rest)) = value.split_at_checked(MAX_TRACESTATE_BYTES) else {
        return Some(value);
    };
    if rest.first().is_none_or(|byte| *byte == b',') {
        return Some(kept);
    }
    let end = kept.iter().rposition(|byte| *byte == b',')?;
    kept.get(..end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read<'a>(headers: &[(&'a str, &'a [u8])]) -> Option<TraceContext<'a>> {
        TraceContext::from_headers(headers.iter().map(|(name, value)| (*name, Some(*value))))
    }

    #[test]
    fn only_the_standards_form_is_forwarded() {
        assert!(is_traceparent(GOOD.as_bytes()));
        for bad in [
            "",
            &GOOD[..54],
            &GOOD.to_uppercase(),
            &GOOD.replacen("00-", "ff-", 1),
            &GOOD.replacen("00-", "0g-", 1),
            &GOOD.replace("00f067aa0ba902b7", "0000000000000000"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("b7-01", "b-701"),
            &format!("{GOOD}-00"),
        ] {
            assert!(!is_traceparent(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_later_version_may_append_fields() {
        let later = GOOD.replacen("00-", "01-", 1);
        for good in [later.clone(), format!("{later}-"), format!("{later}-what-is-new")] {
            assert!(is_traceparent(good.as_bytes()), "{good}");
        }
        for bad in
            [format!("{later}0"), format!("{later}.x"), format!("{later}-{}", "x".repeat(256))]
        {
            assert!(!is_traceparent(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn tracestate_travels_only_with_a_traceparent() {
        let state = (TRACESTATE, &b"vendor=1"[..]);
        let context = read(&[state, (TRACEPARENT, GOOD.as_bytes())]).unwrap();
        assert_eq!(context.tracestate(), Some(state.1));
        assert_eq!(read(&[state]), None);
        assert_eq!(read(&[state, (TRACEPARENT, b"garbage")]), None);
        let sent: Vec<_> = context.to_headers().collect();
        assert_eq!(read(&sent), Some(context));
    }

    #[test]
    fn a_long_tracestate_keeps_whole_entries() {
        let entries = "a=1,".repeat(300);
        let kept = shortened(entries.as_bytes()).unwrap();
        assert!(kept.len() <= MAX_TRACESTATE_BYTES && kept.ends_with(b"a=1"));
        let exact = format!("a={}", "x".repeat(MAX_TRACESTATE_BYTES - 2));
        assert_eq!(shortened(exact.as_bytes()), Some(exact.as_bytes()));
        assert_eq!(shortened(format!("{exact},b=2").as_bytes()), Some(exact.as_bytes()));
        assert_eq!(shortened("x".repeat(2000).as_bytes()), None);
        for bad in [&b""[..], b"  ", b"a=\x00", b"a=\xff"] {
            assert_eq!(shortened(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_written_alike(
            traceparent in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..300),
                "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[ -~]{0,20})?"
                    .prop_map(String::into_bytes),
            ],
            tracestate in prop::option::of(prop::collection::vec(any::<u8>(), 0..1000)),
        ) {
            let Some(context) = TraceContext::new(&traceparent, tracestate.as_deref()) else {
                return Ok(());
            };
            prop_assert!(context.tracestate().is_none_or(|s| s.len() <= MAX_TRACESTATE_BYTES));
            let sent: Vec<_> = context.to_headers().collect();
            prop_assert_eq!(read(&sent), Some(context));
        }
    }
}
