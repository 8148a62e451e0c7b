//! Mean, median, standard deviation and extremes of a few values.

use serde::{Deserialize, Serialize};

/// What a handful of runs comes to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// Arithmetic mean.
    pub mean: f64,
    /// The middle one; of an even number the mean of the two in the middle.
    pub median: f64,
    /// Of a sample (divided by n - 1); 0 for a single value.
    pub stdev: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

impl Summary {
    /// Of `values`, all of them finite; `None` if there are none.
    pub(crate) fn of(values: &[f64]) -> Option<Summary> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let n = sorted.len();
        let mean = sorted.iter().sum::<f64>() / n as f64;
        let squares: f64 = sorted.iter().map(|v| (v - mean).powi(2)).sum();
        let stdev = if n > 1 { (squares / (n - 1) as f64).sqrt() } else { 0.0 };
        let median = if n % 2 == 1 { sorted[n / 2] } else { f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]) };
        Some(Summary { mean, median, stdev, min, max })
    }
}

/// How far values lie from their median, as a standard deviation would say it of normal ones: 1.4826 times the
/// median of the distances. One wild run among several does not widen it.
pub(crate) fn spread(values: &[f64]) -> f64 {
    let Some(Summary { median, .. }) = Summary::of(values) else { return 0.0 };
    let distances: Vec<f64> = values.iter().map(|v| (v - median).abs()).collect();
    Summary::of(&distances).map_or(0.0, |s| 1.4826 * s.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // As Python's statistics module has them.
        let s = Summary::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((s.mean, s.median, s.min, s.max), (5.0, 4.5, 2.0, 9.0));
        assert!((s.stdev - 2.138_089_935_299_395).abs() < 1e-12, "{s:?}");
        let odd = Summary::of(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!((odd.median, odd.stdev), (2.0, 1.0));
        let one = Summary::of(&[1.5]).unwrap();
        assert_eq!((one.mean, one.median, one.stdev, one.min, one.max), (1.5, 1.5, 0.0, 1.5, 1.5));
        assert_eq!(Summary::of(&[]), None);
    }
}
