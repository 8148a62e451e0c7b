//! Parts of a report in words: what a pointer leads to, how a server is reached, who answers for a finding.

use crate::base::text::quote;
use crate::model::drift::Part;
use crate::model::finding::Suppressed;
use crate::model::inventory::List;
use crate::model::outcome::Outcome;

/// Characters of a name that are shown.
pub(super) const NAME: usize = 120;

/// A part of a server that has a name of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// `tool`, `resource`, `resource template`, `prompt`.
    pub(super) kind: &'static str,
    /// As the server calls it, fit to be shown.
    pub(super) name: String,
}

/// The item of `outcome` that `pointer` leads into; nothing where it leads to the server as a whole.
pub(super) fn subject(outcome: &Outcome, pointer: &str) -> Option<Subject> {
    let mut steps = pointer.strip_prefix('/')?.split('/');
    let field = steps.next()?;
    let list = List::ALL.into_iter().find(|list| list.field() == field)?;
    let item = outcome.inventory.items(list).get(steps.next()?.parse::<usize>().ok()?)?;
    let name = item.string("name").or_else(|| item.string("uri")).or_else(|| item.string("uriTemplate"));
    Some(Subject { kind: Part::from(list).name(), name: quote(&name.unwrap_or_default(), NAME) })
}

/// Who answers for a finding, and why.
pub(super) fn answered(suppressed: &Suppressed) -> String {
    let reason = suppressed.reason.as_deref().unwrap_or("no reason given");
    let owner = suppressed.owner.as_ref().map_or(String::new(), |owner| format!(" (owner {owner})"));
    let until = suppressed.expires.as_ref().map_or(String::new(), |day| format!(", until {day}"));
    format!("by {}: {reason}{owner}{until}", suppressed.by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::specimens::{complete, object};
    use serde_json::json;

    #[test]
    fn pointers_lead_to_items_by_name() {
        let mut outcome = complete();
        outcome.inventory.resources = vec![object(&json!({"uri": "file:///a\n"}))];
        let found = |pointer| subject(&outcome, pointer).map(|s| (s.kind, s.name));
        assert_eq!(found("/tools/3/description"), Some(("tool", "t3".to_owned())));
        assert_eq!(found("/resources/0"), Some(("resource", "file:///a\\n".to_owned())));
        for nowhere in ["", "/", "/tools", "/tools/x", "/tools/14", "/tools/-1", "/server/name", "tools/1"] {
            assert_eq!(found(nowhere), None, "{nowhere}");
        }
    }
}
