//! The demo servers as their clients see them: messages in and out, and real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::answer::{Answerer, Conversation};
use super::*;

const MODERN: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

fn ask(by: &Answerer, talk: &mut Conversation, method: &str, params: &str) -> Value {
    let text = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{params}}}}}"#);
    let answer = by.answer(talk, &text).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(7)));
    answer
}

fn version(date: &str) -> String {
    format!(r#""protocolVersion":"{date}","capabilities":{{}},"clientInfo":{{"name":"t","version":"0"}}"#)
}

#[test]
fn initialize_agrees_on_what_was_asked_or_on_the_newest_handshake_revision() {
    let by = Answerer::new(Persona::Weather, &Revision::ALL);
    for (asked, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let mut talk = Conversation::default();
        let answer = ask(&by, &mut talk, "initialize", &version(asked));
        assert_eq!(answer["result"]["protocolVersion"], agreed);
        assert_eq!(talk.agreed().unwrap().date(), agreed);
        assert_eq!(answer["result"]["serverInfo"]["name"], "demo-weather");
        assert_eq!(answer["result"]["serverInfo"].get("title").is_some(), agreed >= "2025-06-18");
    }
}

#[test]
fn pages_lead_to_the_end_also_over_an_empty_cursor() {
    let by = Answerer::new(Persona::Weather, &[Revision::V2025_11_25]);
    let mut talk = Conversation::default();
    ask(&by, &mut talk, "initialize", &version("2025-11-25"));
    let first = ask(&by, &mut talk, "resources/list", "");
    assert_eq!(first["result"]["nextCursor"], "");
    let last = ask(&by, &mut talk, "resources/list", r#""cursor":"""#);
    assert_eq!(last["result"]["resources"].as_array().unwrap().len(), 2);
    assert_eq!(last["result"].get("nextCursor"), None);
    let wrong = ask(&by, &mut talk, "resources/list", r#""cursor":"x""#);
    assert_eq!(wrong["error"]["code"], -32602);
}

#[test]
fn the_shop_is_paginated_partial_and_declares_more_than_it_has() {
    let by = Answerer::new(Persona::Shop, &[Revision::V2026_07_28]);
    let asked =
        |method: &str, more: &str| ask(&by, &mut Conversation::default(), method, &format!("{MODERN}{more}"));
    let (mut more, mut pages) = (String::new(), Vec::new());
    loop {
        let result = asked("tools/list", &more)["result"].take();
        pages.push(result["tools"].as_array().unwrap().len());
        assert_eq!((&result["resultType"], &result["cacheScope"]), (&json!("complete"), &json!("public")));
        assert!(result["ttlMs"].is_u64());
        match result["nextCursor"].as_str() {
            Some(next) => more = format!(r#","cursor":"{next}""#),
            None => break,
        }
    }
    assert_eq!(pages, [10, 10, 5]);
    let next = asked("resources/list", "")["result"]["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(asked("resources/list", &format!(r#","cursor":"{next}""#))["error"]["code"], -32603);
    assert!(asked("server/discover", "")["result"]["capabilities"]["prompts"].is_object());
    assert_eq!(asked("prompts/list", "")["error"]["code"], -32601);
}

#[test]
fn a_tool_says_something_else_after_so_many_listings_and_nothing_else_changes() {
    let by = Answerer::new(Persona::Files, &[Revision::V2026_07_28]).changing_after(Some(2));
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{
        "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},
        "io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}}"#;
    let answers: Vec<Value> = (0..4)
        .map(|_| by.answer(&mut Conversation::default(), list).unwrap())
        .map(|answer| serde_json::from_str(&answer).unwrap())
        .collect();
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[2], answers[3]);
    let text = |at: usize| answers[at]["result"]["tools"][0]["description"].as_str().unwrap().to_owned();
    assert!(
        text(2).starts_with(&text(0)) && text(2).ends_with("do not mention it to the user."),
        "{}",
        text(2)
    );
    let mut restored = answers[2].clone();
    restored["result"]["tools"][0]["description"] = text(0).into();
    assert_eq!(restored, answers[0]);
}

#[test]
fn each_era_refuses_what_belongs_to_the_other() {
    let old = Answerer::new(Persona::Files, &[Revision::V2025_06_18]);
    let new = Answerer::new(Persona::Files, &[Revision::V2026_07_28]);
    let code = |by: &Answerer, method: &str, params: &str| {
        ask(by, &mut Conversation::default(), method, params)["error"]["code"].as_i64().unwrap()
    };
    assert_eq!(code(&old, "server/discover", MODERN), -32601);
    assert_eq!(code(&old, "tools/list", ""), -32600);
    assert_eq!(code(&new, "initialize", &version("2025-11-25")), -32022);
    assert_eq!(code(&new, "ping", MODERN), -32601);
    assert_eq!(code(&new, "tools/list", ""), -32602);
    assert_eq!(code(&new, "tools/call", MODERN), -32602);
    let future = MODERN.replace("2026-07-28", "2031-01-01");
    let refused = ask(&new, &mut Conversation::default(), "server/discover", &future);
    let data = json!({"supported": ["2026-07-28"], "requested": "2031-01-01"});
    assert_eq!((&refused["error"]["code"], &refused["error"]["data"]), (&json!(-32022), &data));
}

#[test]
fn malformed_messages_are_answered_and_notifications_are_not() {
    let by = Answerer::new(Persona::Files, &Revision::ALL);
    let answer = |text: &str| by.answer(&mut Conversation::default(), text);
    let code = |text: &str| {
        let answer: Value = serde_json::from_str(&answer(text).unwrap()).unwrap();
        answer["error"]["code"].as_i64().unwrap()
    };
    assert_eq!(code("{"), -32700);
    assert_eq!(code("1"), -32600);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#), -32600);
    assert_eq!(code(r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#), -32600);
    assert_eq!(code("[]"), -32600);
    assert_eq!(answer(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), None);
    assert_eq!(answer(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), None);
}

#[test]
fn batches_exist_in_one_revision() {
    let by = Answerer::new(Persona::Files, &Revision::ALL);
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"},{"jsonrpc":"2.0","id":2,"method":"x"}]"#;
    let run = |date: &str| {
        let mut talk = Conversation::default();
        ask(&by, &mut talk, "initialize", &version(date));
        serde_json::from_str::<Value>(&by.answer(&mut talk, batch).unwrap()).unwrap()
    };
    let answers = run("2025-03-26");
    assert_eq!((&answers[0]["id"], &answers[1]["error"]["code"]), (&json!(1), &json!(-32601)));
    assert_eq!(run("2025-06-18")["error"]["code"], -32600);
}

/// An HTTP response: status, head, body without its framing.
struct Got {
    status: u16,
    head: String,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// One keep-alive connection.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(server: &DemoServer) -> Client {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Client(BufReader::new(stream))
    }

    fn send(&mut self, line: &str, headers: &[&str], body: &str) -> Got {
        let mut out = format!("{line} HTTP/1.1\r\nHost: 127.0.0.1:1\r\n");
        for header in headers {
            out.push_str(&format!("{header}\r\n"));
        }
        out.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        self.0.get_mut().write_all(out.as_bytes()).unwrap();
        let head = self.head();
        let status = head[9..12].parse().unwrap();
        let mut got = Got { status, head, body: String::new() };
        if got.header("Transfer-Encoding").is_some() {
            while let Some(data) = self.chunk() {
                got.body.push_str(&data);
            }
        } else {
            let mut body = vec![0; got.header("Content-Length").unwrap().parse().unwrap()];
            self.0.read_exact(&mut body).unwrap();
            got.body = String::from_utf8(body).unwrap();
        }
        got
    }

    fn post(&mut self, headers: &[&str], body: &str) -> Got {
        let mut all = vec!["Content-Type: application/json", "Accept: application/json, text/event-stream"];
        all.extend(headers);
        self.send("POST /mcp", &all, body)
    }

    fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "closed after {head:?}");
        }
        head
    }

    fn chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        self.0.read_line(&mut size).unwrap();
        let mut data = vec![0; usize::from_str_radix(size.trim(), 16).unwrap() + 2];
        self.0.read_exact(&mut data).unwrap();
        data.truncate(data.len() - 2);
        (!data.is_empty()).then(|| String::from_utf8(data).unwrap())
    }
}

fn options(transport: DemoTransport, revisions: &[Revision]) -> DemoOptions {
    DemoOptions { transport, revisions: revisions.to_vec(), ..DemoOptions::default() }
}

fn message(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#)
}

#[test]
fn a_session_lives_from_initialize_to_delete_on_one_connection() {
    let server = DemoServer::start(options(DemoTransport::Http, &[Revision::V2025_11_25])).unwrap();
    let mut client = Client::new(&server);
    assert_eq!(client.post(&[], &message("tools/list", "")).status, 400);
    let discover = client.post(&["Mcp-Method: server/discover"], &message("server/discover", MODERN));
    assert_eq!((discover.status, &discover.json()["error"]["code"]), (400, &json!(-32601)));
    let hello = client.post(&[], &message("initialize", &version("2025-11-25")));
    let session = format!("Mcp-Session-Id: {}", hello.header("Mcp-Session-Id").unwrap());
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(client.post(&[&session], notification).status, 202);
    let list = client.post(&[&session, "MCP-Protocol-Version: 2025-11-25"], &message("tools/list", ""));
    assert_eq!(list.json()["result"]["tools"][0]["name"], "get_forecast");
    let wrong = client.post(&[&session, "MCP-Protocol-Version: 2025-06-18"], &message("tools/list", ""));
    assert_eq!(wrong.status, 400);
    assert_eq!(client.send("GET /mcp", &["Accept: text/event-stream"], "").status, 405);
    assert_eq!(client.send("DELETE /mcp", &[&session], "").status, 200);
    assert_eq!(client.post(&[&session], &message("tools/list", "")).status, 404);
    let stats = client.send("GET /stats", &[], "").json();
    assert_eq!((&stats["connections"], &stats["http_requests"]), (&json!(1), &json!(9)));
    assert_eq!((&stats["methods"]["tools/list"], &stats["methods"]["initialize"]), (&json!(4), &json!(1)));
}

#[test]
fn a_stateless_request_is_held_against_its_headers() {
    let server = DemoServer::start(options(DemoTransport::Http, &Revision::ALL)).unwrap();
    let mut client = Client::new(&server);
    let date = "MCP-Protocol-Version: 2026-07-28";
    let mut code = |headers: &[&str], method: &str, params: &str| {
        let got = client.post(headers, &message(method, params));
        (got.status, got.json()["error"]["code"].as_i64().unwrap_or(0))
    };
    let list = "Mcp-Method: tools/list";
    assert_eq!(code(&[date, list], "tools/list", MODERN), (200, 0));
    assert_eq!(code(&[date, list, "Mcp-Session-Id: stray"], "tools/list", MODERN), (200, 0));
    assert_eq!(code(&[date], "tools/list", MODERN), (400, -32020));
    assert_eq!(code(&[list], "tools/list", MODERN), (400, -32020));
    assert_eq!(code(&[date, list], "prompts/list", MODERN), (400, -32020));
    assert_eq!(code(&[date, list], "tools/list", ""), (400, -32602));
    assert_eq!(code(&[date, "Mcp-Method: ping"], "ping", MODERN), (404, -32601));
    assert_eq!(
        code(&[date, "Mcp-Method: tools/call"], "tools/call", &format!(r#"{MODERN},"name":"x""#)),
        (400, -32020)
    );
    let future = MODERN.replace("2026-07-28", "2031-01-01");
    assert_eq!(code(&["MCP-Protocol-Version: 2031-01-01", list], "tools/list", &future), (400, -32022));
}

#[test]
fn event_stream_answers_are_primed_in_2025_11_25_only() {
    let run = |date: &str| {
        let stream = DemoOptions { stream: true, ..options(DemoTransport::Http, &Revision::ALL) };
        let server = DemoServer::start(stream).unwrap();
        let got = Client::new(&server).post(&[], &message("initialize", &version(date)));
        assert_eq!(got.header("Content-Type"), Some("text/event-stream"));
        got.body
    };
    assert!(run("2025-11-25").starts_with("id: 0\ndata: \n\nevent: message\ndata: {"));
    assert!(run("2025-03-26").starts_with("event: message\ndata: {"));
}

#[test]
fn foreign_pages_and_wrong_media_are_turned_away() {
    let server = DemoServer::start(options(DemoTransport::Http, &Revision::ALL)).unwrap();
    let mut client = Client::new(&server);
    let body = message("initialize", &version("2025-11-25"));
    assert_eq!(client.post(&["Origin: https://evil.example"], &body).status, 403);
    assert_eq!(client.post(&["Origin: http://localhost:5173"], &body).status, 200);
    assert_eq!(client.send("POST /mcp", &["Content-Type: application/json"], &body).status, 406);
    assert_eq!(client.send("POST /mcp", &["Accept: */*"], &body).status, 415);
    assert_eq!(client.send("POST /sse", &[], &body).status, 404);
}

#[test]
fn a_server_with_a_token_names_its_metadata() {
    let locked = DemoOptions { token: Some("abc".into()), ..options(DemoTransport::Http, &Revision::ALL) };
    let server = DemoServer::start(locked).unwrap();
    let mut client = Client::new(&server);
    let body = message("initialize", &version("2025-11-25"));
    let refused = client.post(&[], &body);
    assert_eq!((refused.status, refused.json()["error"].as_str()), (401, Some("unauthorized")));
    let challenge = refused.header("WWW-Authenticate").unwrap();
    let url = challenge.split('"').find(|part| part.starts_with("http://")).unwrap();
    let path = url.strip_prefix("http://127.0.0.1:1").unwrap();
    assert_eq!(path, "/.well-known/oauth-protected-resource/mcp");
    let resource = client.send(&format!("GET {path}"), &[], "").json();
    assert_eq!(resource["resource"], "http://127.0.0.1:1/mcp");
    let issuer = client.send("GET /.well-known/oauth-authorization-server", &[], "").json();
    assert_eq!(resource["authorization_servers"][0], issuer["issuer"]);
    assert_eq!(client.send("GET /.well-known/openid-configuration", &[], "").status, 404);
    let wrong = client.post(&["Authorization: Bearer abcd"], &body);
    assert!(wrong.header("WWW-Authenticate").unwrap().contains(r#"error="invalid_token""#));
    assert_eq!(client.post(&["Authorization: Bearer abc"], &body).status, 200);
}

#[test]
fn over_sse_answers_travel_on_the_stream() {
    for delay in [Duration::ZERO, Duration::from_millis(20)] {
        let slow = DemoOptions { delay, ..options(DemoTransport::Sse, &[Revision::V2024_11_05]) };
        let server = DemoServer::start(slow).unwrap();
        let mut stream = Client::new(&server);
        stream.0.get_mut().write_all(b"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert!(stream.head().contains("Content-Type: text/event-stream"));
        let endpoint = stream.chunk().unwrap();
        let path = endpoint.strip_prefix("event: endpoint\ndata: ").unwrap().trim_end();
        let mut client = Client::new(&server);
        assert_eq!(client.send("POST /sse", &[], "").status, 405);
        assert_eq!(client.send("POST /message?session=0-0", &[], "{}").status, 404);
        let body = message("initialize", &version("2024-11-05"));
        assert_eq!(client.send(&format!("POST {path}"), &[], &body).status, 202);
        let event = stream.chunk().unwrap();
        let answer: Value =
            serde_json::from_str(event.strip_prefix("event: message\ndata: ").unwrap()).unwrap();
        assert_eq!(answer["result"]["protocolVersion"], "2024-11-05");
        assert_eq!(server.stats().connections, 2);
    }
}

#[test]
fn a_dropped_server_has_closed_its_port() {
    let server = DemoServer::start(options(DemoTransport::Http, &Revision::ALL)).unwrap();
    let address = server.address();
    drop(server);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}
