"""The real dashboard in a process of its own, on a free port, with folders of its own."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from servers import free_port

PASSWORD = "correct horse battery"


class Dashboard:
    "A dashboard that can be stopped and started again."

    def __init__(self, home: Path, *, password: str | None = PASSWORD, base_url: str = "/", **settings: str) -> None:
        self.home, self.base_url, self.port, self._process = home, base_url, free_port(), None
        self.media, self.out = home / "media", home / "out"
        self.media.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY_", "LANGFLIX_", "VOILA_", "GEMINI"))}
        paths = {f"LANGFLIX_PATHS__{name}": str(home / folder) for name, folder in (("MEDIA", "media"), ("OUTPUT", "out"), ("CACHE", "cache"))}
        self.env = kept | paths | {"LANGFLIX_LESSONS__PRESET": "ultrafast", "HOME": str(home)} | settings | ({"LANGFLIX_DASHBOARD__TOKEN": password} if password else {})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.base_url}"

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()

    def start(self) -> None:
        command = [sys.executable, "-c", "from langflix.cli import main; main()", "dashboard", "--port", str(self.port), "--base-url", self.base_url]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.home, env=self.env, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return urllib.request.urlopen(self.url + "health", timeout=5).status == 200
        except OSError:
            return False

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def kernels(self) -> list[int]:
        "Processes of kernels that this server started."
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                if parent == self._process.pid and "ipykernel_launcher" in (stat.parent / "cmdline").read_text():
                    found.append(int(stat.parent.name))
            except (OSError, ValueError):
                continue  # it ended meanwhile
        return found

    def memory_mb(self) -> float:
        "What the server itself holds."
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


@contextmanager
def dashboard(home: Path, **options):
    "A running dashboard."
    server = Dashboard(home, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def ask(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    "One request, as it is answered: no redirect is followed."
    request = urllib.request.Request(url, method=method, data=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def log_in(server: Dashboard, password: str = PASSWORD) -> str:
    "The cookie that the password gives."
    status, headers, _ = ask(server.url + "login", "POST", f"password={password}".replace(" ", "+").encode())
    assert status == 303, status
    return headers["Set-Cookie"].split(";")[0]
