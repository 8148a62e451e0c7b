//! What can be seen of an HTTP server without asking it anything: the way to it, its addresses, its certificate.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};

use crate::base::time::Deadline;
use crate::mcp::origin::{self, Origin};
use crate::model::certificate::Tls;
use crate::sys::cancel::Cancel;
use crate::sys::net;
use crate::sys::poll::{self, Slot};

use super::certificate;
use super::proxy::{Proxies, Route};

/// How often a wait for the resolver looks whether the run was ended.
const TICK: Duration = Duration::from_millis(100);

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The proxy of the environment that this URL's requests go through: its host and port, or why it is of no use.
    pub proxy: Option<String>,
    /// Where the host name leads, or why nowhere.
    pub addresses: Result<Vec<SocketAddr>, String>,
}

/// The way to `url`. Looks the host name up; connects to nothing.
pub fn look(url: &str, cancel: &Cancel, by: Deadline) -> Look {
    let url = origin::without_userinfo(url);
    let Some((origin, _)) = origin::split(&url) else {
        return Look { proxy: None, addresses: Err("not a usable URL".to_owned()) };
    };
    let proxy = match Proxies::from_env().route(&origin) {
        Route::Direct => None,
        Route::Through(proxy) => Some(format!("{}:{}", proxy.host(), proxy.port())),
        Route::Unusable(why) => Some(why.clone()),
    };
    Look { proxy, addresses: addresses(&origin, cancel, by) }
}

/// The resolver has no time limit of its own, so it gets a thread that may be left behind.
fn addresses(origin: &Origin, cancel: &Cancel, by: Deadline) -> Result<Vec<SocketAddr>, String> {
    let host = bare(origin).to_owned();
    let port = origin.port;
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let (send, found) = mpsc::sync_channel(1);
    let work = move || {
        // Nobody may be waiting any more.
        let _ = send.send((host.as_str(), port).to_socket_addrs().map(Iterator::collect));
    };
    let thread = thread::Builder::new().name("look-up".into()).spawn(work);
    thread.map_err(|e| format!("no thread for the lookup: {e}"))?;
    loop {
        match found.recv_timeout(by.left().min(TICK)) {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => return Err("does not resolve".to_owned()),
            Err(RecvTimeoutError::Timeout) if by.passed() => return Err("not resolved in time".to_owned()),
            Err(RecvTimeoutError::Timeout) if cancel.is_tripped() => return Err("interrupted".to_owned()),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn bare(origin: &Origin) -> &str {
    origin.host.trim_start_matches('[').trim_end_matches(']')
}

/// Begins TLS with the host of `url` at one of `addresses`, whoever that may be, and says what it showed. Nothing
/// but the handshake is sent, without a certificate of ours, and nothing that is learnt is relied on.
pub fn look_at_certificate(
    url: &str,
    addresses: &[SocketAddr],
    cancel: &Cancel,
    by: Deadline,
) -> Result<Tls, String> {
    let url = origin::without_userinfo(url);
    let (origin, _) = origin::split(&url).ok_or("not a usable URL")?;
    let name = ServerName::try_from(bare(&origin).to_owned()).map_err(|e| e.to_string())?;
    let address = addresses.first().ok_or("no address")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
    let mut tls = ClientConnection::new(Arc::new(config), name).map_err(|e| e.to_string())?;
    let stream = connect(*address, cancel, by).map_err(|e| format!("{address}: {e}"))?;
    let shaken = shake_hands(&mut tls, &stream, cancel, by);
    let Some(chain) = tls.peer_certificates() else {
        return Err(shaken.map_or_else(|e| e.to_string(), |()| "no certificate".to_owned()));
    };
    Ok(Tls {
        version: tls.protocol_version().map_or("unknown".into(), |v| {
            v.as_str().map_or_else(|| format!("{v:?}"), |s| s.replace('_', "."))
        }),
        cipher: tls
            .negotiated_cipher_suite()
            .and_then(|s| s.suite().as_str())
            .unwrap_or("unknown")
            .to_owned(),
        certificate: chain.first().and_then(|der| certificate::read(der)),
        chain: chain.len(),
    })
}

fn connect(address: SocketAddr, cancel: &Cancel, by: Deadline) -> io::Result<TcpStream> {
    let stream = net::begin_connect(address)?;
    wait(|s| Slot::writable(Some(s.as_fd())), &stream, cancel, by)?;
    match stream.take_error()? {
        Some(e) => Err(e),
        None => Ok(stream),
    }
}

fn shake_hands(
    tls: &mut ClientConnection,
    mut stream: &TcpStream,
    cancel: &Cancel,
    by: Deadline,
) -> io::Result<()> {
    while tls.is_handshaking() {
        let result = match tls.wants_write() {
            true => tls.write_tls(&mut stream),
            false => tls.read_tls(&mut stream),
        };
        match result {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {
                tls.process_new_packets().map_err(io::Error::other)?;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                if tls.wants_write() {
                    wait(|s| Slot::writable(Some(s.as_fd())), stream, cancel, by)?;
                } else {
                    wait(|s| Slot::readable(Some(s.as_fd())), stream, cancel, by)?;
                }
            }
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn wait(want: fn(&TcpStream) -> Slot, stream: &TcpStream, cancel: &Cancel, by: Deadline) -> io::Result<()> {
    loop {
        let mut slots = [want(stream), Slot::readable(Some(cancel.fd()))];
        poll::wait(&mut slots, by)?;
        if cancel.is_tripped() {
            return Err(io::Error::other("interrupted"));
        }
        if slots[0].ready() {
            return Ok(());
        }
        if by.passed() {
            return Err(ErrorKind::TimedOut.into());
        }
    }
}

/// Accepts any certificate: it is to be shown, not trusted.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_addresses_need_no_lookup() {
        let cancel = Cancel::new().unwrap();
        let soon = Deadline::after(Duration::from_secs(5));
        let of = |url: &str| look(url, &cancel, soon).addresses;
        assert_eq!(of("http://127.0.0.1:81/x"), Ok(vec!["127.0.0.1:81".parse().unwrap()]));
        assert_eq!(of("https://u:p@[::1]/"), Ok(vec!["[::1]:443".parse().unwrap()]));
        assert_eq!(of("nonsense"), Err("not a usable URL".to_owned()));
    }
}
