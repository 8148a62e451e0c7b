//! The rules, and the lists of others that they refer to: ids only.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::inert;
use crate::model::finding::Severity;
use crate::model::run::{RuleText, RunInfo};

/// Code scanning refuses a rule with more tags.
const TAGS: usize = 20;

/// A list of ids that is kept by somebody else.
struct Taxonomy {
    name: &'static str,
    organization: &'static str,
    uri: &'static str,
    what: &'static str,
    has: fn(&str) -> bool,
}

const TAXONOMIES: [Taxonomy; 5] = [
    Taxonomy {
        name: "CWE",
        organization: "MITRE",
        uri: "https://cwe.mitre.org/",
        what: "Common Weakness Enumeration",
        has: |id| id.starts_with("CWE-"),
    },
    Taxonomy {
        name: "OWASP-MCP",
        organization: "OWASP",
        uri: "https://owasp.org/www-project-mcp-top-10/",
        what: "OWASP MCP Top 10",
        has: |id| id.starts_with("MCP"),
    },
    Taxonomy {
        name: "OWASP-ASI",
        organization: "OWASP",
        uri: "https://genai.owasp.org/",
        what: "OWASP Top 10 for Agentic Applications",
        has: |id| id.starts_with("ASI"),
    },
    Taxonomy {
        name: "OWASP-LLM",
        organization: "OWASP",
        uri: "https://genai.owasp.org/",
        what: "OWASP Top 10 for LLM Applications",
        has: |id| id.starts_with("LLM"),
    },
    Taxonomy {
        name: "ATLAS",
        organization: "MITRE",
        uri: "https://atlas.mitre.org/",
        what: "MITRE ATLAS",
        has: |id| id.starts_with("AML."),
    },
];

/// How a finding's severity is called in SARIF.
pub(super) const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// What code scanning sorts by: critical from 9, high from 7, medium from 4, low above 0.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// The rules of a run and everything they refer to.
pub(super) struct Catalogue {
    rules: BTreeMap<String, RuleText>,
    /// By taxonomy, in the order of [`TAXONOMIES`]; those without an id are left out of the report.
    taxa: Vec<(usize, Vec<String>)>,
    /// Rules at another severity than their own, as findings had them.
    regraded: BTreeSet<(String, Severity)>,
}

impl Catalogue {
    /// Of the rules of `run`.
    pub(super) fn of(run: &RunInfo) -> Catalogue {
        let rules: BTreeMap<String, RuleText> =
            run.rules.rules.iter().map(|rule| (rule.id.to_string(), rule.clone())).collect();
        let ids: BTreeSet<&str> =
            rules.values().flat_map(|rule| rule.references.iter().map(AsRef::as_ref)).collect();
        let taxa = TAXONOMIES.iter().enumerate().map(|(number, taxonomy)| {
            (number, ids.iter().filter(|id| (taxonomy.has)(id)).map(|id| (*id).to_owned()).collect())
        });
        let taxa = taxa.filter(|(_, ids): &(usize, Vec<String>)| !ids.is_empty()).collect();
        Catalogue { rules, taxa, regraded: BTreeSet::new() }
    }

    /// The id under which a finding of `rule` at `severity` is told. Code scanning takes the severity of an
    /// alert from its rule: a finding that is less than its rule's worst needs a rule of its own.
    pub(super) fn id(&mut self, rule: &str, severity: Severity) -> String {
        if self.rules.get(rule).is_some_and(|known| known.severity == severity) {
            return rule.to_owned();
        }
        self.regraded.insert((rule.to_owned(), severity));
        format!("{}/{}", inert(rule, 64), severity.name())
    }

    /// Every rule, also those that found nothing: that they looked is part of the result.
    pub(super) fn rules(&self) -> Vec<Value> {
        let own = self.rules.values().map(|rule| self.rule(rule.id.to_string(), Some(rule), rule.severity));
        let regraded = self.regraded.iter().map(|(id, severity)| {
            self.rule(format!("{}/{}", inert(id, 64), severity.name()), self.rules.get(id), *severity)
        });
        own.chain(regraded).collect()
    }

    fn rule(&self, id: String, text: Option<&RuleText>, severity: Severity) -> Value {
        let level = json!({"level": level(severity)});
        let mut tags = vec!["security".to_owned(), "mcp".to_owned()];
        let Some(text) = text else {
            let properties = json!({"tags": tags, "security-severity": score(severity)});
            return json!({"id": id, "defaultConfiguration": level, "properties": properties});
        };
        let cwe = text.references.iter().filter_map(|id| id.strip_prefix("CWE-"));
        tags.extend(cwe.map(|number| format!("external/cwe/cwe-{number:0>3}")));
        tags.extend(text.references.iter().map(|id| inert(id, 64)));
        tags.truncate(TAGS);
        let (title, help, remedy) =
            (inert(&text.title, 200), inert(&text.help, 1_000), inert(&text.remedy, 1_000));
        let references = text.references.join(", ");
        json!({
            "id": id,
            "name": pascal(&text.title),
            "shortDescription": {"text": title},
            "fullDescription": {"text": help},
            "help": {
                "text": format!("{help}\n\nWhat to do: {remedy}\n\nSee: {references}"),
                "markdown": format!("{help}\n\n**What to do:** {remedy}\n\nSee: {references}"),
            },
            "defaultConfiguration": level,
            "relationships": self.relationships(text),
            "properties": {"tags": tags, "security-severity": score(severity), "severity": severity},
        })
    }

    fn relationships(&self, rule: &RuleText) -> Vec<Value> {
        let mut found = Vec::new();
        for (index, (number, ids)) in self.taxa.iter().enumerate() {
            for id in rule.references.iter().filter(|id| (TAXONOMIES[*number].has)(id)) {
                let component = json!({"name": TAXONOMIES[*number].name, "index": index});
                let at = ids.iter().position(|known| known == id.as_ref());
                found.push(json!({
                    "target": {"id": id, "index": at, "toolComponent": component},
                    "kinds": ["relevant"],
                }));
            }
        }
        found
    }

    /// The lists that rules refer to.
    pub(super) fn taxonomies(&self) -> Vec<Value> {
        let component = |(number, ids): &(usize, Vec<String>)| {
            let Taxonomy { name, organization, uri, what, .. } = &TAXONOMIES[*number];
            json!({
                "name": name,
                "organization": organization,
                "informationUri": uri,
                "shortDescription": {"text": what},
                "isComprehensive": false,
                "taxa": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>(),
            })
        };
        self.taxa.iter().map(component).collect()
    }

    /// The same by name.
    pub(super) fn supported(&self) -> Vec<Value> {
        let names = self.taxa.iter().enumerate();
        names.map(|(index, (number, _))| json!({"name": TAXONOMIES[*number].name, "index": index})).collect()
    }
}

/// `no authentication` as `NoAuthentication`.
fn pascal(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words
        .flat_map(|word| word[..1].to_ascii_uppercase().chars().chain(word[1..].chars()).collect::<Vec<_>>())
        .collect()
}
