"""A server that nobody may call: files and requests that mean harm name it, and whatever follows them is caught."""

import http.server
import threading
from contextlib import contextmanager


class Trap(http.server.ThreadingHTTPServer):
    "A server on a free port that remembers who called."

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Caught)
        self.called: list[str] = []

    def __str__(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Caught(http.server.BaseHTTPRequestHandler):
    def parse_request(self) -> bool:
        "Whatever the method is, the first line of the request is kept."
        self.server.called.append(self.raw_requestline.decode("latin-1").strip())
        return super().parse_request()

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def open_trap():
    "A running trap."
    with Trap() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
