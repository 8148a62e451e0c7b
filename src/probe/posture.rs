//! How a server guards itself, as far as its refusal and the metadata it points to say.

use crate::base::text::quote;
use crate::mcp::{auth, origin};
use crate::model::outcome::{Auth, Outcome, Posture};
use crate::model::secret::Redaction;
use crate::model::target::Remote;
use crate::transport::Patience;
use crate::transport::carriers::Carriers;

use super::Policy;

/// Authorization servers whose metadata is read.
const ISSUERS: usize = 3;

/// How the server guards itself, reading the metadata it points to as facts.
pub(super) fn of(
    outcome: &Outcome,
    remote: &Remote,
    carriers: &Carriers,
    policy: &Policy,
    patience: &Patience,
) -> Auth {
    let mut auth = outcome.auth.clone();
    if auth.posture == Posture::Unknown {
        if outcome.inventory.protocol.is_some() {
            let credentials = remote.has_credentials() || carriers.options().tls.client_cert.is_some();
            auth.posture = if credentials { Posture::Bearer } else { Posture::None };
        }
        return auth;
    }
    if !policy.auth_metadata {
        return auth;
    }
    let named = auth.resource_metadata.take();
    let places = auth::resource_metadata_urls(&origin::without_userinfo(&remote.url), named.as_deref());
    let mut issuers = Vec::new();
    for place in places {
        match carriers.document(&place, &remote.url, patience) {
            Ok(body) => issuers = auth::read_resource_metadata(&mut auth, &place, &remote.url, &body),
            Err(e) if named.is_some() => {
                auth.facts.push(format!(
                    "resource metadata {}: {}",
                    quote(&place, 200),
                    quote(&e.message, 200)
                ));
            }
            Err(_) => {}
        }
        if auth.resource_metadata.is_some() {
            break;
        }
    }
    for issuer in issuers.iter().take(ISSUERS) {
        let read = auth::issuer_metadata_urls(issuer).iter().any(|place| {
            let body = carriers.document(place, &remote.url, patience);
            body.is_ok_and(|body| auth::read_issuer_metadata(&mut auth, issuer, &body))
        });
        if !read {
            auth.facts.push(format!("{}{}", quote(issuer, 200), auth::UNREAD));
        }
    }
    auth
}

/// The same without secrets of ours, which a server may say back to us.
pub(super) fn cleaned(mut auth: Auth, redaction: &Redaction) -> Auth {
    let all = auth.challenges.iter_mut().chain(&mut auth.facts).chain(&mut auth.scopes);
    all.chain(&mut auth.authorization_servers).for_each(|s| *s = redaction.clean(s).into_owned());
    auth.resource_metadata = auth.resource_metadata.map(|m| redaction.clean(&m).into_owned());
    auth
}
