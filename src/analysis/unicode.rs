//! Characters that are there and not seen.

use std::fmt::Write;

use crate::model::finding::{Confidence, Severity};

use super::hits::{Hit, Hits};
use super::item::Item;
use super::tree::{Tree, Value};

/// Letters of decoded tag text that are shown.
const DECODED: usize = 120;

/// HK-UNI-001
pub(super) fn invisible(item: &Item<'_>, hits: &mut Hits<'_>) {
    each_text(item, |text, path| {
        let Some(found) = hidden(text) else { return };
        let readable = found.decoded.chars().filter(|c| c.is_ascii_alphabetic()).count() >= 4;
        let severity = match (readable, found.stray) {
            (true, _) => Severity::Critical,
            (false, true) => Severity::Medium,
            (false, false) => Severity::High,
        };
        hits.add(severity, || {
            let mut message = format!(
                "{} holds {} characters that are not seen: {}",
                item.label(),
                found.count,
                found.points
            );
            if readable {
                let _ =
                    write!(message, "; they spell \"{}\"", crate::base::text::quote(&found.decoded, DECODED));
            }
            Hit { confidence: Confidence::High, message, path: path(), excerpt: Some(text.to_owned()) }
        });
    });
}

/// HK-UNI-003
pub(super) fn escapes(item: &Item<'_>, hits: &mut Hits<'_>) {
    each_text(item, |text, path| {
        let escape = text.chars().any(|c| matches!(c, '\u{1b}' | '\u{90}' | '\u{9b}' | '\u{9d}' | '\u{8}'));
        if escape {
            hits.add(Severity::High, || Hit {
                confidence: Confidence::High,
                message: format!("{} holds terminal control sequences", item.label()),
                path: path(),
                excerpt: Some(text.to_owned()),
            });
        }
    });
}

/// Hands over every string and every key that could hold something, with a way to its pointer.
fn each_text(item: &Item<'_>, mut each: impl FnMut(&str, &dyn Fn() -> String)) {
    if item.plain {
        return;
    }
    let tree: &Tree<'_> = &item.tree;
    for at in 0..tree.len() {
        let key = tree.key(at);
        let pointer = || tree.pointer(at);
        if !key.is_ascii() || key.bytes().any(|b| b < b' ') {
            each(key, &pointer);
        }
        if let Value::Text(text) = tree.value(at) {
            each(text, &pointer);
        }
    }
}

struct Hidden {
    count: usize,
    /// One or two of those that word processors leave behind.
    stray: bool,
    /// The first few of them.
    points: String,
    /// What tag characters spell.
    decoded: String,
}

fn hidden(text: &str) -> Option<Hidden> {
    if text.is_ascii() {
        return None;
    }
    let mut found = Hidden { count: 0, stray: true, points: String::new(), decoded: String::new() };
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        let hides = match c {
            // A flag's region: tags after a black flag, closed by a cancel tag.
            '\u{e0000}'..='\u{e007f}' if is_flag(before) || is_tag(before) && found.count == 0 => false,
            '\u{e0000}'..='\u{e0fff}' => true,
            // Joiners have work to do between letters of these scripts and within emoji.
            '\u{200c}' | '\u{200d}' => !(joins(before) || joins(after)),
            '\u{200e}' | '\u{200f}' | '\u{61c}' => !(is_right_to_left(before) || is_right_to_left(after)),
            '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{200b}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' => true,
            '\u{feff}' => before != ' ' || found.count > 0,
            _ => false,
        };
        if hides {
            if found.count < 4 {
                let comma = if found.count == 0 { "" } else { ", " };
                let _ = write!(found.points, "{comma}U+{:04X}", c as u32);
            }
            found.count += 1;
            found.stray &= found.count <= 2 && matches!(c, '\u{ad}' | '\u{200b}' | '\u{feff}');
            if let Some(letter) = decode_tag(c)
                && found.decoded.len() < 4 * DECODED
            {
                found.decoded.push(letter);
            }
        }
        before = c;
    }
    (found.count > 0).then_some(found)
}

fn decode_tag(c: char) -> Option<char> {
    match c as u32 {
        point @ 0xe0020..=0xe007e => char::from_u32(point - 0xe0000),
        _ => None,
    }
}

fn is_flag(c: char) -> bool {
    c == '\u{1f3f4}'
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0020}'..='\u{e007f}')
}

fn joins(c: char) -> bool {
    matches!(c,
        '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe0f}'
        | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1800}'..='\u{18af}'
        | '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
}
