//! Whole reports: golden tables, shapes of JSON and NDJSON, the published schemas, hostile text.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;

use serde_json::{Value, json};

use super::exhibits::{client, gallery, gallery_run};
use super::specimens::*;
use super::*;
use crate::base::text;
use crate::model::finding::{Confidence, Finding, Severity};
use crate::model::inventory::List;
use crate::model::outcome::{FailureKind, Phase, Status};

pub(super) const PLAIN: Style = Style { width: None, colour: false, unicode: false, stream: None };
const RICH: Style = Style { unicode: true, ..PLAIN };
/// The escape sequences that are ours.
const COLOURS: [&str; 6] = ["\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m", "\x1b[1m", "\x1b[0m"];

/// A writer whose bytes can be looked at while a sink has it.
#[derive(Clone, Default)]
pub(super) struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

/// What `format` makes of `outcomes`, handed over last first.
fn written(format: Format, style: Style, outcomes: &[Outcome]) -> String {
    let out = Shared::default();
    let mut sink = open(format, Box::new(out.clone()), style);
    sink.begin(&run_info()).unwrap();
    for (index, outcome) in outcomes.iter().enumerate().rev() {
        sink.outcome(index, outcome).unwrap();
    }
    sink.end(&run_end(outcomes)).unwrap();
    out.text()
}

fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What the schema has against `value`.
fn objections(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|e| format!("{} at {}", e, e.instance_path())).collect()
}

fn report_validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&schema("report-v1.schema.json")).unwrap()
}

const ALL_FORMATS: [Format; 5] =
    [Format::Table, Format::Json, Format::Ndjson, Format::Prometheus, Format::Html];

#[test]
fn the_table_in_full() {
    assert_eq!(written(Format::Table, RICH, &four()), include_str!("../../tests/golden/table-wide.txt"));
}

#[test]
fn the_table_on_eighty_columns() {
    let style = Style { width: Some(80), ..PLAIN };
    let text = written(Format::Table, style, &four());
    assert_eq!(text, include_str!("../../tests/golden/table-80.txt"));
    assert!(text.lines().all(|line| line.chars().count() <= 80));
}

/// The golden table `name` of the gallery, with its client.
fn gallery_table(name: &str, style: Style) -> String {
    let out = Shared::default();
    let mut sink = open(Format::Table, Box::new(out.clone()), style);
    sink.begin(&gallery_run()).unwrap();
    for (index, outcome) in gallery().iter().enumerate() {
        sink.outcome(index, outcome).unwrap();
    }
    sink.client(&client()).unwrap();
    let mut end = run_end(&gallery());
    end.tally.add_client(&client());
    sink.end(&end).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("HAWKEYE_TEST_WRITE").is_some() {
        std::fs::write(&path, out.text()).unwrap();
    }
    assert_eq!(out.text(), std::fs::read_to_string(&path).unwrap(), "HAWKEYE_TEST_WRITE=1 writes it anew");
    out.text()
}

#[test]
fn findings_changes_and_clients_in_full_and_on_eighty_columns() {
    gallery_table("findings-wide.txt", RICH);
    let narrow = gallery_table("findings-80.txt", Style { width: Some(80), ..PLAIN });
    let details = narrow.lines().skip_while(|line| !line.starts_with("one agent")).skip(1);
    assert!(
        details.clone().count() > 20 && details.clone().all(|line| line.chars().count() <= 80),
        "{narrow}"
    );
    let at = |text: &str| narrow.find(text).unwrap_or_else(|| panic!("no {text}:\n{narrow}"));
    assert!(
        at("\none agent, ") < at("\ncalculator  risk 92")
            && at("\ncalculator") < at("\n  aside     1 finding")
    );
}

#[test]
fn colour_changes_nothing_but_colour() {
    let colour = written(Format::Table, Style { colour: true, ..RICH }, &four());
    assert!(colour.contains("\x1b[32m✓ complete\x1b[0m") && colour.contains("\x1b[31m✗ failed\x1b[0m"));
    let plain = COLOURS.iter().fold(colour, |text, sequence| text.replace(sequence, ""));
    assert_eq!(plain, written(Format::Table, RICH, &four()));
}

#[test]
fn a_table_of_nothing_is_the_sum_of_nothing() {
    assert_eq!(
        written(Format::Table, PLAIN, &[]),
        "0 targets: 0 complete, 0 partial, 0 failed, 0 not evaluated | 0 tools, 0 resources, \
         0 resource templates, 0 prompts\n"
    );
}

#[test]
fn lines_fit_every_width_that_has_room_for_the_least() {
    let outcomes = [complete(), partial(), Outcome { name: "名".repeat(200), ..failed() }, hostile()];
    for width in 44..=200 {
        let text = written(Format::Table, Style { width: Some(width), ..RICH }, &outcomes);
        let table: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).take(5).collect();
        let columns = |line: &str| line.chars().map(|c| if c == '名' { 2 } else { 1 }).sum::<usize>();
        let widest = table.iter().map(|line| columns(line)).max().unwrap();
        assert!(widest <= usize::from(width), "{widest} on {width}:\n{}", table.join("\n"));
        assert!(table[1].contains("✓ complete") && table[1].contains("14"), "{}", table[1]);
    }
}

#[test]
fn json_is_in_plan_order_with_a_line_a_target() {
    let text = written(Format::Json, PLAIN, &four());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..6].iter().map(|l| &l[..l.len().min(9)]).collect::<Vec<_>>(),
        ["{", " \"schema_", " \"tool\": ", " \"run\": {", " \"summary", " \"targets"]
    );
    assert_eq!(lines.len(), 6 + 4 + 3);
    let report: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> =
        report["targets"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["files", "wiki", "gone", "off"]);
    assert_eq!(report["summary"]["tools"], 28);
    assert_eq!(report["targets"][0]["coverage"][0]["ms"], 3.125);
    assert_eq!(report["targets"][0]["tools"][0]["x-unknown"], json!([null]));
    let run = json!({"id": "r-1", "started_at": "2026-11-22T12:00:00.000Z",
                     "finished_at": "2026-11-22T12:00:01.234Z", "interrupted": false});
    assert_eq!(report["run"], run);
}

#[test]
fn real_reports_satisfy_the_schema() {
    let validator = report_validator();
    for outcomes in [&[][..], &four()[..], &[hostile()][..]] {
        let report = serde_json::from_str(&written(Format::Json, PLAIN, outcomes)).unwrap();
        assert_eq!(objections(&validator, &report), Vec::<String>::new());
    }
}

#[test]
fn every_word_of_the_model_is_in_the_schema() {
    let schema = schema("report-v1.schema.json");
    let words = |pointer: &str| schema.pointer(pointer).unwrap().as_array().unwrap().clone();
    let kinds = words("/$defs/failure/properties/kind/enum");
    assert!(kinds.contains(&json!(FailureKind::Timeout)) && kinds.contains(&json!(FailureKind::Internal)));
    assert_eq!(kinds.len(), 20);
    let phases = words("/$defs/failure/properties/phase/enum");
    let all = [Phase::Config, Phase::Spawn, Phase::Connect, Phase::Discover, Phase::Initialize];
    for phase in all.into_iter().chain(List::ALL.map(Phase::List)) {
        assert!(phases.contains(&json!(phase)), "{phase:?}");
    }
}

fn finding(severity: Severity) -> Finding {
    Finding {
        rule: "HK-POI-003".into(),
        severity,
        confidence: Confidence::Medium,
        message: format!("tool \"{}\" wants something", text::quote(HOSTILE, 40)),
        pointer: "/tools/0/description".into(),
        excerpt: Some(HOSTILE.into()),
        references: vec!["MCP03:2025".into()],
        remedy: "Do not use it.".into(),
        related: Vec::new(),
        fails: false,
        suppressed: None,
        fingerprint: "0".repeat(32),
    }
}

#[test]
fn findings_worth_a_look_are_lines_and_all_are_counted() {
    let many = |severity| std::iter::repeat_with(move || finding(severity));
    let few = Outcome { findings: vec![finding(Severity::High), finding(Severity::Low)], ..complete() };
    let text = written(Format::Table, PLAIN, &[few]);
    let lines: Vec<&str> = text.lines().filter(|l| l.starts_with("  high      HK-POI-003 tool ")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(lines[0].contains("\\u{1b}[2J") && !text.contains('\u{1b}'), "{text}");
    assert!(
        text.contains("\nfiles  1 high, 1 low\n") && text.contains("\n  also      1 low (HK-POI-003)\n"),
        "{text}"
    );
    assert!(!text.contains("  low  ") && text.ends_with(" | findings: 1 high, 1 low\n"), "{text}");
    let crowd = Outcome { findings: many(Severity::Medium).take(30).collect(), ..complete() };
    let crowd = vec![crowd; 20];
    let text = written(Format::Table, PLAIN, &crowd);
    assert_eq!(text.lines().filter(|l| l.starts_with("  medium    HK-POI-003")).count(), 100);
    assert!(text.contains("\n500 more findings of medium or worse, listed in the JSON report\n"), "{text}");
    let report = serde_json::from_str(&written(Format::Json, PLAIN, &crowd)).unwrap();
    assert_eq!(objections(&report_validator(), &report), Vec::<String>::new());
    assert_eq!(report["summary"]["findings"]["medium"], 600);
}

#[test]
fn broken_reports_do_not_satisfy_the_schema() {
    let validator = report_validator();
    let good: Value = serde_json::from_str(&written(Format::Json, PLAIN, &four())).unwrap();
    let breakages = [
        ("/schema_version", json!(2)),
        ("/run/started_at", json!("yesterday")),
        ("/summary/tools", json!(-1)),
        ("/summary/findings", json!({})),
        ("/targets/0/status", json!("fine")),
        ("/targets/0/failure", json!({"kind": "timeout", "phase": "connect", "message": ""})),
        ("/targets/0/coverage/0/state", json!("failed")),
        ("/targets/0/protocol/era", json!("golden")),
        ("/targets/0/transport", json!("carrier pigeon")),
        ("/targets/0/tools/0", json!("t0")),
        ("/targets/1/coverage/0/phase", json!("tools")),
        ("/targets/1/failure/kind", json!("bad_luck")),
        ("/targets/2/failure", Value::Null),
        ("/targets/3/auth/posture", json!("relaxed")),
    ];
    for (pointer, value) in breakages {
        let mut broken = good.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&broken), "{pointer}");
    }
    for field in good["targets"][0].as_object().unwrap().keys().filter(|k| *k != "cache_hint") {
        let mut broken = good.clone();
        broken["targets"][0].as_object_mut().unwrap().remove(field);
        assert!(!validator.is_valid(&broken), "without {field}");
    }
}

fn line_validator() -> jsonschema::Validator {
    let registry = jsonschema::Registry::new()
        .add("https://hawkeye.invalid/schema/report-v1.schema.json", schema("report-v1.schema.json"))
        .unwrap()
        .prepare()
        .unwrap();
    jsonschema::options().with_registry(&registry).build(&schema("ndjson-v1.schema.json")).unwrap()
}

#[test]
fn a_round_of_changes_satisfies_the_schema_too() {
    let tools = Change { what: "tools", added: vec!["a\x1b".into()], ..Change::default() };
    let changes = [Change::new_target(&complete()), tools];
    let (lines, told) = (Shared::default(), Shared::default());
    for mut sink in
        [open(Format::Ndjson, Box::new(lines.clone()), PLAIN), open_changes(Box::new(told.clone()))]
    {
        sink.begin(&run_info()).unwrap();
        sink.changed(0, &complete(), &changes).unwrap();
        sink.gone("old\n").unwrap();
        sink.end(&run_end(&[complete()])).unwrap();
    }
    let validator = line_validator();
    let lines: Vec<Value> = lines.text().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    lines.iter().for_each(|line| assert_eq!(objections(&validator, line), Vec::<String>::new()));
    assert_eq!(lines[1]["changes"][1], json!({"what": "tools", "added": ["a\u{1b}"]}));
    assert_eq!(lines[2]["gone"], json!(["old\n"]));
    let mut broken = lines[1].clone();
    broken["changes"][0]["what"] = json!("mood");
    assert!(!validator.is_valid(&broken));
    let told: Vec<String> = told.text().lines().map(|l| l[10..].to_owned()).collect();
    assert_eq!(told, ["files: target is new: complete, tools +a\\u{1b}", "old\\n: target is gone"]);
}

#[test]
fn ndjson_lines_satisfy_their_schema_and_broken_ones_do_not() {
    let validator = line_validator();
    let text = written(Format::Ndjson, PLAIN, &four());
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for line in &lines {
        assert_eq!(objections(&validator, line), Vec::<String>::new());
        for field in line.as_object().unwrap().keys().filter(|k| *k != "cache_hint") {
            let mut broken = line.clone();
            broken.as_object_mut().unwrap().remove(field);
            assert!(!validator.is_valid(&broken), "{} without {field}", line["type"]);
        }
    }
    let types: Vec<&str> = lines.iter().map(|l| l["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["run", "target", "target", "target", "target", "summary"]);
    assert_eq!((&lines[0]["planned"], &lines[1]["index"]), (&json!(4), &json!(3)));
}

#[test]
fn an_ndjson_target_is_out_before_the_next_is_there() {
    let out = Shared::default();
    let mut sink = open(Format::Ndjson, Box::new(out.clone()), PLAIN);
    sink.begin(&run_info()).unwrap();
    assert_eq!(out.text().lines().count(), 1);
    sink.outcome(0, &complete()).unwrap();
    assert!(out.text().ends_with("}\n") && out.text().lines().count() == 2);
}

#[test]
fn no_format_lets_a_raw_control_character_out() {
    let outcomes = [hostile(), Outcome { status: Status::Complete, failure: None, ..hostile() }];
    for format in ALL_FORMATS {
        for style in [PLAIN, Style { width: Some(100), colour: true, ..RICH }] {
            let mut text = written(format, style, &outcomes);
            for ours in COLOURS {
                text = text.replace(ours, "");
            }
            let raw = text.chars().find(|c| *c != '\n' && text::is_deceptive(*c));
            assert_eq!(raw, None, "{format:?}");
            assert!(!text.bytes().any(|b| (b < 0x20 && b != b'\n') || b == 0x7f), "{format:?}");
        }
    }
}

#[test]
fn a_hostile_name_forges_no_line() {
    let lines = |outcome: Outcome| {
        ALL_FORMATS.map(|f| written(f, PLAIN, std::slice::from_ref(&outcome)).lines().count())
    };
    assert_eq!(lines(hostile()), lines(Outcome { name: "evil".into(), ..hostile() }));
    let table = written(Format::Table, PLAIN, &[hostile()]);
    assert!(table.len() < 10_000, "a megabyte of name became {} bytes of table", table.len());
}

#[test]
fn a_report_file_appears_when_it_is_complete_and_not_before() {
    let path = std::env::temp_dir().join(format!("hawkeye-report-{:016x}.json", fastrand::u64(..)));
    let mut sink = open_file(Format::Json, &path, PLAIN).unwrap();
    sink.begin(&run_info()).unwrap();
    sink.outcome(0, &complete()).unwrap();
    assert!(!path.exists());
    sink.end(&run_end(&[complete()])).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(text, written(Format::Json, PLAIN, &[complete()]));
}

#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let mut sink = open_file(Format::Ndjson, Path::new("/dev/full"), PLAIN).unwrap();
    let error = sink.begin(&run_info()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(error.to_string(), "/dev/full: no space left on the device");
}

#[test]
fn formats_are_known_by_the_ending_of_a_file() {
    let of = |path| Format::of_path(Path::new(path));
    assert_eq!(of("a/r.json"), Some(Format::Json));
    assert_eq!(of("r.JSONL"), Some(Format::Ndjson));
    assert_eq!(of("r.ndjson"), Some(Format::Ndjson));
    assert_eq!(of("r.txt"), Some(Format::Table));
    assert_eq!(of("hawkeye.prom"), Some(Format::Prometheus));
    assert_eq!((of("r.sarif"), of("r.SARIF.json")), (Some(Format::Sarif), Some(Format::Sarif)));
    assert_eq!((of("r.md"), of("r.csv")), (Some(Format::Markdown), Some(Format::Csv)));
    assert_eq!((of("r.xml"), of("r.junit.xml")), (Some(Format::Junit), Some(Format::Junit)));
    assert_eq!((of("r.html"), of("r.HTM")), (Some(Format::Html), Some(Format::Html)));
    assert_eq!((of("r.pdf"), of("json")), (None, None));
}
