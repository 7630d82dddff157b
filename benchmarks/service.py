"""Measures the service with both stores: hundreds of clients while a job renders, what one request costs, long lists and a large catalogue. Prints one JSON object."""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from clients import Wire
from servers import redis_server
from service import QUICK, SHOW, TOKENS, Service, at_work, ended
from test_catalogue import expression, manifest

from langflix.catalogue import open_catalogue
from langflix.config import Settings
from langflix.job import Worker
from langflix.jobs import open_jobs

POLLING, PLAYING, EACH_S = 200, 20, 2.0  # clients, and how often each polls
FILM_BYTES, BYTES_PER_S = 64 << 20, 1_000_000  # what is played: 8 Mbit/s, as a good 1080p stream has
LONG = {**QUICK, "max_expressions": 40, "formats": "long,short", "settings": {"lessons": {"preset": "medium"}}}


def cpu_s(pid: int) -> float:
    "Processor time of a process, without those that it started."
    facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    "What a process holds in memory."
    return round(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20, 1)


def fill_jobs(settings: Settings, jobs: int) -> None:
    "A store with many finished jobs."
    store = open_jobs(settings)
    if settings.redis.url is None:
        store._file.connection().execute("PRAGMA synchronous = off")  # what is filled in need not survive
    for n in range(jobs):
        store.submit({"video": "sample", "max_expressions": n + 1, "level": "B1"})
        begun = store.claim(Worker(host="h", pid=1, started=str(n)))
        store.finish(begun.id, begun.attempt, "done", {"exit_status": 0, "lessons": 12, "expressions": 10, "failures": 0})
    store.close()


def fill_catalogue(settings: Settings, words: int) -> None:
    "A catalogue with many expressions."
    catalogue = open_catalogue(settings)
    for n in range(words // 100):
        found = [expression(f"carry on {n} times {m}", 1000 * m + 1000) for m in range(100)]
        told = manifest(f"Bench.S{n // 100 + 1:02}E{n % 100 + 1:02}", *found, at=1 + n % 28).model_copy(update={"created_at": datetime.now(UTC)})
        catalogue.record(told, settings.paths.output / f"Bench {n}")
    catalogue.close()


def prepared(service: Service, http, words: int) -> tuple[str, str]:
    "A finished job of the sample, and the link to a long film that lies among its files."
    job = ended(http, http.post("/api/v1/jobs", json={"parameters": {"video": f"{SHOW}.mp4", **QUICK}}).json()["id"])
    lesson = next((service.out / SHOW / "lessons").rglob("*.mp4"))
    whole = lesson.read_bytes()
    (lesson.parent / "film.mp4").write_bytes((whole * (FILM_BYTES // len(whole) + 1))[:FILM_BYTES])
    files = http.get(f"/api/v1/jobs/{job['id']}/files").json()
    return job["id"], next(one["url"] for one in files if one["path"].endswith("/film.mp4"))


def listing(http, cursor: str) -> dict[str, float]:
    "How long lists and searches take, in milliseconds, as the slowest of twenty."
    paths = {
        "first_page": "/api/v1/jobs?limit=50", "filtered_page": "/api/v1/jobs?state=done&limit=50", "deep_page": f"/api/v1/jobs?limit=50&cursor={cursor}",
        "search": "/api/v1/expressions?q=carry+on", "rare_search": "/api/v1/expressions?q=on+7+times+7", "metrics": "/metrics", "health_detailed": "/health/detailed",
    }  # fmt: skip
    slowest = {}
    for name, path in paths.items():
        answers = [http.get(path) for _ in range(21)][1:]
        assert all(answer.status_code == 200 for answer in answers), answers
        slowest[name] = round(max(answer.elapsed.total_seconds() for answer in answers) * 1000, 1)
    return slowest


async def _asked(url: str, path: str, times: int, **headers: str) -> None:
    wire = Wire(url, TOKENS["reader"])
    for _ in range(times):
        status, _ = await wire.get(path, **headers)
        assert status in (200, 206), status
    wire.close()


def costs(service: Service, job: str, film: str) -> dict[str, float]:
    "Processor time of the service for one request of each kind, in milliseconds; for the film, of one megabyte."
    path = f"/api/v1/jobs/{job}"
    asked = {"health": ("/health", 3000, {}), "job": (path, 3000, {}), "list": ("/api/v1/jobs?limit=50", 200, {}), "search": ("/api/v1/expressions?q=carry+on", 200, {}), "file": (film, 500, {"range": "bytes=0-999"})}
    found = {}
    for name, (where, times, headers) in asked.items():
        asyncio.run(_asked(service.url, where, times // 10, **headers))
        before = cpu_s(service.process.pid)
        asyncio.run(_asked(service.url, where, times, **headers))
        found[name] = round((cpu_s(service.process.pid) - before) / times * 1000, 3)
    before = cpu_s(service.process.pid)
    asyncio.run(_asked(service.url, film, 5))
    found["megabyte"] = round((cpu_s(service.process.pid) - before) / (5 * FILM_BYTES / 1e6) * 1000, 3)
    return found


def _p99_ms(times: list[float]) -> float:
    return round(statistics.quantiles(times, n=100)[98] * 1000, 1) if len(times) > 1 else 0.0


def _watched(service: Service, seconds: float) -> tuple[list[float], float]:
    "Memory of the service each half second, and the share of the time in which a job rendered."
    end, memory, rendering = time.monotonic() + seconds, [], 0
    with service.http("reader") as http:
        while time.monotonic() < end:
            memory.append(memory_mb(service.process.pid))
            running = http.get("/api/v1/jobs?state=running").json()["items"]
            rendering += any(one["progress"]["stage"] == "render" for one in running)
            time.sleep(0.5)
    return memory, round(rendering / max(len(memory), 1), 2)


def load(service: Service, film: str, seconds: float, rendering: bool) -> dict:
    "What clients see, and what they cost."
    with service.http() as http:
        job = http.get("/api/v1/jobs?limit=1").json()["items"][0]["id"]
        if rendering:
            job = http.post("/api/v1/jobs", json={"parameters": {"video": f"{SHOW}.mp4", **LONG}}).json()["id"]
            at_work(http, job)
        orders = {"url": service.url, "token": TOKENS["reader"], "paths": {"health": "/health", "job": f"/api/v1/jobs/{job}"}}
        orders |= {"each_s": EACH_S, "polling": POLLING, "playing": PLAYING, "film": film, "bytes_per_s": BYTES_PER_S}
        before, cpu = memory_mb(service.process.pid), cpu_s(service.process.pid)
        clients = subprocess.Popen([sys.executable, Path(__file__).with_name("clients.py"), json.dumps(orders)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        memory, share = _watched(service, seconds)
        cpu = cpu_s(service.process.pid) - cpu
        seen = json.loads(clients.communicate()[0])
        if rendering:
            http.delete(f"/api/v1/jobs/{job}")
            ended(http, job)
    asked = sum(map(len, seen["times_s"].values()))
    return {
        **{f"{name}_{what}_ms": value for name, times in seen["times_s"].items() for what, value in (("p50", round(statistics.median(times) * 1000, 1)), ("p99", _p99_ms(times)), ("worst", round(max(times) * 1000, 1)))},
        "requests": asked, "requests_per_s": round(asked / seen["seconds"], 1), "errors": seen["errors"], "films_mb_per_s": round(seen["bytes_played"] / seen["seconds"] / 1e6, 1),
        "rendering": share, "cpu_share": round(cpu / seen["seconds"], 3), "client_cpu_share": round(seen["client_cpu_s"] / seen["seconds"], 3),
        "memory_mb": {"before": before, "middle": memory[len(memory) // 2], "end": memory[-1], "most": max(memory), "after": memory_mb(service.process.pid)},
    }  # fmt: skip


def measured(place: Path, asked: argparse.Namespace, **settings) -> dict:
    "All figures of one store."
    service = Service(place, **settings)
    service.add_episode()
    own = Settings(paths={"output": service.out}, **settings)
    began = time.monotonic()
    fill_jobs(own, asked.jobs)
    fill_catalogue(own, asked.expressions)
    filled_s = round(time.monotonic() - began, 1)
    service.start()
    try:
        with service.http() as http:
            job, film = prepared(service, http, asked.expressions)
            found = {"filled_s": filled_s, "slowest_ms": listing(http, str(asked.jobs // 2)), "cpu_ms": costs(service, job, film)}
        if asked.seconds:
            found |= {"load": load(service, film, asked.seconds, asked.rendering)}
        return found
    finally:
        service.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--expressions", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60, help="how long the clients poll and play; 0: not at all")
    parser.add_argument("--stores", default="local,redis")
    parser.add_argument("--still", dest="rendering", action="store_false", help="without a job that renders")
    asked = parser.parse_args()
    found = {"clients": f"{POLLING} poll every {EACH_S:g} s, {PLAYING} play at {BYTES_PER_S * 8 / 1e6:g} Mbit/s", "processors": os.cpu_count()}
    for store in asked.stores.split(","):
        with ExitStack() as stack:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            settings = {"redis": {"url": stack.enter_context(redis_server("--appendfsync", "everysec")).url}} if store == "redis" else {}
            found[store] = measured(place, asked, **settings)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
