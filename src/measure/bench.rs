//! What a bench measured, and whether it is slower than another.
//!
//! Medians are compared, because one slow run of five moves a mean and not a median. A case is slower only if
//! its median grew by more than the allowed share and by more than the larger of the two spreads:
//! what runs of the same bench differ by among themselves is noise.

use crate::base::columns::{Side, lay_out, mib};
use serde::{Deserialize, Serialize};

use super::statistics::{Summary, spread};

/// One way to scan the same targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    /// As the tuning guide calls it.
    pub name: &'static str,
    /// `max_concurrent_servers`
    pub width: usize,
    /// `enable_detailed_analysis`
    pub detailed: bool,
}

/// The guide's three.
pub(crate) const CASES: [Case; 3] = [
    Case { name: "basic", width: 1, detailed: true },
    Case { name: "parallel", width: 10, detailed: true },
    Case { name: "high_performance", width: 20, detailed: false },
];

/// The whole bench; reads back what it wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bench {
    /// [`super::SCHEMA_VERSION`]
    pub schema_version: u32,
    /// `bench`
    pub kind: String,
    /// Version of hawkeye.
    pub version: String,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub finished_at: String,
    /// Whether a signal ended it; cases may be missing then.
    pub interrupted: bool,
    /// Processors this process may use.
    pub processors: usize,
    /// Servers scanned in each iteration.
    pub targets: usize,
    /// Iterations of each case.
    pub iterations: usize,
    /// By case.
    pub cases: Vec<CaseResult>,
    /// Against an older bench, where one was given.
    #[serde(default, skip_deserializing)]
    pub comparison: Option<Comparison>,
}

/// One case, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CaseResult {
    /// Its name.
    pub name: String,
    /// Servers at a time.
    pub max_concurrent_servers: usize,
    /// Whether tools were analysed in depth.
    pub enable_detailed_analysis: bool,
    /// Wall time of each iteration.
    pub times_s: Vec<f64>,
    /// Of these.
    pub seconds: Summary,
    /// Servers scanned in a second, by the median.
    pub servers_per_second: f64,
    /// Processor time of one iteration on average: our own, and that of servers that were started and have ended.
    pub cpu_s: f64,
    /// Most memory in use at once, in bytes, during this case where the kernel can tell, else since the start.
    pub peak_rss_bytes: u64,
    /// Whether it is the peak of this case alone.
    pub peak_is_of_case: bool,
    /// Introspections that were not complete, of all iterations.
    pub failed: usize,
}

/// Two benches side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Comparison {
    /// When the older one was made.
    pub old_started_at: String,
    /// Allowed growth of a median, in per cent.
    pub max_regression_percent: f64,
    /// Whether any case is slower.
    pub regression: bool,
    /// Cases that both have.
    pub cases: Vec<CaseComparison>,
}

/// One case, then and now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CaseComparison {
    /// Its name.
    pub name: String,
    /// Then.
    pub old_median_s: f64,
    /// Now.
    pub new_median_s: f64,
    /// Growth of the median; negative when it got faster.
    pub change_percent: f64,
    /// The larger of the two spreads.
    pub noise_s: f64,
    /// The verdict.
    pub verdict: Verdict,
}

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Slower, by more than is allowed and more than noise.
    Slower,
    /// Slower by more than is allowed, but not by more than noise.
    WithinNoise,
    /// Within what is allowed.
    Same,
    /// Faster, by more than noise.
    Faster,
}

/// The older report in `text`, if it can stand beside one of `targets` servers.
pub(crate) fn read(text: &str, targets: usize) -> Result<Bench, String> {
    let old: Bench = serde_json::from_str(text).map_err(|e| format!("is no bench report: {e}"))?;
    if old.kind != "bench" || old.schema_version != super::SCHEMA_VERSION {
        return Err("is no bench report of this version".to_owned());
    }
    if old.targets != targets {
        return Err(format!(
            "was made with {} targets, and this bench has {targets}: their times say nothing about each other",
            old.targets
        ));
    }
    let sound = |c: &CaseResult| {
        let Summary { median, stdev, .. } = c.seconds;
        c.failed == 0 && median.is_finite() && median > 0.0 && stdev.is_finite() && stdev >= 0.0
    };
    match old.cases.iter().find(|c| !sound(c)) {
        Some(case) => Err(format!(
            "case {}: it had failures, or its median is no time; failures are fast, so it is no measure",
            crate::base::text::quote(&case.name, 60)
        )),
        None => Ok(old),
    }
}

/// `new` beside `old`; `Err` if they have no case in common.
pub(crate) fn compare(old: &Bench, new: &[CaseResult], most: f64) -> Result<Comparison, String> {
    let pairs = new.iter().filter_map(|case| Some((old.cases.iter().find(|o| o.name == case.name)?, case)));
    let cases: Vec<_> = pairs.map(|(old, new)| compare_case(old, new, most)).collect();
    if cases.is_empty() {
        return Err("has none of the cases that are to be compared".to_owned());
    }
    Ok(Comparison {
        old_started_at: old.started_at.clone(),
        max_regression_percent: most,
        regression: cases.iter().any(|c| c.verdict == Verdict::Slower),
        cases,
    })
}

fn compare_case(old: &CaseResult, new: &CaseResult, most: f64) -> CaseComparison {
    let (was, is) = (old.seconds.median, new.seconds.median);
    let noise = spread(&old.times_s).max(spread(&new.times_s));
    let change = ((is / was - 1.0) * 1e4).round() / 100.0;
    let verdict = match () {
        () if change > most && is - was > noise => Verdict::Slower,
        () if change > most => Verdict::WithinNoise,
        () if was - is > noise && change < 0.0 => Verdict::Faster,
        () => Verdict::Same,
    };
    CaseComparison {
        name: new.name.clone(),
        old_median_s: was,
        new_median_s: is,
        change_percent: change,
        noise_s: noise,
        verdict,
    }
}

impl Bench {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{} targets, {} iterations of each case, {} processors\n\n",
            self.targets, self.iterations, self.processors
        );
        let heads = [
            "case",
            "width",
            "mean",
            "median",
            "stdev",
            "min",
            "max",
            "servers/s",
            "cpu",
            "peak rss",
            "failed",
        ];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        for case in &self.cases {
            let s = case.seconds;
            let seconds = |v: f64| format!("{v:.3} s");
            let mut row = vec![case.name.clone(), case.max_concurrent_servers.to_string()];
            row.extend([s.mean, s.median, s.stdev, s.min, s.max].map(seconds));
            row.extend([format!("{:.1}", case.servers_per_second), seconds(case.cpu_s)]);
            row.extend([mib(case.peak_rss_bytes), case.failed.to_string()]);
            rows.push(row);
        }
        let mut sides = vec![Side::Left];
        sides.resize(heads.len(), Side::Right);
        text.push_str(&lay_out(&rows, &sides));
        if self.cases.iter().any(|c| !c.peak_is_of_case) {
            text.push_str(
                "peak rss: since the start; this kernel does not let it be measured for each case\n",
            );
        }
        let widest = self.cases.iter().map(|c| c.max_concurrent_servers).max().unwrap_or(0);
        if self.targets < widest {
            text.push_str(&format!(
                "{} targets keep no more than {} workers busy: name more to see what a greater width does\n",
                self.targets, self.targets
            ));
        }
        if self.interrupted {
            text.push_str("interrupted: this is what was measured until then\n");
        }
        if let Some(comparison) = &self.comparison {
            text.push('\n');
            text.push_str(&comparison.text());
        }
        text
    }
}

impl Comparison {
    fn text(&self) -> String {
        let heads = ["case", "old median", "new median", "change", "noise", "verdict"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        for case in &self.cases {
            let verdict = match case.verdict {
                Verdict::Slower => "SLOWER",
                Verdict::WithinNoise => "slower, but within noise",
                Verdict::Same => "the same",
                Verdict::Faster => "faster",
            };
            rows.push(vec![
                case.name.clone(),
                format!("{:.3} s", case.old_median_s),
                format!("{:.3} s", case.new_median_s),
                format!("{:+.1} %", case.change_percent),
                format!("{:.3} s", case.noise_s),
                verdict.to_owned(),
            ]);
        }
        let sides = [Side::Left, Side::Right, Side::Right, Side::Right, Side::Right, Side::Left];
        format!(
            "{}slower: a median that grew by more than {} % and by more than noise, the larger spread of the two\n",
            lay_out(&rows, &sides),
            self.max_regression_percent
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, times: &[f64]) -> CaseResult {
        let seconds = Summary::of(times).unwrap();
        CaseResult {
            name: name.into(),
            max_concurrent_servers: 10,
            enable_detailed_analysis: true,
            times_s: times.to_vec(),
            seconds,
            servers_per_second: 20.0 / seconds.median,
            cpu_s: 0.1,
            peak_rss_bytes: 1 << 20,
            peak_is_of_case: true,
            failed: 0,
        }
    }

    fn bench(cases: Vec<CaseResult>) -> Bench {
        Bench {
            schema_version: 1,
            kind: "bench".into(),
            version: "0".into(),
            started_at: "then".into(),
            finished_at: "then".into(),
            interrupted: false,
            processors: 2,
            targets: 20,
            iterations: 3,
            cases,
            comparison: None,
        }
    }

    #[test]
    fn a_case_is_slower_beyond_both_the_limit_and_noise() {
        let verdict = |old: &[f64], new: &[f64]| {
            let c = compare(&bench(vec![case("basic", old)]), &[case("basic", new)], 10.0).unwrap();
            assert_eq!(c.regression, c.cases[0].verdict == Verdict::Slower);
            c.cases[0].verdict
        };
        assert_eq!(verdict(&[1.0, 1.0, 1.0], &[1.2, 1.2, 1.2]), Verdict::Slower);
        assert_eq!(verdict(&[1.0, 1.0, 1.0], &[1.1, 1.1, 1.1]), Verdict::Same);
        assert_eq!(verdict(&[0.8, 1.0, 1.6], &[0.8, 1.2, 1.6]), Verdict::WithinNoise);
        assert_eq!(verdict(&[1.0, 1.0, 1.0], &[0.5, 0.5, 0.5]), Verdict::Faster);
        // One wild run in the old bench is no licence to be slow.
        assert_eq!(verdict(&[1.0, 1.0, 1.1, 1.0, 30.0], &[2.0, 2.0, 2.1, 2.0, 2.0]), Verdict::Slower);
        // One slow run of three moves the mean by 100 %, and the median not at all.
        assert_eq!(verdict(&[1.0, 1.0, 1.0], &[1.0, 1.0, 4.0]), Verdict::Same);
    }

    #[test]
    fn only_cases_of_both_are_compared() {
        let old = bench(vec![case("basic", &[1.0])]);
        let new = [case("basic", &[1.0]), case("parallel", &[9.0])];
        let names: Vec<String> =
            compare(&old, &new, 10.0).unwrap().cases.into_iter().map(|c| c.name).collect();
        assert_eq!(names, ["basic"]);
        assert!(compare(&old, &new[1..], 10.0).unwrap_err().contains("none of the cases"));
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_else() {
        let old = bench(vec![case("basic", &[1.0, 2.0])]);
        let text = serde_json::to_string(&old).unwrap();
        assert_eq!(read(&text, 20).unwrap(), old);
        let why = |text: &str, targets| read(text, targets).unwrap_err();
        assert!(why(&text, 19).contains("was made with 20 targets"), "{}", why(&text, 19));
        assert!(why("{}", 20).starts_with("is no bench report"), "{}", why("{}", 20));
        assert!(why(&text.replace("\"failed\":0", "\"failed\":1"), 20).contains("failures"));
        assert!(why(&text.replace("\"median\":1.5", "\"median\":0.0"), 20).contains("no time"));
        assert!(why(&text.replace("\"bench\"", "\"load-test\""), 20).contains("of this version"));
    }
}
