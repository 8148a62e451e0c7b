//! Looking into JSON without building it: a hostile message may be small as text and huge as a tree.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr2;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Whether `text` nests no deeper than `max`. Counts brackets outside strings; says nothing of validity.
pub fn depth_within(text: &[u8], max: usize) -> bool {
    let (mut depth, mut i) = (0usize, 0);
    while let Some(&b) = text.get(i) {
        i += 1;
        match b {
            b'{' | b'[' => {
                depth += 1;
                if depth > max {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => i = after_string(text, i),
            _ => {}
        }
    }
    true
}

/// Where the string whose opening quote stands before `i` ends.
fn after_string(text: &[u8], mut i: usize) -> usize {
    while let Some(at) = memchr2(b'"', b'\\', text.get(i..).unwrap_or_default()) {
        if text[i + at] == b'"' {
            return i + at + 1;
        }
        i += at + 2;
    }
    text.len()
}

/// Some members of an object, and how many of those asked for stood there twice.
pub struct Picked<'a, const N: usize> {
    /// In the order asked for; the last one wins where a key repeats. JSON `null` counts as absent.
    pub members: [Option<&'a RawValue>; N],
    /// Repetitions among the keys asked for.
    pub repeated: u32,
}

/// The members `keys` of the object `text`, or `None` if it is no valid JSON object.
pub fn pick<'a, const N: usize>(text: &'a str, keys: [&'static str; N]) -> Option<Picked<'a, N>> {
    struct Members<const N: usize>([&'static str; N]);
    impl<'de, const N: usize> Visitor<'de> for Members<N> {
        type Value = Picked<'de, N>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut picked = Picked { members: [None; N], repeated: 0 };
            let mut seen = [false; N];
            while let Some(Key(key)) = map.next_key()? {
                let Some(i) = self.0.iter().position(|k| *k == key) else {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                };
                picked.repeated += u32::from(std::mem::replace(&mut seen[i], true));
                let value: &'de RawValue = map.next_value()?;
                picked.members[i] = (value.get() != "null").then_some(value);
            }
            Ok(picked)
        }
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let picked = json.deserialize_map(Members(keys)).ok()?;
    json.end().ok()?;
    Some(picked)
}

/// A key, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Key<'de>, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, s: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(s)))
            }
            fn visit_str<E>(self, s: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(s.to_owned())))
            }
        }
        d.deserialize_str(V)
    }
}

/// Hands each element of the array `text` to `each`, in order; `None` if it is no valid JSON array.
pub fn for_each<'a>(text: &'a str, each: impl FnMut(&'a RawValue)) -> Option<()> {
    struct Elements<F>(F);
    impl<'de, F: FnMut(&'de RawValue)> DeserializeSeed<'de> for Elements<F> {
        type Value = ();
        fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
            d.deserialize_seq(self)
        }
    }
    impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Elements<F> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }
        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
            while let Some(element) = seq.next_element::<&'de RawValue>()? {
                (self.0)(element);
            }
            Ok(())
        }
    }
    let mut json = serde_json::Deserializer::from_str(text);
    Elements(each).deserialize(&mut json).ok()?;
    json.end().ok()
}

/// Hands each member of the object `text` to `each`, in order; `None` if it is no valid JSON object.
pub fn for_each_member<'a>(text: &'a str, each: impl FnMut(Cow<'a, str>, &'a RawValue)) -> Option<()> {
    struct Members<F>(F);
    impl<'de, F: FnMut(Cow<'de, str>, &'de RawValue)> Visitor<'de> for Members<F> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some((Key(key), value)) = map.next_entry()? {
                (self.0)(key, value);
            }
            Ok(())
        }
    }
    let mut json = serde_json::Deserializer::from_str(text);
    json.deserialize_map(Members(each)).ok()?;
    json.end().ok()
}

/// The string that `raw` is, if it is one. Lone surrogates become U+FFFD: what a server calls a string
/// must not make the rest of its message unreadable.
pub fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    string_of(raw.get())
}

/// The same for the text of a value.
pub fn string_of(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    Some(Cow::Owned(super::tidy::unescape(inner)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_ignores_brackets_in_strings() {
        assert!(depth_within(br#"{"a":"[[[[\"[[[","b":[1]}"#, 2));
        assert!(!depth_within(br#"{"a":[[1]]}"#, 2));
        assert!(!depth_within(&[b'['; 100_000], 128));
        assert!(depth_within(br#""unterminated \"#, 1));
    }

    #[test]
    fn pick_takes_the_last_and_counts_repetitions() {
        let p = pick(r#"{"a":1,"x":{"a":9},"b":null,"a":"two"}"#, ["a", "b", "c"]).unwrap();
        assert_eq!(p.members[0].unwrap().get(), "\"two\"");
        assert!(p.members[1].is_none() && p.members[2].is_none());
        assert_eq!(p.repeated, 1);
        assert!(pick("[1]", ["a"]).is_none());
        assert!(pick(r#"{"a":1} trailing"#, ["a"]).is_none());
    }

    #[test]
    fn for_each_tells_an_array_from_everything_else() {
        let mut n = 0;
        assert!(for_each(r#"[1, {"a":[]}, "x"]"#, |_| n += 1).is_some());
        assert_eq!(n, 3);
        assert!(for_each(r#"{"0":1}"#, |_| {}).is_none());
    }
}
