//! How long to wait before trying again; pure.

use std::time::Duration;

/// The wait before attempt `n` + 1 (the first retry has `n` = 1): 0.1 s doubled each time, at most 3.2 s,
/// and up to half of it more. `luck` is in 0..1.
pub(crate) fn wait(n: u32, luck: f64) -> Duration {
    let base = 0.1 * f64::from(1u32 << n.saturating_sub(1).min(5));
    Duration::from_secs_f64(base * (1.0 + luck.clamp(0.0, 1.0) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let waits: Vec<u128> = (1..=8).map(|n| wait(n, 0.0).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 3200, 3200]);
        assert_eq!(wait(1, 1.0).as_millis(), 150);
    }
}
