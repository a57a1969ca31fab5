//! The client's address behind trusted proxies, from `X-Forwarded-For` or `Forwarded` (RFC 7239).
//!
//! Every proxy appends the address of the client on the right. The field is therefore read from the
//! right, as far as the addresses are trusted proxies; a caller can invent the rest. Only the
//! configured field is read, because a proxy writes one of the two fields and passes on the second
//! unchanged.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use abacus_runtime::{Config, Environment, Setting};
use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Address of the caller, as far as trusted proxies tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// Returns the usual assignment of a customer: an IPv4 address, or an IPv6 network of 64 bits.
    pub fn network(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
            }
        }
    }
}

/// The trusted proxies in front of the service.
#[derive(Clone, Debug)]
pub struct Proxies {
    trusted: Vec<Network>,
    field: Field,
}

/// Field with the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    XForwardedFor,
    Forwarded,
}

/// A network in CIDR notation, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network(IpNet);

impl Config for Proxies {
    fn read(env: &mut Environment) -> Self {
        Self {
            trusted: env.get(
                "ABACUS_TRUSTED_PROXIES",
                "",
                "Networks of trusted proxies, which name the client's address; separated by commas",
            ),
            field: env.get(
                "ABACUS_FORWARDED_HEADER",
                "x-forwarded-for",
                "Header in which trusted proxies name the client: x-forwarded-for or forwarded",
            ),
        }
    }
}

impl Proxies {
    /// Returns the first address, from the right, outside the trusted proxies.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return ClientAddress(client);
        }
        let lines = headers.get_all(self.field.name()).iter().rev();
        // Hop by hop: a part written by a caller may not be text, the parts of trusted proxies are.
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops {
            let hop = str::from_utf8(hop).ok();
            let Some(address) = hop.and_then(|hop| self.field.address(hop)) else { break };
            client = address.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        ClientAddress(client)
    }

    /// Returns `true` for the address of a trusted proxy.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.0.contains(&address))
    }
}

impl Field {
    fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => header::FORWARDED,
        }
    }

    /// Returns the address in a hop; `None` for `unknown` and for obfuscated names.
    fn address(self, hop: &str) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => address(hop.trim()),
            Self::Forwarded => {
                let pairs = hop.split(';').filter_map(|pair| pair.split_once('='));
                let mut nodes = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
                let (_, node) = nodes.next()?;
                address(node.trim().trim_matches('"'))
            }
        }
    }
}

/// Reads an address with or without a port; IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port)
}

impl Setting for Field {
    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err("expected `x-forwarded-for` or `forwarded`".to_owned()),
        }
    }
}

impl Setting for Network {
    fn parse(text: &str) -> Result<Self, String> {
        let single = || text.parse::<IpAddr>().map(IpNet::from);
        let network = text.parse().or_else(|_| single());
        network.map(Self).map_err(|_| "expected a network such as `10.0.0.0/8`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(trusted: &str, field: &str) -> Proxies {
        let pairs = [("ABACUS_TRUSTED_PROXIES", trusted), ("ABACUS_FORWARDED_HEADER", field)];
        let mut env = Environment::from_pairs(pairs);
        let proxies = Proxies::read(&mut env);
        env.finish().unwrap();
        proxies
    }

    fn client(proxies: &Proxies, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).0.to_string()
    }

    #[test]
    fn nobody_is_believed_without_being_trusted() {
        let lines = [("x-forwarded-for", "9.9.9.9"), ("forwarded", "for=9.9.9.9")];
        assert_eq!(client(&proxies("", "x-forwarded-for"), "1.2.3.4", &lines), "1.2.3.4");
        let others = proxies("10.0.0.0/8", "x-forwarded-for");
        assert_eq!(client(&others, "1.2.3.4", &lines), "1.2.3.4");
    }

    #[test]
    fn a_chain_is_read_from_the_right_as_far_as_it_is_trusted() {
        let proxies = proxies("10.0.0.0/8, 2001:db8::/32", "x-forwarded-for");
        for (field, expected) in [
            ("5.6.7.8", "5.6.7.8"),
            ("9.9.9.9, 5.6.7.8", "5.6.7.8"),
            ("9.9.9.9, 5.6.7.8, 10.1.1.1, 2001:db8::1", "5.6.7.8"),
            ("5.6.7.8:4711", "5.6.7.8"),
            ("[2001:db9::1]:4711", "2001:db9::1"),
            ("::ffff:5.6.7.8", "5.6.7.8"),
            ("9.9.9.9, unknown", "10.0.0.1"),
            ("9.9.9.9,,", "10.0.0.1"),
            ("10.0.0.3", "10.0.0.3"),
        ] {
            let lines = [("x-forwarded-for", field)];
            assert_eq!(client(&proxies, "10.0.0.1", &lines), expected, "{field}");
        }
        let lines = [("x-forwarded-for", "9.9.9.9"), ("x-forwarded-for", "5.6.7.8, 10.0.0.2")];
        assert_eq!(client(&proxies, "::ffff:10.0.0.1", &lines), "5.6.7.8");
        assert_eq!(client(&proxies, "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_a_caller_has_written_hides_nothing_that_a_proxy_adds() {
        let proxies = proxies("10.0.0.0/8", "x-forwarded-for");
        for (bytes, expected) in [
            (b"\xff, 5.6.7.8".as_slice(), "5.6.7.8"),
            (b"\xc3\xa9, 5.6.7.8, 10.1.1.1", "5.6.7.8"),
            (b"9.9.9.9, \xff, 10.1.1.1", "10.1.1.1"),
        ] {
            let value = axum::http::HeaderValue::from_bytes(bytes).unwrap();
            let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, value)]);
            let client = proxies.client([10, 0, 0, 1].into(), &headers);
            assert_eq!(client.0.to_string(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn only_the_configured_field_counts() {
        let proxies = proxies("10.0.0.1", "forwarded");
        let lines = [
            ("x-forwarded-for", "9.9.9.9"),
            ("forwarded", "for=8.8.8.8, proto=https;For=\"[2001:db8::7]:1\";by=_x"),
        ];
        assert_eq!(client(&proxies, "10.0.0.1", &lines), "2001:db8::7");
        let hidden = [("forwarded", "for=8.8.8.8, for=_hidden")];
        assert_eq!(client(&proxies, "10.0.0.1", &hidden), "10.0.0.1");
    }
}
