//! The one table of rules. What a rule says to people, what it refers to, which setting it belongs to, and
//! the function that looks.

use crate::model::finding::Severity;
use crate::model::run::RuleSet;

use super::hits::Hits;
use super::item::Item;
use super::options::Policy;
use super::phrases::{PHRASES, SECRET_PLACES, SETS};
use super::{Facts, capability, digest, names, poison, surface, unicode};

/// Changes whenever the table does.
const VERSION: &str = "2026-11-22";

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
}

/// What a rule looks at.
pub(super) enum Check {
    /// Each item.
    Item(fn(&Item<'_>, &mut Hits<'_>)),
    /// All tools together: a name that is there twice.
    Repeats,
    /// The target, after its items.
    Target(fn(&Facts<'_>, &mut Hits<'_>)),
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Check::Item(_) => "Item",
            Check::Repeats => "Repeats",
            Check::Target(_) => "Target",
        })
    }
}

/// The rule called `id`, however it is spelled.
pub(crate) fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|r| r.id.eq_ignore_ascii_case(id))
}

/// Which rules these are, for reports.
pub(crate) fn rule_set() -> RuleSet {
    RuleSet { version: VERSION, count: RULES.len(), sha256: digest::sha256(&canonical()) }
}

/// Everything in the tables that decides what is told.
fn canonical() -> Vec<&'static str> {
    let rules = RULES.iter().flat_map(|r| {
        let own = [r.id, r.severity.name(), r.title, r.help, r.remedy, r.switch.key()];
        own.into_iter().chain(r.references.iter().copied())
    });
    let sets = SETS.iter().flat_map(|(name, words)| [*name, *words]);
    rules.chain(PHRASES.iter().map(|p| p.text)).chain(sets).chain(SECRET_PLACES.iter().copied()).collect()
}

/// All of them, by id.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        id: "HK-AUT-001",
        severity: Severity::High,
        title: "no authentication",
        help: "The server listed what it offers without asking who wants to know. Info on this machine; high where a tool is dangerous.",
        remedy: "Require OAuth or a bearer token, or let it listen on loopback only.",
        references: &["MCP07:2025", "CWE-306"],
        switch: Switch::Risk,
        check: Check::Target(surface::unauthenticated),
    },
    Rule {
        id: "HK-AUT-002",
        severity: Severity::High,
        title: "plain HTTP to another machine",
        help: "Whoever is on the way reads and changes everything. High where credentials are sent along. Loopback is exempt.",
        remedy: "Use https://, or a tunnel that ends on this machine.",
        references: &["MCP01:2025", "CWE-319"],
        switch: Switch::Risk,
        check: Check::Target(surface::cleartext),
    },
    Rule {
        id: "HK-CAP-001",
        severity: Severity::Medium,
        title: "runs commands or code",
        help: "Two of name, description and parameters say that the tool runs what the model gives it. A fact, not an accusation.",
        remedy: "Ask for confirmation before each call, run the server in a sandbox, or allow-list the commands.",
        references: &["MCP05:2025", "ASI05:2026", "CWE-78", "AML.T0050"],
        switch: Switch::Risk,
        check: Check::Item(capability::execute),
    },
    Rule {
        id: "HK-CAP-002",
        severity: Severity::Low,
        title: "deletes or ends something",
        help: "The name says that the tool destroys. Info where the annotation destructiveHint says so as well.",
        remedy: "Annotate it with destructiveHint, and ask for confirmation before each call.",
        references: &["MCP02:2025", "ASI02:2026", "AML.T0101"],
        switch: Switch::Risk,
        check: Check::Item(capability::destroy),
    },
    Rule {
        id: "HK-CAP-003",
        severity: Severity::Low,
        title: "free URL or host parameter",
        help: "The tool asks whatever address it is given, also inside of the network it runs in.",
        remedy: "Restrict the parameter to known hosts with enum or pattern, and refuse private addresses.",
        references: &["MCP05:2025", "CWE-918"],
        switch: Switch::Detail,
        check: Check::Item(capability::url_parameter),
    },
    Rule {
        id: "HK-CAP-004",
        severity: Severity::Low,
        title: "free path parameter",
        help: "The tool takes any path; only its code can keep it inside of a directory.",
        remedy: "Restrict it with a pattern, respect the client's roots, and refuse `..`.",
        references: &["MCP05:2025", "CWE-22"],
        switch: Switch::Detail,
        check: Check::Item(capability::path_parameter),
    },
    Rule {
        id: "HK-CAP-005",
        severity: Severity::Medium,
        title: "free SQL parameter",
        help: "The tool runs SQL that the model writes. Low where it says that it only reads.",
        remedy: "Use a read-only account, prepared statements, and readOnlyHint.",
        references: &["MCP05:2025", "CWE-89"],
        switch: Switch::Detail,
        check: Check::Item(capability::query_parameter),
    },
    Rule {
        id: "HK-CAP-007",
        severity: Severity::High,
        title: "annotation contradicts the name",
        help: "A tool that deletes or writes by its name says that it only reads, or harms nothing. Clients skip confirmation because of that.",
        remedy: "Correct readOnlyHint and destructiveHint; do not trust the server's annotations meanwhile.",
        references: &["MCP02:2025", "ASI09:2026", "CWE-451"],
        switch: Switch::Risk,
        check: Check::Item(capability::contradiction),
    },
    Rule {
        id: "HK-FLW-002",
        severity: Severity::High,
        title: "parameter shaped for taking data out",
        help: "A parameter asks for the conversation, the system prompt or the model's name, which the tool's work does not need. High beside instructions to the model.",
        remedy: "Remove the parameter, or strip it before each call.",
        references: &["MCP10:2025", "AML.T0086", "CWE-200"],
        switch: Switch::Detail,
        check: Check::Item(capability::outward_parameter),
    },
    Rule {
        id: "HK-PIN-001",
        severity: Severity::Medium,
        title: "started from an unpinned package",
        help: "The package is fetched in whatever version there is: who takes it over runs code here at the next start. Local paths are exempt.",
        remedy: "Name a whole version (pkg@1.2.3, pkg==1.2.3), a commit or an image digest.",
        references: &["MCP04:2025", "ASI04:2026", "AML.T0010", "CWE-494"],
        switch: Switch::Risk,
        check: Check::Target(surface::unpinned),
    },
    Rule {
        id: "HK-POI-001",
        severity: Severity::Critical,
        title: "block addressed to the model",
        help: "A tag, heading or fake system turn, together with something that is to be done. A heading alone is not told.",
        remedy: "Do not use the server; report it. If it is yours, describe the tool in plain words.",
        references: &["MCP03:2025", "LLM01:2025", "AML.T0110", "CWE-1427"],
        switch: Switch::Detail,
        check: Check::Item(poison::frame),
    },
    Rule {
        id: "HK-POI-002",
        severity: Severity::Critical,
        title: "sets instructions or safeguards aside",
        help: "The text tells the model to ignore what it was told, or to skip checks.",
        remedy: "Do not use the server; report it.",
        references: &["MCP06:2025", "LLM01:2025", "AML.T0051", "CWE-1427"],
        switch: Switch::Detail,
        check: Check::Item(poison::overriding),
    },
    Rule {
        id: "HK-POI-003",
        severity: Severity::Critical,
        title: "keeps something from the user",
        help: "The text tells the model not to mention what is done.",
        remedy: "Do not use the server; report it.",
        references: &["MCP03:2025", "ASI09:2026", "CWE-1427"],
        switch: Switch::Detail,
        check: Check::Item(poison::conceal),
    },
    Rule {
        id: "HK-POI-004",
        severity: Severity::Critical,
        title: "ties the use of tools to something else",
        help: "Something must be done before, after or whenever a tool is used. Honest servers do that, too: low alone.",
        remedy: "Read what is demanded, and why.",
        references: &["MCP06:2025", "AML.T0110"],
        switch: Switch::Detail,
        check: Check::Item(poison::hook),
    },
    Rule {
        id: "HK-POI-006",
        severity: Severity::Critical,
        title: "asks for what holds secrets",
        help: "A text wants key files, credentials or private data read or sent along. \"Never reads\" is not told.",
        remedy: "Do not use the server; report it.",
        references: &["MCP01:2025", "AML.T0083", "CWE-200"],
        switch: Switch::Detail,
        check: Check::Item(poison::secrets),
    },
    Rule {
        id: "HK-POI-007",
        severity: Severity::Critical,
        title: "wants data sent out",
        help: "A text wants messages, files or the conversation sent to an address it names, or passed along.",
        remedy: "Do not use the server; report it.",
        references: &["MCP10:2025", "AML.T0086", "CWE-200"],
        switch: Switch::Detail,
        check: Check::Item(poison::send),
    },
    Rule {
        id: "HK-POI-008",
        severity: Severity::Critical,
        title: "wants a command run",
        help: "A text tells the model to run a command that it names.",
        remedy: "Do not use the server; report it.",
        references: &["MCP05:2025", "AML.T0050", "CWE-78"],
        switch: Switch::Detail,
        check: Check::Item(poison::command),
    },
    Rule {
        id: "HK-POI-009",
        severity: Severity::Critical,
        title: "changes what the user asked for",
        help: "A text wants recipients, amounts or arguments replaced.",
        remedy: "Do not use the server; report it.",
        references: &["MCP06:2025", "ASI01:2026", "CWE-1427"],
        switch: Switch::Detail,
        check: Check::Item(poison::rewrite),
    },
    Rule {
        id: "HK-POI-011",
        severity: Severity::Critical,
        title: "wants to be preferred",
        help: "A tool praises itself beyond all others, or warns of them. Medium at most without other signs.",
        remedy: "Say what the tool does and when it fits; leave the choice to the model.",
        references: &["MCP03:2025", "ASI01:2026", "AML.T0100"],
        switch: Switch::Detail,
        check: Check::Item(poison::prefer),
    },
    Rule {
        id: "HK-POI-012",
        severity: Severity::Critical,
        title: "speaks as somebody else",
        help: "A text claims to come from the user, the developer or the system, or gives the model a new role.",
        remedy: "Do not use the server; report it.",
        references: &["MCP06:2025", "ASI09:2026", "AML.T0073", "CWE-1427"],
        switch: Switch::Detail,
        check: Check::Item(poison::impersonate),
    },
    Rule {
        id: "HK-SCH-001",
        severity: Severity::Medium,
        title: "schema is invalid",
        help: "The input or output schema is missing, is no JSON Schema, or cannot mean what it says: required names that are not there, empty ranges, references that lead nowhere.",
        remedy: "Correct the schema at the place the pointer names.",
        references: &["CWE-20"],
        switch: Switch::Schemas,
        check: Check::Item(names::schema),
    },
    Rule {
        id: "HK-SCH-003",
        severity: Severity::Medium,
        title: "schema leads out or out of bounds",
        help: "A reference leads to another host (it is never fetched), or there is more than is judged. Info where max_tool_analysis_depth is the bound.",
        remedy: "Put what is referred to under $defs; raise max_tool_analysis_depth if the depth is meant.",
        references: &["CWE-918", "CWE-400"],
        switch: Switch::Schemas,
        check: Check::Item(names::bounds),
    },
    Rule {
        id: "HK-SCH-004",
        severity: Severity::Medium,
        title: "name is missing or not allowed",
        help: "Clients refuse tools without a name, or with other characters than letters, digits, _, -, . and /.",
        remedy: "Rename it.",
        references: &["CWE-20"],
        switch: Switch::Schemas,
        check: Check::Item(names::name),
    },
    Rule {
        id: "HK-SCH-005",
        severity: Severity::Medium,
        title: "name stands twice",
        help: "Two tools of one server have one name: which one is called is up to the client.",
        remedy: "Rename one of them.",
        references: &["MCP03:2025", "CWE-694"],
        switch: Switch::Schemas,
        check: Check::Repeats,
    },
    Rule {
        id: "HK-SCH-006",
        severity: Severity::Info,
        title: "no description",
        help: "A model chooses tools by their descriptions.",
        remedy: "Say in a sentence what the tool does.",
        references: &["CWE-1059"],
        switch: Switch::Schemas,
        check: Check::Item(names::description),
    },
    Rule {
        id: "HK-SEC-001",
        severity: Severity::High,
        title: "credentials written into a URL",
        help: "User and password of a URL end up in logs, process lists and files. Low on this machine; what a variable brings in is exempt.",
        remedy: "Put the secret into a header with ${VAR}, or into the server's environment.",
        references: &["MCP01:2025", "CWE-522", "CWE-798"],
        switch: Switch::Risk,
        check: Check::Target(surface::credentials_in_url),
    },
    Rule {
        id: "HK-UNI-001",
        severity: Severity::Critical,
        title: "invisible characters",
        help: "Characters that nobody sees and a model reads, or that reverse what is seen. Joiners where scripts and emoji need them are exempt. Critical where they spell something.",
        remedy: "Do not use the server until the text is plain; report it.",
        references: &["MCP03:2025", "AML.T0068", "CWE-451"],
        switch: Switch::Risk,
        check: Check::Item(unicode::invisible),
    },
    Rule {
        id: "HK-UNI-003",
        severity: Severity::High,
        title: "terminal control sequences",
        help: "Text that moves cursors, hides lines or writes to the clipboard where it is printed.",
        remedy: "Do not print the server's text raw; report it.",
        references: &["MCP03:2025", "CWE-150"],
        switch: Switch::Risk,
        check: Check::Item(unicode::escapes),
    },
];
