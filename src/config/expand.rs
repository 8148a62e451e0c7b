//! `${VAR}` in values of target files.

use std::collections::BTreeMap;

use crate::base::text::quote;

/// A value with its references replaced.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Expanded {
    pub(crate) text: String,
    /// Variables that were used, with their values.
    pub(crate) used: Vec<(String, String)>,
}

/// A reference that leads nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It may lead somewhere elsewhere.
    Unresolved {
        /// What stood between the braces.
        reference: String,
        /// What to do.
        remedy: String,
    },
    /// It leads nowhere anywhere; the text from its `${` on.
    Malformed(String),
}

/// Replaces `${VAR}`, `${VAR:-default}` and `${env:VAR}`, once: what comes out is not looked at again.
/// Any other `${` is an error: passed through, `${A:-${B}}` would reach a server as a password that nobody
/// set. A `$` before anything else is a `$`.
pub(crate) fn expand(text: &str, vars: &BTreeMap<String, String>) -> Result<Expanded, Flaw> {
    let mut out = Expanded::default();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("${") {
        out.text.push_str(before);
        let (inner, after) = tail.split_once('}').ok_or_else(|| unclosed(tail))?;
        match reference(inner) {
            None => return Err(Flaw::Malformed(quote(&format!("${{{inner}}}"), 80))),
            Some(Reference::Foreign(remedy)) => {
                return Err(Flaw::Unresolved { reference: quote(inner, 80), remedy: remedy.to_owned() });
            }
            Some(Reference::Variable { name, default }) => {
                match (vars.get(name), default) {
                    // As in a shell, `:-` also stands in for an empty value.
                    (Some(value), None) => out.use_variable(name, value),
                    (Some(value), Some(_)) if !value.is_empty() => out.use_variable(name, value),
                    (_, Some(default)) => out.text.push_str(default),
                    (None, None) => {
                        let remedy = format!("set it, or write ${{{name}:-default}}");
                        return Err(Flaw::Unresolved { reference: quote(name, 80), remedy });
                    }
                }
            }
        }
        rest = after;
    }
    out.text.push_str(rest);
    Ok(out)
}

impl Expanded {
    fn use_variable(&mut self, name: &str, value: &str) {
        self.text.push_str(value);
        self.used.push((name.to_owned(), value.to_owned()));
    }
}

/// Only the name is quoted: without an end, the rest may be anything, a password too.
fn unclosed(tail: &str) -> Flaw {
    let end = tail.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(tail.len());
    Flaw::Malformed(quote(&format!("${{{}", &tail[..end]), 80))
}

enum Reference<'a> {
    Variable {
        name: &'a str,
        default: Option<&'a str>,
    },
    /// Something only an editor knows.
    Foreign(&'static str),
}

fn reference(inner: &str) -> Option<Reference<'_>> {
    const EDITOR: [&str; 8] = [
        "workspaceFolder",
        "workspaceFolderBasename",
        "workspaceRoot",
        "userHome",
        "file",
        "fileDirname",
        "cwd",
        "pathSeparator",
    ];
    const PREFIXES: [&str; 6] =
        ["input:", "command:", "config:", "workspaceFolder:", "extensionInstallFolder:", "secret:"];
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let name = name.strip_prefix("env:").unwrap_or(name);
    if PREFIXES.iter().any(|p| inner.starts_with(p)) {
        return Some(Reference::Foreign("only the editor can fill it in; write the value, or ${env:VAR}"));
    }
    if !is_name(name) || default.is_some_and(|d| d.contains("${")) {
        return None;
    }
    if EDITOR.contains(&name) && default.is_none() && !inner.starts_with("env:") {
        return Some(Reference::Foreign("only the editor knows it; write the path"));
    }
    Some(Reference::Variable { name, default })
}

fn is_name(s: &str) -> bool {
    s.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_once() {
        let environment = crate::config::test_environment(&[("A", "1"), ("E", ""), ("R", "${A}")]);
        let cases = [
            ("x", "x"),
            ("${A}", "1"),
            ("a${A}b${env:A}c", "a1b1c"),
            ("${E}|${E:-d}|${N:-d}|${N:-}|${A:-d}", "|d|d||1"),
            ("${env:N:-d}", "d"),
            ("${R}", "${A}"),
            ("$A $$ $ {A} $", "$A $$ $ {A} $"),
            ("$${A}", "$1"),
        ];
        for (text, expected) in cases {
            assert_eq!(expand(text, &environment.vars).unwrap().text, expected, "{text}");
        }
        assert_eq!(expand("${A}", &environment.vars).unwrap().used, [("A".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn what_leads_nowhere_is_named_with_a_remedy() {
        let vars = BTreeMap::from([("userHome".to_owned(), "x".to_owned())]);
        for (text, reference, remedy) in [
            ("a${TOKEN}", "TOKEN", "set it, or write ${TOKEN:-default}"),
            ("${env:TOKEN}", "TOKEN", "set it, or write ${TOKEN:-default}"),
            ("${input:key}", "input:key", "only the editor can fill it in; write the value, or ${env:VAR}"),
            ("${workspaceFolder}/x", "workspaceFolder", "only the editor knows it; write the path"),
            ("${userHome}", "userHome", "only the editor knows it; write the path"),
        ] {
            let (reference, remedy) = (reference.to_owned(), remedy.to_owned());
            assert_eq!(expand(text, &vars), Err(Flaw::Unresolved { reference, remedy }));
        }
        for (text, named) in [
            ("a${A:-${B}}", "${A:-${B}"),
            ("${", "${"),
            ("${}", "${}"),
            ("${NO PE}", "${NO PE}"),
            ("${N-x}", "${N-x}"),
            ("${x[@]}", "${x[@]}"),
            ("${A and-a-password", "${A"),
        ] {
            assert_eq!(expand(text, &vars), Err(Flaw::Malformed(named.to_owned())), "{text}");
        }
    }
}
