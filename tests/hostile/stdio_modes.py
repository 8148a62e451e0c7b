"""The second half of `stdio_server.py`'s modes: hostile text, wrong types, eras, requests to us, processes."""
import json
import os
import signal
import subprocess
import sys
import threading
import time
from __main__ import (EXTRA, LIFE, LISTS, MiB, TOOL, error, handle, lines, listing, opening, pages, raw, result,
                      send, serve, stay)

# Hostile text. The words FORGED-LINE must never begin a line of any output.

ESCAPES = ("\x1b]52;c;ZXZpbA==\x07\x1b]8;;http://evil/\x07link\x1b]8;;\x07\x1b[2J\x9b31m\x08\x08\x00\x7f\r"
           "\x85\x1b]0;title\x07")
BIDI = "a\u202eb\u2066c\u200bd\ufeffe\U000e0041\U000e0042\u00ad\u2028\u2029"
FORGE = "good\nFORGED-LINE complete\r\nFORGED-LINE [ERROR]\u2028FORGED-LINE\u0085FORGED-LINE"


def text_everywhere(text):
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
    init = opening(instructions=text, caps={"tools": {text: text}, "resources": {}, "prompts": {}, text: {}})
    init["serverInfo"] = {"name": text, "version": text, "title": text, text: text}
    tool = {"name": text, "title": text, "description": text, text: text,
            "inputSchema": {"type": "object", "properties": {text: {"type": "string", "description": text}}}}
    resource = {"name": text, "uri": "file:///" + text, "mimeType": text}
    items = {"tools/list": {"tools": [tool]}, "resources/list": {"resources": [resource]},
             "prompts/list": {"prompts": [{"name": text, "description": text}]},
             "resources/templates/list": {"resourceTemplates": [{"name": text, "uriTemplate": text}]}}
    # Not escaped by the JSON encoder, so that what JSON allows raw (DEL, C1) really arrives raw.
    def plain(m):
        raw(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": items[m["method"]]}, ensure_ascii=False) + "\n")
    serve(init=init, on={k: plain for k in items})


def ansi():
    text_everywhere(ESCAPES)


def bidi():
    text_everywhere(BIDI)


def forge():
    text_everywhere(FORGE)


def error_text():
    serve(on={"initialize": lambda m: error(m, -32000, ESCAPES + FORGE + BIDI)})


def exit_text():
    sys.stderr.write(ESCAPES + FORGE + BIDI)
    sys.stderr.flush()
    os._exit(5)


def noise_text():
    raw(ESCAPES.replace("\r", "") + BIDI + "\n" + FORGE + "\n")
    serve()


def references():
    loop = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    serve(tools=[
        {**TOOL, "name": "self", "inputSchema": {"type": "object", "properties": {"p": {"$ref": "#"}}}},
        {**TOOL, "name": "loop", "inputSchema": {"type": "object", **loop}},
        {**TOOL, "name": "net", "inputSchema": {"type": "object", "$ref": EXTRA[0]},
         "icons": [{"src": EXTRA[0]}, {"src": "file:///etc/passwd"}]},
        {**TOOL, "name": "file", "inputSchema": {"type": "object", "$ref": "file:///etc/passwd"}}])


# Wrong types

def tools_value():
    listing(lambda m: result(m, {"tools": json.loads(EXTRA[0])}))


def list_result():
    listing(lambda m: result(m, json.loads(EXTRA[0])))


def entries_mixed():
    listing(lambda m: result(m, {"tools": [1, None, "x", [], {}, {"name": 7}, TOOL]}))


def schema_value():
    serve(tools=[{**TOOL, "inputSchema": json.loads(EXTRA[0])}, {**TOOL, "name": "fine"}])


def caps_value():
    serve(init=opening() | {"capabilities": json.loads(EXTRA[0])})


def caps_lying():
    def refuse(m):
        error(m, -32601, "Method not found")
    caps = {"tools": {}, "resources": {}, "prompts": {}}
    serve(init=opening(caps=caps),
          on={k: refuse for k in ("resources/list", "prompts/list", "resources/templates/list")})


def list_hangs():
    serve(init=opening(caps={"tools": {}, "prompts": {}}), on={"prompts/list": lambda m: None})


def list_fails():
    serve(init=opening(caps={"tools": {}, "prompts": {}}),
          on={"prompts/list": lambda m: error(m, -32603, "the prompt store is on fire")})


def version_value():
    init = opening()
    value = json.loads(EXTRA[0])
    del init["protocolVersion"]
    serve(init=init if value is None else init | {"protocolVersion": value})


# The stateless era

STATELESS = "2026-07-28"


def modern(discover=None, on_list=None, count=None):
    asked = [0]
    for m in lines():
        method = m.get("method")
        asked[0] += 1
        if "id" not in m:
            continue
        if method == "server/discover":
            if discover:
                discover(m)
            else:
                result(m, {"resultType": "complete", "supportedVersions": [STATELESS],
                           "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"})
        elif method == "tools/list" and "_meta" in m.get("params", {}):
            if on_list:
                on_list(m, asked[0])
            else:
                result(m, {"resultType": "complete", "tools": [TOOL], "ttlMs": 0, "cacheScope": "private"})
        elif method == "initialize":
            error(m, -32022, "Unsupported protocol version", {"supported": [STATELESS], "requested": "2025-11-25"})
        else:
            error(m, -32601, "Method not found")


def modern_honest():
    modern()


def discover_silent():
    serve(on={"server/discover": lambda m: None})


def discover_crash():
    first = True
    for m in lines():
        if first and m.get("method") != "initialize":
            os._exit(1)
        first = False
        handle(m, on={"server/discover": lambda m: os._exit(1)})


def discover_empty():
    serve(on={"server/discover": lambda m: result(m, {})})


def discover_loop():
    """Always `unsupported version`, always offering the version that was asked for. Gives up after 50."""
    asked = [0]

    def refuse(m):
        asked[0] += 1
        if asked[0] > 50:
            result(m, {"tools": [{**TOOL, "name": "asked_too_often"}]})
            os._exit(1)
        error(m, -32022, "Unsupported protocol version", {"supported": [STATELESS], "requested": STATELESS})
    modern(discover=refuse, on_list=lambda m, n: refuse(m))


def discover_types():
    modern(discover=lambda m: result(m, json.loads(EXTRA[0])))


def input_required():
    def ask(m, asked):
        if "inputResponses" in m["params"] or "requestState" in m["params"]:
            return result(m, {"resultType": "complete", "tools": [{**TOOL, "name": "answered_input"}],
                              "ttlMs": 0, "cacheScope": "private"})
        return result(m, {"resultType": "input_required", "requestState": "s",
                          "inputRequests": {"k": {"method": "elicitation/create", "params": {"message": "password?"}}}})
    modern(on_list=ask)


# Requests and notifications to us

def asks_us():
    """Asks before it answers the list, then reports each answer it got in the tool's description."""
    methods = ["ping", "sampling/createMessage", "roots/list", "elicitation/create", "evil/unknown"]
    got, waiting = {}, []
    for m in lines():
        if m.get("method") == "tools/list":
            waiting.append(m)
            for i, method in enumerate(methods):
                send({"jsonrpc": "2.0", "id": "q%d" % i, "method": method, "params": {}})
            # The id of our own open request, used for a request to us.
            send({"jsonrpc": "2.0", "id": m["id"], "method": "ping"})
        elif "method" not in m and isinstance(m.get("id"), str) and m["id"].startswith("q"):
            outcome = m["error"]["code"] if "error" in m else m.get("result")
            got[methods[int(m["id"][1:])]] = outcome
            if len(got) == len(methods) and waiting:
                result(waiting.pop(), {"tools": [{**TOOL, "description": json.dumps(got, sort_keys=True)}]})
        else:
            handle(m)


def ping_flood():
    def tools(m):
        for i in range(20_000):
            send({"jsonrpc": "2.0", "id": "p%d" % i, "method": "ping"})
        result(m, {"tools": [TOOL]})
    listing(tools)


def ping_endless():
    def tools(m):
        n = 0
        while True:
            n += 1
            send({"jsonrpc": "2.0", "id": "p%d" % n, "method": "ping"})
    listing(tools)


def changed_storm():
    """Says `list_changed` 5,000 times before and after the list; counts the lists in the file EXTRA[0]."""
    def tools(m):
        with open(EXTRA[0], "a") as f:
            f.write("list\n")
        for _ in range(5_000):
            send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        result(m, {"tools": [TOOL]})
        for _ in range(5_000):
            send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    listing(tools)


def stderr50mb():
    for _ in range(800):
        os.write(2, b"e" * 65535 + b"\n")
    serve()


def stderr_endless():
    def shout():
        while True:
            os.write(2, b"e" * 65536)
    threading.Thread(target=shout, daemon=True).start()
    serve()


# Processes

def ignores_term():
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(s, signal.SIG_IGN)
    serve()
    stay()


def stops_itself():
    os.kill(os.getpid(), signal.SIGSTOP)
    serve()


def stops_after_list():
    def tools(m):
        result(m, {"tools": [TOOL]})
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGSTOP)
    listing(tools)


def sleeper(**more):
    return subprocess.Popen(["sleep", str(LIFE)], **more)


def grandchild_keeps_stdout():
    sleeper()
    os._exit(4)


def grandchild_after_list():
    sleeper()
    serve()
    os._exit(0)


def children60():
    for _ in range(60):
        sleeper()
    serve()


def daemonise(close):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if close:
            for fd in (0, 1, 2):
                os.close(fd)
        os.execvp("sleep", ["sleep", str(LIFE)])
    os.wait()


def daemon_keeps():
    daemonise(close=False)
    serve()


def daemon_closes():
    daemonise(close=True)
    serve()


def daemon_then_silent():
    daemonise(close=True)
    stay()


def daemon_then_exit():
    daemonise(close=False)
    os._exit(6)


def fork_chain():
    """Every 50 ms a new process in a new session takes over from the one before; for 15 s at most."""
    if os.fork() == 0:
        for _ in range(300):
            os.setsid()
            time.sleep(0.05)
            if os.fork():
                os._exit(0)
        os._exit(0)
    serve()


def touch_then_honest():
    open(EXTRA[0], "w").close()
    serve()


# What we were given

def shows_args():
    serve(tools=[{**TOOL, "description": json.dumps(sys.argv)}])


def shows_environment():
    serve(tools=[{**TOOL, "description": json.dumps(sorted(os.environ))}])


def shows_descriptors():
    seen = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            seen[name] = os.readlink("/proc/self/fd/" + name)
        except OSError:
            pass  # the descriptor of the directory itself
    serve(tools=[{**TOOL, "description": json.dumps(sorted(int(n) for n in seen))}])


def shows_directory():
    serve(tools=[{**TOOL, "description": os.getcwd()}])


def secret_texts():
    found = [v for k, v in os.environ.items() if k.startswith("HK_")] + sys.argv[3:]
    found += [a.split("=", 1)[1] for a in sys.argv[3:] if "=" in a]
    return found


def echoes_secrets():
    text = " | ".join(secret_texts())
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
    raw(text + "\n")
    init = opening(instructions=text)
    init["serverInfo"]["version"] = text
    serve(init=init, tools=[{**TOOL, "name": "n " + text, "description": text,
                             "inputSchema": {"type": "object", "properties": {text: {"default": text}}}}])


def echoes_secrets_error():
    text = " | ".join(secret_texts())
    sys.stderr.write(text + "\n")
    serve(on={"initialize": lambda m: error(m, -32000, text, {"x": text})})


def echoes_secrets_exit():
    sys.stderr.write(" | ".join(secret_texts()) + "\n")
    sys.exit(9)
