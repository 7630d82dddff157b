"""A real service in a process of its own, on a free port of this machine, with a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import httpx
import yaml
from servers import free_port

from langflix.tokens import hash_token

SAMPLE = Path(str(files("langflix") / "data" / "sample"))
TOKENS = {"reader": "lf_reader-reader-reader", "runner": "lf_runner-runner-runner", "boss": "lf_boss-boss-boss-boss"}
SCOPES = {"reader": "read", "runner": "run", "boss": "admin"}
QUICK = {"analyzer": "embedded", "max_expressions": 1, "settings": {"lessons": {"preset": "ultrafast", "repeat_count": 1}}}
SHOW = "Show.S01E01"


def clean_environment(**more):
    "This process's environment without settings of LangFlix."
    return {name: value for name, value in os.environ.items() if not name.startswith(("LANGFLIX_", "GEMINI_"))} | more


class Service:
    "`langflix serve`, which can be stopped, killed and started again."

    def __init__(self, place: Path, *, tokens: bool = True, environment=None, **settings) -> None:
        self.place, self.media, self.out = place, place / "media", place / "out"
        self.media.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = place / "service.log"
        self.process, self._environment = None, environment or {}
        api = {"port": self.port, "rate_per_minute": 1_000_000, **settings.pop("api", {})}
        if tokens:
            lines = [f"{name} {SCOPES[name]} sha256:{hash_token(token)}\n" for name, token in TOKENS.items()]
            (place / "tokens").write_text("".join(lines))
            api["tokens_file"] = str(place / "tokens")
        paths = {"media": str(self.media), "output": str(self.out), "cache": str(place / "cache"), **settings.pop("paths", {})}
        self.config = place / "langflix.yaml"
        self.config.write_text(yaml.safe_dump({"paths": paths, "api": api, **settings}))

    def add_episode(self, name=SHOW, video="sample.mp4"):
        "Put the sample episode into the media folder under a name of its own."
        shutil.copyfile(SAMPLE / video, self.media / f"{name}.mp4")
        shutil.copyfile(SAMPLE / "sample.en.srt", self.media / f"{name}.en.srt")
        return f"{name}.mp4"

    def launch(self):
        "Start it, without waiting."
        command = [sys.executable, "-c", "from langflix.cli import main; main()", "serve", "--config", str(self.config)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=clean_environment(**self._environment), cwd=self.place, stdout=log, stderr=log)

    def start(self):
        "Start it, and wait until it answers."
        self.launch()
        end = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.log.read_text()}"
            assert time.monotonic() < end, f"it does not answer:\n{self.log.read_text()}"
            time.sleep(0.05)
        return self

    def answers(self):
        try:
            return httpx.get(f"{self.url}/health", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def end(self, how=signal.SIGTERM, within_s=60):
        "End it; its exit status."
        if self.process is None:
            return None
        self.process.send_signal(how)
        try:
            return self.process.wait(within_s)
        finally:
            self.process.kill()
            self.process = None

    def http(self, who="boss", **more):
        "A client with somebody's token."
        headers = {"authorization": f"Bearer {TOKENS[who]}"} if who else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, **more)

    def raw(self, request: bytes, within_s=10.0) -> bytes:
        "Send bytes as they are; all that comes back until the service hangs up or is silent."
        with socket.create_connection(("127.0.0.1", self.port), timeout=within_s) as wire:
            wire.sendall(request)
            return everything(wire)


def everything(wire) -> bytes:
    "All that comes until the other side hangs up or is silent."
    got = b""
    try:
        while piece := wire.recv(65536):
            got += piece
    except (TimeoutError, ConnectionResetError):
        pass
    return got


def ended(http, job_id, within_s=170):
    "A job that has ended."
    end = time.monotonic() + within_s
    while (job := http.get(f"/api/v1/jobs/{job_id}").json())["state"] in ("queued", "running"):
        assert time.monotonic() < end, f"job {job_id} did not end: {job}"
        time.sleep(0.1)
    return job


def at_work(http, job_id, stage="render", within_s=120):
    "A job that has come to a stage."
    end = time.monotonic() + within_s
    while (job := http.get(f"/api/v1/jobs/{job_id}").json())["progress"]["stage"] != stage or not job["progress"]["done"]:
        assert job["state"] in ("queued", "running"), job
        assert time.monotonic() < end, f"job {job_id} did not come to {stage}: {job}"
        time.sleep(0.05)
    return job
