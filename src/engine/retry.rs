//! How long to wait before trying again; pure.

use std::time::Duration;

/// The wait before attempt `n` + 1 (the first retry has `n` = 1): 0.25 s doubled each time, at most 8 s,
/// and up to half of it more. `luck` is in 0..1.
pub(crate) fn wait(n: u32, luck: f64) -> Duration {
    let base = 0.25 * f64::from(1u32 << n.saturating_sub(1).min(5));
    Duration::from_secs_f64(base * (1.0 + luck.clamp(0.0, 1.0) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end_at_eight_seconds() {
        let waits: Vec<f64> = (1..=8).map(|n| wait(n, 0.0).as_secs_f64()).collect();
        assert_eq!(waits, [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]);
        assert_eq!(wait(1, 1.0).as_secs_f64(), 0.375);
    }
}
