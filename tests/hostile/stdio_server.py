"""Hostile and odd MCP servers over stdio: `stdio_server.py MODE [MARKER [EXTRA...]]`.

Every mode is a function below whose name is the mode. `serve` is an honest server of the handshake era that
modes bend at one point each. Standard library only. All of them end by themselves in the end, so that a
scanner that forgets them does not leave them behind for ever.
"""
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time

OUT = sys.stdout.buffer
EXTRA = sys.argv[3:]
TOOL = {"name": "echo", "description": "Says it again.", "inputSchema": {"type": "object", "properties": {}}}
FORGED = {"name": "forged_tool", "description": "never in a report", "inputSchema": {"type": "object"}}
LISTS = {"tools/list": "tools", "resources/list": "resources", "prompts/list": "prompts",
         "resources/templates/list": "resourceTemplates"}
MiB = 1 << 20
LIFE = 120


def raw(data):
    OUT.write(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    OUT.flush()


def send(message):
    raw(json.dumps(message) + "\n")


def result(request, value):
    send({"jsonrpc": "2.0", "id": request["id"], "result": value})


def error(request, code, text, data=None):
    e = {"code": code, "message": text}
    if data is not None:
        e["data"] = data
    send({"jsonrpc": "2.0", "id": request["id"], "error": e})


def lines():
    """Messages as they come in, one at a time, without reading ahead of the line."""
    for line in iter(sys.stdin.buffer.readline, b""):
        if line.strip():
            yield json.loads(line)


def opening(version="2025-11-25", caps=None, **more):
    return {"protocolVersion": version, "capabilities": {"tools": {}} if caps is None else caps,
            "serverInfo": {"name": "fixture", "version": "1"}, **more}


def handle(m, tools=None, init=None, on=None):
    """Answers one message honestly, unless `on` has its method: that function answers, or says nothing."""
    method = m.get("method")
    if on and method in on:
        return on[method](m)
    if "id" not in m or method is None:
        return None
    if method == "initialize":
        return result(m, init or opening())
    if method in LISTS and (method == "tools/list" or (init or {}).get("capabilities")):
        key = LISTS[method]
        items = tools if tools is not None else [TOOL]
        return result(m, {key: items if key == "tools" else []})
    return error(m, -32601, "Method not found")


def serve(**bent):
    for m in lines():
        handle(m, **bent)


def listing(answer, **bent):
    """Serves honestly, but `tools/list` is answered by `answer`."""
    serve(on={"tools/list": answer}, **bent)


def stay(seconds=LIFE):
    time.sleep(seconds)


def honest():
    serve()


def slow():
    time.sleep(0.6)
    serve()


# Silence, ends and half messages

def silent():
    stay()


def reads():
    for _ in lines():
        pass
    stay()


def exit0():
    sys.exit(0)


def exit3():
    sys.stderr.write("cannot open \x1b[31mthe database\x1b[0m\n")
    sys.exit(3)


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def half_message():
    for m in lines():
        raw('{"jsonrpc":"2.0","id":%s,"resu' % json.dumps(m.get("id")))
        sys.exit(1)


def after_init():
    def leave(_):
        os._exit(7)
    listing(leave)


def closes_stdout():
    os.close(1)
    stay()


def closes_stdin():
    os.close(0)
    stay()


def closes_stdin_after_init():
    def opened(m):
        os.close(0)
        result(m, opening())
        stay()
    for m in iter(lambda: read_line_fd(0), None):
        handle(m, on={"initialize": opened})


def read_line_fd(fd):
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(fd, 1)
        if not piece:
            return None
        line += piece
    return json.loads(line)


# Volume

def endless_plain():
    while True:
        raw(b"x" * 65536)


def endless_json():
    for m in lines():
        raw('{"jsonrpc":"2.0","id":%s,"result":{"serverInfo":{"name":"' % json.dumps(m.get("id")))
        while True:
            raw(b"x" * 65536)


def line200_note():
    raw('{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"')
    for _ in range(200):
        raw(b"x" * MiB)
    raw('"}}\n')
    serve()


def line200_answer():
    def fat(m):
        raw('{"jsonrpc":"2.0","id":%s,"result":{"instructions":"' % json.dumps(m["id"]))
        for _ in range(200):
            raw(b"x" * MiB)
        raw('"}}\n')
    serve(on={"initialize": fat})


def tree(m, size, inside_tool):
    body = b"[],{}," * (size // 6) + b"0"
    raw('{"jsonrpc":"2.0","id":%s,"result":{"tools":[' % json.dumps(m["id"]))
    raw('{"name":"echo","inputSchema":{"type":"object"},"x":[' if inside_tool else "")
    raw(body)
    raw("]}]}}\n" if inside_tool else "]}}\n")


def tree24():
    listing(lambda m: tree(m, 24 * MiB, False))


def tree7():
    listing(lambda m: tree(m, 7 * MiB, False))


def tree7_inside():
    listing(lambda m: tree(m, 7 * MiB, True))


def flood(line):
    block = line * (65536 // len(line) + 1)
    while True:
        raw(block)


def flood_notes():
    flood(b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\n')


def flood_noise():
    flood(b"npm warn something is deprecated\n")


def flood_blank():
    flood(b"\n")


def flood_progress():
    while True:
        send({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}})
        time.sleep(0.05)


def drip():
    for m in lines():
        for c in json.dumps({"jsonrpc": "2.0", "id": m.get("id"), "result": opening()}):
            raw(c)
            time.sleep(1)


# Framing and text

def banner():
    raw("Starting server...\n\x00\x00\n[info] listening \x1b[31mred\x1b[0m\r\n\n[]\n42\n\"text\"\nnull\n{}\n")
    serve()


def bom():
    raw(b"\xef\xbb\xbf")
    serve()


def crlf():
    global send
    send = lambda m: raw(json.dumps(m) + "\r\n\r\n")
    serve()


def only_noise():
    for _ in lines():
        raw("Usage: \x1b[31mserver\x1b[0m [options]\n")
    stay()


def answer_raw(m, text):
    raw(b'{"jsonrpc":"2.0","id":' + json.dumps(m["id"]).encode() + b',"result":' + text + b"}\n")


def with_description(text):
    """A tools/list whose one tool has `text` (JSON bytes) as its description."""
    listing(lambda m: answer_raw(
        m, b'{"tools":[{"name":"echo","description":' + text + b',"inputSchema":{"type":"object"}}]}'))


def bad_utf8():
    with_description(b'"caf\xe9 \xff\xfe \xc0\xaf \xed\xa0\x80"')


def surrogate():
    with_description(b'"lone \\ud800 and \\udfff end"')


def surrogate_key():
    listing(lambda m: answer_raw(m, b'{"tools":[{"name":"echo","inputSchema":{"type":"object"},"\\ud800":1}]}'))


def utf16():
    for m in lines():
        raw(json.dumps({"jsonrpc": "2.0", "id": m.get("id"), "result": opening()}).encode("utf-16"))
        raw(b"\n")


# Depth, numbers, keys

def nested(n, close=True):
    return b'{"a":' * n + b"1" + (b"}" * n if close else b"")


def depth_answer():
    serve(on={"initialize": lambda m: answer_raw(m, nested(100_000))})


def depth_arrays():
    listing(lambda m: answer_raw(m, b"[" * 1_000_000 + b"]" * 1_000_000))


def depth_schema():
    listing(lambda m: answer_raw(
        m, b'{"tools":[{"name":"echo","inputSchema":' + nested(100_000) + b"}]}"))


def depth_open():
    serve(on={"initialize": lambda m: answer_raw(m, nested(100_000, close=False))})


def depth110():
    listing(lambda m: answer_raw(m, b'{"tools":[{"name":"echo","inputSchema":' + nested(106) + b"}]}"))


def depth127():
    listing(lambda m: answer_raw(m, b'{"tools":[{"name":"echo","inputSchema":' + nested(123) + b"}]}"))


def dup_keys():
    listing(lambda m: answer_raw(
        m, b'{"tools":[{"name":"echo","name":"evil","inputSchema":{"type":"object","type":"string"}}]}'))


def number(text):
    listing(lambda m: answer_raw(
        m, b'{"tools":[{"name":"echo","inputSchema":{"type":"object","maximum":' + text + b"}}]}"))


def big_exponent():
    number(b"1e400")


def digits():
    number(b"7" * 50_000)


def small_digits():
    number(b"-0.0000000000000000000000000000000012345678901234567890123456789012345678901234567890e-300")


def nan():
    number(b"NaN")


# Ids and shapes of answers

def ahead():
    """Answers ids that were not asked yet, then the one that was."""
    def opened(m):
        base = m["id"] if isinstance(m["id"], int) else 1
        for i in range(base + 1, base + 60):
            for key in (i, str(i)):
                send({"jsonrpc": "2.0", "id": key, "result": {"tools": [FORGED]}})
        result(m, opening())
    serve(on={"initialize": opened})


def unknown_id():
    def opened(m):
        for i in (-1, 999999, "nobody", None, 1.5, True, [], {}):
            send({"jsonrpc": "2.0", "id": i, "result": {"tools": [FORGED]}})
        result(m, opening())
    serve(on={"initialize": opened})


def twice():
    def tools(m):
        result(m, {"tools": [TOOL]})
        result(m, {"tools": [FORGED]})
    serve(on={"tools/list": tools})


def wrong_id():
    def shifted(m):
        send({"jsonrpc": "2.0", "id": 424242, "result": {**opening(), "tools": [FORGED]}})
    serve(on={"initialize": shifted})


def id_as_string():
    serve(on={"initialize": lambda m: send({"jsonrpc": "2.0", "id": str(m["id"]), "result": opening()})})


def null_id():
    for m in lines():
        if m.get("method") == "initialize":
            send({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "Parse error"}})


def jsonrpc10():
    serve(on={"initialize": lambda m: send({"jsonrpc": "1.0", "id": m["id"], "result": opening()})})


def both():
    listing(lambda m: send({"jsonrpc": "2.0", "id": m["id"], "result": {"tools": [TOOL]},
                            "error": {"code": 1, "message": "both"}}))


def neither():
    listing(lambda m: send({"jsonrpc": "2.0", "id": m["id"]}))


def odd_errors():
    shapes = ["text", 7, None, [], {"code": "x", "message": 5}, {}, {"code": 1e300, "message": None}]
    shape = shapes[int(EXTRA[0])]
    listing(lambda m: send({"jsonrpc": "2.0", "id": m["id"], "error": shape}))


def error3mb():
    serve(on={"initialize": lambda m: error(m, -32603, "boom " * 600_000)})


def scalar_result():
    serve(on={"initialize": lambda m: result(m, json.loads(EXTRA[0]))})


def out_of_order():
    caps = {"tools": {}, "resources": {}, "prompts": {}}
    waiting = []
    for m in iter(lambda: read_line_fd(0), None):
        if m.get("method") in LISTS:
            waiting.append(m)
            while select.select([0], [], [], 0.4)[0]:
                waiting.append(read_line_fd(0))
            for late in reversed(waiting):
                handle(late, init=opening(caps=caps))
            waiting = []
        else:
            handle(m, init=opening(caps=caps))


def batch():
    def answer(m):
        send([{"jsonrpc": "2.0", "method": "notifications/message", "params": {}},
              {"jsonrpc": "2.0", "id": m["id"], "result": {"tools": [TOOL]}}])
    serve(init=opening("2025-03-26"), on={"tools/list": answer})


# Pages

def pages(next_cursor, before=lambda m: None, fat=0):
    count = [0]

    def page(m):
        before(m)
        count[0] += 1
        tool = {**TOOL, "name": "tool%d" % count[0], "description": "x" * fat}
        result(m, {"tools": [tool], **next_cursor(count[0])})
    listing(page)


def cursor_same():
    pages(lambda n: {"nextCursor": "again"})


def cursor_cycle():
    pages(lambda n: {"nextCursor": "abc"[n % 3]})


def cursor_endless():
    pages(lambda n: {"nextCursor": "page%d" % n})


def pages_fat():
    pages(lambda n: {"nextCursor": "page%d" % n}, fat=4 * MiB)


def pages_slow():
    pages(lambda n: {"nextCursor": "page%d" % n}, before=lambda m: time.sleep(0.2))


def cursor_empty():
    pages(lambda n: {"nextCursor": ""} if n == 1 else {})


def cursor_5mb():
    pages(lambda n: {"nextCursor": "c" * (5 * MiB)} if n == 1 else {})


def cursor_5mb_stuck():
    def page(m):
        result(m, {"tools": [TOOL], "nextCursor": "c" * (5 * MiB)})
        stay()
    listing(page)


def cursor_type():
    pages(lambda n: {"nextCursor": json.loads(EXTRA[0])} if n == 1 else {})


# Sizes

def tools50k():
    listing(lambda m: result(m, {"tools": [{"name": "t%d" % i, "inputSchema": {"type": "object"}}
                                           for i in range(50_000)]}))


def desc10mb():
    with_description(b'"' + b"d" * (10 * MiB) + b'"')


def desc7mb():
    with_description(b'"' + b"d" * (7 * MiB) + b'"')


def name1mb():
    serve(tools=[{**TOOL, "name": "n" * MiB}, TOOL])


def instructions20mb():
    serve(init=opening(instructions="i" * (20 * MiB)))


def instructions5mb():
    serve(init=opening(instructions="i" * (5 * MiB)))


def properties100k():
    serve(tools=[{**TOOL, "inputSchema": {"type": "object",
                                          "properties": {"p%d" % i: {"type": "string"} for i in range(100_000)}}}])


def slow_patterns():
    serve(tools=[{**TOOL, "description": "a" * 500_000 + "!", "inputSchema": {
        "type": "object", "properties": {"p": {"type": "string", "pattern": "(a+)+$" * 2000}}}},
        {**TOOL, "name": "b", "description": "<" * 200_000 + "ignore " * 50_000}])


from stdio_modes import *  # noqa: E402,F401,F403  the second half of the modes

if __name__ == "__main__":
    signal.alarm(LIFE + 60)
    modes = globals()
    try:
        modes[sys.argv[1]]()
    except BrokenPipeError:
        os._exit(0)
