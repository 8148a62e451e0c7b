//! Reports for other programs, written by real runs: several at once, the lines that they point to, the examples
//! for pipelines.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");

/// A directory of its own, which is also the home of the user who scans.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let dir = env::temp_dir().join(format!("hawkeye-reports-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Place(dir)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        Command::new(program).args(args).current_dir(&self.0).env("HOME", &self.0).output().unwrap()
    }

    fn hawkeye(&self, args: &[&str]) -> Output {
        self.run(PROGRAM, args)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Two servers: one on line 4 that answers, one on line 8 that cannot be started.
fn servers(place: &Place, name: &str) {
    let text = format!(
        "{{\n \"mcpServers\": {{\n\n  \"demo\": {{\n   \"command\": \"{PROGRAM}\",\n   \"args\": [\"demo-server\"]\n  }},\n  \
         \"gone\": {{\"command\": \"no-such-program-anywhere\"}}\n }}\n}}\n"
    );
    place.write(name, &text);
}

#[test]
fn one_run_writes_every_format_at_once() {
    let place = Place::new("all");
    servers(&place, "my servers/mcp.json");
    let names =
        ["r.sarif", "r.sarif.json", "r.md", "r.csv", "r.xml", "r.json", "r.ndjson", "r.txt", "r.prom"];
    let mut args = vec!["scan", "--targets", "./my servers/mcp.json", "--fail-on", "never"];
    args.extend(names.iter().flat_map(|name| ["--output", *name]));
    let output = place.hawkeye(&args);
    assert_eq!(output.status.code(), Some(3), "one server cannot be started: {}", stderr(&output));
    assert!(output.stdout.is_empty());
    for name in names {
        let mode = fs::metadata(place.0.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode, place.text(name).is_empty()), (0o600, false), "{name}");
        assert!(place.text(name).contains("gone"), "{name}");
    }
    assert_eq!(place.text("r.sarif"), place.text("r.sarif.json"));
    let sarif: Value = serde_json::from_str(&place.text("r.sarif")).unwrap();
    let run = &sarif["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let notice = &run["invocations"][0]["toolExecutionNotifications"][0];
    let at = &notice["locations"][0]["physicalLocation"];
    assert_eq!(at["artifactLocation"]["uri"], "my%20servers/mcp.json");
    assert_eq!(at["region"]["startLine"], 8);
    let report: Value = serde_json::from_str(&place.text("r.json")).unwrap();
    let of = |report: &Value| {
        report["targets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["findings"].as_array().unwrap().len())
            .sum::<usize>()
    };
    let clients = report["clients"].as_array().unwrap().iter();
    let together: usize = clients.map(|client| client["findings"].as_array().unwrap().len()).sum();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), of(&report) + together, "each finding is a result");
    for result in results.iter().filter(|result| result["properties"]["target"] == "demo") {
        assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 4);
    }
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.len() as u64 >= report["tool"]["rules"]["count"].as_u64().unwrap());
    // A record a line: the header, two targets, the run, findings, clients, what was not assessed.
    let rows = place.text("r.csv").matches("\r\n").count();
    let unseen = report["tool"]["rules"]["not_assessed"].as_array().unwrap().len();
    assert_eq!(rows, 1 + 2 + 1 + results.len() + report["clients"].as_array().unwrap().len() + unseen);
    assert!(place.text("r.md").contains("; 1 of 2 targets not listed whole\n"), "{}", place.text("r.md"));
    assert!(place.text("r.xml").contains("<error type=\"spawn_failed\""));
}

#[test]
fn an_ending_that_names_no_format_is_refused_before_anything_runs() {
    let place = Place::new("ending");
    let output =
        place.hawkeye(&["scan", "--output", "r.sarif", "--output", "r.pdf", "--", PROGRAM, "demo-server"]);
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(
        told.contains("r.pdf: the ending names no format (use .json, ") && told.contains(".sarif"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(!place.0.join("r.sarif").exists());
    for format in ["sarif", "junit", "csv", "markdown"] {
        let output =
            place.hawkeye(&["scan", "--watch", "5", "--format", format, "--", PROGRAM, "demo-server"]);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(
            told.contains(&format!("--format {format} is one document and has no end with --watch")),
            "{told}"
        );
    }
}

#[test]
fn each_format_goes_to_stdout_too() {
    let place = Place::new("stdout");
    for (format, begins) in [
        ("sarif", "{\n \"$schema\""),
        ("junit", "<?xml version=\"1.0\""),
        ("csv", "kind,target,status,"),
        ("markdown", "## hawkeye: "),
    ] {
        let output =
            place.hawkeye(&["scan", "--format", format, "--fail-on", "never", "--", PROGRAM, "demo-server"]);
        assert_eq!(output.status.code(), Some(0), "{format}: {}", stderr(&output));
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.starts_with(begins), "{format}: {told:.200}");
    }
}

#[test]
fn examples_for_pipelines_ask_for_what_there_is() {
    let load = |name: &str| -> serde_yaml::Value {
        serde_yaml::from_str(&fs::read_to_string(root().join("config/ci").join(name)).unwrap()).unwrap()
    };
    let workflow = load("github-workflow.yml");
    assert_eq!(workflow["permissions"].as_mapping().unwrap().len(), 0, "a job asks for what it needs");
    let job = &workflow["jobs"]["scan"];
    assert_eq!(job["permissions"]["contents"].as_str(), Some("read"));
    assert_eq!(job["permissions"]["security-events"].as_str(), Some("write"));
    let steps = job["steps"].as_sequence().unwrap();
    let upload =
        steps.iter().find(|s| s["uses"].as_str().is_some_and(|u| u.contains("upload-sarif"))).unwrap();
    assert!(upload["if"].as_str().unwrap().starts_with("always()"), "a run that fails is the one to be told");
    assert!(steps.iter().filter_map(|s| s["uses"].as_str()).all(|u| u.split_once("@v").is_some()));
    let scan =
        steps.iter().filter_map(|s| s["run"].as_str()).find(|run| run.contains("hawkeye scan")).unwrap();
    assert!(scan.contains(&format!("--output {}", upload["with"]["sarif_file"].as_str().unwrap())), "{scan}");
    let gitlab = load("gitlab-ci.yml");
    let job = &gitlab["hawkeye"];
    let junit = job["artifacts"]["reports"]["junit"].as_str().unwrap();
    let script = job["script"][0].as_str().unwrap();
    assert!(
        script.contains(&format!("--output {junit}")) && job["artifacts"]["when"].as_str() == Some("always")
    );
    // Both commands are ones that hawkeye takes.
    let place = Place::new("examples");
    servers(&place, ".mcp.json");
    for line in [scan.replace("\"$TARGETS\"", ".mcp.json"), script.to_owned()] {
        let args: Vec<&str> = line.split_whitespace().skip(1).collect();
        let output = place.hawkeye(&args);
        assert_eq!(output.status.code(), Some(3), "{line}: {}", stderr(&output));
    }
    assert!(place.0.join("hawkeye.sarif").exists() && place.0.join(junit).exists());
}

#[test]
fn the_hook_stops_a_commit_of_servers_that_do_not_pass() {
    let place = Place::new("hook");
    let bin = place.0.join("bin");
    fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(PROGRAM, bin.join("hawkeye")).unwrap();
    let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap());
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"])
            .args(args);
        git.current_dir(&place.0).env("HOME", &place.0).env("PATH", &path).output().unwrap()
    };
    assert!(git(&["init", "-q", "."]).status.success());
    fs::copy(root().join("config/ci/pre-commit"), place.0.join(".git/hooks/pre-commit")).unwrap();
    place.write("notes.txt", "no servers here\n");
    git(&["add", "notes.txt"]);
    let nothing = git(&["commit", "-qm", "notes"]);
    assert!(nothing.status.success(), "{}", stderr(&nothing));
    servers(&place, "a dir/.mcp.json");
    git(&["add", "a dir/.mcp.json"]);
    let stopped = git(&["commit", "-qm", "servers"]);
    assert!(!stopped.status.success(), "a server that cannot be started was committed");
    assert!(stderr(&stopped).contains("gone"), "{}", stderr(&stopped));
    place.write(
        "a dir/.mcp.json",
        &format!(
            "{{\"mcpServers\": {{\"demo\": {{\"command\": \"{PROGRAM}\", \"args\": [\"demo-server\"]}}}}}}\n"
        ),
    );
    git(&["add", "a dir/.mcp.json"]);
    let passed = git(&["commit", "-qm", "servers"]);
    assert!(passed.status.success(), "{}{}", stderr(&passed), String::from_utf8_lossy(&passed.stdout));
    let count = git(&["rev-list", "--count", "HEAD"]);
    assert_eq!(String::from_utf8(count.stdout).unwrap().trim(), "2");
}
