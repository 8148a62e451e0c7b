//! What changed since the last time, or depends on who asks.

use crate::model::finding::Severity;

use super::{Check, Rule, Switch};

pub(super) const RULES: &[Rule] = &[
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
        help: "Asked with --differential: two identical askings in a row, by the same client, got different answers. Low where only numbers differ, info where only resources do.",
        remedy: "Find out what the answer depends on; a review holds for what was seen only.",
        references: &["MCP03:2025", "AML.T0109", "CWE-345"],
        switch: Switch::Risk,
        check: Check::Drift,
    },
    Rule {
        id: "HK-CLK-003",
        severity: Severity::Medium,
        title: "other things in another revision, or without credentials",
        help: "Asked with --differential: in another revision of the protocol, or without the credentials of its entry, the server offers something that it does not offer here, or describes it differently. Info where it only offers less, as it may have to.",
        remedy: "Review what is offered in the revision that your clients speak, and to those without credentials.",
        references: &["MCP07:2025", "MCP03:2025", "CWE-862"],
        switch: Switch::Risk,
        check: Check::Drift,
    },
];
