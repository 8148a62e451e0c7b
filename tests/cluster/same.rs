//! The report is that of a scan on one host.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::place::{Http, PROGRAM, Place, count, rows};

/// Without what may differ: times, and who asked.
fn plain(mut row: Value) -> Value {
    let object = row.as_object_mut().unwrap();
    for key in ["timing", "worker", "delivery"] {
        object.remove(key);
    }
    for list in object["coverage"].as_array_mut().unwrap() {
        list.as_object_mut().unwrap().remove("ms");
    }
    row
}

#[test]
fn every_kind_of_outcome_is_the_same_as_on_one_host() {
    let place = Place::new("same", "  load_balancer: {health_check_interval: 2}\n");
    let (open, closed) = (Http::start(&[]), Http::start(&["--token", "t0ken-of-the-demo"]));
    let stdio = |persona: &str| json!({"command": PROGRAM, "args": ["demo-server", "--persona", persona]});
    let servers = json!({"mcpServers": {
        "files": stdio("files"),
        "vulnerable": stdio("vulnerable"),
        "slow": {"command": PROGRAM, "args": ["demo-server", "--delay-ms", "5000"], "timeout": 0.3},
        "nothing": {"command": "/nonexistent/server"},
        "open": {"url": open.url},
        "refused": {"url": closed.url},
        "in": {"url": closed.url, "headers": {"Authorization": "Bearer t0ken-of-the-demo"}},
        "gone": {"url": "http://127.0.0.1:1/mcp"},
        "unset": {"url": "http://127.0.0.1:1/${NOT_SET_ANYWHERE}"},
        "broken": {"url": "ftp://host/"},
        "off": {"url": "http://127.0.0.1:1/off", "disabled": true},
    }});
    fs::write(place.dir.join("targets"), servers.to_string()).unwrap();
    let _workers = [place.worker("w1", 3, &["--allow-stdio"]), place.worker("w2", 3, &["--allow-stdio"])];
    let (here, there) = (place.scan(&["--no-cluster"]), place.scan(&[]));
    assert_eq!((here.status.code(), there.status.code()), (Some(3), Some(3)), "{there:?}");
    let (mut asked, mut not_asked) = (0, 0);
    let local: BTreeMap<String, Value> = rows(&here).into_iter().map(|(of, row)| (of, plain(row))).collect();
    for (of, row) in rows(&there) {
        match row["worker"].as_str() {
            Some(worker) => {
                assert!(["w1", "w2"].contains(&worker), "{row}");
                assert!(row["delivery"]["attempt"] == 1 && row["delivery"]["host"].is_string(), "{row}");
                asked += 1;
            }
            None => not_asked += 1,
        }
        assert_eq!(plain(row), local[&of], "{of}");
    }
    assert_eq!((asked, not_asked, local.len()), (8, 2, 10));
    assert_eq!((count(&local, "complete"), count(&local, "failed")), (4, 6));
    // Nothing of the run is left, and nobody waits for it.
    let keys = place.ask(&["keys", "*run*"]);
    assert_eq!(keys, "", "{keys}");
    assert!(!place.dir.join(".hawkeye/cache/runs").read_dir().unwrap().any(|_| true));
}
