//! `Host` and the authority of a target (RFC 9110, section 7.2; RFC 3986, section 3.2.2).

use std::net::Ipv6Addr;

/// Characters of a name besides letters and digits: `unreserved` and `sub-delims` of RFC 3986.
const MARKS: &[u8] = b"-._~!$&'()*+,;=";

/// Returns `true` for a host with or without a port, and without user information. An empty host is
/// invalid, because an `http` URI has a host (RFC 9110, section 4.2.1).
/// ```
/// use abacus_http::fields::host::is_host;
/// assert!(is_host("abacus.example:8080") && is_host("[::1]:80"));
/// assert!(!is_host("ada@abacus.example") && !is_host(""));
/// ```
pub fn is_host(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let address = rest.split_once(']');
        return address.is_some_and(|(ip, port)| ip.parse::<Ipv6Addr>().is_ok() && is_port(port));
    }
    let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
    is_name(name) && is_port(port)
}

/// Returns `true` for `:` with a number of 16 bits, for a bare `:`, and for no port.
fn is_port(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(':') else { return text.is_empty() };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number && (digits.is_empty() || digits.parse::<u16>().is_ok())
}

/// Returns `true` for a registered name or an IPv4 address.
fn is_name(name: &str) -> bool {
    let mut parts = name.split('%');
    let is_plain =
        |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || MARKS.contains(&b));
    let is_encoded = |part: &str| {
        let code = part.split_at_checked(2);
        code.is_some_and(|(code, rest)| {
            code.bytes().all(|byte| byte.is_ascii_hexdigit()) && is_plain(rest)
        })
    };
    !name.is_empty() && parts.next().is_some_and(is_plain) && parts.all(is_encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_an_optional_port() {
        for text in
            ["x", "a_b.example", "127.0.0.1:80", "[2001:db8::1]", "[::1]:8080", "x:", "%41b"]
        {
            assert!(is_host(text), "{text}");
        }
        for text in [
            "", ":80", "a b", "a/b", "u@x", "x:y", "x:1:2", "x:65536", "x:+1", "[::1", "[::1]x",
            "::1", "[x]", "%4", "%zz", "é", "a\\b", "<x>",
        ] {
            assert!(!is_host(text), "{text}");
        }
    }
}
