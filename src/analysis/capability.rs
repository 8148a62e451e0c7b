//! What a tool can do, read from its name, its annotations and its parameters. Facts, not accusations: a
//! capability alone is never more than medium.

use crate::model::finding::{Confidence, Severity};

use super::hits::{Hit, Hits};
use super::item::{Item, Kind};
use super::tree::Tree;

const DELETE: [&str; 14] = [
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
];
const WRITE: [&str; 13] = [
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
];
const EXECUTE: [&str; 9] =
    ["execute", "exec", "shell", "eval", "bash", "terminal", "powershell", "subprocess", "command"];
/// A name that begins so is about something, whatever else is in it.
const LOOK: [&str; 17] = [
    "get", "list", "read", "search", "find", "check", "show", "describe", "fetch", "view", "count", "query",
    "preview", "validate", "is", "lookup", "explain",
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

fn any<'w>(words: &'w [String], of: &[&str]) -> Option<&'w str> {
    words.iter().find(|w| of.contains(&w.as_str())).map(String::as_str)
}

fn looks(words: &[String]) -> bool {
    // A prefix of the service comes first as often as not.
    any(&words[..words.len().min(2)], &LOOK).is_some()
}

fn annotation(item: &Item<'_>, hint: &str) -> Option<bool> {
    let annotations = item.tree.member(Tree::ROOT, "annotations")?;
    item.tree.bool_of(annotations, hint)
}

/// The beginning of the description, in lower case.
fn described(item: &Item<'_>) -> String {
    let text = item.tree.text_of(Tree::ROOT, "description").unwrap_or_default();
    text.chars().take(600).flat_map(char::to_lowercase).collect()
}

/// HK-CAP-001: two of name, description and parameter say so.
pub(super) fn execute(item: &Item<'_>, hits: &mut Hits<'_>) {
    const PARAMETERS: [&str; 7] =
        ["command", "cmd", "code", "script", "shell_command", "bash_command", "python_code"];
    const SAID: [&str; 12] = [
        "shell",
        "execute command",
        "executes command",
        "run command",
        "runs command",
        "terminal command",
        "system command",
        "arbitrary code",
        "execute code",
        "executes code",
        "python code",
        "bash",
    ];
    if item.kind != Kind::Tool {
        return;
    }
    let words = words(item.name());
    let named = any(&words, &EXECUTE).is_some() && !looks(&words) && any(&words, &["sql", "query"]).is_none();
    let parameter = item.parameters().map(|p| item.tree.key(p)).find(|key| PARAMETERS.contains(key));
    if !named && parameter.is_none() {
        return;
    }
    let said = described(item);
    let said = SAID.iter().any(|s| said.contains(s)) || said.contains("execut") && said.contains("command");
    if usize::from(named) + usize::from(parameter.is_some()) + usize::from(said) < 2 {
        return;
    }
    hits.add(Severity::Medium, || Hit {
        confidence: Confidence::Medium,
        message: format!("{} runs commands or code that the model gives it", item.label()),
        path: String::new(),
        excerpt: parameter.map(|p| format!("parameter {p}")),
    });
}

/// HK-CAP-002
pub(super) fn destroy(item: &Item<'_>, hits: &mut Hits<'_>) {
    if item.kind != Kind::Tool {
        return;
    }
    let words = words(item.name());
    let Some(verb) = any(&words, &DELETE).filter(|_| !looks(&words)) else { return };
    let honest = annotation(item, "destructiveHint") == Some(true);
    hits.add(if honest { Severity::Info } else { Severity::Low }, || Hit {
        confidence: Confidence::Medium,
        message: match honest {
            true => format!("{} can {verb}, and says that it is destructive", item.label()),
            false => format!("{} can {verb}, and does not say that it is destructive", item.label()),
        },
        path: "/name".to_owned(),
        excerpt: None,
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
    let words = words(item.name());
    if looks(&words) {
        return;
    }
    let deletes = any(&words[..words.len().min(2)], &DELETE);
    let (verb, hint, severity) = match (deletes, words.first().filter(|w| WRITE.contains(&w.as_str()))) {
        (Some(verb), _) if read_only => (verb, "readOnlyHint", Severity::High),
        (Some(verb), _) => (verb, "destructiveHint", Severity::Medium),
        // Drafts and plans are created, too, and nothing is written.
        (None, Some(verb)) if read_only && verb == "write" => (verb.as_str(), "readOnlyHint", Severity::High),
        (None, Some(verb)) if read_only => (verb.as_str(), "readOnlyHint", Severity::Medium),
        (None, _) => return,
    };
    hits.add(severity, || Hit {
        confidence: Confidence::Medium,
        message: format!("{} is called \"{verb}\", and its annotation {hint} says otherwise", item.label()),
        path: format!("/annotations/{hint}"),
        excerpt: None,
    });
}

/// Whether the schema at `at` takes any string.
fn free_text(item: &Item<'_>, at: usize) -> bool {
    let tree = &item.tree;
    let kind = tree.text_of(at, "type");
    kind.is_none_or(|t| t == "string")
        && ["enum", "const", "pattern", "$ref", "anyOf", "oneOf"].iter().all(|k| tree.member(at, k).is_none())
}

/// One finding for the parameters of `item` that `wanted` picks.
fn parameters(
    item: &Item<'_>,
    hits: &mut Hits<'_>,
    severity: Severity,
    what: &str,
    wanted: impl Fn(&str, usize) -> bool,
) {
    if item.kind != Kind::Tool {
        return;
    }
    let mut found = item.parameters().filter(|&p| wanted(&item.tree.key(p).to_ascii_lowercase(), p));
    let Some(first) = found.next() else { return };
    let others = found.count();
    hits.add(severity, || {
        let name = crate::base::text::quote(item.tree.key(first), 64);
        let more = if others == 0 { String::new() } else { format!(" (and {others} more)") };
        Hit {
            confidence: Confidence::Medium,
            message: format!("{} takes {what} as \"{name}\"{more}", item.label()),
            path: item.tree.pointer(first),
            excerpt: None,
        }
    });
}

/// HK-CAP-003
pub(super) fn url_parameter(item: &Item<'_>, hits: &mut Hits<'_>) {
    parameters(item, hits, Severity::Low, "any URL or host", |name, at| {
        let words = words(name);
        let last = words.last().map_or("", String::as_str);
        let called = matches!(last, "url" | "uri" | "urls" | "webhook" | "endpoint" | "host" | "hostname");
        called && free_text(item, at)
    });
}

/// HK-CAP-004
pub(super) fn path_parameter(item: &Item<'_>, hits: &mut Hits<'_>) {
    parameters(item, hits, Severity::Low, "any path", |name, at| {
        let words = words(name);
        let last = words.last().map_or("", String::as_str);
        let called =
            matches!(last, "path" | "filepath" | "filename" | "directory" | "folder" | "dir" | "file");
        called && free_text(item, at)
    });
}

/// HK-CAP-005
pub(super) fn query_parameter(item: &Item<'_>, hits: &mut Hits<'_>) {
    let careful = annotation(item, "readOnlyHint") == Some(true) || {
        let said = described(item);
        said.contains("read-only") || said.contains("readonly") || said.contains("select ")
    };
    let severity = if careful { Severity::Low } else { Severity::Medium };
    parameters(item, hits, severity, "any SQL", |name, at| {
        let words = words(name);
        let about_sql = || item.tree.text_of(at, "description").is_some_and(|d| d.contains("SQL"));
        (any(&words, &["sql"]).is_some() || (name == "query" && about_sql())) && free_text(item, at)
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
