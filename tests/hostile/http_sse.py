"""Modes of `http_server.py` that speak in event streams: HTTP+SSE of 2024-11-05, and Streamable HTTP whose
answers are streams."""
import json
import threading
import time
from __main__ import Gone, PORTS, TOOL, answer_to, honest, opening

MODES = {}
STREAMS, LOCK = {}, threading.Condition()


def mode(f):
    MODES[f.__name__] = f
    return f


def event(message, kind="message"):
    return "event: %s\ndata: %s\n\n" % (kind, json.dumps(message) if not isinstance(message, str) else message)


# HTTP+SSE: GET opens the stream, POST to the endpoint is answered on it.

def open_stream(r):
    r.start("text/event-stream")


def queue_of(r):
    with LOCK:
        return STREAMS.setdefault(r.token, [])


def post(r, frame=event):
    """Takes a message at the endpoint and queues its answer for the stream."""
    answer = answer_to(r.message)
    if answer is not None:
        with LOCK:
            STREAMS.setdefault(r.token, []).append(frame(answer))
            LOCK.notify_all()
    r.reply(202, "Accepted", "text/plain")


def pump(r, every=None, between=""):
    """Writes queued answers to the stream until the client goes or the test is long over."""
    waiting, end = queue_of(r), time.monotonic() + 60
    while time.monotonic() < end:
        with LOCK:
            if not waiting:
                LOCK.wait(every or 0.5)
            out, waiting[:] = waiting[:], []
        for piece in out:
            r.chunk(piece)
        if every:
            r.chunk(between)
    raise Gone


def sse_server(r, endpoint, opening_text="", frame=event, **pumping):
    """Honest HTTP+SSE, but for what the arguments bend."""
    if r.method == "POST" and not r.tail:
        return r.reply(405)
    if r.method == "POST":
        return post(r, frame)
    if r.method != "GET":
        return r.reply(405)
    open_stream(r)
    if opening_text:
        r.chunk(opening_text)
    r.chunk(event(endpoint, "endpoint"))
    return pump(r, **pumping)


@mode
def sse_honest(r):
    sse_server(r, r.base + "/messages?session_id=1")


@mode
def sse_absolute(r):
    sse_server(r, "http://127.0.0.1:%d%s/messages" % (r.port, r.base))


@mode
def sse_relative(r):
    sse_server(r, "%s/messages" % r.token)


@mode
def sse_comments(r):
    """Honest, with a comment every 0.3 s."""
    sse_server(r, r.base + "/messages", every=0.3, between=": still here\n\n")


def odd_frame(message):
    """CR, CRLF, several data lines, no space after the colon, unknown fields, odd ids."""
    a, b = json.dumps(message).split(" ", 1)
    return ("\r\r: comment\rid:\x00bad\rfoo: bar\rretry: 1x\rdata:%s\rdata: %s\r\r" % (a, b)
            + "event: other\r\ndata: {\"evil\":true}\r\n\r\nid: 7\ndata\n\n")


@mode
def sse_odd(r):
    sse_server(r, r.base + "/messages", opening_text=b"\xef\xbb\xbf: hello\r\n\r\n", frame=odd_frame)


@mode
def sse_split(r):
    """Honest, but every byte is a chunk of its own and line ends fall between chunks."""
    chunk = r.chunk

    def single(data):
        for byte in data if isinstance(data, bytes) else data.replace("\n", "\r\n").encode():
            chunk(bytes([byte]))
    r.chunk = single
    sse_server(r, r.base + "/messages")


@mode
def sse_endpoint(r):
    """The endpoint event that `x` names."""
    out = PORTS["other"]
    kinds = {
        "other": "http://127.0.0.1:%d/sse_honest/%s/messages" % (out, r.token),
        "scheme-relative": "//127.0.0.1:%d/sse_honest/%s/messages" % (out, r.token),
        "userinfo": "http://127.0.0.1:%d@127.0.0.1:%d/sse_honest/%s/messages" % (r.port, out, r.token),
        "userinfo-same": "http://u:p@127.0.0.1:%d%s/messages" % (r.port, r.base),
        "backslash": "\\\\127.0.0.1:%d\\sse_honest\\%s\\messages" % (out, r.token),
        "slash-backslash": "/\\127.0.0.1:%d/sse_honest/%s/messages" % (out, r.token),
        "host": "http://localhost:%d%s/messages" % (r.port, r.base),
        "scheme": "https://127.0.0.1:%d%s/messages" % (r.port, r.base),
        "javascript": "javascript:alert(1)", "file": "file:///etc/passwd", "blank": "", "long": "/" + "e" * (5 << 20),
        "control": r.base + "/mess\x01\x1b[31mages", "space": r.base + "/mess ages HTTP/1.1",
        "json": '{"uri":"%s/messages"}' % r.base, "tab": "ht\ttp://127.0.0.1:%d/sse_honest/%s/m" % (out, r.token),
    }
    sse_server(r, kinds[r.extra])


@mode
def sse_endpoint_changes(r):
    """After the first endpoint a second one, on another origin."""
    away = event("http://127.0.0.1:%d/sse_honest/%s/messages" % (PORTS["other"], r.token), "endpoint")
    sse_server(r, r.base + "/messages", frame=lambda m: away + event(m))


@mode
def sse_no_endpoint(r):
    open_stream(r) if r.method == "GET" else r.reply(405)
    r.hold()


@mode
def sse_closes(r):
    if r.method != "GET":
        return r.reply(202 if r.tail else 405)
    open_stream(r)
    if r.extra == "endpoint":
        r.chunk(event(r.base + "/messages", "endpoint"))
    r.raw("0\r\n\r\n")


@mode
def sse_post_hangs(r):
    if r.method == "POST" and r.tail:
        r.hold()
    sse_server(r, r.base + "/messages")


@mode
def sse_post_refused(r):
    if r.method == "POST" and r.tail:
        return r.reply(500, "no", "text/plain")
    return sse_server(r, r.base + "/messages")


@mode
def sse_flood(r):
    """An endless stream of what `x` names, as fast as it goes, after the endpoint or before it."""
    if r.method != "GET":
        return r.reply(405) if not r.tail else r.reply(202)
    pieces = {"comments": ": x\n\n", "blank": "\n", "unknown": "event: zebra\ndata: {}\n\n", "no-end": "data: x\n",
              "line": "x", "ids": "id: 1\n\n", "fields": "zebra: 1\n", "notes": event(
                  {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x"}}),
              "data": "data: " + "x" * 200, "endpoints": event(r.base + "/messages", "endpoint")}
    open_stream(r)
    if r.extra not in ("endpoints", "line"):
        r.chunk(event(r.base + "/messages", "endpoint"))
    if r.extra == "data":
        r.chunk("data: ")
    block = pieces[r.extra] * (65536 // len(pieces[r.extra]) + 1)
    while True:
        r.chunk(block)


@mode
def sse_comments_only(r):
    """No endpoint, a comment every 0.3 s."""
    if r.method != "GET":
        return r.reply(405)
    open_stream(r)
    for _ in range(200):
        r.chunk(": x\n\n")
        time.sleep(0.3)


# Streamable HTTP with streams as answers

def streamed(r, before="", after="", frame=event, end=True):
    if r.method != "POST":
        return r.reply(405)
    answer = answer_to(r.message)
    if answer is None:
        return r.reply(202, content_type=None)
    if "error" in answer:
        return honest(r)
    r.start("text/event-stream")
    r.chunk((before + frame(answer) + after) or "\n")
    if end:
        return r.raw("0\r\n\r\n")
    r.hold()


@mode
def stream_honest(r):
    streamed(r)


@mode
def stream_stays(r):
    """The answer comes, the stream is not closed."""
    streamed(r, end=False)


@mode
def stream_odd(r):
    streamed(r, before="\ufeff: hi\r\n\r\nid: 1\ndata:\n\n", frame=odd_frame)


@mode
def stream_unfinished(r):
    """The stream ends right behind the answer's line, without the blank line."""
    streamed(r, frame=lambda m: event(m).rstrip("\n"))


@mode
def stream_forged(r):
    """An answer to another request stands before the right one."""
    wrong = {"jsonrpc": "2.0", "id": 424242, "result": {**opening(), "tools": [{**TOOL, "name": "forged_tool"}]}}
    streamed(r, before=event(wrong))


@mode
def stream_flood(r):
    if r.rpc != "initialize":
        return honest(r)
    r.start("text/event-stream")
    while True:
        r.chunk(event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x"}}) * 500)


@mode
def stream_comments(r):
    """No answer, a comment every 0.3 s, for ever."""
    r.start("text/event-stream")
    for _ in range(200):
        r.chunk(": x\n\n")
        time.sleep(0.3)


@mode
def stream_early_close(r):
    """Streams end before the answer, without an event id."""
    streamed(r, frame=lambda m: ": nothing\n\n")


@mode
def stream_retry(r):
    """Streams end before the answer with an event id and the `retry` that `x` gives; the GET never helps."""
    if r.method == "GET":
        r.start("text/event-stream")
        r.chunk("id: again\nretry: %s\ndata:\n\n" % r.extra)
        return r.raw("0\r\n\r\n")
    return streamed(r, before="id: first\nretry: %s\ndata:\n\n" % r.extra, frame=lambda m: "")


@mode
def stream_resume(r):
    """The answer to the list comes on a GET with the right `Last-Event-ID` (2025-11-25)."""
    if r.method == "GET":
        if r.headers.get("last-event-id") != "ev-1":
            return r.reply(400)
        r.start("text/event-stream")
        with LOCK:
            waiting = STREAMS.pop(r.token, [])
        for piece in waiting:
            r.chunk(piece)
        return r.raw("0\r\n\r\n")
    if r.rpc != "tools/list":
        return honest(r)
    with LOCK:
        STREAMS.setdefault(r.token, []).append(event(answer_to(r.message)))
    r.start("text/event-stream")
    r.chunk("id: ev-1\nretry: 100\ndata:\n\n")
    return r.raw("0\r\n\r\n")


@mode
def stream_resume_odd(r):
    """As `stream_resume`, with the event id that `x` names: one that no header should carry."""
    given = {"control": "ev\x01\x1b[31m", "tab": "ev\t1", "long": "e" * 5000}[r.extra]
    if r.rpc != "tools/list":
        return honest(r)
    r.start("text/event-stream")
    r.chunk("id: %s\nretry: 100\ndata:\n\n" % given)
    return r.raw("0\r\n\r\n")


@mode
def notified_stream(r):
    """A notification is answered by an event stream that stays open."""
    if r.method == "POST" and "id" not in r.message:
        r.start("text/event-stream")
        r.hold()
    return honest(r)


@mode
def stream_asks(r):
    """Sends requests to us before the answer to the list; what comes back lands in the log."""
    ask = "".join(event({"jsonrpc": "2.0", "id": "q-%s" % m, "method": m, "params": {}})
                  for m in ("ping", "sampling/createMessage", "roots/list", "elicitation/create"))
    streamed(r, before=ask if r.rpc == "tools/list" else "")
