//! `hawkeye rules`: what there is to be found, and what to do about it.

use serde::Serialize;

use crate::analysis::rules::{RULES, Rule, find, rule_set};
use crate::base::columns::lay_out;
use crate::base::text::{nearest, quote};
use crate::cli::args::{Rules, RulesCommand, Shown};
use crate::model::finding::Severity;
use crate::model::run::RuleSet;

use super::exit::Exit;
use super::{print, say};

pub(super) fn run(args: &Rules) -> Exit {
    match &args.command {
        RulesCommand::List(list) => match list.format.unwrap_or(Shown::Table) {
            Shown::Table => print(&table()),
            Shown::Json => json(),
        },
        RulesCommand::Explain(explain) => match find(&explain.id) {
            Some(rule) => print(&explained(rule)),
            None => {
                say(&unknown(&explain.id));
                Exit::Usage
            }
        },
    }
}

fn table() -> String {
    let mut rows = vec![["rule", "worst", "setting", "what it finds"].map(str::to_owned).to_vec()];
    rows.extend(
        RULES.iter().map(|r| [r.id, r.severity.name(), r.switch.key(), r.title].map(str::to_owned).to_vec()),
    );
    let mut out = lay_out(&rows, &[]);
    let RuleSet { version, count, .. } = rule_set();
    out.push_str(&format!("{count} rules, version {version}; hawkeye rules explain ID tells more\n"));
    out
}

/// The list for programs.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    set: RuleSet,
    rules: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    id: &'static str,
    severity: Severity,
    title: &'static str,
    help: &'static str,
    remedy: &'static str,
    references: &'static [&'static str],
    setting: &'static str,
}

fn json() -> Exit {
    let entry = |r: &Rule| Entry {
        id: r.id,
        severity: r.severity,
        title: r.title,
        help: r.help,
        remedy: r.remedy,
        references: r.references,
        setting: r.switch.key(),
    };
    let listed = Listed { set: rule_set(), rules: RULES.iter().copied().map(entry).collect() };
    match serde_json::to_string_pretty(&listed) {
        Ok(text) => print(&(text + "\n")),
        Err(e) => {
            say(&format!("cannot write the list of rules: {e}"));
            Exit::Unwritten
        }
    }
}

fn explained(rule: &Rule) -> String {
    format!(
        "{}: {}\n\nWorst severity: {}\nSetting: mcp_introspection.{}\nReferences: {}\n\n{}\n\nWhat to do: {}\n",
        rule.id,
        rule.title,
        rule.severity,
        rule.switch.key(),
        rule.references.join(", "),
        rule.help,
        rule.remedy
    )
}

fn unknown(id: &str) -> String {
    let shown = quote(id, 40);
    match nearest(id, RULES.iter().map(|r| r.id)) {
        Some(meant) => format!("no rule {shown} (did you mean {meant}?)"),
        None => format!("no rule {shown} (hawkeye rules list names them all)"),
    }
}
