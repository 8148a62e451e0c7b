//! What a tool does in the user's name and cannot take back: paying, sending, letting others in.

use crate::model::finding::{Confidence, Severity};

use super::capability::{annotation, any, looks, says};
use super::hits::{Hit, Hits};
use super::item::{Item, Kind};

/// A kind of deed: what is done, to what, and how it is told.
type Deed = (&'static [&'static str], &'static [&'static str], &'static str);

const DEEDS: [Deed; 3] = [
    (
        &[
            "pay", "transfer", "send", "buy", "sell", "purchase", "withdraw", "refund", "charge", "place",
            "checkout", "trade", "swap", "stake", "donate", "create", "capture", "execute", "submit", "mint",
        ],
        &[
            "payment",
            "payments",
            "money",
            "funds",
            "transaction",
            "transfer",
            "crypto",
            "eth",
            "btc",
            "sol",
            "usdc",
            "stock",
            "stocks",
            "refund",
            "charge",
            "payout",
            "order",
            "trade",
            "checkout",
            "tokens",
            "invoice",
            "balance",
        ],
        "moves money",
    ),
    (
        &["send", "post", "reply", "publish", "tweet", "notify", "broadcast", "forward", "create", "write"],
        &[
            "email",
            "emails",
            "mail",
            "message",
            "messages",
            "sms",
            "dm",
            "tweet",
            "notification",
            "slack",
            "reply",
            "whatsapp",
            "telegram",
            "gmail",
        ],
        "sends messages in somebody's name",
    ),
    (
        &[
            "grant", "revoke", "add", "set", "update", "change", "share", "assign", "invite", "remove",
            "create", "attach", "detach", "delete", "modify", "put",
        ],
        &[
            "permission",
            "permissions",
            "role",
            "roles",
            "access",
            "acl",
            "policy",
            "policies",
            "collaborator",
            "collaborators",
            "privilege",
            "privileges",
            "admin",
            "iam",
            "member",
            "members",
        ],
        "changes who may do what",
    ),
];
/// Things that are called as a deed's object and are none.
const HARMLESS: [&str; 12] = [
    "draft",
    "template",
    "simulate",
    "estimate",
    "preview",
    "quote",
    "memory",
    "cache",
    "commit",
    "estimated",
    "history",
    "log",
];

/// HK-CAP-006: verb and object both stand in the name.
pub(super) fn transact(item: &Item<'_>, hits: &mut Hits<'_>) {
    if item.kind != Kind::Tool || annotation(item, "readOnlyHint") == Some(true) {
        return;
    }
    let words = item.words();
    if looks(words) || any(words, &HARMLESS).is_some() {
        return;
    }
    let deed = DEEDS.iter().find_map(|(verbs, objects, what)| {
        let at = words.iter().position(|w| verbs.contains(&w.as_str()))?;
        // `transfer_funds`, `send_email`; but also `email_send`.
        let object = words.iter().enumerate().find(|(i, w)| *i != at && objects.contains(&w.as_str()))?;
        // A thing is created in many ways; money and messages only where they come right after.
        let near = words[at] != "create" && words[at] != "write" || object.0 == at + 1;
        near.then_some(*what)
    });
    let Some(what) = deed.or_else(|| alone(item)) else { return };
    hits.add(Severity::Medium, || Hit {
        confidence: Confidence::Medium,
        message: format!("{} {what}", item.label()),
        path: "/name".to_owned(),
        excerpt: None,
    });
}

/// `send`, `transfer`: the description's first sentence says what.
fn alone(item: &Item<'_>) -> Option<&'static str> {
    const TELLING: [&str; 12] = [
        "pay", "transfer", "send", "buy", "sell", "purchase", "withdraw", "refund", "post", "publish",
        "grant", "revoke",
    ];
    let words = item.words();
    let verb = words.first().map(String::as_str).filter(|w| words.len() <= 2 && TELLING.contains(w))?;
    let first = item.said().split(['.', '\n']).next().unwrap_or_default();
    let mut deeds = DEEDS.iter().filter(|(verbs, _, _)| verbs.contains(&verb));
    deeds.find(|(_, objects, _)| says(first, &[verb], objects)).map(|(_, _, what)| *what)
}
