"""A real pilot, end to end: a small model in use, a larger candidate, a shadow, a canary, a regress, a rollback.

    python bench/pilot.py FOLDER --models ~/.cache/weighbridge-test-models

Serves Qwen2.5-Coder-0.5B (in use) and 1.5B (candidate) with llama.cpp on this machine, `weighbridge serve` in front of
both, and asks coding questions through it, each by a user of its own. First the candidate only answers in the shadow;
then gateway.toml gives it a canary, under load; when that has passed its steps, a guard before the candidate begins to
decline everything. Prints what the gateway says of all that. Ten minutes of two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from weighbridge.testing.gate import leg_of

KEY = "pilot-bench"
IN_USE, CANDIDATE = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"
TOKENS, AT_ONCE = 6, 3
DECLINES = {
    "id": "guard", "object": "chat.completion", "created": 0, "model": CANDIDATE,
    "choices": [{
        "index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "I'm sorry, but I can't help with that."},
    }],
    "usage": {"prompt_tokens": 40, "completion_tokens": 11, "total_tokens": 51},
}  # fmt: skip
MORE = 'key_env = "PILOT_KEY", price = { input = 0.02, output = 0.06 }'
HEAD = """
[gateway]
listen = "127.0.0.1:{port}"
workspace = "weighbridge-work"

[[route]]
name = "coder"
retries = 0
"""
SHADOW = """
[route.shadow]
share = 0.5
margin = 0.1
"""
CANARY = """
[route.canary]
steps = [0.4, 0.5]
margin = 0.2
hold_s = 20.0
late_s = 60.0
"""
VERBS = ("reverse", "sort", "count the vowels of", "find the longest word of", "remove the duplicates of", "double")
NOUNS = (
    "a list of words",
    "a line of text",
    "a list of numbers",
    "the keys of a dict",
    "a tuple",
    "the lines of a file",
)
FORMS = ("Write one line of Python that does this: {}.", "In Python, how do I {}?", "Name the Python function to {}.")


class Served(NamedTuple):
    """A model that is served: the process, and its address."""

    process: subprocess.Popen[str]
    address: str


def served(model: Path) -> Served:
    """Serve a GGUF file with llama.cpp."""
    child = subprocess.Popen(
        [sys.executable, "-m", "weighbridge.engine.llamacpp_server"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    wanted = {"model": str(model), "key": KEY, "slots": 2, "context_tokens": 256, "threads": 1, "alias": model.stem}
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("no pipes")
    child.stdin.write(json.dumps(wanted) + "\n")
    child.stdin.flush()
    for line in child.stdout:
        if line.startswith("ready "):
            return Served(child, line.split()[1])
    raise RuntimeError(f"{model} could not be served")


def behind_a_front(address: str, spoilt: threading.Event) -> str:
    """Serve a front that passes everything on to a server, and declines everything once `spoilt` is set."""

    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            passed = {"Content-Type": "application/json", "Authorization": self.headers["Authorization"]}
            if spoilt.is_set():
                status, answer = 200, json.dumps(DECLINES).encode()
            else:
                status, answer = post(address, self.path, body, passed)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    front = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{front.server_port}"


def post(address: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
    """Ask once."""
    place = urlsplit(address)
    line = HTTPConnection(place.hostname or "", place.port, timeout=300)
    try:
        line.request("POST", path, json.dumps(body), headers)
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()


class Pilot:
    """The gateway, and the callers in front of it."""

    def __init__(self, folder: Path, port: int, urls: dict[str, str]) -> None:
        self.folder, self.port = folder, port
        work = folder / "weighbridge-work"
        work.mkdir(parents=True, exist_ok=True)
        self.legs = {model: leg_of(work, url, model, MORE) for model, url in urls.items()}
        self.key = self.command("key", "create", "callers").strip()
        self.users = count(1)
        self.asked = 0

    def configure(self, trial: str) -> None:
        """Write gateway.toml with a shadow or a canary for the candidate."""
        in_use, candidate = self.legs[IN_USE], self.legs[CANDIDATE]
        text = f"{HEAD.format(port=self.port)}{in_use}[route.observe]\nshare = 1.0\n{trial}{candidate}"
        (self.folder / "gateway.toml").write_text(text, encoding="utf-8")

    def command(self, *words: str) -> str:
        """Run `weighbridge pilot`, and return what it prints."""
        line = [sys.executable, "-m", "weighbridge", "pilot", *words]
        return subprocess.run(line, cwd=self.folder, capture_output=True, text=True, check=False).stdout

    def start(self) -> subprocess.Popen[bytes]:
        """Start the gateway, and wait until it answers."""
        line = [sys.executable, "-m", "weighbridge", "serve", "--config", "gateway.toml"]
        env = {**os.environ, "PILOT_KEY": KEY}
        log = (self.folder / "serve.log").open("wb")
        gateway = subprocess.Popen(line, cwd=self.folder, env=env, stdout=log, stderr=log)
        for _ in range(300):
            try:
                if self.ask(0)[0]:
                    return gateway
            except OSError:
                time.sleep(0.2)
        raise RuntimeError("the gateway did not start: see serve.log")

    def ask(self, number: int) -> tuple[int, bytes]:
        """Ask one coding question, as a user of its own."""
        task = f"{VERBS[number % 6]} {NOUNS[number // 6 % 6]}"
        body = {
            "model": "coder", "user": f"user-{number}", "max_tokens": TOKENS, "temperature": 0,
            "messages": [{"role": "user", "content": FORMS[number // 36 % 3].format(task)}],
        }  # fmt: skip
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        return post(f"http://127.0.0.1:{self.port}", "/v1/chat/completions", body, headers)

    def ask_until(self, is_over: Any, most: int) -> None:
        """Let callers ask, some at once, until something is the case, or `most` have asked."""
        begun, before = time.monotonic(), self.asked
        with ThreadPoolExecutor(AT_ONCE) as callers:
            while self.asked - before < most and not is_over():
                done = list(callers.map(self.ask, [next(self.users) for _ in range(2 * AT_ONCE)]))
                self.asked += len(done)
                if any(status != 200 for status, _ in done):
                    say(f"statuses: {[status for status, _ in done]}")
        say(f"{self.asked - before} questions in {time.monotonic() - begun:.0f} s")

    def state(self) -> str:
        """Return the state of the canary, and its step."""
        told = self.command("canary", "status", "coder", "--json")
        return str(json.loads(told)["state"]) if told else ""

    def show(self, *words: str) -> None:
        """Print what a command says."""
        print(f"$ weighbridge pilot {' '.join(words)}\n{self.command(*words)}", flush=True)


def say(text: str) -> None:
    """Print a line with the time."""
    print(f"# {datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def main() -> None:
    """Run the pilot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--port", type=int, default=18497)
    parser.add_argument("--shadow", type=int, default=60, help="questions while the candidate answers in the shadow")
    parser.add_argument("--most", type=int, default=600, help="questions of the canary at the most")
    given = parser.parse_args()
    models = [served(given.models.expanduser() / f"{name}.gguf") for name in (IN_USE, CANDIDATE)]
    spoilt = threading.Event()
    urls = {
        IN_USE: f"{models[0].address}/v1",
        CANDIDATE: f"{behind_a_front(models[1].address, spoilt)}/v1",
    }
    pilot = Pilot(given.folder.absolute(), given.port, urls)
    pilot.configure(SHADOW)
    gateway = pilot.start()
    try:
        run(pilot, spoilt, given.shadow, given.most)
    finally:
        gateway.terminate()
        gateway.wait(30)
        for model in models:
            model.process.kill()


def run(pilot: Pilot, spoilt: threading.Event, shadow: int, most: int) -> None:
    """Go through shadow, canary and regress."""
    say("the candidate answers in the shadow")
    pilot.ask_until(lambda: False, shadow)
    time.sleep(5)
    pilot.show("shadow", "coder")
    say("gateway.toml: the shadow becomes a canary")
    pilot.configure(CANARY)
    time.sleep(5)
    pilot.ask_until(lambda: False, 30)
    pilot.show("canary", "status", "coder")
    pilot.ask_until(lambda: pilot.state() in {"done", "rolled back"}, most)
    pilot.show("canary", "status", "coder")
    say("a guard in front of the candidate declines everything")
    spoilt.set()
    pilot.ask_until(lambda: pilot.state() == "rolled back", 120)
    time.sleep(3)
    for words in (("canary", "status", "coder"), ("alarms",), ("routes",)):
        pilot.show(*words)


if __name__ == "__main__":
    main()
