//! The list of approved servers: a YAML file of its own, meant for review.
//!
//! ```yaml
//! approved_servers:
//!   - files                                  # by its name in the targets file
//!   - url: https://mcp.acme.example/*        # by its URL
//!   - name: git                              # all that is given must fit
//!     command: uvx mcp-server-git==*
//! ```
//!
//! Patterns are those of rules and policies: `*` stands for anything, `?` for one character, case does not matter.

use std::path::Path;

use crate::analysis::options::{Approved, ApprovedServer};
use crate::base::glob::Glob;
use crate::base::text::quote;

use super::node::{Node, Position, Tree};
use super::{ConfigError, did_you_mean, file, yaml};

const LIST: &str = "approved_servers";
/// Servers, and characters of a pattern: what is compared with each server.
const MOST: usize = 10_000;
const LONGEST: usize = 1_000;

/// The list in the file at `path`.
pub(super) fn read(path: &Path) -> Result<Approved, ConfigError> {
    let name = path.display().to_string();
    parse(&name, &file::read(path)?)
}

fn parse(file: &str, text: &str) -> Result<Approved, ConfigError> {
    let node = yaml::parse(file, text)?;
    let refuse = |at: Position, what: String| Err(ConfigError::at(file, at, what));
    let entries = match node.map() {
        Some([(key, list)]) if key.name == LIST => &list.value,
        Some([(key, _), ..]) if key.name != LIST => {
            let hint = did_you_mean(&key.name, [LIST]);
            return refuse(key.at, format!("unknown key \"{}\"{hint}", quote(&key.name, 60)));
        }
        Some([_, (key, _), ..]) => return refuse(key.at, format!("nothing but one {LIST} belongs here")),
        _ => return refuse(node.at, format!("expected \"{LIST}:\" and a list")),
    };
    let Tree::List(entries) = entries else {
        return refuse(node.at, format!("{LIST} must be a list (an empty one is [])"));
    };
    if entries.len() > MOST {
        return refuse(node.at, format!("{LIST} has more than {MOST} entries"));
    }
    let servers = entries.iter().map(|entry| server(file, entry)).collect::<Result<_, _>>()?;
    Ok(Approved { file: file.to_owned(), servers })
}

fn server(file: &str, entry: &Node) -> Result<ApprovedServer, ConfigError> {
    let mut server = ApprovedServer::default();
    let Some(fields) = entry.map() else {
        server.name = Some(pattern(file, entry)?);
        return Ok(server);
    };
    if fields.is_empty() {
        return Err(ConfigError::at(file, entry.at, "an entry needs a name, a url or a command"));
    }
    for (key, value) in fields {
        let field = match key.name.as_str() {
            "name" => &mut server.name,
            "url" => &mut server.url,
            "command" => &mut server.command,
            other => {
                let hint = did_you_mean(other, ["name", "url", "command"]);
                return Err(ConfigError::at(
                    file,
                    key.at,
                    format!("unknown key \"{}\"{hint}", quote(other, 60)),
                ));
            }
        };
        if field.is_some() {
            return Err(ConfigError::at(file, key.at, format!("\"{}\" is given twice", key.name)));
        }
        *field = Some(pattern(file, value)?);
    }
    Ok(server)
}

fn pattern(file: &str, node: &Node) -> Result<Glob, ConfigError> {
    match node.scalar_text() {
        Some(text) if text.is_empty() => Err(ConfigError::at(file, node.at, "an empty pattern fits nothing")),
        Some(text) if text.len() > LONGEST => {
            Err(ConfigError::at(file, node.at, format!("a pattern has at most {LONGEST} characters")))
        }
        Some(text) => Ok(Glob::new(&text)),
        None => Err(ConfigError::at(file, node.at, format!("expected a pattern, found {}", node.kind()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_names_or_what_must_fit() {
        let text =
            "approved_servers:\n- files\n- {url: 'https://a.example/*'}\n- name: git\n  command: uvx git*\n";
        let list = parse("f", text).unwrap();
        let of = |name: &str, url: &str, command: &str| {
            let some = |s: &str| (!s.is_empty()).then(|| Glob::new(s));
            ApprovedServer { name: some(name), url: some(url), command: some(command) }
        };
        assert_eq!(
            list.servers,
            [of("files", "", ""), of("", "https://a.example/*", ""), of("git", "", "uvx git*")]
        );
        assert_eq!(parse("f", "approved_servers: []").unwrap().servers, []);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, expected) in [
            ("", "f:1:1: expected \"approved_servers:\" and a list"),
            (
                "aproved_servers: []",
                "f:1:1: unknown key \"aproved_servers\" (did you mean \"approved_servers\"?)",
            ),
            ("approved_servers: x", "must be a list"),
            ("approved_servers: []\nmore: 1", "f:2:1: nothing but one approved_servers"),
            ("approved_servers:\n- nam: x", "f:2:3: unknown key \"nam\" (did you mean \"name\"?)"),
            ("approved_servers:\n- {}", "needs a name"),
            ("approved_servers:\n- {name: x, name: y}", "given twice"),
            ("approved_servers:\n- ''", "empty pattern"),
            ("approved_servers:\n- {url: [x]}", "expected a pattern, found a list"),
        ] {
            let told = parse("f", text).unwrap_err().to_string();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
