//! The proxy variables of the environment, as curl reads them. What cannot be obeyed is an error of the
//! targets it concerns: to go round a proxy without a word would show the scan to whom it was hidden from.

use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

use crate::mcp::origin::Origin;

/// How targets of one scheme are reached.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Route {
    Direct,
    Through(Proxy),
    /// Why not.
    Unusable(String),
}

/// All that is read of the environment.
pub(crate) const VARIABLES: [&str; 8] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// The environment's word on proxies.
#[derive(Debug)]
pub(super) struct Proxies {
    pub(super) http: Route,
    pub(super) https: Route,
    /// Knows `NO_PROXY`; never connected to.
    spared: Proxy,
}

impl Proxies {
    pub(super) fn from_env() -> Proxies {
        Proxies::read(|name| std::env::var_os(name).map(|v| v.to_string_lossy().into_owned()))
    }

    fn read(get: impl Fn(&str) -> Option<String>) -> Proxies {
        let first = |names: &[&'static str]| {
            let set = |name: &&'static str| get(name).filter(|v| !v.trim().is_empty()).map(|v| (*name, v));
            names.iter().find_map(set)
        };
        let route =
            |names: &[&'static str]| first(names).map_or(Route::Direct, |(n, v)| through(n, v.trim()));
        let list = first(&["no_proxy", "NO_PROXY"]).map_or(String::new(), |(_, list)| list);
        let spared = list
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .fold(Proxy::builder(ProxyProtocol::Http), |b, entry| b.no_proxy(entry))
            .build()
            .expect("http://localhost is a URL");
        Proxies {
            http: route(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
            https: route(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            spared,
        }
    }

    /// How `origin` is reached.
    pub(super) fn route(&self, origin: &Origin) -> &Route {
        let spared = origin.to_string().parse::<Uri>().is_ok_and(|uri| self.spared.is_no_proxy(&uri));
        match (spared, origin.secure) {
            (true, _) => &Route::Direct,
            (false, true) => &self.https,
            (false, false) => &self.http,
        }
    }
}

/// Never quotes the value: it may hold a password.
fn through(variable: &str, value: &str) -> Route {
    let remedy = "set it to http://HOST:PORT, or name the target's host in NO_PROXY";
    match Proxy::new(value) {
        Ok(proxy) => match proxy.protocol() {
            ProxyProtocol::Http | ProxyProtocol::Https => Route::Through(proxy),
            other => Route::Unusable(format!(
                "{variable} names a {other} proxy, which is not supported ({remedy})"
            )),
        },
        Err(_) => Route::Unusable(format!("{variable} holds no usable proxy URL ({remedy})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::origin;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::read(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    fn shown(proxies: &Proxies, url: &str) -> String {
        match proxies.route(&origin::split(url).unwrap().0) {
            Route::Direct => "direct".into(),
            Route::Through(proxy) => format!("{}:{}", proxy.host(), proxy.port()),
            Route::Unusable(why) => why.clone(),
        }
    }

    #[test]
    fn the_scheme_s_own_variable_wins() {
        let p =
            proxies(&[("ALL_PROXY", "http://all:1"), ("HTTPS_PROXY", "http://s:2"), ("https_proxy", "t:3")]);
        assert_eq!(shown(&p, "http://a.example/"), "all:1");
        assert_eq!(shown(&p, "https://a.example/"), "t:3");
        let p = proxies(&[("HTTP_PROXY", "http://h:1"), ("http_proxy", " ")]);
        assert_eq!(shown(&p, "http://a.example/"), "h:1");
        assert_eq!(shown(&p, "https://a.example/"), "direct");
    }

    #[test]
    fn spared_hosts_go_direct() {
        let p = proxies(&[("ALL_PROXY", "socks5://u:p@s:1"), ("NO_PROXY", "a.example, .b.example ,[::1]")]);
        for url in ["http://a.example/", "https://x.b.example:8443/mcp", "http://[::1]:9/"] {
            assert_eq!(shown(&p, url), "direct", "{url}");
        }
        assert_ne!(shown(&p, "http://x.a.example/"), "direct");
    }

    #[test]
    fn what_cannot_be_obeyed_is_said_without_the_password() {
        for value in ["socks5://u:hunter2@s:1", "ftp://u:hunter2@s", "://hunter2"] {
            let why = shown(&proxies(&[("ALL_PROXY", value)]), "https://a.example/");
            assert!(why.starts_with("ALL_PROXY ") && !why.contains("hunter2"), "{why}");
        }
    }
}
