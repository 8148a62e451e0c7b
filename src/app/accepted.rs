//! A baseline: servers as somebody looked at them and said that they are good so. The file is meant for review
//! in git: the same servers make the same bytes, and a change of a server is a change of its lines only.
//!
//! It is a report with nothing in it but servers, so that whatever reads reports reads it: `assess`, `diff`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::base::text::{few, is_deceptive, plural, quote, visible};
use crate::base::time::rfc3339;
use crate::model::drift::Since;
use crate::model::inventory::{CoverageState, Inventory, Json, List};
use crate::model::outcome::{EndpointView, Outcome, Status};
use crate::model::same;
use crate::report::output;
use crate::saved;

/// Names in one line.
const MOST_NAMES: usize = 10;

/// Accepted servers.
pub(in crate::app) struct Baseline {
    file: PathBuf,
    at: SystemTime,
    servers: Vec<Outcome>,
}

impl Baseline {
    /// Reads the file at `path`; why it cannot be used.
    pub(in crate::app) fn read(path: &Path) -> Result<Baseline, String> {
        const REMEDY: &str = "hawkeye baseline accept writes it";
        // Asked here, since nobody is to think that a baseline could come from standard input.
        let stdin = path == Path::new("-") || path == Path::new("/dev/stdin");
        if stdin || std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            let name = visible(&path.display().to_string()).into_owned();
            return Err(format!("--baseline {name}: must be a regular file ({REMEDY})"));
        }
        let servers = saved::read(path, &mut io::empty()).map_err(|e| {
            // With anything in it, the cause says what is wrong.
            let nothing = std::fs::metadata(path).map_or(true, |found| found.len() == 0);
            if nothing { format!("--baseline {e} ({REMEDY})") } else { format!("--baseline {e}") }
        })?;
        if let Some(bad) = servers.iter().find(|server| server.inventory.protocol.is_none()) {
            let why = bad.failure.as_ref().map_or("nothing is known of it", |f| f.message.as_str());
            let (name, why) = (quote(&bad.name, 60), quote(why, 200));
            return Err(format!("--baseline {}: server \"{name}\": {why}", path.display()));
        }
        let at = std::fs::metadata(path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(Baseline { file: path.to_owned(), at, servers })
    }

    /// What is compared with it is compared with this.
    pub(in crate::app) fn since(&self) -> Since {
        Since { at: rfc3339(self.at), run: None, file: Some(self.file.display().to_string()) }
    }

    /// The place of the server called `name` at `endpoint`; `taken` are the names of today.
    pub(in crate::app) fn place(
        &self,
        name: &str,
        endpoint: &EndpointView,
        taken: impl Fn(&str) -> bool,
    ) -> Option<usize> {
        same::find(&self.servers, name, endpoint, taken).map(|(at, _)| at)
    }

    /// The server at that place.
    pub(in crate::app) fn at(&self, place: usize) -> Option<&Outcome> {
        self.servers.get(place)
    }

    /// That servers of the file are none of those `met`, or have another name now: for each place that was met,
    /// the name of today. No line where all are as they were.
    pub(in crate::app) fn apart(&self, met: &BTreeMap<usize, String>) -> Vec<String> {
        let mut lines = Vec::new();
        let (mut missing, mut renamed) = (Vec::new(), Vec::new());
        for (at, server) in self.servers.iter().enumerate() {
            match met.get(&at) {
                None => missing.push(quote(&server.name, 60)),
                Some(now) if *now != server.name => {
                    renamed.push(format!("{} is {}", quote(&server.name, 60), quote(now, 60)));
                }
                Some(_) => {}
            }
        }
        let mut say = |names: Vec<String>, (one, many): (&str, &str)| {
            if names.is_empty() {
                return;
            }
            let (are, count) =
                (if names.len() == 1 { one } else { many }, plural(names.len(), "accepted server"));
            lines.push(format!(
                "{}: {count} {are}: {}",
                self.file.display(),
                few(names.into_iter(), MOST_NAMES)
            ));
        };
        say(missing, ("is no target of this run", "are no targets of this run"));
        say(renamed, ("has another name now", "have other names now"));
        lines
    }

    /// Its servers.
    pub(in crate::app) fn into_servers(self) -> Vec<Outcome> {
        self.servers
    }
}

/// Whether a server can be accepted: all of it was seen.
pub(in crate::app) fn acceptable(outcome: &Outcome) -> bool {
    outcome.status == Status::Complete && outcome.inventory.protocol.is_some()
}

/// Writes `servers` to the file at `path`, sorted by name.
pub(in crate::app) fn write(path: &Path, mut servers: Vec<Outcome>) -> io::Result<()> {
    servers.sort_by(|a, b| a.name.cmp(&b.name));
    let targets: Vec<Value> = servers.iter().map(server).collect();
    let document = json!({"schema_version": 1, "baseline": true, "targets": targets});
    let text = serde_json::to_string_pretty(&sorted(document))?;
    let mut file = output::create_readable(path)?;
    // White space of the document is plain; what is left stands in strings.
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && is_deceptive(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| line.push_str(&format!("\\u{unit:04x}")));
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    file.write_all(line.as_bytes())?;
    file.commit()
}

/// What of a server is accepted: what a model sees of it, and how it is reached.
fn server(outcome: &Outcome) -> Value {
    let inventory = &outcome.inventory;
    let raw = |json: &Json| serde_json::from_str::<Value>(json.text()).unwrap_or(Value::Null);
    let mut server = json!({
        "name": outcome.name,
        "transport": outcome.transport,
        "endpoint": outcome.endpoint,
        "status": outcome.status,
        "protocol": inventory.protocol,
        "server": inventory.server.as_ref().map(raw),
        "instructions": inventory.instructions,
        "capabilities": inventory.capabilities.as_ref().map(raw),
        "auth": {"posture": outcome.auth.posture},
        "coverage": List::ALL.map(|list| coverage(list, inventory)),
    });
    for list in List::ALL {
        let mut items: Vec<Value> = inventory.items(list).iter().map(raw).collect();
        let name = |item: &Value| {
            let key = ["name", "uri", "uriTemplate"].into_iter().find_map(|key| item.get(key)?.as_str());
            key.unwrap_or_default().to_owned()
        };
        items.sort_by_cached_key(|item| (name(item), item.to_string()));
        server[list.field()] = Value::Array(items);
    }
    server
}

/// That the list was read to its end, or is not offered; nothing that is another thing tomorrow.
fn coverage(list: List, inventory: &Inventory) -> Value {
    let state = inventory.coverage_of(list).map_or(CoverageState::Complete, |row| row.state);
    let items = inventory.items(list).len();
    json!({"phase": list, "state": state, "items": items, "pages": 1, "bytes": 0, "ms": 0.0, "reason": null})
}

/// With all keys in order, however the maps below were made.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut members: Vec<(String, Value)> = map.into_iter().collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        plain => plain,
    }
}
