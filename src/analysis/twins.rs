//! Twins: for each rule a server that breaks it, and the nearest honest one, which does not.
//!
//! They stand in `tests/twins`, one YAML file a family; every file there is read, so a new one needs no
//! registration. A file is a list of
//!
//! ```yaml
//! - rule: HK-XXX-000
//!   severity: high            # the worst that the rule says of the vulnerable twin
//!   vulnerable: {tool: {...}} # a server, see below
//!   safe: {tool: {...}}       # one server, or a list of them
//!   at_most: info             # optional: the rule may say so much of the safe twin; otherwise nothing
//! ```
//!
//! A server has any of these; what is not there is as harmless as can be:
//!
//! ```yaml
//! tool: {name: x, description: Does x., inputSchema: {type: object}} # each of them may be left out
//! tools: [...]                # as sent, nothing is added
//! prompts: [...]              # likewise; also resources and resource_templates
//! server: {name: s}           # what it says of itself
//! instructions: "..."
//! name: t                     # in the report
//! url: https://tools.example/mcp    # with headers: {Name: value}
//! command: npx -y some-server       # or a list of words; with env: {NAME: value}
//! auth: {posture: none}       # as in a report
//! notes: [{code: x, message: y, count: 1}]
//! failure: {kind: tls, phase: connect, message: "..."}
//! ```
//!
//! In `tool`, `parameters: {...}` stands for the properties of its input schema.
//!
//! Rules that look at several servers or at two points in time are found elsewhere and have their twins with
//! what finds them: [`ELSEWHERE`] names these tests. They may read files of their own with [`Server::of`].

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::tests::object;
use super::*;
use crate::model::finding::Severity;
use crate::model::notes::Note;
use crate::model::outcome::{Auth, Failure};

/// Rules whose twins are not in a file here, and the test that has them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("HK-POI-005", "analysis::fleet::tests::twins"),
    ("HK-POI-010", "analysis::fleet::tests::twins"),
    ("HK-SHD-001", "analysis::fleet::tests::twins"),
    ("HK-SHD-002", "analysis::fleet::tests::twins"),
    ("HK-SHD-003", "analysis::fleet::tests::a_package_almost_like_a_known_one_is_told_on_its_server"),
    ("HK-FLW-001", "analysis::fleet::tests::twins"),
    ("HK-SHW-001", "analysis::fleet::tests::strangers_are_those_that_no_entry_fits"),
    ("HK-RUG-001", "analysis::drift::tests"),
    ("HK-RUG-002", "analysis::drift::tests"),
    ("HK-CLK-001", "analysis::cloak::tests"),
    ("HK-CLK-002", "analysis::cloak::tests"),
    ("HK-CLK-003", "analysis::cloak::tests"),
];

/// One server of a twin.
pub(super) struct Server {
    pub(super) target: Target,
    pub(super) inventory: Inventory,
    pub(super) auth: Auth,
    pub(super) notes: Vec<Note>,
    pub(super) failure: Option<Failure>,
}

impl Server {
    /// The server that `value` describes.
    pub(super) fn of(value: &Value) -> Server {
        const KEYS: [&str; 15] = [
            "tool",
            "tools",
            "prompts",
            "resources",
            "resource_templates",
            "server",
            "instructions",
            "name",
            "url",
            "headers",
            "command",
            "env",
            "auth",
            "notes",
            "failure",
        ];
        for key in value.as_object().unwrap().keys() {
            assert!(KEYS.contains(&key.as_str()), "a twin has no {key}");
        }
        let all =
            |key: &str| value[key].as_array().map(|l| l.iter().map(object).collect()).unwrap_or_default();
        let mut tools: Vec<_> = all("tools");
        tools.extend(value["tool"].as_object().map(|tool| object(&whole(tool))));
        let inventory = Inventory {
            tools,
            prompts: all("prompts"),
            resources: all("resources"),
            resource_templates: all("resource_templates"),
            server: value["server"].is_object().then(|| object(&value["server"])),
            instructions: value["instructions"].as_str().map(str::to_owned),
            ..Inventory::default()
        };
        fn read<T: serde::de::DeserializeOwned + Default>(value: &Value) -> T {
            if value.is_null() { T::default() } else { serde_json::from_value(value.clone()).unwrap() }
        }
        Server {
            target: target(value),
            inventory,
            auth: read(&value["auth"]),
            notes: read(&value["notes"]),
            failure: read(&value["failure"]),
        }
    }

    /// What the rules say of it.
    pub(super) fn judged(&self) -> Vec<Finding> {
        let view = self.target.view();
        let facts = Facts {
            name: &self.target.name,
            endpoint: &self.target.endpoint,
            view: &view,
            expanded: &self.target.expanded,
            auth: &self.auth,
            notes: &self.notes,
            failure: self.failure.as_ref(),
        };
        assess(&facts, &self.inventory, &Policy::default())
    }
}

fn whole(tool: &Map<String, Value>) -> Value {
    let mut tool = tool.clone();
    let properties = tool.remove("parameters").unwrap_or_else(|| json!({}));
    for (key, value) in [
        ("name", json!("x")),
        ("description", json!("Does x.")),
        ("inputSchema", json!({"type": "object", "properties": properties})),
    ] {
        tool.entry(key).or_insert(value);
    }
    Value::Object(tool)
}

fn target(value: &Value) -> Target {
    let name = value["name"].as_str().unwrap_or("t");
    let pairs = |key: &str| -> Vec<(String, Secret)> {
        let pairs = value[key].as_object().into_iter().flatten();
        pairs.map(|(name, value)| (name.clone(), Secret::new(value.as_str().unwrap()))).collect()
    };
    let words: Vec<String> = match &value["command"] {
        Value::Array(words) => words.iter().map(|w| w.as_str().unwrap().to_owned()).collect(),
        line => line.as_str().unwrap_or("server").split(' ').map(str::to_owned).collect(),
    };
    let mut target = match value["url"].as_str() {
        Some(url) => Target::url(name, url),
        None => Target::command(name, &words[0], &words[1..]),
    };
    assert!(target.hold.is_none(), "{:?}", target.hold);
    match &mut target.endpoint {
        Endpoint::Remote(remote) => remote.headers = pairs("headers"),
        Endpoint::Stdio(command) => command.env = pairs("env"),
        Endpoint::Unknown => {}
    }
    target
}

/// A rule's pair.
struct Case {
    file: String,
    rule: String,
    severity: Severity,
    vulnerable: Value,
    safe: Vec<Value>,
    at_most: Option<Severity>,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/twins");
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let list: Vec<Value> = serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
        for case in list {
            let severity = |key: &str| serde_json::from_value::<Severity>(case[key].clone()).ok();
            all.push(Case {
                rule: case["rule"].as_str().unwrap_or_else(|| panic!("{file}: no rule: {case}")).to_owned(),
                severity: severity("severity").unwrap_or_else(|| panic!("{file}: no severity: {case}")),
                vulnerable: case["vulnerable"].clone(),
                safe: match &case["safe"] {
                    Value::Array(list) => list.clone(),
                    one => vec![one.clone()],
                },
                at_most: severity("at_most"),
                file: file.clone(),
            });
        }
    }
    all
}

fn worst(findings: &[Finding], rule: &str) -> Option<Severity> {
    findings.iter().filter(|f| f.rule == rule).map(|f| f.severity).max()
}

/// The vulnerable twin of every pair with its rule, for tests of something else.
pub(super) fn vulnerable() -> Vec<(String, Server)> {
    cases().iter().map(|case| (case.rule.clone(), Server::of(&case.vulnerable))).collect()
}

/// Both of every pair.
pub(super) fn all() -> Vec<Server> {
    let cases = cases();
    let of =
        |case: &Case| std::iter::once(&case.vulnerable).chain(&case.safe).map(Server::of).collect::<Vec<_>>();
    cases.iter().flat_map(of).collect()
}

#[test]
fn every_rule_tells_the_vulnerable_from_its_safe_twin() {
    let mut wrong = Vec::new();
    for case in cases() {
        let (file, rule) = (&case.file, &case.rule);
        if rules::find(rule).is_none() {
            wrong.push(format!("{file}: there is no rule {rule}"));
            continue;
        }
        let found = Server::of(&case.vulnerable).judged();
        if worst(&found, rule) != Some(case.severity) {
            let got = worst(&found, rule);
            wrong
                .push(format!("{file}: {rule} should be {}, is {got:?}: {}", case.severity, case.vulnerable));
        }
        for safe in &case.safe {
            let found = Server::of(safe).judged();
            let got = worst(&found, rule);
            if got > case.at_most {
                wrong.push(format!("{file}: {rule} should be {:?}, is {got:?}: {safe}", case.at_most));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_twins() {
    let cases = cases();
    for rule in RULES.iter() {
        let here = cases.iter().any(|case| case.rule == rule.id && !case.safe.is_empty());
        let elsewhere = ELSEWHERE.iter().any(|(id, _)| *id == rule.id);
        assert!(here || elsewhere, "{} has no twins in tests/twins", rule.id);
        assert!(!(here && elsewhere), "{} has twins in two places", rule.id);
    }
    for (id, test) in ELSEWHERE {
        assert!(rules::find(id).is_some(), "{id}, whose twins are in {test}, is no rule");
    }
}
