//! What the configuration says about rules and findings: switched off, graded, own rules, the policy,
//! suppressions.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::analysis::options::{Custom, Pattern, Place, Selection, Subject};
use crate::base::glob::Glob;
use crate::base::text::quote;
use crate::gate::options::{Action, Clause, GateOptions, Suppression, is_day};
use crate::model::fail_on::{self, FailOn};
use crate::model::finding::{Confidence, Severity};

use super::node::{Node, Position, Tree};
use super::section::{Section, items, place};
use super::value::{Misfit, Value};
use super::{ConfigError, file, yaml};

/// Own rules, clauses of the policy, suppressions of one file.
const MOST_RULES: usize = 500;
const MOST_CLAUSES: usize = 1_000;
const MOST_SUPPRESSIONS: usize = 20_000;

/// What the keys say, before files are read and names looked up.
#[derive(Debug, Default)]
pub(crate) struct Judging {
    pub(crate) disable: Vec<String>,
    pub(crate) grades: Vec<(Glob, Severity)>,
    pub(crate) custom: Vec<Custom>,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) fail_on: Vec<String>,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) suppressions: Vec<PathBuf>,
}

/// The keys whose names of rules are looked up.
pub(super) const DISABLE: &str = "rules.disable";
pub(super) const SEVERITY: &str = "rules.severity";
pub(super) const CUSTOM: &str = "rules.custom";
pub(super) const FAIL_ON: &str = "fail_on";
pub(super) const POLICY: &str = "policy";
pub(super) const SUPPRESSIONS: &str = "suppressions";

impl Judging {
    /// Reads the files, and looks up what is named. `blame` makes an error about a key: with the file and the
    /// given line of it (that of the key, where none is given), the variable or the option that set it.
    pub(super) fn finish(
        self,
        blame: impl Fn(&'static str, Option<u32>, String) -> ConfigError,
        file_of: impl Fn(&'static str) -> String,
    ) -> Result<(Selection, GateOptions), ConfigError> {
        let mut custom = self.custom;
        for rule in &mut custom {
            rule.from = format!("{}:{}", file_of(CUSTOM), rule.from);
        }
        for path in &self.files {
            custom.extend(rules_file(path)?);
        }
        let mut places: HashMap<String, &str> = HashMap::new();
        for rule in &custom {
            if let Some(first) = places.insert(rule.id.to_ascii_lowercase(), &rule.from) {
                let message = format!("{}: rule {} stands in {first} already", rule.from, rule.id);
                return Err(ConfigError::bare(message));
            }
        }
        let off = self.disable.iter().map(|text| Glob::new(text)).collect();
        let selection = Selection { off, grades: self.grades, custom };
        let fail_on = FailOn::of(self.fail_on.iter().map(String::as_str));
        let fail_on = fail_on.map_err(|why| blame(FAIL_ON, None, why))?;
        let named = selection.off.iter().map(|glob| (DISABLE, None, glob));
        let named = named.chain(selection.grades.iter().map(|(glob, _)| (SEVERITY, None, glob)));
        let named = named.chain(fail_on.rules.iter().map(|glob| (FAIL_ON, None, glob)));
        let clauses = self.clauses.iter();
        let clauses = clauses.filter_map(|c| Some((POLICY, Some(c.line), c.rule.as_ref()?)));
        for (key, line, glob) in named.chain(clauses) {
            if let Some(why) = selection.unknown(glob) {
                return Err(blame(key, line, why));
            }
        }
        let suppressions = suppressions(&self.suppressions, &selection)?;
        Ok((
            selection,
            GateOptions { fail_on, policy: self.clauses.into(), suppressions: suppressions.into() },
        ))
    }
}

/// The severities there are, by name.
fn severities() -> [(&'static str, Severity); 5] {
    Severity::ALL.map(|severity| (severity.name(), severity))
}

/// Names of rules or words: a list of them, or one.
pub(super) fn words(node: &Node) -> Option<Value> {
    let nodes = match &node.value {
        Tree::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let word = |node: &Node| match &node.value {
        Tree::Text(text) if !text.trim().is_empty() && text.len() <= 200 => Some(text.trim().to_owned()),
        _ => None,
    };
    nodes.iter().map(word).collect::<Option<_>>().map(Value::Words)
}

/// `rules.severity`: a section of rules and severities.
pub(super) fn grades(node: &Node) -> Result<Value, Misfit> {
    if node.value == Tree::Null {
        return Ok(Value::Grades(Vec::new()));
    }
    let Some(entries) = node.map() else {
        let message = format!("{node} must be a section of rules, each with its severity");
        return Err(Misfit { at: node.at, message });
    };
    if let Some((key, first)) = node.repeated() {
        let message = format!("\"{}\" stands in line {} already", quote(&key.name, 60), first.line);
        return Err(Misfit { at: key.at, message });
    }
    let grade = |(key, node): &(super::node::Key, Node)| {
        let word = node.scalar_text().unwrap_or_default();
        let severity = fail_on::severity(&word).ok_or_else(|| {
            let all = severities().map(|(name, _)| name);
            let meant = super::did_you_mean(&word, all);
            let rule = quote(&key.name, 60);
            Misfit {
                at: node.at,
                message: format!("{rule}: {node} must be one of {}{meant}", all.join(", ")),
            }
        })?;
        Ok((Glob::new(&key.name), severity))
    };
    entries.iter().map(grade).collect::<Result<_, _>>().map(Value::Grades)
}

const RULE_KEYS: [&str; 12] = [
    "id",
    "title",
    "severity",
    "confidence",
    "pattern",
    "patterns",
    "unless",
    "where",
    "kinds",
    "message",
    "remedy",
    "references",
];

/// `rules.custom`, or a file of rules.
pub(super) fn custom(node: &Node) -> Result<Value, Misfit> {
    let rules = items(node, "rules", MOST_RULES)?.iter().map(rule);
    rules.collect::<Result<_, _>>().map(Value::Rules)
}

fn rule(node: &Node) -> Result<Custom, Misfit> {
    let section = Section::of(node, "rule", "id", &RULE_KEYS)?;
    let id = section.required("id", "such as ACME-001")?;
    let at = section.get("id").map_or(node.at, |n| n.at);
    if let Some(why) = unfit_id(&id) {
        return Err(section.misfit(at, &format!("id {why}")));
    }
    let severity = section.word("severity", &severities())?;
    let severity =
        severity.ok_or_else(|| section.misfit(place(node), "severity is missing: how bad it is"))?;
    let sure = [("low", Confidence::Low), ("medium", Confidence::Medium), ("high", Confidence::High)];
    let mut patterns = pattern_list(&section, "pattern")?;
    patterns.extend(pattern_list(&section, "patterns")?);
    if patterns.is_empty() {
        return Err(section.misfit(place(node), "pattern is missing: a regular expression, or patterns"));
    }
    let mut places = section.words("where", &Place::ALL)?;
    if places.is_empty() {
        places.push(Place::Text);
    }
    let mut subjects = section.words("kinds", &Subject::ALL)?;
    if subjects.is_empty() {
        subjects = Subject::ALL.map(|(_, subject)| subject).to_vec();
    }
    if places == [Place::Instructions] && !subjects.contains(&Subject::Server) {
        let at = section.get("kinds").map_or(node.at, |n| n.at);
        return Err(
            section.misfit(at, "kinds: instructions are the server's: add server, or leave kinds out")
        );
    }
    let references = section.texts("references")?.into_iter();
    Ok(Custom {
        title: section.required("title", "what it finds, in a few words")?,
        severity,
        confidence: section.word("confidence", &sure)?.unwrap_or(Confidence::Medium),
        patterns,
        unless: pattern_list(&section, "unless")?,
        places,
        subjects,
        message: section.text("message")?,
        remedy: section.required("remedy", "what to do about it")?,
        references: references.map(|(text, _)| text).collect(),
        from: place(node).line.to_string(),
        id,
    })
}

fn unfit_id(id: &str) -> Option<&'static str> {
    let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match () {
        () if id.to_ascii_uppercase().starts_with("HK-") => Some("begins with HK-, as hawkeye's own do"),
        () if id.len() > 64 => Some("is longer than 64 characters"),
        () if !id.starts_with(|c: char| c.is_ascii_alphabetic()) || !id.chars().all(fit) => {
            Some("must begin with a letter and have letters, digits, - _ . only")
        }
        () if !id.contains('-') => Some("must have a prefix of its own and a hyphen, such as ACME-001"),
        () => None,
    }
}

fn pattern_list(section: &Section<'_>, key: &str) -> Result<Vec<Pattern>, Misfit> {
    let compile = |(text, at): (String, Position)| {
        Pattern::new(&text)
            .map_err(|why| section.misfit(at, &format!("{key} \"{}\" {why}", quote(&text, 60))))
    };
    section.texts(key)?.into_iter().map(compile).collect()
}

const CLAUSE_KEYS: [&str; 6] = ["action", "rule", "severity", "server", "tag", "reason"];

/// `policy`
pub(super) fn clauses(node: &Node) -> Result<Value, Misfit> {
    let clauses = items(node, "entries", MOST_CLAUSES)?.iter().map(clause);
    clauses.collect::<Result<_, _>>().map(Value::Clauses)
}

fn clause(node: &Node) -> Result<Clause, Misfit> {
    let section = Section::of(node, "entry", "", &CLAUSE_KEYS)?;
    let action = section.word("action", &Action::ALL)?;
    let action =
        action.ok_or_else(|| section.misfit(place(node), "action is missing: allow, warn or fail"))?;
    let glob = |key| Ok::<_, Misfit>(section.text(key)?.map(|text| Glob::new(&text)));
    let clause = Clause {
        action,
        rule: glob("rule")?,
        severity: section.word("severity", &severities())?,
        server: glob("server")?,
        tag: glob("tag")?,
        reason: section.text("reason")?,
        line: place(node).line,
    };
    let Clause { rule, severity, server, tag, .. } = &clause;
    if rule.is_none() && severity.is_none() && server.is_none() && tag.is_none() {
        let why = "says nothing of what it is for: give rule, severity, server or tag (rule: \"*\" is all)";
        return Err(section.misfit(place(node), why));
    }
    if action == Action::Allow && clause.reason.is_none() {
        return Err(section.misfit(place(node), "reason is missing: reports say why a finding is allowed"));
    }
    Ok(clause)
}

/// A list of own rules in a file of its own.
pub(super) fn rules_file(path: &Path) -> Result<Vec<Custom>, ConfigError> {
    let name = path.display().to_string();
    let node = yaml::parse(&name, &file::read(path)?)?;
    rules_in(&name, &node)
}

/// The own rules of the file `name`, which holds `node`.
pub(super) fn rules_in(name: &str, node: &Node) -> Result<Vec<Custom>, ConfigError> {
    let rules = items(node, "rules", MOST_RULES).and_then(|items| items.iter().map(rule).collect());
    let mut rules: Vec<Custom> = rules.map_err(|misfit| ConfigError::at(name, misfit.at, misfit.message))?;
    for rule in &mut rules {
        rule.from = format!("{name}:{}", rule.from);
    }
    Ok(rules)
}

/// The suppressions of `paths`; each fingerprint once.
fn suppressions(paths: &[PathBuf], selection: &Selection) -> Result<Vec<Suppression>, ConfigError> {
    let mut all = Vec::new();
    let mut places = HashMap::new();
    for path in paths {
        let name = path.display().to_string();
        let node = yaml::parse(&name, &file::read(path)?)?;
        for (entry, at) in suppressions_in(&name, &node)? {
            if let Some(why) = entry.rule.as_ref().and_then(|rule| selection.unknown(&Glob::new(rule))) {
                return Err(ConfigError::at(&name, at, format!("suppression: rule: {why}")));
            }
            if let Some(first) = places.insert(entry.fingerprint.clone(), entry.from.clone()) {
                let message = format!("suppression {} stands in {first} already", entry.fingerprint);
                return Err(ConfigError::at(&name, at, message));
            }
            all.push(entry);
        }
    }
    Ok(all)
}

const SUPPRESSION_KEYS: [&str; 6] = ["fingerprint", "rule", "server", "owner", "reason", "expires"];

/// The suppressions of the file `name`, which holds `node`, with their places.
pub(super) fn suppressions_in(name: &str, node: &Node) -> Result<Vec<(Suppression, Position)>, ConfigError> {
    let read = |node: &Node| suppression(name, node);
    let all = items(node, "suppressions", MOST_SUPPRESSIONS).and_then(|i| i.iter().map(read).collect());
    all.map_err(|misfit| ConfigError::at(name, misfit.at, misfit.message))
}

fn suppression(file: &str, node: &Node) -> Result<(Suppression, Position), Misfit> {
    let section = Section::of(node, "suppression", "fingerprint", &SUPPRESSION_KEYS)?;
    let at = place(node);
    let of = |key: &str| section.get(key).map_or(at, |n| n.at);
    let fingerprint = section.required("fingerprint", "that of the finding, as reports show it")?;
    if fingerprint.len() != 32 || !fingerprint.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        let why = "fingerprint must be 32 digits of 0-9 and a-f, as reports show it";
        return Err(section.misfit(of("fingerprint"), why));
    }
    let expires = section.required("expires", "the last day on which it holds, such as 2026-12-31")?;
    if !is_day(&expires) {
        let why = format!("expires: \"{}\" must be a day such as 2026-12-31", quote(&expires, 40));
        return Err(section.misfit(of("expires"), &why));
    }
    let entry = Suppression {
        fingerprint,
        rule: section.text("rule")?,
        server: section.text("server")?,
        owner: section.required("owner", "who answers for it")?,
        reason: section.required("reason", "why it counts for nothing")?,
        expires,
        from: format!("{file}:{}", at.line),
    };
    Ok((entry, at))
}
