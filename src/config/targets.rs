//! Target files: which servers there are, whoever wrote the list down.
//!
//! The format is told from the content: JSON begins with a bracket, a list of URLs with a URL, and anything
//! else is YAML. Where the servers are in the tree is told by [`PLACES`]; another client's format is another
//! row there, or, where its entries look different, another function beside [`collection`].

use std::collections::hash_map::Entry as Place;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::path::Path;

use crate::base::text::{nearest, quote};
use crate::model::outcome::Owner;
use crate::model::outcome::{Failure, FailureKind, Phase};
use crate::model::secret::Secret;
use crate::model::target::{Endpoint, Hold, Target};

use super::node::{Node, Position, Tree};
use super::{ConfigError, Environment, entry, file, jsonc, yaml};

/// What a target file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Entries {
    /// The file as it was given; `standard input` is spelled so.
    pub file: String,
    /// Line of the list itself.
    pub line: u32,
    /// Servers to scan, broken entries among them.
    pub targets: Vec<Target>,
    /// Where each of `targets` stands in the file.
    pub places: Vec<Position>,
    /// Servers that are switched off.
    pub disabled: Vec<Owner>,
    /// What is probably a mistake.
    pub warnings: Vec<Remark>,
    /// What has no effect here and is no mistake; for `-v`.
    pub notes: Vec<Remark>,
}

/// One line about an entry or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    /// The entry; without a name where it is about the whole file.
    pub owner: Owner,
    /// The exact place, where it is one key.
    pub at: Option<Position>,
    /// What there is to say.
    pub message: String,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Owner { file, line, name } = &self.owner;
        f.write_str(&crate::base::text::visible(file))?;
        match (self.at, line) {
            (Some(Position { line, column }), _) => write!(f, ":{line}:{column}")?,
            (None, Some(line)) => write!(f, ":{line}")?,
            (None, None) => {}
        }
        if !name.is_empty() {
            write!(f, ": {}", quote(name, 80))?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Reads the target file at `path`, or `input` where that is `-`.
pub(crate) fn read(
    path: &Path,
    input: &mut dyn Read,
    environment: &Environment,
) -> Result<Entries, ConfigError> {
    if path == Path::new("-") {
        let name = "standard input";
        return parse(name, &file::read_stream(name, input)?, environment);
    }
    parse(&path.display().to_string(), &file::read(path)?, environment)
}

/// Reads the target file `text`.
pub(super) fn parse(name: &str, text: &str, environment: &Environment) -> Result<Entries, ConfigError> {
    let mut entries = match Format::of(text) {
        Format::Empty => return Err(ConfigError::about(name, "is empty: no servers to scan")),
        Format::Urls => url_list(name, text, environment),
        format => from_tree(name, &format.tree(name, text)?, environment)?,
    };
    if entries.targets.is_empty() && entries.disabled.is_empty() {
        let owner = Owner { file: name.to_owned(), line: Some(entries.line), name: String::new() };
        entries.warnings.push(Remark { owner, at: None, message: "no servers in it".to_owned() });
    }
    Ok(entries)
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Empty,
    Urls,
    Json,
    Yaml,
}

impl Format {
    pub(super) fn of(text: &str) -> Format {
        let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
        // JSON has comments in editors only, and none of them begins with `#`.
        let hash = lines.clone().next().is_some_and(|l| l.starts_with('#'));
        match lines.find(|l| !l.starts_with('#')) {
            None => Format::Empty,
            Some(l) if is_http(l) => Format::Urls,
            Some(l) if !hash && ["{", "[", "//", "/*"].iter().any(|start| l.starts_with(start)) => {
                Format::Json
            }
            Some(_) => Format::Yaml,
        }
    }

    pub(super) fn tree(self, name: &str, text: &str) -> Result<Node, ConfigError> {
        match self {
            Format::Json => jsonc::parse(name, text),
            Format::Empty | Format::Urls | Format::Yaml => yaml::parse(name, text),
        }
    }
}

fn is_http(text: &str) -> bool {
    let starts = |scheme: &str| text.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme));
    starts("http://") || starts("https://")
}

/// Where lists of servers stand in the files of clients.
const PLACES: [&[&str]; 4] = [&["mcpServers"], &["servers"], &["mcp", "servers"], &["mcp", "mcpServers"]];

/// Keys beside them that are no servers and no mistake.
const BESIDE: [&str; 6] = ["inputs", "$schema", "mcp", "version", "name", "description"];

fn from_tree(name: &str, node: &Node, environment: &Environment) -> Result<Entries, ConfigError> {
    if matches!(node.value, Tree::List(_)) {
        return from_node(name, node, environment);
    }
    let Some(keys) = node.map() else {
        return Err(ConfigError::at(name, node.at, format!("holds {}, not a list of servers", node.kind())));
    };
    refuse_repeated(name, node)?;
    let at_place = |place: &&[&str]| place.iter().try_fold(node, |n, key| n.at_key(key));
    let mut all: Option<Entries> = None;
    for found in PLACES.iter().filter_map(at_place) {
        let more = from_node(name, found, environment)?;
        match &mut all {
            None => all = Some(more),
            Some(all) => all.append(more),
        }
    }
    let mut all = all.ok_or_else(|| {
        let wanted = ["mcpServers", "servers"];
        let near = keys.iter().find_map(|(k, _)| nearest(&k.name, wanted).map(|meant| (k, meant)));
        match near {
            Some((k, meant)) => {
                let message = format!("unknown key \"{}\" (did you mean \"{meant}\"?)", quote(&k.name, 60));
                ConfigError::at(name, k.at, message)
            }
            None => {
                ConfigError::about(name, "holds no servers: expected \"mcpServers\", \"servers\" or a list")
            }
        }
    })?;
    for (key, _) in keys {
        let known = key.name == "mcpServers" || key.name == "servers" || BESIDE.contains(&key.name.as_str());
        if !known && !is_comment(&key.name) {
            let owner = Owner { file: name.to_owned(), line: Some(key.at.line), name: String::new() };
            let message = format!("\"{}\" has no effect here", quote(&key.name, 60));
            all.notes.push(Remark { owner, at: Some(key.at), message });
        }
    }
    Ok(all)
}

/// Reads the servers in `node`: names with entries, or a list of entries that say their name.
pub(super) fn from_node(file: &str, node: &Node, environment: &Environment) -> Result<Entries, ConfigError> {
    let mut entries = Entries { file: file.to_owned(), line: node.at.line, ..Entries::default() };
    refuse_repeated(file, node)?;
    let mut names = HashMap::new();
    for (at, name, node) in collection(file, node)? {
        if let Some(first) = names.insert(name.clone(), at.line) {
            let message = format!("server \"{}\" stands in line {first} already", quote(&name, 60));
            return Err(ConfigError::at(file, at, message));
        }
        let owner = Owner { file: file.to_owned(), line: Some(at.line), name };
        entries.add(owner, at, node, &environment.vars);
    }
    Ok(entries)
}

/// The servers in `node`, each with its place and name.
fn collection<'a>(file: &str, node: &'a Node) -> Result<Vec<(Position, String, &'a Node)>, ConfigError> {
    match &node.value {
        Tree::Map(entries) => {
            // A comment says something; what holds an entry is a server, whatever its name.
            let servers = entries.iter().filter(|(k, v)| !is_comment(&k.name) || v.map().is_some());
            Ok(servers.map(|(k, v)| (k.at, k.name.clone(), v)).collect())
        }
        Tree::List(items) => Ok(items.iter().enumerate().map(|(i, n)| listed(i, n)).collect()),
        // Everything commented out.
        Tree::Null => Ok(Vec::new()),
        _ => Err(ConfigError::at(file, node.at, format!("{node} must be a list of servers"))),
    }
}

/// How people write comments in JSON.
fn is_comment(key: &str) -> bool {
    key.starts_with('_') || key.starts_with("//")
}

fn listed(index: usize, node: &Node) -> (Position, String, &Node) {
    // An item's first key is its first line.
    let at = node.map().and_then(|m| m.first()).map_or(node.at, |(k, _)| k.at);
    let name = node.at_key("name").and_then(Node::scalar_text).filter(|n| !n.is_empty());
    (at, name.unwrap_or_else(|| format!("#{}", index + 1)), node)
}

fn refuse_repeated(file: &str, node: &Node) -> Result<(), ConfigError> {
    match node.repeated() {
        None => Ok(()),
        Some((key, first)) => {
            let message = format!("\"{}\" stands in line {} already", quote(&key.name, 60), first.line);
            Err(ConfigError::at(file, key.at, message))
        }
    }
}

impl Entries {
    fn add(&mut self, owner: Owner, at: Position, node: &Node, vars: &BTreeMap<String, String>) {
        // A URL alone in a list of servers says all there is to say.
        if let Tree::Text(url) = &node.value
            && is_http(url)
        {
            return self.push(from_url(owner, url, vars), at);
        }
        let entry = entry::read(owner.clone(), node, vars);
        let remark = |(at, message)| Remark { owner: owner.clone(), at: Some(at), message };
        self.warnings.extend(entry.warnings.into_iter().map(remark));
        self.notes.extend(entry.notes.into_iter().map(remark));
        match entry.target {
            Some(target) => self.push(target, at),
            None => self.disabled.push(owner),
        }
    }

    fn push(&mut self, target: Target, at: Position) {
        self.targets.push(target);
        self.places.push(at);
    }

    fn append(&mut self, more: Entries) {
        self.targets.extend(more.targets);
        self.places.extend(more.places);
        self.disabled.extend(more.disabled);
        self.warnings.extend(more.warnings);
        self.notes.extend(more.notes);
    }
}

/// One URL a line.
fn url_list(file: &str, text: &str, environment: &Environment) -> Entries {
    let mut entries = Entries { file: file.to_owned(), line: 1, ..Entries::default() };
    for (i, given) in text.lines().enumerate() {
        // A `#` inside of a URL begins its fragment; a comment has space before it.
        let line = given.split(" #").next().unwrap_or(given).trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at = Position::new(i + 1, given.len() - given.trim_start().len() + 1);
        let owner = Owner { file: file.to_owned(), line: Some(at.line), name: String::new() };
        entries.push(from_url(owner, line, &environment.vars), at);
    }
    entries
}

/// The target at a bare `url`, which goes through the same checks as an entry's; without a name it is
/// called by its host.
fn from_url(owner: Owner, url: &str, vars: &BTreeMap<String, String>) -> Target {
    let text = Node { at: Position::START, value: Tree::Text(url.to_owned()) };
    let key = super::node::Key { at: Position::START, name: "url".to_owned() };
    let node = Node { at: Position::START, value: Tree::Map(vec![(key, text)]) };
    let name =
        if owner.name.is_empty() || owner.name.starts_with('#') { host(url) } else { owner.name.clone() };
    let owner = Owner { name, ..owner };
    match entry::read(owner.clone(), &node, vars).target {
        Some(target) => target,
        // Not reached: nothing in this entry disables it.
        None => Target { owners: vec![owner.clone()], ..Target::unknown(owner.name) },
    }
}

/// Host and port of `url`, or the beginning of what is no URL.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    quote(authority.rsplit_once('@').map_or(authority, |(_, host)| host), 80)
}

/// Targets of the command line: each of `urls`, and `command` if it is not empty. Nothing is expanded or
/// split there: the shell has done so.
pub(crate) fn from_command_line(urls: &[String], command: &[String]) -> Vec<Target> {
    let owned = |target: Target| {
        let owner = Owner { file: "command line".to_owned(), line: None, name: target.name.clone() };
        Target { owners: vec![owner], ..target }
    };
    let process = command.split_first().map(|(program, args)| {
        let name = Path::new(program).file_name();
        let name = name.map_or(program.clone(), |n| n.to_string_lossy().into_owned());
        Target::command(name, program, args)
    });
    urls.iter().map(|url| Target::url(host(url), url)).chain(process).map(owned).collect()
}

/// What makes two targets the same server: neither names nor the hint for the transport.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    Stdio(String, Vec<String>, Vec<(String, Secret)>, Option<std::path::PathBuf>),
    Remote(String, Vec<(String, Secret)>),
}

fn identity(endpoint: &Endpoint) -> Option<Identity> {
    match endpoint {
        Endpoint::Stdio(c) => {
            let mut env = c.env.clone();
            env.sort_by(|(a, _), (b, _)| a.cmp(b));
            Some(Identity::Stdio(c.program.clone(), c.args.clone(), env, c.cwd.clone()))
        }
        Endpoint::Remote(r) => {
            let mut headers: Vec<_> =
                r.headers.iter().map(|(n, v)| (n.to_ascii_lowercase(), v.clone())).collect();
            headers.sort_by(|a, b| (&a.0, a.1.reveal()).cmp(&(&b.0, b.1.reveal())));
            Some(Identity::Remote(plain_case(&r.url), headers))
        }
        Endpoint::Unknown => None,
    }
}

/// `url` with its scheme and host in lower case, the parts where case means nothing.
fn plain_case(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    let (user, host, path) = (&rest[..host], &rest[host..end], &rest[end..]);
    format!("{}://{user}{}{path}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
}

/// Joins targets that are the same server under several names: one target, all its owners, the first one's
/// name, all their tags, the longest of their timeouts. One without its own has the default, which is not known here.
pub(crate) fn merge(targets: Vec<Target>) -> Vec<Target> {
    let mut places = HashMap::new();
    let mut merged: Vec<Target> = Vec::with_capacity(targets.len());
    for target in targets {
        let Some(identity) = identity(&target.endpoint) else {
            merged.push(target);
            continue;
        };
        match places.entry((identity, target.pin)) {
            Place::Vacant(free) => {
                free.insert(merged.len());
                merged.push(target);
            }
            Place::Occupied(place) => {
                let first = &mut merged[*place.get()];
                first.owners.extend(target.owners);
                first.timeout = first.timeout.zip(target.timeout).map(|(a, b)| a.max(b));
                first.expanded.extend(target.expanded);
                first.tags.extend(target.tags);
            }
        }
    }
    for target in &mut merged {
        // The same place given twice (a file named twice) is still one owner.
        let mut seen = HashSet::new();
        target.owners.retain(|o| seen.insert(o.clone()));
        let mut seen = HashSet::new();
        target.tags.retain(|tag| seen.insert(tag.clone()));
    }
    merged
}

/// Keeps every process from being started, for `--no-stdio`.
pub(crate) fn hold_stdio(targets: &mut [Target]) {
    for target in targets.iter_mut().filter(|t| t.hold.is_none()) {
        if matches!(target.endpoint, Endpoint::Stdio(_)) {
            let message = "stdio server not run: --no-stdio".to_owned();
            let failure = Failure { kind: FailureKind::Config, phase: Phase::Config, message };
            target.hold = Some(Hold::Excluded(failure));
        }
    }
}
