//! The source of a request: the network that counters and limits use instead of the peer's address.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// The source of a request: an IPv4 address, or the /64 network of an IPv6 address. One IPv6 host usually controls
/// all 2^64 addresses of its network (RFC 6177), so that a limit for each IPv6 address would have no effect.
///
/// An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source(IpAddr);

impl Source {
    /// The source of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self::of(address)
    }
}

/// `192.0.2.1`, or `2001:db8:1:2::/64`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Source {
        Source::of(text.parse().unwrap())
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_source_and_of_two_are_two_row_156() {
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.2.2"));
    }

    #[test]
    fn a_source_is_shown_as_an_address_or_a_network() {
        assert_eq!(of("::ffff:192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(of("2001:db8:1:2:3::4").to_string(), "2001:db8:1:2::/64");
    }
}
