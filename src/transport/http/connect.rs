//! What makes a connection: a socket, through a proxy where there is one, with TLS where that is asked for.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use ureq::Error;
use ureq::config::Config;
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, RustlsConnector, Transport,
};

use super::socket::{self, Sockets};
use crate::transport::Phases;

/// One for all agents that share their certificates, so that TLS is set up once.
#[derive(Debug, Clone)]
pub(super) struct Chain(Arc<Links>);

#[derive(Debug)]
struct Links {
    sockets: Sockets,
    proxy: ConnectProxyConnector,
    tls: RustlsConnector,
    /// For TLS; the same whatever proxy an agent has.
    config: Config,
    /// Connects to proxies, which are not shown our certificate.
    to_proxies: Option<Chain>,
}

impl Connector<()> for Chain {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Self::Out>, Error> {
        let begun = Instant::now();
        let carried = self.carry(details);
        let mut parts = Phases { tcp: Some(begun.elapsed()), ..Phases::default() };
        let result = carried.and_then(|transport| {
            let carried = Instant::now();
            let result = self.secure(details, transport);
            parts.tls = details.needs_tls().then(|| carried.elapsed());
            result
        });
        socket::add_connect_time(begun.elapsed());
        socket::add_phases(parts);
        result.map(Some)
    }
}

impl Chain {
    pub(super) fn new(sockets: Sockets, config: Config, to_proxies: Option<Chain>) -> Chain {
        let (proxy, tls) = (ConnectProxyConnector::default(), RustlsConnector::default());
        Chain(Arc::new(Links { sockets, proxy, tls, config, to_proxies }))
    }

    fn open(&self, details: &ConnectionDetails<'_>) -> Result<Box<dyn Transport>, Error> {
        self.secure(details, self.carry(details)?)
    }

    /// TCP, through the proxy if there is one.
    fn carry(&self, details: &ConnectionDetails<'_>) -> Result<Box<dyn Transport>, Error> {
        Ok(match self.tunnel(details)? {
            Some(tunnel) => tunnel,
            None => Box::new(self.0.sockets.open(details)?),
        })
    }

    /// `transport` under TLS, where that is asked for.
    fn secure(
        &self,
        details: &ConnectionDetails<'_>,
        transport: Box<dyn Transport>,
    ) -> Result<Box<dyn Transport>, Error> {
        let links = &*self.0;
        if !details.needs_tls() {
            return Ok(transport);
        }
        // ureq keeps what it made of the certificates only of a configuration that is not the request's own.
        let settled = ConnectionDetails { request_level: false, config: &links.config, ..copy(details) };
        let secured = links.tls.connect(&settled, Some(transport))?;
        secured.map(|t| Box::new(t) as Box<dyn Transport>).ok_or(Error::ConnectionFailed)
    }

    /// A way through the proxy, if this connection has one.
    fn tunnel(&self, details: &ConnectionDetails<'_>) -> Result<Option<Box<dyn Transport>>, Error> {
        let Some(chain) = self.0.to_proxies.clone() else { return Ok(None) };
        let run_connector =
            Arc::new(move |proxy: &ConnectionDetails<'_>| chain.open(proxy).map_err(at_the_proxy));
        let details = ConnectionDetails { run_connector, ..copy(details) };
        let tunnel = self.0.proxy.connect(&details, None::<()>)?;
        Ok(tunnel.map(|t| Box::new(t) as Box<dyn Transport>))
    }
}

fn at_the_proxy(error: Error) -> Error {
    match error {
        Error::Io(e) => Error::Io(io::Error::new(e.kind(), format!("proxy {e}"))),
        other => other,
    }
}

fn copy<'a>(details: &ConnectionDetails<'a>) -> ConnectionDetails<'a> {
    ConnectionDetails {
        uri: details.uri,
        addrs: details.addrs.clone(),
        config: details.config,
        request_level: details.request_level,
        resolver: details.resolver,
        now: details.now,
        timeout: details.timeout,
        current_time: details.current_time.clone(),
        run_connector: details.run_connector.clone(),
        register_shutdown: details.register_shutdown.clone(),
    }
}
