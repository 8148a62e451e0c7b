//! What today's rules find in the second form of something, and did not find in the first.

use std::collections::{BTreeMap, HashMap};

use crate::analysis::options::Policy;
use crate::analysis::{Facts, assess};
use crate::model::finding::Severity;
use crate::model::inventory::{Inventory, Json, List};
use crate::model::outcome::{Auth, EndpointView};
use crate::model::target::Endpoint;

/// Things that are judged in both their forms.
const MOST_JUDGED: usize = 400;
/// Of these: at a time, fewer than a rule tells one by one.
const AT_A_TIME: usize = 16;

/// Something in two forms; one that is not there has nothing to be found in.
#[derive(Debug, Clone, Copy)]
pub(in crate::analysis) enum Pair<'a> {
    /// An item of a list.
    Items(List, Option<&'a Json>, Option<&'a Json>),
    /// What a server tells the model.
    Instructions(Option<&'a str>, Option<&'a str>),
}

/// For each of `pairs`: the rules that find something in the second form which they did not find in the first.
/// They are of the server called `name`, seen as `view`; beyond the first 400, nothing is said.
pub(in crate::analysis) fn news(
    name: &str,
    view: &EndpointView,
    pairs: &[Pair<'_>],
    policy: &Policy,
) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = Vec::with_capacity(pairs.len());
    for some in pairs[..pairs.len().min(MOST_JUDGED)].chunks(AT_A_TIME) {
        let first = found(name, view, some.iter().map(|pair| pair.form(true)), policy);
        let second = found(name, view, some.iter().map(|pair| pair.form(false)), policy);
        for ((pair, then), now) in some.iter().zip(first).zip(second) {
            all.push(now.into_iter().filter(|now| pair.is_news(&then, now)).map(|(rule, _)| rule).collect());
        }
    }
    all.resize_with(pairs.len(), Vec::new);
    all
}

/// The rules that find something, and the worst of it.
type Rules = BTreeMap<String, Severity>;

/// One form of a pair.
enum Form<'a> {
    Item(List, Option<&'a Json>),
    Instructions(Option<&'a str>),
}

impl<'a> Pair<'a> {
    fn is_news(&self, then: &Rules, (rule, severity): &(String, Severity)) -> bool {
        let is_new = matches!(self, Pair::Items(_, None, _) | Pair::Instructions(None, _));
        // What a tool can do is nothing new about one that was not there.
        let is_known = is_new && rule.starts_with("HK-CAP");
        !is_known && *severity >= telling(rule) && then.get(rule).is_none_or(|before| before < severity)
    }

    fn form(&self, first: bool) -> Form<'a> {
        match *self {
            Pair::Items(list, then, now) => Form::Item(list, if first { then } else { now }),
            Pair::Instructions(then, now) => Form::Instructions(if first { then } else { now }),
        }
    }
}

/// What is found in each of `forms`.
fn found<'a>(
    name: &str,
    view: &EndpointView,
    forms: impl Iterator<Item = Form<'a>>,
    policy: &Policy,
) -> Vec<Rules> {
    let mut inventory = Inventory::default();
    let mut origin: HashMap<String, usize> = HashMap::new();
    let mut all = Vec::new();
    for (at, form) in forms.enumerate() {
        all.push(Rules::new());
        match form {
            Form::Item(list, Some(item)) => {
                origin.insert(format!("{}/{}", list.field(), inventory.items(list).len()), at);
                items(&mut inventory, list).push(item.clone());
            }
            Form::Instructions(text @ Some(_)) => {
                origin.insert("instructions".to_owned(), at);
                inventory.instructions = text.map(str::to_owned);
            }
            Form::Item(_, None) | Form::Instructions(None) => {}
        }
    }
    let facts = Facts {
        name,
        endpoint: &Endpoint::Unknown,
        view,
        expanded: &[],
        auth: &Auth::default(),
        notes: &[],
        failure: None,
    };
    for finding in assess(&facts, &inventory, policy) {
        let mut parts = finding.pointer.split('/').skip(1);
        let item = match (parts.next(), parts.next()) {
            (Some("instructions"), _) => "instructions".to_owned(),
            (Some(list), Some(place)) => format!("{list}/{place}"),
            (_, _) => continue,
        };
        let Some(&at) = origin.get(&item) else { continue };
        let worst = all[at].entry(finding.rule.into_owned()).or_insert(finding.severity);
        *worst = finding.severity.max(*worst);
    }
    all
}

/// From which severity on a finding of `rule` makes a change suspicious. Honest texts oblige and forbid as
/// well, below MEDIUM; but what a tool can do is no question of wording.
pub(super) fn telling(rule: &str) -> Severity {
    match rule.get(..6) {
        Some("HK-CAP") => Severity::Low,
        Some("HK-POI" | "HK-UNI" | "HK-FLW" | "HK-SEC") => Severity::Medium,
        // Weak schemas and the like are no sign of malice, however new.
        _ => Severity::Critical,
    }
}

fn items(of: &mut Inventory, list: List) -> &mut Vec<Json> {
    match list {
        List::Tools => &mut of.tools,
        List::Resources => &mut of.resources,
        List::ResourceTemplates => &mut of.resource_templates,
        List::Prompts => &mut of.prompts,
    }
}
