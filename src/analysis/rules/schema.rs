//! Schemas and names.

use crate::model::finding::Severity;

use super::{Check, Rule, Switch};
use crate::analysis::{census, names, surface};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "HK-SCH-001",
        severity: Severity::Medium,
        title: "schema is invalid",
        help: "The input or output schema is missing, is no JSON Schema, or cannot mean what it says: required names that are not there, empty ranges, defaults and choices it refuses itself, patterns that do not compile, references that lead nowhere.",
        remedy: "Correct the schema at the place the pointer names.",
        references: &["CWE-20"],
        switch: Switch::Schemas,
        check: Check::Item(names::schema),
    },
    Rule {
        id: "HK-SCH-002",
        severity: Severity::Low,
        title: "weak schemas",
        help: "How much the schemas of a server's tools say, of 100: descriptions, types, what is required, bounds. Once a server; info from 50, nothing from 80 on.",
        remedy: "Describe every parameter, give it a type and bounds, and list what is required.",
        references: &["CWE-1284", "CWE-20"],
        switch: Switch::Schemas,
        check: Check::Target(census::weak),
    },
    Rule {
        id: "HK-SCH-003",
        severity: Severity::Medium,
        title: "schema leads out or out of bounds",
        help: "A reference leads to another host (it is never fetched), a pattern can take exponential time, or there is more than is judged. Info where max_tool_analysis_depth is the bound.",
        remedy: "Put what is referred to under $defs; raise max_tool_analysis_depth if the depth is meant.",
        references: &["CWE-918", "CWE-400", "CWE-1333"],
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
        id: "HK-PRO-001",
        severity: Severity::Medium,
        title: "deviates from the protocol",
        help: "What the session tolerated, once a server: info, low where something was lost by it, and medium where a key stands twice, as one reader takes the first of them and another the last: what was judged is the last. The report's notes tell each with its count.",
        remedy: "Correct the server, or update the library it is made with.",
        references: &["CWE-573"],
        switch: Switch::Schemas,
        check: Check::Target(surface::deviations),
    },
];
