//! Prints which tools servers offer: `list_tools URL...` or `list_tools -- PROGRAM ARGUMENT...`.

#![allow(clippy::print_stdout, reason = "what it is for")]

use hawkeye::{Cancel, Heard, ScanOptions, Target, scan};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let targets = match args.as_slice() {
        [dashes, program, rest @ ..] if dashes == "--" => vec![Target::command(program, program, rest)],
        urls => urls.iter().map(|url| Target::url(url, url)).collect(),
    };
    scan(targets, ScanOptions::default(), &Cancel::new()?, |heard| {
        let Heard::Ended(_, outcome) = heard else { return };
        // A server's words may hold what a terminal obeys; `{:?}` escapes it.
        let names: Vec<_> = outcome.inventory.tools.iter().filter_map(|tool| tool.string("name")).collect();
        println!("{}: {names:?}", outcome.name);
        if let Some(failure) = outcome.failure {
            println!("{}: incomplete: {:?}", outcome.name, failure.message);
        }
    })?;
    Ok(())
}
