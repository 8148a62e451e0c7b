//! What is kept of an outcome until all servers of its clients are known: little, and bounded.
//!
//! A tool costs its name, at most 32 words' hashes of its description and forty bytes; its text is gone.

use crate::analysis::item::Item;
use crate::analysis::options::Approved;
use crate::analysis::pins::{Registry, package, started};
use crate::analysis::tree::Tree;
use crate::analysis::words::Words;
use crate::base::glob::Glob;
use crate::model::finding::Severity;
use crate::model::inventory::List;
use crate::model::outcome::{EndpointView, Outcome, Owner};

use super::legs::{Legs, legs};
use super::likeness::{Sketch, hash};
use super::mentions::{Mention, Speech, mentions};

/// Tools of one server that are compared with those of others. The largest honest server has a tenth.
pub(super) const MOST_TOOLS: usize = 5_000;
/// Mentions that are kept of one server.
const MOST_MENTIONS: usize = 200;
/// Bytes of a name.
const NAME: usize = 128;
/// Bytes of a description that its sketch is made of.
const DESCRIBED: usize = 4 << 10;

/// One server.
#[derive(Debug)]
pub(super) struct Gist {
    pub(super) name: Box<str>,
    /// Whether what it offers is known.
    pub(super) known: bool,
    /// Who provides it, as far as its endpoint says so.
    pub(super) vendor: Option<u64>,
    /// What is started or asked, without version.
    pub(super) identity: u64,
    /// What it calls itself.
    pub(super) calls_itself: Option<u64>,
    /// Started from a package of no fixed version.
    pub(super) unpinned: bool,
    /// Whether a text of it is bad by itself.
    pub(super) bad: bool,
    /// Tools that it lists.
    pub(super) listed: usize,
    /// And prompts, behind them.
    pub(super) tools: Box<[Tool]>,
    /// With the tool that speaks, or none where it is the server.
    pub(super) mentions: Box<[(Option<u32>, Mention)]>,
}

/// One tool, or a prompt: both are chosen by their names.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: Box<str>,
    /// Its place in its list.
    pub(super) index: u32,
    pub(super) prompt: bool,
    pub(super) legs: Legs,
    pub(super) sketch: Sketch,
}

impl Gist {
    pub(super) fn of(outcome: &Outcome) -> Gist {
        let inventory = &outcome.inventory;
        let mut tools = Vec::with_capacity(inventory.tools.len().min(MOST_TOOLS));
        let mut spoken: Vec<(Option<u32>, Mention)> = Vec::new();
        let mut words = Words::default();
        for (list, prompt) in [(List::Tools, false), (List::Prompts, true)] {
            for (index, json) in inventory.items(list).iter().enumerate().take(MOST_TOOLS) {
                // Levels of a schema are of no matter here.
                let item = Item::of(list, index, json, 1);
                if item.name().is_empty() {
                    continue;
                }
                let index = index as u32;
                let listens = !prompt && spoken.len() < MOST_MENTIONS;
                let (sketch, mentions) = read(&item, listens, &mut words);
                spoken.extend(mentions.into_iter().map(|m| (Some(index), m)));
                tools.push(Tool {
                    name: cut(item.name(), NAME).into(),
                    index,
                    prompt,
                    legs: legs(&item),
                    sketch,
                });
            }
        }
        if let Some(text) = &inventory.instructions {
            spoken.extend(mentions(&Item::instructions(text, 1)).into_iter().map(|m| (None, m)));
        }
        let counts = outcome.findings.iter().filter(|f| f.suppressed.is_none());
        let told = |id: &str| outcome.findings.iter().any(|f| f.rule == id);
        let (identity, vendor) = identity(&outcome.endpoint);
        Gist {
            name: cut(&outcome.name, NAME).into(),
            known: outcome.is_known(),
            vendor,
            identity,
            calls_itself: inventory.server.as_ref().and_then(|s| s.string("name")).map(hash),
            unpinned: told("HK-PIN-001"),
            bad: counts.clone().any(|f| f.severity >= Severity::High && of_text(&f.rule)),
            listed: inventory.tools.len(),
            tools: tools.into_boxed_slice(),
            mentions: spoken.into_boxed_slice(),
        }
    }

    /// Its tool at `index` of the list.
    pub(super) fn tool(&self, index: u32) -> Option<&Tool> {
        let at = self.tools.binary_search_by_key(&(false, index), |t| (t.prompt, t.index)).ok()?;
        self.tools.get(at)
    }
}

/// Rules about what a text wants, not about what a tool can do.
fn of_text(rule: &str) -> bool {
    rule.starts_with("HK-POI") || rule.starts_with("HK-UNI")
}

/// What its description is about, and what it says of other tools, if that matters.
fn read(item: &Item<'_>, listens: bool, words: &mut Words) -> (Sketch, Vec<Mention>) {
    let described = item.tree.member(Tree::ROOT, "description");
    let text = described.and_then(|at| item.tree.text(at)).unwrap_or_default();
    let short = cut(text, DESCRIBED);
    let mut speech = Speech::of(item);
    if let Some(at) = described.filter(|_| listens) {
        speech.until(item, at, words);
    }
    words.read(short);
    let sketch = Sketch::of(words);
    if !listens {
        return (sketch, Vec::new());
    }
    if let Some(at) = described.filter(|_| short.len() == text.len()) {
        // What was read for one is read for the other.
        if speech.listens(short) {
            speech.hear(item, at, words, short);
        }
        speech.next = at + 1;
    }
    speech.until(item, item.tree.len(), words);
    (sketch, speech.found)
}

/// The first bytes of `text`, at most `most` of them.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What an endpoint is, whatever its version and options, and whose.
fn identity(view: &EndpointView) -> (u64, Option<u64>) {
    if let Some(url) = &view.url {
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let place = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let host = place.rsplit('@').next().unwrap_or(place).split(':').next().unwrap_or(place);
        let labels: Vec<&str> = host.rsplit('.').take(2).collect();
        let named = labels.len() == 2 && !host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        return (hash(rest.split(['?', '#']).next()), named.then(|| hash(("host", labels))));
    }
    let args: Vec<&str> = view.args.iter().flatten().map(String::as_str).collect();
    let program = view.command.as_deref().unwrap_or_default();
    match package(program, &args) {
        Some(package) => {
            let owner = package.name.split_once('/').map(|(owner, _)| owner);
            let owner = owner.filter(|o| package.registry == Registry::Images || o.starts_with('@'));
            (hash(package.name), owner.map(|o| hash(("package", o))))
        }
        None => {
            // Several commands are no other than the shell's line.
            let (program, args) = match &started(program, &args)[..] {
                [one] => (one.program, one.args.clone()),
                _ => (program, args),
            };
            let script = args.iter().find(|a| !a.starts_with('-'));
            (hash((program, script)), None)
        }
    }
}

/// Whether the server that `owner` names is on the list.
pub(super) fn is_approved(approved: &Approved, owner: &Owner, view: &EndpointView) -> bool {
    let line = view.command.as_ref().map(|command| {
        let words = std::iter::once(command.as_str()).chain(view.args.iter().flatten().map(String::as_str));
        words.collect::<Vec<_>>().join(" ")
    });
    approved.servers.iter().any(|entry| {
        let fits = |pattern: &Option<Glob>, text: Option<&str>| match (pattern, text) {
            (None, _) => true,
            (Some(pattern), Some(text)) => pattern.matches(text),
            (Some(_), None) => false,
        };
        fits(&entry.name, Some(&owner.name))
            && fits(&entry.url, view.url.as_deref())
            && fits(&entry.command, line.as_deref())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_is_known_by_its_package_or_address() {
        let of = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            match words.as_slice() {
                [url] => identity(&EndpointView { url: Some(url.clone()), ..EndpointView::default() }),
                [program, args @ ..] => identity(&EndpointView {
                    command: Some(program.clone()),
                    args: Some(args.to_vec()),
                    ..EndpointView::default()
                }),
                [] => unreachable!("a line has words"),
            }
        };
        for (a, b) in [
            ("npx -y @acme/files@1.2.3 /srv/a", "npx -y @acme/files /srv/b"),
            ("uvx acme-files==1.0.0", "uvx acme-files@latest"),
            ("docker run -i acme/files:1.0", "docker run --rm -i acme/files"),
            ("node /opt/files.js /a", "node /opt/files.js /b"),
            ("https://a.example/mcp?x=1", "https://a.example/mcp"),
        ] {
            assert_eq!(of(a).0, of(b).0, "{a} {b}");
        }
        assert_ne!(of("npx -y @acme/files").0, of("npx -y @acme/mail").0);
        assert_eq!(of("npx -y @acme/files").1, of("npx -y @acme/mail").1);
        assert!(of("npx -y @acme/files").1.is_some() && of("npx -y files").1.is_none());
        assert_eq!(of("https://a.acme.example/mcp").1, of("https://b.acme.example/mcp").1);
        assert!(of("http://127.0.0.1:1/mcp").1.is_none() && of("http://localhost:1/mcp").1.is_none());
    }
}
