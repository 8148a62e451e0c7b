//! Rules of people's own: patterns over the texts of items.
//!
//! A pattern is held against a text as it was sent and, where that may differ, against its folded form, as the
//! rules of ours see it: look-alikes, full-width letters and characters of no width are no way round it.
//! Patterns take linear time; a rule looks at [`MOST_OF_TEXT`] bytes of a text and its part of [`MOST_IN_ALL`]
//! bytes of a server, and says so where there was more.

use std::ops::Range;

use regex_lite::{Regex, RegexBuilder};

use crate::base::text::quote;
use crate::model::finding::{Confidence, Finding, Severity};

use super::digest;
use super::fold::fold;
use super::item::{Item, Kind};
use super::tree::{Tree, Value};

/// Bytes of one text that a rule looks at. The longest honest ones have a fifteenth of that.
pub(super) const MOST_OF_TEXT: usize = 64 << 10;
/// Bytes of one server that all rules together look at, in equal parts, and the least part of one. A pattern
/// reads a few million a second.
const MOST_IN_ALL: usize = 32 << 20;
const LEAST: usize = 64 << 10;
/// Findings of one rule at one server.
pub(super) const MOST_FOUND: usize = 50;
/// Bytes of one pattern as it is written, and of what it is compiled to.
const LONGEST_PATTERN: usize = 1_000;
const LARGEST_PATTERN: usize = 256 << 10;
/// Characters of a text around what was found, and of the excerpt.
const BEFORE: usize = 40;
const EXCERPT: usize = 160;

/// A rule that the configuration brings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Custom {
    /// Its id; never one of ours.
    pub(crate) id: String,
    /// What it finds, in a few words.
    pub(crate) title: String,
    /// How bad that is.
    pub(crate) severity: Severity,
    /// How sure it is.
    pub(crate) confidence: Confidence,
    /// One of these must be there.
    pub(crate) patterns: Vec<Pattern>,
    /// And none of these.
    pub(crate) unless: Vec<Pattern>,
    /// Where it looks.
    pub(crate) places: Vec<Place>,
    /// At what.
    pub(crate) subjects: Vec<Subject>,
    /// What its findings say; the title, where it says nothing.
    pub(crate) message: Option<String>,
    /// What to do.
    pub(crate) remedy: String,
    /// What it refers to.
    pub(crate) references: Vec<String>,
    /// Where it stands: `rules.yaml:3`.
    pub(crate) from: String,
}

/// Where a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Every text of an item, and every name of a parameter.
    Text,
    /// Name and title.
    Name,
    /// The description.
    Description,
    /// Everything in the input schema of a tool, the arguments of a prompt.
    Parameters,
    /// The address of a resource.
    Uri,
    /// What the server tells the model.
    Instructions,
}

impl Place {
    /// All of them, as they are written.
    pub(crate) const ALL: [(&'static str, Place); 6] = [
        ("text", Place::Text),
        ("name", Place::Name),
        ("description", Place::Description),
        ("parameters", Place::Parameters),
        ("uri", Place::Uri),
        ("instructions", Place::Instructions),
    ];
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Tools.
    Tool,
    /// Resources and templates of some.
    Resource,
    /// Prompts.
    Prompt,
    /// What the server says of itself, its instructions among it.
    Server,
}

impl Subject {
    /// All of them, as they are written.
    pub(crate) const ALL: [(&'static str, Subject); 4] = [
        ("tool", Subject::Tool),
        ("resource", Subject::Resource),
        ("prompt", Subject::Prompt),
        ("server", Subject::Server),
    ];

    fn of(kind: Kind) -> (&'static str, Subject) {
        Subject::ALL[match kind {
            Kind::Tool => 0,
            Kind::Resource => 1,
            Kind::Prompt => 2,
            Kind::Server => 3,
        }]
    }
}

/// A regular expression that is equal to another one if it is written the same.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text() == other.text()
    }
}

impl Pattern {
    /// Compiles `text`, or says why it cannot be used.
    pub(crate) fn new(text: &str) -> Result<Pattern, String> {
        if text.len() > LONGEST_PATTERN {
            return Err(format!("is longer than {LONGEST_PATTERN} bytes"));
        }
        let mut builder = RegexBuilder::new(text);
        builder.case_insensitive(true).size_limit(LARGEST_PATTERN).nest_limit(50);
        let regex = builder.build().map_err(|e| format!("is no pattern: {}", quote(&e.to_string(), 200)))?;
        // What fits nothing at all fits every text.
        if regex.is_match("") {
            return Err("fits every text, also an empty one".to_owned());
        }
        Ok(Pattern(regex))
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        self.0.as_str()
    }

    fn find(&self, text: &str, folded: &Folded) -> Option<Range<usize>> {
        match self.0.find(text) {
            Some(found) => Some(found.range()),
            None => self.0.find(&folded.text).map(|found| folded.sent(found.range())),
        }
    }
}

/// A text as [`fold`] shows it, in one line, with places in the text as it was sent. Empty where both are the
/// same but for case.
#[derive(Debug, Default)]
struct Folded {
    text: String,
    /// Where each byte comes from.
    from: Vec<usize>,
}

impl Folded {
    /// Reads `text`; the buffers of the one before are used again.
    fn read(&mut self, text: &str) {
        self.text.clear();
        self.from.clear();
        let odd = |b: &u8| !b.is_ascii() || b.is_ascii_control() || *b == b'\'';
        if !text.as_bytes().iter().any(odd) && !text.contains("  ") {
            return;
        }
        for (at, sent) in text.char_indices() {
            let Some(c) = fold(sent) else { continue };
            let c = if c.is_whitespace() { ' ' } else { c };
            if c == ' ' && self.text.ends_with(' ') {
                continue;
            }
            self.text.push(c);
            self.from.resize(self.text.len(), at);
        }
        self.from.push(text.len());
    }

    fn sent(&self, range: Range<usize>) -> Range<usize> {
        let place = |at: usize| self.from.get(at).copied().unwrap_or_default();
        place(range.start)..place(range.end).max(place(range.start))
    }
}

/// What the rules find at one server.
pub(super) struct Own<'p> {
    target: &'p str,
    rules: Vec<Progress<'p>>,
    folded: Folded,
    found: Vec<Finding>,
}

/// One rule at work.
struct Progress<'p> {
    rule: &'p Custom,
    found: usize,
    /// Bytes that it may still look at.
    left: usize,
    /// The first text that it has not, or not whole, looked at.
    unseen: Option<String>,
}

/// A text of an item.
struct Text<'t> {
    place: Place,
    text: &'t str,
    at: usize,
}

impl<'p> Own<'p> {
    /// `rules` at `target`.
    pub(super) fn new(target: &'p str, rules: impl Iterator<Item = &'p Custom>) -> Own<'p> {
        let rules: Vec<&Custom> = rules.collect();
        let left = (MOST_IN_ALL / rules.len().max(1)).max(LEAST);
        let start = |rule| Progress { rule, found: 0, left, unseen: None };
        Own {
            target,
            rules: rules.into_iter().map(start).collect(),
            folded: Folded::default(),
            found: Vec::new(),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Looks at `item`.
    pub(super) fn look(&mut self, item: &Item<'_>) {
        let (_, subject) = Subject::of(item.kind);
        if !self.rules.iter().any(|r| r.rule.subjects.contains(&subject)) {
            return;
        }
        for Text { place, text, at } in texts(&item.tree) {
            let whole = text;
            let end = (0..=MOST_OF_TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
            let text = &text[..end.unwrap_or_default()];
            self.folded.read(text);
            let cost = text.len() + self.folded.text.len();
            for progress in &mut self.rules {
                let rule = progress.rule;
                let meant = rule.places.iter().any(|p| *p == Place::Text || *p == place);
                if !meant || !rule.subjects.contains(&subject) || progress.found > MOST_FOUND {
                    continue;
                }
                let cost = cost * (rule.patterns.len() + rule.unless.len());
                if progress.left < cost || text.len() < whole.len() {
                    progress.unseen.get_or_insert_with(|| pointer(item, at));
                }
                if progress.left < cost {
                    continue;
                }
                progress.left -= cost;
                let Some(range) = rule.patterns.iter().find_map(|p| p.find(text, &self.folded)) else {
                    continue;
                };
                if rule.unless.iter().any(|p| p.find(text, &self.folded).is_some()) {
                    continue;
                }
                progress.found += 1;
                if progress.found <= MOST_FOUND {
                    self.found.push(finding(rule, self.target, item, at, &text[around(text, range)]));
                }
            }
        }
    }

    /// All that was found.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        for progress in &self.rules {
            let rule = progress.rule;
            if progress.found > MOST_FOUND
                && let Some(last) = self.found.iter_mut().rfind(|f| f.rule == rule.id)
            {
                last.message.push_str(" (and more like this)");
            }
            if let Some(pointer) = &progress.unseen {
                let what = "there is more text than this rule looks at; from here on it has not seen all";
                let same = [rule.id.as_str(), self.target, "unseen"];
                self.found.push(Finding {
                    severity: Severity::Info,
                    confidence: Confidence::High,
                    message: format!("{}: {what}", rule.title),
                    ..blank(rule, pointer.clone(), &same)
                });
            }
        }
        self.found
    }
}

/// Every text that a rule may be about. Words of JSON Schema are none, names of parameters are.
fn texts<'t>(tree: &'t Tree<'_>) -> impl Iterator<Item = Text<'t>> {
    tree.children(Tree::ROOT).flat_map(move |member| {
        let place = match tree.key(member) {
            "name" | "title" | "annotations" => Place::Name,
            "description" => Place::Description,
            "inputSchema" | "arguments" => Place::Parameters,
            "uri" | "uriTemplate" => Place::Uri,
            "instructions" => Place::Instructions,
            _ => Place::Text,
        };
        (member..tree.node(member).end).flat_map(move |at| {
            let key = Some(tree.key(at)).filter(|key| !key.is_empty() && says_something(tree, at, key));
            let value = match tree.value(at) {
                Value::Text(text) => Some(text.as_ref()),
                Value::Object | Value::Array | Value::Number(_) | Value::Bool(_) | Value::Null => None,
            };
            key.into_iter().chain(value).map(move |text| Text { place, text, at })
        })
    })
}

fn says_something(tree: &Tree<'_>, at: usize, key: &str) -> bool {
    let named = matches!(tree.key(tree.node(at).parent), "properties" | "$defs" | "definitions");
    named || !key.bytes().all(|b| b.is_ascii_alphabetic() || b == b'$')
}

fn pointer(item: &Item<'_>, at: usize) -> String {
    let (field, index) = item.place;
    let mut pointer = if field.is_empty() { String::new() } else { format!("/{field}") };
    if let Some(index) = index {
        pointer.push_str(&format!("/{index}"));
    }
    pointer + &item.tree.pointer(at)
}

fn finding(rule: &Custom, target: &str, item: &Item<'_>, at: usize, excerpt: &str) -> Finding {
    let (kind, _) = Subject::of(item.kind);
    let path = item.tree.pointer(at);
    let said = rule.message.as_ref().unwrap_or(&rule.title);
    Finding {
        message: format!("{}: {said}", item.label()),
        excerpt: Some(quote(excerpt, EXCERPT)),
        ..blank(rule, pointer(item, at), &[&rule.id, target, kind, item.name(), &path])
    }
}

fn blank(rule: &Custom, pointer: String, same: &[&str]) -> Finding {
    Finding {
        rule: rule.id.clone().into(),
        severity: rule.severity,
        confidence: rule.confidence,
        message: String::new(),
        pointer,
        excerpt: None,
        references: rule.references.iter().map(|r| r.clone().into()).collect(),
        remedy: rule.remedy.clone().into(),
        fingerprint: digest::fingerprint(same),
        related: Vec::new(),
        fails: false,
        suppressed: None,
    }
}

/// `range` with a little of `text` around it.
fn around(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text[..range.start].char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
    let end = text[start..].char_indices().nth(EXCERPT).map_or(text.len(), |(at, _)| start + at);
    start..end
}
