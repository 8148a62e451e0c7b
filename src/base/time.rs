//! Deadlines, and instants as people and other programs read them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment after which something is no longer waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// `span` from now. Spans too long for the clock end in about 30 years instead of a panic.
    pub fn after(span: Duration) -> Deadline {
        let now = Instant::now();
        Deadline(now.checked_add(span).unwrap_or_else(|| now + Duration::from_secs(1 << 30)))
    }

    /// What is left, zero once passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether the moment has come.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// `span` after this moment; what is too far for the clock stays where it is.
    pub(crate) fn later(self, span: Duration) -> Deadline {
        Deadline(self.0.checked_add(span).unwrap_or(self.0))
    }

    /// This moment or `span` from now, whichever comes first.
    pub fn within(self, span: Duration) -> Deadline {
        self.min(Deadline::after(span))
    }
}

/// `t` as RFC 3339 in UTC with milliseconds, as reports carry it.
pub(crate) fn rfc3339(t: SystemTime) -> String {
    let since = t.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, secs) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Civil date from days since 1970 (Howard Hinnant's algorithm, valid for all of our time).
    let z = days as i64 + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        secs / 3600,
        secs / 60 % 60,
        secs % 60,
        since.subsec_millis()
    )
}

/// The instant that `text` is, written as [`rfc3339`] writes it.
pub(crate) fn instant_of(text: &str) -> Option<SystemTime> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, milli) = (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 23)?);
    // The same algorithm backwards: days since 1970 from a civil date.
    let y = year - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    let seconds = u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second).ok()?;
    let at = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(u64::try_from(milli).ok()?);
    // What is no date comes out as another one.
    (rfc3339(at) == text).then_some(at)
}

/// A duration in milliseconds with microsecond precision, the unit of every `*_ms` field.
pub(crate) fn millis(d: Duration) -> f64 {
    (d.as_secs_f64() * 1e6).round() / 1e3
}

/// Seconds as people say them in passing, rounded down: `5s`, `5m`, `5h`, `5d`.
pub(crate) fn short_span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_knows_leap_days_and_the_epoch() {
        let at = |s| rfc3339(UNIX_EPOCH + Duration::from_millis(s));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_826_154_007), "2000-02-29T12:09:14.007Z");
        assert_eq!(at(1_795_348_800_000), "2026-11-22T12:00:00.000Z");
    }

    #[test]
    fn instants_are_read_as_they_are_written_and_nothing_else_is() {
        for ms in [0, 951_826_154_007, 1_795_348_800_000, 4_102_444_799_999, 253_402_300_799_999] {
            let at = UNIX_EPOCH + Duration::from_millis(ms);
            assert_eq!(instant_of(&rfc3339(at)), Some(at));
        }
        for odd in [
            "",
            "2026-11-22",
            "2026-02-30T12:00:00.000Z",
            "2026-11-22T24:00:00.000Z",
            "2026-11-22T12:00:00Z",
            "2026-11-22T12:00:00.000+01:00",
            "1969-12-31T23:59:59.999Z",
            "2026-11-22T12:00:00.000Zz",
            "äääääääääää",
        ] {
            assert_eq!(instant_of(odd), None, "{odd}");
        }
    }

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        let told = [0, 59, 60, 3599, 3600, 86_399, 86_400, 864_000].map(short_span);
        assert_eq!(told, ["0s", "59s", "1m", "59m", "1h", "23h", "1d", "10d"]);
    }

    #[test]
    fn a_deadline_beyond_the_clock_is_far_away_not_a_panic() {
        assert!(Deadline::after(Duration::MAX).left() > Duration::from_secs(1 << 29));
    }
}
