//! What both HTTP transports need to talk to their target: its origin's connections, its headers, redirects
//! within the origin, and patience with servers that say "later".

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body};

use crate::base::encoding::{base64, percent_decode};
use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::mcp::origin::{self, Origin};
use crate::mcp::session::Refusal;
use crate::model::outcome::FailureKind;
use crate::model::target::Remote;
use crate::transport::options::WireOptions;
use crate::transport::{Patience, Phases, WireError};

use super::agent::{self, Budget, HttpClient, READ_TIMEOUT, Request};
use super::body::{self, Meter};
use super::socket;
use super::stream::Sizes;

/// A wait shorter than this is no wait.
pub(super) const SHORTEST_WAIT: Duration = Duration::from_millis(20);

/// Longest address or id from a server that is sent back to it.
pub(in crate::transport) const LONGEST_REFERENCE: usize = 4 << 10;

/// What both HTTP transports need to talk to their target.
pub(in crate::transport) struct Link {
    client: Arc<HttpClient>,
    /// The connections to this origin; handed back at the end.
    agent: Result<(Origin, Agent), WireError>,
    pub(in crate::transport) url: String,
    /// The user's, for this origin only.
    pub(in crate::transport) headers: Vec<(String, String)>,
    pub(in crate::transport) options: WireOptions,
    pub(in crate::transport) patience: Patience,
    pub(in crate::transport) meter: Meter,
    pub(in crate::transport) connecting: Duration,
    pub(in crate::transport) phases: Phases,
}

impl Link {
    pub(in crate::transport) fn new(
        client: &Arc<HttpClient>,
        remote: &Remote,
        options: &WireOptions,
        patience: Patience,
    ) -> Link {
        socket::take_connect_time();
        socket::take_phases();
        let url = origin::without_userinfo(&remote.url);
        // Targets are checked when they are read; what slipped through fails at its first request.
        let agent = match origin::split(&url) {
            Some((origin, _)) => client.enter(&origin).map(|agent| (origin, agent)),
            None => Err(WireError::new(FailureKind::Config, "not a usable URL")),
        };
        Link {
            client: client.clone(),
            agent,
            url,
            headers: user_headers(remote),
            meter: Meter::new(options.limits.target_bytes),
            options: options.clone(),
            patience,
            connecting: Duration::ZERO,
            phases: Phases::default(),
        }
    }

    pub(in crate::transport) fn sizes(&self) -> Sizes {
        Sizes {
            chunk: self.options.sse.chunk_size,
            events: self.options.sse.event_buffer_size,
            message: self.options.limits.message_bytes,
            read_option: READ_TIMEOUT,
        }
    }

    pub(in crate::transport) fn budget(&self) -> Budget {
        let http = &self.options.http;
        Budget {
            total: Some(http.total_timeout),
            read: http.read_timeout,
            read_option: READ_TIMEOUT,
            connect: http.connect_timeout,
        }
    }

    /// One exchange, followed through redirects within the origin. `self.url` moves along.
    pub(in crate::transport) fn exchange(
        &mut self,
        method: &'static str,
        own: &[(&str, &str)],
        body: Option<&str>,
        budget: Budget,
    ) -> Result<Response<Body>, WireError> {
        let mut url = self.url.clone();
        let response = self.exchange_at(method, &mut url, own, body, budget)?;
        self.url = url;
        Ok(response)
    }

    pub(in crate::transport) fn exchange_at(
        &mut self,
        method: &'static str,
        url: &mut String,
        own: &[(&str, &str)],
        body: Option<&str>,
        budget: Budget,
    ) -> Result<Response<Body>, WireError> {
        for _ in 0..=self.options.limits.redirects {
            self.permit()?;
            self.client.counters.request();
            let request = Request { method, url, headers: own, more: &self.headers, body };
            let (_, agent) = self.agent.as_ref().map_err(Clone::clone)?;
            let begun = Instant::now();
            let result = agent::ask(agent, &request, budget, &self.patience);
            let (asked, connecting) = (begun.elapsed(), socket::take_connect_time());
            let connected = socket::take_phases();
            self.connecting += connecting;
            let idle = connecting + connected.resolve.unwrap_or_default();
            let first_byte = result.is_ok().then(|| asked.saturating_sub(idle));
            self.phases = self.phases.or(Phases { first_byte, ..connected });
            let response = result?;
            if connected.tcp.is_none() {
                self.client.counters.connection_reused();
            }
            self.heed(&response);
            if !response.status().is_redirection() || response.status() == 304 {
                return Ok(response);
            }
            *url = redirected(url, method, &response)?;
            self.drain(response);
        }
        let why = format!("more than {} redirects", self.options.limits.redirects);
        Err(WireError::new(FailureKind::RedirectRefused, why))
    }

    /// A server that asks for patience asks all who come to it, and not only who was told.
    fn heed(&self, response: &Response<Body>) {
        let asked = retry_after(response.headers());
        let status = response.status().as_u16();
        if let Ok((origin, _)) = &self.agent
            && (status == 429 || status == 503 && asked.is_some())
        {
            let span = asked.unwrap_or_else(|| backoff(self.options.http.backoff_factor, 1));
            // More than this target can wait is its own loss, not that of its neighbours.
            if span < self.patience.until().left() {
                self.client.pace.hold(origin, span);
            }
        }
    }

    fn permit(&self) -> Result<(), WireError> {
        let (origin, _) = self.agent.as_ref().map_err(Clone::clone)?;
        self.client.pace.permit(Some(origin), &self.patience)
    }

    /// An exchange that is repeated while the server says "later" (`retry_config`). The wait comes along that
    /// the last answer asked for, if there is no time for it.
    pub(in crate::transport) fn persist(
        &mut self,
        method: &'static str,
        url: &mut String,
        own: &[(&str, &str)],
        body: Option<&str>,
        budget: Budget,
    ) -> Result<(Response<Body>, Option<Duration>), WireError> {
        let mut repeated = 0;
        loop {
            let response = self.exchange_at(method, url, own, body, budget)?;
            let status = response.status().as_u16();
            let http = &self.options.http;
            let later = status == 429 || http.status_forcelist.contains(&status);
            if !later || repeated >= http.retries {
                return Ok((response, None));
            }
            repeated += 1;
            self.client.counters.repeat();
            let asked = retry_after(response.headers());
            let wait = asked.unwrap_or_else(|| backoff(http.backoff_factor, repeated));
            if wait >= self.patience.until().left() {
                return Ok((response, asked));
            }
            self.drain(response);
            self.patience.cancel.sleep(Deadline::after(wait));
            self.patience.check()?;
        }
    }

    pub(in crate::transport) fn refusal(
        &mut self,
        response: &mut Response<Body>,
        had_session: bool,
    ) -> Refusal<'static> {
        let lines = response.headers().get_all("www-authenticate").iter();
        let authenticate = lines.map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect();
        let status = response.status().as_u16();
        let body = body::beginning(response, &mut self.meter).into();
        Refusal { status, body, authenticate, had_session }
    }

    pub(in crate::transport) fn drain(&mut self, response: Response<Body>) {
        body::drain(response, &mut self.meter);
    }
}

impl Link {
    /// Lets others have the connections meanwhile.
    pub(in crate::transport) fn rest(&mut self) {
        if let Ok((origin, agent)) = &self.agent {
            self.client.leave(origin.clone(), agent.clone());
        }
    }

    /// Goes on, with whatever connections there are to the origin now.
    pub(in crate::transport) fn renew(&mut self, patience: Patience) {
        socket::take_connect_time();
        if let Ok((origin, agent)) = &mut self.agent
            && let Ok(current) = self.client.enter(origin)
        {
            *agent = current;
        }
        self.meter = Meter::new(self.options.limits.target_bytes);
        self.connecting = Duration::ZERO;
        self.patience = patience;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let over = WireError::new(FailureKind::Closed, "over");
        if let Ok((origin, agent)) = std::mem::replace(&mut self.agent, Err(over)) {
            self.client.leave(origin, agent);
        }
    }
}

/// Names that belong to the transport; a configured header of such a name is left out.
const OWN_HEADERS: [&str; 14] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "transfer-encoding",
    "upgrade",
];

fn user_headers(remote: &Remote) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::with_capacity(remote.headers.len() + 1);
    for (name, value) in &remote.headers {
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            log::warn!("header {name} belongs to the transport and is not sent");
        } else {
            headers.push((name.clone(), value.reveal().to_owned()));
        }
    }
    // Userinfo means Basic (RFC 7617), unless the configuration says otherwise.
    let userinfo = remote
        .url
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next()?.rsplit_once('@'));
    if let Some((userinfo, _)) = userinfo
        && !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("authorization"))
    {
        headers.push(("Authorization".into(), format!("Basic {}", base64(&percent_decode(userinfo)))));
    }
    headers
}

/// Where a redirect leads, if it may be followed: within the origin, and for a POST only where the method
/// and body stay (307, 308).
fn redirected(from: &str, method: &str, response: &Response<Body>) -> Result<String, WireError> {
    let status = response.status().as_u16();
    let refused = |why: String| Err(WireError::new(FailureKind::RedirectRefused, why));
    let location =
        response.headers().get("location").map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    let Some(location) = location else { return refused(format!("HTTP {status} without a Location")) };
    if location.len() > LONGEST_REFERENCE {
        return refused(format!("HTTP {status} with a Location of {} bytes", location.len()));
    }
    let shown = quote(&location, 200);
    if method == "POST" && !matches!(status, 307 | 308) {
        return refused(format!("HTTP {status} for a POST, to {shown}"));
    }
    origin::same_origin(from, &location).or_else(|why| refused(format!("HTTP {status} to {shown}: {why}")))
}

/// `Retry-After` in seconds or as a date; junk is no answer.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(SystemTime::now()).unwrap_or_default())
}

/// `backoff_factor` × 2^(n-1) seconds, and up to a tenth more so that many clients do not come back at once.
fn backoff(factor: f64, n: u32) -> Duration {
    let seconds = factor.max(0.0) * f64::from(2u32.saturating_pow(n - 1)) * (1.0 + fastrand::f64() / 10.0);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).max(SHORTEST_WAIT)
}
