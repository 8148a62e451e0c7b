//! The HTTP server under both HTTP transports: connections, routing, counting.
//!
//! One thread accepts, one starts a thread per connection, and those answer; connections beyond a
//! bound are turned away. Loopback only: `Host` and `Origin` are checked as the specification asks,
//! so that no web page can talk to a demo server.

use std::io::{self, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::answer::{Answerer, Conversation};
use super::http1::{self, HttpRequest, Response};
use super::sessions::Sessions;
use super::stats::Counters;
#[cfg(test)]
use super::stats::DemoStats;
use super::{DemoOptions, DemoTransport, auth, sse, streamable};

/// Enough for a benchmark of 1,000 clients at once, each with one connection to spare.
const CONNECTIONS: usize = 2_048;
/// What 2,048 threads may cost is address space; parsing nested JSON needs most of this.
const STACK_BYTES: usize = 256 << 10;
/// An idle connection is closed after this, and so is one whose client stopped reading.
const IDLE: Duration = Duration::from_secs(60);

/// A running HTTP demo server. Dropping it closes the port; connections end with their clients.
pub(crate) struct DemoServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What every connection sees.
pub(super) struct Shared {
    pub(super) options: DemoOptions,
    pub(super) answerer: Answerer,
    pub(super) counters: Counters,
    pub(super) sessions: Mutex<Sessions<Conversation>>,
    pub(super) streams: Mutex<Sessions<Arc<sse::Stream>>>,
    connections: AtomicUsize,
    stopping: AtomicBool,
}

impl DemoServer {
    /// Listens on `options.port` (0 for any) of the loopback interface and serves in threads of
    /// its own.
    pub(crate) fn start(options: DemoOptions) -> io::Result<DemoServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            answerer: Answerer::new(options.persona, &options.revisions).changing_after(options.mutate_after),
            options,
            counters: Counters::default(),
            sessions: Mutex::new(Sessions::new()),
            streams: Mutex::new(Sessions::new()),
            connections: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        let (sender, queue) = mpsc::sync_channel(CONNECTIONS);
        let theirs = Arc::clone(&shared);
        let acceptor = named("demo-accept").spawn(move || accept(&listener, &theirs, &sender))?;
        let theirs = Arc::clone(&shared);
        // Ends with the acceptor, which holds the other end of the queue.
        named("demo-admit").spawn(move || queue.iter().for_each(|stream| admit(stream, &theirs)))?;
        Ok(DemoServer { address, shared, acceptor: Some(acceptor) })
    }

    /// Where it listens.
    #[cfg(test)]
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client is to be given.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.address, self.shared.endpoint())
    }

    /// The counts so far.
    #[cfg(test)]
    pub(crate) fn stats(&self) -> DemoStats {
        self.shared.counters.now()
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // The acceptor sleeps in accept(); a connection is what wakes it.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken)
            && acceptor.join().is_err()
        {
            log::warn!("demo server: the accepting thread panicked");
        }
    }
}

impl Shared {
    fn endpoint(&self) -> &'static str {
        match self.options.transport {
            DemoTransport::Stdio | DemoTransport::Http => "/mcp",
            DemoTransport::Sse => "/sse",
        }
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// Only takes connections off the listener's queue, which std keeps at 128 entries: a burst of
/// clients that finds it full waits a second for TCP to try again.
fn accept(listener: &TcpListener, shared: &Shared, admitted: &SyncSender<TcpStream>) {
    for stream in listener.incoming() {
        if shared.stopping() {
            return;
        }
        match stream {
            Ok(stream) => {
                if admitted.send(stream).is_err() {
                    return;
                }
            }
            Err(error) => {
                log::warn!("demo server: {error}");
                // Out of descriptors: accept() would fail again at once, and for ever.
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// Counts a connection for as long as its thread lives.
struct Seat(Arc<Shared>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

fn admit(stream: TcpStream, shared: &Arc<Shared>) {
    let taken = shared.connections.fetch_add(1, Ordering::AcqRel);
    let seat = Seat(Arc::clone(shared));
    let outcome = if taken < CONNECTIONS {
        named("demo-connection")
            .stack_size(STACK_BYTES)
            .spawn(move || log_error(converse(&seat.0, stream)))
            .map(drop)
    } else {
        Response::text(503, "too many connections").send(&stream, true)
    };
    log_error(outcome);
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

fn log_error(outcome: io::Result<()>) {
    if let Err(error) = outcome {
        log::debug!("demo server: {error}");
    }
}

fn converse(shared: &Arc<Shared>, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let stream = Arc::new(stream);
    let mut reader = BufReader::new(&*stream);
    let mut counted = false;
    loop {
        let request = match http1::read_request(&mut reader, &*stream) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Response::text(400, &error.to_string()).send(&*stream, true);
            }
            Err(error) => return Err(error),
        };
        if request.path != "/stats" {
            if !counted {
                shared.counters.count_connection();
                counted = true;
            }
            shared.counters.count_http_request();
        }
        let last = shared.stopping() || request.header_has("connection", "close");
        match route(shared, &request) {
            Route::Answer(response) => response.send(&*stream, last)?,
            Route::Listen => return sse::listen(shared, &stream, reader),
        }
        if last {
            return Ok(());
        }
    }
}

enum Route {
    Answer(Response),
    /// The connection becomes an event stream.
    Listen,
}

fn route(shared: &Arc<Shared>, request: &HttpRequest) -> Route {
    if !comes_from_loopback(request) {
        return Route::Answer(Response::text(403, "host or origin not allowed"));
    }
    if request.path == "/stats" {
        return Route::Answer(stats(shared));
    }
    if let Some(token) = &shared.options.token {
        let metadata = auth::well_known(request, shared.endpoint());
        if let Some(answer) = metadata.or_else(|| auth::refuse(request, token, shared.endpoint())) {
            return Route::Answer(answer);
        }
    }
    let answer = match (shared.options.transport, request.path.as_str()) {
        (DemoTransport::Http, "/mcp") => streamable::answer(shared, request),
        (DemoTransport::Sse, "/sse") if request.method == "GET" => return Route::Listen,
        (DemoTransport::Sse, "/sse") => Response::text(405, "GET only").with("Allow", "GET"),
        (DemoTransport::Sse, "/message") => sse::post(shared, request),
        (DemoTransport::Stdio | DemoTransport::Http | DemoTransport::Sse, _) => {
            Response::text(404, "not found")
        }
    };
    Route::Answer(answer)
}

fn stats(shared: &Shared) -> Response {
    match serde_json::to_string(&shared.counters.now()) {
        Ok(text) => Response::json(200, text),
        Err(error) => Response::text(500, &error.to_string()),
    }
}

fn comes_from_loopback(request: &HttpRequest) -> bool {
    let host_ok = request.header("host").is_some_and(is_loopback);
    let origin_ok = request
        .header("origin")
        .is_none_or(|origin| origin.split_once("://").is_some_and(|(_, authority)| is_loopback(authority)));
    host_ok && origin_ok
}

fn is_loopback(authority: &str) -> bool {
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "0"));
    matches!(host, "127.0.0.1" | "localhost") && port.bytes().all(|b| b.is_ascii_digit())
}
