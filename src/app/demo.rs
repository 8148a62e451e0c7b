//! `hawkeye demo-server`: a server to try things out on.

use std::time::Duration;

use crate::cli::args::{DemoServer, DemoTransport as Word};
use crate::demo::{DemoOptions, DemoTransport, Persona, run as serve};

use super::exit::Exit;
use super::say;

pub(super) fn run(args: &DemoServer) -> Exit {
    let default = DemoOptions::default();
    let persona = match args.persona.as_deref().map(str::parse::<Persona>) {
        None => default.persona,
        Some(Ok(persona)) => persona,
        Some(Err(_)) => {
            let names = Persona::ALL.map(Persona::name).join(", ");
            say(&format!("--persona must be one of {names}"));
            return Exit::Usage;
        }
    };
    let options = DemoOptions {
        transport: match args.transport {
            None | Some(Word::Stdio) => DemoTransport::Stdio,
            Some(Word::Http) => DemoTransport::Http,
            Some(Word::Sse) => DemoTransport::Sse,
        },
        port: args.port.unwrap_or(default.port),
        persona,
        revisions: args.revisions.clone().unwrap_or(default.revisions),
        delay: Duration::from_millis(args.delay_ms.unwrap_or(0)),
        token: args.token.clone(),
        stream: args.event_stream,
        mutate_after: args.mutate_after,
    };
    match serve(options) {
        Ok(()) => Exit::Complete,
        Err(e) => {
            say(&format!("demo server: {e}"));
            Exit::Unwritten
        }
    }
}
