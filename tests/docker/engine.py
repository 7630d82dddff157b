"""A real engine, images built from this checkout, and stacks that are put up by the very lines of the manuals."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import httpx

from servers import free_port

ROOT = Path(__file__).parents[2]
SAMPLE = Path(str(files("langflix") / "data" / "sample"))
TARGETS = ("cli", "api", "dashboard", "lab")
MOON, SEA = "The.Paper.Moon.S01E01", "The.Glass.Sea.S01E01"
QUICK = {"max_expressions": 1, "settings": {"lessons": {"preset": "ultrafast", "repeat_count": 1}}}
MARK = f"canary{secrets.token_hex(8)}"  # in every secret of this run, and so nowhere else
USER = ["--user", "568:568"]


def say(*words):
    "A line of the report."
    print(*words, flush=True)


def run(*command, check=True, **more):
    "Run a program; its output as text."
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    if check:
        assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done


def docker(*command, **more):
    "What a command of Docker prints."
    return run("docker", *command, **more).stdout.strip()


def inspect(name):
    "All that Docker knows of a container or an image."
    return json.loads(docker("inspect", name))[0]


def bash_block(document, heading):
    "The first block of shell lines below a heading of a manual."
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    assert f"\n{heading}\n" in text, f"{document} has no {heading}"
    return "set -euo pipefail\n" + text.partition(f"\n{heading}\n")[2].partition("```bash\n")[2].partition("```")[0]


def checkout(place, revision=None):
    "What git knows of this checkout, as it is now or as it was, in a folder of its own."
    place.mkdir(parents=True)
    if revision:
        archive = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "--extract", "--directory", place], input=archive, check=True)
        return place
    for name in run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place


def give(folder, uid):
    "Make a folder that belongs to somebody; root does, else a container that is root."
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, uid, uid)
    else:
        docker("run", "--rm", "--user", "0", "--entrypoint", "chown", "-v", f"{folder}:/given", "langflix:cli", f"{uid}:{uid}", "/given")
    return folder


def as_root(script, **more):
    "Lines of a manual for root."
    return run(*([] if os.geteuid() == 0 else ["sudo", "--non-interactive"]), "bash", "-c", script, **more)


def films(folder, *names):
    "A library with the sample episode under some names."
    for name in names:
        show = folder / name.rsplit(".", 1)[0]
        show.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLE / "sample.mp4", show / f"{name}.mp4")
        shutil.copy(SAMPLE / "sample.en.srt", show / f"{name}.en.srt")
    return folder


class Stack:
    "A stack in a folder of its own, on free ports, under a name of its own."

    def __init__(self, place, name, file=None, **environment):
        self.place, self.name = place, f"lftest-{name}-{os.getpid()}"
        self.ports = {"API_PORT": free_port(), "DASHBOARD_PORT": free_port(), "LAB_PORT": free_port()}
        kept = {name: value for name, value in os.environ.items() if name.startswith(("DOCKER", "PATH", "HOME", "SSH_"))}
        files = {"COMPOSE_FILE": str(file)} if file else {}
        self.env = kept | files | {"COMPOSE_PROJECT_NAME": self.name} | {key: str(port) for key, port in self.ports.items()} | environment
        self.url = f"http://127.0.0.1:{self.ports['DASHBOARD_PORT']}/"
        self.port = self.ports["DASHBOARD_PORT"]

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        if problem[0] is not None:
            self.tell()
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "3", check=False)

    def tell(self):
        "What the containers said, for whoever looks for a fault."
        say(self.compose("ps", "--all", check=False).stdout, self.compose("logs", "--no-color", "--tail", "60", check=False).stdout[-15_000:])

    def compose(self, *command, **more):
        "A command of compose."
        return run("docker", "compose", *command, cwd=self.place, env=self.env, **more)

    def shell(self, script, **more):
        "Lines of a manual, as they stand; images that are there are not built again where that is asked for."
        if os.environ.get("IMAGES_ARE_THERE"):
            script = "\n".join(line for line in script.splitlines() if line != "docker compose build")
        return run("bash", "-c", script, cwd=self.place, env=self.env, **more)

    def up(self, *services, **more):
        "Start it and wait until it is healthy; how long that took."
        began = time.monotonic()
        self.compose("up", "--detach", "--wait", "--no-build", *services, **more)
        return time.monotonic() - began

    def container(self, service):
        "The id of a service's container."
        return self.compose("ps", "--all", "--quiet", service).stdout.strip()

    def inside(self, service, code, user=None):
        "What some Python prints inside a container."
        who = ["--user", user] if user else []
        return docker("exec", *who, self.container(service), "python", "-c", code)

    def secret(self, name):
        "A secret of this stack."
        return (self.place / "secrets" / name).read_text().strip()

    def http(self):
        "A client of the service."
        return httpx.Client(base_url=f"http://127.0.0.1:{self.ports['API_PORT']}", headers={"authorization": f"Bearer {self.secret('api_token')}"}, timeout=30, trust_env=False)


def ask(http, method, path, within_s=60, **more):
    "Ask a service that may be on its way back."
    end = time.monotonic() + within_s
    while True:
        try:
            answer = http.request(method, path, **more)
            if answer.status_code < 500:
                return answer
        except httpx.HTTPError as error:
            answer = error
        assert time.monotonic() < end, answer
        time.sleep(0.2)


def submit(http, video, **parameters):
    "Hand in an episode."
    answer = ask(http, "POST", "/api/v1/jobs", json={"parameters": {"video": video, **QUICK, **parameters}})
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["id"]


def ended(http, job_id, within_s=150):
    "A job that has ended."
    end = time.monotonic() + within_s
    while (job := ask(http, "GET", f"/api/v1/jobs/{job_id}").json())["state"] in ("queued", "running"):
        assert time.monotonic() < end, job
        time.sleep(0.2)
    return job


def at_work(http, job_id, within_s=60):
    "A job whose processes are at work."
    end = time.monotonic() + within_s
    while (job := ask(http, "GET", f"/api/v1/jobs/{job_id}").json())["state"] != "running" or not job["progress"]["stage"]:
        assert job["state"] in ("queued", "running"), job
        assert time.monotonic() < end, job
        time.sleep(0.1)
    return job


def done(http, job_id):
    "A job that has ended well."
    job = ended(http, job_id)
    assert job["state"] == "done", job
    return job


def megabytes(text):
    "A size as Docker writes it."
    number, unit = re.fullmatch(r"([\d.]+)\s*([kMG]?)B", text).groups()
    return float(number) * {"": 1e-6, "k": 1e-3, "M": 1, "G": 1e3}[unit]


def has_engine():
    "Whether an engine answers; if not, what it said."
    try:
        asked = run("docker", "version", "--format", "{{.Server.Version}}", check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    return (asked.stdout.strip() if asked.returncode == 0 else ""), asked.stderr.strip()


if __name__ == "__main__":
    version, problem = has_engine()
    sys.exit(0 if version else problem or "no engine answers")
