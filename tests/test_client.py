"""The client against a server that answers as services do on bad days, and against a real service."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from service import SAMPLE, TOKENS, Service

from langflix.client import HttpJobs, job_of
from langflix.config import Settings
from langflix.core import InputError
from langflix.job import JobError, JobStoreError, NoSuchJob, Progress, Worker
from langflix.jobs import open_jobs
from langflix.views import view_of

JOB = "01939a8f2c5bd41d8cd98f00"


class Odd(BaseHTTPRequestHandler):
    "Answers what the test wants, and remembers what was asked."

    def do_GET(self):
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        self.rfile.read(int(self.headers.get("content-length", 0)))
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_PUT = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def odd():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    server.asked, server.answer = [], (200, {"content-length": "2"}, b"{}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(odd):
    made = HttpJobs(f"{odd.url}/base/", "lf_secret")
    yield made
    made.close()


def answers(odd, status, told=None, body=None, **headers):
    body = json.dumps(told).encode() if body is None else body
    odd.answer = (status, {"content-length": str(len(body)), **headers}, body)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Service(tmp_path_factory.mktemp("service"), jobs={"slots": 0})
    running.add_episode()
    yield running.start()
    running.end()


@pytest.fixture
def real(service):
    made = HttpJobs(service.url, TOKENS["boss"])
    yield made
    made.close()


# What refusals mean


@pytest.mark.parametrize(("status", "kind", "error"), [
    (404, "no-such-job", NoSuchJob), (409, "job-state", JobError), (401, "no-token", InputError), (403, "scope", InputError), (422, "input", InputError), (413, "too-large", InputError),
    (429, "too-many", JobStoreError), (500, "failed", JobStoreError), (503, "jobs-unavailable", JobStoreError), (507, "no-room", JobStoreError),
])  # fmt: skip
def test_a_refusal_is_what_a_store_would_raise(odd, client, status, kind, error):
    answers(odd, status, {"type": f"/problems/{kind}", "detail": "what happened", "hint": "what mends it"})
    with pytest.raises(error) as caught:
        client.get(JOB)
    assert (caught.value.message, caught.value.hint) == ("what happened", "what mends it")


@pytest.mark.parametrize("body", [b"", b"<h1>Bad Gateway</h1>", b"\xff\xfe"])
def test_a_proxys_own_word_is_told_by_its_status(odd, client, body):
    answers(odd, 502, body=body)
    with pytest.raises(JobStoreError, match="answered 502"):
        client.get(JOB)


@pytest.mark.parametrize("ask", [lambda c: c.get(JOB), lambda c: c.submit({}), lambda c: list(c.watch(JOB)), lambda c: c.health(), lambda c: c.media()])
def test_a_service_that_is_not_there_is_named(odd, client, ask):
    odd.shutdown()
    odd.server_close()
    with pytest.raises(JobStoreError) as caught:
        ask(client)
    assert odd.url in caught.value.message
    assert "lf_secret" not in f"{caught.value.message} {caught.value.hint}"


# What is asked


@pytest.mark.parametrize("name", ["../health", "a/b", "a?b", "a#b", "ü", ".."])
def test_a_name_stays_in_its_place(odd, client, name):
    answers(odd, 404, {"type": "/problems/no-such-job"})
    with pytest.raises(NoSuchJob):
        client.get(name)
    method, path, headers = odd.asked[-1]
    assert method == "GET"
    assert path.startswith("/base/api/v1/jobs") or name == ".."
    assert "?" not in path
    assert headers["authorization"] == "Bearer lf_secret"


def test_a_base_path_is_kept_and_links_are_whole(odd, client):
    answers(odd, 200, [{"path": "a.mp4", "url": "/api/v1/jobs/1/files/a.mp4?expires=1&signature=2"}])
    assert client.files(JOB)[0]["url"] == f"{odd.url}/base/api/v1/jobs/1/files/a.mp4?expires=1&signature=2"


def test_what_is_not_wanted_is_not_asked(odd, client):
    answers(odd, 200, {"items": [], "next": None})
    client.list(limit=7)
    assert odd.asked[-1][1].partition("?")[2] == "limit=7"
    client.expressions("carry on", level="B1", kind=None)
    assert odd.asked[-1][1].partition("?")[2] == "q=carry+on&level=B1"


# What comes


def test_a_download_that_breaks_off_is_told(odd, client, tmp_path):
    odd.answer = (200, {"content-length": "100000"}, b"half a film")
    with pytest.raises(JobStoreError, match="hung up"):
        client.download(JOB, "lessons/long/a.mp4", tmp_path / "a.mp4")
    answers(odd, 404, {"type": "/problems/not-found", "detail": "there is no such file"})
    with pytest.raises(InputError, match="no such file"):
        client.download(JOB, "lessons/long/b.mp4", tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


def test_a_stream_that_breaks_off_is_told_and_what_came_is_kept(odd, client):
    event = b'id: 1\nevent: progress\ndata: {"id": 1, "at": 1.0, "state": "running", "progress": {}}\n\n: still here\n\n'
    odd.answer = (200, {"content-length": "100000", "content-type": "text/event-stream"}, event)
    watching = client.watch(JOB)
    assert next(watching).id == 1
    with pytest.raises(JobStoreError, match="hung up"):
        next(watching)
    again = client.watch(JOB, after=1)
    next(again)
    again.close()
    assert odd.asked[-1][2]["last-event-id"] == "1"


def test_a_download_that_is_refused_makes_no_file(odd, client, tmp_path):
    answers(odd, 404, {"type": "/problems/no-such-file", "detail": "not there"})
    with pytest.raises(InputError, match="not there"):
        client.download(JOB, "lessons/a b.mp4", tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())
    assert odd.asked[-1][1].endswith("/files/lessons/a%20b.mp4")


def test_bad_health_is_an_answer_and_a_refusal_is_not(odd, client):
    answers(odd, 503, {"status": "down"})
    assert client.health() == {"status": "down"}
    answers(odd, 401, {"type": "/problems/no-token"})
    with pytest.raises(InputError):
        client.health()


def test_a_job_is_the_same_on_both_sides(tmp_path):
    store = open_jobs(Settings(paths={"output": tmp_path}))
    store.submit({"video": "sample", "level": "B1"}, priority=7)
    begun = store.claim(Worker(host="h", pid=1, started="s"))
    job = store.beat(begun.id, 1, Progress(stage="render", done=1, total=2))
    there = job_of(json.loads(view_of(job, Settings()).model_dump_json()))
    same = ("id", "parameters", "key", "state", "priority", "attempt", "progress", "result", "error", "cancel_requested")
    assert [getattr(there, name) for name in same] == [getattr(job, name) for name in same]
    assert there.started_at == pytest.approx(job.started_at, abs=1e-5)
    store.close()


# A real service


def test_a_real_service_answers_as_a_store_does(real, service):
    assert {one["path"] for one in real.media()} == {"Show.S01E01.mp4"}
    job, new = real.submit({"video": "sample"}, idempotency_key="k")
    assert (new, real.submit({"video": "sample"}, idempotency_key="k")) == (True, (job, False))
    assert real.get(job.id) == job
    assert [one.id for one in real.list("queued").items] == [job.id]
    with pytest.raises(JobError):
        real.retry(job.id)
    assert real.cancel(job.id).state == "cancelled"
    assert [event.state for event in real.watch(job.id)] == ["queued", "cancelled"]
    assert real.counts()["cancelled"] == 1
    with pytest.raises(NoSuchJob):
        real.get("0" * 24)


@pytest.mark.media
def test_what_is_uploaded_can_be_handed_in(real, tmp_path):
    video = tmp_path / "Ein Film – ü.mp4"
    video.write_bytes((SAMPLE / "sample.mp4").read_bytes())
    path = real.upload(video)
    assert path in {one["path"] for one in real.media()}
    assert real.submit({"video": path})[0].parameters["video"] == path
