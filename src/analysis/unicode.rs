//! Characters that are there and not seen.

use std::fmt::Write;

use crate::base::text::{are, plural, quote};
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
            let characters = plural(found.count, "character");
            let are = are(found.count);
            let mut message =
                format!("{} holds {characters} that {are} not seen: {}", item.label(), found.points);
            if readable {
                let _ = write!(message, "; they spell \"{}\"", quote(&found.decoded, DECODED));
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
    /// One or two of those that word processors leave behind, or nothing but control characters.
    stray: bool,
    /// The first few of them.
    points: String,
    /// What tag characters, variation selectors or two kinds of nothing spell.
    decoded: String,
}

fn hidden(text: &str) -> Option<Hidden> {
    if text.bytes().all(|b| (b' '..0x7f).contains(&b)) {
        return None;
    }
    let mut found = Hidden { count: 0, stray: true, points: String::new(), decoded: String::new() };
    let mut letters = Letters::default();
    let mut before = ' ';
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map_or(' ', |(_, c)| *c);
        if is_flag(c)
            && let Some(tags) = region(&text[at + c.len_utf8()..])
        {
            chars.by_ref().take(tags).for_each(drop);
            before = c;
            continue;
        }
        let hides = match c {
            // Written Chinese and Japanese choose a glyph by one of these.
            '\u{e0100}'..='\u{e01ef}' => !is_ideograph(before),
            '\u{e0000}'..='\u{e0fff}' => true,
            '\u{fe00}'..='\u{fe0e}' => is_selector(before),
            '\u{fe0f}' => is_selector(before) || before == ' ',
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
            | '\u{2800}'
            | '\u{3164}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' => true,
            '\u{feff}' => before != ' ' || found.count > 0,
            // Those that move a terminal's cursor are told of by a rule of their own.
            '\0'..='\u{7}' | '\u{e}'..='\u{1a}' | '\u{1c}'..='\u{1f}' | '\u{7f}' => true,
            _ => false,
        };
        if hides {
            if found.count < 4 {
                let comma = if found.count == 0 { "" } else { ", " };
                let _ = write!(found.points, "{comma}U+{:04X}", c as u32);
            }
            found.count += 1;
            let left_behind =
                found.count <= 2 && matches!(c, '\u{ad}' | '\u{200b}' | '\u{feff}' | '\u{2800}');
            found.stray &= left_behind || c.is_ascii_control();
            if found.decoded.len() < 4 * DECODED {
                found.decoded.extend(letters.next(c));
            }
        }
        before = c;
    }
    (found.count > 0).then_some(found)
}

/// Bytes spelled by what is not seen.
#[derive(Default)]
struct Letters {
    /// Of two kinds of nothing, one a zero and one a one.
    bits: u32,
    count: u32,
}

impl Letters {
    fn next(&mut self, c: char) -> Option<char> {
        let byte = match c as u32 {
            point @ 0xe0020..=0xe007e => point - 0xe0000,
            point @ 0xfe00..=0xfe0f => point - 0xfe00,
            point @ 0xe0100..=0xe01ef => point - 0xe0100 + 16,
            0x200b => return self.bit(0),
            0x200c | 0x200d | 0x2060 => return self.bit(1),
            _ => return None,
        };
        char::from_u32(byte).filter(|c| c.is_ascii_graphic() || *c == ' ')
    }

    fn bit(&mut self, bit: u32) -> Option<char> {
        self.bits = self.bits << 1 | bit;
        self.count += 1;
        let whole = self.count.is_multiple_of(8).then(|| std::mem::take(&mut self.bits));
        whole.and_then(char::from_u32).filter(|c| c.is_ascii_graphic() || *c == ' ')
    }
}

/// How many characters the region of a flag has: a few tags, closed by the last of them. More is no flag.
fn region(rest: &str) -> Option<usize> {
    let tags = rest.chars().take(8).take_while(|c| is_tag(*c)).count();
    let closed = rest.chars().nth(tags) == Some('\u{e007f}');
    ((2..=6).contains(&tags) && closed).then_some(tags + 1)
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_flag(c: char) -> bool {
    c == '\u{1f3f4}'
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0020}'..='\u{e007e}')
}

fn joins(c: char) -> bool {
    matches!(c,
        '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe0f}'
        | '\u{f00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{a8e0}'..='\u{a8ff}' | '\u{1800}'..='\u{18af}'
        | '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
}
