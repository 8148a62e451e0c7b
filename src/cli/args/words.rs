//! What stands behind an option: words out of a few, seconds, dates.

use std::time::Duration;

use crate::base::text::nearest;
use crate::model::revision::Revision;

/// Words an option may have, with their meaning.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $($(#[$variant_doc:meta])* $variant:ident = $word:literal),*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant),* }

        impl argh::FromArgValue for $name {
            fn from_arg_value(value: &str) -> Result<$name, String> {
                match value {
                    $($word => Ok($name::$variant),)*
                    _ => Err(not_among(value, &[$($word),*])),
                }
            }
        }
    };
}

pub(super) use words;

words! {
    /// How a result that is no report of targets is shown.
    Shown:
    /// For people.
    Table = "table",
    /// One document.
    Json = "json"
}

pub(super) fn count(value: &str, most: usize) -> Result<usize, String> {
    let count = value.parse().ok().filter(|n| (1..=most).contains(n));
    count.ok_or_else(|| format!("must be a whole number from 1 to {most}"))
}

pub(super) fn percent(value: &str) -> Result<f64, String> {
    let number = value.trim_end().strip_suffix('%').unwrap_or(value).trim().parse().ok();
    let share = number.filter(|p: &f64| (0.0..=100_000.0).contains(p));
    share.ok_or_else(|| "must be a number of per cent from 0 to 100000, such as 10%".to_owned())
}

pub(super) fn not_among(value: &str, words: &[&str]) -> String {
    match nearest(value, words.iter().copied()) {
        Some(meant) => format!("must be one of {} (did you mean {meant}?)", words.join(", ")),
        None => format!("must be one of {}", words.join(", ")),
    }
}

pub(super) fn seconds(value: &str) -> Result<Duration, String> {
    // A year, like in settings files; `inf`, `nan` and 1e308 do not get this far.
    let span = value.parse().ok().filter(|s: &f64| *s <= 31_536_000.0);
    let span = span.and_then(|s| Duration::try_from_secs_f64(s).ok()).filter(|d| !d.is_zero());
    span.ok_or_else(|| "must be a number of seconds above 0, at most 31536000 (a year)".to_owned())
}

pub(super) fn revision(value: &str) -> Result<Revision, String> {
    value.parse().map_err(|_| format!("must be one of {}", Revision::ALL.map(Revision::date).join(", ")))
}
