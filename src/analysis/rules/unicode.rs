//! What is not seen, or not what it seems.

use crate::model::finding::Severity;

use super::{Check, Rule, Switch};
use crate::analysis::{decode, unicode};

pub(super) const RULES: &[Rule] = &[
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
    Rule {
        id: "HK-UNI-004",
        severity: Severity::High,
        title: "encoded text",
        help: "Base64, hexadecimal, percent signs or letters set apart that spell words. What they say is judged as well; high where they want something from the model. Hashes, identifiers and pictures are exempt.",
        remedy: "Write it in plain words, or leave it out.",
        references: &["MCP03:2025", "AML.T0068", "CWE-451"],
        switch: Switch::Detail,
        check: Check::Item(decode::encoded),
    },
];
