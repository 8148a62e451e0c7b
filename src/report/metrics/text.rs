//! The text format of Prometheus, version 0.0.4: writing it, and reading back what we wrote.
//!
//! Reading back is what lets a file that each run replaces hold counters that only grow: a run begins where
//! the last one ended. Only our own families, labels and buckets are taken; anything else in the file is
//! passed over, because a metrics file is no reason not to scan.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use super::families::{Family, Kind};
use super::histogram::{BOUNDS, Histogram};
use super::samples::{Label, Samples, Value};
use crate::base::text::is_deceptive;
use crate::report::label;

/// What a scrape is told that this is.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The first line, by which we know a file of ours.
const MARK: &str = "# Metrics of hawkeye, rewritten at each export.";
/// Longest value of a label that is read back, in bytes: four for each character of the longest we write.
const LABEL: usize = 4 * label::NAME;

/// The text of all series in `sources`, ended by a line end.
pub(super) fn write(sources: &[&Samples]) -> String {
    let mut out = String::with_capacity(16 << 10);
    out.push_str(MARK);
    out.push('\n');
    for family in Family::ALL {
        let mut headed = false;
        for (labels, value) in sources.iter().flat_map(|s| s.of(*family)) {
            if !std::mem::replace(&mut headed, true) {
                let (name, kind) = (family.name(), family.kind().name());
                // Writing to a String cannot fail.
                let _ = write!(out, "# HELP {name} {}\n# TYPE {name} {kind}\n", family.help());
            }
            write_series(&mut out, *family, labels, value);
        }
    }
    out
}

fn write_series(out: &mut String, family: Family, labels: &[Label], value: &Value) {
    match value {
        Value::Number(n) => write_sample(out, family, "", labels, None, *n),
        Value::Histogram(histogram) => {
            let mut count = 0;
            for (bound, so_far) in histogram.cumulative() {
                let le = bound.map_or_else(|| "+Inf".to_owned(), |b| b.to_string());
                write_sample(out, family, "_bucket", labels, Some(&le), so_far as f64);
                count = so_far;
            }
            write_sample(out, family, "_sum", labels, None, histogram.sum());
            write_sample(out, family, "_count", labels, None, count as f64);
        }
    }
}

fn write_sample(out: &mut String, family: Family, suffix: &str, labels: &[Label], le: Option<&str>, n: f64) {
    out.push_str(family.name());
    out.push_str(suffix);
    let named = family.labels().iter().copied().zip(labels.iter().map(AsRef::as_ref));
    let mut before = '{';
    for (name, value) in named.chain(le.map(|le| ("le", le))) {
        let _ = write!(out, "{before}{name}=\"");
        escape(out, value);
        out.push('"');
        before = ',';
    }
    if before == ',' {
        out.push('}');
    }
    let _ = writeln!(out, " {n}");
}

fn escape(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

/// The series in `text`, if it is ours.
pub(super) fn read(text: &str) -> Option<Samples> {
    let lines = text.strip_prefix(MARK)?.lines();
    let mut samples = Samples::default();
    let mut buckets: BTreeMap<(Family, Vec<Label>), Parts> = BTreeMap::new();
    for line in lines.filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let Some(sample) = Sample::read(line) else { continue };
        let key = (sample.family, sample.labels);
        match sample.part {
            Part::Number => samples.put(key.0, key.1, Value::Number(sample.number)),
            Part::Bucket => buckets.entry(key).or_default().cumulative.push(sample.number as u64),
            Part::Sum => buckets.entry(key).or_default().sum = sample.number,
            Part::Count => {}
        }
    }
    for ((family, labels), parts) in buckets {
        if let Some(histogram) = Histogram::from_cumulative(&parts.cumulative, parts.sum) {
            samples.put(family, labels, Value::Histogram(histogram));
        }
    }
    Some(samples)
}

/// A histogram whose lines are still being read.
#[derive(Default)]
struct Parts {
    cumulative: Vec<u64>,
    sum: f64,
}

enum Part {
    Number,
    Bucket,
    Sum,
    Count,
}

struct Sample {
    family: Family,
    part: Part,
    labels: Vec<Label>,
    number: f64,
}

impl Sample {
    /// A line as `write_sample` makes it; nothing else is expected in our file.
    fn read(line: &str) -> Option<Sample> {
        let end = line.find(['{', ' '])?;
        let (family, part) = family(&line[..end])?;
        let mut rest = &line[end..];
        let mut labels = Vec::new();
        if let Some(inner) = rest.strip_prefix('{') {
            rest = inner;
            let le = matches!(part, Part::Bucket).then_some("le");
            for (at, name) in family.labels().iter().copied().chain(le).enumerate() {
                rest = rest.strip_prefix(if at == 0 { "" } else { "," })?;
                let (value, after) = label(rest.strip_prefix(name)?.strip_prefix("=\"")?)?;
                // Buckets stand in the order of their bounds, all of them or the histogram is not taken.
                if name == "le" {
                    let known = value == "+Inf" || value.parse().is_ok_and(|b: f64| BOUNDS.contains(&b));
                    known.then_some(())?;
                } else {
                    labels.push(Cow::Owned(value));
                }
                rest = after;
            }
            rest = rest.strip_prefix('}')?;
        }
        let number: f64 = rest.strip_prefix(' ')?.parse().ok()?;
        let sound = number.is_finite() && number >= 0.0 && labels.len() == family.labels().len();
        sound.then_some(Sample { family, part, labels, number })
    }
}

fn family(name: &str) -> Option<(Family, Part)> {
    let named = |name: &str| Family::ALL.iter().copied().find(|f| f.name() == name);
    if let Some(family) = named(name) {
        return (family.kind() != Kind::Histogram).then_some((family, Part::Number));
    }
    let (base, suffix) = name.rsplit_once('_')?;
    let family = named(base).filter(|f| f.kind() == Kind::Histogram)?;
    let part = match suffix {
        "bucket" => Part::Bucket,
        "sum" => Part::Sum,
        "count" => Part::Count,
        _ => return None,
    };
    Some((family, part))
}

/// The value up to its closing quote, and what follows that.
fn label(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                c @ ('\\' | '"') => c,
                _ => return None,
            }),
            // We write none, so this is not ours.
            c if is_deceptive(c) => return None,
            c => value.push(c),
        }
        if value.len() > LABEL {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some() -> Samples {
        let mut samples = Samples::default();
        samples.add(Family::Targets, ["complete", "http"], 3.0);
        samples.add(Family::Requests, [], 12.5);
        samples.observe(Family::Analysis, [], 0.3);
        samples.observe(Family::Introspection, ["stdio", "failed"], 31.0);
        samples.set(Family::TargetUp, vec!["a \"b\\ c\\n".into()], 1.0);
        samples
    }

    #[test]
    fn the_text_is_as_the_format_wants_it() {
        let mut samples = Samples::default();
        samples.add(Family::Requests, [], 12.0);
        samples.set(Family::TargetUp, vec!["say \"hi\" \\ü".into()], 1.0);
        samples.observe(Family::ConnectionSetup, ["http"], 0.004);
        let text = write(&[&samples]);
        let lines: Vec<&str> = text.lines().collect();
        let family = "hawkeye_connection_setup_seconds";
        assert_eq!(lines[0], MARK);
        assert_eq!(lines[2], format!("# TYPE {family} histogram"));
        assert_eq!(lines[5], format!("{family}_bucket{{transport=\"http\",le=\"0.0025\"}} 0"));
        assert_eq!(lines[6], format!("{family}_bucket{{transport=\"http\",le=\"0.005\"}} 1"));
        assert_eq!(lines[19], format!("{family}_bucket{{transport=\"http\",le=\"+Inf\"}} 1"));
        assert_eq!(lines[20], format!("{family}_sum{{transport=\"http\"}} 0.004"));
        assert_eq!(lines[21], format!("{family}_count{{transport=\"http\"}} 1"));
        assert_eq!(lines[24], "hawkeye_http_requests_total 12");
        assert_eq!(lines[27], r#"hawkeye_target_up{target="say \"hi\" \\ü"} 1"#);
        assert!(text.ends_with("1\n") && lines.len() == 28);
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(read(&write(&[&some()])), Some(some()));
    }

    #[test]
    fn what_is_not_ours_is_passed_over() {
        assert_eq!(read("node_load1 3\n"), None);
        for line in [
            "node_load1 3",
            "hawkeye_http_requests_total NaN",
            "hawkeye_http_requests_total -1",
            "hawkeye_http_requests_total",
            "hawkeye_http_requests_total{a=\"b\"} 1",
            "hawkeye_targets_total{status=\"complete\"} 1",
            "hawkeye_targets_total{transport=\"http\",status=\"complete\"} 1",
            "hawkeye_target_up{target=\"a\u{1b}\"} 1",
            "hawkeye_target_up{target=\"a\\x\"} 1",
            "hawkeye_target_up{target=\"a",
            "hawkeye_analysis_seconds 1",
            "hawkeye_analysis_seconds_bucket{le=\"0.3\"} 1",
            "hawkeye_analysis_seconds_bucket{le=\"+Inf\"} 1",
            "hawkeye_analysis_seconds_total 1",
        ] {
            let found = read(&format!("{MARK}\n{line}\n")).unwrap();
            assert!(found.is_empty(), "{line}: {found:?}");
        }
        let long = format!("{MARK}\nhawkeye_target_up{{target=\"{}\"}} 1\n", "a".repeat(LABEL + 1));
        assert!(read(&long).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "(hawkeye_(target_up|analysis_seconds_(bucket|sum)))?[{}=\",a-z\\\\ 0-9.+Inf\n]{0,60}") {
            let _ = read(&format!("{MARK}\n{text}"));
        }
    }
}
