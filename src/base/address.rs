//! Addresses to listen on, as people write them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where exporters of metrics listen by custom: the first port that nobody else's registry entry has taken.
pub(crate) const METRICS_PORT: u16 = 9464;

/// What may be said for an address to listen on.
pub(crate) const LISTEN_FORM: &str =
    "a port, or an IP address with or without one (9464, 127.0.0.1:9464, [::1])";

/// `9464`, `:9464`, `127.0.0.1`, `127.0.0.1:9464`, `[::1]:9464` or `localhost:9464`. A port alone means this
/// machine only: to be reached from others takes an address that says so.
pub(crate) fn listen_address(text: &str) -> Option<SocketAddr> {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse() {
        return Some(SocketAddr::new(here, port));
    }
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse() {
        return Some(SocketAddr::new(ip, METRICS_PORT));
    }
    match text.strip_prefix("localhost")? {
        "" => Some(SocketAddr::new(here, METRICS_PORT)),
        port => Some(SocketAddr::new(here, port.strip_prefix(':')?.parse().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_listen_on() {
        for (text, means) in [
            ("9100", "127.0.0.1:9100"),
            (":9100", "127.0.0.1:9100"),
            ("0", "127.0.0.1:0"),
            ("127.0.0.1", "127.0.0.1:9464"),
            ("0.0.0.0", "0.0.0.0:9464"),
            ("10.0.0.7:80", "10.0.0.7:80"),
            ("::1", "[::1]:9464"),
            ("[::1]", "[::1]:9464"),
            ("[::]:1", "[::]:1"),
            ("localhost", "127.0.0.1:9464"),
            ("localhost:1", "127.0.0.1:1"),
        ] {
            assert_eq!(listen_address(text).map(|a| a.to_string()).as_deref(), Some(means), "{text}");
        }
        for text in
            ["", ":", "65536", "-1", "host:1", "127.0.0.1:", "localhost9", "http://127.0.0.1", "1.2.3"]
        {
            assert_eq!(listen_address(text), None, "{text}");
        }
    }
}
