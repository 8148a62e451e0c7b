//! Text from servers, made safe to show: no control characters, no invisible or direction-changing ones.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Write;

/// Characters that must never reach a terminal or a text report as they are: C0 and C1 controls (escape
/// sequences), and the invisible or reordering ones that make a reader see something else than is there.
pub(crate) fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// `s` on one line with every deceptive character spelled out: `\n`, `\t`, `\r` or `\u{202e}`.
pub(crate) fn visible(s: &str) -> Cow<'_, str> {
    if !s.chars().any(is_deceptive) {
        return Cow::Borrowed(s);
    }
    let mut out = String::with_capacity(s.len() + 16);
    for c in s.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_deceptive(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// At most `max` characters of `s`, the last one `…` where something was cut.
pub(crate) fn shorten(s: &str, max: usize) -> Cow<'_, str> {
    match s.char_indices().nth(max) {
        None => Cow::Borrowed(s),
        Some(_) => {
            let end = s.char_indices().nth(max.saturating_sub(1)).map_or(0, |(i, _)| i);
            Cow::Owned(format!("{}…", &s[..end]))
        }
    }
}

/// `visible` and `shorten` in one: how hostile text is quoted in a message.
pub(crate) fn quote(s: &str, max: usize) -> String {
    // Shortened first: the text may be megabytes long.
    visible(&shorten(s, max)).into_owned()
}

/// `1 server`, `2 servers`.
pub(crate) fn plural(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The verb for so many.
pub(crate) fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

/// `a`, `a and b`, `a, b and c`; of more than `most` names, `a, b and 7 more`.
pub(crate) fn few(mut names: impl ExactSizeIterator<Item = String>, most: usize) -> String {
    let mut shown: Vec<String> = names.by_ref().take(most).collect();
    if names.len() > 0 {
        shown.push(format!("{} more", names.len()));
    }
    match shown.pop() {
        Some(last) if !shown.is_empty() => format!("{} and {last}", shown.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// ` (and 3 more)`, behind the first of several; nothing where there are no others.
pub(crate) fn and_more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and {others} more)") }
}

/// What a panic says of itself.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}

/// The candidate that is most like `word`, if one is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|c| (distance(&word.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(d, c)| *d * 3 <= c.chars().count().max(3))
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// Edits (insert, delete, replace, swap neighbours) that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_bidi_are_spelled_out() {
        assert_eq!(visible("\x1b]52;c;x\x07"), "\\u{1b}]52;c;x\\u{7}");
        assert_eq!(visible("a\u{202e}b\n\u{9b}2J"), "a\\u{202e}b\\n\\u{9b}2J");
        assert_eq!(visible("\u{34f}\u{3164}\u{e0100}"), "\\u{34f}\\u{3164}\\u{e0100}");
        assert_eq!(visible("ünïcödé ✓"), "ünïcödé ✓");
    }

    #[test]
    fn shorten_counts_characters_not_bytes() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äö…");
    }

    #[test]
    fn few_of_many_names_are_said_and_the_others_counted() {
        let said = |n: usize| few((0..n).map(|i| format!("s{i}")), 3);
        assert_eq!([0, 1, 2, 3].map(said), ["", "s0", "s0 and s1", "s0, s1 and s2"]);
        assert_eq!(said(10), "s0, s1, s2 and 7 more");
    }

    #[test]
    fn nearest_finds_the_slip_and_refuses_the_stranger() {
        let keys = ["timeout", "max_retries", "headers"];
        assert_eq!(nearest("timeot", keys), Some("timeout"));
        assert_eq!(nearest("tiemout", keys), Some("timeout"));
        assert_eq!(nearest("colour", keys), None);
    }
}
