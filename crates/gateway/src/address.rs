//! Client addresses: whose word is believed, which are listed, and what counts as one client.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use ipnet::IpNet;

/// An IPv4-mapped address as IPv4.
pub(crate) fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Whether one of `networks` holds `address`.
pub(crate) fn listed(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which one customer has to itself.
pub(crate) fn client_key(address: IpAddr) -> u128 {
    match plain(address) {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() & !u128::from(u64::MAX),
    }
}

/// The client behind `peer`: `peer` itself unless it is a trusted proxy, then the rightmost address that is not one.
/// Nothing where `X-Forwarded-For` and `Forwarded` name two clients: one of them is the client's own invention.
///
/// An entry that is no address ends the search: the proxy that let it in is the client then.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = plain(peer);
    if trusted.is_empty() || !listed(trusted, peer) {
        return Some(peer);
    }
    let usual = hops(headers, "x-forwarded-for");
    let standard: Vec<Option<&str>> =
        hops(headers, "forwarded").into_iter().map(|hop| hop.and_then(forwarded_for)).collect();
    match (usual.is_empty(), standard.is_empty()) {
        (_, true) => Some(nearest_stranger(peer, &usual, trusted)),
        (true, false) => Some(nearest_stranger(peer, &standard, trusted)),
        (false, false) => {
            let client = nearest_stranger(peer, &usual, trusted);
            (client == nearest_stranger(peer, &standard, trusted)).then_some(client)
        }
    }
}

/// The last of the hops that is no trusted proxy.
fn nearest_stranger(peer: IpAddr, hops: &[Option<&str>], trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    for hop in hops.iter().rev() {
        let Some(address) = hop.and_then(hop_address) else { return client };
        client = address;
        if !listed(trusted, client) {
            return client;
        }
    }
    client
}

/// What proxies noted in this header, nearest last; `None` where one noted nothing readable.
fn hops<'a>(headers: &'a HeaderMap, name: &str) -> Vec<Option<&'a str>> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|line| match line.to_str() {
            Ok(text) => text.split(',').map(|hop| Some(hop.trim())).collect(),
            Err(_) => vec![None],
        })
        .collect()
}

/// The `for` of one element of `Forwarded` (RFC 7239).
fn forwarded_for(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    })
}

/// The address of one hop, with or without port.
fn hop_address(hop: &str) -> Option<IpAddr> {
    if let Ok(address) = hop.parse::<IpAddr>() {
        return Some(plain(address));
    }
    if let Ok(address) = hop.parse::<std::net::SocketAddr>() {
        return Some(plain(address.ip()));
    }
    let bare = hop.strip_prefix('[')?.strip_suffix(']')?;
    bare.parse::<Ipv6Addr>().ok().map(|address| plain(IpAddr::V6(address)))
}

/// Whether an address is one that only a private network reaches.
pub(crate) fn private(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || first == 0
                || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(peer: &str, name: &'static str, lines: &[&str]) -> String {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_str(line).unwrap());
        }
        client_address(peer.parse().unwrap(), &headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let name = "x-forwarded-for";
        assert_eq!(client("203.0.113.9", name, &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", name, &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("::ffff:10.0.0.1", name, &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", name, &["1.2.3.4, 198.51.100.1, 10.0.0.7"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", name, &["1.2.3.4", "198.51.100.1", "10.0.0.7"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", name, &["10.0.0.9"]), "10.0.0.9");
        assert_eq!(client("10.0.0.1", name, &["198.51.100.1, garbage"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", name, &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", name, &[]), "10.0.0.1");
    }

    #[test]
    fn the_standard_header_is_read_as_well() {
        let name = "forwarded";
        assert_eq!(client("10.0.0.1", name, &["for=198.51.100.1;proto=https, For=\"10.0.0.3\""]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", name, &["for=\"[2001:db8::1]:99\""]), "2001:db8::1");
        assert_eq!(client("10.0.0.1", name, &["for=\"[2001:db8::1]\""]), "2001:db8::1");
        assert_eq!(client("10.0.0.1", name, &["for=unknown"]), "10.0.0.1");
    }

    #[test]
    fn one_client_is_one_address_or_one_64() {
        let key = |text: &str| client_key(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:1.2.3.4"), key("1.2.3.4"));
        assert_ne!(key("1.2.3.4"), key("1.2.3.5"));
    }
}
