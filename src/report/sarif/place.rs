//! Where a finding is: the line of a file that names the server, and the part of the server itself.

use serde_json::{Value, json};

use super::inert;
use crate::base::text::quote;
use crate::model::outcome::{Outcome, Owner};
use crate::report::words::{NAME, subject};

/// What relative paths start from: where hawkeye was started, which is the repository's root in a workflow.
pub(super) const BASE: &str = "%SRCROOT%";
/// How owners are spelled that are no files.
const NO_FILE: [&str; 3] = ["command line", "standard input", "demo"];

/// The places in files that name the server of `outcome`; never none, because code scanning shows no result
/// that has no file.
pub(super) fn files(outcome: &Outcome) -> Vec<Value> {
    let named: Vec<Value> = outcome.owners.iter().filter_map(file).collect();
    if named.is_empty() { vec![no_file(&outcome.name)] } else { named }
}

/// Line `line` of `path`.
pub(super) fn line(path: &str, line: u32) -> Value {
    json!({"artifactLocation": artifact(path), "region": {"startLine": line.max(1)}})
}

fn file(owner: &Owner) -> Option<Value> {
    let is_file = owner.line.is_some() || !NO_FILE.contains(&owner.file.as_str());
    is_file.then(|| line(&owner.file, owner.line.unwrap_or(1)))
}

fn no_file(name: &str) -> Value {
    let uri = format!("hawkeye/{}", encoded(&quote(name, NAME)));
    let text = "No file names this server.";
    json!({"artifactLocation": {"uri": uri, "uriBaseId": BASE, "description": {"text": text}},
           "region": {"startLine": 1}})
}

fn artifact(path: &str) -> Value {
    if path.starts_with('/') {
        return json!({"uri": format!("file://{}", encoded(path))});
    }
    let mut path = path;
    while let Some(rest) = path.strip_prefix("./") {
        path = rest.trim_start_matches('/');
    }
    json!({"uri": encoded(path), "uriBaseId": BASE})
}

/// A path as part of a URI: what is not unreserved is percent-encoded.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte as char)
            }
            _ => {
                out.push('%');
                for digit in [byte >> 4, byte & 15] {
                    out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
            }
        }
    }
    out
}

/// The server of `outcome`, and the part of it that `pointer` leads to.
pub(super) fn logical(outcome: &Outcome, pointer: &str) -> Value {
    let mut places = vec![server(&outcome.name)];
    if !pointer.is_empty() {
        let (kind, name) = match subject(outcome, pointer) {
            Some(item) => (item.kind, item.name),
            None => ("member", pointer.rsplit('/').next().unwrap_or_default().to_owned()),
        };
        let kind = if kind == "tool" { "function" } else { kind };
        places.push(part(&outcome.name, pointer, kind, &name));
    }
    Value::Array(places)
}

/// The same for a place in a target of which only the name is at hand.
pub(super) fn logical_elsewhere(target: &str, pointer: &str) -> Value {
    match pointer {
        "" => json!([server(target)]),
        _ => json!([server(target), part(target, pointer, "member", pointer)]),
    }
}

fn server(name: &str) -> Value {
    let name = inert(name, NAME);
    json!({"name": name, "fullyQualifiedName": name, "kind": "module"})
}

fn part(target: &str, pointer: &str, kind: &str, name: &str) -> Value {
    let whole = format!("{}#{}", inert(target, NAME), inert(pointer, 400));
    json!({"name": inert(name, NAME), "fullyQualifiedName": whole, "kind": kind})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris_that_lead_back_to_them() {
        for (path, uri, based) in [
            ("servers.json", "servers.json", true),
            ("./.vscode//mcp.json", ".vscode//mcp.json", true),
            ("a b/c:d?#%.json", "a%20b/c%3Ad%3F%23%25.json", true),
            ("ü\n.json", "%C3%BC%0A.json", true),
            ("/srv/my servers.json", "file:///srv/my%20servers.json", false),
        ] {
            let place = line(path, 0);
            assert_eq!(place["artifactLocation"]["uri"], uri);
            assert_eq!(place["artifactLocation"]["uriBaseId"].is_string(), based, "{path}");
            assert_eq!(place["region"]["startLine"], 1);
        }
    }

    #[test]
    fn what_no_file_names_has_a_place_all_the_same() {
        let owner = |file: &str, line| Owner { file: file.into(), line, name: "x".into() };
        let mut outcome = crate::report::specimens::complete();
        outcome.owners = vec![owner("command line", None), owner("demo", None)];
        let only = files(&outcome);
        assert_eq!((only.len(), &only[0]["artifactLocation"]["uri"]), (1, &json!("hawkeye/files")));
        outcome.owners = vec![owner("demo", Some(7)), owner("b.yaml", None)];
        let lines: Vec<Value> = files(&outcome).iter().map(|f| f["region"]["startLine"].clone()).collect();
        assert_eq!(lines, [json!(7), json!(1)]);
    }
}
