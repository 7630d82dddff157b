"""One contract for every store of jobs, with real servers and with many processes that want the same job."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jobs_at_work import opened
from servers import redis_server

from langflix.config import Settings
from langflix.core import InputError, SettingsError
from langflix.job import FINISHED, MAX_LOSSES, STATES, TRANSITIONS, JobError, JobStoreError, LostJob, NoSuchJob, Problem, Progress, Worker, alive, cancelled, claimed, finished, lost, new_job, parameters_key, released, retried
from langflix.job_store import KEPT_EVENTS, IdempotencyError
from langflix.jobs import open_jobs, submit_folder, videos_in
from langflix.local_jobs import LocalJobs
from langflix.redis_jobs import RedisJobs
import itertools

ME = Worker(host="here", pid=1, started="0")


@pytest.fixture
def clock(jobs):
    "The store's own time, which a test may move."
    class Clock:
        now = 1000.0

    jobs.now = lambda: Clock.now
    return Clock


def submit(jobs, name="a", **options):
    return jobs.submit({"video": f"{name}.mkv"}, **options)[0]


# The pure rules

CHANGES = {
    "claim": lambda job: claimed(job, ME, 2.0), "beat": lambda job: alive(job, job.attempt, 2.0), "done": lambda job: finished(job, job.attempt, "done", 2.0),
    "failed": lambda job: finished(job, job.attempt, "failed", 2.0), "cancel": lambda job: cancelled(job, 2.0), "retry": lambda job: retried(job, 2.0),
    "release": lambda job: released(job, job.attempt, 2.0), "lose": lambda job: lost(job, job.attempt, 2.0),
}  # fmt: skip
POSSIBLE = {
    "queued": {"claim", "cancel"}, "running": {"beat", "done", "failed", "cancel", "release", "lose"},
    "done": {"retry"}, "failed": {"retry"}, "cancelled": {"retry", "cancel"},
}  # fmt: skip


def in_state(state):
    job = new_job({"video": "a.mkv"}, 1.0)
    return job if state == "queued" else job.model_copy(update={"state": state, "attempt": 1, "worker": ME if state == "running" else None})


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("change", CHANGES)
def test_only_the_written_ways_exist(state, change):
    job = in_state(state)
    if change not in POSSIBLE[state]:
        with pytest.raises(JobError):
            CHANGES[change](job)
        return
    new = CHANGES[change](job)
    assert new.state == state or new.state in TRANSITIONS[state]
    assert new.version >= job.version
    assert (new.worker is not None) == (new.state == "running")


def test_a_job_that_kills_its_server_again_and_again_is_given_up():
    job = new_job({"video": "a.mkv"}, 1.0)
    for _ in range(MAX_LOSSES):
        job = claimed(job, ME, 2.0)
        job = lost(job, job.attempt, 3.0)
    assert (job.state, job.error.kind, job.losses) == ("failed", "lost", MAX_LOSSES)
    assert retried(job, 4.0).losses == 0


def test_deaths_are_counted_from_the_last_one_before_which_a_job_got_on():
    job = new_job({"video": "a.mkv"}, 1.0)
    for step in range(1, 3 * MAX_LOSSES):
        job = claimed(job, ME, 2.0)
        job = alive(job, job.attempt, 2.0, Progress(stage="render", done=step, total=100))
        job = lost(job, job.attempt, 3.0)
        assert (job.state, job.losses) == ("queued", 1)
    for losses in range(2, MAX_LOSSES + 1):
        job = claimed(job, ME, 4.0)
        job = alive(job, job.attempt, 4.0, Progress(stage="analyze", done=0, total=3))
        job = lost(job, job.attempt, 5.0)
        assert job.losses == losses
    assert (job.state, job.error.kind) == ("failed", "lost")
    assert (retried(job, 6.0).losses, retried(job, 6.0).reached) == (0, {})


def test_a_cancelled_job_that_lost_its_worker_is_not_resumed():
    job = cancelled(claimed(new_job({"video": "a.mkv"}, 1.0), ME, 2.0), 3.0)
    assert job.state == "running"
    assert lost(job, 1, 4.0).state == released(job, 1, 4.0).state == "cancelled"


# The contract


def test_a_job_has_a_whole_life(jobs, clock):
    job, new = jobs.submit({"video": "a.mkv", "level": "B1"}, priority=3)
    assert (new, job.state, job.parameters, job.priority) == (True, "queued", {"video": "a.mkv", "level": "B1"}, 3)
    clock.now = 1001.0
    job = jobs.claim(ME, "log.txt")
    assert (job.state, job.started_at, job.heartbeat_at, job.attempt, job.worker, job.log) == ("running", 1001.0, 1001.0, 1, ME, "log.txt")
    clock.now = 1002.0
    job = jobs.beat(job.id, 1, Progress(stage="render", done=1, total=2, what="é"))
    assert (job.heartbeat_at, job.progress.stage) == (1002.0, "render")
    job = jobs.finish(job.id, 1, "done", {"lessons": 3})
    assert jobs.get(job.id) == job
    assert (job.state, job.result, job.worker, job.is_finished) == ("done", {"lessons": 3}, None, True)
    assert [(event.id, event.state) for event in jobs.events(job.id)] == [(1, "queued"), (2, "running"), (3, "running"), (4, "done")]
    assert [event.id for event in jobs.events(job.id, after=2)] == [3, 4]


def test_nothing_waits_in_an_empty_store(jobs):
    assert jobs.claim(ME) is None
    assert jobs.list().items == ()
    assert jobs.counts() == dict.fromkeys(STATES, 0)
    assert jobs.running() == []
    for call in (jobs.get, jobs.cancel, jobs.retry, jobs.events):
        with pytest.raises(NoSuchJob):
            call("nobody")


def test_higher_priority_goes_first_and_equal_ones_in_turn(jobs):
    for name, priority in (("a", 0), ("b", 5), ("c", 0), ("d", 5), ("e", -100), ("f", 100)):
        submit(jobs, name, priority=priority)
    order = []
    while job := jobs.claim(ME):
        order.append(job.parameters["video"][0])
    assert "".join(order) == "fbdace"


def test_a_released_job_keeps_its_place_and_a_retried_one_goes_to_the_end(jobs):
    first, second = submit(jobs, "a"), submit(jobs, "b")
    taken = jobs.claim(ME)
    jobs.release(taken.id, taken.attempt)
    assert jobs.claim(ME).id == first.id
    jobs.finish(first.id, 2, "failed", error=Problem(message="x"))
    jobs.retry(first.id)
    assert [jobs.claim(ME).id, jobs.claim(ME).id] == [second.id, first.id]
    assert jobs.get(first.id).error is None


@pytest.mark.parametrize("priority", [-101, 101])
def test_a_priority_has_bounds(jobs, priority):
    with pytest.raises(InputError):
        submit(jobs, priority=priority)
    assert jobs.list().items == ()


def test_the_same_work_is_not_handed_in_twice(jobs):
    job = submit(jobs)
    assert jobs.submit({"video": "a.mkv", "level": None}) == (job, False)
    taken = jobs.claim(ME)
    assert submit(jobs).id == job.id
    jobs.finish(job.id, taken.attempt, "done")
    again, new = jobs.submit({"video": "a.mkv"})
    assert new
    assert again.id != job.id
    with pytest.raises(JobError, match="same work"):
        jobs.retry(job.id)
    jobs.cancel(again.id)
    assert jobs.retry(job.id).state == "queued"


def test_an_idempotency_key_names_one_job_for_ever(jobs):
    job = submit(jobs, idempotency_key="k")
    taken = jobs.claim(ME)
    jobs.finish(job.id, taken.attempt, "done")
    same, new = jobs.submit({"video": "a.mkv"}, idempotency_key="k")
    assert (same.id, same.state, new) == (job.id, "done", False)
    with pytest.raises(IdempotencyError):
        submit(jobs, "b", idempotency_key="k")
    assert len(jobs.list().items) == 1


def test_waiting_jobs_are_cancelled_at_once_and_running_ones_are_asked(jobs):
    waiting, running = submit(jobs, "a", priority=-1), submit(jobs, "b")
    taken = jobs.claim(ME)
    assert jobs.cancel(waiting.id).state == "cancelled"
    asked = jobs.cancel(running.id)
    assert (asked.state, asked.cancel_requested) == ("running", True)
    assert jobs.cancel(running.id) == asked
    assert jobs.beat(running.id, taken.attempt).cancel_requested
    assert jobs.finish(running.id, taken.attempt, "cancelled").state == "cancelled"
    assert jobs.claim(ME) is None
    done = submit(jobs, "c")
    jobs.finish(done.id, jobs.claim(ME).attempt, "done")
    with pytest.raises(JobError):
        jobs.cancel(done.id)


def test_a_worker_that_was_thought_dead_must_stop(jobs, clock):
    job = submit(jobs)
    first = jobs.claim(ME)
    clock.now = 1031.0
    assert [one.id for one in jobs.silent(30)] == [job.id]
    jobs.lose(job.id, first.attempt)
    second = jobs.claim(Worker(host="there", pid=2, started="0"))
    assert (second.id, second.attempt, second.losses) == (job.id, 2, 1)
    for late in (lambda: jobs.beat(job.id, 1), lambda: jobs.finish(job.id, 1, "done"), lambda: jobs.release(job.id, 1), lambda: jobs.lose(job.id, 1)):
        with pytest.raises(LostJob):
            late()
    assert jobs.silent(30) == []


def test_an_end_may_be_told_twice(jobs):
    job = submit(jobs)
    jobs.claim(ME)
    assert jobs.finish(job.id, 1, "done", {"a": 1}) == jobs.finish(job.id, 1, "done", {"a": 1})


def test_a_sign_of_life_is_no_event(jobs):
    job = submit(jobs)
    jobs.claim(ME)
    for _ in range(3):
        jobs.beat(job.id, 1)
        jobs.beat(job.id, 1, Progress(stage="analyze", done=1, total=2))
    assert [event.id for event in jobs.events(job.id)] == [1, 2, 3]


def test_old_events_go(jobs):
    job = submit(jobs)
    jobs.claim(ME)
    for n in range(KEPT_EVENTS + 20):
        jobs.beat(job.id, 1, Progress(stage="render", done=n, total=5000))
    ids = [event.id for event in jobs.events(job.id)]
    assert len(ids) == KEPT_EVENTS
    assert ids == sorted(set(ids))
    assert ids[-1] == jobs.get(job.id).version


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_pages_hold_every_job_once_newest_first(jobs, limit):
    ids = [submit(jobs, str(n)).id for n in range(7)]
    jobs.cancel(ids[3])
    for state, expected in ((None, ids[::-1]), ("queued", [*ids[:3], *ids[4:]][::-1]), ("cancelled", [ids[3]])):
        seen, cursor = [], None
        while True:
            page = jobs.list(state, limit, cursor)
            seen += [job.id for job in page.items]
            if (cursor := page.next) is None:
                break
        assert seen == expected
    assert jobs.counts() == {"queued": 6, "running": 0, "done": 0, "failed": 0, "cancelled": 1}


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 501}, {"state": "lost"}, {"cursor": "x"}, {"cursor": "-1"}, {"cursor": "9" * 40}, {"cursor": "²"}])
def test_a_wrong_page_is_refused(jobs, wrong):
    with pytest.raises(InputError):
        jobs.list(**wrong)


def test_only_old_finished_records_expire(jobs, clock):
    old, active, running = submit(jobs, "old", priority=9, idempotency_key="k"), submit(jobs, "active"), submit(jobs, "running", priority=5)
    jobs.finish(old.id, jobs.claim(ME).attempt, "done")
    jobs.claim(ME)
    clock.now = 1100.0
    fresh = submit(jobs, "fresh")
    jobs.cancel(fresh.id)
    assert [job.id for job in jobs.expire(50)] == [old.id]
    assert jobs.expire(50) == []
    assert [job.id for job in jobs.list().items] == [fresh.id, running.id, active.id]
    with pytest.raises(NoSuchJob):
        jobs.events(old.id)
    assert jobs.submit({"video": "old.mkv"}, idempotency_key="k")[1]
    assert jobs.counts()["done"] == 0


def test_whoever_waits_for_longest_is_found_whatever_its_priority(jobs, clock):
    assert jobs.oldest() is None
    first = submit(jobs)
    for name, priority in (("low", -100), ("b", 0), ("high", 100), ("c", 0)):
        clock.now += 1
        submit(jobs, name, priority=priority)
    assert jobs.oldest().id == first.id
    jobs.cancel(first.id)
    assert jobs.oldest().parameters["video"] == "low.mkv"
    clock.now += 1
    jobs.retry(first.id)  # it is the youngest again
    for name in ("high", "b", "c", "a"):
        assert jobs.claim(ME).parameters["video"] == f"{name}.mkv"
        assert jobs.oldest().parameters["video"] == "low.mkv"
    assert (jobs.claim(ME).parameters["video"], jobs.oldest()) == ("low.mkv", None)


def test_what_ended_since_a_moment_comes_in_the_order_of_its_end(jobs, clock):
    waits, *others = [submit(jobs, name) for name in "abcd"]
    for job in reversed(others):
        clock.now += 1
        jobs.cancel(job.id)
    assert [job.id for job in jobs.ended(1000)] == [job.id for job in reversed(others)]
    assert [job.id for job in jobs.ended(1002)] == [others[1].id, others[0].id]
    assert jobs.ended(1004) == []
    jobs.retry(others[0].id)
    assert [job.id for job in jobs.ended(1002)] == [others[1].id]
    assert jobs.get(waits.id).state == "queued"


def test_records_outlive_the_program(address):
    first = opened(address)
    job = submit(first)
    first.close()
    second = opened(address)
    assert second.get(job.id) == job
    second.close()


def test_a_folder_is_handed_in_by_episode(jobs, tmp_path):
    for name in ("b/Show.S02E01.mkv", "Show.S01E10.mp4", "Show.S01E09.mkv", "Show.S01E09.srt", ".hidden.mkv"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name).touch()
    submitted = submit_folder(jobs, tmp_path / "videos", {"level": "B1"})
    assert [Path(job.parameters["video"]).name for job, _ in submitted] == ["Show.S01E09.mkv", "Show.S01E10.mp4", "Show.S02E01.mkv"]
    assert [new for _, new in submit_folder(jobs, tmp_path / "videos", {"level": "B1"})] == [False] * 3
    for wrong in ("nowhere", "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(InputError):
            videos_in(tmp_path / wrong)


def test_ten_thousand_jobs_are_listed_in_time(jobs):
    if isinstance(jobs, RedisJobs):
        jobs._client.config_set("appendfsync", "no")  # only to fill it quickly
    for n in range(10_000):
        job, _ = jobs._insert(new_job({"video": f"{n}.mkv"}, n))
        if jobs.__class__ is LocalJobs and n == 0:
            jobs._file.connection().execute("PRAGMA synchronous = off")
        if n % 100 == 0:
            jobs.cancel(job.id)
    for ask in (lambda: jobs.list(), lambda: jobs.list("cancelled"), lambda: jobs.list("queued", 50, "200"), lambda: jobs.counts(), lambda: jobs.get(job.id), lambda: jobs.oldest()):
        times = []
        for _ in range(5):
            began = time.perf_counter()
            ask()
            times.append(time.perf_counter() - began)
        assert sorted(times)[2] < 0.1


# Many processes

WORKER = """
import random, sys
sys.path.insert(0, sys.argv[1])
from jobs_at_work import opened
from langflix.job import JobError, Progress, Worker
jobs, number = opened(sys.argv[2]), int(sys.argv[3])
dice = random.Random(number)
me = Worker(host="fuzz", pid=number, started="0")
empty = 0
while empty < 20:
    job = jobs.claim(me)
    if job is None:
        empty += 1
        continue
    print("start", job.id, job.attempt, number, flush=True)
    end = dice.choice(["done", "done", "failed", "release", "lose", "stop"])
    try:
        jobs.beat(job.id, job.attempt, Progress(stage="render", done=dice.randrange(9), total=9))
        if dice.random() < 0.2:
            jobs.cancel(job.id)
        if end in ("release", "lose"):
            getattr(jobs, end)(job.id, job.attempt)
        elif end == "stop":
            jobs.finish(job.id, job.attempt, "cancelled")
        else:
            jobs.finish(job.id, job.attempt, end)
        print(end, job.id, job.attempt, number, flush=True)
    except JobError as error:
        print("error", job.id, job.attempt, type(error).__name__, flush=True)
    if dice.random() < 0.3:
        try:
            jobs.retry(job.id) if dice.random() < 0.5 else jobs.submit(job.parameters)
        except JobError:
            pass
    if int(dice.random() * 100) == 0:
        break
"""


def run_workers(address, count, source=WORKER, *more):
    command = [sys.executable, "-c", source, str(Path(__file__).parent), address]
    return [subprocess.Popen([*command, str(n), *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for n in range(count)]


def test_no_job_is_started_twice_at_once(jobs, address):
    for n in range(60):
        submit(jobs, str(n), priority=n % 3)
    workers = run_workers(address, 5)
    said = [worker.communicate() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 5, [error for _, error in said]
    lines = [line.split() for text, _ in said for line in text.splitlines()]
    starts = [(job, attempt) for word, job, attempt, _ in lines if word == "start"]
    assert len(starts) == len(set(starts))  # no start was given to two workers
    assert not [line for line in lines if line[0] == "error"]  # and nobody lost what was his
    for job in jobs.list(limit=500).items:
        ids = [event.id for event in jobs.events(job.id)]
        assert ids == list(range(1, len(ids) + 1))  # each change was told once, in order
        assert sum(1 for one, _ in starts if one == job.id) == job.attempt
        states = [event.state for event in jobs.events(job.id)]
        assert all(b == a or b in TRANSITIONS[a] for a, b in itertools.pairwise(states))
    active = [job.key for job in jobs.list(limit=500).items if job.state not in FINISHED]
    assert len(active) == len(set(active))


SUBMITTER = """
import sys
sys.path.insert(0, sys.argv[1])
from jobs_at_work import opened
jobs = opened(sys.argv[2])
for n in range(30):
    job, new = jobs.submit({"video": f"{n}.mkv"}, idempotency_key=f"key {n}" if n % 2 else None)
    print(n, job.id, new, flush=True)
"""


def test_the_same_request_from_many_is_one_job(jobs, address):
    workers = run_workers(address, 6, SUBMITTER)
    said = [worker.communicate() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 6, [error for _, error in said]
    lines = [line.split() for text, _ in said for line in text.splitlines()]
    assert len({job for _, job, _ in lines}) == 30
    assert sum(new == "True" for _, _, new in lines) == 30
    assert sum(jobs.counts().values()) == 30


def test_workers_that_are_killed_leave_a_whole_store(jobs, address):
    for n in range(200):
        submit(jobs, str(n))
    for _ in range(3):
        workers = run_workers(address, 3)
        for worker in workers:
            worker.stdout.readline()  # it is at work
            worker.send_signal(signal.SIGKILL)
            worker.communicate()
    for job in jobs.running():
        jobs.lose(job.id, job.attempt)
    assert sum(jobs.counts().values()) >= 200
    assert jobs.counts()["running"] == 0
    for job in jobs.list(limit=500).items:
        assert [event.id for event in jobs.events(job.id)] == list(range(1, job.version + 1))
    while job := jobs.claim(ME):
        jobs.finish(job.id, job.attempt, "done")
    assert jobs.counts()["queued"] == 0


# Stores that fail


def test_a_redis_that_comes_back_has_lost_nothing(tmp_path):
    with redis_server() as own:
        jobs = RedisJobs(own.url, timeout_s=1)
        job = submit(jobs)
        taken = jobs.claim(ME)
        own.kill()
        for call in (lambda: jobs.beat(job.id, 1), lambda: jobs.claim(ME), lambda: jobs.ping(), lambda: submit(jobs, "b"), lambda: jobs.list()):
            with pytest.raises(JobStoreError, match="cannot be reached") as told:
                call()
            assert told.value.hint
        own.start()
        assert jobs.beat(job.id, taken.attempt).state == "running"
        jobs.close()


def test_a_full_redis_is_told_and_recovers(tmp_path):
    with redis_server("--maxmemory-policy", "noeviction") as own:
        jobs = RedisJobs(own.url)
        job = submit(jobs)
        jobs._client.config_set("maxmemory", "1")
        with pytest.raises(JobStoreError, match="no memory left"):
            submit(jobs, "b")
        with pytest.raises(JobStoreError, match="no memory left"):
            jobs.ping()
        assert jobs.get(job.id) == job
        jobs._client.config_set("maxmemory", "0")
        assert submit(jobs, "b").number > job.number
        jobs.close()


def test_a_replica_is_told(redis):
    with redis_server("--replicaof", "127.0.0.1", str(redis.port)) as replica:
        jobs = RedisJobs(replica.url)
        with pytest.raises(JobStoreError, match="only be read"):
            jobs.ping()
        jobs.close()


def test_a_wrong_password_is_told_without_repeating_it():
    with redis_server() as own:
        RedisJobs(own.url)._client.config_set("requirepass", "right")
        for url in (f"redis://:secret@127.0.0.1:{own.port}/0", own.url):
            with pytest.raises(JobStoreError) as told:
                RedisJobs(url).ping()
            assert "secret" not in str(told.value)
            assert "password" in str(told.value)


@pytest.mark.parametrize("url", ["nonsense", "http://:secret@x", "redis://:secret@x:port/0"])
def test_a_wrong_address_is_refused(url):
    with pytest.raises(SettingsError) as told:
        RedisJobs(url)
    assert "secret" not in str(told.value)


def test_a_locked_file_is_told(tmp_path):
    jobs = LocalJobs(tmp_path / "jobs.db", timeout_s=0.1)
    job = submit(jobs)
    with sqlite3.connect(tmp_path / "jobs.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JobStoreError, match="locked"):
            submit(jobs, "b")
        other.execute("ROLLBACK")
    assert jobs.get(job.id) == job
    submit(jobs, "b")
    jobs.close()


def test_a_file_that_is_no_store_or_a_newer_one_is_told(tmp_path):
    (tmp_path / "wrong.db").write_bytes(b"no database" * 1000)
    with pytest.raises(JobStoreError, match="not a store of jobs"):
        LocalJobs(tmp_path / "wrong.db")
    LocalJobs(tmp_path / "new.db").close()
    with sqlite3.connect(tmp_path / "new.db") as plain:
        plain.execute("PRAGMA user_version = 99")
    with pytest.raises(JobStoreError, match="newer LangFlix"):
        LocalJobs(tmp_path / "new.db")
    (tmp_path / "file").write_text("")
    with pytest.raises(JobStoreError, match="cannot be made"):
        LocalJobs(tmp_path / "file" / "jobs.db")


def test_the_settings_choose_the_store(tmp_path, redis):
    local = open_jobs(Settings(paths={"output": tmp_path / "out"}))
    assert (tmp_path / "out" / ".jobs" / "jobs.db").is_file()
    local.close()
    far = open_jobs(Settings(redis={"url": redis.url}))
    assert isinstance(far, RedisJobs)
    far.close()


def test_a_forked_process_uses_its_own_connection(tmp_path):
    jobs = LocalJobs(tmp_path / "jobs.db")
    submit(jobs)
    child = os.fork()
    if child == 0:
        jobs.cancel(jobs.list().items[0].id)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert jobs.counts()["cancelled"] == 1
    jobs.close()


def test_parameters_have_one_key_in_any_order():
    assert parameters_key(json.loads('{"a": 1, "video": "é"}')) == parameters_key({"video": "é", "a": 1, "subs": None})
    assert parameters_key({"video": "a"}) != parameters_key({"video": "a", "save_output": True})
