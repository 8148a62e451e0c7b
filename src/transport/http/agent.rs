//! The HTTP client: the only file that sets ureq's options, and the one that reads its errors.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Response;
use ureq::tls::{Certificate, ClientCert, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, RustlsConnector, Transport,
};
use ureq::{Agent, Body, Error, Proxy, Timeout};

use crate::mcp::origin::Origin;
use crate::model::outcome::FailureKind;
use crate::sys::cancel::Cancel;
use crate::transport::options::{TlsOptions, WireOptions};
use crate::transport::{Patience, WireError};

use super::resolve::{Names, Reach};
use super::socket::Sockets;

/// All HTTP of a run. TLS roots are loaded at the first https connection.
#[derive(Debug)]
pub struct HttpClient {
    config: Config,
    connector: Shared,
    names: Names,
    /// Agents of origins that were left lately, with their idle connections; the oldest first.
    left: Mutex<VecDeque<(Origin, Agent)>>,
    most_left: usize,
    /// For hosts that a server names: public addresses only, no proxy.
    strangers: Agent,
}

/// How long one exchange may take, beyond the target's own time.
#[derive(Debug, Clone, Copy)]
pub(in crate::transport) struct Budget {
    pub(in crate::transport) total: Duration,
    /// Longest silence.
    pub(in crate::transport) read: Duration,
    pub(in crate::transport) connect: Duration,
}

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
    /// Reads the certificates that `options` name; connects to nothing.
    pub fn new(options: &WireOptions, cancel: &Cancel) -> Result<Arc<HttpClient>, String> {
        let tls = tls_config(&options.tls)?;
        let connector = Shared(Arc::new(Chain {
            tcp: Sockets { cancel: cancel.clone(), header_limit: options.limits.header_bytes },
            proxy: ConnectProxyConnector::default(),
            tls: RustlsConnector::default(),
        }));
        let direct = config(options, tls.clone(), None);
        Ok(Arc::new(HttpClient {
            strangers: Agent::with_parts(direct, connector.clone(), Names::new(Reach::Public)),
            config: config(options, tls, Proxy::try_from_env()),
            connector,
            names: Names::new(Reach::Anywhere),
            left: Mutex::default(),
            most_left: if options.http.keep_alive { options.http.pool_size } else { 0 },
        }))
    }

    /// The agent for a target at `origin`. Each origin has its own: ureq looks through all idle connections
    /// of an agent, under one lock, at every request.
    pub(super) fn enter(&self, origin: &Origin) -> Agent {
        let known = self.left().iter().find(|(o, _)| o == origin).map(|(_, agent)| agent.clone());
        known.unwrap_or_else(|| {
            Agent::with_parts(self.config.clone(), self.connector.clone(), self.names.clone())
        })
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

    /// Asks a host that a server named, if it is a public one.
    pub(super) fn ask_stranger(
        &self,
        request: &Request<'_>,
        budget: Budget,
        patience: &Patience,
    ) -> Result<Response<Body>, WireError> {
        ask(&self.strangers, request, budget, patience)
    }
}

/// What makes a connection: a socket, through a proxy where there is one, with TLS where that is asked for.
#[derive(Debug)]
struct Chain {
    tcp: Sockets,
    proxy: ConnectProxyConnector,
    tls: RustlsConnector,
}

/// One chain for all agents, so that TLS is set up once.
#[derive(Debug, Clone)]
struct Shared(Arc<Chain>);

impl Connector<()> for Shared {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Self::Out>, Error> {
        let socket = self.0.tcp.connect(details, None)?;
        let tunnel = self.0.proxy.connect(details, socket)?;
        let secured = self.0.tls.connect(details, tunnel)?;
        Ok(secured.map(|transport| Box::new(transport) as Box<dyn Transport>))
    }
}

/// Asks a host that the user named, through the agent of its origin.
pub(super) fn ask(
    agent: &Agent,
    request: &Request<'_>,
    budget: Budget,
    patience: &Patience,
) -> Result<Response<Body>, WireError> {
    patience.check()?;
    let total = budget.total.min(patience.until.left()).max(Duration::from_millis(1));
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
            agent.run(request)
        }
        None => {
            let request = builder.body(()).map_err(|e| bad_request(&e))?;
            let request = configured(agent, request, total, budget);
            agent.run(request)
        }
    };
    result.map_err(|e| explain(e, patience))
}

fn configured<B: ureq::AsSendBody>(
    agent: &Agent,
    request: ureq::http::Request<B>,
    total: Duration,
    budget: Budget,
) -> ureq::http::Request<B> {
    agent
        .configure_request(request)
        .timeout_global(Some(total))
        .timeout_connect(Some(budget.connect))
        .timeout_per_read(Some(budget.read))
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
        .max_idle_age(http.keep_alive_timeout)
        .build()
}

fn tls_config(options: &TlsOptions) -> Result<TlsConfig, String> {
    let roots = match &options.ca_file {
        Some(file) => RootCerts::Specific(Arc::new(certificates(file)?)),
        None => RootCerts::PlatformVerifier,
    };
    let identity = options.client_cert.as_ref().map(|(cert, key)| client_cert(cert, key)).transpose()?;
    Ok(TlsConfig::builder()
        .root_certs(roots)
        .client_cert(identity)
        .disable_verification(options.insecure)
        .build())
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let found: Vec<_> = pem(file)?
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(c) => Some(c),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(format!("{}: no certificate in PEM form", file.display()));
    }
    Ok(found)
}

fn client_cert(cert: &Path, key: &Path) -> Result<ClientCert, String> {
    let chain = certificates(cert)?;
    let key = pem(key)?
        .into_iter()
        .find_map(|item| match item {
            PemItem::PrivateKey(k) => Some(k),
            _ => None,
        })
        .ok_or_else(|| format!("{}: no private key in PEM form", key.display()))?;
    Ok(ClientCert::new_with_certs(&chain, key))
}

fn pem(file: &Path) -> Result<Vec<PemItem<'static>>, String> {
    let bytes = fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
    parse_pem(&bytes).collect::<Result<_, _>>().map_err(|e| format!("{}: {e}", file.display()))
}

/// ureq's error in the report's words.
pub(super) fn explain(error: Error, patience: &Patience) -> WireError {
    if let Err(ours) = patience.check() {
        return ours;
    }
    let (kind, why): (FailureKind, String) = match error {
        Error::Timeout(Timeout::Global | Timeout::PerCall) => {
            (FailureKind::Timeout, "the answer took longer than http_config.timeout.total".into())
        }
        Error::Timeout(Timeout::Connect) => {
            (FailureKind::Timeout, "no connection in time (raise http_config.timeout.connect)".into())
        }
        Error::Timeout(what) => (FailureKind::Timeout, format!("no answer in time: {what}")),
        Error::HostNotFound => (FailureKind::NameNotFound, "the host name does not resolve".into()),
        Error::LargeResponseHeader(_, max) => {
            (FailureKind::LimitExceeded, format!("response headers of more than {max} bytes"))
        }
        Error::BodyExceedsLimit(max) => {
            (FailureKind::LimitExceeded, format!("a body of more than {max} bytes"))
        }
        Error::Rustls(e) => (FailureKind::Tls, e.to_string()),
        Error::Tls(e) => (FailureKind::Tls, e.into()),
        Error::TlsRequired => (FailureKind::Tls, "no TLS".into()),
        Error::ConnectionFailed => (FailureKind::ConnectFailed, "no connection".into()),
        Error::ConnectProxyFailed(e) => (FailureKind::ConnectFailed, format!("proxy: {e}")),
        Error::InvalidProxyUrl => {
            (FailureKind::ConnectFailed, "the proxy variables hold no proxy URL".into())
        }
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
