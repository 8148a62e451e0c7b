//! Results on their way out: formats for people and for programs, files that are whole or absent, progress.
//!
//! A [`Sink`] takes outcomes in the order in which targets finish, together with their position in the
//! plan. Formats that show all targets at once put them back into that order, so that two runs over the
//! same file compare line by line; NDJSON writes each at once and keeps nothing.
//!
//! | file | what it holds |
//! |---|---|
//! | `table`, `telling`, `rows`, `grid`, `words`, `sums` | the table; findings in it; streamed; columns; phrases |
//! | `json`, `json_stream`, `ndjson`, `safe` | everything, for programs |
//! | `html`, `sarif`, `junit`, `markdown`, `csv`, `prometheus` | the other formats |
//! | `changes`, `diff` | what is different from the round before; from another run |
//! | `metrics`, `costs`, `live`, `label` | a run in numbers, its profile, its progress |
//! | `output` | files that are whole or absent |
//!
//! Invariant: nothing here decides anything about a target, and nothing a server sent leaves as a raw
//! control character.

mod changes;
pub(crate) mod costs;
mod csv;
pub(crate) mod diff;
#[cfg(test)]
mod exhibits;
#[cfg(test)]
mod format_tests;
mod grid;
mod html;
mod json;
mod json_stream;
mod junit;
mod label;
pub(crate) mod live;
mod markdown;
pub(crate) mod metrics;
mod ndjson;
pub(crate) mod options;
pub(crate) mod output;
mod prometheus;
mod rows;
mod safe;
mod sarif;
#[cfg(test)]
mod specimens;
mod sums;
mod table;
mod telling;
#[cfg(test)]
mod tests;
mod words;

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::SystemTime;

use crate::model::changes::Change;
use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::{RunInfo, Tally};

pub(crate) use safe::{json_line, write_json};

/// The report's `schema_version`. Additions leave it as it is.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// Where outcomes go.
pub(crate) trait Sink {
    /// Called once, before any outcome.
    fn begin(&mut self, run: &RunInfo) -> io::Result<()>;
    /// Takes the target at `index` of the plan. Borrowed, because several sinks may take the same outcome
    /// and each keeps only its own form of it.
    fn outcome(&mut self, index: usize, outcome: &Outcome) -> io::Result<()>;
    /// The same for a target that is not what it was in the round before.
    fn changed(&mut self, index: usize, outcome: &Outcome, _changes: &[Change]) -> io::Result<()> {
        self.outcome(index, outcome)
    }
    /// What there is to be said of the servers of one client together; after the last outcome.
    fn client(&mut self, _client: &Client) -> io::Result<()> {
        Ok(())
    }
    /// What was a target in the round before and is none any more.
    fn gone(&mut self, _name: &str) -> io::Result<()> {
        Ok(())
    }
    /// Nothing came for a while: what was taken may as well be shown.
    fn quiet(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// Called once, after the last outcome. Only when this has returned `Ok` is the report written.
    fn end(&mut self, end: &RunEnd) -> io::Result<()>;
}

/// How a run ended.
#[derive(Debug, Clone)]
pub(crate) struct RunEnd {
    /// When.
    pub finished: SystemTime,
    /// Whether a signal or the run's own deadline ended it before its time.
    pub interrupted: bool,
    /// Counts over everything reported.
    pub tally: Tally,
}

/// How a report is written, and what a table may make use of. The default is the plainest: no limit, no
/// colour, ASCII, everything in the order of the plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Columns of the terminal; no limit where there is none.
    pub width: Option<u16>,
    /// Whether escape sequences for colour are welcome.
    pub colour: bool,
    /// Whether symbols beyond ASCII are.
    pub unicode: bool,
    /// Results are written in their order of arrival, so many at a time, and none is kept.
    pub stream: Option<usize>,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One document, targets in plan order.
    Json,
    /// One line a target, written as it finishes.
    Ndjson,
    /// Findings for code scanning.
    Sarif,
    /// For a pull request or a chat.
    Markdown,
    /// Rows for a spreadsheet.
    Csv,
    /// Cases for a pipeline.
    Junit,
    /// Numbers for Prometheus.
    Prometheus,
    /// One page that needs nothing else.
    Html,
}

/// The endings that name a format, for people.
pub(crate) const ENDINGS: &str = ".json, .ndjson, .html, .sarif, .md, .csv, .xml, .prom or .txt";

impl Format {
    /// What the ending of a file's name says, if it is a known one.
    pub(crate) fn of_path(path: &Path) -> Option<Format> {
        // `report.sarif.json` is JSON, and SARIF before that.
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        if name.ends_with(".sarif.json") {
            return Some(Format::Sarif);
        }
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" => Some(Format::Table),
            "json" => Some(Format::Json),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "sarif" => Some(Format::Sarif),
            "md" | "markdown" => Some(Format::Markdown),
            "csv" => Some(Format::Csv),
            "xml" => Some(Format::Junit),
            "prom" => Some(Format::Prometheus),
            "html" | "htm" => Some(Format::Html),
            _ => None,
        }
    }
}

/// A sink that writes `format` to `out`. `style` matters to tables; what streams, to those that can.
pub(crate) fn open<'a>(format: Format, out: Box<dyn Write + 'a>, style: Style) -> Box<dyn Sink + 'a> {
    let out = BufWriter::with_capacity(64 << 10, out);
    match (format, style.stream) {
        (Format::Table, None) => Box::new(table::TableSink::new(out, style)),
        (Format::Json, None) => Box::new(json::JsonSink::new(out)),
        (Format::Ndjson, None) => Box::new(ndjson::NdjsonSink::new(out, 1)),
        (Format::Table, Some(group)) => Box::new(rows::RowSink::new(out, style, group)),
        (Format::Json, Some(group)) => Box::new(json_stream::JsonStream::new(out, group)),
        (Format::Ndjson, Some(group)) => Box::new(ndjson::NdjsonSink::new(out, group)),
        (Format::Sarif, _) => Box::new(sarif::SarifSink::new(out)),
        (Format::Markdown, _) => Box::new(markdown::MarkdownSink::new(out)),
        (Format::Csv, _) => Box::new(csv::CsvSink::new(out, style)),
        (Format::Junit, _) => Box::new(junit::JunitSink::new(out)),
        (Format::Prometheus, _) => Box::new(prometheus::PrometheusSink::new(out)),
        (Format::Html, _) => Box::new(html::HtmlSink::new(out)),
    }
}

/// A sink that writes to `out` what is different from the round before, a line a target.
pub(crate) fn open_changes<'a>(out: Box<dyn Write + 'a>) -> Box<dyn Sink + 'a> {
    Box::new(changes::ChangeSink::new(out))
}

/// A sink that writes `format` to the file at `path`, which appears (or is replaced) when `end` returns,
/// and not at all if that is never reached. Errors name the path.
pub(crate) fn open_file(format: Format, path: &Path, style: Style) -> io::Result<Box<dyn Sink>> {
    let file = output::create(path)?;
    let sink = open(format, Box::new(file.handle()?), style);
    Ok(Box::new(FileSink { sink, file: Some(file) }))
}

struct FileSink {
    sink: Box<dyn Sink>,
    file: Option<output::OutputFile>,
}

impl Sink for FileSink {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.sink.begin(run)
    }

    fn outcome(&mut self, index: usize, outcome: &Outcome) -> io::Result<()> {
        self.sink.outcome(index, outcome)
    }

    fn changed(&mut self, index: usize, outcome: &Outcome, changes: &[Change]) -> io::Result<()> {
        self.sink.changed(index, outcome, changes)
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        self.sink.client(client)
    }

    fn gone(&mut self, name: &str) -> io::Result<()> {
        self.sink.gone(name)
    }

    fn quiet(&mut self) -> io::Result<()> {
        self.sink.quiet()
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        self.sink.end(end)?;
        self.file.take().map_or(Ok(()), output::OutputFile::commit)
    }
}
