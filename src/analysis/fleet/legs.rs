//! What a tool can be in a chain that carries data away: a way in for others' words, a hold on private data,
//! a way out. Read from its name, its parameters and the beginning of its description.
//!
//! A fact about what a tool is made for. Nearly every agent that is of use has all three; hence it is told once
//! for all its tools, never for one.

use std::cell::LazyCell;
use std::sync::LazyLock;

use crate::analysis::item::{Item, Kind};
use crate::analysis::quick;
use crate::analysis::tree::Tree;

use super::likeness::about;

/// The three of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis) enum Leg {
    /// Brings in text that anybody may have written.
    Untrusted,
    /// Reads what is not meant for everybody.
    Private,
    /// Carries something to where others can see it.
    Out,
}

impl Leg {
    /// In the order of the chain.
    pub(in crate::analysis) const ALL: [Leg; 3] = [Leg::Untrusted, Leg::Private, Leg::Out];

    /// What a tool does that is one.
    pub(in crate::analysis) const fn does(self) -> &'static str {
        match self {
            Leg::Untrusted => "brings in text from outside",
            Leg::Private => "reads private data",
            Leg::Out => "carries data out",
        }
    }
}

/// Which legs a tool is, and how plainly: 0 not at all, 1 by its description, 2 by its name or parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::analysis) struct Legs([u8; 3]);

impl Legs {
    /// How plainly it is `leg`.
    pub(in crate::analysis) fn of(self, leg: Leg) -> u8 {
        self.0[leg as usize]
    }

    fn say(&mut self, legs: &[Leg], how: u8) {
        for leg in legs {
            self.0[*leg as usize] = self.0[*leg as usize].max(how);
        }
    }
}

/// A tool whose name has a verb and an object (or whose description has the object, or which takes one of the
/// parameters) is these legs. Words are in the singular. No object means that the verb is enough.
struct Row {
    legs: &'static [Leg],
    verbs: &'static [&'static str],
    objects: &'static [&'static str],
    parameters: &'static [&'static str],
}

const LOOK: &[&str] = &[
    "get", "read", "list", "search", "find", "fetch", "retrieve", "query", "view", "show", "open", "load",
    "extract", "download", "lookup", "check", "export", "describe", "recall", "select", "take", "analyze",
];

/// The table.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { legs: &[Leg::Untrusted], verbs: LOOK, objects: &["web", "website", "webpage", "url", "html", "internet", "rss", "feed", "news", "email", "mail", "inbox", "gmail", "message", "thread", "comment", "tweet", "reddit", "forum", "review", "transcript", "wiki", "wikipedia", "issue"], parameters: &["url", "urls", "uri", "link"] },
    Row { legs: &[Leg::Untrusted], verbs: &["scrape", "crawl", "browse", "navigate", "visit", "websearch", "google", "duckduckgo", "tavily", "firecrawl"], objects: &[], parameters: &[] },
    Row { legs: &[Leg::Private], verbs: LOOK, objects: &["file", "document", "folder", "drive", "email", "mail", "inbox", "gmail", "message", "calendar", "contact", "customer", "patient", "employee", "invoice", "payment", "order", "account", "balance", "transaction", "secret", "credential", "password", "env", "environment", "memory", "note", "clipboard", "screenshot", "database", "sql", "record", "table", "conversation", "chat"], parameters: &["path", "file_path", "filepath", "filename", "sql"] },
    Row { legs: &[Leg::Out], verbs: &["send", "post", "publish", "share", "upload", "forward", "submit", "reply", "notify", "tweet", "push", "invite", "transmit", "broadcast", "email"], objects: &[], parameters: &[] },
    Row { legs: &[Leg::Out], verbs: &["create", "add", "write", "update"], objects: &["issue", "comment", "gist", "webhook", "pr", "pull", "post", "ticket", "discussion", "tweet", "email", "message", "event", "invite"], parameters: &["to", "recipient", "recipients", "webhook", "webhook_url", "callback_url"] },
    // Whatever is put into an address is out as soon as it is asked.
    Row { legs: &[Leg::Untrusted, Leg::Out], verbs: &["fetch", "curl", "http", "request", "webhook", "navigate", "browse", "scrape", "crawl", "visit", "download"], objects: &["url", "http", "request", "webhook", "web", "website", "webpage"], parameters: &["url", "urls", "uri", "endpoint", "webhook_url"] },
    // Commands read and send whatever they like.
    Row { legs: &[Leg::Private, Leg::Out], verbs: &["execute", "exec", "run", "eval", "bash", "shell", "terminal", "powershell"], objects: &["command", "shell", "bash", "terminal", "script", "code", "python", "javascript", "process"], parameters: &["command", "cmd", "code", "script"] },
];

/// The rows of each verb, as bits.
static VERBS: LazyLock<quick::Table<&str, u32>> = LazyLock::new(|| {
    let mut verbs: quick::Table<&str, u32> = quick::Table::default();
    for (at, row) in ROWS.iter().enumerate() {
        row.verbs.iter().for_each(|verb| *verbs.entry(verb).or_default() |= 1 << at);
    }
    verbs
});

/// Whether a name that begins with `word` says what is done, not whose it is.
pub(in crate::analysis) fn is_verb(word: &str) -> bool {
    VERBS.contains_key(word)
}

/// Words of a description that are looked at: what it is made for stands first.
const FIRST: usize = 24;

/// What `item` is.
pub(in crate::analysis) fn legs(item: &Item<'_>) -> Legs {
    let mut legs = Legs::default();
    if item.kind != Kind::Tool {
        return legs;
    }
    let name = about(item.name());
    // What begins so writes, whatever it is about; and what takes something away shows nothing.
    let ends =
        matches!(name.first().map(String::as_str), Some("delete" | "remove" | "drop" | "kill" | "stop"));
    if ends {
        return legs;
    }
    // Most tools are told by their names.
    let parameters = LazyCell::new(|| -> Vec<String> {
        item.parameters().map(|p| item.tree.key(p).to_ascii_lowercase()).collect()
    });
    let said = LazyCell::new(|| -> Vec<String> {
        let said = item.tree.text_of(Tree::ROOT, "description").unwrap_or_default();
        let words = said.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(FIRST);
        words.flat_map(|w| about(&w.chars().take(32).collect::<String>().to_lowercase())).collect()
    });
    let rows = name.iter().filter_map(|word| VERBS.get(word.as_str())).fold(0, |all, rows| all | rows);
    for (_, row) in ROWS.iter().enumerate().filter(|(at, _)| rows >> at & 1 == 1) {
        let has = |words: &[String], of: &[&str]| words.iter().any(|w| of.contains(&w.as_str()));
        let plain = row.objects.is_empty() || has(&name, row.objects) || has(&parameters, row.parameters);
        if plain {
            legs.say(row.legs, 2);
        } else if has(&said, row.objects) {
            legs.say(row.legs, 1);
        }
    }
    legs
}
