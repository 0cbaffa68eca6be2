//! How near an address is: what is public, what is somebody's private network, what is this machine, what is never reached.
//!
//! Facts: the registries of special-purpose addresses (RFC 6890 and its successors). Forms of IPv6 that carry an IPv4
//! address are judged by the address they carry.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Metadata of Alibaba, in address space shared with customers, and of Azure, in public address space.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];
/// Metadata of AWS.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254);

/// What a function is granted for one wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// How near the target may be.
    pub reach: Reach,
    /// Whether a tunnel's first message must be TLS that names the same host.
    pub named: bool,
}

/// How far a grant goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses.
    Public,
    /// Private networks too.
    Private,
    /// This machine too.
    Here,
}

/// How near an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nearness {
    Public,
    Private,
    Here,
    /// Link-local, metadata of a provider, multicast, reserved: no grant covers it.
    Never,
}

impl Nearness {
    pub(super) fn is_within(self, reach: Reach) -> bool {
        match self {
            Self::Public => true,
            Self::Private => matches!(reach, Reach::Private | Reach::Here),
            Self::Here => reach == Reach::Here,
            Self::Never => false,
        }
    }
}

pub(super) fn of(address: IpAddr) -> Nearness {
    match address {
        IpAddr::V4(address) => of_v4(address),
        IpAddr::V6(address) => of_v6(address),
    }
}

fn of_v4(address: Ipv4Addr) -> Nearness {
    match address.octets() {
        [127, ..] => Nearness::Here,
        _ if METADATA_V4.contains(&address) => Nearness::Never,
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => Nearness::Private,
        [0 | 224.., ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Nearness::Never,
        _ => Nearness::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Nearness {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return of_v4(mapped);
    }
    let carried = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Nearness::Here,
        _ if address == METADATA_V6 => Nearness::Never,
        [0xfc00..=0xfdff, ..] => Nearness::Private,
        // Translation and 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => carried(high, low),
        // Teredo, documentation, benchmarks and other assignments of the protocol.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Nearness::Never,
        [0x2000..=0x3fff, ..] => Nearness::Public,
        _ => Nearness::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_told_from_public_ones() {
        let near = |text: &str| of(text.parse().unwrap());
        for public in
            ["1.1.1.1", "52.94.5.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "2606:4700::1111"]
        {
            assert_eq!(near(public), Nearness::Public, "{public}");
        }
        for private in ["10.1.2.3", "192.168.0.1", "172.16.0.1", "172.31.9.9", "100.64.0.1", "fd12::1", "fc00::1"] {
            assert_eq!(near(private), Nearness::Private, "{private}");
        }
        for here in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"] {
            assert_eq!(near(here), Nearness::Here, "{here}");
        }
        for never in [
            "169.254.169.254",
            "169.254.170.2",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "fe80::1",
            "ff02::1",
            "::",
            "::127.0.0.1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "2001:db8::1",
            "fec0::1",
        ] {
            assert_eq!(near(never), Nearness::Never, "{never}");
        }
    }

    #[test]
    fn no_grant_goes_to_what_is_never_reached() {
        for reach in [Reach::Public, Reach::Private, Reach::Here] {
            assert!(!Nearness::Never.is_within(reach) && Nearness::Public.is_within(reach));
        }
        assert!(!Nearness::Private.is_within(Reach::Public) && !Nearness::Here.is_within(Reach::Private));
    }
}
