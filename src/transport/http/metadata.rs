//! Fetching documents whose URL a server chose (RFC 9728, RFC 8414), without being its messenger.
//!
//! Only https, and plain http between loopback addresses; no credentials, no redirects, and no private address
//! unless the target itself is there. Proxy and client certificate are for the target's own origin only.

use std::time::Duration;

use crate::mcp::origin;
use crate::model::outcome::FailureKind;
use crate::transport::{Patience, WireError};

use super::agent::{self, Budget, HttpClient, READ_TIMEOUT, Request};
use super::body::{self, Meter};

/// Such documents have a few kilobytes.
const BYTES: usize = 256 << 10;
const TIME: Duration = Duration::from_secs(5);

/// The body at `url`, which the server at `target` named.
pub fn fetch(
    client: &HttpClient,
    url: &str,
    target: &str,
    patience: &Patience,
) -> Result<Vec<u8>, WireError> {
    let refuse = |why: &str| Err(WireError::new(FailureKind::OriginRefused, format!("not fetched: {why}")));
    let target = origin::without_userinfo(target);
    let (Some((there, _)), Some((home, _))) = (origin::split(url), origin::split(&target)) else {
        return refuse("no http or https URL without userinfo");
    };
    let at_home = there.host == home.host;
    let both_loopback = home.is_loopback() && there.is_loopback();
    if !(there.secure || both_loopback || there == home) {
        return refuse("plain http");
    }
    let request =
        Request { method: "GET", url, headers: &[("Accept", "application/json")], more: &[], body: None };
    let budget = Budget { total: Some(TIME), read: TIME, read_option: READ_TIMEOUT, connect: TIME };
    let own;
    let agent = if there == home {
        own = client.enter(&there)?;
        &own
    } else if at_home || both_loopback {
        client.neighbours()
    } else {
        client.strangers()
    };
    client.pace.permit(Some(&there), patience)?;
    let mut response = agent::ask(agent, &request, budget, patience)?;
    if response.status() != 200 {
        let status = response.status().as_u16();
        return Err(WireError::new(FailureKind::HttpStatus, format!("HTTP {status}")));
    }
    body::whole(&mut response, BYTES, &mut Meter::new(BYTES as u64), patience, READ_TIMEOUT)
}
