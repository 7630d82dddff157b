"""The sample episode as a job: its whole life, a cancel in the middle of its rendering, and a kernel and a server that are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from langflix.config import Settings
from langflix.job import Progress
from langflix.jobs import open_jobs
from langflix.processes import marked
from langflix.runner import Runner

pytestmark = [pytest.mark.media, pytest.mark.skipif(sys.platform != "linux", reason="processes are watched through /proc")]
ASK = {"video": "sample", "analyzer": "embedded", "max_expressions": 2, "settings": {"lessons": {"preset": "ultrafast", "repeat_count": 1}}}


class Shop:
    "A server's folder, its store, and its runner."

    def __init__(self, place: Path) -> None:
        self.out = place / "out"
        self.settings = Settings(paths={"output": self.out, "cache": place / "cache"})
        self.jobs = open_jobs(self.settings)
        self.runner = Runner(self.settings, self.jobs)

    def wait(self, condition, within_s=400):
        end = time.monotonic() + within_s
        while not (found := condition()):
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)
        return found

    def ended(self, job):
        return self.wait(lambda: (now := self.jobs.get(job.id)).is_finished and now)

    def at(self, job, stage, done=1):
        self.wait(lambda: (p := self.jobs.get(job.id).progress).stage == stage and p.done >= done)

    def programs(self, job, name):
        found = set()
        for pid in marked(job.id):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if any(name in word.decode() for word in words[:4]):
                found.add(pid)
        return found

    def manifest(self):
        return json.loads((self.out / "sample" / "manifest.json").read_text())


@pytest.fixture
def shop(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("LANGFLIX_", "GEMINI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LANGFLIX_PATHS__CACHE", str(tmp_path / "cache"))
    made = Shop(tmp_path)
    yield made
    made.runner.stop()
    made.jobs.close()


def test_the_sample_has_a_whole_life_and_the_second_run_renders_nothing(shop):
    shop.runner.start()
    job = shop.ended(shop.jobs.submit(ASK)[0])
    assert (job.state, job.error) == ("done", None)
    assert job.result["lessons"] == len(shop.manifest()["lessons"]) > 0
    assert Path(job.result["manifest"]).is_file()
    stages = [event.progress.stage for event in shop.jobs.events(job.id)]
    assert [stage for n, stage in enumerate(stages) if stage and stage not in stages[:n]] == ["analyze", "render", "write"]
    assert (shop.out / ".jobs" / job.id / "run.ipynb").is_file()
    shop.jobs.retry(job.id)
    job = shop.ended(job)
    assert (job.state, job.attempt) == ("done", 2)
    assert shop.manifest()["stats"]["segments"]["rendered"] == 0
    assert marked(job.id) == set()


def test_a_cancel_stops_ffmpeg_and_the_kernel_and_the_run_can_be_resumed(shop):
    shop.runner.start()
    job, _ = shop.jobs.submit({**ASK, "max_expressions": 3})
    shop.at(job, "render", 1)
    shop.wait(lambda: shop.programs(job, "ffmpeg"))
    assert shop.programs(job, "ipykernel")
    shop.jobs.cancel(job.id)
    job = shop.ended(job)
    assert (job.state, job.progress.stage, marked(job.id)) == ("cancelled", "render", set())
    kept = [path for path in (shop.out.parent / "cache" / "segments").rglob("*.mov") if not path.name.startswith(".part-")]
    assert kept
    shop.jobs.retry(job.id)
    job = shop.ended(job)
    assert job.state == "done"
    assert shop.manifest()["stats"]["segments"]["reused"] >= len(kept)
    assert not list(shop.out.rglob(".part-*"))


@pytest.mark.parametrize("victim", ["ipykernel", "notebook_run", "ffmpeg"])
def test_whatever_is_killed_the_job_ends_with_all_its_lessons(shop, victim):
    shop.runner.start()
    job, _ = shop.jobs.submit(ASK)
    shop.at(job, "render", 0)
    (pid, *_) = shop.wait(lambda: shop.programs(job, victim))
    os.kill(pid, signal.SIGKILL)
    job = shop.ended(job)
    if victim == "ffmpeg":  # one lesson fails, and the rest is there
        assert job.result["exit_status"] in (0, 3)
    else:
        assert (job.state, job.losses) == ("done", 1)
        assert job.result["failures"] == 0
    assert marked(job.id) == set()


def test_a_kernel_that_is_killed_before_its_first_word_is_started_again(shop):
    shop.runner.start()
    job, _ = shop.jobs.submit({**ASK, "max_expressions": 1})
    (pid,) = shop.wait(lambda: shop.programs(job, "ipykernel"))
    os.kill(pid, signal.SIGKILL)
    assert not (shop.out / ".jobs" / job.id / "events.jsonl").exists()
    job = shop.ended(job)
    assert (job.state, job.losses, job.error) == ("done", 1, None)


SERVER = """
import sys, time
from langflix.config import Settings
from langflix.jobs import open_jobs
from langflix.runner import Runner
settings = Settings(paths={"output": sys.argv[1]})
Runner(settings, open_jobs(settings)).start()
time.sleep(600)
"""


def test_a_killed_server_leaves_no_process_and_its_job_goes_on(shop):
    job, _ = shop.jobs.submit({**ASK, "max_expressions": 3})
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(shop.out)])
    shop.at(job, "render", 1)
    server.kill()
    server.wait()
    shop.wait(lambda: not marked(job.id), 5)
    shop.runner.start()
    job = shop.ended(job)
    assert (job.state, job.losses, job.attempt) == ("done", 1, 2)
    assert shop.manifest()["stats"]["segments"]["reused"] > 0


def test_a_job_that_cannot_work_says_why(shop, tmp_path):
    shop.runner.start()
    wrong = shop.ended(shop.jobs.submit({"video": str(tmp_path / "nowhere.mkv")})[0])
    assert (wrong.state, wrong.attempt) == ("failed", 1)
    assert "nowhere.mkv" in wrong.error.message
    unknown = shop.ended(shop.jobs.submit({"video": "sample", "levle": "B1"})[0])
    assert (unknown.state, "levle" in unknown.error.message, "level" in unknown.error.hint) == ("failed", True, True)
    assert wrong.progress == Progress()
