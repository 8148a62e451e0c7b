//! From what was written to a checked value.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::address::{LISTEN_FORM, listen_address};
use crate::base::text::{nearest, quote};
use crate::model::revision::Revision;

use crate::analysis::options::Custom;
use crate::base::glob::Glob;
use crate::cluster::options::Listed;
use crate::gate::options::Clause;
use crate::model::fail_on::FailOn;
use crate::model::finding::Severity;

use super::judging;
use super::keys::Kind;
use super::node::{Node, Position, Tree};
use super::yaml;

/// The longest time anybody may configure: a year.
const LONGEST: f64 = 31_536_000.0;

/// A value that its key allows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// `null`, or `auto`.
    Unset,
    Bool(bool),
    Seconds(Duration),
    Count(u64),
    Factor(f64),
    Word(&'static str),
    Text(String),
    Address(SocketAddr),
    Path(PathBuf),
    Paths(Vec<PathBuf>),
    Statuses(Vec<u16>),
    Workers(Vec<Listed>),
    Words(Vec<String>),
    Grades(Vec<(Glob, Severity)>),
    Rules(Vec<Custom>),
    Clauses(Vec<Clause>),
    Revision(Revision),
}

/// Reading a value as the kind its key has. A key is declared and used in one line of the table, and the
/// defaults go through every one of these lines in a test.
macro_rules! reads {
    ($($name:ident: $type:ty = $pattern:pat => $value:expr;)*) => {
        impl Value {
            $(pub(crate) fn $name(&self) -> $type {
                match self {
                    $pattern => $value,
                    other => unreachable!("{other:?} under a key of another kind"),
                }
            })*
        }
    };
}

reads! {
    bool: bool = Value::Bool(b) => *b;
    seconds: Duration = Value::Seconds(d) => *d;
    count: u64 = Value::Count(n) => *n;
    factor: f64 = Value::Factor(x) => *x;
    word: &'static str = Value::Word(w) => w;
    plain_text: String = Value::Text(t) => t.clone();
    workers: Vec<Listed> = Value::Workers(all) => all.clone();
    path: PathBuf = Value::Path(p) => p.clone();
    paths: Vec<PathBuf> = Value::Paths(p) => p.clone();
    statuses: Vec<u16> = Value::Statuses(s) => s.clone();
    words: Vec<String> = Value::Words(w) => w.clone();
    grades: Vec<(Glob, Severity)> = Value::Grades(g) => g.clone();
    rules: Vec<Custom> = Value::Rules(r) => r.clone();
    clauses: Vec<Clause> = Value::Clauses(c) => c.clone();
}

impl Value {
    pub(crate) fn u32(&self) -> u32 {
        u32::try_from(self.count()).unwrap_or(u32::MAX)
    }

    pub(crate) fn size(&self) -> usize {
        usize::try_from(self.count()).unwrap_or(usize::MAX)
    }

    pub(crate) fn optional_seconds(&self) -> Option<Duration> {
        (*self != Value::Unset).then(|| self.seconds())
    }

    pub(crate) fn optional_count(&self) -> Option<usize> {
        (*self != Value::Unset).then(|| self.size())
    }

    pub(crate) fn optional_path(&self) -> Option<PathBuf> {
        match self {
            Value::Path(p) => Some(p.clone()),
            _ => None,
        }
    }

    pub(crate) fn optional_text(&self) -> Option<String> {
        (*self != Value::Unset).then(|| self.plain_text())
    }

    pub(crate) fn optional_address(&self) -> Option<SocketAddr> {
        match self {
            Value::Address(a) => Some(*a),
            _ => None,
        }
    }

    pub(crate) fn revision(&self) -> Option<Revision> {
        match self {
            Value::Revision(r) => Some(*r),
            _ => None,
        }
    }

    /// As it would be written in a file.
    pub(crate) fn text(&self, kind: Kind) -> String {
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        match self {
            Value::Unset if matches!(kind, Kind::CountOrAuto(..) | Kind::BoolOrAuto | Kind::Revision) => {
                "auto".to_owned()
            }
            Value::Unset => "null".to_owned(),
            Value::Bool(b) => b.to_string(),
            Value::Seconds(d) => d.as_secs_f64().to_string(),
            Value::Count(n) => n.to_string(),
            Value::Factor(x) => x.to_string(),
            Value::Word(w) => (*w).to_owned(),
            Value::Text(t) => quote(t, 400),
            Value::Address(a) => a.to_string(),
            Value::Path(p) => shown(p),
            Value::Paths(all) => list(all.iter().map(|p| shown(p)).collect()),
            Value::Statuses(all) => list(all.iter().map(u16::to_string).collect()),
            Value::Workers(all) => {
                let most =
                    |worker: &Listed| worker.max_concurrent.map_or("any".to_owned(), |n| n.to_string());
                list(all.iter().map(|w| format!("{} ({})", quote(&w.host, 80), most(w))).collect())
            }
            Value::Revision(r) => r.to_string(),
            Value::Words(all) => list(all.iter().map(|w| quote(w, 80)).collect()),
            Value::Grades(all) => {
                let grades: Vec<String> =
                    all.iter().map(|(rule, s)| format!("{}: {s}", quote(rule.text(), 80))).collect();
                format!("{{{}}}", grades.join(", "))
            }
            Value::Rules(all) => list(all.iter().map(|rule| rule.id.clone()).collect()),
            Value::Clauses(all) => entries(all.len()),
        }
    }
}

fn entries(n: usize) -> String {
    match n {
        0 => "[]".to_owned(),
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    }
}

fn shown(path: &Path) -> String {
    quote(&path.display().to_string(), 400)
}

/// Where paths start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Base<'a> {
    /// Of relative ones; ours where empty.
    pub(crate) directory: &'a Path,
    /// Of `~/`.
    pub(crate) home: Option<&'a Path>,
}

/// What is wrong with a value, and where if not at its beginning.
#[derive(Debug, PartialEq)]
pub(crate) struct Misfit {
    pub(crate) at: Position,
    pub(crate) message: String,
}

/// Reads `node` as `kind`.
pub(crate) fn read(kind: Kind, node: &Node, base: Base<'_>) -> Result<Value, Misfit> {
    let fits = match kind {
        Kind::Bool => boolean(node),
        Kind::BoolOrAuto => auto(node).or_else(|| boolean(node)),
        Kind::Seconds => seconds(node),
        Kind::OptionalSeconds => unset(node).or_else(|| seconds(node)),
        Kind::Count(low, high) => count(node, low, high),
        Kind::CountOrAuto(low, high) => auto(node).or_else(|| count(node, low, high)),
        Kind::OptionalCount(low, high) => unset(node).or_else(|| count(node, low, high)),
        Kind::Factor => number(node).filter(|x| (0.0..=3600.0).contains(x)).map(Value::Factor),
        Kind::Choice(words) => word(node, words),
        Kind::Text => text(node),
        Kind::OptionalText => unset(node).or_else(|| text(node)),
        Kind::Path => path(node, base).map(Value::Path),
        Kind::OptionalPath => unset(node).or_else(|| path(node, base).map(Value::Path)),
        Kind::Paths => paths(node, base),
        Kind::Statuses => statuses(node),
        Kind::Workers => return workers(node),
        Kind::Revision => auto(node).or_else(|| revision(node)),
        Kind::OptionalAddress => unset(node).or_else(|| address(node)),
        Kind::Never => unset(node),
        Kind::Words => judging::words(node),
        Kind::FailOn => return fail_on(node),
        Kind::Grades => return judging::grades(node),
        Kind::Rules => return judging::custom(node),
        Kind::Clauses => return judging::clauses(node),
    };
    fits.ok_or_else(|| Misfit { at: node.at, message: format!("{node} must be {}", allowed(kind, node)) })
}

/// `text` of an environment variable as the file would have it.
pub(crate) fn from_text(kind: Kind, text: &str) -> Node {
    let node = |value| Node { at: Position::START, value };
    let plain = |text: &str| {
        if let Ok(b) = text.parse() {
            return node(Tree::Bool(b));
        }
        if text == "null" {
            return node(Tree::Null);
        }
        let int = text.parse().map(Tree::Int);
        let number = int.or_else(|_| text.parse().map(Tree::Float));
        node(number.unwrap_or_else(|_| Tree::Text(text.to_owned())))
    };
    let parts = || text.split(',').map(str::trim).filter(|s| !s.is_empty());
    match kind {
        Kind::Statuses => node(Tree::List(parts().map(plain).collect())),
        Kind::Paths | Kind::Words | Kind::FailOn => {
            node(Tree::List(parts().map(|s| node(Tree::Text(s.to_owned()))).collect()))
        }
        Kind::Choice(_) | Kind::Path | Kind::Revision | Kind::Text => node(Tree::Text(text.to_owned())),
        Kind::Bool
        | Kind::BoolOrAuto
        | Kind::Seconds
        | Kind::OptionalSeconds
        | Kind::Count(..)
        | Kind::CountOrAuto(..)
        | Kind::OptionalCount(..)
        | Kind::Factor
        | Kind::OptionalPath
        | Kind::OptionalText
        | Kind::OptionalAddress
        | Kind::Workers
        | Kind::Never => plain(text),
        // As in a file; what cannot be read there is refused as the text that it is.
        Kind::Grades | Kind::Rules | Kind::Clauses => {
            yaml::parse("", text).unwrap_or_else(|_| node(Tree::Text(text.to_owned())))
        }
    }
}

/// What would have been allowed.
fn allowed(kind: Kind, node: &Node) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::BoolOrAuto => "true, false or auto".to_owned(),
        Kind::Seconds => "a number of seconds above 0, at most 31536000 (a year)".to_owned(),
        Kind::OptionalSeconds => "a number of seconds above 0, at most 31536000 (a year), or null".to_owned(),
        Kind::Count(low, high) => format!("a whole number from {low} to {high}"),
        Kind::CountOrAuto(low, high) => format!("a whole number from {low} to {high}, or auto"),
        Kind::OptionalCount(low, high) => format!("a whole number from {low} to {high}, or null"),
        Kind::Factor => "a number from 0 to 3600".to_owned(),
        Kind::Choice(words) => {
            let meant = node.scalar_text().and_then(|w| nearest(&w, words.iter().copied()));
            match meant {
                Some(w) if words.len() > 1 => format!("one of {} (did you mean \"{w}\"?)", words.join(", ")),
                _ => format!("\"{}\"", words.join("\" or \"")),
            }
        }
        Kind::Text => "a text".to_owned(),
        Kind::OptionalText => "a text, or null".to_owned(),
        Kind::Path => "the path of a file".to_owned(),
        Kind::OptionalPath => "the path of a file, or null".to_owned(),
        Kind::Paths => "a list of files".to_owned(),
        Kind::Statuses => "a list of HTTP statuses, each from 100 to 599".to_owned(),
        Kind::Workers => "a list of workers, each with host and max_concurrent".to_owned(),
        Kind::Revision => format!("{} or auto", Revision::ALL.map(Revision::date).join(", ")),
        Kind::OptionalAddress => format!("{LISTEN_FORM}, or null"),
        Kind::Words | Kind::FailOn => "a list of texts".to_owned(),
        Kind::Grades => "a section of rules, each with its severity".to_owned(),
        Kind::Rules | Kind::Clauses => "a list of sections".to_owned(),
        Kind::Never => "null: hawkeye never runs code between fork and exec".to_owned(),
    }
}

/// `x` as a time, if it is above 0 and no longer than a year.
pub(crate) fn duration(x: f64) -> Option<Duration> {
    let d = Duration::try_from_secs_f64(x).ok()?;
    // A span so short that it rounds to nothing is as bad as 0.
    (x <= LONGEST && !d.is_zero()).then_some(d)
}

fn unset(node: &Node) -> Option<Value> {
    (node.value == Tree::Null).then_some(Value::Unset)
}

fn auto(node: &Node) -> Option<Value> {
    matches!(&node.value, Tree::Text(s) if s == "auto").then_some(Value::Unset)
}

fn boolean(node: &Node) -> Option<Value> {
    match node.value {
        Tree::Bool(b) => Some(Value::Bool(b)),
        _ => None,
    }
}

fn number(node: &Node) -> Option<f64> {
    match node.value {
        Tree::Int(i) => Some(i as f64),
        Tree::Float(x) => Some(x),
        _ => None,
    }
}

fn seconds(node: &Node) -> Option<Value> {
    number(node).and_then(duration).map(Value::Seconds)
}

fn count(node: &Node, low: u64, high: u64) -> Option<Value> {
    let Tree::Int(i) = node.value else { return None };
    u64::try_from(i).ok().filter(|n| (low..=high).contains(n)).map(Value::Count)
}

fn word(node: &Node, words: &'static [&'static str]) -> Option<Value> {
    let Tree::Text(text) = &node.value else { return None };
    words.iter().find(|w| *w == text).map(|w| Value::Word(w))
}

fn text(node: &Node) -> Option<Value> {
    match &node.value {
        Tree::Text(text) if !text.is_empty() => Some(Value::Text(text.clone())),
        _ => None,
    }
}

fn address(node: &Node) -> Option<Value> {
    node.scalar_text().and_then(|text| listen_address(&text)).map(Value::Address)
}

fn revision(node: &Node) -> Option<Value> {
    let Tree::Text(text) = &node.value else { return None };
    text.parse().ok().map(Value::Revision)
}

fn path(node: &Node, base: Base<'_>) -> Option<PathBuf> {
    let Tree::Text(text) = &node.value else { return None };
    if text.is_empty() || text.contains('\0') {
        return None;
    }
    match (text.strip_prefix("~/"), base.home) {
        (Some(rest), Some(home)) => Some(home.join(rest)),
        // Nobody's home: left as it is, for whoever opens it to say so.
        (Some(_), None) => Some(PathBuf::from(text)),
        _ => Some(base.directory.join(text)),
    }
}

fn paths(node: &Node, base: Base<'_>) -> Option<Value> {
    let items = match &node.value {
        Tree::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    items.iter().map(|n| path(n, base)).collect::<Option<_>>().map(Value::Paths)
}

fn statuses(node: &Node) -> Option<Value> {
    let Tree::List(items) = &node.value else { return None };
    let status = |n: &Node| match n.value {
        Tree::Int(i) => u16::try_from(i).ok().filter(|s| (100..600).contains(s)),
        _ => None,
    };
    items.iter().map(status).collect::<Option<_>>().map(Value::Statuses)
}

fn fail_on(node: &Node) -> Result<Value, Misfit> {
    let refuse = |why: String| Misfit { at: node.at, message: why };
    let value = judging::words(node).ok_or_else(|| refuse(format!("{node} must be a list of texts")))?;
    FailOn::of(value.words().iter().map(String::as_str)).map_err(refuse)?;
    Ok(value)
}

fn workers(node: &Node) -> Result<Value, Misfit> {
    let misfit = |n: &Node, message: String| Misfit { at: n.at, message };
    let Tree::List(items) = &node.value else {
        return Err(misfit(node, format!("{node} must be {}", allowed(Kind::Workers, node))));
    };
    items.iter().map(worker).collect::<Result<_, _>>().map(Value::Workers)
}

fn worker(node: &Node) -> Result<Listed, Misfit> {
    let misfit = |at: Position, message: String| Misfit { at, message };
    for (key, _) in node.map().unwrap_or_default() {
        if !["host", "max_concurrent"].contains(&key.name.as_str()) {
            let meant = super::did_you_mean(&key.name, ["host", "max_concurrent"]);
            return Err(misfit(key.at, format!("unknown key \"{}\"{meant}", quote(&key.name, 60))));
        }
    }
    if let Some((key, first)) = node.repeated() {
        return Err(misfit(key.at, format!("\"{}\" stands in line {} already", key.name, first.line)));
    }
    let Some(Tree::Text(host)) = node.at_key("host").map(|n| &n.value) else {
        return Err(misfit(node.at, "a worker needs a host".to_owned()));
    };
    let most = node.at_key("max_concurrent").map(|n| count(n, 1, 4096));
    match most {
        Some(None) => Err(misfit(node.at, "max_concurrent must be a whole number from 1 to 4096".to_owned())),
        _ if host.is_empty() => Err(misfit(node.at, "a worker needs a host".to_owned())),
        most => Ok(Listed { host: host.clone(), max_concurrent: most.flatten().map(|n| n.size()) }),
    }
}

/// The default of `key` as if a file said it.
pub(crate) fn default_node(key: &super::keys::Key) -> Node {
    match key.kind {
        // The table writes lists as YAML does.
        Kind::Statuses | Kind::Paths | Kind::Words | Kind::FailOn => {
            from_text(key.kind, key.default.trim_matches(['[', ']']))
        }
        Kind::Grades => Node { at: Position::START, value: Tree::Map(Vec::new()) },
        Kind::Workers | Kind::Rules | Kind::Clauses => {
            Node { at: Position::START, value: Tree::List(Vec::new()) }
        }
        _ => from_text(key.kind, key.default),
    }
}
