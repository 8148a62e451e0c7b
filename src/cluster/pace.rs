//! The rate that all workers keep together: `base::rate`, with its one number in the queue.
//!
//! The number is of a rate and of what it holds for, not of a run: two runs with the same rate at the same time keep
//! it together, too. Runs with different rates do not know of each other. Whoever dies with a permit has wasted it:
//! the rate is never exceeded for that, and the permits of the dead are over when their moment is.
//!
//! The clock is the queue's, so the workers' own need not agree. A queue that loses its memory gives each burst once
//! more.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::cmd;

use super::keys::Keys;
use super::link::{Link, Trouble};
use super::queue::Queue;
use super::seal::Seal;
use std::sync::Arc;

/// How long the queue may take: those who wait for a permit wait behind each other.
const SOON: Duration = Duration::from_secs(2);
/// A queue that was not there is not tried again by everybody who waits.
const AGAIN: Duration = Duration::from_millis(200);

/// Takes the next permit. In microseconds: ARGV has the interval between two, and how far ahead of an even rate a
/// burst may be; the answer is how long to wait. A number that no run can have come to, a day ahead, is nobody's.
const RESERVE: &str = "\
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local interval, ahead = tonumber(ARGV[1]), tonumber(ARGV[2])
local due = tonumber(redis.call('GET', KEYS[1]) or now)
if not due or not (due >= now and due <= now + ahead + 86400000000) then due = now end
local rested = due + interval
local stays = math.max(1, math.ceil((rested - now) / 1000))
redis.call('SET', KEYS[1], string.format('%.3f', rested), 'PX', string.format('%.0f', stays))
return string.format('%.0f', math.max(0, math.ceil(due - now - ahead)))";

/// A way to the permits.
pub(crate) struct Pace {
    keys: Keys,
    seal: Arc<Seal>,
    way: Mutex<Way>,
}

struct Way {
    link: Link,
    failed: Option<Instant>,
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pace")
    }
}

impl Pace {
    /// Those of `queue`, over a connection of its own, which is made when the first permit is taken.
    pub(crate) fn new(queue: &Queue) -> Pace {
        let Queue { link, keys, seal } = queue.another();
        Pace { keys, seal, way: Mutex::new(Way { link, failed: None }) }
    }

    /// Takes the next permit of `per_minute`, `burst` at once, for `whom` or for everything: how long to wait for
    /// it. Nothing if the queue cannot be asked now.
    pub(crate) fn turn(&self, whom: Option<&str>, per_minute: usize, burst: usize) -> Option<Duration> {
        let (interval, ahead) = micros(per_minute, burst);
        let mut reserve = cmd("EVAL");
        reserve.arg(RESERVE).arg(1).arg(self.key(whom, per_minute, burst));
        reserve.arg(format!("{interval:.4}")).arg(format!("{ahead:.4}"));
        let mut way = self.way.lock().unwrap_or_else(PoisonError::into_inner);
        if way.failed.is_some_and(|at| at.elapsed() < AGAIN) {
            return None;
        }
        let answer = way.link.ask_within::<String>(&reserve, SOON).and_then(|wait| {
            wait.parse().map(Duration::from_micros).map_err(|_| Trouble::Away("no number came".to_owned()))
        });
        match answer {
            Ok(wait) => {
                way.failed = None;
                Some(wait)
            }
            Err(trouble) => {
                if way.failed.is_none() {
                    log::warn!("requests wait, for the rate of the cluster cannot be kept: {trouble}");
                }
                way.failed = Some(Instant::now());
                None
            }
        }
    }

    /// Who reads the queue does not read there whom we ask.
    fn key(&self, whom: Option<&str>, per_minute: usize, burst: usize) -> String {
        let whom = whom.map_or_else(|| "all".to_owned(), |whom| self.seal.alias(whom));
        self.keys.rate(&format!("{per_minute}:{burst}:{whom}"))
    }
}

/// Between two permits, and how far ahead a burst may be: as in `base::rate`, in microseconds.
fn micros(per_minute: usize, burst: usize) -> (f64, f64) {
    let interval = 60e6 / per_minute.max(1) as f64;
    // Beyond some years the arithmetic of the script would not be exact.
    (interval, (interval * burst.saturating_sub(1) as f64).min(1e14))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_one_host() {
        assert_eq!(micros(600, 10), (100_000.0, 900_000.0));
        assert_eq!(micros(60, 0), (1_000_000.0, 0.0));
        assert_eq!(micros(0, 1), (60_000_000.0, 0.0));
        assert_eq!(micros(1, usize::MAX), (60_000_000.0, 1e14));
    }
}
