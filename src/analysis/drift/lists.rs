//! Tools, resources, prompts: which are new, which are gone, which are others.

use std::collections::{BTreeMap, HashMap};

use super::{Bounds, Found, ended, tree};
use crate::base::text::quote;
use crate::model::drift::{Difference, How, Part};
use crate::model::inventory::{Inventory, Json, List};

/// Characters of a name.
const NAME_MAX: usize = 240;

/// What is different about one list.
pub(super) fn compare(
    list: List,
    before: &Inventory,
    after: &Inventory,
    bounds: &Bounds,
    found: &mut Vec<Found>,
) {
    let (then, now) = (before.items(list), after.items(list));
    let (mut old, mut new) = unlike(then, now);
    // Names cost a look at the item; by now, items that stayed as they are have none.
    let by_name = |places: &[usize], items: &[Json]| {
        let mut names: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for at in places {
            names.entry(name(list, &items[*at])).or_default().push(*at);
        }
        names
    };
    let (old, new) = (by_name(&std::mem::take(&mut old), then), by_name(&std::mem::take(&mut new), now));
    let mut told = Vec::new();
    for (name, places) in &new {
        let mut earlier = old.get(name).into_iter().flatten().copied();
        for &at in places {
            match earlier.next() {
                Some(was) => {
                    let (details, matters) = tree::objects(&then[was], &now[at], bounds);
                    if !details.is_empty() {
                        let difference = difference(list, name, How::Changed, Some(at), details);
                        told.push(Found { difference, places: Some((list, Some(was), Some(at))), matters });
                    }
                }
                None if ended(before, list) => {
                    let difference = difference(list, name, How::Added, Some(at), Vec::new());
                    told.push(Found { difference, places: Some((list, None, Some(at))), matters: true });
                }
                None => {}
            }
        }
    }
    // Where the server stands, the list was cut short: who knows what else is in it.
    if ended(after, list) {
        for (name, places) in &old {
            let still = new.get(name).map_or(0, Vec::len);
            for &was in places.iter().skip(still) {
                let difference = difference(list, name, How::Removed, None, Vec::new());
                told.push(Found { difference, places: Some((list, Some(was), None)), matters: true });
            }
        }
    }
    told.sort_by(|a, b| {
        let key = |f: &Found| (f.difference.change, f.difference.name.clone());
        key(a).cmp(&key(b))
    });
    found.extend(told);
}

/// The places of items that are not, byte for byte, in the other list as well.
fn unlike(before: &[Json], after: &[Json]) -> (Vec<usize>, Vec<usize>) {
    let mut same: HashMap<&str, Vec<usize>> = HashMap::with_capacity(before.len());
    for (at, item) in before.iter().enumerate() {
        same.entry(item.text()).or_default().push(at);
    }
    let mut new = Vec::new();
    for (at, item) in after.iter().enumerate() {
        if same.get_mut(item.text()).is_none_or(|places| places.pop().is_none()) {
            new.push(at);
        }
    }
    let mut old: Vec<usize> = same.into_values().flatten().collect();
    old.sort_unstable();
    (old, new)
}

/// What an item goes by.
pub(super) fn name(list: List, item: &Json) -> String {
    quote(&item.string(list.name_key()).unwrap_or_else(|| "(no name)".to_owned()), NAME_MAX)
}

fn difference(
    list: List,
    name: &str,
    change: How,
    at: Option<usize>,
    details: Vec<crate::model::drift::Detail>,
) -> Difference {
    let pointer = at.map(|at| format!("/{}/{at}", list.field()));
    Difference { what: Part::from(list), name: name.to_owned(), change, pointer, details }
}
