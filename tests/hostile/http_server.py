"""Hostile and odd MCP servers over HTTP. The first path segment chooses the mode, the second is the caller's token:
`/MODE/TOKEN[?x=EXTRA]`. Modes are the functions below and in `http_modes.py`, `http_sse.py`.

Prints one JSON line with its ports and ends when its stdin does. Ports: `main` for the modes, `other` for a second
origin that must hear nothing, `hole` whose listener never accepts, `tls` by certificate when a directory of
certificates is given. `GET /_log/TOKEN` tells what was asked with that token, on any port. HTTP is done by hand here,
since every rule of it is to be broken somewhere. Standard library only.
"""
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time
from urllib.parse import parse_qs, unquote, urlsplit

LOG, LOCK = [], threading.Lock()
PORTS = {}
TOOL = {"name": "echo", "description": "Says it again.", "inputSchema": {"type": "object", "properties": {}}}
LISTS = {"tools/list": "tools", "resources/list": "resources", "prompts/list": "prompts",
         "resources/templates/list": "resourceTemplates"}


class Gone(Exception):
    """The client closed the connection."""


class Request:
    """One request and the connection it came on."""

    def __init__(self, sock, port, head, rest):
        self.sock, self.port, self.rest = sock, port, rest
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = (lines[0].split(" ") + ["", ""])[:3]
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        size = int(self.headers.get("content-length") or 0)
        if "chunked" in self.headers.get("transfer-encoding", ""):
            self.body = self.read_chunks()
        else:
            self.body = self.read(size)
        parts = urlsplit(self.target)
        self.extra = parse_qs(parts.query).get("x", [""])[0]
        segments = [s for s in parts.path.split("/") if s]
        self.well_known = ".well-known" in segments
        at = next((i for i, s in enumerate(segments) if s in MODES or s == "_log"), None)
        self.mode = segments[at] if at is not None else ""
        self.token = segments[at + 1] if at is not None and len(segments) > at + 1 else ""
        self.tail = "/".join(segments[at + 2:]) if at is not None else ""
        try:
            self.message = json.loads(self.body) if self.body else {}
        except ValueError:
            self.message = {}
        if not isinstance(self.message, dict):
            self.message = {}

    def read(self, size):
        while len(self.rest) < size:
            piece = self.sock.recv(65536)
            if not piece:
                raise Gone
            self.rest += piece
        body, self.rest = self.rest[:size], self.rest[size:]
        return body

    def read_line(self):
        while b"\r\n" not in self.rest:
            self.rest += self.sock.recv(65536) or self.gone()
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def gone(self):
        raise Gone

    def read_chunks(self):
        body = b""
        while size := int(self.read_line(), 16):
            body += self.read(size)
            self.read_line()
        self.read_line()
        return body

    @property
    def rpc(self):
        return self.message.get("method", "")

    @property
    def base(self):
        return "/%s/%s" % (self.mode, self.token)

    def count(self, **like):
        """How many requests of this token were like this, this one included."""
        with LOCK:
            return sum(1 for e in LOG if e["token"] == self.token and all(e[k] == v for k, v in like.items()))

    # Ways to answer

    def raw(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def reply(self, status=200, body=b"", content_type="application/json", headers=(), reason="Whatever"):
        """A whole, correct response. `headers` are pairs."""
        body = body if isinstance(body, bytes) else body.encode()
        head = "HTTP/1.1 %s %s\r\nContent-Length: %d\r\n" % (status, reason, len(body))
        if content_type:
            head += "Content-Type: %s\r\n" % content_type
        for name, value in headers:
            head += "%s: %s\r\n" % (name, value)
        self.raw(head.encode("utf-8") + b"\r\n" + (b"" if self.method == "HEAD" else body))

    def send_json(self, message, **more):
        self.reply(body=json.dumps(message), **more)

    def start(self, content_type="application/json", status=200, headers=""):
        """The head of a response whose body has no announced end: chunked."""
        self.raw("HTTP/1.1 %d OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n%s\r\n"
                 % (status, content_type, headers))

    def chunk(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def hold(self, seconds=90):
        """Keeps the connection open until the client goes."""
        self.sock.settimeout(seconds)
        try:
            while self.sock.recv(65536):
                pass
        except OSError:
            pass
        raise Gone


def opening(version="2025-11-25", **more):
    return {"protocolVersion": version, "capabilities": {"tools": {}},
            "serverInfo": {"name": "fixture", "version": "1"}, **more}


def answer_to(message, tools=None, init=None):
    """The honest JSON-RPC answer, or None where none is due."""
    method = message.get("method")
    if "id" not in message or method is None:
        return None
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if method == "initialize":
        answer["result"] = init or opening()
    elif method == "ping":
        answer["result"] = {}
    elif method == "tools/list":
        answer["result"] = {"tools": tools if tools is not None else [TOOL]}
    elif method in LISTS and init:
        answer["result"] = {LISTS[method]: []}
    else:
        answer["error"] = {"code": -32601, "message": "Method not found"}
    return answer


def honest(r, **bent):
    """Streamable HTTP without sessions, JSON answers, no stream on GET."""
    if r.method != "POST":
        return r.reply(405, headers=[("Allow", "POST")])
    answer = answer_to(r.message, **bent)
    if answer is None:
        return r.reply(202, content_type=None)
    return r.send_json(answer, status=400 if "error" in answer else 200)


def log(r):
    with LOCK:
        r.send_json([e for e in LOG if e["token"] == r.token])


def serve_connection(sock, port, secure):
    rest = b""
    try:
        while True:
            while b"\r\n\r\n" not in rest:
                piece = sock.recv(65536)
                if not piece:
                    return
                rest += piece
                if rest[0] == 0x16:  # TLS where plain HTTP is spoken
                    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    return
            head, rest = rest.split(b"\r\n\r\n", 1)
            r = Request(sock, port, head, rest)
            if r.mode == "_log":
                log(r)
                return
            with LOCK:
                LOG.append({"port": port, "token": r.token, "mode": r.mode, "method": r.method, "target": r.target,
                            "rpc": r.rpc, "headers": r.headers, "body": r.body[:20000].decode("latin-1"),
                            "at": time.monotonic()})
            handler = MODES.get(r.mode)
            if handler:
                handler(r)
            else:
                r.reply(404, "no such mode", content_type="text/plain")
            if "close" in r.headers.get("connection", "").lower():
                return
            rest = r.rest
    except (Gone, OSError, ValueError):
        pass
    finally:
        try:
            sock.close()
        except OSError:
            pass


def record(port, what):
    with LOCK:
        LOG.append({"port": port, "token": "connections", "mode": what, "method": "", "target": "", "rpc": "",
                    "headers": {}, "body": "", "at": time.monotonic()})


def listen(handler, backlog=512):
    server = socket.create_server(("127.0.0.1", 0), backlog=backlog)
    port = server.getsockname()[1]

    def accept():
        while True:
            sock, _ = server.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=handler, args=(sock, port), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return port


def plain(sock, port):
    serve_connection(sock, port, False)


def tls(context):
    def handler(sock, port):
        sock.settimeout(60)
        record(port, "tcp")
        try:
            sock = context.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError):
            return
        serve_connection(sock, port, True)
    return handler


def stalled(sock, port):
    time.sleep(90)
    sock.close()


def stalled_tls(sock, port):
    record(port, "stalled")
    stalled(sock, port)


def proxy(sock, port):
    """An HTTP proxy that makes tunnels; they are logged when they are asked for and, with their bytes, at the end."""
    head, moved = b"", 0
    while b"\r\n\r\n" not in head:
        head += sock.recv(65536) or b"\r\n\r\n"
    method, _, where = head.decode("latin-1").split("\r\n")[0].rsplit(" ", 1)[0].partition(" ")
    record(port, "%s %s" % (method, where))
    host, _, to = where.rpartition(":")
    if method != "CONNECT":
        return sock.sendall(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")
    far = socket.create_connection((host, int(to)), timeout=10)
    sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    try:
        while ready := select.select([sock, far], [], [], 60)[0]:
            for one in ready:
                piece = one.recv(65536)
                if not piece:
                    return None
                moved += len(piece)
                (far if one is sock else sock).sendall(piece)
    except OSError:
        pass
    finally:
        record(port, "moved %d" % moved)
        sock.close()
        far.close()


def garbage(sock, port):
    """Whatever is said, junk is the answer; also what a proxy that is none does."""
    try:
        sock.recv(65536)
        sock.sendall(b"SSH-2.0-OpenSSH_9.6\r\n" + os.urandom(64))
        sock.settimeout(5)
        sock.recv(65536)
    except OSError:
        pass
    sock.close()


def closing(sock, port):
    sock.close()


def resetting(sock, port):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def tls_ports(folder):
    ports = {}
    for name in ("good", "selfsigned", "expired", "wronghost"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key"))
        ports[name] = listen(tls(context))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "good.pem"), os.path.join(folder, "good.key"))
    context.load_verify_locations(os.path.join(folder, "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    ports["client"] = listen(tls(context))
    return ports


from http_modes import MODES as FIRST  # noqa: E402
from http_sse import MODES as SECOND  # noqa: E402

MODES = {"honest": honest, **FIRST, **SECOND}

if __name__ == "__main__":
    hole = socket.create_server(("127.0.0.1", 0), backlog=1)
    PORTS.update(main=listen(plain), other=listen(plain), hole=hole.getsockname()[1], stalled=listen(stalled),
                 garbage=listen(garbage), closing=listen(closing), resetting=listen(resetting),
                 proxy=listen(proxy), stalled_tls=listen(stalled_tls))
    if len(sys.argv) > 1:
        PORTS["tls"] = tls_ports(sys.argv[1])
    print(json.dumps(PORTS), flush=True)
    sys.stdin.read()
    os._exit(0)
