//! Numbers by family and labels.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::families::{Family, Kind};
use super::histogram::Histogram;

/// The value of a label: a word of ours, or the cleaned name of a target.
pub(super) type Label = Cow<'static, str>;

/// One number, or a histogram of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    /// A counter or a gauge.
    Number(f64),
    /// Observations. In a box it would be one more allocation a series, and there are few of these.
    Histogram(Histogram),
}

/// All series of some families.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Samples(BTreeMap<(Family, Vec<Label>), Value>);

impl Samples {
    /// Adds `by` to a number that begins at 0.
    pub(super) fn add<const N: usize>(&mut self, family: Family, labels: [&'static str; N], by: f64) {
        self.add_to(family, labels.map(Cow::Borrowed).to_vec(), by);
    }

    /// The same, where a label is not known beforehand.
    pub(super) fn add_to(&mut self, family: Family, labels: Vec<Label>, by: f64) {
        if let Value::Number(n) = self.0.entry((family, labels)).or_insert(Value::Number(0.0)) {
            *n += by;
        }
    }

    /// Replaces a number.
    pub(super) fn set(&mut self, family: Family, labels: Vec<Label>, to: f64) {
        self.0.insert((family, labels), Value::Number(to));
    }

    /// Counts an observation.
    pub(super) fn observe<const N: usize>(
        &mut self,
        family: Family,
        labels: [&'static str; N],
        seconds: f64,
    ) {
        let key = (family, labels.map(Cow::Borrowed).to_vec());
        if let Value::Histogram(h) = self.0.entry(key).or_insert(Value::Histogram(Histogram::default())) {
            h.observe(seconds);
        }
    }

    /// Puts a series in whose value fits its family.
    pub(super) fn put(&mut self, family: Family, labels: Vec<Label>, value: Value) {
        debug_assert_eq!(family.kind() == Kind::Histogram, matches!(value, Value::Histogram(_)));
        self.0.insert((family, labels), value);
    }

    /// The number of a series, 0 where there is none.
    pub(super) fn number(&self, family: Family, labels: &[&'static str]) -> f64 {
        let key = (family, labels.iter().copied().map(Cow::Borrowed).collect());
        match self.0.get(&key) {
            Some(Value::Number(n)) => *n,
            Some(Value::Histogram(_)) | None => 0.0,
        }
    }

    /// The series of one family, in the order of their labels.
    pub(super) fn of(&self, family: Family) -> impl Iterator<Item = (&[Label], &Value)> {
        let from = self.0.range((family, Vec::new())..);
        from.take_while(move |((f, _), _)| *f == family)
            .map(|((_, labels), value)| (labels.as_slice(), value))
    }

    /// All series.
    pub(super) fn into_series(self) -> impl Iterator<Item = (Family, Vec<Label>, Value)> {
        self.0.into_iter().map(|((family, labels), value)| (family, labels, value))
    }

    /// Forgets the series that `keep` does not want.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&[Label]) -> bool) {
        self.0.retain(|(_, labels), _| keep(labels));
    }

    /// Whether there is no series at all.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
