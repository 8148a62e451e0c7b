//! What changed since the last time, or depends on who asks.

use super::{Check, Rule, Switch};
use crate::model::finding::Severity;

/// A text or schema is another.
pub(in crate::analysis) const CHANGED: &str = "HK-RUG-001";
/// Tools came or went.
pub(in crate::analysis) const ADDED_OR_REMOVED: &str = "HK-RUG-002";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: CHANGED,
        severity: Severity::High,
        title: "a tool, a prompt or the instructions are not what they were",
        help: "A server that was looked at and approved can say something else the next day, to the same users. \
            Each listing is compared with the last complete one of the same server in the history, or with the \
            baseline; white space and the order of keys make no difference. MEDIUM; HIGH where today's rules \
            find something in the new text (an instruction, hidden characters) or a capability that they do not \
            find in the old one.",
        remedy: "Read what changed (hawkeye diff). If it is as it should be, accept it (hawkeye baseline accept); \
            if not, stop using the server and pin the version from before.",
        references: &["MCP03:2025", "MCP04:2025", "ASI04:2026", "AML.T0109", "CWE-345", "CWE-494"],
        switch: Switch::Risk,
        check: Check::Drift,
    },
    Rule {
        id: ADDED_OR_REMOVED,
        severity: Severity::Medium,
        title: "tools or prompts came or went",
        help: "A tool that was not there when the server was approved was approved by nobody. LOW where the server \
            declares listChanged: it said that its list may change. A list that could not be read to its end \
            makes nothing new or gone.",
        remedy: "Read what came (hawkeye diff), and accept it (hawkeye baseline accept) or pin the version from \
            before.",
        references: &["MCP04:2025", "ASI04:2026", "AML.T0109", "CWE-345"],
        switch: Switch::Risk,
        check: Check::Drift,
    },
    Rule {
        id: "HK-CLK-001",
        severity: Severity::High,
        title: "other things for other clients",
        help: "Asked with --differential: under the name of a well-known client the server offers other tools, texts or schemas than under our own, each time. What is reviewed is not what is used.",
        remedy: "Do not use the server until its maker explains the difference; review what your client is offered.",
        references: &["MCP03:2025", "ASI04:2026", "AML.T0110", "AML.T0068"],
        switch: Switch::Risk,
        check: Check::Drift,
    },
    Rule {
        id: "HK-CLK-002",
        severity: Severity::Medium,
        title: "other things each time",
        help: "Asked with --differential: two identical askings in a row, by the same client, got different answers. High where something bad stands in one of them only, low where only numbers differ, info where only resources do.",
        remedy: "Find out what the answer depends on; a review holds for what was seen only.",
        references: &["MCP03:2025", "AML.T0109", "CWE-345"],
        switch: Switch::Risk,
        check: Check::Drift,
    },
    Rule {
        id: "HK-CLK-003",
        severity: Severity::Medium,
        title: "other things in another revision, or without credentials",
        help: "Asked with --differential: in another revision of the protocol, or without the credentials of its entry, the server offers something that it does not offer here, or describes it differently. High where something bad stands there only, info where it only offers less, as it may have to.",
        remedy: "Review what is offered in the revision that your clients speak, and to those without credentials.",
        references: &["MCP07:2025", "MCP03:2025", "CWE-862"],
        switch: Switch::Risk,
        check: Check::Drift,
    },
];
