//! `config check`, `config show`, and the file that is shipped.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use crate::base::text::{plural, quote};
use crate::model::outcome::FailureKind;
use crate::model::target::Hold;

use super::approved;
use super::judging;
#[cfg(test)]
use super::keys::Key;
use super::keys::{KEYS, SECTIONS};
use super::layer::Setting;
use super::node::{Node, Tree};
use super::settings::{Draft, Resolved, Shown};
use super::targets::{self, Entries, Format};
use super::value::Value;
#[cfg(test)]
use super::value::{self, Base};
use super::{ConfigError, Environment, file, layer};

/// What `config check` found in a file without mistakes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checked {
    /// The file.
    pub file: String,
    /// What it holds.
    pub subject: Subject,
    /// What is probably a mistake, a line each.
    pub warnings: Vec<String>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Subject {
    /// Settings.
    Settings {
        /// How many.
        count: usize,
        /// Those that do nothing yet.
        /// `mcpServers` among them.
        servers: Option<Entries>,
    },
    /// Servers.
    Targets(Entries),
    /// Own rules.
    Rules(usize),
    /// Suppressions.
    Suppressions(usize),
}

/// Checks a settings file or a target file; which one it is, its content says. Starts nothing. Returns every
/// mistake in the file, not only the first.
pub(crate) fn check(path: &Path, environment: &Environment) -> Result<Checked, Vec<ConfigError>> {
    let name = path.display().to_string();
    let text = file::read(path).map_err(|e| vec![e])?;
    let format = Format::of(&text);
    if format == Format::Urls {
        return check_targets(&name, &text, environment);
    }
    let node = format.tree(&name, &text).map_err(|e| vec![e])?;
    if let Some(subject) = judged_by(&name, &node)? {
        return Ok(Checked { file: name, subject, warnings: Vec::new() });
    }
    // What names neither a setting nor a server is taken for settings, unless it is a list.
    let servers = |key| node.at_key(key).is_some();
    let is_targets = node.map().is_none() && format != Format::Empty
        || ["mcpServers", "servers", "mcp"].into_iter().any(servers);
    if is_targets && !layer::is_settings(&node) {
        return check_targets(&name, &text, environment);
    }
    let layer = layer::from_file(&name, &node, environment.home.as_deref());
    let mut errors = layer.errors;
    errors.extend(judging_of(&name, &layer.settings));
    let servers = layer.servers.map(|n| targets::from_node(&name, n, environment)).transpose();
    let servers = servers.unwrap_or_else(|e| {
        errors.push(e);
        None
    });
    let mut warnings = servers.as_ref().map(|s| remarks(s, &mut errors)).unwrap_or_default();
    warnings.extend(blind_gate(&name, &layer.settings));
    if !errors.is_empty() {
        return Err(errors);
    }
    let subject = Subject::Settings { count: layer.settings.len(), servers };
    Ok(Checked { file: name, subject, warnings })
}

/// What a list holds that is neither settings nor servers: own rules, or suppressions.
fn judged_by(name: &str, node: &Node) -> Result<Option<Subject>, Vec<ConfigError>> {
    let Tree::List(items) = &node.value else { return Ok(None) };
    let have = |key| items.iter().any(|item| item.at_key(key).is_some());
    let counted = match () {
        () if have("fingerprint") => {
            judging::suppressions_in(name, node).map(|all| Subject::Suppressions(all.len()))
        }
        () if have("pattern") || have("patterns") => {
            judging::rules_in(name, node).map(|all| Subject::Rules(all.len()))
        }
        () => return Ok(None),
    };
    counted.map(Some).map_err(|e| vec![e])
}

/// Whether the rules that `settings` name are there, and every file they name that judges is without mistakes.
fn judging_of(name: &str, settings: &[Setting]) -> Vec<ConfigError> {
    let mut draft = Draft::new();
    let mut lines = HashMap::new();
    for setting in settings {
        lines.insert(setting.key.path, setting.at.line);
        if let Some(apply) = setting.key.apply {
            apply(&mut draft, &setting.value);
        }
    }
    let blame = |key, line: Option<u32>, why| {
        let line = line.or(lines.get(key).copied()).unwrap_or(1);
        ConfigError::bare(format!("{name}:{line}: {key}: {why}"))
    };
    let approved = draft.approved.as_deref().map(approved::read).and_then(Result::err);
    let judging = draft.judging.finish(blame, |_| name.to_owned()).err();
    approved.into_iter().chain(judging).collect()
}

/// That drift is to fail scans which compare with nothing of their own.
fn blind_gate(name: &str, settings: &[Setting]) -> Option<String> {
    let last = |path| settings.iter().rev().find(|setting| setting.key.path == path);
    let (gate, history) = (last(judging::FAIL_ON)?, last("history.enabled")?);
    let drift = matches!(&gate.value, Value::Words(words) if words.iter().any(|word| word == "drift"));
    (drift && history.value == Value::Bool(false)).then(|| {
        let line = gate.at.line;
        format!(
            "{name}:{line}: fail_on: drift needs --baseline FILE in every scan, as history.enabled is false"
        )
    })
}

fn check_targets(name: &str, text: &str, environment: &Environment) -> Result<Checked, Vec<ConfigError>> {
    let entries = targets::parse(name, text, environment).map_err(|e| vec![e])?;
    let mut errors = Vec::new();
    let warnings = remarks(&entries, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Checked { file: name.to_owned(), subject: Subject::Targets(entries), warnings })
}

/// Warnings about `entries`; broken ones become errors, except that a variable may be set elsewhere.
fn remarks(entries: &Entries, errors: &mut Vec<ConfigError>) -> Vec<String> {
    let mut warnings: Vec<String> = entries.warnings.iter().map(ToString::to_string).collect();
    for (target, at) in entries.targets.iter().zip(&entries.places) {
        let (Some(Hold::Broken(failure)), Some(owner)) = (&target.hold, target.owners.first()) else {
            continue;
        };
        let message = format!("{}: {}", quote(&target.name, 80), failure.message);
        if failure.kind == FailureKind::UnresolvedVariable {
            warnings.push(format!("{}:{}:{}: {message}", owner.file, at.line, at.column));
        } else {
            errors.push(ConfigError::at(&owner.file, *at, message));
        }
    }
    warnings
}

/// `config check`'s report on a file without mistakes.
pub(crate) fn check_text(checked: &Checked) -> String {
    let mut out = String::new();
    let servers = |e: &Entries| {
        let disabled = match e.disabled.len() {
            0 => String::new(),
            n => format!(" and {n} disabled"),
        };
        format!("{}{disabled}", plural(e.targets.len(), "server"))
    };
    let what = match &checked.subject {
        Subject::Settings { count, servers: None, .. } => plural(*count, "setting"),
        Subject::Settings { count, servers: Some(e), .. } => {
            format!("{}, {}", plural(*count, "setting"), servers(e))
        }
        Subject::Targets(e) => servers(e),
        Subject::Rules(n) => plural(*n, "rule"),
        Subject::Suppressions(n) => plural(*n, "suppression"),
    };
    let _ = writeln!(out, "{}: valid, {what}", quote(&checked.file, 400));
    for warning in &checked.warnings {
        let _ = writeln!(out, "warning: {warning}");
    }
    out
}

/// `config show`: every key with its value and who set it.
pub(crate) fn show_text(resolved: &Resolved) -> String {
    let width = |f: fn(&Shown) -> usize| resolved.shown.iter().map(f).max().unwrap_or(0);
    let paths = width(|s| s.path.len());
    let values = width(|s| s.value.chars().count()).min(40);
    let mut out = String::new();
    for s in &resolved.shown {
        let _ = writeln!(out, "{:paths$}  {:values$}  {}", s.path, s.value, s.origin);
    }
    for note in &resolved.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

/// The text of the shipped `config/hawkeye.yaml`: every key at its default, with what it means.
pub(crate) fn commented_defaults() -> String {
    let mut out = String::from(
        "# All settings of hawkeye at their defaults. In this order, the later ones win:\n\
         # these defaults; a profile, which is another set of defaults (--profile NAME or HAWKEYE_PROFILE:\n\
         # development, production, high_volume, high_performance, memory_optimized); /etc/hawkeye/hawkeye.yaml;\n\
         # ~/.hawkeye/hawkeye.yaml; --config FILE; HAWKEYE_* variables (HAWKEYE_TIMEOUT, HAWKEYE_LIMITS__PAGES);\n\
         # options. `hawkeye config show` tells who set what.\n\
         # Generated from src/config/keys.rs; a test holds this file equal to it.\n\
         \n\
         # Servers may be listed here as well, in the form of other MCP clients:\n\
         # mcpServers:\n\
         #   files:\n\
         #     command: npx\n\
         #     args: [-y, \"@modelcontextprotocol/server-filesystem\", /tmp]\n",
    );
    let mut open: Vec<&str> = Vec::new();
    for key in KEYS {
        let mut parts: Vec<&str> = key.path.split('.').collect();
        let name = parts.pop().unwrap_or_default();
        let common = open.iter().zip(&parts).take_while(|(a, b)| a == b).count();
        for depth in common..parts.len() {
            let path = parts[..=depth].join(".");
            let doc = SECTIONS.iter().find(|(s, _)| *s == path).map_or("", |(_, doc)| doc);
            let indent = "  ".repeat(depth);
            let _ = write!(out, "\n{indent}# {doc}\n{indent}{}:\n", parts[depth]);
        }
        let indent = "  ".repeat(parts.len());
        let gap = if parts.is_empty() { "\n" } else { "" };
        let _ = write!(out, "{gap}{indent}# {}\n{indent}{name}: {}\n", key.doc, key.default);
        open = parts;
    }
    out
}

/// For tests: the default of every key as a value.
#[cfg(test)]
pub(super) fn default_value(key: &Key) -> Value {
    value::read(key.kind, &value::default_node(key), Base { directory: Path::new(""), home: None }).unwrap()
}
