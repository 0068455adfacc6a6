"""An MCP server of a few lines without any library: quick to start, and badly behaved on demand.

    python raw.py [FILE] [MODE]

FILE holds its tools as JSON, read at each listing, so that a test can change them; MODE is what it
does wrong from the start. Tools of some names do what they are called.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

TOOLS = [
    {
        "name": "echo",
        "description": "Say it back.",
        "inputSchema": {"type": "object", "additionalProperties": True},
    }
]
FILE, MODE = [*sys.argv[1:], "", ""][:2]


def send(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def tools():
    if not FILE:
        return TOOLS
    with open(FILE) as file:  # noqa: PTH123  # pathlib costs half of its start
        return json.load(file)


def listing(cursor):
    if MODE == "pages":  # one a page
        at = int(cursor or 0)
        more = {"nextCursor": str(at + 1)} if at + 1 < len(tools()) else {}
        return {"tools": [tools()[at]], **more}
    if MODE == "endless":
        return {"tools": [], "nextCursor": "again"}
    return {"tools": tools()}


def text(value):
    return {"content": [{"type": "text", "text": value}]}


def called(name, arguments, number):
    if name == "die":
        print("the disk is full", file=sys.stderr, flush=True)
        os._exit(3)
    if name == "hang":
        time.sleep(60)
    if name == "huge":
        sys.stdout.write("x" * (20 << 20))
        sys.stdout.flush()
        time.sleep(60)
    if name == "flood":
        line = (
            json.dumps(
                {
                    "jsonrpc": "2.0",
                    "method": "notifications/message",
                    "params": {"level": "info", "data": "x" * 1_000_000},
                }
            )
            + "\n"
        )
        while True:
            sys.stdout.write(line)
    if name == "garbage":
        for _ in range(200):
            print("{ this is not JSON")
        sys.stdout.flush()
        time.sleep(60)
    if name == "noise":
        print("hello, I am a server", flush=True)
        print(json.dumps({"jsonrpc": "2.0", "id": 9999, "result": {}}), flush=True)
        print("e" * 5_000_000, file=sys.stderr, flush=True)
    if name == "changed":
        send(method="notifications/tools/list_changed")
        time.sleep(0.3)
    if name == "env":
        return text(json.dumps(dict(os.environ)))
    if name == "child":  # outlives its parent, if nobody sees to it
        made = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.DEVNULL
        )
        return text(f"{os.getpid()} {made.pid}")
    if name == "wrong":
        return {"content": "not a list"}
    if name == "deep":
        sys.stdout.write(f'{{"jsonrpc":"2.0","id":{number},"result":{"[" * 100_000}}}\n')
        sys.stdout.flush()
        time.sleep(60)
    return text(json.dumps(arguments, sort_keys=True))


def answer(method, params, number):
    if method == "initialize":
        return {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {"listChanged": True}},
            "serverInfo": {"name": "raw", "version": "1"},
        }
    if method == "tools/list":
        return listing(params.get("cursor"))
    if method == "tools/call":
        return called(params["name"], params.get("arguments"), number)
    return None


def serve(message):
    if "id" not in message or "method" not in message:
        return
    result = answer(message["method"], message.get("params") or {}, message["id"])
    if result is None:
        send(id=message["id"], error={"code": -32601, "message": "no such method"})
    else:
        send(id=message["id"], result=result)


def main():
    if MODE == "mute":
        time.sleep(60)
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if MODE == "exit":
        sys.exit("no licence")
    for line in sys.stdin:
        threading.Thread(target=serve, args=(json.loads(line),), daemon=True).start()
    if MODE == "stubborn":
        time.sleep(60)


main()
