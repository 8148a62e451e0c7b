//! Floor 3: from files, environment and command line to [`Settings`] and [`Target`](crate::model::target::Target)s.
//!
//! | file | what it does |
//! |---|---|
//! | `keys` | the table of all settings |
//! | `settings` | joins the layers: defaults, profile, files, environment, flags |
//! | `profile` | the sets of defaults that hawkeye brings along |
//! | `layer`, `overrides`, `value` | one layer; that of the command line; one value |
//! | `check` | `config check`, `config show`, the shipped file |
//! | `judging`, `section`, `approved` | rules, policy, suppressions; a section of a list; approved servers |
//! | `targets`, `entry`, `expand`, `words` | target files; one entry of them |
//! | `yaml`, `jsonc`, `node`, `file` | text to a tree that remembers places |
//!
//! Invariant: nothing here starts a process or opens a connection, and nothing prints.

mod approved;
mod check;
mod entry;
mod expand;
mod file;
mod jsonc;
mod judging;
pub(crate) mod keys;
mod layer;
mod node;
mod overrides;
mod profile;
#[cfg(test)]
mod profile_tests;
mod section;
mod settings;
#[cfg(test)]
mod target_tests;
mod targets;
#[cfg(test)]
mod tests;
mod value;
mod words;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::base::text::{nearest, visible};
use crate::sys::host::usable_memory;

pub(crate) use check::{check, check_text, commented_defaults, show_text};
pub(crate) use node::Position;
pub(crate) use overrides::Overrides;
pub(crate) use settings::{Origin, Settings, Shown, TargetsFrom, resolve};
pub(crate) use targets::{Entries, from_command_line, hold_stdio, merge, read};
pub(crate) use yaml::yaml_text;

/// Configuration that stops a run before anything is started. Exit code 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigError {
    /// The file, where one is to blame.
    pub file: Option<String>,
    /// The place in it.
    pub at: Option<Position>,
    /// One line: the thing, the cause, what to do.
    pub message: String,
}

impl ConfigError {
    fn at(file: &str, at: Position, message: impl Into<String>) -> ConfigError {
        ConfigError { file: Some(file.to_owned()), at: Some(at), message: message.into() }
    }

    fn about(file: &str, message: impl Into<String>) -> ConfigError {
        ConfigError { file: Some(file.to_owned()), at: None, message: message.into() }
    }

    fn bare(message: impl Into<String>) -> ConfigError {
        ConfigError { file: None, at: None, message: message.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            f.write_str(&visible(file))?;
            if let Some(Position { line, column }) = self.at {
                write!(f, ":{line}:{column}")?;
            }
            // `file:3:5: cause`, but `file is a directory`.
            let verb = self.message.starts_with("is ") || self.message.starts_with("cannot ");
            f.write_str(if verb && self.at.is_none() { " " } else { ": " })?;
        }
        f.write_str(&visible(&self.message))
    }
}

impl std::error::Error for ConfigError {}

/// What configuration needs to know of the process and the machine; plain data, so that tests can make it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Environment {
    /// Variables.
    pub vars: BTreeMap<String, String>,
    /// The home directory.
    pub home: Option<PathBuf>,
    /// Processors.
    pub cpus: usize,
    /// Bytes of memory that can be had; nothing where that is unknown.
    pub memory: Option<u64>,
    /// Where the machine's `hawkeye.yaml` is.
    pub etc_dir: PathBuf,
}

impl Environment {
    /// Of this process. Variables that are not UTF-8 are left out, unless they are ours.
    pub(crate) fn of_process() -> Result<Environment, ConfigError> {
        let mut vars = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            match value.into_string() {
                Ok(value) => drop(vars.insert(name, value)),
                Err(_) if name.starts_with("HAWKEYE_") => {
                    return Err(ConfigError::bare(format!("{name}: the value is not UTF-8")));
                }
                Err(_) => {}
            }
        }
        Ok(Environment {
            vars,
            home: std::env::var_os("HOME").filter(|h| !h.is_empty()).map(PathBuf::from),
            // This honours control groups and affinity already.
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            memory: usable_memory("/".as_ref()),
            etc_dir: PathBuf::from("/etc/hawkeye"),
        })
    }
}

/// ` (did you mean "…"?)`, if anything is near.
fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map(|m| format!(" (did you mean \"{m}\"?)")).unwrap_or_default()
}

/// A fresh directory for a test.
#[cfg(test)]
fn test_dir(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("hawkeye-config-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// An environment without files, with these variables.
#[cfg(test)]
fn test_environment(vars: &[(&str, &str)]) -> Environment {
    Environment {
        vars: vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        home: None,
        cpus: 4,
        memory: None,
        etc_dir: PathBuf::from("/nonexistent"),
    }
}
