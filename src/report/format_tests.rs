//! SARIF, JUnit, CSV and Markdown in full, read back by parsers that are not ours, and with hostile text in them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::specimens::*;
use super::tests::{PLAIN, Shared};
use super::*;
use crate::base::text::is_deceptive;
use crate::model::finding::{Finding, Severity};
use crate::model::outcome::Owner;

const FORMATS: [Format; 4] = [Format::Sarif, Format::Junit, Format::Csv, Format::Markdown];

/// What `format` makes of `outcomes`, handed over last first, and of `clients`.
fn told(format: Format, outcomes: &[Outcome], clients: &[Client]) -> String {
    ended(format, outcomes, clients, false)
}

fn ended(format: Format, outcomes: &[Outcome], clients: &[Client], interrupted: bool) -> String {
    let out = Shared::default();
    let mut sink = open(format, Box::new(out.clone()), PLAIN);
    sink.begin(&RunInfo { planned: outcomes.len() + usize::from(interrupted), ..run_info() }).unwrap();
    for (index, outcome) in outcomes.iter().enumerate().rev() {
        sink.outcome(index, outcome).unwrap();
    }
    let mut end = RunEnd { interrupted, ..run_end(outcomes) };
    for client in clients {
        sink.client(client).unwrap();
        end.tally.add_client(client);
    }
    sink.end(&end).unwrap();
    out.text()
}

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = text.replace(concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"VERSION\"");
    let text = text.replace(concat!("hawkeye ", env!("CARGO_PKG_VERSION")), "hawkeye VERSION");
    if std::env::var_os("HAWKEYE_TEST_WRITE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap());
}

/// Where scripts/install-report-checkers.sh puts things.
fn checkers() -> PathBuf {
    let zoo = std::env::var_os("HAWKEYE_ZOO")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/zoo"), PathBuf::from);
    let place = zoo.join("reports");
    assert!(place.join(".stamp").is_file(), "no checkers: run scripts/install-report-checkers.sh");
    place
}

/// What tests/fixtures/reports/read_back.py reads in `text`.
fn read_back(what: &str, text: &str) -> Value {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports");
    let mut child = Command::new("python3")
        .arg(fixtures.join("read_back.py"))
        .args([what.as_ref(), fixtures.join("junit-10.xsd").as_os_str()])
        .env("PYTHONPATH", checkers().join("python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn rows(text: &str) -> Vec<Value> {
    read_back("csv", text).as_array().unwrap().clone()
}

fn suites(text: &str) -> Vec<Value> {
    read_back("junit", text)["suites"].as_array().unwrap().clone()
}

fn named<'a>(all: &'a [Value], name: &str) -> &'a Value {
    all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {all:?}"))
}

fn sarif_objections(report: &Value) -> Vec<String> {
    let schema = std::fs::read(checkers().join("sarif-schema-2.1.0.json")).unwrap();
    let mut schema: Value = serde_json::from_slice(&schema).unwrap();
    // The published pattern has a bracket too many, and is no regular expression to a strict reader.
    for of in ["run", "toolComponent"] {
        let language = format!("/definitions/{of}/properties/language");
        schema.pointer_mut(&language).unwrap().as_object_mut().unwrap().remove("pattern").unwrap();
    }
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    validator.iter_errors(report).map(|e| format!("{} at {}", e, e.instance_path())).collect()
}

fn sarif(text: &str) -> Value {
    let report = serde_json::from_str(text).unwrap();
    assert_eq!(sarif_objections(&report), Vec::<String>::new());
    report
}

/// Many findings on one server.
fn crowd(n: usize, severity: fn(usize) -> Severity) -> Outcome {
    let one = |i: usize| Finding {
        message: format!("the {i}th"),
        fingerprint: format!("{i:032}"),
        ..finding("HK-POI-003", severity(i), "/tools/0")
    };
    Outcome { findings: (0..n).map(one).collect(), ..complete() }
}

#[test]
fn each_format_in_full() {
    golden("report.sarif", &told(Format::Sarif, &five(), &[client()]));
    golden("report.junit.xml", &told(Format::Junit, &five(), &[client()]));
    golden("report.csv", &told(Format::Csv, &five(), &[client()]));
    golden("report.md", &told(Format::Markdown, &five(), &[client()]));
}

#[test]
fn hostile_text_leaves_as_text() {
    let mut everywhere = judged();
    everywhere.name = MARKUP.into();
    everywhere.owners[0].file = format!("{MARKUP}{HOSTILE}");
    everywhere.endpoint.args = Some(vec![MARKUP.into(), HOSTILE.into()]);
    everywhere.tags = vec![MARKUP.into(), HOSTILE.into()];
    everywhere.findings.iter_mut().for_each(|f| f.message = format!("{HOSTILE}{MARKUP}\u{fffe}"));
    let gang = Client { name: format!("{HOSTILE}{MARKUP}"), unknown: vec![MARKUP.into()], ..client() };
    let outcomes = [hostile(), everywhere];
    for format in FORMATS {
        let text = told(format, &outcomes, std::slice::from_ref(&gang)).replace("\r\n", "\n");
        let raw = text.chars().find(|c| *c != '\n' && is_deceptive(*c));
        assert_eq!(raw, None, "{format:?}");
        assert!(text.len() < 100_000, "a megabyte of name became {} bytes of {format:?}", text.len());
    }
    sarif(&told(Format::Sarif, &outcomes, std::slice::from_ref(&gang)));
    let told_suites = suites(&told(Format::Junit, &outcomes, std::slice::from_ref(&gang)));
    assert_eq!(told_suites.len(), 1 + 2 + 1);
    for row in rows(&told(Format::Csv, &outcomes, std::slice::from_ref(&gang))) {
        for cell in row.as_object().unwrap().values().map(|cell| cell.as_str().unwrap()) {
            for part in cell.split(';') {
                let part = part.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
                assert!(!part.starts_with(['=', '+', '-', '@', '\u{ff1d}']), "{cell}");
            }
            assert!(!cell.contains(['\n', '\r', '\t']), "{cell}");
        }
    }
}

#[test]
fn what_a_server_says_is_inert_in_markdown() {
    let text = told(Format::Markdown, &five(), &[client()]);
    // Outside of code spans nothing is left that could be markup, a mention, a reference or a link.
    let outside: String = text.split('`').step_by(2).collect();
    assert_eq!(text.matches('`').count() % 2, 0);
    for bad in ["@", "#1", "<", "http", "](", "evil", "cmd"] {
        assert!(!outside.contains(bad), "{bad} in {outside}");
    }
    assert!(text.contains("\\u{202e}") && text.contains("\\u{7c}' /C calc'!A0"), "{text}");
    // Another parser sees nothing but tables, lists and code.
    let read = read_back("markdown", &text);
    let kinds: Vec<&str> = read["kinds"].as_array().unwrap().iter().map(|k| k.as_str().unwrap()).collect();
    assert!(kinds.contains(&"code_inline") && kinds.contains(&"table_open"), "{kinds:?}");
    for kind in ["link_open", "html_inline", "html_block", "image", "fence", "code_block", "em_open"] {
        assert!(!kinds.contains(&kind), "{kind}");
    }
    assert!(!read["outside"].as_str().unwrap().contains("evil"), "{}", read["outside"]);
    let cells = |row: usize| read["rows"][row].as_array().unwrap().len();
    assert_eq!([0, 1, 2, 3, 4, 5].map(cells), [10; 6], "{}", read["rows"]);
    // Every row of the table has its cells, whatever the names are.
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 + 5);
    assert!(rows.iter().all(|row| row.matches('|').count() == 11), "{rows:?}");
    assert!(rows[2].contains("`mail server`"), "the worst first: {rows:?}");
}

#[test]
fn the_headline_says_when_little_was_seen() {
    let headline =
        |outcomes: &[Outcome]| told(Format::Markdown, outcomes, &[]).lines().next().unwrap().to_owned();
    assert_eq!(headline(&[complete()]), "## hawkeye: no findings");
    assert_eq!(headline(&[failed(), complete()]), "## hawkeye: no findings; 1 of 2 targets not listed whole");
    assert_eq!(headline(&[]), "## hawkeye: no findings; no target was evaluated");
}

#[test]
fn markdown_fits_into_a_comment_and_counts_what_does_not() {
    let many: Vec<Outcome> = (0..3_000)
        .map(|i| Outcome { name: format!("{i}{}", "ü".repeat(200)), ..crowd(30, |_| Severity::Low) })
        .chain([judged()])
        .collect();
    let text = told(Format::Markdown, &many, &[client()]);
    assert!(text.len() <= 65_000, "{}", text.len());
    let told_of = text.lines().filter(|line| line.starts_with("### ")).count();
    assert!(told_of > 5 && text.contains(&format!("**{} sections left out**", 3_002 - told_of)), "{told_of}");
    let shown = text.lines().filter(|line| line.starts_with("| `")).count();
    assert!(
        text.contains(&format!("\n{} servers more, the mildest ones, not in this table.\n", 3_001 - shown)),
        "{shown}"
    );
    assert!(text.contains("\n- 10 findings more\n"));
    let first: Vec<&str> = text.lines().filter(|line| line.starts_with("### ")).take(2).collect();
    assert!(
        first[0].starts_with("### Client ") && first[1] == "### `mail server`",
        "the worst first: {first:?}"
    );
    assert!(text.contains("Not assessed: what the code does."), "the end is there whatever is left out");
}

#[test]
fn a_suite_passes_only_what_was_looked_at() {
    let all = suites(&told(Format::Junit, &five(), &[client()]));
    let state = |suite: &str, case: &str| {
        let case = named(named(&all, suite)["cases"].as_array().unwrap(), case).clone();
        case["state"].as_str().unwrap().to_owned()
    };
    let (whole, poisoned) = ("the server was listed whole", "HK-POI: poisoned texts");
    for (server, listed, judged) in [
        ("files", "passed", "passed"),
        ("wiki", "error", "skipped"),
        ("gone", "error", "skipped"),
        ("off", "skipped", "skipped"),
        ("mail server", "passed", "failure"),
    ] {
        assert_eq!(
            (state(server, whole).as_str(), state(server, poisoned).as_str()),
            (listed, judged),
            "{server}"
        );
    }
    assert_eq!(state("mail server", "HK-CAP: dangerous capabilities"), "passed", "suppressed is no failure");
    assert_eq!(state("files", "HK-RUG: changes since the last time"), "skipped", "nothing to compare with");
    assert_eq!(state("mail server", "HK-RUG: changes since the last time"), "passed");
    assert_eq!(state("client conf dir/servers.json", "HK-FLW: flows of data"), "failure");
    assert_eq!(state("client conf dir/servers.json", "HK-SHD: shadowing between servers"), "skipped");
    assert_eq!(state("hawkeye", "not assessed: what the code does"), "skipped");
    assert_eq!(state("hawkeye", "the run came to its end"), "passed");
    for suite in &all {
        let cases = suite["cases"].as_array().unwrap();
        let count = |state: &str| cases.iter().filter(|case| case["state"] == state).count().to_string();
        assert_eq!(suite["tests"], json!(cases.len().to_string()));
        assert_eq!(
            [&suite["failures"], &suite["errors"], &suite["skipped"]],
            [&json!(count("failure")), &json!(count("error")), &json!(count("skipped"))],
            "{}",
            suite["name"]
        );
    }
    let cut = suites(&ended(Format::Junit, &[complete()], &[], true));
    assert_eq!(named(cut[0]["cases"].as_array().unwrap(), "the run came to its end")["state"], "error");
    let none = suites(&told(Format::Junit, &[], &[]));
    assert_eq!(none[0]["errors"], "1", "nothing was looked at: {none:?}");
}

#[test]
fn a_row_for_each_target_and_each_finding() {
    let all = rows(&told(Format::Csv, &five(), &[client()]));
    let of = |kind: &str| all.iter().filter(|row| row["kind"] == kind).collect::<Vec<_>>();
    let statuses: Vec<&str> = of("target").iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["complete", "partial", "failed", "not_evaluated", "complete"]);
    let findings = of("finding");
    assert_eq!(findings.len(), 3);
    assert_eq!(findings[0]["fails"], "yes");
    assert_eq!(
        (&findings[0]["item"], &findings[0]["file"]),
        (&json!("tool t0"), &json!("conf dir/servers.json"))
    );
    assert!(findings[0]["excerpt"].as_str().unwrap().starts_with("'=cmd|' /C calc'!A0"), "{}", findings[0]);
    assert_eq!(
        findings[1]["suppressed"],
        "by .hawkeye/suppressions.yaml: it is meant to | run `make` (owner team-a), until 2026-12-31"
    );
    assert!(
        of("client_finding")[0]["related"].as_str().unwrap().contains("tool \"t3\" of files at /tools/3")
    );
    assert_eq!((of("client").len(), of("not_assessed").len()), (1, 1));
    assert!(
        of("run")[0]["message"].as_str().unwrap().starts_with("5 targets: 2 complete, 1 partial, 1 failed")
    );
    let cut = rows(&ended(Format::Csv, &[complete()], &[], true));
    assert_eq!(cut.last().unwrap()["status"], "interrupted");
}

#[test]
fn csv_streams_where_results_do() {
    let out = Shared::default();
    let mut sink = open(Format::Csv, Box::new(out.clone()), Style { stream: Some(2), ..PLAIN });
    sink.begin(&run_info()).unwrap();
    let lines = || out.text().lines().count();
    sink.outcome(1, &complete()).unwrap();
    assert_eq!(lines(), 1, "two make a group");
    sink.outcome(0, &complete()).unwrap();
    assert_eq!(lines(), 3);
    sink.outcome(2, &judged()).unwrap();
    sink.quiet().unwrap();
    assert_eq!(lines(), 3 + 4);
}

#[test]
fn sarif_satisfies_the_schema_and_broken_sarif_does_not() {
    let good = sarif(&told(Format::Sarif, &five(), &[client()]));
    sarif(&told(Format::Sarif, &[], &[]));
    for (pointer, value) in [
        ("/version", json!("2.0.0")),
        ("/runs/0/results/0/level", json!("high")),
        ("/runs/0/results/0/message", json!("text")),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0)),
        ("/runs/0/invocations/0/executionSuccessful", json!("no")),
        ("/runs/0/tool/driver/name", json!(null)),
    ] {
        let mut broken = good.clone();
        *broken.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
        assert!(!sarif_objections(&broken).is_empty(), "{pointer}");
    }
}

#[test]
fn sarif_points_to_the_line_that_configures_the_server() {
    let report = sarif(&told(Format::Sarif, &five(), &[client()]));
    let run = &report["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    let at = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"];
        (place["artifactLocation"]["uri"].clone(), place["region"]["startLine"].clone())
    };
    assert_eq!(at(&results[0]), (json!("conf%20dir/servers.json"), json!(12)));
    let other = &results[0]["relatedLocations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(other["uri"], "file:///srv/other.yaml", "the second file that names it");
    assert_eq!(results[0]["locations"][0]["logicalLocations"][1]["name"], "t0");
    let suppression = json!([{"kind": "external", "status": "accepted",
        "justification": "it is meant to | run `make`; owner: team-a; until: 2026-12-31",
        "properties": {"by": ".hawkeye/suppressions.yaml"}}]);
    assert_eq!(results[1]["suppressions"], suppression);
    // The legs of a flow lead to the files of their servers; of one nobody knows, only its name is told.
    let legs = results[3]["relatedLocations"].as_array().unwrap();
    let uris: Vec<&str> =
        legs.iter().map(|leg| leg["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap()).collect();
    assert_eq!(uris, ["conf%20dir/servers.json", "servers.json"]);
    assert_eq!(results[3]["properties"]["related"].as_array().unwrap().len(), 1);
    // No message is a link or has a placeholder.
    for result in results {
        let text = result["message"]["text"].as_str().unwrap();
        assert!(!text.contains("](") && !text.contains("{0}"), "{text}");
    }
}

#[test]
fn sarif_rules_have_the_severity_of_their_findings_and_lead_to_taxonomies() {
    let report = sarif(&told(Format::Sarif, &five(), &[client()]));
    let run = &report["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let rule = |id: &str| rules.iter().find(|rule| rule["id"] == id).unwrap_or_else(|| panic!("no {id}"));
    for result in run["results"].as_array().unwrap() {
        let rule = rule(result["ruleId"].as_str().unwrap());
        assert_eq!(rule["defaultConfiguration"]["level"], result["level"]);
        assert_eq!(rule["properties"]["severity"], result["properties"]["severity"]);
    }
    assert_eq!(rule("HK-POI-003")["properties"]["security-severity"], "8.0");
    assert_eq!(rule("HK-POI-003/low")["properties"]["security-severity"], "2.0");
    assert_eq!(rules.len(), run_info().rules.rules.len() + 1, "rules that found nothing are there too");
    for rule in rules {
        assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 20);
        for relation in rule["relationships"].as_array().unwrap() {
            let target = &relation["target"];
            let index = |of: &Value| usize::try_from(of["index"].as_u64().unwrap()).unwrap();
            let taxonomy = &run["taxonomies"][index(&target["toolComponent"])];
            assert_eq!(taxonomy["name"], target["toolComponent"]["name"]);
            assert_eq!(taxonomy["taxa"][index(target)]["id"], target["id"]);
        }
    }
    let names: Vec<&str> =
        run["taxonomies"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["CWE", "OWASP-MCP", "OWASP-ASI", "ATLAS"]);
}

#[test]
fn sarif_says_what_was_not_seen() {
    let invocation = |outcomes: &[Outcome], interrupted| {
        sarif(&ended(Format::Sarif, outcomes, &[], interrupted))["runs"][0]["invocations"][0].clone()
    };
    let notices = |invocation: &Value| -> Vec<String> {
        let all = invocation["toolExecutionNotifications"].as_array().unwrap().clone();
        all.iter()
            .map(|n| format!("{} {}", n["level"].as_str().unwrap(), n["message"]["text"].as_str().unwrap()))
            .collect()
    };
    let five = invocation(&five(), false);
    assert_eq!(five["executionSuccessful"], false);
    assert_eq!(
        notices(&five),
        [
            "error wiki: partial: rpc_error in resources/list: error -32603: internal",
            "error gone: failed: connect_failed in connect: connection refused",
            "warning off: not_evaluated: config in config: excluded by --no-stdio",
            "note not assessed: what the code does",
        ]
    );
    assert_eq!(invocation(&[complete()], false)["executionSuccessful"], true);
    let cut = invocation(&[complete()], true);
    assert_eq!(cut["executionSuccessful"], false);
    assert_eq!(notices(&cut)[0], "error interrupted: 1 planned target not in this report");
    let none = invocation(&[], false);
    assert_eq!(none["executionSuccessful"], false);
    assert_eq!(notices(&none)[0], "error no target was evaluated");
}

#[test]
fn sarif_keeps_to_what_code_scanning_takes_and_leaves_the_mildest_out() {
    let severity = |i: usize| if i.is_multiple_of(10) { Severity::High } else { Severity::Low };
    let outcomes = [crowd(30_000, severity), crowd(30_000, severity)];
    let text = told(Format::Sarif, &outcomes, &[]);
    let report: Value = serde_json::from_str(&text).unwrap();
    let run = &report["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 25_000);
    assert_eq!(results.iter().filter(|result| result["level"] == "error").count(), 6_000);
    let notices = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert!(
        notices
            .iter()
            .any(|n| n["message"]["text"].as_str().unwrap().starts_with("35000 of 60000 findings are"))
    );
}

#[test]
fn two_runs_over_the_same_servers_compare() {
    for format in FORMATS {
        let forth = told(format, &five(), &[client()]);
        let out = Shared::default();
        let mut sink = open(format, Box::new(out.clone()), PLAIN);
        sink.begin(&RunInfo { planned: 5, ..run_info() }).unwrap();
        for (index, outcome) in five().iter().enumerate() {
            sink.outcome(index, outcome).unwrap();
        }
        let mut end = run_end(&five());
        sink.client(&client()).unwrap();
        end.tally.add_client(&client());
        sink.end(&end).unwrap();
        assert_eq!(out.text(), forth, "{format:?}: the order of arrival shows");
    }
}

#[test]
fn a_server_that_several_files_name_has_each_of_them() {
    let owner = |i: u32| Owner { file: format!("{i}.json"), line: Some(i), name: "x".into() };
    let outcome = Outcome { owners: (1..=300).map(owner).collect(), ..judged() };
    let report = sarif(&told(Format::Sarif, &[outcome], &[]));
    let related = report["runs"][0]["results"][0]["relatedLocations"].as_array().unwrap().clone();
    assert_eq!(related.len(), 99, "with its own location what code scanning shows");
}

#[test]
fn every_format_says_what_was_not_assessed() {
    let others = [Format::Table, Format::Json, Format::Ndjson, Format::Html, Format::Prometheus];
    for format in FORMATS.into_iter().chain(others) {
        let text = told(format, &[complete()], &[]);
        assert!(text.contains("what the code does"), "{format:?}: {text}");
    }
    let metrics = told(Format::Prometheus, &[complete()], &[]);
    assert!(metrics.starts_with("# not assessed: what the code does\n"), "{metrics}");
}
