//! The real servers of tests/zoo/servers.json: reading the file, starting those that listen, stopping them all.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// How long a server may take to listen, on two busy cores.
const PATIENCE: Duration = Duration::from_secs(120);
/// Servers that start at the same time.
const STARTERS: usize = 3;

/// One entry of the file.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) value: Value,
}

impl Entry {
    /// All of them, each listening one on a free port of its own.
    pub(crate) fn all() -> Vec<Entry> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zoo/servers.json");
        let mut file: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let Value::Object(servers) = file["mcpServers"].take() else { panic!("no mcpServers") };
        let mut entries: Vec<Entry> =
            servers.into_iter().map(|(name, value)| Entry { name, value }).collect();
        move_to_free_ports(&mut entries);
        entries
    }

    pub(crate) fn expect(&self) -> &Value {
        &self.value["_expect"]
    }

    pub(crate) fn transport(&self) -> &str {
        self.value["type"].as_str().unwrap_or("stdio")
    }

    /// `host:port`, of a server that must be started.
    fn address(&self) -> Option<&str> {
        self.value["url"].as_str()?.strip_prefix("http://")?.split('/').next()
    }

    fn ends_by_itself(&self) -> bool {
        self.value["_start"]["last"] == true
    }
}

/// Gives every server that listens a port nobody else has, wherever the entry names the old one.
fn move_to_free_ports(entries: &mut [Entry]) {
    // All held until the last one is known, so that none is given out twice.
    let mut held = Vec::new();
    for entry in entries {
        let Some((_, old)) = entry.address().and_then(|address| address.rsplit_once(':')) else { continue };
        let old = old.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let new = listener.local_addr().unwrap().port().to_string();
        held.push(listener);
        replace_in_strings(&mut entry.value, &old, &new);
    }
}

fn replace_in_strings(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::String(text) => *text = text.replace(old, new),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_in_strings(item, old, new)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace_in_strings(field, old, new)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Writes `entries` as an mcpServers file; those that do not wait for long come first.
pub(crate) fn write_targets(entries: &[Entry], folder: &Path) -> PathBuf {
    let (hasty, patient): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|e| e.ends_by_itself());
    let members: Vec<String> =
        hasty.into_iter().chain(patient).map(|e| format!("{}: {}", json!(e.name), e.value)).collect();
    let path = folder.join("servers.json");
    fs::write(&path, format!("{{\"mcpServers\": {{\n{}\n}}}}\n", members.join(",\n"))).unwrap();
    path
}

/// Servers that listen; all gone when this is dropped, however the test ends.
pub(crate) struct Listening(#[expect(dead_code, reason = "held for its Drop")] Vec<Running>);

impl Listening {
    /// Starts those of `entries` that have to be started, and returns once each accepts connections.
    pub(crate) fn start(entries: &[Entry], zoo: &Path, logs: &Path) -> Listening {
        let running = Mutex::new(Vec::new());
        let (last, first): (Vec<&Entry>, Vec<&Entry>) =
            entries.iter().filter(|e| e.address().is_some()).partition(|e| e.ends_by_itself());
        for batch in [first, last] {
            let queue = Mutex::new(batch.into_iter());
            thread::scope(|scope| {
                for _ in 0..STARTERS {
                    scope.spawn(|| {
                        loop {
                            let Some(entry) = queue.lock().unwrap().next() else { break };
                            let server = Running::start(entry, zoo, logs);
                            running.lock().unwrap().push(server);
                        }
                    });
                }
            });
        }
        Listening(running.into_inner().unwrap())
    }
}

/// One process, and whatever it has started, in a group of their own.
struct Running(Child);

impl Running {
    fn start(entry: &Entry, zoo: &Path, logs: &Path) -> Running {
        let start = &entry.value["_start"];
        let expand = |text: &Value| text.as_str().unwrap().replace("${HAWKEYE_ZOO}", zoo.to_str().unwrap());
        let nothing = Map::new();
        let log = logs.join(format!("{}.log", entry.name));
        let output = File::create(&log).unwrap();
        let child = Command::new(expand(&start["command"]))
            .args(start["args"].as_array().unwrap().iter().map(expand))
            .envs(start["env"].as_object().unwrap_or(&nothing).iter().map(|(k, v)| (k, expand(v))))
            .env("HOME", logs)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: cannot start {}: {error}", entry.name, start["command"]));
        let mut running = Running(child);
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(entry.address().unwrap()).is_err() {
            let ended = running.0.try_wait().unwrap();
            if ended.is_some() || Instant::now() > until {
                let said = fs::read_to_string(&log).unwrap_or_default();
                panic!("{}: does not listen ({ended:?}); it said:\n{said}", entry.name);
            }
            thread::sleep(Duration::from_millis(50));
        }
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("sh").args(["-c", "kill -s KILL -- \"$0\"", &group]).status();
        let _ = self.0.wait();
    }
}
