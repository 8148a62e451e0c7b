//! Many MCP servers behind one port: each path is one. They remember when they were asked.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// When a server listed its tools: from, to.
pub(crate) type Asked = (Instant, Instant);

pub(crate) struct Servers {
    address: SocketAddr,
    asked: Arc<Mutex<HashMap<String, Vec<Asked>>>>,
    begun: Arc<AtomicUsize>,
}

impl Servers {
    /// Each takes `delay` to list its tools.
    pub(crate) fn start(delay: Duration) -> Servers {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let servers = Servers { address, asked: Arc::default(), begun: Arc::default() };
        let (asked, begun) = (Arc::clone(&servers.asked), Arc::clone(&servers.begun));
        // Ends with the process of the test.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, begun) = (Arc::clone(&asked), Arc::clone(&begun));
                thread::Builder::new()
                    .stack_size(256 << 10)
                    .spawn(move || converse(stream, delay, &asked, &begun))
                    .unwrap();
            }
        });
        servers
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// All times that `name` was asked.
    pub(crate) fn asked(&self, name: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().get(name).cloned().unwrap_or_default()
    }

    /// How many are being asked, or were.
    pub(crate) fn asking(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }
}

/// Answers one request after the other, until the client is gone.
fn converse(
    stream: TcpStream,
    delay: Duration,
    asked: &Mutex<HashMap<String, Vec<Asked>>>,
    begun: &AtomicUsize,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let mut words = line.split_whitespace();
        let post = words.next()? == "POST";
        let name = words.next()?.trim_start_matches('/').to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok().filter(|n| *n > 0)?;
            let header = header.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        let answer = match message["method"].as_str() {
            _ if !post => None,
            Some("initialize") => Some(json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": name, "version": "1"},
            })),
            Some("tools/list") => {
                let from = Instant::now();
                begun.fetch_add(1, Ordering::SeqCst);
                thread::sleep(delay);
                asked.lock().unwrap().entry(name.clone()).or_default().push((from, Instant::now()));
                let schema = json!({"type": "object"});
                let tool =
                    json!({"name": format!("look_{name}"), "description": "Looks.", "inputSchema": schema});
                Some(json!({"tools": [tool]}))
            }
            _ => None,
        };
        let (status, text) = match (answer, message.get("id")) {
            _ if !post => ("405 Method Not Allowed", String::new()),
            (Some(result), Some(id)) => {
                ("200 OK", json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string())
            }
            (_, Some(id)) => {
                let error = json!({"code": -32601, "message": "unknown"});
                ("200 OK", json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string())
            }
            (_, None) => ("202 Accepted", String::new()),
        };
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        )
        .ok()?;
    }
}
