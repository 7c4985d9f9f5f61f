//! Wrong passwords, counted by where they come from.
//!
//! In memory, and of this process alone: what has to hold for all of them is in the database. Behind a proxy all
//! people come from one address, and share what it has.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Wrong tries that a source has at once.
pub const BURST: u64 = 20;

/// The time after which it has one more, in milliseconds.
pub const EACH: u64 = 15_000;

/// Sources that are known at the same time.
const SOURCES: usize = 10_000;

/// A source has no tries left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// When the next one is worth it, in milliseconds.
    pub after: u64,
    /// It is told so for the first time since it had some.
    pub first: bool,
}

/// The tries of all sources.
#[derive(Default)]
pub struct Tries(Mutex<BTreeMap<IpAddr, Used>>);

/// What a source has used up.
struct Used {
    /// When all of it is there again, in milliseconds since 1970.
    until: u64,
    told: bool,
}

/// Where a request comes from: whoever has one address of IPv6 has 2⁶⁴ of them.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::from(u64::MAX) << 64)))
        }
    }
}

impl Tries {
    fn all(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Used>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one try before it is known whether it is a wrong one, so that many at once have no more.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn take(&self, address: IpAddr, now: u64) -> Result<(), TooMany> {
        let (mut all, source) = (self.all(), source(address));
        if all.len() >= SOURCES && !all.contains_key(&source) {
            all.retain(|_, used| used.until > now);
            if all.len() >= SOURCES
                && let Some(least) = all.iter().min_by_key(|(_, used)| used.until).map(|(source, _)| *source)
            {
                all.remove(&least);
            }
        }
        let used = all.entry(source).or_insert(Used { until: now, told: false });
        let until = used.until.max(now).saturating_add(EACH);
        let most = now.saturating_add(BURST * EACH);
        if until > most {
            let first = !used.told;
            used.told = true;
            return Err(TooMany { after: until - most, first });
        }
        *used = Used { until, told: false };
        Ok(())
    }

    /// Gives a try back that was none: the password was right.
    pub fn give_back(&self, address: IpAddr) {
        if let Some(used) = self.all().get_mut(&source(address)) {
            used.until = used.until.saturating_sub(EACH);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_has_so_many_and_then_one_each_time_and_others_have_theirs() {
        let (tries, here, now) = (Tries::default(), address("192.0.2.1"), 1_000_000);
        for _ in 0..BURST {
            tries.take(here, now).unwrap();
        }
        assert_eq!(tries.take(here, now), Err(TooMany { after: EACH, first: true }));
        assert_eq!(tries.take(here, now + 1), Err(TooMany { after: EACH - 1, first: false }));
        tries.take(address("192.0.2.2"), now).unwrap();
        tries.take(here, now + EACH).unwrap();
        assert_eq!(tries.take(here, now + EACH), Err(TooMany { after: EACH, first: true }));
        tries.give_back(here);
        tries.take(here, now + EACH).unwrap();
    }

    #[test]
    fn an_address_of_ipv6_is_a_network_and_one_of_ipv4_is_itself_however_it_is_written() {
        assert_eq!(source(address("2001:db8:1:2:3::4")), address("2001:db8:1:2::"));
        assert_eq!(source(address("::ffff:192.0.2.1")), address("192.0.2.1"));
        assert_ne!(source(address("2001:db8:1:3::")), source(address("2001:db8:1:2::")));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_who_tried_most_is_forgotten_last() {
        let (tries, here, now) = (Tries::default(), address("192.0.2.1"), 1_000_000);
        for _ in 0..BURST {
            tries.take(here, now).unwrap();
        }
        for other in 0..u32::try_from(SOURCES).unwrap() + 10 {
            tries.take(IpAddr::from((0x0a00_0000 + other).to_be_bytes()), now).unwrap();
        }
        assert!(tries.all().len() <= SOURCES);
        assert!(tries.take(here, now).is_err());
        tries.take(address("198.51.100.1"), now + 10 * BURST * EACH).unwrap();
        assert_eq!(tries.all().len(), 1, "what is over is forgotten first");
    }
}
