"""Jobs run in real processes: bounded, cancelled in time, resumed after any death, with nothing left behind and nothing paid twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest
from jobs_at_work import STEPS, command, opened
from servers import redis_server

from langflix import attempts, job_run, warden
from langflix import runner as room
from langflix.config import Settings
from langflix.job import MAX_LOSSES, NoSuchJob
from langflix.lost_jobs import Every
from langflix.processes import children, end_marked, marked, started, this_host
from langflix.runner import Runner
from langflix.warden import STOPPED, warden_command

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are watched through /proc")


@pytest.fixture
def start(jobs, tmp_path):
    "Starts runners in this process, and stops them."
    runners = []

    def make(**own):
        settings = Settings(paths={"output": tmp_path / "out"}, jobs=own)
        runners.append(Runner(settings, jobs, make_command=command))
        runners[-1].start()
        return runners[-1]

    yield make
    for one in runners:
        one.stop()


def submit(jobs, name="a", **ask):
    return jobs.submit({"video": f"{name}.mkv", "settings": ask})[0]


def wait(condition, within_s=120):
    end = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return found


def ended(jobs, job, within_s=120):
    return wait(lambda: (now := jobs.get(job.id)).is_finished and now, within_s)


def folder(tmp_path, job):
    return tmp_path / "out" / ".jobs" / job.id


# One job


def test_a_job_runs_and_tells(jobs, start, tmp_path):
    start()
    job = ended(jobs, submit(jobs))
    assert (job.state, job.result["lessons"], job.error) == ("done", STEPS, None)
    assert job.progress.done == STEPS
    stages = [event.progress.stage for event in jobs.events(job.id)]
    assert stages[-1] == "render"
    assert marked(job.id) == set()
    given = json.loads((folder(tmp_path, job) / "parameters.json").read_text())
    assert given["out"] == str((tmp_path / "out").resolve())


def test_a_job_that_fails_says_why(jobs, start):
    start()
    job = ended(jobs, submit(jobs, error="no space is left"))
    assert (job.state, job.error.message, job.error.hint, job.error.kind) == ("failed", "no space is left", "Mend it.", "run")
    wrong = ended(jobs, submit(jobs, "b", wrong=True))
    assert (wrong.state, wrong.error.message, wrong.error.hint, wrong.error.kind) == ("failed", "this video is no video", "Give another one.", "start")
    assert wrong.attempt == 1


def test_a_job_that_takes_too_much_memory_is_ended(jobs, start):
    start(memory_mb=256)
    job = ended(jobs, submit(jobs, eat_mb=600, hang=True))
    assert (job.state, job.error.kind) == ("failed", "memory")
    assert marked(job.id) == set()


@pytest.mark.parametrize("deaf", [False, True])
def test_a_cancelled_job_stops_and_can_be_resumed(jobs, start, tmp_path, deaf):
    start()
    job = submit(jobs, hang=True, deaf=deaf)
    wait(lambda: jobs.get(job.id).progress.done == STEPS)
    assert len(marked(job.id)) >= 4  # warden, job and two helpers
    jobs.cancel(job.id)
    job = ended(jobs, job)
    assert (job.state, marked(job.id)) == ("cancelled", set())
    jobs.retry(job.id)
    wait(lambda: jobs.get(job.id).progress.done == STEPS)
    assert (folder(tmp_path, job) / "paid").read_text().split() == [str(n) for n in range(1, STEPS + 1)]
    jobs.cancel(job.id)
    ended(jobs, job)


def test_the_waits_of_a_cancel_fit_into_three_seconds():
    assert attempts._ASK_S + job_run._STOP_S <= 3  # the store is asked, and then the warden is killed if it does not obey
    assert warden._GRACE_S + warden._LOOK_S < job_run._STOP_S  # before that it kills what does not stop by itself


def test_so_many_run_at_once_and_no_more(jobs, start):
    runner = start(slots=2)
    submitted = [submit(jobs, str(n), hang=True) for n in range(4)]
    wait(lambda: jobs.counts()["running"] == 2)
    for _ in range(10):
        assert len(runner.state.running) <= 2
        assert jobs.counts()["running"] <= 2
        runner_ids = {job_id for job_id, _, _ in runner.state.running}
        time.sleep(0.05)
    assert runner_ids == {submitted[0].id, submitted[1].id}
    for job in submitted:
        jobs.cancel(job.id)
    for job in submitted:
        ended(jobs, job)


def test_a_runner_without_slots_starts_nothing(jobs, tmp_path):
    runner = Runner(Settings(paths={"output": tmp_path / "out"}, jobs={"slots": 0}), jobs, make_command=command)
    job = submit(jobs)
    for _ in range(3):
        runner.step()
    assert jobs.get(job.id).state == "queued"


def test_a_job_keeps_to_its_processors(jobs, start):
    start(slots=1, threads=1)
    job = submit(jobs, hang=True)
    wait(lambda: jobs.get(job.id).progress.done == STEPS)
    assert {len(os.sched_getaffinity(pid)) for pid in marked(job.id)} == {1}
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert {os.getpriority(os.PRIO_PROCESS, pid) for pid in marked(job.id)} == {min(own + 10, 19)}
    jobs.cancel(job.id)
    ended(jobs, job)


def _group(pid):
    "How nice the session of a process is, where the system shares its processors out by session."
    try:
        words = Path(f"/proc/{pid}/autogroup").read_text().split()
    except FileNotFoundError:
        return None  # this system shares them out by process alone
    return int(words[-1]) if words else None  # a process that no session was begun for is in no group


def test_every_session_of_a_job_stands_behind_the_server(jobs, start):
    own = _group(os.getpid())
    start(slots=1, nice=7)
    job = submit(jobs, hang=True)
    wait(lambda: jobs.get(job.id).progress.done == STEPS)
    mine = marked(job.id)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert {os.getpriority(os.PRIO_PROCESS, pid) for pid in mine} == {min(before + 7, 19)}
    assert len({os.getsid(pid) for pid in mine}) >= 4  # warden, job and two helpers
    wait(lambda: {_group(pid) for pid in mine} in ({7}, {None}))
    assert _group(os.getpid()) == own
    jobs.cancel(job.id)
    ended(jobs, job)


def test_old_records_go_and_their_logs_with_them(jobs, start, tmp_path, monkeypatch):
    runner = start(keep_days=1)
    job = ended(jobs, submit(jobs))
    (tmp_path / "out" / "a").mkdir()
    monkeypatch.setattr(jobs, "now", lambda: time.time() + 2 * 86_400)
    runner._expires = Every(0)
    with pytest.raises(NoSuchJob):
        wait(lambda: jobs.get(job.id) is None)
    wait(lambda: not folder(tmp_path, job).exists())
    assert (tmp_path / "out" / "a").is_dir()


BLINK = """
from langflix.progress import Events
events = Events.from_environment()
events.tell("start")
for stage, n in (("read", 1), ("analyze", 1), ("analyze", 2), ("render", 1)):
    events(stage, n, 2, "")
events.tell("end", exit_status={status}, error="x", hint="")
"""


@pytest.mark.parametrize(("status", "state"), [(0, "done"), (1, "failed")])
def test_every_stage_is_timed_however_short_it_is(jobs, tmp_path, status, state):
    runner = Runner(Settings(paths={"output": tmp_path / "out"}), jobs, make_command=lambda folder: [sys.executable, "-c", BLINK.format(status=status)])
    runner.start()
    job = ended(jobs, submit(jobs))
    runner.stop()
    assert (job.state, set(job.result["stage_s"])) == (state, {"read", "analyze", "render"})
    assert 0 <= sum(job.result["stage_s"].values()) <= job.finished_at - job.started_at


# Deaths


def test_a_stopped_server_gives_its_jobs_back(jobs, start, tmp_path):
    job = submit(jobs, hang=True)
    runner = start()
    wait(lambda: jobs.get(job.id).progress.done >= 2)
    runner.stop()
    assert (jobs.get(job.id).state, jobs.get(job.id).losses, marked(job.id)) == ("queued", 0, set())


def test_a_job_that_dies_is_resumed_and_at_last_given_up(jobs, start, tmp_path):
    start()
    job = ended(jobs, submit(jobs, die_at=3), 60)
    assert (job.state, job.error.kind, job.attempt) == ("failed", "lost", MAX_LOSSES)
    assert (folder(tmp_path, job) / "paid").read_text().split() == ["1", "2", "3"]
    assert marked(job.id) == set()


def test_a_job_that_is_killed_before_its_first_word_is_resumed(jobs, start):
    start()
    job = submit(jobs)
    pid = wait(lambda: next((pid for pid in marked(job.id) if b"jobs_at_work" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1]), None))
    os.kill(pid, signal.SIGKILL)
    job = ended(jobs, job)
    assert (job.state, job.losses) == ("done", 1)


def test_a_killed_warden_leaves_nothing_behind(jobs, start):
    runner = start()
    job = submit(jobs, step_s=0.3)
    wait(lambda: jobs.get(job.id).progress.done >= 1)
    ((_, pid, _),) = runner.state.running
    os.kill(pid, signal.SIGKILL)
    job = ended(jobs, job)
    assert (job.state, job.losses, marked(job.id)) == ("done", 1, set())


class Server:
    "A real server process that runs jobs."

    def __init__(self, address, out, slots=2, lease_s=30.0):
        words = [sys.executable, Path(__file__).with_name("jobs_at_work.py"), "server", address, out, slots, lease_s]
        self.process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.communicate()


def test_jobs_of_a_killed_server_die_with_it_and_are_taken_up_at_once(jobs, address, tmp_path):
    job = submit(jobs, step_s=0.3)
    server = Server(address, tmp_path / "out")
    wait(lambda: jobs.get(job.id).progress.done >= 2)
    server.kill()
    wait(lambda: not marked(job.id), 5)  # although nobody cleaned up
    assert jobs.get(job.id).state == "running"
    server = Server(address, tmp_path / "out")
    job = ended(jobs, job)
    server.kill(signal.SIGTERM)
    assert (job.state, job.losses) == ("done", 1)
    assert Counter((folder(tmp_path, job) / "paid").read_text().split()) == {str(n): 1 for n in range(1, STEPS + 1)}


def test_a_worker_elsewhere_that_is_silent_is_thought_dead_after_its_lease(jobs, address, tmp_path, start):
    job = submit(jobs)
    jobs.claim(jobs_worker("elsewhere"))
    server = Server(address, tmp_path / "out", lease_s=1.0)
    job = ended(jobs, job)
    server.kill()
    assert (job.state, job.attempt, job.losses) == ("done", 2, 1)


def test_a_worker_elsewhere_that_gives_signs_is_left_alone(jobs, address, tmp_path):
    job = submit(jobs)
    taken = jobs.claim(jobs_worker("elsewhere"))
    server = Server(address, tmp_path / "out", lease_s=3.0)
    for _ in range(70):
        jobs.beat(job.id, taken.attempt)
        time.sleep(0.1)
    server.kill()
    assert (jobs.get(job.id).state, jobs.get(job.id).attempt) == ("running", 1)


def jobs_worker(host):
    return room.Worker(host=host, pid=1, started="0")


def test_two_servers_share_the_work(jobs, address, tmp_path):
    submitted = [submit(jobs, str(n)) for n in range(10)]
    servers = [Server(address, tmp_path / "out") for _ in range(2)]
    done = [ended(jobs, job) for job in submitted]
    for server in servers:
        server.kill(signal.SIGTERM)
    assert {(job.state, job.attempt) for job in done} == {("done", 1)}
    assert all((folder(tmp_path, job) / "starts").read_text().count("\n") == 1 for job in done)


def test_whatever_is_killed_every_job_ends_once(jobs, address, tmp_path):
    dice = random.Random(7)
    submitted = [submit(jobs, str(n), step_s=0.1, error="x" if n % 5 == 4 else "") for n in range(10)]
    server = Server(address, tmp_path / "out")
    for _ in range(10):
        time.sleep(dice.random() * 0.8)
        if dice.random() < 0.4:
            server.kill(dice.choice([signal.SIGKILL, signal.SIGTERM]))
            server = Server(address, tmp_path / "out")
        elif victims := sorted(pid for job in jobs.running() for pid in marked(job.id)):
            pid = dice.choice(victims)
            if started(pid):
                os.kill(pid, signal.SIGKILL)
    done = [ended(jobs, job) for job in submitted]
    server.kill(signal.SIGTERM)
    for n, job in enumerate(done):
        ends = [event for event in jobs.events(job.id) if event.state in ("done", "failed", "cancelled")]
        assert [event.state for event in ends] == [job.state]
        assert job.state == ("failed" if n % 5 == 4 else "done") or job.error.kind == "lost"
        assert set(Counter((folder(tmp_path, job) / "paid").read_text().split()).values()) == {1}  # each step once
        assert marked(job.id) == set()


def test_a_job_goes_on_while_the_store_is_away(tmp_path):
    with redis_server() as own:
        jobs = opened(own.url)
        runner = Runner(Settings(paths={"output": tmp_path / "out"}), jobs, make_command=command)
        runner.start()
        job = submit(jobs, step_s=0.2)
        wait(lambda: jobs.get(job.id).progress.done >= 1)
        own.kill()
        wait(lambda: runner.state.problem)
        wait(lambda: (folder(tmp_path, job) / f"step{STEPS}").exists())  # it went on
        own.start()
        job = ended(jobs, job)
        wait(lambda: not runner.state.problem)
        runner.stop()
        jobs.close()
        assert (job.state, job.attempt, job.losses) == ("done", 1, 0)


def test_a_full_disk_or_a_wrong_folder_fails_the_job_with_its_reason(jobs, tmp_path):
    (tmp_path / "out").write_text("a file where the folder should be")
    runner = Runner(Settings(paths={"output": tmp_path / "out"}), jobs, make_command=command)
    job = submit(jobs)
    runner.step()
    job = jobs.get(job.id)
    assert (job.state, job.error.kind) == ("failed", "start")
    assert job.error.hint


# The warden and the marks


@pytest.fixture
def mark():
    "A mark that no process of this machine bears."
    return f"{uuid.uuid4().hex}-"


def under_warden(code, mark="none-"):
    "A program under a warden, in a session of its own as the runner starts it: the warden puts the session that it is in behind all others."
    environment = {**os.environ, "LANGFLIX_JOB": f"{mark}1"}
    return subprocess.Popen(warden_command([sys.executable, "-c", code]), env=environment, start_new_session=True)


def test_the_warden_passes_the_status_on():
    own = _group(os.getpid())
    for code, expected in (("import sys; sys.exit(0)", 0), ("import sys; sys.exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)):
        assert under_warden(code).wait() == expected
    assert _group(os.getpid()) == own


def test_the_warden_ends_what_a_job_leaves_behind(mark):
    code = "import subprocess; subprocess.Popen(['sleep', '300'], start_new_session=True)"
    assert under_warden(code, mark).wait() == 0
    assert marked(mark) == set()


def test_the_warden_that_is_told_to_stop_ends_everything(mark):
    code = "import subprocess; subprocess.Popen(['sleep', '300'], start_new_session=True); subprocess.run(['sleep', '300'])"
    process = under_warden(code, mark)
    wait(lambda: len(marked(mark)) == 4)
    assert len(children(process.pid)) == 3
    process.terminate()
    assert process.wait(60) == STOPPED
    assert marked(mark) == set()


def test_only_the_marked_are_ended(mark):
    other = subprocess.Popen(["sleep", "300"], env={**os.environ, "LANGFLIX_JOB": f"other-{mark}1"})
    own = subprocess.Popen(["sleep", "300"], env={**os.environ, "LANGFLIX_JOB": f"own-{mark}1"})
    wait(lambda: marked(f"own-{mark}") and marked(f"other-{mark}"))
    assert end_marked(f"own-{mark}")
    assert own.wait() == -9
    assert other.poll() is None
    other.kill()
    assert other.wait() == -9
    assert started(other.pid) is None


def test_a_host_is_known_by_more_than_its_name():
    assert this_host() == this_host()
    assert this_host().count("/") == 2
