//! Whether reports go together, and what is missing between them.

use crate::model::run::{Missing, RuleSet};
use crate::model::shard::ShardRun;
use crate::saved::stream::Rules;

/// What one report says of itself, by its last run.
#[derive(Default)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) shard: Option<ShardRun>,
    pub(super) rules: Option<Rules>,
    /// Targets that it was to have.
    pub(super) planned: Option<usize>,
    /// Targets that it has, those of earlier rounds included.
    pub(super) targets: usize,
    /// Rounds that were begun.
    pub(super) rounds: u32,
    /// Whether it ends as reports end.
    pub(super) ended: bool,
    pub(super) interrupted: bool,
    /// Whether it is a merged one from which something was missing.
    pub(super) lacking: bool,
    pub(super) disabled: usize,
    /// Why nothing of it can be used.
    pub(super) unusable: Option<String>,
}

impl Told {
    /// Whether targets may be missing from it that it should have.
    fn is_cut_off(&self) -> bool {
        self.unusable.is_some() || !self.ended
    }

    /// Targets of a run that was cut off, as far as it says. Which of several rounds told them is not known.
    fn lost(&self) -> usize {
        let only = self.planned.filter(|_| self.is_cut_off() && self.rounds == 1);
        only.map_or(0, |planned| planned.saturating_sub(self.targets))
    }
}

/// Why `reports` cannot be one. Whatever differs here would be a server without findings that was judged by
/// nobody, or one that is missing and not missed.
pub(super) fn conflict(reports: &[Told]) -> Option<String> {
    let parts: Vec<(&Told, &ShardRun)> =
        reports.iter().filter_map(|r| Some((r, r.shard.as_ref()?))).collect();
    if let Some(((one, first), (other, second))) =
        parts.first().zip(parts.iter().find(|(_, shard)| shard.shard.count != parts[0].1.shard.count))
    {
        return Some(format!(
            "{} is shard {}, and {} is shard {}: parts of another division overlap, and leave servers out; scan with \
             one N",
            one.name, first.shard, other.name, second.shard
        ));
    }
    if let Some(((one, first), (other, second))) =
        parts.first().zip(parts.iter().find(|(_, s)| (s.of, &s.list) != (parts[0].1.of, &parts[0].1.list)))
    {
        return Some(format!(
            "{} and {} are parts of different lists ({} and {} servers): nobody can say what is missing; scan the \
             same list again in all parts",
            one.name, other.name, first.of, second.of
        ));
    }
    let judged: Vec<(&Told, &Rules)> = reports.iter().filter_map(|r| Some((r, r.rules.as_ref()?))).collect();
    let (one, first) = judged.first()?;
    let (other, second) = judged.iter().find(|(_, rules)| rules.sha256 != first.sha256)?;
    Some(format!(
        "{} was judged by the rules {} ({}), and {} by {} ({}): what is no finding in one may be one in the other; \
         scan with the same hawkeye and settings, or judge all of them anew: hawkeye assess",
        one.name, first.version, first.count, other.name, second.version, second.count
    ))
}

/// The rules that judged all of `reports`, where they say so; what they say to people is what `ours` do.
pub(super) fn rules(reports: &[Told], ours: RuleSet) -> RuleSet {
    match reports.iter().find_map(|report| report.rules.as_ref()) {
        Some(theirs) if theirs.sha256 != ours.sha256 => RuleSet {
            version: theirs.version.clone().into(),
            count: theirs.count,
            sha256: theirs.sha256.clone(),
            not_assessed: theirs.not_assessed.iter().cloned().map(Into::into).collect(),
            ..ours
        }
        .whole(),
        _ => ours,
    }
}

/// What is not there, of which `listed` targets of the list are; nothing where all is.
pub(super) fn missing(reports: &[Told], listed: usize) -> Option<Missing> {
    let list = reports.iter().find_map(|report| report.shard.as_ref());
    let whole = |index: u32| {
        let of_index = |report: &&Told| report.shard.as_ref().is_some_and(|s| s.shard.index == index);
        reports.iter().filter(of_index).any(|report| !report.is_cut_off())
    };
    let count = list.map(|list| list.shard.count);
    let shards: Vec<u32> = (0..count.unwrap_or(0)).filter(|index| !whole(*index)).collect();
    let of_list = list.map_or(0, |list| list.of.saturating_sub(listed));
    let alone = reports.iter().filter(|report| report.shard.is_none());
    let targets = of_list + alone.map(Told::lost).sum::<usize>();
    let reports: Vec<String> = reports
        .iter()
        // A part that is whole in another report is not missed.
        .filter(|report| match &report.shard {
            Some(part) => report.is_cut_off() && shards.contains(&part.shard.index),
            None => report.is_cut_off() || report.lacking,
        })
        .map(|report| report.name.clone())
        .collect();
    let none = shards.is_empty() && targets == 0 && reports.is_empty();
    (!none).then_some(Missing { shards, count, targets, reports })
}

/// Entries that were disabled in the lists. All parts of a list have the same.
pub(super) fn disabled(reports: &[Told]) -> usize {
    let (parts, alone): (Vec<&Told>, Vec<&Told>) = reports.iter().partition(|report| report.shard.is_some());
    let of_list = parts.iter().map(|report| report.disabled).max().unwrap_or(0);
    alone.iter().map(|report| report.disabled).fold(of_list, usize::saturating_add)
}
