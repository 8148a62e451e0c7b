//! `hawkeye diff`: two runs or reports beside each other.

use std::io::Write;
use std::path::Path;

use crate::cli::args::{Diff, Told};
use crate::model::comparison::{Comparison, Summary};
use crate::report::{Format, diff, json_line, output};

use super::compared::compare;
use super::exit::Exit;
use super::run::outputs::{self, style_of_stdout};
use super::sides::{Missing, Runs};
use super::{print, say};

pub(super) fn run(args: &Diff) -> Exit {
    let format = match format_of(args.format, args.output.as_deref()) {
        Ok(format) => format,
        Err(why) => {
            say(&why);
            return Exit::Usage;
        }
    };
    let label = args.target.as_deref();
    let compared = Runs::open(args.config.as_deref()).and_then(|runs| {
        let (before, after) = match args.sides.as_slice() {
            [] => ("@-2", "latest"),
            [one] => (one.as_str(), "latest"),
            [one, two] => (one.as_str(), two.as_str()),
            [_, _, ..] => return Err(Missing::Usage("diff compares two runs or files, not more".to_owned())),
        };
        let sides = (runs.side(before, label)?, runs.side(after, label)?);
        if let (Some(label), true) = (label, sides.0.outcomes.is_empty() && sides.1.outcomes.is_empty()) {
            let label = crate::base::text::quote(label, 60);
            return Err(Missing::Usage(format!("no server called {label} on either side")));
        }
        Ok(compare(sides.0, sides.1))
    });
    match compared {
        Ok(compared) => {
            let told = tell(&compared, format, args.output.as_deref());
            if args.exit_code { gate(told, &compared.summary) } else { told }
        }
        Err(missing) => missing.exit(),
    }
}

/// How a comparison ends that is a gate: a server that only one side knows is no server that is the same.
pub(super) fn gate(told: Exit, summary: &Summary) -> Exit {
    match told {
        Exit::Complete if summary.differs() => Exit::Gate,
        Exit::Complete if summary.unknown > 0 => Exit::Incomplete,
        told => told,
    }
}

/// What is asked for, or what the ending of the file says: one that says nothing is a usage error, before anything
/// is compared.
fn format_of(asked: Option<Told>, file: Option<&Path>) -> Result<Told, String> {
    let Some(path) = file else { return Ok(asked.unwrap_or(Told::Table)) };
    outputs::check_file(path)?;
    let by_ending = || match Format::of_path(path)? {
        Format::Table => Some(Told::Table),
        Format::Json => Some(Told::Json),
        Format::Markdown => Some(Told::Markdown),
        _ => None,
    };
    asked.or_else(by_ending).ok_or_else(|| {
        format!(
            "--output {}: the ending names no format of diff (use .json, .md or .txt, or give --format)",
            path.display()
        )
    })
}

/// Writes `compared` to stdout or to a file.
pub(super) fn tell(compared: &Comparison, format: Told, file: Option<&Path>) -> Exit {
    let text = match format {
        Told::Json => json_line(compared),
        Told::Table if file.is_some() => diff::table(compared, false),
        Told::Table => diff::table(compared, style_of_stdout().colour),
        Told::Markdown => diff::markdown(compared),
    };
    let Some(path) = file else { return print(&text) };
    let written = output::create(path).and_then(|mut out| {
        out.write_all(text.as_bytes())?;
        out.commit()
    });
    match written {
        Ok(()) => Exit::Complete,
        Err(e) => {
            say(&format!("cannot write the report: {e}"));
            Exit::Unwritten
        }
    }
}
