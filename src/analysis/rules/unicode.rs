//! What is not seen, or not what it seems.

use crate::model::finding::Severity;

use super::{Check, Rule, Switch};
use crate::analysis::{decode, lookalikes, unicode};

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
        id: "HK-UNI-002",
        severity: Severity::Medium,
        title: "look-alike name",
        help: "A name of a tool, a parameter or a server mixes scripts within a word, or has letters that are only drawn as Latin ones: it passes for another. Names of one foreign script are exempt.",
        remedy: "Do not use the server until the name is plain; compare it with the one you expected.",
        references: &["MCP03:2025", "AML.T0074", "CWE-1007"],
        switch: Switch::Risk,
        check: Check::Item(lookalikes::mixed),
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
    Rule {
        id: "HK-UNI-005",
        severity: Severity::High,
        title: "text out of sight",
        help: "Text behind so much white space that nobody scrolls to it: high. A text of more than 4,000 characters: low.",
        remedy: "Read the text to its end; do not use a server that hides some of it.",
        references: &["MCP03:2025", "CWE-451"],
        switch: Switch::Risk,
        check: Check::Item(lookalikes::stretched),
    },
];
