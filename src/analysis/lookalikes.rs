//! Names that look like others: letters of two scripts in one word, or of one that only passes for Latin.

use crate::base::text::quote;
use crate::model::finding::{Confidence, Severity};

use super::fold::fold;
use super::hits::{Hit, Hits};
use super::item::{Item, Kind};
use super::tree::Tree;

/// HK-UNI-002: names only, not prose. A name of one foreign script is as good as any.
pub(super) fn mixed(item: &Item<'_>, hits: &mut Hits<'_>) {
    if item.plain || item.place.0.is_empty() {
        return;
    }
    let tree = &item.tree;
    let tell = |hits: &mut Hits<'_>, at: usize, name: &str, what: &str| {
        let Some(why) = deceives(name, item) else { return };
        hits.add(Severity::Medium, || {
            let looks: String = name.chars().take(64).filter_map(fold).collect();
            let seen = quote(&looks, 64);
            Hit {
                confidence: Confidence::High,
                message: format!(
                    "{}: {what} \"{}\" {why}; it looks like \"{seen}\"",
                    item.label(),
                    quote(name, 64)
                ),
                path: tree.pointer(at),
                excerpt: Some(name.to_owned()),
            }
        });
    };
    if let Some(at) = tree.member(Tree::ROOT, "name").filter(|_| item.kind != Kind::Resource)
        && let Some(name) = tree.text(at)
    {
        tell(hits, at, name, "its name");
    }
    for at in 0..tree.len() {
        let node = tree.node(at);
        if node.parent != at && tree.key(node.parent) == "properties" && !tree.key(at).is_ascii() {
            tell(hits, at, tree.key(at), "the parameter");
        }
    }
    let arguments = tree.member(Tree::ROOT, "arguments").filter(|_| item.kind == Kind::Prompt);
    for argument in arguments.into_iter().flat_map(|a| tree.children(a)) {
        if let Some(at) = tree.member(argument, "name")
            && let Some(name) = tree.text(at)
        {
            tell(hits, at, name, "the argument");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    /// Cyrillic, Greek, Armenian, Cherokee: they have letters that are drawn as Latin ones.
    Alike(u8),
    /// Latin letters of another width or style.
    Styled,
}

fn script(c: char) -> Option<Script> {
    Some(match c {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => Script::Latin,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Alike(0),
        '\u{400}'..='\u{52f}' => Script::Alike(1),
        '\u{530}'..='\u{58f}' => Script::Alike(2),
        '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' => Script::Alike(3),
        '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d6a3}' => Script::Styled,
        _ => return None,
    })
}

/// Why `name` is not what it seems.
fn deceives(name: &str, item: &Item<'_>) -> Option<&'static str> {
    if name.is_ascii() {
        return None;
    }
    let (mut styled, mut mixed, mut foreign, mut latin) = (false, false, 0, 0);
    let mut all_alike = true;
    let mut word: Option<Script> = None;
    for c in name.chars().take(256) {
        let Some(script) = script(c) else {
            if !c.is_alphanumeric() {
                word = None;
            }
            all_alike &= c.is_ascii();
            continue;
        };
        styled |= script == Script::Styled;
        mixed |= word.is_some_and(|w| w != script);
        word = Some(script);
        match script {
            Script::Latin => latin += 1,
            Script::Alike(_) => {
                foreign += 1;
                all_alike &= fold(c).is_some_and(|c| c.is_ascii());
            }
            Script::Styled => {}
        }
    }
    if styled {
        return Some("has letters of another width or style");
    }
    if mixed {
        return Some("mixes scripts within a word");
    }
    // A short word may happen to have such letters only; then the text around it is of that script as well.
    let at_home = || {
        item.tree.text_of(Tree::ROOT, "description").is_some_and(|d| {
            d.chars().take(400).filter(|c| matches!(script(*c), Some(Script::Alike(_)))).count() >= 3
        })
    };
    let passes = all_alike && (foreign >= 3 || foreign > 0 && latin > 0) && !at_home();
    passes.then_some("has no letter that is not drawn as a Latin one, and none is Latin in some word")
}

/// HK-UNI-005
pub(super) fn stretched(item: &Item<'_>, hits: &mut Hits<'_>) {
    let tree = &item.tree;
    for at in 0..tree.len() {
        let Some(text) = tree.text(at).filter(|t| t.len() >= SPACES) else { continue };
        if let Some(gap) = gap(text) {
            hits.add(Severity::High, || Hit {
                confidence: Confidence::Medium,
                message: format!("{} has text behind {gap}, where nobody looks", item.label()),
                path: tree.pointer(at),
                excerpt: Some(
                    text.split_whitespace()
                        .rev()
                        .take(12)
                        .collect::<Vec<_>>()
                        .into_iter()
                        .rev()
                        .collect::<Vec<_>>()
                        .join(" "),
                ),
            });
        }
        let of_text = matches!(tree.key(at), "description" | "title" | "instructions" | "name");
        if of_text && text.len() > LONG && text.chars().count() > LONG {
            let length = text.chars().count();
            hits.add(Severity::Low, || Hit {
                confidence: Confidence::High,
                message: format!(
                    "{} has a text of {length} characters: hardly anybody reads that far",
                    item.label()
                ),
                path: tree.pointer(at),
                excerpt: None,
            });
        }
    }
}

/// The longest honest text is shorter.
const LONG: usize = 4_000;
/// White space in one line.
const SPACES: usize = 120;
/// Lines with nothing in them.
const LINES: usize = 25;

/// White space of such a size that what follows is out of sight, in words.
fn gap(text: &str) -> Option<String> {
    let (mut blanks, mut lines) = (0usize, 0usize);
    let mut seen = false;
    for c in text.chars() {
        match c {
            '\n' => {
                lines += 1;
                blanks = 0;
            }
            c if c.is_whitespace() || matches!(c, '\u{2800}' | '\u{3164}') => blanks += 1,
            _ => {
                if seen && lines > LINES {
                    return Some(format!("{lines} empty lines"));
                }
                if seen && blanks >= SPACES {
                    return Some(format!("{blanks} blanks"));
                }
                (blanks, lines, seen) = (0, 0, true);
            }
        }
    }
    None
}
