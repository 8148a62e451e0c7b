//! Host names to addresses: once a run, without a thread where none is needed, and on demand only to
//! addresses that anyone may reach.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::socket;
use crate::transport::Phases;

/// ureq asks before every request, also when a connection is at hand, and its own resolver starts a thread
/// each time. This one answers from memory, and reads literal addresses itself.
#[derive(Debug, Clone)]
pub(super) struct Names {
    known: Arc<Mutex<HashMap<String, Vec<SocketAddr>>>>,
    reach: Reach,
}

/// Which addresses may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Any: the user named the host.
    Anywhere,
    /// Public ones only: a server named the host. Checked on the very addresses that are then used, so a
    /// second lookup cannot give another answer.
    Public,
}

impl Names {
    pub(super) fn new(reach: Reach) -> Names {
        Names { known: Arc::default(), reach }
    }

    fn look_up(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<Vec<SocketAddr>, Error> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(Error::BadUri("no host".into()));
        };
        let port = authority.port_u16().unwrap_or(if scheme.as_str() == "https" { 443 } else { 80 });
        let bare = authority.host().trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let key = format!("{bare}:{port}");
        if let Some(known) = self.lock().get(&key) {
            return Ok(known.clone());
        }
        // Lookup failures come as plain I/O errors; nothing else in here makes one.
        let begun = Instant::now();
        let found = DefaultResolver::default().resolve(uri, config, timeout).map_err(|e| match e {
            Error::Io(_) => Error::HostNotFound,
            other => other,
        });
        socket::add_phases(Phases { resolve: Some(begun.elapsed()), ..Phases::default() });
        let found = found?;
        let found: Vec<SocketAddr> = found.iter().copied().collect();
        self.lock().insert(key, found.clone());
        Ok(found)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<SocketAddr>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.look_up(uri, config, timeout)?;
        let mut usable = self.empty();
        let may = |a: &&SocketAddr| self.reach == Reach::Anywhere || is_public(a.ip());
        // 16 is what the array holds.
        found.iter().filter(may).take(16).for_each(|a| usable.push(*a));
        if usable.is_empty() { Err(Error::HostNotFound) } else { Ok(usable) }
    }
}

/// Not private, link-local, loopback, shared, multicast or reserved. The standard library's own
/// `is_global` is not stable.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public_v4(v4),
            None => {
                let first = v6.segments()[0];
                // 2000::/3 is what is routed; within it 6to4, NAT64 and Teredo carry IPv4 addresses.
                first & 0xe000 == 0x2000 && first != 0x2002 && v6.segments()[..2] != [0x2001, 0]
            }
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        let public = ["8.8.8.8", "2606:4700::1111", "172.32.0.1", "::ffff:8.8.8.8"];
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
        ];
        public.iter().for_each(|ip| assert!(is_public(ip.parse().unwrap()), "{ip}"));
        private.iter().for_each(|ip| assert!(!is_public(ip.parse().unwrap()), "{ip}"));
    }
}
