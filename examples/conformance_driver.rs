//! What the official conformance suite starts where it wants tools called: hawkeye's own session and
//! transport, and the calls that hawkeye never makes. For `tests/conformance.rs`; of no use to anyone else.
//!
//! The server's URL is the last argument; scenario, revision and context come in `MCP_CONFORMANCE_*`.

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use hawkeye::mcp::session::{Binding, Opening, Plan, Session, Step};
use hawkeye::mcp::tool_headers;
use hawkeye::model::inventory::List;
use hawkeye::model::revision::{Era, Revision};
use hawkeye::model::secret::Redaction;
use hawkeye::model::target::{Endpoint, Remote};
use hawkeye::transport::carriers::Carriers;
use hawkeye::transport::{Patience, Wire};
use hawkeye::{Cancel, Claim, Target, WireOptions};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

const PATIENCE: Duration = Duration::from_secs(50);

fn main() -> Outcome<()> {
    let url = env::args().next_back().unwrap_or_default();
    let Endpoint::Remote(remote) = Target::url("suite", &url).endpoint else {
        return Err(format!("no URL: {url}").into());
    };
    let mut client = Client::connect(&remote)?;
    for (name, arguments) in wanted(&client)? {
        client.call(&name, arguments)?;
    }
    client.wire.close();
    Ok(())
}

/// The calls that the scenario asks for: a tool and its arguments.
fn wanted(client: &Client) -> Outcome<Vec<(String, Value)>> {
    let one = |name: &str, arguments: Value| Ok(vec![(name.to_owned(), arguments)]);
    match env::var("MCP_CONFORMANCE_SCENARIO")?.as_str() {
        "tools_call" => one("add_numbers", json!({"a": 5, "b": 3})),
        "sse-retry" => one("test_reconnection", json!({})),
        "json-schema-2020-12-preservation" => {
            let tool = client.tool("json_schema_2020_12_tool")?;
            one("json_schema_echo", json!({"schema": tool["inputSchema"]}))
        }
        // Every tool that may be called at all: the invalid ones must drop out by themselves.
        "http-invalid-tool-headers" => {
            let names = client.tools().filter(|tool| tool_headers::mirrored(&tool["inputSchema"]).is_ok());
            Ok(names.map(|tool| (name_of(&tool), json!({"region": "x"}))).collect())
        }
        "http-custom-headers" => {
            let context: Value = serde_json::from_str(&env::var("MCP_CONFORMANCE_CONTEXT")?)?;
            let calls = context["toolCalls"].as_array().ok_or("the context has no toolCalls")?;
            Ok(calls.iter().map(|call| (name_of(call), call["arguments"].clone())).collect())
        }
        other => Err(format!("no calls are known for {other}").into()),
    }
}

fn name_of(tool: &Value) -> String {
    tool["name"].as_str().unwrap_or_default().to_owned()
}

/// A server that has been listed, and that can be asked for more.
struct Client {
    session: Session,
    wire: Box<dyn Wire>,
    begun: Instant,
    revision: Revision,
}

impl Client {
    fn connect(remote: &Remote) -> Outcome<Client> {
        let revision = env::var("MCP_CONFORMANCE_PROTOCOL_VERSION")?;
        let revision: Revision = revision.parse().map_err(|_| format!("unknown revision {revision}"))?;
        let cancel = Cancel::new()?;
        let carriers =
            Carriers::new(WireOptions::default(), "conformance".into(), Claim::Groups, cancel.clone());
        let patience = Patience::new(PATIENCE, None, cancel);
        let session = Session::new(Plan {
            binding: Binding::Exchange,
            opening: Opening::Detect,
            client: Default::default(),
            limits: carriers.options().limits.clone(),
            redaction: Redaction::default(),
            seed: 1,
        });
        let wire = carriers.http(remote, patience).map_err(|e| e.message)?;
        let mut client = Client { session, wire, begun: Instant::now(), revision };
        client.talk()?;
        Ok(client)
    }

    /// The loop of the product's `probe`, until nothing is left to ask.
    fn talk(&mut self) -> Outcome<()> {
        loop {
            let now = self.begun.elapsed();
            match self.session.next(now) {
                Step::Send(message) => self.wire.send(&message).map_err(|e| e.message)?,
                Step::Wait => {
                    let inbound = self.wire.recv().map_err(|e| e.message)?;
                    self.session.handle(inbound, now).map_err(|stop| format!("{stop:?}"))?;
                }
                Step::Done => return Ok(()),
            }
        }
    }

    fn tools(&self) -> impl Iterator<Item = Value> {
        let items = self.session.items(List::Tools).iter();
        items.filter_map(|tool| serde_json::from_str(tool.text()).ok())
    }

    fn tool(&self, name: &str) -> Outcome<Value> {
        self.tools().find(|tool| tool["name"] == name).ok_or_else(|| format!("no tool {name}").into())
    }

    fn call(&mut self, name: &str, arguments: Value) -> Outcome<()> {
        let tool = self.tool(name)?;
        let headers = match self.revision.era() {
            Era::Handshake => Vec::new(),
            Era::Stateless => {
                let mirrored = tool_headers::mirrored(&tool["inputSchema"]);
                let mirrored = mirrored.map_err(|broken| format!("{name}: the annotation {broken}"))?;
                tool_headers::params(&mirrored, &arguments)
            }
        };
        let params = json!({"name": name, "arguments": arguments});
        let id = self.session.call("tools/call", &params, &headers);
        self.talk()?;
        let answer = self.session.take_answer(id).ok_or("no answer to the call")?;
        match answer.starts_with(r#"{"error""#) {
            true => Err(format!("{name}: {answer}").into()),
            false => Ok(()),
        }
    }
}
