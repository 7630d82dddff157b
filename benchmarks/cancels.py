"""Measures how soon a cancelled job is over: from the request to the end of its last process, at random moments of a run. Prints one JSON object."""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from servers import redis_server
from service import QUICK, SHOW, Service, at_work, ended

from langflix.processes import marked

LONG = {**QUICK, "max_expressions": 20, "formats": "short"}


def cancel(http, dice: random.Random, number: int) -> tuple[float, float]:
    "Seconds until the job is told to be cancelled, and until nothing of it runs any more."
    slow = {"lessons": {"preset": "slow", "repeat_count": 1 + number % 3, "pause_ms": 500 + number}}  # nothing of it is rendered yet
    job = http.post("/api/v1/jobs", json={"parameters": {"video": f"{SHOW}.mp4", **LONG, "settings": slow}}).json()["id"]
    at_work(http, job, dice.choice(["analyze", "render"]))
    time.sleep(2 * dice.random())
    assert marked(job)
    began = time.monotonic()
    http.delete(f"/api/v1/jobs/{job}")
    assert ended(http, job)["state"] == "cancelled"
    told_s = time.monotonic() - began
    while marked(job):
        time.sleep(0.01)
    return told_s, time.monotonic() - began


def measure(place: Path, times: int, seed: int, **settings) -> dict[str, float]:
    "Some cancels, one after another."
    dice, service = random.Random(seed), Service(place, **settings)
    service.add_episode()
    service.start()
    try:
        with service.http() as http:
            seen = [cancel(http, dice, number) for number in range(times)]
    finally:
        service.end()
    told, gone = zip(*seen, strict=True)
    return {"cancels": times, "told_median_s": round(statistics.median(told), 2), "gone_median_s": round(statistics.median(gone), 2), "gone_worst_s": round(max(gone), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, redis_server() as redis:
        local = measure(Path(folder) / "local", asked.times, asked.seed)
        shared = measure(Path(folder) / "redis", asked.times, asked.seed, redis={"url": redis.url})
    print(json.dumps({"local": local, "redis": shared}, indent=1))


if __name__ == "__main__":
    main()
