//! Entity tags (RFC 9110, section 8.8.3).
//!
//! The bare digits depend only on the operation and the operands. Their tag is strong, and known
//! before the computation. A JSON answer also holds the request's id and times: the tag by operands
//! is weak, and the tag of one request is strong.

use abacus_http::fields::coding::CODED_TAG_SUFFIXES;
use abacus_http::fields::structured::split_unquoted;
use axum::http::HeaderValue;
use xxhash_rust::xxh3::{Xxh3, xxh3_128_with_seed};

use super::computation::Computation;
use super::format::Format;
use super::view::{Radix, View};

/// Version of the answers' form. After a change, tags of the old form match no answer.
const FORM_VERSION: u64 = 1;

/// An entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    hash: u128,
    is_weak: bool,
}

impl Tag {
    /// Creates the tag of an answer by the computation's canonical form.
    pub(crate) fn of_canonical_form(canonical: &str, format: Format, view: View) -> Self {
        let hash = xxh3_128_with_seed(canonical.as_bytes(), seed(format, view));
        Self { hash, is_weak: format == Format::Json }
    }

    /// Creates the tag of one request's final outcome; `None` while the request is pending.
    pub(crate) fn of_outcome(
        computation: &Computation,
        format: Format,
        view: View,
    ) -> Option<Self> {
        let completed_at = computation.completed_at.as_ref()?;
        let mut hash = Xxh3::with_seed(seed(format, view));
        hash.update(computation.request_id.as_bytes());
        // After a crash, the times in a reply may differ from the times in the log.
        hash.update(completed_at.as_bytes());
        hash.update(&computation.compute_micros.unwrap_or(0).to_be_bytes());
        hash.update(computation.cache.map_or("", super::computation::Cache::name).as_bytes());
        Some(Self { hash: hash.digest128(), is_weak: false })
    }

    pub(crate) fn to_header(&self) -> HeaderValue {
        self.in_quotes("")
    }

    /// Finds this tag in an `If-None-Match` list, in any content coding, by weak comparison.
    /// Returns the tag in the listed coding.
    pub(crate) fn find_in_list(&self, if_none_match: &str) -> Option<HeaderValue> {
        let mut tags = split_unquoted(if_none_match, ',').map(str::trim);
        let coding = tags.find_map(|tag| self.coding(tag.strip_prefix("W/").unwrap_or(tag)))?;
        Some(self.in_quotes(coding))
    }

    /// Returns `true` if an `If-Match` list has this tag, in any content coding, by strong comparison.
    pub(crate) fn is_in_list_strongly(&self, if_match: &str) -> bool {
        let mut tags = split_unquoted(if_match, ',').map(str::trim);
        !self.is_weak && tags.any(|tag| self.coding(tag).is_some())
    }

    /// Returns the suffix of the content coding if `quoted` is this tag in a coding.
    fn coding<'a>(&self, quoted: &'a str) -> Option<&'a str> {
        let opaque = quoted.strip_prefix('"')?.strip_suffix('"')?;
        let coding = opaque.strip_prefix(&format!("{:032x}", self.hash))?;
        (coding.is_empty() || CODED_TAG_SUFFIXES.contains(&coding)).then_some(coding)
    }

    fn in_quotes(&self, coding: &str) -> HeaderValue {
        let weak = if self.is_weak { "W/" } else { "" };
        let text = format!("{weak}\"{:032x}{coding}\"", self.hash);
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// Returns `true` if an `If-Range` names this tag, by strong comparison and without a content
    /// coding.
    pub(crate) fn matches_strongly(&self, if_range: &str) -> bool {
        !self.is_weak && self.coding(if_range.trim()) == Some("")
    }
}

fn seed(format: Format, view: View) -> u64 {
    let format = match format {
        Format::Json => 0,
        Format::Text => 1,
    };
    let radix = match view.radix {
        Radix::Decimal => 0,
        Radix::Hexadecimal => 2,
    };
    let preview = view.preview.map_or(0, |count| u64::try_from(count).unwrap_or(u64::MAX));
    preview.wrapping_mul(64).wrapping_add(FORM_VERSION * 4 + format + radix)
}

#[cfg(test)]
mod tests {
    use abacus_http::fields::coding::tag_in_coding;

    use super::*;

    const DECIMAL: View = View { radix: Radix::Decimal, preview: None };

    fn tag(canonical: &str, format: Format, view: View) -> Tag {
        Tag::of_canonical_form(canonical, format, view)
    }

    #[test]
    fn what_differs_has_another_tag() {
        let hex = View { radix: Radix::Hexadecimal, ..DECIMAL };
        let short = View { preview: Some(1), ..DECIMAL };
        let tags = [
            tag("pow(2,10)", Format::Text, DECIMAL),
            tag("pow(2,10)", Format::Json, DECIMAL),
            tag("pow(2,11)", Format::Text, DECIMAL),
            tag("pow(2,10)", Format::Text, hex),
            tag("pow(2,10)", Format::Text, short),
        ];
        for (at, one) in tags.iter().enumerate() {
            assert!(tags[at + 1..].iter().all(|other| one.hash != other.hash), "{at}");
        }
        assert_eq!(tags[0], tag("pow(2,10)", Format::Text, DECIMAL));
    }

    #[test]
    fn tags_are_compared_weakly_for_none_match_and_strongly_for_ranges() {
        let text = tag("pow(2,10)", Format::Text, DECIMAL);
        let strong = text.to_header().to_str().unwrap().to_owned();
        let weak = format!("W/{strong}");
        let gzip = tag_in_coding(&text.to_header(), "gzip").unwrap();
        let gzip = gzip.to_str().unwrap();
        let listed = format!("\"a,b\", {strong}");
        let named = [(&*strong, &*strong), (&weak, &strong), (gzip, gzip), (&listed, &strong)];
        for (list, name) in named {
            assert_eq!(text.find_in_list(list).unwrap(), name, "{list}");
        }
        let brotli = format!("{}-br\"", strong.trim_end_matches('"'));
        for list in ["", "*", "\"other\"", strong.trim_matches('"'), &brotli] {
            assert_eq!(text.find_in_list(list), None, "{list}");
        }
        assert!(text.matches_strongly(&strong));
        for other in [&weak, gzip, "*", "Sat, 21 Nov 2026 09:00:00 GMT"] {
            assert!(!text.matches_strongly(other), "{other}");
        }
        let json = tag("pow(2,10)", Format::Json, DECIMAL).to_header();
        assert!(json.to_str().unwrap().starts_with("W/\""));
        assert_eq!(tag_in_coding(&json, "gzip"), None);
    }
}
