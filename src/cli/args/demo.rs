//! `hawkeye demo-server`

use argh::{ArgsInfo, FromArgs};

use super::words::{not_among, revision, words};
use crate::model::revision::Revision;

/// Be an MCP server to try things out on. It ends when its standard input does.
#[derive(Debug, Default, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "demo-server", help_triggers("-h", "--help"))]
pub(crate) struct DemoServer {
    /// stdio, http or sse (default: stdio)
    #[argh(option, arg_name = "transport")]
    pub transport: Option<DemoTransport>,

    /// port to listen on, for http and sse; 0 = any free one (default: 0)
    #[argh(option, arg_name = "port")]
    pub port: Option<u16>,

    /// protocol revisions to speak, by date, separated by commas (default: all)
    #[argh(option, arg_name = "dates", from_str_fn(revisions))]
    pub revisions: Option<Vec<Revision>>,

    /// what it offers: files, weather, shop or vulnerable (default: weather)
    #[argh(option, arg_name = "name")]
    pub persona: Option<String>,

    /// milliseconds to wait before each answer (default: 0)
    #[argh(option, arg_name = "n")]
    pub delay_ms: Option<u64>,

    /// answer 401 without this bearer token; a demonstration value, seen by everyone on this machine
    #[argh(option, arg_name = "token")]
    pub token: Option<String>,

    /// after so many listings, the first tool says something else; 0 = from the first on
    #[argh(option, arg_name = "n")]
    pub mutate_after: Option<usize>,

    /// answer as an event stream instead of JSON, over Streamable HTTP
    #[argh(switch)]
    pub event_stream: bool,
}

words! {
    /// How the demo server is reached.
    DemoTransport:
    /// Standard input and output.
    Stdio = "stdio",
    /// Streamable HTTP.
    Http = "http",
    /// HTTP+SSE of 2024-11-05.
    Sse = "sse"
}

fn revisions(value: &str) -> Result<Vec<Revision>, String> {
    value.split(',').map(|v| revision(v.trim())).collect()
}
