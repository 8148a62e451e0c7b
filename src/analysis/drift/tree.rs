//! Two pieces of JSON, place by place. Each node is looked at once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::{Bounds, Texts};
use crate::base::text::{quote, shorten};
use crate::model::drift::Detail;
use crate::model::inventory::Json;

/// Bytes of a member of an item above which it is compared as a text: as a tree it may take thirty times that.
const MOST_TREE: usize = 1 << 20;
/// Characters before the place where two texts begin to differ.
const LEAD: usize = 40;
/// Members that tell a client how to show an item, and whatever a server likes to put there.
const DECORATION: [&str; 4] = ["_meta", "icons", "websiteUrl", "size"];

/// What differs between two objects of a server, and whether any of it matters.
pub(super) fn objects(before: &Json, after: &Json, bounds: &Bounds) -> (Vec<Detail>, bool) {
    let mut places = Places { bounds, found: Vec::new(), path: String::new(), differ: false };
    let mut matters = false;
    match (members(before), members(after)) {
        (Some(before), Some(after)) => {
            for (key, (then, now)) in joined(&before, &after) {
                places.differ = false;
                places.within(&key, |places| match (then, now) {
                    (Some(then), Some(now)) => places.texts(then.get(), now.get()),
                    (then, now) => {
                        let value = |raw: Option<&&RawValue>| raw.map(|raw| member(raw.get()).into_owned());
                        places.add(value(then).as_ref(), value(now).as_ref());
                    }
                });
                matters |= places.differ && !DECORATION.contains(&key.as_str());
            }
        }
        _ => {
            places.texts(before.text(), after.text());
            matters = places.differ;
        }
    }
    (places.found, matters)
}

fn members(json: &Json) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(json.text()).ok()
}

/// What differs between two values, either of which may not be there.
pub(super) fn values(before: Option<&Value>, after: Option<&Value>, bounds: &Bounds) -> Vec<Detail> {
    let mut places = Places { bounds, found: Vec::new(), path: String::new(), differ: false };
    match (before, after) {
        (Some(before), Some(after)) => places.compare(before, after),
        (None, None) => {}
        (before, after) => places.add(before, after),
    }
    places.found
}

/// A member as a tree, or as the text that it is.
fn member(text: &str) -> Cow<'_, Value> {
    let small = text.len() <= MOST_TREE || text.starts_with('"');
    let value = if small { serde_json::from_str(text).ok() } else { None };
    Cow::Owned(value.unwrap_or_else(|| Value::from(text)))
}

type Both<'a, T> = BTreeMap<String, (Option<&'a T>, Option<&'a T>)>;

fn joined<'a, T>(before: &'a BTreeMap<String, T>, after: &'a BTreeMap<String, T>) -> Both<'a, T> {
    let mut both: Both<'a, T> = before.iter().map(|(key, v)| (key.clone(), (Some(v), None))).collect();
    for (key, value) in after {
        both.entry(key.clone()).or_default().1 = Some(value);
    }
    both
}

struct Places<'b> {
    bounds: &'b Bounds,
    found: Vec<Detail>,
    /// Where we are.
    path: String,
    /// Something differs, told or not.
    differ: bool,
}

impl Places<'_> {
    fn within(&mut self, key: &str, look: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        look(self);
        self.path.truncate(length);
    }

    fn texts(&mut self, before: &str, after: &str) {
        if before != after {
            self.compare(&member(before), &member(after));
        }
    }

    fn compare(&mut self, before: &Value, after: &Value) {
        match (before, after) {
            (Value::Object(then), Value::Object(now)) => {
                for (key, value) in then {
                    match now.get(key) {
                        Some(other) => self.within(key, |places| places.compare(value, other)),
                        None => self.within(key, |places| places.add(Some(value), None)),
                    }
                }
                for (key, value) in now.iter().filter(|(key, _)| !then.contains_key(*key)) {
                    self.within(key, |places| places.add(None, Some(value)));
                }
            }
            (Value::Array(then), Value::Array(now)) => self.arrays(then, now),
            (Value::String(then), Value::String(now)) => {
                if !then.split_whitespace().eq(now.split_whitespace()) {
                    self.add(Some(before), Some(after));
                }
            }
            (Value::Number(then), Value::Number(now)) if then.as_f64() == now.as_f64() => {}
            (then, now) if then == now => {}
            (then, now) => self.add(Some(then), Some(now)),
        }
    }

    fn arrays(&mut self, before: &[Value], after: &[Value]) {
        if let (Some(then), Some(now)) = (named(before), named(after)) {
            for (name, (then, now)) in joined(&then, &now) {
                self.within(&name, |places| match (then, now) {
                    (Some(then), Some(now)) => places.compare(then, now),
                    (then, now) => places.add(then.copied(), now.copied()),
                });
            }
            return;
        }
        let scalar = |value: &Value| !value.is_array() && !value.is_object();
        if before.iter().chain(after).all(scalar) {
            return self.sets(before, after);
        }
        for at in 0..before.len().max(after.len()) {
            self.within(&at.to_string(), |places| match (before.get(at), after.get(at)) {
                (Some(then), Some(now)) => places.compare(then, now),
                (then, now) => places.add(then, now),
            });
        }
    }

    /// `required`, `enum`: what is in them counts, not where.
    fn sets(&mut self, before: &[Value], after: &[Value]) {
        let mut counts: BTreeMap<String, (i64, &Value)> = BTreeMap::new();
        for value in after {
            counts.entry(value.to_string()).or_insert((0, value)).0 += 1;
        }
        for value in before {
            counts.entry(value.to_string()).or_insert((0, value)).0 -= 1;
        }
        for (count, value) in counts.values().filter(|(count, _)| *count != 0) {
            match *count > 0 {
                true => self.add(None, Some(value)),
                false => self.add(Some(value), None),
            }
        }
    }

    fn add(&mut self, before: Option<&Value>, after: Option<&Value>) {
        self.differ = true;
        if self.found.len() >= self.bounds.details {
            return;
        }
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let (before, after) = (before.map(text), after.map(text));
        let (before, after) = match self.bounds.texts {
            Texts::Whole(most) => (before.map(|t| cut(t, most)), after.map(|t| cut(t, most))),
            Texts::Window(most) => windows(before, after, most),
        };
        self.found.push(Detail { pointer: quote(&self.path, 400), before, after });
    }
}

/// By name, where each has a name of its own: the arguments of a prompt.
fn named(array: &[Value]) -> Option<BTreeMap<String, &Value>> {
    let name = |value: &Value| value.get("name")?.as_str().map(str::to_owned);
    let all: BTreeMap<String, &Value> =
        array.iter().map(|value| Some((name(value)?, value))).collect::<Option<_>>()?;
    (all.len() == array.len()).then_some(all)
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Both texts from a little before the place where they begin to differ.
fn windows(before: Option<String>, after: Option<String>, most: usize) -> (Option<String>, Option<String>) {
    let same = match (&before, &after) {
        (Some(before), Some(after)) => before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count(),
        (_, _) => 0,
    };
    let from = same.saturating_sub(LEAD);
    let window = |text: String| {
        let start = text.char_indices().nth(from).map_or(text.len(), |(at, _)| at);
        let shown = quote(&text[start..], most);
        shorten(&if from > 0 { format!("…{shown}") } else { shown }, 2 * most).into_owned()
    };
    (before.map(window), after.map(window))
}
