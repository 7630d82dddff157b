"""A server on this machine that speaks Gemini's wire for tests. It is a test tool, not the service."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"promptTokenCount": 50, "candidatesTokenCount": 30, "totalTokenCount": 92, "thoughtsTokenCount": 12}


@dataclass
class Asked:
    "One request as it arrived."

    path: str
    key: str
    lines: list[tuple[int, str]]  # numbered cues of the user content
    body: dict[str, Any]


Answerer = Callable[[Asked], tuple[int, dict[str, Any] | bytes]]


@dataclass
class StandIn:
    "The running server: where it is, and what it was asked."

    url: str
    asked: list[Asked] = field(default_factory=list)


def answer(items: list[dict[str, Any]] | str, finish: str = "STOP") -> tuple[int, dict[str, Any]]:
    "A 200 with items as its text."
    text = items if isinstance(items, str) else json.dumps(items)
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": finish, "index": 0}
    return 200, {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": "stand-in-001"}


def error(code: int, status: str, message: str, *details: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    "An error in the service's form."
    return code, {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def _parse(path: str, key: str, body: dict[str, Any]) -> Asked:
    text = body["contents"][0]["parts"][0]["text"]
    pairs = (line.split("] ", 1) for line in text.splitlines())
    return Asked(path, key, [(int(number[1:]), words) for number, words in pairs], body)


@contextmanager
def stand_in(answerer: Answerer) -> Iterator[StandIn]:
    "Serve on a free port of the loopback until the block ends."
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            asked = _parse(self.path.split("?")[0], self.headers.get("x-goog-api-key", ""), json.loads(raw))
            with lock:
                running.asked.append(asked)
            code, data = answerer(asked)
            body = data if isinstance(data, bytes) else json.dumps(data).encode()
            self.send_response(code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = StandIn(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
