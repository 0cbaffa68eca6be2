//! Memory for bodies, counted before it is taken: many callers together may not fill it, nor one of them most of it.
//! Requests and answers have one budget each, so that slow readers do not keep others from sending.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Charges are rounded up to this many bytes, so that even tiny bodies bound the table of clients.
const UNIT: usize = 1_024;

/// What all bodies held at once may take.
#[derive(Debug)]
pub(crate) struct Budget {
    total: usize,
    /// One client's share.
    share: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    /// By client; only those who hold something.
    by_client: HashMap<u128, usize>,
}

/// What one body takes; given back when dropped.
pub(crate) struct Held {
    budget: Arc<Budget>,
    client: u128,
    bytes: usize,
}

impl Budget {
    /// A budget that has room for one body of the longest kind at least, and a quarter of it (or one body) for one client.
    pub(crate) fn new(total: usize, longest: usize) -> Arc<Self> {
        let one = units(longest);
        let total = total.max(one);
        Arc::new(Self { total, share: (total / 4).max(one), taken: Mutex::default() })
    }

    /// Nothing as yet, for this client.
    pub(crate) fn nothing(self: &Arc<Self>, client: u128) -> Held {
        Held { budget: self.clone(), client, bytes: 0 }
    }
}

impl Held {
    /// Takes as much as `bytes` need altogether; whether there was room for it.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = units(bytes).saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        let mut taken = self.budget.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by_client.get(&self.client).copied().unwrap_or(0) + more;
        if taken.total + more > self.budget.total || own > self.budget.share {
            return false;
        }
        taken.total += more;
        taken.by_client.insert(self.client, own);
        self.bytes += more;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut taken = self.budget.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total -= self.bytes;
        if let Some(own) = taken.by_client.get_mut(&self.client) {
            *own -= self.bytes;
            if *own == 0 {
                taken.by_client.remove(&self.client);
            }
        }
    }
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT).saturating_mul(UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(total: usize, body: usize) -> Arc<Budget> {
        Budget::new(total, body)
    }

    #[test]
    fn one_client_has_a_quarter_and_all_have_the_whole() {
        let budget = budget(16 * UNIT, UNIT);
        let mut held: Vec<Held> = Vec::new();
        for client in 0..4 {
            let mut own = budget.nothing(client);
            assert!(own.grow_to(3 * UNIT) && own.grow_to(4 * UNIT - 1) && own.grow_to(4 * UNIT));
            assert!(!own.grow_to(4 * UNIT + 1) && !budget.nothing(client).grow_to(1));
            held.push(own);
        }
        let mut late = budget.nothing(9);
        assert!(!late.grow_to(1));
        held.pop();
        assert!(late.grow_to(1));
        drop((held, late));
        let taken = budget.taken.lock().unwrap();
        assert_eq!((taken.total, taken.by_client.len()), (0, 0));
    }

    #[test]
    fn one_body_always_fits() {
        let mut held = budget(1, 10_000).nothing(1);
        assert!(held.grow_to(10_000));
    }
}
