//! What each address did lately, in bounded memory.
//!
//! Two generations: when the young one is full it becomes the old one, and what is met again moves over. Whoever sends much
//! is met again at once, so a flood from ever new addresses pushes out only addresses that do little.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
};

/// Addresses per generation.
const MOST: usize = 4096;
/// Seconds after which what an address did counts half.
const HALF: f64 = 60.0;

/// One address: a single one, or the /64 that one subscriber has of IPv6.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Actor {
    /// Requests, lately.
    pub(crate) requests: f64,
    /// Of these, hostile ones.
    pub(crate) hostile: f64,
    last: i64,
    /// Until when it need not be named again.
    pub(crate) named_until: i64,
}

impl Actor {
    fn fade(&mut self, second: i64) {
        if second > self.last {
            #[expect(clippy::cast_precision_loss, reason = "seconds between requests are far below 2^52")]
            let keep = 0.5_f64.powf((second - self.last) as f64 / HALF);
            self.requests *= keep;
            self.hostile *= keep;
            self.last = second;
        }
    }
}

/// The addresses seen lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actors {
    young: HashMap<IpAddr, Actor>,
    old: HashMap<IpAddr, Actor>,
    /// Addresses that were forgotten for want of room.
    pub(crate) forgotten: u64,
}

impl Actors {
    /// What is known of an address, up to date.
    pub(crate) fn at(&mut self, address: IpAddr, second: i64) -> &mut Actor {
        let address = subscriber(address);
        if !self.young.contains_key(&address) && self.young.len() >= MOST {
            self.forgotten += u64::try_from(self.old.len()).unwrap_or_default();
            self.old = std::mem::take(&mut self.young);
        }
        let old = &mut self.old;
        let actor = self.young.entry(address).or_insert_with(|| old.remove(&address).unwrap_or_default());
        actor.fade(second);
        actor
    }

    /// The most hostile addresses, most first, each with its hostile requests.
    pub(crate) fn worst(&mut self, most: usize, second: i64) -> Vec<(IpAddr, f64)> {
        let all = self.young.iter_mut().chain(self.old.iter_mut());
        let mut hostile: Vec<(IpAddr, f64)> = all
            .map(|(address, actor)| {
                actor.fade(second);
                (*address, actor.hostile)
            })
            .filter(|(_, hostile)| *hostile >= 0.5)
            .collect();
        hostile.sort_by(|(one, its), (other, others)| others.total_cmp(its).then(one.cmp(other)));
        hostile.truncate(most);
        hostile
    }

    /// How many addresses are hostile at all, and the sum of what they did.
    pub(crate) fn hostile(&self) -> (usize, f64) {
        let all = self.young.values().chain(self.old.values()).filter(|actor| actor.hostile >= 0.5);
        all.fold((0, 0.0), |(count, sum), actor| (count + 1, sum + actor.hostile))
    }
}

/// The address as one subscriber: IPv6 networks give each a /64.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_new_addresses_takes_bounded_memory_and_does_not_hide_a_loud_one() {
        let mut actors = Actors::default();
        let loud = IpAddr::from([192, 0, 2, 1]);
        for number in 0..200_000_u32 {
            actors.at(IpAddr::from(number.to_be_bytes()), 1).requests += 1.0;
            if number % 100 == 0 {
                actors.at(loud, 1).hostile += 1.0;
            }
        }
        assert!(actors.young.len() + actors.old.len() <= 2 * MOST);
        assert_eq!(actors.worst(3, 1).first().map(|(address, _)| *address), Some(loud));
        assert!(actors.forgotten > 100_000);
    }

    #[test]
    fn addresses_of_one_subscriber_are_one() {
        let mut actors = Actors::default();
        actors.at("2001:db8::1".parse().unwrap(), 5).hostile += 1.0;
        actors.at("2001:db8::ffff".parse().unwrap(), 5).hostile += 1.0;
        assert_eq!(actors.hostile(), (1, 2.0));
        assert_eq!(actors.at("::ffff:192.0.2.1".parse().unwrap(), 65).requests.to_bits(), 0);
        assert!((actors.at("2001:db8::2".parse().unwrap(), 65).hostile - 1.0).abs() < 1e-9, "half after a minute");
    }
}
