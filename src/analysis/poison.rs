//! What a text wants from the model that reads it.
//!
//! Every sign has a weight of its own, and together they weigh more: honest servers write "call `x` first"
//! or "always use this", hardly ever three such things at once. A sign is told by what it weighs alone, and
//! raised where the whole text leaves little doubt.

use std::sync::LazyLock;

use crate::model::finding::{Confidence, Severity};

use super::frames::Sign;
use super::hits::{Hit, Hits};
use super::item::{Item, Kind};
use super::lexicon::notion;
use super::signals::Signals;

/// From here on the strongest signs of a text are bad, not odd.
const SURE: u32 = 4;
/// From here on, with three signs or more, there is no honest reading.
const CERTAIN: u32 = 9;
/// From here on words are as those of orders are, as `scripts/train-wording.py` weighs them, where nothing else
/// is said. Hardly one in 4,000 tools of real servers comes so far, or so far as the
/// second number where there is also a hint, or the third where there is a sign.
const ALIKE: i32 = 85;
const HINTED: i32 = 5;
const LIKELY: i32 = -75;
/// Below, they are so much like those of honest tools that a frame fits by chance: nine honest tools in ten are
/// there, and one order in fifty.
const UNLIKE: i32 = -265;
/// What honest tools do themselves, in the words of an order.
const BY_CHANCE: [Sign; 4] = [Sign::Rewrite, Sign::Hostile, Sign::Command, Sign::Secrets];
/// What the words of a long text have to weigh where it has a sign: the place that weighs most is the most
/// unlucky of hundreds. That much where two signs stand there or one of [`NEVER_SAID`], that much where another
/// one does that is bad alone, and that much where it is only worth a look.
const AMONG_MANY: [i32; 3] = [5, 135, 495];
/// What honest servers have the fewest words in common with.
const NEVER_SAID: [Sign; 3] = [Sign::Override, Sign::Conceal, Sign::Send];
/// What nobody tells a model in the instructions that every honest server may give it.
const NEVER_INSTRUCTED: [Sign; 4] = [Sign::Override, Sign::Conceal, Sign::Secrets, Sign::Send];

/// How bad `sign` is in `item`, all signs considered.
fn severity(item: &Item<'_>, sign: Sign) -> Option<Severity> {
    // A prompt is meant to instruct.
    if item.kind == Kind::Prompt && matches!(sign, Sign::Hook | Sign::Prefer | Sign::Block) {
        return None;
    }
    let signals = item.signals();
    signals.of(sign)?;
    let weight = signals.weight(sign as usize);
    let together = if signals.kinds() >= 2 { signals.total() } else { 0 };
    let alone = match (weight, sign) {
        (0 | 1, _) => return None,
        // Vendors praise and urge.
        (3, Sign::Prefer) => Severity::Medium,
        (2, _) => Severity::Low,
        (3, _) => Severity::Medium,
        (_, _) => Severity::High,
    };
    let alone = match (item.kind, sign) {
        (Kind::Prompt, Sign::Command | Sign::Impersonate | Sign::Rewrite) => alone.min(Severity::Medium),
        _ => alone,
    };
    let all = match together {
        CERTAIN.. if signals.kinds() >= 3 && weight >= 3 => Severity::Critical,
        SURE..
            if weight >= 3
                && !(item.kind == Kind::Prompt && matches!(sign, Sign::Command | Sign::Impersonate)) =>
        {
            Severity::High
        }
        SURE.. if weight >= 2 && !matches!(sign, Sign::Hook | Sign::Prefer) => alone.max(Severity::Medium),
        _ => alone,
    };
    let certain = together >= CERTAIN && signals.kinds() >= 3;
    let plausible = match item.kind {
        Kind::Server if !NEVER_INSTRUCTED.contains(&sign) => false,
        _ if !signals.wording.is_short() => stands_out(signals),
        // Where little else is said, the words around it say nothing for it.
        _ if weight >= 4 && !BY_CHANCE.contains(&sign) && signals.wording.is_terse() => true,
        _ if certain => signals.wording.score() >= 2 * UNLIKE,
        _ => signals.wording.score() >= UNLIKE,
    };
    Some(if plausible { all } else { all.min(Severity::Medium) })
}

/// Whether a long text has a place that reads like an order, and signs of one right there. Somewhere in a manual
/// every frame fits, and every word is said.
fn stands_out(signals: &Signals) -> bool {
    let common = [Sign::Hook as usize, Sign::Prefer as usize];
    let there = |sign: &usize| signals.is_heavy(*sign) && signals.weight(*sign) >= 2;
    let all: Vec<usize> = (0..Sign::Outward as usize).filter(there).collect();
    let best = all.iter().filter(|sign| !common.contains(sign)).map(|sign| signals.weight(*sign)).max();
    let outright = |sign: &Sign| signals.is_heavy(*sign as usize) && signals.weight(*sign as usize) >= 4;
    let enough = match best.unwrap_or_default() {
        3.. if all.len() >= 2 || NEVER_SAID.iter().any(outright) => AMONG_MANY[0],
        4.. => AMONG_MANY[1],
        3 => AMONG_MANY[2],
        _ => return false,
    };
    signals.wording.score() >= enough
}

fn tell(item: &Item<'_>, hits: &mut Hits<'_>, sign: Sign, what: &str) {
    let (Some(severity), Some(signal)) = (severity(item, sign), item.signals().of(sign)) else { return };
    let confidence = match signal.weight {
        0..=2 => Confidence::Low,
        3 => Confidence::Medium,
        4.. => Confidence::High,
    };
    hits.add(severity, || Hit {
        confidence,
        message: format!("{} {what}", item.label()),
        path: item.tree.pointer(signal.node),
        excerpt: Some(signal.excerpt.clone()),
    });
}

/// HK-POI-001
pub(super) fn frame(item: &Item<'_>, hits: &mut Hits<'_>) {
    // A heading alone frames nothing.
    if item.signals().kinds() >= 2 {
        tell(item, hits, Sign::Block, "holds a block addressed to the model");
    }
}

/// HK-POI-002
pub(super) fn overriding(item: &Item<'_>, hits: &mut Hits<'_>) {
    tell(item, hits, Sign::Override, "tells the model to set instructions or safeguards aside");
}

/// HK-POI-003
pub(super) fn conceal(item: &Item<'_>, hits: &mut Hits<'_>) {
    tell(item, hits, Sign::Conceal, "tells the model to keep something from the user");
}

/// HK-POI-004
pub(super) fn hook(item: &Item<'_>, hits: &mut Hits<'_>) {
    tell(item, hits, Sign::Hook, "ties the use of tools to something else that must be done");
}

/// HK-POI-006
pub(super) fn secrets(item: &Item<'_>, hits: &mut Hits<'_>) {
    tell(item, hits, Sign::Secrets, "asks for what holds secrets");
}

/// HK-POI-007
pub(super) fn send(item: &Item<'_>, hits: &mut Hits<'_>) {
    tell(item, hits, Sign::Send, "wants data sent along or out");
}

/// HK-POI-008
pub(super) fn command(item: &Item<'_>, hits: &mut Hits<'_>) {
    tell(item, hits, Sign::Command, "wants a command run");
}

/// HK-POI-009
pub(super) fn rewrite(item: &Item<'_>, hits: &mut Hits<'_>) {
    tell(item, hits, Sign::Rewrite, "wants what the user asked for changed");
}

/// HK-POI-011
pub(super) fn prefer(item: &Item<'_>, hits: &mut Hits<'_>) {
    tell(item, hits, Sign::Prefer, "wants to be preferred to other tools");
}

/// HK-POI-012
pub(super) fn impersonate(item: &Item<'_>, hits: &mut Hits<'_>) {
    tell(item, hits, Sign::Impersonate, "speaks as the user, a developer or the system");
}

/// HK-POI-015
pub(super) fn hostile(item: &Item<'_>, hits: &mut Hits<'_>) {
    tell(item, hits, Sign::Hostile, "says of itself that it harms");
}

/// HK-POI-016
pub(super) fn wording(item: &Item<'_>, hits: &mut Hits<'_>) {
    let signals = item.signals();
    let Some((node, excerpt)) = &signals.heaviest else { return };
    let Some(severity) = likeness(item.kind, signals) else { return };
    hits.add(severity, || Hit {
        confidence: if severity == Severity::High { Confidence::Medium } else { Confidence::Low },
        message: format!(
            "{} reads like an order to the model: {}",
            item.label(),
            signals.wording.heaviest().join(", ")
        ),
        path: item.tree.pointer(*node),
        excerpt: Some(excerpt.clone()),
    });
}

/// How bad the wording is. Words alone prove little, the less the more of them there are: somewhere in a long
/// manual every server sounds like an order. So a sign has to agree, or the item is short and says little else.
/// A server's instructions are orders; of them, this tells where to look.
fn likeness(kind: Kind, signals: &Signals) -> Option<Severity> {
    let (wording, score) = (&signals.wording, signals.wording.score());
    // Of a long text, the place in question counts; and vendors urge and praise, the more the longer they speak.
    let common = [Sign::Hook as usize, Sign::Prefer as usize];
    let agrees = |sign: &usize| wording.is_short() || !common.contains(sign) && signals.is_heavy(*sign);
    let sign = (0..Sign::Outward as usize).filter(agrees).map(|sign| signals.weight(sign)).max();
    let sign = sign.unwrap_or_default();
    let high = match (wording.is_short(), sign) {
        (true, 3..) => score >= LIKELY,
        (true, 2) => score >= HINTED,
        // A prompt is meant to instruct.
        (true, _) => score >= ALIKE && !wording.is_about(*ATTACKS) && kind != Kind::Prompt,
        (false, _) => stands_out(signals),
    };
    let medium = if wording.is_short() || sign >= 2 { LIKELY } else { HINTED };
    match (kind, score) {
        (Kind::Server, LIKELY..) if sign >= 3 => Some(Severity::Medium),
        (Kind::Server, LIKELY..) => Some(Severity::Low),
        _ if high => Some(Severity::High),
        _ if score >= medium => Some(Severity::Medium),
        _ => None,
    }
}

/// What texts about attacks speak of: tests, policies, tools that detect them.
static ATTACKS: LazyLock<u128> = LazyLock::new(|| {
    ["DEFENCE", "EVIL", "ABUSE"].into_iter().filter_map(notion).fold(0, |all, one| all | one)
});
