//! How a server is reached, started and guarded.

use crate::model::finding::Severity;

use super::{Check, Rule, Switch};
use crate::analysis::surface;

pub(super) const RULES: &[Rule] = &[
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
        id: "HK-SEC-001",
        severity: Severity::High,
        title: "credentials written into a URL",
        help: "User and password of a URL end up in logs, process lists and files. Low on this machine; what a variable brings in is exempt.",
        remedy: "Put the secret into a header with ${VAR}, or into the server's environment.",
        references: &["MCP01:2025", "CWE-522", "CWE-798"],
        switch: Switch::Risk,
        check: Check::Target(surface::credentials_in_url),
    },
];
