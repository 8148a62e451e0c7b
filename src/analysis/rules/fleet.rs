//! What several servers are together, for the client that has them all.

use crate::analysis::famous;
use crate::analysis::fleet::mentions::Errand;
use crate::model::finding::Severity;

use super::{Check, Rule, Switch};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "HK-POI-005",
        severity: Severity::High,
        title: "obligation to call another tool",
        help: "A text wants a tool used that is not the one it describes. Low within one server, where it is normal; high where the tool is another server's, medium where that leaves a choice.",
        remedy: "Ask the vendor why; what one server says must not decide about another's tools.",
        references: &["MCP03:2025", "ASI01:2026", "AML.T0110", "CWE-1427"],
        switch: Switch::Detail,
        check: Check::Mentions(Errand::Oblige),
    },
    Rule {
        id: "HK-POI-010",
        severity: Severity::High,
        title: "talks another tool down to take its place",
        help: "A text calls a tool deprecated or unsafe and wants another one used. Low within one server, which may well retire its own; high where the tool is another server's, medium where it only wants to be used instead.",
        remedy: "Do not believe it; ask the other tool's vendor.",
        references: &["MCP03:2025", "ASI01:2026", "AML.T0110", "AML.T0074"],
        switch: Switch::Detail,
        check: Check::Mentions(Errand::Discredit),
    },
    Rule {
        id: "HK-SHD-001",
        severity: Severity::Medium,
        title: "same tool name on two servers",
        help: "A model cannot tell the two apart, and one may answer for the other. Low; medium where they also describe themselves alike, or only some are pinned; info for one-word names, which many servers share. Servers that share most of their tools are one finding.",
        remedy: "Keep one of the servers, or let the client put the server's name before each tool.",
        references: &["MCP09:2025", "ASI04:2026", "AML.T0074"],
        switch: Switch::Risk,
        check: Check::Fleet,
    },
    Rule {
        id: "HK-SHD-002",
        severity: Severity::Medium,
        title: "tool that imitates another server's",
        help: "Its name is nearly that of a tool on another server (a letter, a version, a plural, a look-alike), and it is described like it. Servers of one vendor are exempt; low where both call themselves the same.",
        remedy: "Find out which of the two is meant to be there, and remove the other.",
        references: &["MCP03:2025", "ASI04:2026", "AML.T0074", "CWE-1007"],
        switch: Switch::Risk,
        check: Check::Fleet,
    },
    Rule {
        id: "HK-SHD-003",
        severity: Severity::High,
        title: "name close to a well-known server's",
        help: "The package or host is almost, but not quite, that of a server many people use: a slip of the pen, or somebody who counts on it.",
        remedy: "Compare the name with the vendor's documentation, letter by letter.",
        references: &["MCP04:2025", "ASI04:2026", "AML.T0104", "CWE-1007"],
        switch: Switch::Risk,
        check: Check::Target(famous::close),
    },
    Rule {
        id: "HK-FLW-001",
        severity: Severity::High,
        title: "toxic flow over the tools of one agent",
        help: "One tool brings in text that anybody may have written, one reads private data, one carries data out: what the text says can lead the data out. Told once a client, medium, as most useful agents have it; high where a server that holds a part of it also says something bad.",
        remedy: "Give the agent one of the three less, or let a person confirm what leaves.",
        references: &["MCP10:2025", "ASI01:2026", "AML.T0086", "CWE-441"],
        switch: Switch::Risk,
        check: Check::Fleet,
    },
    Rule {
        id: "HK-SHW-001",
        severity: Severity::Medium,
        title: "server that is not approved",
        help: "It is in use and not on the list of approved servers. Only where such a list is given.",
        remedy: "Have the server approved and added to the list, or remove it.",
        references: &["MCP09:2025", "ASI04:2026"],
        switch: Switch::Risk,
        check: Check::Fleet,
    },
];
