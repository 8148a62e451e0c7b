//! Counts by size, in buckets that never change: histograms of different runs and hosts can be added up.

/// Upper bounds in seconds. 5 is where the guide calls a connection slow, 30 the default timeout.
pub(super) const BOUNDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Observations of one series.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Histogram {
    /// Not cumulative, as they come; the last one is for what is above all bounds.
    counts: [u64; BOUNDS.len() + 1],
    sum: f64,
}

impl Histogram {
    /// Counts one observation. What is no time is none.
    pub(super) fn observe(&mut self, seconds: f64) {
        if seconds.is_finite() && seconds >= 0.0 {
            self.counts[BOUNDS.partition_point(|bound| *bound < seconds)] += 1;
            self.sum += seconds;
        }
    }

    /// Observations at or below each bound, then all of them.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = (Option<f64>, u64)> {
        let bounds = BOUNDS.into_iter().map(Some).chain([None]);
        bounds.zip(self.counts.iter().scan(0u64, |so_far, n| {
            *so_far = so_far.saturating_add(*n);
            Some(*so_far)
        }))
    }

    /// Of all observations.
    pub(super) fn sum(&self) -> f64 {
        self.sum
    }

    /// From what [`Histogram::cumulative`] gave, if it is that.
    pub(super) fn from_cumulative(cumulative: &[u64], sum: f64) -> Option<Histogram> {
        if cumulative.len() != BOUNDS.len() + 1 || !cumulative.is_sorted() {
            return None;
        }
        let mut counts = [0; BOUNDS.len() + 1];
        let mut below = 0;
        for (count, so_far) in counts.iter_mut().zip(cumulative) {
            *count = so_far - below;
            below = *so_far;
        }
        Some(Histogram { counts, sum })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket_and_everything_to_the_last() {
        let mut histogram = Histogram::default();
        for seconds in [0.0, 0.0005, 0.00051, 5.0, 5.01, 1e9, -1.0, f64::NAN, f64::INFINITY] {
            histogram.observe(seconds);
        }
        let at = |bound| histogram.cumulative().find(|(b, _)| *b == bound).unwrap().1;
        assert_eq!((at(Some(0.0005)), at(Some(0.001)), at(Some(2.5))), (2, 3, 3));
        assert_eq!((at(Some(5.0)), at(Some(10.0)), at(Some(60.0)), at(None)), (4, 5, 5, 6));
        assert_eq!(histogram.sum(), 0.0005 + 0.00051 + 5.0 + 5.01 + 1e9);
    }

    #[test]
    fn what_was_written_comes_back_and_nonsense_does_not() {
        let mut histogram = Histogram::default();
        [0.2, 0.7, 99.0].into_iter().for_each(|s| histogram.observe(s));
        let counts: Vec<u64> = histogram.cumulative().map(|(_, n)| n).collect();
        assert_eq!(Histogram::from_cumulative(&counts, histogram.sum()), Some(histogram));
        assert_eq!(Histogram::from_cumulative(&counts[1..], 1.0), None);
        let falling: Vec<u64> = (0..=BOUNDS.len() as u64).rev().collect();
        assert_eq!(Histogram::from_cumulative(&falling, 1.0), None);
    }
}
