//! The one table of rules, a file a family. What a rule says to people, what it refers to, which setting it
//! belongs to, and the function that looks.

mod capability;
pub(super) mod drift;
mod fleet;
mod poisoning;
mod schema;
mod surface;
mod unicode;

use std::sync::LazyLock;

use crate::base::text::quote;
use crate::model::finding::{Confidence, Finding, Severity};
use crate::model::run::RuleText;

use super::fleet::mentions::Errand;
use super::frames::FRAMES;
use super::hits::Hits;
use super::item::Item;
use super::lexicon::{NOTIONS, SECRET_FILES, SECRET_PLACES};
use super::options::Policy;
use super::outward;
use super::roles::ROLES;
use super::{Facts, digest, famous, wording};

/// Changes whenever the table does.
pub(super) const VERSION: &str = "2026-11-23";

/// One rule.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Stable, `HK-XXX-000`.
    pub(crate) id: &'static str,
    /// The worst it can be.
    pub(crate) severity: Severity,
    /// What it finds, in a few words.
    pub(crate) title: &'static str,
    /// What is bad about it, and when it is told at all.
    pub(crate) help: &'static str,
    /// What to do.
    pub(crate) remedy: &'static str,
    /// OWASP MCP, OWASP Agentic, MITRE ATLAS, CWE.
    pub(crate) references: &'static [&'static str],
    /// The setting it belongs to.
    pub(crate) switch: Switch,
    /// What looks.
    pub(super) check: Check,
}

/// The setting a rule belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// `enable_schema_validation`
    Schemas,
    /// `enable_risk_assessment`
    Risk,
    /// `enable_detailed_analysis`, where `enable_risk_assessment` holds as well.
    Detail,
}

impl Switch {
    /// The setting's name.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Switch::Schemas => "enable_schema_validation",
            Switch::Risk => "enable_risk_assessment",
            Switch::Detail => "enable_detailed_analysis",
        }
    }

    /// Whether `policy` wants rules of this kind.
    pub(super) const fn on(self, policy: &Policy) -> bool {
        match self {
            Switch::Schemas => policy.schemas,
            Switch::Risk => policy.risk,
            Switch::Detail => policy.risk && policy.detailed,
        }
    }

    /// Why `policy` wants none of them.
    pub(super) fn why_off(self, policy: &Policy) -> String {
        match self {
            Switch::Detail if !policy.risk => format!("{} is false", Switch::Risk.key()),
            Switch::Schemas | Switch::Risk | Switch::Detail => format!("{} is false", self.key()),
        }
    }
}

/// What a rule looks at.
pub(super) enum Check {
    /// Each item.
    Item(fn(&Item<'_>, &mut Hits<'_>)),
    /// All tools together: a name that is there twice.
    Repeats,
    /// What tools say of other tools, of their own server and, with [`super::fleet`], of others.
    Mentions(Errand),
    /// The target, after its items.
    Target(fn(&Facts<'_>, &mut Hits<'_>)),
    /// Each item, and then the target.
    Both(fn(&Item<'_>, &mut Hits<'_>), fn(&Facts<'_>, &mut Hits<'_>)),
    /// All servers of a client together, when each of them is known.
    Fleet,
    /// What is different from the last time, or from one way of asking to another.
    Drift,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Check::Item(_) => "Item",
            Check::Repeats => "Repeats",
            Check::Mentions(_) => "Mentions",
            Check::Target(_) => "Target",
            Check::Both(..) => "Both",
            Check::Fleet => "Fleet",
            Check::Drift => "Drift",
        })
    }
}

/// The rule called `id`, however it is spelled.
pub(crate) fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|r| r.id.eq_ignore_ascii_case(id))
}

/// What no listing shows.
pub(super) const NOT_ASSESSED: [&str; 3] = [
    "what the code of a server does when a tool is called",
    "what tools, resources and prompts return",
    "how a server changes after this run",
];

/// Everything in the tables that decides what is told.
pub(super) fn canonical() -> Vec<&'static str> {
    let rules = RULES.iter().flat_map(|r| {
        let own = [r.id, r.severity.name(), r.title, r.help, r.remedy, r.switch.key()];
        own.into_iter().chain(r.references.iter().copied())
    });
    let notions = NOTIONS.iter().flat_map(|n| [n.name, n.words]);
    // What a frame weighs decides as much as what it says.
    const WEIGHTS: [&str; 5] = ["0", "1", "2", "3", "4"];
    let frames = FRAMES.iter().flat_map(|f| {
        [
            f.text,
            f.sign.name(),
            WEIGHTS[usize::from(f.weight).min(4)],
            if f.deniable { "deniable" } else { "firm" },
        ]
    });
    let places = SECRET_PLACES
        .iter()
        .chain(SECRET_FILES)
        .chain(outward::NAMES)
        .chain(outward::NEEDED)
        .chain(outward::MODELS)
        .copied();
    let roles = ROLES.iter().map(|(_, words)| *words);
    let tables = roles.chain(famous::list()).chain([wording::TABLE]);
    rules.chain(frames).chain(notions).chain(places).chain(tables).collect()
}

/// All of them, family by family.
pub(crate) static RULES: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
    let families = [
        poisoning::RULES,
        unicode::RULES,
        capability::RULES,
        surface::RULES,
        schema::RULES,
        fleet::RULES,
        drift::RULES,
    ];
    families.into_iter().flatten().collect()
});

/// A finding without what its rule knows already.
pub(crate) struct Found<'a> {
    /// How bad.
    pub(crate) severity: Severity,
    /// How sure.
    pub(crate) confidence: Confidence,
    /// One line for people.
    pub(crate) message: String,
    /// JSON pointer into the report's target.
    pub(crate) pointer: String,
    /// What was found, as it was sent.
    pub(crate) excerpt: Option<String>,
    /// What makes it the same finding next time, wherever it stands then: target, kind, name, path.
    pub(crate) same: &'a [&'a str],
}

/// Characters of an excerpt.
const EXCERPT: usize = 160;

impl Rule {
    /// What it says to people.
    pub(crate) fn text(&self) -> RuleText {
        RuleText {
            id: self.id.into(),
            severity: self.severity,
            title: self.title.into(),
            help: self.help.into(),
            remedy: self.remedy.into(),
            references: self.references.iter().map(|r| (*r).into()).collect(),
        }
    }

    /// One of its findings.
    pub(crate) fn finding(&self, found: Found<'_>) -> Finding {
        let same: Vec<&str> = std::iter::once(self.id).chain(found.same.iter().copied()).collect();
        Finding {
            rule: self.id.into(),
            severity: found.severity,
            confidence: found.confidence,
            message: found.message,
            pointer: found.pointer,
            excerpt: found.excerpt.map(|e| quote(&e, EXCERPT)),
            references: self.references.iter().map(|r| (*r).into()).collect(),
            remedy: self.remedy.into(),
            fingerprint: digest::fingerprint(&same),
            related: Vec::new(),
            fails: false,
            suppressed: None,
        }
    }
}
