"""A stdio server for tests of what lasts: it lists whatever tools its folder's file names at that moment.

server.py FOLDER [MODE]: writes its process id to FOLDER/spawned, and each method it is asked to FOLDER/asked.
"""

import json
import os
import sys

folder = sys.argv[1]
mode = sys.argv[2] if len(sys.argv) > 2 else ""


def note(name, word):
    with open(os.path.join(folder, name), "a") as file:
        file.write(f"{word}\n")


def tool(name):
    """Nothing a rule objects to."""
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    return {"name": name, "description": "Does one thing and says what.", "inputSchema": schema}


note("spawned", os.getpid())
for line in sys.stdin:
    message = json.loads(line)
    method = message.get("method", "")
    note("asked", method)
    if "id" not in message:
        continue
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if method == "initialize":
        answer["result"] = {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "warm", "version": "1"},
        }
    elif method == "ping":
        answer["result"] = {}
    elif method == "tools/list":
        with open(os.path.join(folder, "tools")) as file:
            answer["result"] = {"tools": [tool(name) for name in file.read().split()]}
    else:
        answer["error"] = {"code": -32601, "message": "no such method"}
    print(json.dumps(answer), flush=True)
    if mode == "chatty" and method == "tools/list":
        print('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}', flush=True)
    if mode == "stray" and method == "tools/list":
        print('{"jsonrpc":"2.0","id":7,"result":{}}', flush=True)
    if mode == "halfway" and method == "tools/list":
        print("the rest follows", end="", flush=True)
