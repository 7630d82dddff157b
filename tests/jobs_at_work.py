"""A job for tests with real processes, and a server that runs such jobs until it is killed."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

STEPS = 8


def tell(**event):
    with open(os.environ["LANGFLIX_EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\n")


def job(folder: Path) -> None:
    "Like a run of an episode: helpers in sessions of their own, steps that are paid once, progress, and a last word."
    given = json.loads((folder / "parameters.json").read_text())
    ask = given["settings"]
    if ask.get("wrong"):
        print("error: this video is no video\n  Give another one.", file=sys.stderr)
        sys.exit(2)
    if ask.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell(event="start", pid=os.getpid())
    for _ in range(2):
        subprocess.Popen(["sleep", "300"], start_new_session=True)
    (folder / "starts").open("a").write(f"{os.getpid()}\n")
    if ask.get("eat_mb"):
        held = bytearray(ask["eat_mb"] << 20)
        held[::4096] = b"x" * len(held[::4096])
    for step in range(1, STEPS + 1):
        paid = folder / f"step{step}"
        if not paid.exists():
            time.sleep(ask.get("step_s", 0.05))
            (folder / "paid").open("a").write(f"{step}\n")
            paid.touch()
        tell(event="progress", stage="analyze" if step < 4 else "render", done=step, total=STEPS, what="")
        if ask.get("die_at") == step:
            os.kill(os.getpid(), signal.SIGKILL)
    while ask.get("hang"):
        time.sleep(0.1)
    error = ask.get("error", "")
    tell(event="end", exit_status=1 if error else 0, lessons=STEPS, error=error, hint="Mend it." if error else "")
    sys.exit(1 if error else 0)


def opened(address: str):
    "A store of jobs: a file, or a Redis."
    from langflix.local_jobs import LocalJobs
    from langflix.redis_jobs import RedisJobs

    return RedisJobs(address) if address.startswith("redis") else LocalJobs(address)


def command(folder: Path) -> list[str]:
    return [sys.executable, __file__, "job", str(folder)]


def server(address: str, out: str, slots: str, lease_s: str) -> None:
    "A server that does nothing but run jobs."
    from langflix.config import Settings
    from langflix.runner import Runner

    logging.basicConfig(level="INFO", format="%(message)s")
    settings = Settings(paths={"output": out}, jobs={"slots": int(slots)})
    runner = Runner(settings, opened(address), make_command=command, lease_s=float(lease_s))
    signal.signal(signal.SIGTERM, lambda *_: (runner.stop(), sys.exit(0)))
    runner.start()
    print("ready", flush=True)
    while True:
        time.sleep(1)


if __name__ == "__main__":
    {"job": lambda *words: job(Path(words[0])), "server": server}[sys.argv[1]](*sys.argv[2:])
