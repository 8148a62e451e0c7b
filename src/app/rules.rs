//! `hawkeye rules`: what there is to be found under these settings, and what to do about it.

use std::path::Path;

use serde::Serialize;

use crate::analysis::options::Policy;
use crate::analysis::selection::{Entry, entries, rule_set};
use crate::base::columns::lay_out;
use crate::base::text::{nearest, quote, visible};
use crate::cli::args::{Rules, RulesCommand, Shown};
use crate::config::{self, Environment, Overrides};
use crate::model::finding::Severity;
use crate::model::run::{RuleSet, RuleText};

use super::exit::Exit;
use super::{print, say};

pub(super) fn run(args: &Rules) -> Exit {
    let config = match &args.command {
        RulesCommand::List(list) => &list.config,
        RulesCommand::Explain(explain) => &explain.config,
    };
    let policy = match policy(config.as_deref()) {
        Ok(policy) => policy,
        Err(why) => {
            say(&why);
            return Exit::Usage;
        }
    };
    match &args.command {
        RulesCommand::List(list) => match list.format.unwrap_or(Shown::Table) {
            Shown::Table => print(&table(&policy)),
            Shown::Json => json(&policy),
        },
        RulesCommand::Explain(explain) => {
            let entries = entries(&policy);
            match entries.iter().find(|e| e.text.id.eq_ignore_ascii_case(&explain.id)) {
                Some(entry) => print(&explained(entry)),
                None => {
                    say(&unknown(&explain.id, &entries));
                    Exit::Usage
                }
            }
        }
    }
}

/// What is judged under the settings that hold here.
fn policy(config: Option<&Path>) -> Result<Policy, String> {
    let overrides = Overrides { config: config.map(Path::to_path_buf), ..Overrides::default() };
    let environment = Environment::of_process().map_err(|e| e.to_string())?;
    let resolved = config::resolve(&overrides, &environment).map_err(|e| e.to_string())?;
    Ok(resolved.settings.assessment)
}

fn table(policy: &Policy) -> String {
    let mut rows = vec![["rule", "worst", "setting", "what it finds"].map(str::to_owned).to_vec()];
    let entries = entries(policy);
    rows.extend(entries.iter().map(|e| {
        let worst = match (&e.off, e.text.severity == e.standard) {
            (Some(_), _) => "off".to_owned(),
            (None, true) => e.standard.to_string(),
            (None, false) => format!("{} (was {})", e.text.severity, e.standard),
        };
        vec![e.text.id.to_string(), worst, setting(e).to_owned(), visible(&e.text.title).into_owned()]
    }));
    let mut out = lay_out(&rows, &[]);
    let RuleSet { version, count, .. } = rule_set(policy);
    let off = match entries.len() - count {
        0 => String::new(),
        n => format!(" in force, {n} off"),
    };
    out.push_str(&format!("{count} rules{off}, version {version}; hawkeye rules explain ID tells more\n"));
    out
}

fn setting(entry: &Entry) -> &'static str {
    entry.setting.unwrap_or("rules.custom")
}

/// The list for programs.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    set: RuleSet,
    rules: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    text: &'a RuleText,
    setting: &'static str,
    enabled: bool,
    /// Why not, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    off: Option<&'a str>,
    /// How bad it would be if the settings said nothing, where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    standard_severity: Option<Severity>,
    custom: bool,
}

fn json(policy: &Policy) -> Exit {
    let entries = entries(policy);
    let rules = entries.iter().map(|e| Line {
        text: &e.text,
        setting: setting(e),
        enabled: e.off.is_none(),
        off: e.off.as_deref(),
        standard_severity: (e.standard != e.text.severity).then_some(e.standard),
        custom: e.setting.is_none(),
    });
    let listed = Listed { set: rule_set(policy), rules: rules.collect() };
    match serde_json::to_string_pretty(&listed) {
        Ok(text) => print(&(text + "\n")),
        Err(e) => {
            say(&format!("cannot write the list of rules: {e}"));
            Exit::Unwritten
        }
    }
}

fn explained(entry: &Entry) -> String {
    let Entry { text, standard, setting, off } = entry;
    let severity = match text.severity == *standard {
        true => standard.to_string(),
        false => {
            format!("{} for all it finds (rules.severity; {standard} at worst otherwise)", text.severity)
        }
    };
    let off = off.as_ref().map_or(String::new(), |why| format!("Switched off: {why}\n"));
    let setting = setting.map_or("rules.custom".to_owned(), |key| format!("mcp_introspection.{key}"));
    let lines = format!(
        "{}: {}\n\nWorst severity: {severity}\nSetting: {setting}\n{off}References: {}\n\n{}\n\nWhat to do: {}\n",
        text.id,
        text.title,
        text.references.join(", "),
        text.help,
        text.remedy
    );
    // Own rules come from files that others may have written.
    lines.lines().map(|line| visible(line) + "\n").collect()
}

fn unknown(id: &str, entries: &[Entry]) -> String {
    let shown = quote(id, 40);
    match nearest(id, entries.iter().map(|e| e.text.id.as_ref())) {
        Some(meant) => format!("no rule {shown} (did you mean {meant}?)"),
        None => format!("no rule {shown} (hawkeye rules list names them all)"),
    }
}
