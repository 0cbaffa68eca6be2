//! Addresses and blocks of them. An IPv4 client behind IPv6 (`::ffff:192.0.2.1`) is an IPv4 client.

use std::net::{IpAddr, Ipv6Addr};
use std::ops::RangeInclusive;

/// A set of addresses of both families, as sorted ranges, so that a long list costs a binary search.
#[derive(Debug)]
pub(super) struct AddressSet {
    v4: Vec<RangeInclusive<u32>>,
    v6: Vec<RangeInclusive<u128>>,
}

impl AddressSet {
    /// Reads addresses and blocks separated by commas. A block whose length does not fit its family matches nothing.
    pub(super) fn parse(argument: &[u8]) -> Result<Self, String> {
        Self::collect(argument.split(|&byte| byte == b','))
    }

    /// Reads a file: one or more per line, `#` starts a comment.
    pub(super) fn parse_file(content: &[u8]) -> Result<Self, String> {
        let lines = content.split(|&byte| byte == b'\n');
        let text = lines.map(|line| line.split(|&byte| byte == b'#').next().unwrap_or_default());
        Self::collect(text.flat_map(|line| line.split(|&byte| byte == b',' || byte == b' ')))
    }

    fn collect<'a>(items: impl Iterator<Item = &'a [u8]>) -> Result<Self, String> {
        let mut set = Self { v4: Vec::new(), v6: Vec::new() };
        for item in items.map(<[u8]>::trim_ascii).filter(|item| !item.is_empty()) {
            let text = std::str::from_utf8(item).map_err(|_| "an address is ASCII".to_owned())?;
            set.add(text)?;
        }
        set.v4 = merged(std::mem::take(&mut set.v4));
        set.v6 = merged(std::mem::take(&mut set.v6));
        Ok(set)
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| format!("`{text}` is no address"))?;
        let length: Option<u32> = match length {
            Some(length) => Some(length.parse().map_err(|_| format!("`{text}` is no block"))?),
            None => None,
        };
        match address {
            IpAddr::V4(address) => {
                let free = 32u32.checked_sub(length.unwrap_or(32));
                let mask = free.map(|free| u32::MAX.checked_shr(32 - free).unwrap_or(0));
                self.v4.extend(mask.map(|mask| address.to_bits() & !mask..=address.to_bits() | mask));
            }
            IpAddr::V6(address) => {
                let free = 128u32.checked_sub(length.unwrap_or(128));
                let mask = free.map(|free| u128::MAX.checked_shr(128 - free).unwrap_or(0));
                self.v6.extend(mask.map(|mask| address.to_bits() & !mask..=address.to_bits() | mask));
            }
        }
        Ok(())
    }

    /// Whether the value is an address of the set.
    pub(super) fn matches(&self, value: &[u8]) -> bool {
        let address = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse::<IpAddr>().ok());
        address.is_some_and(|address| match address {
            IpAddr::V4(address) => within(&self.v4, address.to_bits()),
            IpAddr::V6(address) => self.matches_v6(address),
        })
    }

    fn matches_v6(&self, address: Ipv6Addr) -> bool {
        match address.to_ipv4_mapped() {
            Some(plain) => within(&self.v4, plain.to_bits()),
            None => within(&self.v6, address.to_bits()),
        }
    }
}

fn within<T: Ord>(ranges: &[RangeInclusive<T>], address: T) -> bool {
    let after = ranges.partition_point(|range| *range.start() <= address);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|range| range.contains(&address))
}

/// Sorted, overlapping ranges joined, so that a binary search sees all of them.
fn merged<T: Ord + Copy>(mut ranges: Vec<RangeInclusive<T>>) -> Vec<RangeInclusive<T>> {
    ranges.sort_unstable_by_key(|range| (*range.start(), *range.end()));
    let mut joined: Vec<RangeInclusive<T>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.contains(range.start()) => *last = *last.start()..=*last.end().max(range.end()),
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_blocks_are_all_seen() {
        let set = AddressSet::parse(b"10.0.0.0/8, 10.1.2.3, 10.200.0.0/16,2001:db8::/32,::/0").unwrap();
        for inside in ["10.255.255.255", "10.1.2.3", "10.200.1.1", "2001:db8::1", "::ffff:10.1.1.1", "fe80::1"] {
            assert!(set.matches(inside.as_bytes()), "{inside}");
        }
        for outside in ["11.0.0.1", "9.255.255.255", "::ffff:11.0.0.1", "", "x", "10.0.0"] {
            assert!(!set.matches(outside.as_bytes()), "{outside}");
        }
        assert!(AddressSet::parse(b"0.0.0.0/0").unwrap().matches(b"255.1.1.1"));
        assert!(AddressSet::parse(b"example.org").is_err());
    }
}
