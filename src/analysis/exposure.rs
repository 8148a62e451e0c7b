//! Secrets that are written down where they do not belong: in a server's entry, and in what a server says.

use crate::base::text::quote;
use crate::model::finding::{Confidence, Severity};
use crate::model::secret::{MASK, Secret, name_is_secret};
use crate::model::target::Endpoint;

use super::Facts;
use super::hits::{Hit, Hits};
use super::item::Item;
use super::secrets::{ending, find, is_placeholder, is_written_down};
use super::surface::{is_loopback, parts, remote, shown};
use super::tree::Value;

/// HK-SEC-001, in what a server says.
pub(super) fn in_texts(item: &Item<'_>, hits: &mut Hits<'_>) {
    let tree = &item.tree;
    for at in 0..tree.len() {
        let Value::Text(text) = tree.value(at) else { continue };
        for sighting in find(text) {
            let severity = match sighting.sure {
                true => Severity::Critical,
                false if sighting.kind == "secret by its name" => Severity::Medium,
                false => Severity::High,
            };
            hits.add(severity, || Hit {
                confidence: if sighting.sure { Confidence::High } else { Confidence::Medium },
                message: format!("{} tells everybody a {}", item.label(), sighting.told(text)),
                path: tree.pointer(at),
                excerpt: Some(format!("{}{}", sighting.kind, ending(&text[sighting.range.clone()]))),
            });
        }
    }
}

/// HK-SEC-001, in a server's entry. What a variable brought in is not written down.
pub(super) fn in_entry(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let mut tell = |severity: Severity, what: String, place: &str| {
        hits.add(severity, || Hit {
            confidence: Confidence::High,
            message: format!("has {what}, where whoever reads its entry sees it"),
            path: place.to_owned(),
            excerpt: Some(what.clone()),
        });
    };
    let brought_in = |value: &str| is_brought_in(facts.expanded, value);
    match facts.endpoint {
        Endpoint::Stdio(command) => {
            for (name, value) in &command.env {
                if let Some(what) = named(name, value.reveal()).filter(|_| !brought_in(value.reveal())) {
                    let what = format!("{what} in its environment variable \"{}\"", quote(name, 60));
                    tell(Severity::High, what, "/endpoint");
                }
            }
            let mut option: Option<&str> = None;
            for (at, arg) in command.args.iter().enumerate() {
                let (name, value) = match arg.split_once('=') {
                    Some((name, value)) if !name.contains("://") => (Some(name), value),
                    _ => match arg.split_once(": ") {
                        Some((name, value)) => (Some(name), value),
                        None => (option, arg.as_str()),
                    },
                };
                option = (arg.starts_with('-') && !arg.contains('=')).then_some(arg.as_str());
                if option.is_some() || brought_in(value) {
                    continue;
                }
                if let Some(what) = named(name.unwrap_or_default(), value) {
                    tell(
                        Severity::High,
                        format!("{what} among its arguments"),
                        &format!("/endpoint/args/{at}"),
                    );
                }
            }
        }
        Endpoint::Remote(remote) => {
            for (name, value) in &remote.headers {
                if let Some(what) = named(name, value.reveal()).filter(|_| !brought_in(value.reveal())) {
                    tell(
                        Severity::High,
                        format!("{what} in its header \"{}\"", quote(name, 60)),
                        "/endpoint",
                    );
                }
            }
            let query = remote.url.split_once('?').map_or("", |(_, query)| query);
            for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
                if let Some(what) = named(name, value).filter(|_| !brought_in(value)) {
                    let what = format!("{what} in \"{}\" of its URL", quote(name, 60));
                    tell(Severity::High, what, "/endpoint/url");
                }
            }
            in_userinfo(facts, hits);
        }
        Endpoint::Unknown => {}
    }
}

/// What `value`, which stands under `name`, is, if it is a secret.
fn named(name: &str, value: &str) -> Option<String> {
    if value == MASK {
        return None;
    }
    if let Some(sighting) = find(value).into_iter().next() {
        return Some(format!("a {}", sighting.told(value)));
    }
    (name_is_secret(name) && is_written_down(value)).then(|| format!("a secret{}", ending(value)))
}

fn is_brought_in(expanded: &[Secret], value: &str) -> bool {
    expanded.iter().any(|s| s.reveal().len() > 2 && value.contains(s.reveal()))
}

fn in_userinfo(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let Some((_, host, Some(user))) = remote(facts).and_then(|r| parts(&r.url)) else { return };
    let password = user.split_once(':').map_or(user, |(_, password)| password);
    if user.is_empty()
        || is_brought_in(facts.expanded, user)
        || password.starts_with(['$', '<', '{'])
        || password == MASK
    {
        return;
    }
    let severity = match is_loopback(host) || is_placeholder(password) && password.len() < 3 {
        true => Severity::Low,
        false => Severity::High,
    };
    hits.add(severity, || Hit {
        confidence: Confidence::High,
        message: "has credentials in its URL, where logs and process lists show them".to_owned(),
        path: "/endpoint/url".to_owned(),
        excerpt: Some(shown(facts)),
    });
}
