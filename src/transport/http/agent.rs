//! The HTTP client: the only file that sets ureq's options, and the one that reads its errors.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Response;
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, Error, Proxy, Timeout};

use crate::mcp::origin::Origin;
use crate::model::outcome::FailureKind;
use crate::sys::cancel::Cancel;
use crate::transport::counters::Counters;
use crate::transport::options::WireOptions;
use crate::transport::pace::Pace;
use crate::transport::{Patience, WireError};

use super::connect::Chain;
use super::proxy::{Proxies, Route};
use super::resolve::{Names, Reach};
use super::socket::{self, Sockets};
use super::tls;

/// All HTTP of a run. TLS roots are loaded at the first https connection.
#[derive(Debug)]
pub struct HttpClient {
    /// Without a proxy, and with the proxy of each scheme.
    direct: Config,
    http: Config,
    https: Config,
    proxies: Proxies,
    pub(super) counters: Counters,
    pub(super) pace: Pace,
    chain: Chain,
    names: Names,
    /// Agents of origins that were left lately, with their idle connections; the oldest first.
    left: Mutex<VecDeque<(Origin, Agent)>>,
    most_left: usize,
    /// For other origins at a target's own host: no proxy, no certificate of ours.
    neighbours: Agent,
    /// For hosts that a server names: as above, and public addresses only.
    strangers: Agent,
}

/// How long one exchange may take, beyond the target's own time.
#[derive(Debug, Clone, Copy)]
pub(in crate::transport) struct Budget {
    /// The whole exchange; `None` for a stream that lives as long as its conversation.
    pub(in crate::transport) total: Option<Duration>,
    /// Longest silence.
    pub(in crate::transport) read: Duration,
    /// The option that sets it.
    pub(in crate::transport) read_option: &'static str,
    pub(in crate::transport) connect: Duration,
}

/// No clock of ureq's is to end it. Not [`Duration::MAX`]: it is added to moments.
const FOREVER: Duration = Duration::from_secs(1 << 30);

/// The option that bounds the silence of ordinary answers.
pub(super) const READ_TIMEOUT: &str = "http_config.timeout.read";

/// A request. Bodies are always JSON and always POSTed.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub method: &'static str,
    pub url: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    /// The user's.
    pub more: &'a [(String, String)],
    pub body: Option<&'a str>,
}

impl HttpClient {
    /// Reads the certificates that `options` name, and the proxy variables; connects to nothing.
    pub fn new(
        options: &WireOptions,
        cancel: &Cancel,
        counters: &Counters,
        pace: &Pace,
    ) -> Result<Arc<HttpClient>, String> {
        let proxies = Proxies::from_env();
        let sockets = Sockets {
            cancel: cancel.clone(),
            header_limit: options.limits.header_bytes,
            max_lifetime: options.http.max_lifetime,
            counters: counters.clone(),
        };
        let identity = tls::with_identity(&options.tls)?;
        let unknown = config(options, tls::anonymous(&options.tls)?, None);
        let of = |route: &Route| match route {
            Route::Through(proxy) => config(options, identity.clone(), Some(proxy.clone())),
            Route::Direct | Route::Unusable(_) => config(options, identity.clone(), None),
        };
        let direct = of(&Route::Direct);
        // Each chain keeps what TLS it was first used with, so each has its own.
        let anonymous = Chain::new(sockets.clone(), unknown.clone(), None);
        let agent = |reach| Agent::with_parts(unknown.clone(), anonymous.clone(), Names::new(reach));
        Ok(Arc::new(HttpClient {
            neighbours: agent(Reach::Anywhere),
            strangers: agent(Reach::Public),
            chain: Chain::new(sockets, direct.clone(), Some(anonymous.clone())),
            direct,
            http: of(&proxies.http),
            https: of(&proxies.https),
            proxies,
            counters: counters.clone(),
            pace: pace.clone(),
            names: Names::new(Reach::Anywhere),
            left: Mutex::default(),
            most_left: if options.http.keep_alive { options.http.pool_size } else { 0 },
        }))
    }

    /// The agent for a target at `origin`. Each origin has its own: ureq looks through all idle connections
    /// of an agent, under one lock, at every request.
    pub(super) fn enter(&self, origin: &Origin) -> Result<Agent, WireError> {
        let config = match (self.proxies.route(origin), origin.secure) {
            (Route::Unusable(why), _) => return Err(WireError::new(FailureKind::Config, why)),
            (Route::Direct, _) => &self.direct,
            (Route::Through(_), true) => &self.https,
            (Route::Through(_), false) => &self.http,
        };
        let known = self.left().iter().find(|(o, _)| o == origin).map(|(_, agent)| agent.clone());
        Ok(known.unwrap_or_else(|| Agent::with_parts(config.clone(), self.chain.clone(), self.names.clone())))
    }

    /// Keeps the connections of a target for the next one at the same origin; the origin left longest ago
    /// loses its own.
    pub(super) fn leave(&self, origin: Origin, agent: Agent) {
        let mut left = self.left();
        left.retain(|(o, _)| *o != origin);
        left.push_back((origin, agent));
        let excess = left.len().saturating_sub(self.most_left);
        left.drain(..excess);
    }

    fn left(&self) -> MutexGuard<'_, VecDeque<(Origin, Agent)>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The agent for other origins at the host of a target.
    pub(super) fn neighbours(&self) -> &Agent {
        &self.neighbours
    }

    /// The agent for hosts that a server named: it reaches public ones only.
    pub(super) fn strangers(&self) -> &Agent {
        &self.strangers
    }
}

/// One exchange through `agent`.
pub(super) fn ask(
    agent: &Agent,
    request: &Request<'_>,
    budget: Budget,
    patience: &Patience,
) -> Result<Response<Body>, WireError> {
    patience.check()?;
    let total = budget.total.map_or(FOREVER, |t| t.min(patience.until().left()));
    let total = total.max(Duration::from_millis(1));
    let mut builder = ureq::http::Request::builder().method(request.method).uri(request.url);
    for (name, value) in request.headers {
        builder = builder.header(*name, *value);
    }
    for (name, value) in request.more {
        builder = builder.header(name, value);
    }
    let result = match request.body {
        Some(body) => {
            let request = builder.body(body).map_err(|e| bad_request(&e))?;
            let request = configured(agent, request, total, budget);
            socket::patiently(patience, || agent.run(request))
        }
        None => {
            let request = builder.body(()).map_err(|e| bad_request(&e))?;
            let request = configured(agent, request, total, budget);
            socket::patiently(patience, || agent.run(request))
        }
    };
    result.map_err(|e| explain(e, patience, budget.read_option))
}

fn configured<B: ureq::AsSendBody>(
    agent: &Agent,
    request: ureq::http::Request<B>,
    left: Duration,
    budget: Budget,
) -> ureq::http::Request<B> {
    let request = agent.configure_request(request).timeout_per_read(Some(budget.read));
    match budget.total {
        Some(total) => request
            .timeout_global(Some(total.min(left)))
            .timeout_resolve(Some(budget.connect))
            .timeout_connect(Some(budget.connect)),
        None => request
            .timeout_resolve(Some(budget.connect.min(left)))
            .timeout_connect(Some(budget.connect.min(left)))
            .timeout_send_request(Some(left))
            .timeout_recv_response(Some(left)),
    }
    .build()
}

fn bad_request(e: &ureq::http::Error) -> WireError {
    WireError::new(FailureKind::Config, format!("the request cannot be made: {e}"))
}

fn config(options: &WireOptions, tls: TlsConfig, proxy: Option<Proxy>) -> Config {
    let http = &options.http;
    let idle = if http.keep_alive { (http.pool_size, http.pool_maxsize) } else { (0, 0) };
    Config::builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy)
        .tls_config(tls)
        .user_agent(concat!("hawkeye/", env!("CARGO_PKG_VERSION")))
        .accept("")
        .accept_encoding("identity")
        .max_response_header_size(options.limits.header_bytes)
        // Of TLS connections only; plain ones bring their own. A whole header must fit.
        .input_buffer_size(options.limits.header_bytes + (4 << 10))
        .output_buffer_size(8 << 10)
        .max_idle_connections(idle.0)
        .max_idle_connections_per_host(idle.1)
        .max_idle_age(http.keep_alive_timeout.min(http.idle_timeout))
        .build()
}

/// Clocks that end together do not end at once.
const HAIR: Duration = Duration::from_millis(50);

/// ureq's error in the report's words; `read_option` is what bounds a silence.
pub(super) fn explain(error: Error, patience: &Patience, read_option: &str) -> WireError {
    if let Err(ours) = patience.check() {
        return ours;
    }
    let (kind, why): (FailureKind, String) = match error {
        Error::Timeout(_) if patience.until().left() < HAIR => return patience.timeout(),
        Error::Timeout(Timeout::Global | Timeout::PerCall) => {
            (FailureKind::Timeout, "the answer took too long (raise http_config.timeout.total)".into())
        }
        Error::Timeout(Timeout::PerRead | Timeout::PerWrite) => {
            (FailureKind::Timeout, format!("silent for longer than {read_option}"))
        }
        Error::Timeout(Timeout::Resolve) => (
            FailureKind::Timeout,
            "the host name was not resolved in time (raise http_config.timeout.connect)".into(),
        ),
        Error::Timeout(Timeout::Connect) => {
            (FailureKind::Timeout, "no connection in time (raise http_config.timeout.connect)".into())
        }
        Error::Timeout(what) => (FailureKind::Timeout, format!("no answer in time: {what}")),
        Error::HostNotFound => (FailureKind::NameNotFound, "the host name does not resolve".into()),
        Error::LargeResponseHeader(_, max) => (
            FailureKind::LimitExceeded,
            format!("response headers, or lines between chunks, of more than {max} bytes"),
        ),
        Error::BodyExceedsLimit(max) => {
            (FailureKind::LimitExceeded, format!("a body of more than {max} bytes"))
        }
        Error::Rustls(e) => (FailureKind::Tls, e.to_string()),
        Error::Tls(e) => (FailureKind::Tls, e.into()),
        Error::TlsRequired => (FailureKind::Tls, "no TLS".into()),
        Error::ConnectionFailed => (FailureKind::ConnectFailed, "no connection".into()),
        Error::ConnectProxyFailed(e) => (FailureKind::ConnectFailed, format!("proxy: {e}")),
        Error::Protocol(e) => (FailureKind::InvalidMessage, format!("not HTTP: {e}")),
        Error::Http(e) => (FailureKind::InvalidMessage, format!("not HTTP: {e}")),
        Error::BadUri(e) => (FailureKind::Config, format!("bad URL: {e}")),
        Error::Io(e) => return explain_io(&e),
        other => (FailureKind::Internal, other.to_string()),
    };
    WireError { kind, message: why }
}

fn explain_io(e: &io::Error) -> WireError {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidData, UnexpectedEof,
    };
    let text = e.to_string();
    let kind = match e.kind() {
        // rustls reports through the reader it wraps.
        InvalidData => FailureKind::Tls,
        UnexpectedEof if text.contains("handshake") => FailureKind::Tls,
        ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof => FailureKind::Closed,
        ConnectionRefused => FailureKind::ConnectFailed,
        _ => FailureKind::ConnectFailed,
    };
    WireError::new(kind, text)
}
