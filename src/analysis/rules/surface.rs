//! How a server is reached, started and guarded.

use crate::model::finding::Severity;

use super::{Check, Rule, Switch};
use crate::analysis::{exposure, parameters, pins, surface};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "HK-AUT-001",
        severity: Severity::High,
        title: "no authentication",
        help: "The server listed what it offers without asking who wants to know. Info on this machine; low where it only reads documents; high where a tool is dangerous.",
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
        id: "HK-AUT-003",
        severity: Severity::High,
        title: "certificate or OAuth metadata not to be trusted",
        help: "The certificate is refused (low on this machine), or the metadata about who gives out tokens is missing, unreadable, or of somebody else.",
        remedy: "Correct the certificate or name the authority with ca_certificates; correct issuer and resource in the metadata.",
        references: &["MCP07:2025", "CWE-295", "CWE-345"],
        switch: Switch::Risk,
        check: Check::Target(surface::trust),
    },
    Rule {
        id: "HK-AUT-004",
        severity: Severity::Medium,
        title: "session or token in the URL",
        help: "What lets a client in stands in the address, which ends up in logs, histories and referrers. Low on this machine.",
        remedy: "Send it in a header, or use OAuth.",
        references: &["MCP07:2025", "MCP01:2025", "CWE-598"],
        switch: Switch::Risk,
        check: Check::Target(surface::session_in_url),
    },
    Rule {
        id: "HK-PIN-001",
        severity: Severity::Medium,
        title: "started from an unpinned package",
        help: "The package, script or image is fetched in whatever version there is: who takes it over runs code here at the next start. Low for an image with a tag and no digest. Local paths are exempt.",
        remedy: "Name a whole version (pkg@1.2.3, pkg==1.2.3), a commit or an image digest.",
        references: &["MCP04:2025", "ASI04:2026", "AML.T0010", "CWE-494"],
        switch: Switch::Risk,
        check: Check::Target(pins::unpinned),
    },
    Rule {
        id: "HK-SEC-001",
        severity: Severity::Critical,
        title: "secret written down",
        help: "A key, token or password stands in a server's entry (arguments, environment, headers, URL: high, low in the URL of this machine), or in what the server says to everybody who lists it: critical. What a variable brings in, placeholders and documented examples are exempt. Told by its kind and its last four characters.",
        remedy: "Replace the secret: whatever read the text has it. Put ${VAR} in its place in an entry; take it out of a server's texts.",
        references: &["MCP01:2025", "CWE-798", "CWE-522", "AML.T0055"],
        switch: Switch::Risk,
        check: Check::Both(exposure::in_texts, exposure::in_entry),
    },
    Rule {
        id: "HK-SEC-002",
        severity: Severity::Medium,
        title: "asks for a secret",
        help: "A tool takes a password, key or token as an argument: the model sees it, and so does every log of the call. Low for tools that log in.",
        remedy: "Give the server its credentials in its environment or by OAuth, not through the model.",
        references: &["MCP01:2025", "AML.T0098", "CWE-522"],
        switch: Switch::Detail,
        check: Check::Item(parameters::secret_parameter),
    },
    Rule {
        id: "HK-SEC-003",
        severity: Severity::Medium,
        title: "resource that gives credentials out",
        help: "The name or address of a resource is that of a file with keys, passwords or tokens. What is about such files is exempt.",
        remedy: "Do not offer it as a resource; read secrets where they are used.",
        references: &["MCP01:2025", "CWE-200", "AML.T0055"],
        switch: Switch::Risk,
        check: Check::Item(parameters::credential_resource),
    },
];
