//! W3C Trace Context's `traceparent`, as far as handing it on needs:
//! <https://www.w3.org/TR/trace-context/#traceparent-header>.

/// `00-` trace id `-` parent id `-` flags.
const LEN: usize = 2 + 1 + 32 + 1 + 16 + 1 + 2;

/// Whether `value` is a `traceparent` of version 00, so that others can rely on its form.
pub(crate) fn is_well_formed(value: &[u8]) -> bool {
    let mut fields = value.split(|byte| *byte == b'-');
    let mut field = |len: usize| fields.next().is_some_and(|field| is_hex(field, len));
    value.len() == LEN
        && value.starts_with(b"00-")
        && field(2)
        && field(32)
        && field(16)
        && field(2)
        && has_ids(value)
}

fn is_hex(field: &[u8], len: usize) -> bool {
    field.len() == len && field.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Ids of nothing but zeros are invalid.
fn has_ids(value: &[u8]) -> bool {
    let mut ids = value.split(|byte| *byte == b'-').skip(1).take(2);
    ids.all(|id| id.iter().any(|byte| *byte != b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_standards_form_is_handed_on() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_well_formed(good.as_bytes()));
        for bad in [
            "",
            &good[..54],
            &good.to_uppercase(),
            &good.replacen("00-", "ff-", 1),
            &good.replace("00f067aa0ba902b7", "0000000000000000"),
            &good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &good.replace("b7-01", "b-701"),
            &format!("{good}-00"),
        ] {
            assert!(!is_well_formed(bad.as_bytes()), "{bad}");
        }
    }
}
