//! HK-SHD-001 and HK-SHD-002: tools of different servers that a model, or whoever reads along, takes for each
//! other.
//!
//! Servers that share most of their tools are one server twice, or a fork: that is one finding, not one a tool.
//! Names are never compared in pairs throughout. Each distinct name is put under the keys that a name like it
//! would have as well (what it is about, itself with one letter or one word less, its description), and only
//! what meets there is looked at.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use crate::analysis::quick::Quick;
use crate::model::finding::{Confidence, Severity};

use super::gist::{Gist, Tool};
use super::legs::is_verb;
use super::likeness::{Forms, about, hash, one_edit};
use super::told::{Hit, Place, Told, names};

/// Tools that two servers share before they are taken for the same.
const SHARED: usize = 3;
/// Places of one name that are looked at closely.
const CLOSE: usize = 8;
/// Names under one key that are compared with each other, and comparisons in all.
const UNDER_ONE_KEY: usize = 24;
const COMPARISONS: usize = 200_000;
/// Letters of a name that may differ in one; shorter ones are too often near another.
const LETTERS: std::ops::RangeInclusive<usize> = 5..=48;

/// From here on, two descriptions say the same.
const SAME: f64 = 0.8;
/// From here on, they are about the same.
const SIMILAR: f64 = 0.6;
/// Words that a description needs for that.
const WORDS: usize = 4;

/// Where a tool is.
#[derive(Debug, Clone, Copy)]
struct At {
    server: usize,
    tool: usize,
}

/// All tools, or all prompts, of one name.
struct Group<'a> {
    name: &'a str,
    prompt: bool,
    places: Vec<At>,
}

/// Looks for both.
pub(super) fn shadows(servers: &[&Gist], told: &mut Told) {
    if servers.len() < 2 {
        return;
    }
    let groups = groups(servers);
    let family = families(servers, &groups);
    tell_families(servers, &groups, &family, told);
    same_names(servers, &groups, &family, told);
    near_copies(servers, &groups, &family, told);
}

fn tool<'a>(servers: &[&'a Gist], at: At) -> &'a Tool {
    &servers[at.server].tools[at.tool]
}

fn groups<'a>(servers: &[&'a Gist]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut known: HashMap<(bool, &str), usize> = HashMap::new();
    for (server, gist) in servers.iter().enumerate() {
        for (tool, named) in gist.tools.iter().enumerate() {
            let at = *known.entry((named.prompt, &named.name)).or_insert_with(|| {
                groups.push(Group { name: &named.name, prompt: named.prompt, places: Vec::with_capacity(1) });
                groups.len() - 1
            });
            let places = &mut groups[at].places;
            // Twice on one server is that server's own finding.
            if places.last().is_none_or(|last| last.server != server) {
                places.push(At { server, tool });
            }
        }
    }
    groups
}

/// The first server of each one's family: those that share most of their tools.
fn families(servers: &[&Gist], groups: &[Group<'_>]) -> Vec<usize> {
    let mut shared: HashMap<(usize, usize), usize> = HashMap::new();
    for group in groups.iter().filter(|g| g.places.len() > 1) {
        let at = &group.places;
        let near = &at[..at.len().min(CLOSE)];
        let pairs = near.iter().enumerate().flat_map(|(i, a)| near[i + 1..].iter().map(move |b| (*a, *b)));
        let far = at[near.len()..].iter().map(|b| (at[0], *b));
        let in_a_row = at[near.len() - 1..].windows(2).map(|w| (w[0], w[1]));
        for (a, b) in pairs.chain(far).chain(in_a_row.filter(|(a, _)| a.server != at[0].server)) {
            // Everybody has a `create_table`; what it is said to do must be the same, too.
            let (one, other) = (tool(servers, a), tool(servers, b));
            if likeness(one, other) >= SIMILAR || one.sketch.words() + other.sketch.words() == 0 {
                *shared.entry((a.server, b.server)).or_default() += 1;
            }
        }
    }
    let mut family: Vec<usize> = (0..servers.len()).collect();
    let first = |family: &[usize], mut of: usize| {
        while family[of] != of {
            of = family[of];
        }
        of
    };
    let mut close: Vec<(usize, usize)> = shared
        .into_iter()
        .filter(|((a, b), n)| *n >= SHARED && *n * 2 >= servers[*a].tools.len().min(servers[*b].tools.len()))
        .map(|(pair, _)| pair)
        .collect();
    close.sort_unstable();
    for (a, b) in close {
        let (a, b) = (first(&family, a), first(&family, b));
        family[a.max(b)] = a.min(b);
    }
    (0..servers.len()).map(|at| first(&family, at)).collect()
}

fn tell_families(servers: &[&Gist], groups: &[Group<'_>], family: &[usize], told: &mut Told) {
    let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
    for (server, first) in family.iter().enumerate() {
        members.entry(*first).or_default().push(server);
    }
    let mut members: Vec<Vec<usize>> = members.into_values().filter(|m| m.len() > 1).collect();
    members.sort_unstable();
    for all in members {
        let of = |server: &usize| servers[*server];
        let first = of(&all[0]);
        let one = all.iter().map(of).all(|s| s.identity == first.identity);
        let bad = all.iter().map(of).any(|s| s.bad);
        let severity = match (one, bad) {
            (true, false) => Severity::Info,
            (true, true) | (false, false) => Severity::Low,
            (false, true) => Severity::Medium,
        };
        told.add("HK-SHD-001", severity, || {
            let here = groups.iter().map(|g| g.places.iter().filter(|p| family[p.server] == all[0]).count());
            let common = here.filter(|n| *n > 1).count();
            Hit {
                severity,
                confidence: Confidence::High,
                message: format!(
                    "{} offer the same {common} tools: which of them is called is chance",
                    names(all.iter().map(of))
                ),
                places: all
                    .iter()
                    .map(|s| Place { path: "/tools".to_owned(), ..Place::server(of(s)) })
                    .collect(),
                excerpt: None,
                same: "family".to_owned(),
            }
        });
    }
}

fn same_names(servers: &[&Gist], groups: &[Group<'_>], family: &[usize], told: &mut Told) {
    for group in groups {
        let mut seen = HashSet::new();
        let places: Vec<At> =
            group.places.iter().copied().filter(|p| seen.insert(family[p.server])).collect();
        let Some(first) = places.first().filter(|_| places.len() > 1) else { continue };
        let of = |at: &At| servers[at.server];
        let near = &places[..places.len().min(CLOSE)];
        let same_text = near.iter().enumerate().any(|(i, a)| {
            near[i + 1..].iter().any(|b| likeness(tool(servers, *a), tool(servers, *b)) >= SAME)
        });
        let loose = places.iter().filter(|p| of(p).unpinned).count();
        // `search` is what everybody calls it.
        let generic = about(group.name).len() < 2;
        let first_name = of(first).calls_itself;
        let one_name = first_name.is_some() && places.iter().all(|p| of(p).calls_itself == first_name);
        let severity = match (generic, same_text || (0 < loose && loose < places.len())) {
            _ if places.iter().all(|p| of(p).identity == of(first).identity) => Severity::Info,
            (true, _) => Severity::Info,
            // One server in two versions, by what it says.
            (false, true) if one_name => Severity::Low,
            (false, true) => Severity::Medium,
            (false, false) => Severity::Low,
        };
        told.add("HK-SHD-001", severity, || {
            let how = match (same_text, loose) {
                (true, _) => ", and describe it alike",
                (false, 1..) if severity == Severity::Medium => ", and not all of them are pinned",
                _ => "",
            };
            let servers_of = names(places.iter().map(of));
            let label = Place::tool(of(first), tool(servers, *first)).label();
            Hit {
                severity,
                confidence: Confidence::High,
                message: format!(
                    "{label} is offered by {servers_of}{how}: which of them is called is chance"
                ),
                places: places.iter().map(|p| Place::tool(of(p), tool(servers, *p))).collect(),
                excerpt: None,
                same: "name".to_owned(),
            }
        });
    }
}

/// How much alike two descriptions are; not at all, where there is too little to say so.
fn likeness(a: &Tool, b: &Tool) -> f64 {
    if a.sketch.words().min(b.sketch.words()) < WORDS {
        return if a.sketch == b.sketch && a.sketch.words() > 1 { SIMILAR } else { 0.0 };
    }
    a.sketch.likeness(&b.sketch)
}

/// In what way one name is nearly the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It looks the same, and is not.
    LooksSame,
    /// A version, the plural, an article, another spelling.
    SameRoot,
    /// One letter.
    OneEdit,
    /// One word.
    OneWord,
    /// Only the description is the same.
    Copy,
}

impl Way {
    fn of(a: (&str, &Forms), b: (&str, &Forms)) -> Option<Way> {
        let ((a_name, a), (b_name, b)) = (a, b);
        if a.bare == b.bare && a.plain != b.plain {
            // `step1` beside `stepi` is neither.
            let disguised = !a_name.is_ascii() || !b_name.is_ascii() || a.bare.len() > 5;
            return disguised.then_some(Way::LooksSame);
        }
        if a.root == b.root || a.plain == b.plain {
            return Some(Way::SameRoot);
        }
        let letters = |name: &str| name.replace(|c: char| c.is_ascii_digit(), "");
        let numbered = || letters(&a.plain) == letters(&b.plain);
        if LETTERS.contains(&a.plain.chars().count()) && one_edit(&a.plain, &b.plain) && !numbered() {
            return Some(Way::OneEdit);
        }
        let (less, more) = if a.root.len() <= b.root.len() { (&a.root, &b.root) } else { (&b.root, &a.root) };
        let head = less.iter().zip(more).take_while(|(x, y)| x == y).count();
        let one_more = less.len() >= 2 && less.len() + 1 == more.len() && less[head..] == more[head + 1..];
        // Not the first word: what is done makes another tool of it.
        let alike = less.len() >= 3 && less.len() == more.len() && head > 0;
        let one_other = alike && less.get(head + 1..) == more.get(head + 1..);
        if one_more || one_other {
            return Some(Way::OneWord);
        }
        a.root.iter().any(|w| b.root.contains(w)).then_some(Way::Copy)
    }

    /// How much alike the descriptions have to be.
    const fn needs(self) -> f64 {
        match self {
            Way::LooksSame => 0.0,
            Way::SameRoot | Way::OneEdit => SIMILAR,
            Way::OneWord => SAME,
            Way::Copy => 1.0,
        }
    }

    const fn says(self) -> &'static str {
        match self {
            Way::LooksSame => "looks like",
            Way::SameRoot | Way::OneEdit => "is nearly called like",
            Way::OneWord => "is called almost like, and described like,",
            Way::Copy => "is described word for word like",
        }
    }
}

fn near_copies(servers: &[&Gist], groups: &[Group<'_>], family: &[usize], told: &mut Told) {
    let forms: Vec<Forms> = groups.iter().map(|g| Forms::of(g.name)).collect();
    let keys = keys(servers, groups, &forms);
    let offered: HashSet<(usize, bool, &str)> =
        groups.iter().flat_map(|g| g.places.iter().map(|p| (p.server, g.prompt, g.name))).collect();
    let mut seen: HashSet<(u32, u32), BuildHasherDefault<Quick>> = HashSet::default();
    let mut left = COMPARISONS;
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for run in keys.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
        let near = &run[..run.len().min(UNDER_ONE_KEY)];
        for (i, (_, a)) in near.iter().enumerate() {
            for (_, b) in &near[i + 1..] {
                if left > 0 && a != b && seen.insert((*a.min(b), *a.max(b))) {
                    left -= 1;
                    pairs.push((*a.min(b), *a.max(b)));
                }
            }
        }
    }
    pairs.sort_unstable();
    for (a, b) in pairs {
        let (a, b) = (a as usize, b as usize);
        if groups[a].prompt != groups[b].prompt {
            continue;
        }
        let Some(way) = Way::of((groups[a].name, &forms[a]), (groups[b].name, &forms[b])) else { continue };
        // The one that pretends stands first: disguised, or with something added.
        let disguise = |at: usize| (!groups[at].name.is_ascii(), groups[at].name.len());
        let (a, b) = if disguise(a) >= disguise(b) { (a, b) } else { (b, a) };
        let close = |at: usize| groups[at].places.iter().take(CLOSE);
        let candidates = close(a).flat_map(|x| close(b).map(move |y| (*x, *y)));
        let fitting = candidates.filter(|(x, y)| {
            // Who has both names knows the difference.
            let both = offered.contains(&(x.server, groups[b].prompt, groups[b].name))
                || offered.contains(&(y.server, groups[a].prompt, groups[a].name));
            x.server != y.server
                && (!both || way == Way::LooksSame)
                && likeness(tool(servers, *x), tool(servers, *y)) >= way.needs()
                && !kin(servers[x.server], servers[y.server], &forms[a], &forms[b])
        });
        let related = |x: At, y: At| {
            let (one, other) = (servers[x.server], servers[y.server]);
            family[x.server] == family[y.server]
                || (one.calls_itself.is_some() && one.calls_itself == other.calls_itself)
        };
        // The worst of them speaks for all.
        let Some((x, y)) = fitting.min_by_key(|(x, y)| related(*x, *y)) else { continue };
        let severity = if related(x, y) && way != Way::LooksSame { Severity::Low } else { Severity::Medium };
        told.add("HK-SHD-002", severity, || {
            let places = [x, y].map(|at| Place::tool(servers[at.server], tool(servers, at)));
            let same = match way {
                Way::LooksSame => Confidence::High,
                Way::SameRoot | Way::OneEdit | Way::OneWord | Way::Copy => Confidence::Medium,
            };
            Hit {
                severity,
                confidence: same,
                message: format!("{} {} {}", places[0].whole(), way.says(), places[1].whole()),
                places: places.to_vec(),
                excerpt: None,
                same: "near".to_owned(),
            }
        });
    }
}

/// Servers of one vendor may call their tools alike.
fn kin(a: &Gist, b: &Gist, a_tool: &Forms, b_tool: &Forms) -> bool {
    let prefix = a_tool.root.first().filter(|w| b_tool.root.first() == Some(w) && a_tool.root.len() > 1);
    let prefix = prefix.filter(|w| !is_verb(w));
    let named = |server: &Gist| prefix.is_some_and(|p| about(&server.name).contains(p));
    a.identity == b.identity || (a.vendor.is_some() && a.vendor == b.vendor) || (named(a) && named(b))
}

/// Every name under all keys that a name near it would have, too.
fn keys(servers: &[&Gist], groups: &[Group<'_>], forms: &[Forms]) -> Vec<(u64, u32)> {
    let mut keys: Vec<(u64, u32)> = Vec::with_capacity(groups.len() * 16);
    let mut less = String::new();
    for (at, (group, forms)) in groups.iter().zip(forms).enumerate() {
        let at = at as u32;
        let Forms { plain, bare, root } = forms;
        keys.push((hash((0, root)), at));
        keys.push((hash((1, bare)), at));
        let without = |skip: usize| root.iter().enumerate().filter(move |(i, _)| *i != skip).map(|(_, w)| w);
        if root.len() >= 3 {
            keys.extend((0..root.len()).map(|i| (hash((0, without(i).collect::<Vec<_>>())), at)));
        }
        let letters = plain.chars().count();
        if LETTERS.contains(&letters) {
            keys.push((hash((2, plain)), at));
            for (i, c) in plain.char_indices() {
                less.clear();
                less.push_str(&plain[..i]);
                less.push_str(&plain[i + c.len_utf8()..]);
                keys.push((hash((2, &less)), at));
            }
        }
        let texts = group.places.iter().take(CLOSE).map(|p| &tool(servers, *p).sketch);
        let texts = texts.filter(|sketch| sketch.words() >= 2 * WORDS);
        keys.extend(texts.map(|sketch| (hash((3, sketch)), at)));
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}
