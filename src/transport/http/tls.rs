//! Certificates: whom to trust and who we are. Read before anything is connected to.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ureq::tls::{Certificate, ClientCert, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::transport::options::TlsOptions;

/// Reads and parses the files that `options` name. The message begins with the option.
pub fn check_certificates(options: &TlsOptions) -> Result<(), String> {
    with_identity(options).map(|_| ())
}

/// TLS that shows no certificate of ours.
pub(super) fn anonymous(options: &TlsOptions) -> Result<TlsConfig, String> {
    build(options, None)
}

/// TLS for targets.
pub(super) fn with_identity(options: &TlsOptions) -> Result<TlsConfig, String> {
    let identity = options.client_cert.as_ref().map(|(cert, key)| client_cert(cert, key)).transpose()?;
    build(options, identity)
}

fn build(options: &TlsOptions, identity: Option<ClientCert>) -> Result<TlsConfig, String> {
    let roots = match &options.ca_file {
        Some(file) => RootCerts::Specific(Arc::new(certificates("--ca-file", file)?)),
        None => RootCerts::PlatformVerifier,
    };
    Ok(TlsConfig::builder()
        .root_certs(roots)
        .client_cert(identity)
        .disable_verification(options.insecure)
        .build())
}

fn certificates(option: &str, file: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let found: Vec<_> = pem(option, file)?
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(c) => Some(c),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(format!("{option} {}: no certificate in PEM form", file.display()));
    }
    Ok(found)
}

fn client_cert(cert: &Path, key: &Path) -> Result<ClientCert, String> {
    let chain = certificates("--client-cert", cert)?;
    let key = pem("--client-key", key)?
        .into_iter()
        .find_map(|item| match item {
            PemItem::PrivateKey(k) => Some(k),
            _ => None,
        })
        .ok_or_else(|| format!("--client-key {}: no private key in PEM form", key.display()))?;
    Ok(ClientCert::new_with_certs(&chain, key))
}

fn pem(option: &str, file: &Path) -> Result<Vec<PemItem<'static>>, String> {
    let bytes = fs::read(file).map_err(|e| format!("{option} {}: {e}", file.display()))?;
    parse_pem(&bytes).collect::<Result<_, _>>().map_err(|e| format!("{option} {}: {e}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_named() {
        let here: std::path::PathBuf = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into();
        let of = |ca_file: Option<&str>, client_cert| {
            let options =
                TlsOptions { ca_file: ca_file.map(Into::into), client_cert, ..TlsOptions::default() };
            check_certificates(&options).unwrap_err()
        };
        let gone = of(Some("nosuch.pem"), None);
        assert!(gone.starts_with("--ca-file nosuch.pem: No such file"), "{gone}");
        let empty = of(here.to_str(), None);
        assert!(empty.starts_with("--ca-file ") && empty.ends_with("no certificate in PEM form"), "{empty}");
        let cert = of(None, Some(("nosuch.pem".into(), here)));
        assert!(cert.starts_with("--client-cert nosuch.pem: "), "{cert}");
        assert_eq!(check_certificates(&TlsOptions::default()), Ok(()));
    }
}
