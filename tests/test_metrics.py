"""Figures for Prometheus: right after what happened, counted once, and there when the store or the catalogue is not."""

import sqlite3

import pytest
from prometheus_client.parser import text_string_to_metric_families
from test_catalogue import expression, manifest

from langflix.catalogue import open_catalogue
from langflix.config import Settings
from langflix.core import LangFlixError
from langflix.job import STATES, Event, Progress, Worker
from langflix.local_jobs import LocalJobs
from langflix.metrics import Metrics, stage_seconds

WORKER = Worker(host="h", pid=1, started="s")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def store(tmp_path):
    made = LocalJobs(tmp_path / "jobs.db", timeout_s=0.1)
    made.now = Clock()
    yield made
    made.close()


@pytest.fixture
def metrics(store):
    return Metrics(store, lambda: None)


def read(metrics):
    "Each figure by its name and labels."
    text = metrics.text().decode()
    return {(one.name, *one.labels.values()): one.value for family in text_string_to_metric_families(text) for one in family.samples}


def run(store, name="a", wait_s=2.0, seconds=30.0, state="done"):
    "A job that waits, runs and ends."
    store.submit({"video": name})
    store.now.now += wait_s
    job = store.claim(WORKER)
    store.now.now += seconds
    return store.finish(job.id, job.attempt, state, {})


def event(n, at, stage, state="running"):
    return Event(id=n, at=at, state=state, progress=Progress(stage=stage))


def test_every_state_has_a_figure_from_the_start(metrics):
    seen = read(metrics)
    assert {seen["langflix_jobs", state] for state in STATES} == {0}
    assert (seen["langflix_jobs_available",], seen["langflix_queue_oldest_seconds",]) == (1, 0)


def test_the_longest_wait_is_told(store, metrics):
    store.submit({"video": "a"})
    store.now.now += 5
    store.submit({"video": "b"}, priority=9)
    store.now.now += 2
    assert read(metrics)["langflix_queue_oldest_seconds",] == pytest.approx(7)


def test_the_longest_wait_is_told_of_a_queue_of_any_length(store, metrics):
    store.submit({"video": "first"})
    store.now.now += 5
    for n in range(600):
        store.submit({"video": str(n)}, priority=n % 3)
    seen = read(metrics)
    assert (seen["langflix_jobs", "queued"], seen["langflix_queue_oldest_seconds",]) == (601, pytest.approx(5))


def test_a_job_is_counted_once_however_often_one_looks(store, metrics):
    run(store)
    for _ in range(3):
        seen = read(metrics)
    assert (seen["langflix_job_seconds_count", "done"], seen["langflix_job_seconds_sum", "done"], seen["langflix_job_wait_seconds_sum",]) == (1, 30, 2)


def test_a_job_that_runs_again_is_counted_again(store, metrics):
    job = run(store, state="failed")
    read(metrics)
    store.retry(job.id)
    read(metrics)
    again = store.claim(WORKER)
    store.finish(again.id, again.attempt, "done", {})
    seen = read(metrics)
    assert (seen["langflix_job_seconds_count", "failed"], seen["langflix_job_seconds_count", "done"]) == (1, 1)


def test_every_job_is_counted_however_many_end_between_two_looks(store, metrics):
    read(metrics)
    for n in range(150):
        run(store, str(n), seconds=1.0)
    old = store.list("done", limit=1, cursor="2").items[0]
    assert read(metrics)["langflix_job_seconds_count", "done"] == 150
    store.retry(old.id)
    run(store, "1", seconds=1.0)
    assert read(metrics)["langflix_job_seconds_count", "done"] == 151


def test_a_look_reads_only_what_ended_since_the_last_one(store, metrics, monkeypatch):
    for n in range(3):
        run(store, str(n), seconds=100.0)
    read(metrics)
    asked, ended = [], store.ended
    monkeypatch.setattr(store, "ended", lambda since: asked.append(ended(since)) or asked[-1])
    run(store, "new", seconds=100.0)
    assert read(metrics)["langflix_job_seconds_count", "done"] == 4
    assert {job.parameters["video"] for job in asked[0]} == {"2", "new"}


def test_stages_are_those_that_the_run_told(store, metrics):
    store.submit({"video": "a"})
    job = store.claim(WORKER)
    store.beat(job.id, job.attempt, Progress(stage="render", done=1, total=1))
    store.now.now += 9
    store.finish(job.id, job.attempt, "done", {"stage_s": {"analyze": 0.125, "render": 8.5}})
    seen = read(metrics)
    assert [seen["langflix_stage_seconds_sum", stage] for stage in ("analyze", "render")] == [0.125, 8.5]


def test_a_job_that_was_stopped_has_the_stages_of_its_events(store, metrics):
    store.submit({"video": "a"})
    job = store.claim(WORKER)
    store.beat(job.id, job.attempt, Progress(stage="render", done=1, total=9))
    store.now.now += 9
    store.finish(job.id, job.attempt, "cancelled")
    assert read(metrics)["langflix_stage_seconds_sum", "render"] == 9


def test_jobs_from_before_the_service_began_are_not_counted(store):
    run(store)
    store.now.now += 1
    seen = read(Metrics(store, lambda: None))
    assert ("langflix_job_seconds_count", "done") not in seen
    assert seen["langflix_jobs", "done"] == 1


def test_a_job_that_was_cancelled_before_it_began_took_no_time(store, metrics):
    job, _ = store.submit({"video": "a"})
    store.cancel(job.id)
    seen = read(metrics)
    assert seen["langflix_job_wait_seconds_count",] == 0
    assert seen["langflix_jobs", "cancelled"] == 1


def test_stages_last_until_the_next_word():
    events = [event(1, 0.0, "", "queued"), event(2, 10.0, ""), event(3, 12.0, "analyze"), event(4, 15.0, "analyze"), event(5, 20.0, "render"), event(6, 50.0, "render", "done")]
    assert stage_seconds(events) == {"analyze": 8.0, "render": 30.0}


@pytest.mark.parametrize("events", [[], [event(1, 0.0, "render")], [event(1, 0.0, "", "queued"), event(2, 5.0, "", "cancelled")]])
def test_a_job_without_stages_has_none(events):
    assert stage_seconds(events) == {}


def test_the_time_between_two_starts_belongs_to_no_stage_twice():
    events = [event(1, 0.0, "render"), event(2, 5.0, "render", "queued"), event(3, 100.0, ""), event(4, 101.0, "render"), event(5, 103.0, "render", "done")]
    assert stage_seconds(events)["render"] >= 2.0


def test_a_store_that_is_away_is_told_and_the_process_is_still_measured(store, metrics, tmp_path):
    run(store)
    read(metrics)
    store.close()
    (tmp_path / "jobs.db").write_bytes(b"no database" * 1000)
    for beside in ("jobs.db-wal", "jobs.db-shm"):
        (tmp_path / beside).unlink(missing_ok=True)
    seen = read(metrics)
    assert seen["langflix_jobs_available",] == 0
    assert ("langflix_jobs", "done") not in seen
    assert seen["langflix_job_seconds_count", "done"] == 1
    assert seen["process_resident_memory_bytes",] > 0


def test_what_all_runs_did_is_added_up(store, tmp_path):
    catalogue = open_catalogue(Settings(paths={"output": tmp_path / "out"}))
    for n in (1, 2):
        catalogue.record(manifest(f"Show.S01E0{n}", expression("hang in there", 1000), at=n), tmp_path / "out" / str(n))
    totals = catalogue.totals()
    seen = read(Metrics(store, lambda: catalogue))
    assert seen["langflix_gemini_requests_total",] == totals["requests"]
    assert seen["langflix_run_seconds_total",] == totals["wall_s"]
    catalogue.close()


def test_a_catalogue_that_is_away_hides_only_its_own_figures(store):
    def away():
        raise LangFlixError("away")

    seen = read(Metrics(store, away))
    assert seen["langflix_jobs_available",] == 1
    assert not [name for name, *_ in seen if name.startswith("langflix_gemini")]


def test_looking_takes_no_lock(store, metrics, tmp_path):
    run(store)
    with sqlite3.connect(tmp_path / "jobs.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert read(metrics)["langflix_jobs", "done"] == 1
        other.execute("ROLLBACK")


def test_what_is_remembered_of_counted_jobs_has_an_end(store, metrics):
    metrics.times._seen = {str(n): 1 for n in range(5_001)}
    run(store)
    read(metrics)
    assert len(metrics.times._seen) <= 1_000
    assert read(metrics)["langflix_job_seconds_count", "done"] == 1
