//! Latencies of any number of requests in a few kilobytes: a histogram with buckets that grow with the value,
//! in the manner of HdrHistogram.
//!
//! Values are whole microseconds. Below 256 each has a bucket of its own; above, every doubling is cut into 128
//! equal buckets, so that a bucket is never wider than 1/128 of its values, and its middle never further than
//! 1/256 (0.4 %) from any of them. Mean, minimum and maximum are exact.

use std::time::Duration;

use serde::Serialize;

/// Buckets of one doubling.
const PER_DOUBLING: u64 = 128;
/// Below this, a bucket a value.
const EXACT: u64 = 2 * PER_DOUBLING;
/// 2^40 µs are twelve days; what is longer counts as that.
const LONGEST: u64 = 1 << 40;
const BUCKETS: usize = index_of(LONGEST) + 1;

/// A histogram of latencies.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    counts: Vec<u64>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

/// What a histogram comes to, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    /// Arithmetic mean, exact.
    pub mean_ms: f64,
    /// Smallest, exact.
    pub min_ms: f64,
    /// Half of all are at most this.
    pub p50_ms: f64,
    /// 90 % are.
    pub p90_ms: f64,
    /// 95 % are.
    pub p95_ms: f64,
    /// 99 % are.
    pub p99_ms: f64,
    /// Largest, exact.
    pub max_ms: f64,
}

/// A range of latencies, for drawing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Bar {
    /// From this, in milliseconds.
    pub from_ms: f64,
    /// To below this.
    pub to_ms: f64,
    /// So many.
    pub count: u64,
}

const fn index_of(micros: u64) -> usize {
    if micros < EXACT {
        return micros as usize;
    }
    // The highest bit says which doubling, the seven after it which part of that.
    let doubling = micros.ilog2() - EXACT.ilog2();
    let part = micros >> (doubling + 1);
    (EXACT + doubling as u64 * PER_DOUBLING + (part - PER_DOUBLING)) as usize
}

/// First value of a bucket, and first value after it.
fn range_of(index: usize) -> (u64, u64) {
    let index = index as u64;
    if index < EXACT {
        return (index, index + 1);
    }
    let doubling = (index - EXACT) / PER_DOUBLING + 1;
    let part = (index - EXACT) % PER_DOUBLING + PER_DOUBLING;
    (part << doubling, (part + 1) << doubling)
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies { counts: vec![0; BUCKETS], count: 0, sum: 0, min: u64::MAX, max: 0 }
    }
}

impl Latencies {
    /// One more.
    pub(crate) fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST).min(LONGEST);
        self.counts[index_of(micros)] += 1;
        self.count += 1;
        self.sum += u128::from(micros);
        self.min = self.min.min(micros);
        self.max = self.max.max(micros);
    }

    /// How many.
    #[cfg(test)]
    fn count(&self) -> u64 {
        self.count
    }

    /// The value, in microseconds, that a share `q` of all do not exceed; `None` of an empty histogram.
    fn quantile(&self, q: f64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let rank = ((q * self.count as f64).ceil() as u64).clamp(1, self.count);
        let mut seen = 0;
        let index = self.counts.iter().position(|n| {
            seen += n;
            seen >= rank
        })?;
        let (from, to) = range_of(index);
        Some((from + (to - 1 - from) / 2).clamp(self.min, self.max))
    }

    /// The usual ones; `None` of an empty histogram.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        let at = |q| self.quantile(q).map(ms);
        Some(Percentiles {
            mean_ms: (self.sum as f64 / self.count as f64).round() / 1e3,
            min_ms: ms(self.min),
            p50_ms: at(0.50)?,
            p90_ms: at(0.90)?,
            p95_ms: at(0.95)?,
            p99_ms: at(0.99)?,
            max_ms: ms(self.max),
        })
    }

    /// All of it as at most `most` bars from the smallest to the largest value, each of as many buckets as the
    /// others: wider, the greater its values.
    pub(crate) fn bars(&self, most: usize) -> Vec<Bar> {
        if self.count == 0 || most == 0 {
            return Vec::new();
        }
        let (first, last) = (index_of(self.min), index_of(self.max));
        let wide = (last - first + 1).div_ceil(most);
        let bar = |from: usize| Bar {
            from_ms: ms(range_of(from).0),
            to_ms: ms(range_of(from + wide - 1).1),
            count: self.counts[from..(from + wide).min(BUCKETS)].iter().sum(),
        };
        (first..=last).step_by(wide).map(bar).collect()
    }
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(micros: &[u64]) -> Latencies {
        let mut all = Latencies::default();
        micros.iter().for_each(|m| all.record(Duration::from_micros(*m)));
        all
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for index in 0..BUCKETS - 1 {
            let (from, to) = range_of(index);
            assert_eq!((index_of(from), index_of(to - 1), index_of(to)), (index, index, index + 1));
        }
        // Some 35 KiB for each histogram.
        const { assert!(BUCKETS < 5000) };
    }

    #[test]
    fn an_empty_histogram_says_nothing_and_a_huge_value_is_no_panic() {
        assert_eq!(of(&[]).percentiles(), None);
        assert!(of(&[]).bars(10).is_empty());
        let mut huge = Latencies::default();
        huge.record(Duration::MAX);
        assert_eq!(huge.percentiles().unwrap().max_ms, LONGEST as f64 / 1e3);
    }

    #[test]
    fn a_hundred_known_values() {
        let values: Vec<u64> = (1..=100).map(|n| n * 1000).collect();
        let p = of(&values).percentiles().unwrap();
        assert_eq!((p.mean_ms, p.min_ms, p.max_ms), (50.5, 1.0, 100.0));
        for (got, exact) in [(p.p50_ms, 50.0), (p.p90_ms, 90.0), (p.p95_ms, 95.0), (p.p99_ms, 99.0)] {
            assert!((got - exact).abs() <= exact / 100.0, "{got} for {exact}");
        }
    }

    proptest! {
        #[test]
        fn quantiles_are_within_one_per_cent_of_the_exact_ones(
            values in prop::collection::vec((0u32..38).prop_flat_map(|bits| 0u64..2 << bits), 1..400),
            q in 0.0f64..=1.0,
        ) {
            let all = of(&values);
            let mut sorted = values;
            sorted.sort_unstable();
            let rank = ((q * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len());
            let exact = sorted[rank - 1];
            let got = all.quantile(q).unwrap();
            prop_assert!(got.abs_diff(exact) as f64 <= exact as f64 * 0.01, "{} for {}", got, exact);
        }

        #[test]
        fn bars_hold_every_value_once_and_in_order(
            values in prop::collection::vec((0u32..38).prop_flat_map(|bits| 0u64..2 << bits), 1..200),
            most in 1usize..30,
        ) {
            let all = of(&values);
            let bars = all.bars(most);
            prop_assert!(bars.len() <= most);
            prop_assert_eq!(bars.iter().map(|b| b.count).sum::<u64>(), all.count());
            prop_assert!(bars.iter().all(|b| b.from_ms < b.to_ms));
            prop_assert!(bars.windows(2).all(|w| w[0].to_ms == w[1].from_ms));
            for bar in &bars {
                let within = values.iter().filter(|v| (bar.from_ms..bar.to_ms).contains(&ms(**v))).count();
                prop_assert_eq!(within as u64, bar.count);
            }
        }
    }
}
