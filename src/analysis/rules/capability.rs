//! What tools can do. Facts, not accusations.

use crate::model::finding::Severity;

use super::{Check, Rule, Switch};
use crate::analysis::{capability, deeds, outward, parameters};

pub(super) const RULES: &[Rule] = &[
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
        severity: Severity::Medium,
        title: "deletes or overwrites something",
        help: "The name says that the tool destroys or overwrites: low, medium where others rely on what is lost, and one less where the annotation destructiveHint says so as well.",
        remedy: "Annotate it with destructiveHint, and ask for confirmation before each call.",
        references: &["MCP02:2025", "ASI02:2026", "AML.T0101"],
        switch: Switch::Risk,
        check: Check::Item(capability::destroy),
    },
    Rule {
        id: "HK-CAP-003",
        severity: Severity::Medium,
        title: "free URL or host parameter",
        help: "The tool asks whatever address it is given, also inside of the network it runs in. Medium where it takes headers, a body or a method, too.",
        remedy: "Restrict the parameter to known hosts with enum or pattern, and refuse private addresses.",
        references: &["MCP05:2025", "CWE-918"],
        switch: Switch::Detail,
        check: Check::Item(parameters::url_parameter),
    },
    Rule {
        id: "HK-CAP-004",
        severity: Severity::Low,
        title: "free path parameter",
        help: "The tool takes any path; only its code can keep it inside of a directory. Info where its text speaks of such a limit.",
        remedy: "Restrict it with a pattern, respect the client's roots, and refuse `..`.",
        references: &["MCP05:2025", "CWE-22"],
        switch: Switch::Detail,
        check: Check::Item(parameters::path_parameter),
    },
    Rule {
        id: "HK-CAP-005",
        severity: Severity::Medium,
        title: "free query parameter",
        help: "The tool runs SQL, GraphQL, Cypher or another language that the model writes. Low where it says that it only reads, or the language can do no more.",
        remedy: "Use a read-only account, prepared statements, and readOnlyHint.",
        references: &["MCP05:2025", "CWE-89"],
        switch: Switch::Detail,
        check: Check::Item(parameters::query_parameter),
    },
    Rule {
        id: "HK-CAP-006",
        severity: Severity::Medium,
        title: "moves money, sends messages or changes permissions",
        help: "The name says that the tool does what cannot be taken back, in the user's name. A fact, not an accusation.",
        remedy: "Ask for confirmation before each call, and set limits where the server has them.",
        references: &["MCP02:2025", "ASI02:2026", "LLM06:2025"],
        switch: Switch::Risk,
        check: Check::Item(deeds::transact),
    },
    Rule {
        id: "HK-CAP-007",
        severity: Severity::High,
        title: "annotation contradicts name or text",
        help: "A tool that deletes or writes by its name or text says that it only reads, or harms nothing. Clients skip confirmation because of that.",
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
        check: Check::Item(outward::outward_parameter),
    },
];
