//! Which server is the same one as before: one answer for two reports, a baseline and the history.
//!
//! | tie | name | endpoint | |
//! |---|---|---|---|
//! | [`Tie::Same`] | the same | the same | |
//! | [`Tie::Moved`] | the same | another | its address or command line changed |
//! | [`Tie::Renamed`] | another | the same | and nobody has the earlier name any more |
//!
//! The stronger tie counts. Endpoints are compared as reports show them, secrets masked: a new token makes no new
//! server. Reports and baselines know a server by the name they show; the history, in which runs of many files
//! lie, by its name in the first file that names it, and of that by what it was last, the same or moved.

use std::collections::HashMap;
use std::hash::Hash;

use super::outcome::{EndpointView, Outcome};

/// What ties a server to one that was seen before; the stronger, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tie {
    /// Only its endpoint, as its name before is gone.
    Renamed,
    /// Only its name.
    Moved,
    /// Both.
    Same,
}

impl Tie {
    /// Where the name or the endpoint is the same, or both; `gone` tells whether nobody has the earlier name now.
    pub(crate) fn of(name: bool, endpoint: bool, gone: impl FnOnce() -> bool) -> Option<Tie> {
        match (name, endpoint) {
            (true, true) => Some(Tie::Same),
            (true, false) => Some(Tie::Moved),
            (false, true) => gone().then_some(Tie::Renamed),
            (false, false) => None,
        }
    }
}

/// Whether both are reached the same way; what is not known is like nothing.
fn same_endpoint(one: &EndpointView, other: &EndpointView) -> bool {
    one.kind() == other.kind() && one.words().next().is_some() && one.words().eq(other.words())
}

/// The place of the server called `name` at `endpoint` among those `before`; `taken` are the names of today.
pub(crate) fn find(
    before: &[Outcome],
    name: &str,
    endpoint: &EndpointView,
    taken: impl Fn(&str) -> bool,
) -> Option<(usize, Tie)> {
    let tie = |then: &Outcome, named: bool| {
        Tie::of(named, same_endpoint(&then.endpoint, endpoint), || !taken(&then.name))
    };
    let mut named = None;
    for (at, then) in before.iter().enumerate().filter(|(_, then)| then.name == name) {
        match tie(then, true) {
            Some(Tie::Same) => return Some((at, Tie::Same)),
            tie => named = named.or(tie.map(|tie| (at, tie))),
        }
    }
    named.or_else(|| before.iter().enumerate().find_map(|(at, then)| Some((at, tie(then, false)?))))
}

/// For each of `after`, its place in `before`, each at most once: that of the strongest tie.
pub(crate) fn partners(before: &[Outcome], after: &[Outcome]) -> Vec<Option<usize>> {
    let endpoint = |o: &'_ Outcome| -> Option<Vec<String>> {
        let words = [o.endpoint.kind()].into_iter().chain(o.endpoint.words());
        o.endpoint.words().next().map(|_| words.map(str::to_owned).collect())
    };
    let mut pairs = Pairs { before, after, found: vec![None; after.len()], used: vec![false; before.len()] };
    pairs.by(|o| Some((o.name.clone(), endpoint(o))));
    pairs.by(|o| Some(o.name.clone()));
    // A name that is left here has no server on the other side.
    pairs.by(endpoint);
    pairs.found
}

struct Pairs<'a> {
    before: &'a [Outcome],
    after: &'a [Outcome],
    found: Vec<Option<usize>>,
    used: Vec<bool>,
}

impl Pairs<'_> {
    /// Brings together those of the same `key` that have no partner yet, in order.
    fn by<K: Hash + Eq>(&mut self, key: impl Fn(&Outcome) -> Option<K>) {
        let mut left: HashMap<K, Vec<usize>> = HashMap::new();
        for (at, outcome) in self.before.iter().enumerate().rev().filter(|(at, _)| !self.used[*at]) {
            if let Some(key) = key(outcome) {
                left.entry(key).or_default().push(at);
            }
        }
        for (outcome, found) in self.after.iter().zip(&mut self.found).filter(|(_, found)| found.is_none()) {
            *found = key(outcome).and_then(|key| left.get_mut(&key)?.pop());
            found.iter().for_each(|at| self.used[*at] = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(name: &str, url: &str) -> Outcome {
        let url = (!url.is_empty()).then(|| url.to_owned());
        Outcome { endpoint: EndpointView { url, ..EndpointView::default() }, ..Outcome::unknown(name) }
    }

    fn servers(all: &[(&str, &str)]) -> Vec<Outcome> {
        all.iter().map(|(name, url)| server(name, url)).collect()
    }

    /// Before, after, and whose partner each is.
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], &'a [Option<usize>]);

    #[test]
    fn the_stronger_tie_counts_in_two_lists_and_one_by_one() {
        let rows: [Row<'_>; 7] = [
            (&[("a", "1"), ("b", "2")], &[("b", "2"), ("c", "1")], &[Some(1), Some(0)]),
            // Two of one name, in another order.
            (&[("x", "1"), ("x", "2")], &[("x", "2"), ("x", "1")], &[Some(1), Some(0)]),
            // A name that went to another endpoint is still that name.
            (&[("a", "1"), ("b", "2")], &[("a", "2"), ("b", "1")], &[Some(0), Some(1)]),
            // Who had the endpoint is still there.
            (&[("a", "1")], &[("a", "1"), ("b", "1")], &[Some(0), None]),
            (&[("a", "1")], &[("b", "1"), ("a", "3")], &[None, Some(0)]),
            // Nothing known is nothing in common.
            (&[("a", "")], &[("b", "")], &[None]),
            (&[("a", "")], &[("a", "")], &[Some(0)]),
        ];
        for (before, after, expected) in rows {
            let (then, now) = (servers(before), servers(after));
            assert_eq!(partners(&then, &now), expected, "{before:?} {after:?}");
            let taken = |name: &str| now.iter().any(|o| o.name == name);
            let each = now.iter().map(|o| find(&then, &o.name, &o.endpoint, taken).map(|(at, _)| at));
            assert_eq!(each.collect::<Vec<_>>(), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_url_is_no_command_of_the_same_words() {
        let mut command = server("b", "");
        command.endpoint.command = Some("http://h/".into());
        assert_eq!(partners(&[server("a", "http://h/")], &[command]), [None]);
    }
}
