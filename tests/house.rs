//! The rules of the house that a machine can check: who may import whom, which crate lives where, and a few habits.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::fs;
use std::path::{Path, PathBuf};

/// Modules by floor; imports go down only, and never sideways but for the pairs in [`SIDEWAYS`].
const FLOORS: [&[&str]; 5] = [
    &["base", "sys"],
    &["model", "mcp"],
    &[
        "transport",
        "engine",
        "analysis",
        "store",
        "preflight",
        "measure",
        "report",
        "saved",
        "gate",
        "cluster",
        "cli",
        "demo",
    ],
    &["config", "probe"],
    &["app", "scan"],
];
/// Same floor, and still allowed.
const SIDEWAYS: &[(&str, &str)] = &[("sys", "base"), ("mcp", "model"), ("app", "scan")];
/// A floor below, and still not: (module, what it must not use, the part of it that it may).
const TOO_FAR: &[(&str, &str, &str)] = &[
    ("model", "sys", ""),
    ("mcp", "sys", ""),
    ("config", "transport", "options"),
    ("config", "analysis", "options"),
    ("config", "engine", "options"),
    ("config", "gate", "options"),
    ("config", "store", "options"),
    ("config", "cluster", "options"),
    ("config", "preflight", "tier"),
    ("config", "report", "options"),
    ("config", "demo", ""),
    ("engine", "mcp", ""),
    ("cluster", "mcp", ""),
    ("cluster", "model", ""),
    ("demo", "mcp", ""),
    ("report", "mcp", ""),
    ("store", "mcp", ""),
    ("gate", "mcp", ""),
    ("measure", "mcp", ""),
];
/// Crates that only one part of the program knows.
const FENCES: &[(&str, &[&str])] = &[
    ("ureq", &["transport/"]),
    ("rustls", &["transport/"]),
    ("threadpool", &["engine/"]),
    ("crossbeam_channel", &["engine/", "cluster/", "transport/"]),
    ("serde_yaml", &["config/", "analysis/twins.rs"]),
    ("argh", &["cli/"]),
    ("regex_lite", &["analysis/"]),
    ("redis", &["cluster/"]),
    ("rusqlite", &["store/"]),
    ("env_logger", &["main.rs", "app/"]),
    ("libc", &["sys/"]),
    ("comfy_table", &["report/"]),
    ("indicatif", &["report/"]),
    ("similar", &["report/"]),
];
const MOST_LINES: usize = 500;

#[test]
fn the_house_is_in_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(files.len() > 10, "only {} files under src", files.len());
    let broken: Vec<String> = files
        .iter()
        .flat_map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            violations(&name, &fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(broken.is_empty(), "{} house rules are broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn each_rule_is_seen_when_it_is_broken() {
    let long = "\n".repeat(MOST_LINES + 1);
    for (name, text, expected) in [
        ("base/a.rs", "use crate::sys::x;", "imports sys"),
        ("report/a.rs", "use crate::{base::text, engine};", "imports engine"),
        ("engine/a.rs", "fn f() { crate::transport::open() }", "imports transport"),
        ("model/a.rs", "use crate::mcp::x;", "imports mcp"),
        ("config/a.rs", "use crate::transport::http;", "imports transport::http"),
        ("config/a.rs", "use crate::probe;", "imports probe"),
        ("attic/a.rs", "use crate::base;", "no floor"),
        ("app/a.rs", "use super::super::base;", "super::super"),
        ("app/a.rs", "use ureq::Agent;", "ureq"),
        ("app/a.rs", "fn f() { unsafe { g() } }", "unsafe"),
        ("app/a.rs", "fn f() { eprintln!(\"x\") }", "eprintln!"),
        ("app/a.rs", "struct JobManager;", "JobManager"),
        ("app/helpers.rs", "", "helpers"),
        ("app/a.rs", long.as_str(), "lines"),
    ] {
        let found = violations(name, text);
        assert!(found.len() == 1 && found[0].contains(expected), "{name}: {text:.60}: {found:?}");
    }
    for (name, text) in [
        ("sys/a.rs", "use crate::base::time::Deadline; unsafe { libc::kill(1, 9) }"),
        ("config/a.rs", "use crate::{cli::args::Args, model, transport::options::WireOptions};"),
        ("main.rs", "fn main() { println!(\"use crate::nowhere\") }"),
        (
            "base/a.rs",
            "// use crate::app;\nconst C: char = '\"'; /* unsafe */ const S: &str = r#\"ureq \"println!\"\"#;",
        ),
        ("base/a.rs", "fn f<'a>(s: &'a str) -> &'a str { let c = b'\\''; s }"),
    ] {
        assert_eq!(violations(name, text), [""; 0], "{name}: {text}");
    }
}

fn violations(file: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES {
        found.push(format!("{file}: {lines} lines, {MOST_LINES} at most"));
    }
    let code = without_comments_and_strings(text);
    for (index, line) in code.lines().enumerate() {
        let mut report = |what: String| found.push(format!("{file}:{}: {what}", index + 1));
        for word in words(line) {
            if let Some((krate, _)) = FENCES
                .iter()
                .find(|(krate, homes)| *krate == word && !homes.iter().any(|home| file.starts_with(home)))
            {
                report(format!("{krate} does not belong here"));
            }
            if word == "unsafe" && !file.starts_with("sys/") {
                report("unsafe outside sys".into());
            }
        }
        for name in ["println!", "eprintln!", "print!", "eprint!"] {
            let printed = line.match_indices(name).any(|(at, _)| !line[..at].ends_with(is_word));
            if printed && file != "main.rs" {
                report(format!("{name} outside main"));
            }
        }
        for name in declared(line).into_iter().filter(|name| banned(name)) {
            report(format!("{name} is a name that says nothing"));
        }
        if line.contains("super::super::") {
            report("super::super:: hides an import; write crate::".into());
        }
    }
    found
        .extend(stem(file).filter(|s| banned(s)).map(|s| format!("{file}: {s} is a name that says nothing")));
    found.extend(imports(&code).into_iter().filter_map(|path| misplaced(file, &path)));
    found
}

/// What is wrong with `file` using `crate::path`.
fn misplaced(file: &str, path: &str) -> Option<String> {
    let module = file.split('/').next()?.trim_end_matches(".rs");
    let (target, rest) = path.split_once("::").unwrap_or((path, ""));
    let floor = |name: &str| FLOORS.iter().position(|names| names.contains(&name));
    if ["main", "lib"].contains(&module) || module == target {
        return None;
    }
    let (Some(from), Some(to)) = (floor(module), floor(target)) else {
        // `crate::Thing` is a re-export: the library's face, for those above it and not for its own parts.
        return Some(format!("{file}: {module} or {target} has no floor in tests/house.rs"));
    };
    let excepted = TOO_FAR.iter().any(|(m, t, part)| {
        *m == module && *t == target && (part.is_empty() || rest.split("::").next() != Some(part))
    });
    let allowed = (to < from || SIDEWAYS.contains(&(module, target))) && !excepted;
    (!allowed).then(|| format!("{file}: {module} (floor {from}) imports {path} (floor {to})"))
}

/// A key that is looked up by a name which the table has no more is silently nothing.
#[test]
fn keys_that_are_named_elsewhere_are_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table = fs::read_to_string(root.join("config/keys.rs")).unwrap();
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    let mut named = 0;
    for path in files.iter().filter(|path| !path.to_str().unwrap().ends_with("tests.rs")) {
        let code = fs::read_to_string(path).unwrap();
        for (at, _) in code.match_indices("\"mcp_introspection.") {
            let Some((key, _)) = code[at + 1..].split_once('"') else { continue };
            let whole = key.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.');
            if whole && !key.ends_with('.') {
                assert!(table.contains(&format!("\"{key}\"")), "{}: no key {key}", path.display());
                named += 1;
            }
        }
    }
    assert!(named > 10, "only {named} found");
}

/// Every path that follows `crate::`, groups taken apart.
fn imports(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("crate::").filter(|(at, _)| !code[..*at].ends_with(is_word)) {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => paths.push(path_of(rest)),
            Some(group) => {
                let mut depth = 0;
                let mut start = 0;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth > 0 => depth -= 1,
                        ',' | '}' if depth == 0 => {
                            paths.push(path_of(group[start..i].trim()));
                            start = i + 1;
                            if c == '}' {
                                break;
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    paths.retain(|path| !path.is_empty());
    paths
}

fn path_of(text: &str) -> String {
    let end = text.find(|c: char| !is_word(c) && c != ':').unwrap_or(text.len());
    text[..end].trim_end_matches(':').to_owned()
}

fn banned(name: &str) -> bool {
    name.contains("Manager")
        || name.contains("Factory")
        || name.ends_with("Handler")
        || ["util", "utils", "helper", "helpers", "common"].contains(&name)
}

fn declared(line: &str) -> Vec<&str> {
    let all: Vec<&str> = words(line).collect();
    all.windows(2)
        .filter(|pair| ["struct", "enum", "trait", "type", "mod", "fn"].contains(&pair[0]))
        .map(|pair| pair[1])
        .collect()
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn stem(file: &str) -> impl Iterator<Item = &str> {
    file.split('/').map(|part| part.trim_end_matches(".rs"))
}

/// Blanks out comments, strings and characters; lines stay where they are.
fn without_comments_and_strings(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skip = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            'r' if !out.ends_with(is_word) || out.ends_with('b') => raw_string(rest),
            '"' => quoted(rest, '"'),
            // A lifetime has no closing quote two or so characters on.
            '\'' if rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'') => quoted(rest, '\''),
            _ => 0,
        };
        if skip == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.extend(rest[..skip].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[skip..];
        }
    }
    out
}

/// Length of the raw string at the start of `text`; 0 if there is none.
fn raw_string(text: &str) -> usize {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    if !text[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let body = 2 + hashes;
    text[body..].find(&end).map_or(text.len(), |at| body + at + end.len())
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}
