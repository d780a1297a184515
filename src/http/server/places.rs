//! Places for requests that are being answered: a bounded number, of which one client has half at most.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct Places {
    all: usize,
    /// Of one client.
    share: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// A place that is free again when this is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    client: IpAddr,
}

impl Places {
    pub fn new(all: usize) -> Self {
        Self { all, share: all.div_ceil(2), taken: Mutex::default() }
    }

    /// A place for `client`, where one is free and others have their share.
    pub fn take(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let client = network(client);
        let mut taken = self.taken();
        let own = taken.by_client.get(&client).copied().unwrap_or_default();
        if taken.all >= self.all || own >= self.share {
            return None;
        }
        taken.all += 1;
        taken.by_client.insert(client, own + 1);
        Some(Place { places: Arc::clone(self), client })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(own) = taken.by_client.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                taken.by_client.remove(&self.client);
            }
        }
    }
}

/// One host of IPv6 has at least a network of 64 bits for itself.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_has_half_of_the_places_at_most_and_gives_them_back() {
        let places = Arc::new(Places::new(4));
        let take = |client: &str| places.take(client.parse().unwrap());
        let held = [take("10.0.0.1"), take("::ffff:10.0.0.1")];
        assert!(held.iter().all(Option::is_some));
        assert!(take("10.0.0.1").is_none());
        let other = [take("2001:db8::1"), take("2001:db8::2")];
        assert!(other.iter().all(Option::is_some));
        assert!(take("10.0.0.3").is_none(), "there are no more than four");
        drop(held);
        assert!(take("2001:db8::3").is_none() && take("10.0.0.1").is_some());
        drop(other);
        assert!(places.taken().by_client.is_empty());
    }

    #[test]
    fn a_single_place_is_for_whoever_comes_first() {
        let places = Arc::new(Places::new(1));
        assert!(places.take([127, 0, 0, 1].into()).is_some());
    }
}
