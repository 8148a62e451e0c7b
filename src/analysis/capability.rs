//! What a tool can do, read from its name, its annotations and its description. Facts, not accusations: a
//! capability alone is never more than medium.

use crate::model::finding::{Confidence, Severity};

use super::hits::{Hit, Hits};
use super::item::{Item, Kind};
use super::tree::Tree;

const DELETE: [&str; 16] = [
    "delete",
    "remove",
    "drop",
    "destroy",
    "purge",
    "wipe",
    "erase",
    "truncate",
    "terminate",
    "kill",
    "uninstall",
    "revoke",
    "rm",
    "unlink",
    "del",
    "empty",
];
const WRITE: [&str; 18] = [
    "write",
    "overwrite",
    "update",
    "insert",
    "create",
    "edit",
    "replace",
    "upload",
    "send",
    "publish",
    "rename",
    "move",
    "execute",
    "append",
    "patch",
    "modify",
    "save",
    "put",
];
/// What others see or rely on as well: losing it is not one person's trouble.
const SHARED: [&str; 46] = [
    "repo",
    "repository",
    "branch",
    "bucket",
    "instance",
    "vm",
    "cluster",
    "pod",
    "deployment",
    "stack",
    "namespace",
    "database",
    "db",
    "table",
    "schema",
    "collection",
    "index",
    "account",
    "user",
    "users",
    "member",
    "team",
    "project",
    "workspace",
    "organization",
    "org",
    "channel",
    "server",
    "service",
    "domain",
    "dns",
    "zone",
    "queue",
    "topic",
    "volume",
    "disk",
    "snapshot",
    "backup",
    "environment",
    "pipeline",
    "release",
    "webhook",
    "secret",
    "key",
    "policy",
    "site",
];
const FILES: [&str; 12] = [
    "file",
    "files",
    "directory",
    "directories",
    "folder",
    "folders",
    "path",
    "disk",
    "document",
    "documents",
    "filesystem",
    "workbook",
];
const DATA: [&str; 20] = [
    "record",
    "records",
    "row",
    "rows",
    "table",
    "database",
    "db",
    "collection",
    "document",
    "documents",
    "cell",
    "cells",
    "sheet",
    "bucket",
    "object",
    "objects",
    "instance",
    "cluster",
    "item",
    "items",
];
const EXECUTE: [&str; 15] = [
    "execute",
    "exec",
    "shell",
    "eval",
    "evaluate",
    "bash",
    "terminal",
    "powershell",
    "subprocess",
    "command",
    "cmd",
    "repl",
    "interpreter",
    "run",
    "script",
];
/// A name that begins so is about something, whatever else is in it.
const LOOK: [&str; 24] = [
    "get",
    "list",
    "read",
    "search",
    "find",
    "check",
    "show",
    "describe",
    "fetch",
    "view",
    "count",
    "query",
    "preview",
    "validate",
    "is",
    "lookup",
    "explain",
    "browse",
    "inspect",
    "summarize",
    "analyze",
    "compare",
    "retrieve",
    "ask",
];

/// The words of `some_name`, `some-name` or `someName`, in lower case.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::with_capacity(4);
    let mut small = false;
    for c in name.chars().take(256) {
        if !c.is_alphanumeric() {
            small = false;
            words.push(String::new());
            continue;
        }
        if words.is_empty() || (c.is_uppercase() && small) {
            words.push(String::new());
        }
        small = c.is_lowercase() || c.is_ascii_digit();
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

pub(super) fn any<'w>(words: &'w [String], of: &[&str]) -> Option<&'w str> {
    words.iter().find(|w| of.contains(&w.as_str())).map(String::as_str)
}

pub(super) fn looks(words: &[String]) -> bool {
    // A prefix of the service comes first as often as not.
    any(&words[..words.len().min(2)], &LOOK).is_some()
}

pub(super) fn annotation(item: &Item<'_>, hint: &str) -> Option<bool> {
    let annotations = item.tree.member(Tree::ROOT, "annotations")?;
    item.tree.bool_of(annotations, hint)
}

/// The words of `text`, which is in lower case.
pub(super) fn spoken(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect()
}

/// Whether one of `verbs` (beginnings of words) stands in `text` with one of `objects` among the five words after.
pub(super) fn says(text: &str, verbs: &[&str], objects: &[&str]) -> bool {
    let words = spoken(text);
    let is_verb = |word: &str| verbs.iter().any(|verb| word.starts_with(verb));
    words
        .iter()
        .enumerate()
        .filter(|(_, word)| is_verb(word))
        .any(|(at, _)| words[at + 1..].iter().take(5).any(|word| objects.contains(word)))
}

/// HK-CAP-001: two of name, description and parameter say so.
pub(super) fn execute(item: &Item<'_>, hits: &mut Hits<'_>) {
    const PARAMETERS: [&str; 16] = [
        "command",
        "commands",
        "cmd",
        "code",
        "script",
        "shell_command",
        "bash_command",
        "python_code",
        "source_code",
        "command_line",
        "cmdline",
        "javascript",
        "js_code",
        "shell",
        "snippet",
        "program",
    ];
    const VERBS: [&str; 8] = ["execut", "run", "evaluat", "interpret", "spawn", "invoke", "start", "launch"];
    const OBJECTS: [&str; 16] = [
        "command",
        "commands",
        "code",
        "script",
        "scripts",
        "shell",
        "python",
        "javascript",
        "bash",
        "terminal",
        "snippet",
        "snippets",
        "powershell",
        "program",
        "cmd",
        "subprocess",
    ];
    /// Nouns that are run and are no code of the caller.
    const OTHER: [&str; 16] = [
        "sql", "query", "queries", "search", "test", "tests", "workflow", "report", "job", "pipeline",
        "actor", "trade", "order", "audit", "crew", "analysis",
    ];
    if item.kind != Kind::Tool {
        return;
    }
    let words = item.words();
    let named = any(words, &EXECUTE).is_some() && !looks(words) && any(words, &OTHER).is_none();
    let mut called = item.parameters().filter(|p| PARAMETERS.contains(&item.tree.key(*p))).peekable();
    let bound = called.peek().is_some();
    let parameter = called.find(|p| super::parameters::free_text(item, *p));
    // What can only be one of some is what the server chose.
    if parameter.is_none() && (!named || bound) {
        return;
    }
    let text = item.said();
    let said = says(text, &VERBS, &OBJECTS)
        || ["shell access", "arbitrary code", "code execution"].iter().any(|s| text.contains(s));
    if usize::from(named) + usize::from(parameter.is_some()) + usize::from(said) < 2 {
        return;
    }
    hits.add(Severity::Medium, || Hit {
        confidence: if named && parameter.is_some() { Confidence::High } else { Confidence::Medium },
        message: format!("{} runs commands or code that the model gives it", item.label()),
        path: String::new(),
        excerpt: parameter.map(|p| format!("parameter {}", item.tree.key(p))),
    });
}

/// HK-CAP-002
pub(super) fn destroy(item: &Item<'_>, hits: &mut Hits<'_>) {
    if item.kind != Kind::Tool || annotation(item, "readOnlyHint") == Some(true) {
        return;
    }
    let words = item.words();
    if looks(words) {
        return;
    }
    let shared = any(words, &SHARED);
    let (verb, worst) = match any(words, &DELETE) {
        Some(verb) => (verb, if shared.is_some() { Severity::Medium } else { Severity::Low }),
        None => {
            // Writing is told of where the name says what is written to.
            const REPLACING: [&str; 9] =
                ["write", "overwrite", "edit", "replace", "move", "rename", "append", "update", "save"];
            let Some(verb) = any(words, &REPLACING) else { return };
            let made = matches!(verb, "update" | "save");
            if any(words, &FILES).or_else(|| any(words, &DATA).filter(|_| !made)).is_none() {
                return;
            }
            (verb, Severity::Low)
        }
    };
    let honest = annotation(item, "destructiveHint") == Some(true);
    let severity = match (worst, honest) {
        (Severity::Medium, true) => Severity::Low,
        (_, true) => Severity::Info,
        (worst, false) => worst,
    };
    hits.add(severity, || {
        let what = shared.map(|s| format!(" ({s}: others rely on it)")).unwrap_or_default();
        Hit {
            confidence: Confidence::Medium,
            message: match honest {
                true => format!("{} can {verb}{what}, and says that it is destructive", item.label()),
                false => {
                    format!("{} can {verb}{what}, and does not say that it is destructive", item.label())
                }
            },
            path: "/name".to_owned(),
            excerpt: None,
        }
    });
}

/// HK-CAP-007
pub(super) fn contradiction(item: &Item<'_>, hits: &mut Hits<'_>) {
    if item.kind != Kind::Tool {
        return;
    }
    let read_only = annotation(item, "readOnlyHint") == Some(true);
    let harmless = annotation(item, "destructiveHint") == Some(false);
    if !read_only && !harmless {
        return;
    }
    let words = item.words();
    if looks(words) {
        return;
    }
    let asks = any(words, &["query", "sql", "search", "report"]).is_some();
    let deletes = any(&words[..words.len().min(2)], &DELETE);
    let writes = words.first().filter(|w| WRITE.contains(&w.as_str()) && !(asks && *w == "execute"));
    let text = item.said();
    let begins = spoken(text).first().copied().unwrap_or_default();
    let verbs = ["deletes", "permanently", "erases", "destroys", "purges", "wipes", "overwrites"];
    let described = verbs.iter().find(|verb| **verb == begins);
    let (verb, hint, severity) = match (deletes, writes, described) {
        (Some(verb), _, _) if read_only => (verb, "readOnlyHint", Severity::High),
        (Some(verb), _, _) => (verb, "destructiveHint", Severity::Medium),
        // Drafts and plans are created, too, and nothing is written.
        (None, Some(verb), _) if read_only && (verb == "write" || verb == "overwrite") => {
            (verb.as_str(), "readOnlyHint", Severity::High)
        }
        (None, _, Some(verb)) if read_only => (*verb, "readOnlyHint", Severity::High),
        (None, Some(verb), _) if read_only => (verb.as_str(), "readOnlyHint", Severity::Medium),
        (None, _, _) => return,
    };
    hits.add(severity, || Hit {
        confidence: Confidence::Medium,
        message: format!("{} says \"{verb}\", and its annotation {hint} says otherwise", item.label()),
        path: format!("/annotations/{hint}"),
        excerpt: None,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        assert_eq!(words("delete_repo"), ["delete", "repo"]);
        assert_eq!(words("githubDeleteRepo2"), ["github", "delete", "repo2"]);
        assert_eq!(words("__x--Y"), ["x", "y"]);
    }
}
