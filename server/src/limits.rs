//! How much of everything: bodies, requests at once, changes a second, event streams. All tables are bounded.

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body that is read, in bytes.
pub const BODY_LIMIT: usize = 256 * 1024;

/// Requests that are worked on at once; more are shed with 503.
const IN_FLIGHT: usize = 512;

/// Event streams that are open at once.
const STREAMS: usize = 1024;

/// One person at one address may write this often: bursts of pages and scripts pass, a loop without end does not.
const WRITES_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).unwrap();
const WRITES_AT_ONCE: NonZeroU32 = NonZeroU32::new(300).unwrap();

/// Above so many keys the ones that are full again are forgotten.
const KEYS: usize = 4096;

/// The person, or nothing before sign-in, and the address.
type Key = (String, IpAddr);

pub struct Limits {
    in_flight: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    writes: DefaultKeyedRateLimiter<Key>,
    clock: DefaultClock,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT)),
            streams: Arc::new(Semaphore::new(STREAMS)),
            writes: RateLimiter::keyed(Quota::per_second(WRITES_PER_SECOND).allow_burst(WRITES_AT_ONCE)),
            clock: DefaultClock::default(),
        }
    }
}

impl Limits {
    /// A place among the requests at work; none is left when the portal is overloaded.
    pub fn enter(&self) -> Option<OwnedSemaphorePermit> {
        self.in_flight.clone().try_acquire_owned().ok()
    }

    pub fn open_stream(&self) -> Option<OwnedSemaphorePermit> {
        self.streams.clone().try_acquire_owned().ok()
    }

    /// Counts a request that changes something; `Err` is the number of seconds to wait.
    pub fn write(&self, person: &str, address: IpAddr) -> Result<(), u64> {
        if self.writes.len() > KEYS {
            self.writes.retain_recent();
        }
        let key = (person.to_owned(), address);
        self.writes.check_key(&key).map_err(|not_until| not_until.wait_time_from(self.clock.now()).as_secs() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_loop_is_stopped_and_others_go_on() {
        let (limits, here) = (Limits::default(), IpAddr::V4(Ipv4Addr::LOCALHOST));
        let refused = (0..1000).find_map(|_| limits.write("bea", here).err());
        assert_eq!(refused, Some(1));
        assert!(limits.write("ben", here).is_ok());
    }
}
