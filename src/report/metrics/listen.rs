//! Answers to scrapes: one thread, a few connections at a time, nothing that a guest does can hold it up.
//!
//! The text that is served lies under a lock: a scrape comes at any time and wants the newest, not the next
//! in a queue. The lock is held for the time of a pointer's copy.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::text::CONTENT_TYPE;
use crate::base::time::Deadline;
use crate::sys::cancel::Cancel;
use crate::sys::poll::{self, Slot};

/// Guests at a time; one more sends the one away who has been here longest.
const MOST: usize = 16;
/// A request has this long to come, and its answer to leave.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a guest still sends after the answer is read for this long, so that the answer is not lost to a reset.
const PARTING: Duration = Duration::from_secs(1);
/// Longest request, headers included.
const REQUEST: usize = 16 << 10;
/// After a failed accept or poll, which would fail again at once.
const BREATH: Duration = Duration::from_millis(100);

/// Serves until it is dropped.
pub(super) struct Listener {
    text: Arc<Mutex<Arc<str>>>,
    stop: Cancel,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Begins to serve `text` at `address`.
    pub(super) fn open(address: SocketAddr, text: &str) -> io::Result<Listener> {
        let socket = TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let stop = Cancel::new()?;
        let text: Arc<Mutex<Arc<str>>> = Arc::new(Mutex::new(text.into()));
        let (shared, stopped) = (text.clone(), stop.clone());
        let thread = thread::Builder::new()
            .name("metrics-listener".to_owned())
            .stack_size(256 << 10)
            .spawn(move || serve(&socket, &shared, &stopped))?;
        Ok(Listener { text, stop, address, thread: Some(thread) })
    }

    /// From now on serves `text`.
    pub(super) fn publish(&self, text: &str) {
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text.into();
    }

    /// Where it listens, its port known.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.trip();
        if let Some(thread) = self.thread.take() {
            // A panic in it has been reported where it happened.
            let _ = thread.join();
        }
    }
}

fn serve(socket: &TcpListener, text: &Mutex<Arc<str>>, stop: &Cancel) {
    let newest = || text.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut guests: Vec<Guest> = Vec::new();
    while !stop.is_tripped() {
        let mut slots = vec![Slot::readable(Some(stop.fd())), Slot::readable(Some(socket.as_fd()))];
        slots.extend(guests.iter().map(Guest::slot));
        let idle = Deadline::after(Duration::from_secs(3600));
        let by = guests.iter().map(|g| g.until).min().unwrap_or(idle);
        if poll::wait(&mut slots, by).is_err() {
            stop.sleep(Deadline::after(BREATH));
            continue;
        }
        let mut ready = slots[2..].iter().map(Slot::ready);
        guests.retain_mut(|guest| {
            let stays = !ready.next().unwrap_or(false) || guest.proceed(&newest).is_ok();
            stays && !guest.until.passed()
        });
        if slots[1].ready() {
            match socket.accept().and_then(|(stream, _)| Guest::welcome(stream)) {
                Ok(guest) => {
                    if guests.len() >= MOST {
                        guests.remove(0);
                    }
                    guests.push(guest);
                }
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                // No descriptor left, most likely: it stays readable, and we must not spin.
                Err(_) => {
                    stop.sleep(Deadline::after(BREATH));
                }
            }
        }
    }
}

/// One connection.
struct Guest {
    stream: TcpStream,
    until: Deadline,
    doing: Doing,
}

enum Doing {
    /// What came of the request so far.
    Reading(Vec<u8>),
    /// The answer, and how much of it is out.
    Writing(Vec<u8>, usize),
    /// Bytes that came after the answer.
    Parting(usize),
}

/// The connection has ended, in whatever way.
struct Gone;

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Gone {
        Gone
    }
}

impl Guest {
    fn welcome(stream: TcpStream) -> io::Result<Guest> {
        stream.set_nonblocking(true)?;
        Ok(Guest { stream, until: Deadline::after(PATIENCE), doing: Doing::Reading(Vec::new()) })
    }

    fn slot(&self) -> Slot {
        match self.doing {
            Doing::Reading(_) | Doing::Parting(_) => Slot::readable(Some(self.stream.as_fd())),
            Doing::Writing(..) => Slot::writable(Some(self.stream.as_fd())),
        }
    }

    /// Does what can be done without waiting.
    fn proceed(&mut self, newest: &impl Fn() -> Arc<str>) -> Result<(), Gone> {
        let mut buffer = [0; 4096];
        match &mut self.doing {
            Doing::Reading(request) => {
                let Some(bytes) = receive(&mut self.stream, &mut buffer)? else { return Ok(()) };
                // The end may have begun in the bytes before; looking at all of them each time would be a
                // guest's way to keep us busy.
                let from = request.len().saturating_sub(3);
                request.extend_from_slice(bytes);
                let ended = ends(&request[from..]);
                if ended || request.len() > REQUEST {
                    let answer = if ended { answer(request, newest) } else { too_long() };
                    self.doing = Doing::Writing(answer, 0);
                    return self.proceed(newest);
                }
            }
            Doing::Writing(answer, written) => match self.stream.write(&answer[*written..]) {
                Ok(n) => {
                    *written += n;
                    if *written == answer.len() {
                        self.stream.shutdown(Shutdown::Write)?;
                        self.until = Deadline::after(PARTING);
                        self.doing = Doing::Parting(0);
                    }
                }
                Err(e) if passing(&e) => {}
                Err(_) => return Err(Gone),
            },
            Doing::Parting(heard) => {
                let Some(bytes) = receive(&mut self.stream, &mut buffer)? else { return Ok(()) };
                *heard += bytes.len();
                if *heard > 4 * REQUEST {
                    return Err(Gone);
                }
            }
        }
        Ok(())
    }
}

/// What there is to read now, if anything.
fn receive<'b>(stream: &mut TcpStream, buffer: &'b mut [u8]) -> Result<Option<&'b [u8]>, Gone> {
    match stream.read(buffer) {
        Ok(0) => Err(Gone),
        Ok(n) => Ok(Some(&buffer[..n])),
        Err(e) if passing(&e) => Ok(None),
        Err(_) => Err(Gone),
    }
}

fn passing(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Whether the empty line that ends a request is in `bytes`.
fn ends(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|w| w == b"\n\n") || bytes.windows(4).any(|w| w == b"\r\n\r\n")
}

fn too_long() -> Vec<u8> {
    response("431 Request Header Fields Too Large", "", "request too long\n", true)
}

/// The answer to a whole request. Nothing but its first line matters.
fn answer(request: &[u8], newest: &impl Fn() -> Arc<str>) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let mut words = text.lines().next().unwrap_or_default().split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(target), Some("HTTP/1.0" | "HTTP/1.1"), None) =
        (method, target, version, words.next())
    else {
        return response("400 Bad Request", "", "not HTTP/1.1\n", true);
    };
    let with_body = match method {
        "GET" => true,
        "HEAD" => false,
        _ => return response("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "GET or HEAD\n", true),
    };
    match target.split('?').next() {
        Some("/metrics") => response("200 OK", "", &newest(), with_body),
        Some("/healthz") => response("200 OK", "", "ok\n", with_body),
        _ => response("404 Not Found", "", "/metrics or /healthz\n", with_body),
    }
}

fn response(status: &str, header: &str, body: &str, with_body: bool) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {length}\r\n{header}\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    );
    let body = if with_body { body } else { "" };
    [head.as_bytes(), body.as_bytes()].concat()
}
