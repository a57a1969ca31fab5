//! The search for the end of an unreadable batch.
//!
//! A client that reads at any offset of a batch receives the whole batch, and fails at each of its
//! offsets. The search doubles its steps until an offset is outside the batch, then halves them.
//! If the errors name the batch, the result is exact: a second unreadable batch is told from the
//! first. Otherwise a readable batch between two unreadable batches may be skipped with them; the
//! range is reported.

use super::finding::Finding;

/// Returns the first offset after the batch at `start`, at most `end`. `base` is the batch's first
/// offset, if known. Returns `None` if an offset cannot be judged: the search must be repeated.
pub(super) fn end_of_batch(
    start: i64,
    end: i64,
    base: Option<i64>,
    mut look: impl FnMut(i64) -> Finding,
) -> Option<i64> {
    let mut is_inside = |offset| match look_twice_at_silence(offset, &mut look) {
        Finding::Unreadable { base: found, .. } => Some(found == base),
        Finding::Delivered | Finding::Readable => Some(false),
        Finding::Refused(_) | Finding::Unknown => None,
    };
    let (mut inside, mut outside) = (start, end.max(start + 1));
    let mut step = 1;
    while inside + step < outside {
        if is_inside(inside + step)? {
            inside += step;
            step = step.saturating_mul(2);
        } else {
            outside = inside + step;
        }
    }
    while inside + 1 < outside {
        let middle = inside + (outside - inside) / 2;
        if is_inside(middle)? {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    Some(outside)
}

/// Looks again if the first look finds neither a record nor an error: a slow answer is no fault of a
/// batch.
fn look_twice_at_silence(offset: i64, look: &mut impl FnMut(i64) -> Finding) -> Finding {
    match look(offset) {
        silent @ Finding::Unreadable { .. } if !silent.is_certain() => look(offset),
        finding => finding,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A partition of batches: length, and readability.
    fn finding(batches: &[(i64, bool)], offset: i64, is_named: bool) -> Finding {
        let mut base = 0;
        for (length, is_readable) in batches {
            if offset < base + length {
                let unreadable = || Finding::Unreadable {
                    base: is_named.then_some(base),
                    error: "broken".to_owned(),
                };
                return if *is_readable { Finding::Readable } else { unreadable() };
            }
            base += length;
        }
        Finding::Readable
    }

    proptest! {
        #[test]
        fn the_end_of_a_named_batch_is_exact(
            first in 1_i64..5000,
            others in prop::collection::vec((1_i64..100, any::<bool>()), 0..30),
            into in 0_i64..5000,
        ) {
            let batches = [vec![(first, false)], others].concat();
            let end = batches.iter().map(|(length, _)| length).sum();
            let start = into % first;
            let mut looks = 0;
            let found = end_of_batch(start, end, Some(0), |offset| {
                looks += 1;
                finding(&batches, offset, true)
            });
            prop_assert_eq!(found, Some(first));
            prop_assert!(looks <= 30, "{} looks", looks);
        }

        #[test]
        fn an_unnamed_batch_ends_before_a_readable_one(first in 1_i64..5000, rest in 1_i64..5000) {
            let batches = [(first, false), (rest, true)];
            let found = end_of_batch(0, first + rest, None, |at| finding(&batches, at, false));
            prop_assert_eq!(found, Some(first));
        }
    }

    #[test]
    fn a_slow_answer_does_not_put_a_record_into_the_batch_before() {
        let batches = [(1, false), (9, true)];
        let mut slow = 0;
        let found = end_of_batch(0, 10, None, |offset| {
            slow += 1;
            if slow % 2 == 1 {
                return Finding::Unreadable { base: None, error: "no record".to_owned() };
            }
            finding(&batches, offset, false)
        });
        assert_eq!(found, Some(1));
    }

    #[test]
    fn an_offset_that_cannot_be_judged_ends_the_search() {
        assert_eq!(end_of_batch(0, 10, None, |_| Finding::Unknown), None);
        assert_eq!(end_of_batch(7, 8, None, |_| Finding::Unknown), Some(8));
    }
}
