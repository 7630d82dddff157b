"""What the service says of its health: each part by itself, the worst of them for the whole, and never a secret."""

import sqlite3
import threading
from types import SimpleNamespace

import pytest

from langflix.config import Settings
from langflix.doctor import check_folder
from langflix.health import HealthCheck, worst
from langflix.job import Worker
from langflix.local_jobs import LocalJobs

WORKER = Worker(host="h", pid=1, started="s")


@pytest.fixture
def store(tmp_path):
    made = LocalJobs(tmp_path / "out" / ".jobs" / "jobs.db", timeout_s=0.1)
    yield made
    made.close()


@pytest.fixture
def check(tmp_path, store):
    "A check that looks each time."
    settings = Settings(paths={"media": tmp_path, "output": tmp_path / "out", "cache": tmp_path / "cache"})
    return HealthCheck(settings, store, "1.2", keep_s=0)


def at(store, seconds):
    "Let the store's clock stand."
    store.now = lambda: seconds


def runner(**more):
    return SimpleNamespace(state=SimpleNamespace(**{"alive": True, "problem": "", "running": (), "slots": 1, **more}))


@pytest.mark.parametrize(("states", "whole"), [([], "ok"), (["ok", "ok"], "ok"), (["ok", "degraded"], "degraded"), (["down", "degraded", "ok"], "down")])
def test_the_whole_is_as_bad_as_its_worst_part(states, whole):
    assert worst(states) == whole


@pytest.mark.media
def test_all_is_well_and_says_so(check):
    told = check()
    assert (told.status, told.version, {part.state for part in told.parts.values()}) == ("ok", "1.2", {"ok"})
    assert told.parts["jobs"].says == "no jobs yet"
    assert not [part.hint for part in told.parts.values() if part.hint]


def test_jobs_are_counted(check, store):
    for name in "ab":
        store.submit({"video": name})
    store.claim(WORKER)
    assert check().parts["jobs"].says == "1 queued, 1 running"


def test_a_job_without_a_sign_is_named(check, store):
    at(store, 1000.0)
    job, _ = store.submit({"video": "a"})
    store.claim(WORKER)
    assert check().parts["queue"].state == "ok"
    at(store, 2000.0)
    queue = check().parts["queue"]
    assert (queue.state, job.id in queue.says) == ("degraded", True)
    store.beat(job.id, 1)
    assert check().parts["queue"].state == "ok"


def test_jobs_that_wait_long_while_none_runs_are_told(check, store):
    at(store, 1000.0)
    store.submit({"video": "a"})
    at(store, 3000.0)
    queue = check().parts["queue"]
    assert (queue.state, "2000 s" in queue.says, bool(queue.hint)) == ("degraded", True, True)
    store.claim(WORKER)
    store.submit({"video": "b"})
    assert check().parts["queue"].state == "ok"


def test_a_long_queue_is_told_whole(check, store):
    for n in range(600):
        store.submit({"video": str(n)})
    assert "600 waiting" in check().parts["queue"].says


@pytest.mark.parametrize(("now", "state"), [({}, "ok"), ({"alive": False}, "down"), ({"problem": "Redis is away"}, "degraded")])
def test_the_runner_is_looked_at(check, now, state):
    check.runner = runner(**now)
    assert check().parts["runner"].state == state


def test_a_store_that_is_locked_is_down_and_the_rest_is_still_told(check, tmp_path):
    with sqlite3.connect(tmp_path / "out" / ".jobs" / "jobs.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        told = check()
        assert (told.status, told.parts["jobs"].state, told.parts["queue"].says) == ("down", "down", "not known")
        assert "locked" in told.parts["jobs"].says
        assert told.parts["catalogue"].state == "ok"
        other.execute("ROLLBACK")
    assert check().parts["jobs"].state == "ok"


def test_a_catalogue_that_is_broken_leaves_jobs_to_be_made(check, tmp_path):
    (tmp_path / "out" / "catalogue.db").write_bytes(b"no database at all" * 500)
    told = check()
    assert (told.parts["catalogue"].state, told.parts["jobs"].state) == ("degraded", "ok")
    without = check.settings.model_copy(update={"database": check.settings.database.model_copy(update={"enabled": False})})
    assert HealthCheck(without, check.store, "1.2")().parts["catalogue"].says == "switched off"


def test_a_catalogue_that_is_replaced_while_the_service_runs_is_seen(check, tmp_path):
    def gone():
        for path in (tmp_path / "out").glob("catalogue.db*"):
            path.unlink()

    assert check().parts["catalogue"].state == "ok"
    gone()
    (tmp_path / "out" / "catalogue.db").write_bytes(b"no database at all" * 500)
    assert check().parts["catalogue"].state == "degraded"
    gone()
    assert check().parts["catalogue"].says == "answers"


def test_a_key_in_a_message_is_not_told(check):
    check.runner = runner(problem=f"the key AIza{'b' * 35} was refused")
    assert "b" * 35 not in check().model_dump_json()


@pytest.mark.media
@pytest.mark.parametrize(("state", "looks"), [("ok", 1), ("down", 2)])
def test_what_was_seen_is_kept_for_a_while_when_all_is_well(check, monkeypatch, state, looks):
    seen, look = [], check._look
    monkeypatch.setattr(check, "_look", lambda: seen.append(1) or look())
    check.runner, check.keep_s = runner(alive=state == "ok"), 1e9
    check()
    check._seen_at -= 5e8  # some time goes by; what is not well is looked at ten times as often
    check()
    assert len(seen) == looks


def test_who_comes_while_somebody_looks_is_told_what_was_seen_before(check):
    first = check()
    inside, go_on, look = threading.Event(), threading.Event(), check._look

    def slow():
        inside.set()
        go_on.wait(30)
        return look()

    check._look = slow
    looking = threading.Thread(target=check)
    looking.start()
    assert inside.wait(30)
    assert check().parts == first.parts  # without waiting for the slow one
    go_on.set()
    looking.join(30)
    assert not looking.is_alive()


def test_a_folder_that_is_a_file_is_no_place_for_lessons(tmp_path):
    (tmp_path / "out").write_text("a list of things to buy")
    for folder in (tmp_path / "out", tmp_path / "out" / "lessons"):
        check = check_folder("output", folder)
        assert (check.status, check.message) == ("failed", f"{folder}: {tmp_path / 'out'} is a file, not a folder")
        assert "paths.output" in check.hint
