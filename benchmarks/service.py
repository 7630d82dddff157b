"""Measures the service: many clients poll and download while a job renders; long lists and a large catalogue. Prints one JSON object."""

import json
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from service import QUICK, SHOW, Service, ended
from test_catalogue import expression, manifest

from langflix.catalogue import open_catalogue
from langflix.config import Settings
from langflix.job import Worker
from langflix.jobs import open_jobs

POLLING, DOWNLOADING, EACH_S = 200, 20, 2.0  # clients, and how often each polls


def _p99(times: list[float]) -> float:
    return round(statistics.quantiles(times, n=100)[98] * 1000, 1) if len(times) > 1 else 0.0


def _memory_mb(service: Service) -> float:
    line = next(line for line in Path(f"/proc/{service.process.pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return round(int(line.split()[1]) / 1024, 1)


def fill(service: Service, jobs: int, words: int) -> None:
    "A store with many finished jobs, and a catalogue with many expressions."
    settings = Settings(paths={"output": service.out})
    store = open_jobs(settings)
    for n in range(jobs):
        store.submit({"video": "sample", "max_expressions": n + 1, "level": "B1"})
        begun = store.claim(Worker(host="h", pid=1, started=str(n)))
        store.finish(begun.id, begun.attempt, "done", {"exit_status": 0})
    store.close()
    catalogue = open_catalogue(settings)
    for n in range(words // 100):
        found = [expression(f"carry on {n} times {m}", 1000 * m + 1000) for m in range(100)]
        catalogue.record(manifest(f"Bench.S{n // 100 + 1:02}E{n % 100 + 1:02}", *found, at=1 + n % 28).model_copy(update={"created_at": datetime.now(UTC)}), service.out / f"Bench {n}")
    catalogue.close()


def load(service: Service, job: str, lesson: str, stop: threading.Event) -> dict:
    "What clients see."
    times: dict[str, list[float]] = {"health": [], "job": []}
    errors: list[str] = []

    def poll(client: httpx.Client, n: int) -> None:
        stop.wait(EACH_S * n / POLLING)
        while not stop.is_set():
            for name, path in (("health", "/health"), ("job", f"/api/v1/jobs/{job}")):
                began = time.perf_counter()
                try:
                    answer = client.get(path)
                    times[name].append(time.perf_counter() - began)
                    if answer.status_code != 200:
                        errors.append(str(answer.status_code))
                except httpx.HTTPError as error:
                    errors.append(type(error).__name__)
            stop.wait(EACH_S)

    def download(client: httpx.Client) -> None:
        while not stop.is_set():
            try:
                with client.stream("GET", lesson) as answer:
                    for _ in answer.iter_bytes(65536):
                        stop.wait(0.02)  # as a player does
            except httpx.HTTPError as error:
                errors.append(type(error).__name__)

    clients = [service.http("reader") for _ in range(POLLING + DOWNLOADING)]
    threads = [threading.Thread(target=poll, args=(client, n)) for n, client in enumerate(clients[:POLLING])]
    threads += [threading.Thread(target=download, args=(client,)) for client in clients[POLLING:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.close()
    return {"requests": sum(map(len, times.values())), "errors": len(errors), **{f"{name}_p99_ms": _p99(found) for name, found in times.items()}}


def listing(service: Service) -> dict:
    "How long lists and searches take, as the slowest of ten."
    paths = {"first_page": "/api/v1/jobs?limit=50", "done": "/api/v1/jobs?state=done&limit=50", "search": "/api/v1/expressions?q=carry+on", "rare": "/api/v1/expressions?q=on+7+times+7", "metrics": "/metrics"}
    slowest = {}
    with service.http() as client:
        for name, path in paths.items():
            client.get(path)
            slowest[f"{name}_ms"] = round(max(client.get(path).elapsed.total_seconds() for _ in range(10)) * 1000, 1)
    return slowest


def main() -> None:
    jobs, words = (int(word) for word in sys.argv[1:3]) if len(sys.argv) > 2 else (10_000, 100_000)
    with tempfile.TemporaryDirectory() as place:
        service = Service(Path(place))
        service.add_episode()
        fill(service, jobs, words)
        service.start()
        try:
            with service.http() as client:
                first = ended(client, client.post("/api/v1/jobs", json={"parameters": {"video": f"{SHOW}.mp4", **QUICK}}).json()["id"])
                files = client.get(f"/api/v1/jobs/{first['id']}/files").json()
                lesson = next(one["url"] for one in files if one["path"].endswith(".mp4"))
                lists = listing(service)
                before = _memory_mb(service)
                again = client.post("/api/v1/jobs", json={"parameters": {"video": f"{SHOW}.mp4", **QUICK, "max_expressions": 4, "formats": "long,short"}}).json()
                stop = threading.Event()
                threading.Thread(target=lambda: (ended(client, again["id"], 600), stop.set())).start()
                seen = load(service, again["id"], lesson, stop)
            print(json.dumps({"jobs": jobs, "expressions": words, **lists, **seen, "memory_before_mb": before, "memory_after_mb": _memory_mb(service)}))
        finally:
            service.end()


if __name__ == "__main__":
    main()
