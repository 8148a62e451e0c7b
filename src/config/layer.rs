//! One layer of settings: a file, or the environment.

use std::collections::HashMap;
use std::path::Path;

use crate::base::text::{nearest, quote};

use super::keys::{self, KEYS, Key, ROOT, UNPREFIXED};
use super::node::{Node, Position, Tree};
use super::value::{self, Base, Value};
use super::{ConfigError, Environment, did_you_mean, profile};

/// A setting somebody made.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) key: &'static Key,
    pub(crate) value: Value,
    pub(crate) at: Position,
}

/// What a settings file says, and all that is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Layer<'a> {
    /// In the file's order.
    pub(crate) settings: Vec<Setting>,
    /// `mcpServers`, where the file has it.
    pub(crate) servers: Option<&'a Node>,
    pub(crate) errors: Vec<ConfigError>,
}

/// Top-level keys of a settings file that are no settings.
pub(crate) const SERVERS: &str = "mcpServers";

/// Whether a file with these top-level keys holds settings, not only servers.
pub(crate) fn is_settings(node: &Node) -> bool {
    let known = |name: &str| UNPREFIXED.contains(&name) || root_exists(name);
    node.map().is_some_and(|entries| entries.iter().any(|(k, _)| known(&k.name)))
}

fn root_exists(name: &str) -> bool {
    KEYS.iter().any(|k| k.path.split('.').next() == Some(name))
}

/// Reads the settings in `node`, the tree of `file`.
pub(crate) fn from_file<'a>(file: &str, node: &'a Node, home: Option<&Path>) -> Layer<'a> {
    let directory = Path::new(file).parent().unwrap_or(Path::new(""));
    let mut reader = Reader { file, base: Base { directory, home }, layer: Layer::default() };
    reader.section("", node);
    reader.layer
}

struct Reader<'f, 'a> {
    file: &'f str,
    base: Base<'f>,
    layer: Layer<'a>,
}

impl<'a> Reader<'_, 'a> {
    fn section(&mut self, prefix: &str, node: &'a Node) {
        let entries = match &node.value {
            Tree::Map(entries) => entries,
            // A section of which everything is commented out.
            Tree::Null => return,
            _ => {
                let name = if prefix.is_empty() { "the file" } else { prefix };
                return self.refuse(node.at, format!("{name}: {node} must be a section with keys"));
            }
        };
        let mut seen = HashMap::new();
        for (key, value) in entries {
            if let Some(first) = seen.insert(key.name.as_str(), key.at) {
                let name = quote(&key.name, 60);
                self.refuse(key.at, format!("\"{name}\" stands in line {} already", first.line));
            } else if prefix.is_empty() && key.name == SERVERS {
                self.layer.servers = Some(value);
            } else {
                self.entry(prefix, &key.name, key.at, value);
            }
        }
    }

    fn entry(&mut self, prefix: &str, name: &str, at: Position, node: &'a Node) {
        let path = match prefix {
            "" if UNPREFIXED.contains(&name) => format!("{ROOT}.{name}"),
            "" => name.to_owned(),
            _ => format!("{prefix}.{name}"),
        };
        if let Some(key) = keys::find(&path) {
            match value::read(key.kind, node, self.base) {
                Ok(value) => self.layer.settings.push(Setting { key, value, at }),
                Err(misfit) => self.refuse(misfit.at, format!("{path}: {}", misfit.message)),
            }
        } else if is_section(&path) {
            self.section(&path, node);
        } else {
            let hint = hint(prefix, name);
            self.refuse(at, format!("unknown key \"{}\"{hint}", quote(name, 60)));
        }
    }

    fn refuse(&mut self, at: Position, message: String) {
        self.layer.errors.push(ConfigError::at(self.file, at, message));
    }
}

fn is_section(path: &str) -> bool {
    KEYS.iter().any(|k| k.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// What an unknown key may have been meant to be: a neighbour, or the same name in another section.
fn hint(prefix: &str, name: &str) -> String {
    let neighbours = KEYS.iter().filter_map(|k| {
        let rest =
            if prefix.is_empty() { Some(k.path) } else { k.path.strip_prefix(prefix)?.strip_prefix('.') };
        rest?.split('.').next()
    });
    let extra = if prefix.is_empty() { &UNPREFIXED[..] } else { &[] };
    let near = did_you_mean(
        name,
        neighbours.chain(extra.iter().copied()).chain((prefix.is_empty()).then_some(SERVERS)),
    );
    if !near.is_empty() {
        return near;
    }
    match KEYS.iter().find(|k| k.name() == name).and_then(|k| k.path.rsplit_once('.')) {
        Some((section, _)) => format!(" here (it belongs in \"{section}\")"),
        None => String::new(),
    }
}

/// Variables that begin so are ours.
const PREFIX: &str = "HAWKEYE_";

/// What the environment says.
#[derive(Debug, Default)]
pub(crate) struct Environs {
    /// Settings, with the variables that made them.
    pub(crate) settings: Vec<(Setting, String)>,
    /// Variables that only look like ours, a line each.
    pub(crate) notes: Vec<String>,
}

/// Reads the settings in `HAWKEYE_*` variables.
pub(crate) fn from_environment(environment: &Environment) -> Result<Environs, ConfigError> {
    let mut environs = Environs::default();
    for (name, text) in &environment.vars {
        let Some(short) = name.strip_prefix(PREFIX) else { continue };
        if name == profile::VARIABLE {
            continue;
        }
        match KEYS.iter().find(|k| variable_names(k).iter().any(|n| n == name)) {
            Some(key) => environs.settings.push((variable(key, name, text, environment)?, name.clone())),
            None => environs.notes.push(unknown_variable(name, short)?),
        }
    }
    Ok(environs)
}

fn variable(
    key: &'static Key,
    name: &str,
    text: &str,
    environment: &Environment,
) -> Result<Setting, ConfigError> {
    let base = Base { directory: Path::new(""), home: environment.home.as_deref() };
    let value = value::read(key.kind, &value::from_text(key.kind, text), base)
        .map_err(|misfit| ConfigError::bare(format!("{name}: {}", misfit.message)))?;
    Ok(Setting { key, value, at: Position::START })
}

/// A slip is an error; anything else is a note, because scripts around us have variables, too.
fn unknown_variable(name: &str, short: &str) -> Result<String, ConfigError> {
    // Compared without the prefix, which all of them share.
    let profile = profile::VARIABLE.to_owned();
    let all: Vec<String> = KEYS.iter().flat_map(variable_names).chain([profile]).collect();
    let name = quote(name, 80);
    match nearest(short, all.iter().filter_map(|n| n.strip_prefix(PREFIX))) {
        Some(m) => Err(ConfigError::bare(format!("unknown variable {name} (did you mean {PREFIX}{m}?)"))),
        None => Ok(format!("{name} is no setting")),
    }
}

/// How a key is called in the environment; the shorter name first, where there are two.
pub(crate) fn variable_names(key: &Key) -> Vec<String> {
    let name = |path: &str| format!("{PREFIX}{}", path.replace('.', "__").to_uppercase());
    let short = key.path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('.'));
    short.into_iter().chain([key.path]).map(name).collect()
}
