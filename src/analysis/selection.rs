//! Which rules hold, and how bad what they find is: ours as they are, unless the configuration says otherwise.

use std::borrow::Cow;

use crate::base::glob::Glob;
use crate::base::text::nearest;
use crate::model::finding::{Finding, Severity, worst_first};
use crate::model::run::{RuleSet, RuleText};

use super::custom::Custom;
use super::digest;
use super::options::Policy;
use super::rules::{NOT_ASSESSED, RULES, VERSION, canonical};

/// What the configuration says about rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Rules and families that are switched off.
    pub(crate) off: Vec<Glob>,
    /// Rules that are as bad as somebody says, whatever they find.
    pub(crate) grades: Vec<(Glob, Severity)>,
    /// Rules that are not ours.
    pub(crate) custom: Vec<Custom>,
}

/// A rule as this run has it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// What it says to people.
    pub(crate) text: RuleText,
    /// How bad it would be if nobody had said otherwise.
    pub(crate) standard: Severity,
    /// The setting that it belongs to; none, where it is somebody's own.
    pub(crate) setting: Option<&'static str>,
    /// Why it does not hold.
    pub(crate) off: Option<Cow<'static, str>>,
}

impl Selection {
    /// Leaves out what is switched off, and gives the rest the severity that it shall have. Doing so again
    /// changes nothing.
    pub(crate) fn apply(&self, findings: &mut Vec<Finding>) {
        if self.off.is_empty() && self.grades.is_empty() {
            return;
        }
        findings.retain(|finding| !self.is_off(&finding.rule));
        for finding in findings.iter_mut() {
            finding.severity = self.grade(&finding.rule).unwrap_or(finding.severity);
        }
        worst_first(findings);
    }

    /// The own rules that hold.
    pub(super) fn own(&self) -> impl Iterator<Item = &Custom> {
        self.custom.iter().filter(|rule| !self.is_off(&rule.id))
    }

    pub(super) fn is_off(&self, id: &str) -> bool {
        self.off.iter().any(|glob| glob.matches(id))
    }

    /// A rule by its name wins over a family; among families the last one does.
    fn grade(&self, id: &str) -> Option<Severity> {
        let named = self.grades.iter().find(|(glob, _)| glob.text().eq_ignore_ascii_case(id));
        named.or_else(|| self.grades.iter().rfind(|(glob, _)| glob.matches(id))).map(|(_, grade)| *grade)
    }

    /// What is wrong with `glob` where it is to name rules: that it names none.
    pub(crate) fn unknown(&self, glob: &Glob) -> Option<String> {
        let ids = || RULES.iter().map(|r| r.id).chain(self.custom.iter().map(|c| c.id.as_str()));
        if ids().any(|id| glob.matches(id)) {
            return None;
        }
        let meant = nearest(glob.text(), ids()).map_or_else(
            || " (hawkeye rules list names them all)".to_owned(),
            |meant| format!(" (did you mean {meant}?)"),
        );
        Some(format!("no rule \"{}\"{meant}", crate::base::text::quote(glob.text(), 60)))
    }
}

/// Every rule there is under `policy`, those that do not hold among them.
pub(crate) fn entries(policy: &Policy) -> Vec<Entry> {
    let selection = &policy.selection;
    let off = |id: &str| {
        let by = selection.off.iter().find(|glob| glob.matches(id))?;
        Some(Cow::Owned(format!("rules.disable: {by}")))
    };
    let ours = RULES.iter().map(|rule| {
        let standard = rule.severity;
        let switched = (!rule.switch.on(policy)).then(|| Cow::Owned(rule.switch.why_off(policy)));
        let off = switched.or_else(|| off(rule.id));
        let text = RuleText { severity: selection.grade(rule.id).unwrap_or(standard), ..rule.text() };
        Entry { text, standard, setting: Some(rule.switch.key()), off }
    });
    let own = selection.custom.iter().map(|rule| Entry {
        text: RuleText { severity: selection.grade(&rule.id).unwrap_or(rule.severity), ..rule.describe() },
        standard: rule.severity,
        setting: None,
        off: off(&rule.id),
    });
    ours.chain(own).collect()
}

/// Which rules judge under `policy`, for reports.
pub(crate) fn rule_set(policy: &Policy) -> RuleSet {
    let entries = entries(policy);
    let plain = *policy.selection == Selection::default();
    let sha256 = digest::sha256(&decisive(policy, &entries).iter().map(AsRef::as_ref).collect::<Vec<_>>());
    let version = match plain {
        true => Cow::Borrowed(VERSION),
        // Other rules are another version.
        false => Cow::Owned(format!("{VERSION}+{}", &sha256[..8])),
    };
    let rules: Vec<RuleText> = entries.iter().filter(|e| e.off.is_none()).map(|e| e.text.clone()).collect();
    RuleSet {
        version,
        count: rules.len(),
        sha256,
        not_assessed: not_assessed(policy, &entries),
        rules: rules.into(),
    }
}

/// Everything that decides what is told.
fn decisive<'a>(policy: &'a Policy, entries: &'a [Entry]) -> Vec<Cow<'a, str>> {
    let mut parts: Vec<Cow<'a, str>> = canonical().into_iter().map(Cow::Borrowed).collect();
    let holds = entries.iter().filter(|e| e.off.is_none());
    parts.extend(holds.flat_map(|e| [e.text.id.as_ref(), e.text.severity.name()]).map(Cow::Borrowed));
    parts.push(Cow::Owned(policy.depth.to_string()));
    for rule in policy.selection.own() {
        // Where it stands is no part of what it says.
        let here = Custom { from: String::new(), ..rule.clone() };
        parts.push(Cow::Owned(format!("{here:?}")));
    }
    parts
}

fn not_assessed(policy: &Policy, entries: &[Entry]) -> Vec<Cow<'static, str>> {
    let mut said: Vec<Cow<'static, str>> = Vec::new();
    let held = entries.iter().any(|e| e.off.is_none());
    if !held {
        said.push("anything at all: no rule is in force".into());
    } else {
        for (on, what) in [
            (policy.risk, "risks: enable_risk_assessment is false"),
            (policy.detailed || !policy.risk, "texts and parameters: enable_detailed_analysis is false"),
            (policy.schemas, "schemas and names: enable_schema_validation is false"),
        ] {
            said.extend((!on).then_some(Cow::Borrowed(what)));
        }
        let by_name: Vec<&str> = policy.selection.off.iter().map(Glob::text).collect();
        if !by_name.is_empty() {
            said.push(
                format!("what these rules find, which are switched off: {}", by_name.join(", ")).into(),
            );
        }
    }
    said.extend(NOT_ASSESSED.map(Cow::Borrowed));
    said
}

impl Custom {
    /// What it says to people.
    fn describe(&self) -> RuleText {
        let words = |patterns: &[super::custom::Pattern]| {
            patterns.iter().map(|p| format!("`{}`", p.text())).collect::<Vec<_>>().join(" or ")
        };
        let unless = match self.unless.as_slice() {
            [] => String::new(),
            patterns => format!(", unless {} is there", words(patterns)),
        };
        let places: Vec<&str> = super::custom::Place::ALL
            .iter()
            .filter(|(_, place)| self.places.contains(place))
            .map(|(name, _)| *name)
            .collect();
        let help = format!(
            "A rule of your own ({}): looks for {} in {}{unless}, in whatever case and disguise.",
            self.from,
            words(&self.patterns),
            places.join(", ")
        );
        RuleText {
            id: self.id.clone().into(),
            severity: self.severity,
            title: self.title.clone().into(),
            help: help.into(),
            remedy: self.remedy.clone().into(),
            references: self.references.iter().map(|r| r.clone().into()).collect(),
        }
    }
}
