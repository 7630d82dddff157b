"""The service over real HTTP: a job's whole life with files on this machine and with Redis, and every promise of its answers."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from servers import redis_server
from service import QUICK, SAMPLE, SHOW, TOKENS, Service, at_work, ended

from langflix.api import _news
from langflix.client import HttpJobs
from langflix.config import Settings
from langflix.core import SettingsError
from langflix.job import JobError, JobStoreError, NoSuchJob
from langflix.jobs import open_jobs
from langflix.listening import make_server
from langflix.local_jobs import LocalJobs
from langflix.processes import marked
from langflix.tokens import open_signer
from langflix.views import JobList, JobView

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("local"))
    service.add_episode()
    service.start()
    yield service
    service.end()


@pytest.fixture(scope="module")
def shared(tmp_path_factory, local):
    "On Redis; segments are those of the other one."
    with redis_server() as redis:
        place = tmp_path_factory.mktemp("shared")
        service = Service(place, redis={"url": redis.url}, paths={"cache": str(local.place / "cache")})
        service.redis = redis.url
        service.add_episode()
        service.start()
        yield service
        service.end()


@pytest.fixture(scope="module")
def idle(tmp_path_factory):
    "One that runs no jobs."
    service = Service(tmp_path_factory.mktemp("idle"), jobs={"slots": 0}, api={"max_upload_gb": 0.01, "patience_s": 1})
    for n in range(1, 4):
        service.add_episode(f"Other.S01E0{n}", video="sample.mp4")
    service.start()
    yield service
    service.end()


@pytest.fixture(params=["local", "shared"])
def service(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def http(idle):
    with idle.http() as client:
        yield client


def events(answer):
    "What a stream of events holds."
    for block in "".join(answer.iter_text()).split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in lines:
            yield int(lines["id"]), lines["event"], json.loads(lines["data"])


def finished_job(service):
    "The one job of the sample that this module runs on a service."
    with service.http() as client:
        answer = client.post("/api/v1/jobs", json={"parameters": {"video": f"{SHOW}.mp4", **QUICK}}, headers={"idempotency-key": "the-sample"})
        assert answer.status_code in (200, 201), answer.text
        return answer, ended(client, answer.json()["id"])


# A job's whole life


def test_a_job_has_a_whole_life(service):
    answer, job = finished_job(service)
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert job["state"] == "done", job["error"]
    assert (job["episode"], job["attempt"], job["parameters"]["video"]) == (SHOW, 1, f"{SHOW}.mp4")
    assert job["result"]["lessons"] == 1
    assert job["result"]["folder"] == SHOW
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    with service.http() as client:
        assert job["id"] in [one["id"] for one in client.get("/api/v1/jobs", params={"state": "done"}).json()["items"]]
        assert "Traceback" not in client.get(f"/api/v1/jobs/{job['id']}/log").text


def test_its_events_are_told_in_order_and_from_where_one_was(service):
    _, job = finished_job(service)
    with service.http("reader") as client:
        address = f"/api/v1/jobs/{job['id']}/events"
        with client.stream("GET", address) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            told = list(events(answer))
        numbers = [number for number, _, _ in told]
        assert numbers == sorted(set(numbers))
        assert [kind for _, kind, _ in told].count("end") == 1
        assert (told[0][2]["state"], told[-1][1], told[-1][2]["state"]) == ("queued", "end", "done")
        with client.stream("GET", address, headers={"last-event-id": str(numbers[2])}) as answer:
            assert [number for number, _, _ in events(answer)] == numbers[3:]


def test_events_come_while_it_runs_and_a_cancel_ends_it(shared):
    finished_job(shared)
    with shared.http() as client:
        wanted = {"video": f"{SHOW}.mp4", **QUICK, "max_expressions": 6, "formats": "short"}
        job = client.post("/api/v1/jobs", json={"parameters": wanted}).json()
        with client.stream("GET", f"/api/v1/jobs/{job['id']}/events") as answer:
            lines = answer.iter_lines()
            assert any('"state":"running"' in line for line in lines)
        at_work(client, job["id"], "analyze")
        assert client.delete(f"/api/v1/jobs/{job['id']}").status_code == 202
        assert ended(client, job["id"])["state"] == "cancelled"
        again = client.delete(f"/api/v1/jobs/{job['id']}")
        assert (again.status_code, again.json()["state"]) == (202, "cancelled")


def test_a_job_that_failed_says_why_and_can_be_tried_again(local):
    video = local.media / "Broken.S01E01.mp4"
    video.write_bytes(b"\0" * 5000)
    with local.http() as client:
        job = ended(client, client.post("/api/v1/jobs", json={"parameters": {"video": video.name, **QUICK}}).json()["id"])
        assert job["state"] == "failed"
        assert "Broken.S01E01.mp4 is not a video" in job["error"]["message"]
        assert job["error"]["hint"]
        again = client.post(f"/api/v1/jobs/{job['id']}/retry")
        assert (again.status_code, again.json()["state"], again.json()["error"]) == (202, "queued", None)
        client.delete(f"/api/v1/jobs/{job['id']}")
        ended(client, job["id"])


def test_the_client_does_what_a_store_does(service):
    _, done = finished_job(service)
    jobs = HttpJobs(service.url, TOKENS["boss"])
    job, new = jobs.submit({"video": f"{SHOW}.mp4", **QUICK}, idempotency_key="the-sample")
    assert (job.id, new, job.state) == (done["id"], False, "done")
    assert jobs.get(job.id) == job
    assert jobs.counts()["done"] >= 1
    assert job.id in [one.id for one in jobs.list("done", limit=10).items]
    told = list(jobs.watch(job.id))
    assert told[-1].state == "done"
    assert [event.id for event in jobs.watch(job.id, after=told[1].id)] == [event.id for event in told[2:]]
    lesson = next(one for one in jobs.files(job.id) if one["path"].endswith(".mp4"))
    saved = jobs.download(job.id, lesson["path"], service.place / "saved.mp4")
    assert saved.stat().st_size == lesson["bytes"]
    assert f"{SHOW}.mp4" in [one["path"] for one in jobs.media()]
    assert jobs.health()["parts"]["ffmpeg"]["state"] == "ok"
    assert len(jobs.expressions()["items"]) >= 1
    with pytest.raises(NoSuchJob):
        jobs.get("0123456789abcdef")
    jobs.close()


def test_the_client_tells_what_stops_it(idle, http):
    stranger = HttpJobs(idle.url, "lf_nobody")
    with pytest.raises(Exception, match="the token is not known"):
        stranger.ping()
    reader = HttpJobs(idle.url, TOKENS["reader"])
    with pytest.raises(Exception, match="the token reader may not run"):
        reader.submit({"video": "sample"})
    runner = HttpJobs(idle.url, TOKENS["runner"])
    job, _ = runner.submit({"video": "sample", "level": "C2"})
    with pytest.raises(JobError, match="has not ended"):
        runner.retry(job.id)
    assert runner.cancel(job.id).state == "cancelled"
    assert runner.retry(job.id).state == "queued"
    runner.cancel(job.id)
    path = runner.upload(SAMPLE / "sample.ko.srt")
    assert (idle.media / path).read_bytes() == (SAMPLE / "sample.ko.srt").read_bytes()
    with pytest.raises(JobStoreError, match="does not answer"):
        HttpJobs("http://127.0.0.1:1", None).ping()


def test_the_lines_of_the_manual_do_what_they_say(local, tmp_path):
    finished_job(local)
    for suffix in ("mp4", "en.srt"):
        (tmp_path / f"Show.S01E01.{suffix}").write_bytes((SAMPLE / f"sample.{suffix}").read_bytes())
    manual = (Path(__file__).parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
    script = "set -euo pipefail\n" + manual.partition("```bash\n")[2].partition("```")[0]
    run = subprocess.run(["bash", "-c", script], cwd=tmp_path, env={**os.environ, "URL": local.url, "TOKEN": TOKENS["runner"]}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "event: end" in run.stdout
    assert '"state":"done"' in run.stdout
    whole = (tmp_path / "lesson.mp4").read_bytes()
    assert (tmp_path / "linked.mp4").read_bytes() == whole
    assert (tmp_path / "part.mp4").read_bytes() == whole[:100]


# Files


@pytest.fixture(scope="module")
def lesson(local):
    "A lesson's address, its link, and its bytes."
    _, job = finished_job(local)
    with local.http() as client:
        entry = next(one for one in client.get(f"/api/v1/jobs/{job['id']}/files").json() if one["path"].startswith("lessons/long/") and one["path"].endswith(".mp4"))
        return f"/api/v1/jobs/{job['id']}/files/{entry['path']}", entry, (local.out / SHOW / entry["path"]).read_bytes()


def test_a_lesson_is_sent_whole_and_in_parts(local, lesson):
    address, entry, data = lesson
    with local.http("reader") as client:
        whole = client.get(address)
        assert (whole.status_code, whole.headers["content-type"], whole.headers["accept-ranges"]) == (200, "video/mp4", "bytes")
        assert whole.content == data
        assert entry["bytes"] == len(data)
        part = client.get(address, headers={"range": "bytes=100-199"})
        assert (part.status_code, part.headers["content-range"], part.content) == (206, f"bytes 100-199/{len(data)}", data[100:200])
        assert client.get(address, headers={"range": "bytes=-50"}).content == data[-50:]
        assert client.get(address, headers={"range": f"bytes={len(data) - 5}-"}).content == data[-5:]


def test_a_part_that_is_not_there_is_refused(local, lesson):
    address, _, data = lesson
    with local.http() as client:
        answer = client.get(address, headers={"range": f"bytes={len(data)}-"})
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(data)}")
        assert client.get(address, headers={"range": "bytes=9-1"}).status_code in (400, 416)
        assert client.get(address, headers={"range": "lines=1-2"}).status_code in (200, 400)


def test_what_has_not_changed_is_not_sent_again(local, lesson):
    address, _, data = lesson
    with local.http() as client:
        tag = client.get(address, headers={"range": "bytes=0-0"}).headers["etag"]
        for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = client.get(address, headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), known
        assert client.get(address, headers={"if-none-match": '"other"'}).status_code == 200
        assert client.get(address, headers={"range": "bytes=0-9", "if-range": tag}).status_code == 206
        changed = client.get(address, headers={"range": "bytes=0-9", "if-range": '"other"'})
        assert (changed.status_code, len(changed.content)) == (200, len(data))


def test_a_head_tells_without_sending(local, lesson):
    address, _, data = lesson
    with local.http() as client:
        answer = client.head(address)
        assert (answer.status_code, int(answer.headers["content-length"]), answer.content) == (200, len(data), b"")


def test_a_link_opens_one_file_without_a_token(local, lesson):
    address, entry, data = lesson
    with local.http(None) as nobody:
        assert nobody.get(address).status_code == 401
        assert nobody.get(entry["url"]).content == data
        assert nobody.get(entry["url"], headers={"range": "bytes=1-4"}).content == data[1:5]
        assert nobody.head(entry["url"]).status_code == 200
        query = entry["url"].partition("?")[2]
        assert nobody.get(address.rpartition("/")[0] + f"/other.mp4?{query}").status_code == 401
        assert nobody.get(f"/api/v1/jobs?{query}").status_code == 401
        assert nobody.delete(entry["url"]).status_code == 401
        assert nobody.get(entry["url"][:-1] + ("0" if entry["url"][-1] != "0" else "1")).status_code == 401
        assert nobody.get(f"{address}?expires=1{query.partition('=')[2]}").status_code == 401
        assert nobody.get(f"{entry['url']}&expires=99999999999").status_code == 401


def test_a_link_stops_working(local, lesson):
    address, _, _ = lesson
    old = open_signer(local.out / ".jobs" / "links.key").sign(address, time.time() - 1000)
    fresh = open_signer(local.out / ".jobs" / "links.key").sign(address)
    with local.http(None) as nobody:
        assert nobody.get(old).status_code == 401
        assert nobody.get(fresh).status_code == 200


def test_pages_of_a_job_are_kept_in_a_sandbox(local, lesson):
    address, _, _ = lesson
    with local.http() as client:
        report = client.get(address.partition("/lessons/")[0] + "/report.html")
        assert report.status_code == 200
        assert report.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
        for hidden in ("run.ipynb~", ".hidden", "no.mp4", "lessons", "", "../.jobs/jobs.db"):
            assert client.get(address.partition("lessons/")[0] + hidden).status_code in (400, 404)


def test_expressions_of_the_episode_are_found(local, lesson):
    with local.http("reader") as client:
        taught = json.loads((local.out / SHOW / "manifest.json").read_text())["groups"][0]["expressions"][0]["expression"]
        found = client.get("/api/v1/expressions", params={"q": taught}).json()["items"]
        assert [one["expression"] for one in found] == [taught]
        assert client.get("/api/v1/expressions", params={"q": "zzzz"}).json() == {"items": [], "next": None}
        assert [one["name"] for one in client.get("/api/v1/episodes").json()["items"]] == [SHOW]
        assert client.get("/api/v1/expressions", params={"level": "Z9"}).status_code == 422
        assert client.get("/api/v1/expressions", params={"cursor": "x"}).status_code == 422


# Handing in


def test_the_same_work_is_handed_in_once(http):
    asked = {"parameters": {"video": "Other.S01E01.mp4", "level": "A1"}}
    first = http.post("/api/v1/jobs", json=asked)
    second = http.post("/api/v1/jobs", json={**asked, "priority": 5})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


def test_an_idempotency_key_names_one_request(http):
    key = {"idempotency-key": "k-1"}
    asked = {"parameters": {"video": "Other.S01E01.mp4", "level": "A2"}}
    first = http.post("/api/v1/jobs", json=asked, headers=key)
    assert http.post("/api/v1/jobs", json=asked, headers=key).json()["id"] == first.json()["id"]
    other = http.post("/api/v1/jobs", json={"parameters": {"video": "sample"}}, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-used")


def test_a_folder_is_handed_in_at_once(http, idle):
    (idle.media / "Season 1").mkdir(exist_ok=True)
    for n in (2, 1):
        (idle.media / "Season 1" / f"Batch.S01E0{n}.mkv").write_bytes(b"x")
    answer = http.post("/api/v1/batches", json={"folder": "Season 1", "parameters": {"level": "B2"}})
    assert answer.status_code == 201
    assert [(one["job"]["parameters"]["video"], one["new"]) for one in answer.json()] == [(f"Season 1/Batch.S01E0{n}.mkv", True) for n in (1, 2)]
    again = http.post("/api/v1/batches", json={"folder": "Season 1", "parameters": {"level": "B2"}})
    assert [one["new"] for one in again.json()] == [False, False]
    assert http.post("/api/v1/batches", json={"folder": "nowhere"}).status_code == 422


def test_pages_hold_every_job_once(http):
    for n in range(1, 8):
        http.post("/api/v1/jobs", json={"parameters": {"video": "sample", "max_expressions": n}})
    total = sum(http.get("/api/v1/jobs").json()["counts"].values())
    seen, cursor = [], None
    while True:
        page = http.get("/api/v1/jobs", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [job["id"] for job in page["items"]]
        if not (cursor := page["next"]):
            break
    assert len(seen) == len(set(seen)) == total


def test_media_are_listed(http):
    assert {"path": "Other.S01E01.mp4", "bytes": (SAMPLE / "sample.mp4").stat().st_size} in http.get("/api/v1/media").json()


def test_an_upload_is_streamed_looked_at_and_can_be_handed_in(idle, http):
    def pieces():
        with (SAMPLE / "sample.mp4").open("rb") as file:
            while piece := file.read(100_000):
                yield piece

    answer = http.put("/api/v1/uploads/새 에피소드 S01E01.mp4", content=pieces())
    assert (answer.status_code, answer.json()["path"]) == (201, "uploads/새 에피소드 S01E01.mp4")
    assert (idle.media / answer.json()["path"]).read_bytes() == (SAMPLE / "sample.mp4").read_bytes()
    assert http.post("/api/v1/jobs", json={"parameters": {"video": answer.json()["path"]}}).status_code == 201


@pytest.mark.parametrize("length", [True, False])
def test_an_upload_that_is_too_large_leaves_nothing(idle, http, length):
    data = b"x" * 11_000_000
    answer = http.put("/api/v1/uploads/large.mp4", content=data if length else iter([data[:6_000_000], data[6_000_000:]]))
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert not list(idle.media.glob("uploads/*large*")) + list(idle.media.glob("uploads/.part*"))


# What every answer promises


@pytest.mark.parametrize(("method", "path", "body", "status", "kind"), [
    ("GET", "/nothing", None, 404, "http"),
    ("PATCH", "/api/v1/jobs", None, 405, "http"),
    ("GET", "/api/v1/jobs/0123456789abcdef", None, 404, "no-such-job"),
    ("GET", "/api/v1/jobs/NOT-AN-ID", None, 422, "invalid-request"),
    ("GET", "/api/v1/jobs/0123456789abcdef/files", None, 404, "no-such-job"),
    ("POST", "/api/v1/jobs", {"parameters": {}}, 422, "input"),
    ("POST", "/api/v1/jobs", {"parameters": {"video": "sample", "levle": "B1"}}, 422, "input"),
    ("POST", "/api/v1/jobs", {"parameters": {"video": "sample"}, "priority": 1000}, 422, "invalid-request"),
    ("GET", "/api/v1/jobs?limit=0", None, 422, "invalid-request"),
])  # fmt: skip
def test_errors_are_problem_documents(http, method, path, body, status, kind):
    answer = http.request(method, path, json=body)
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (told["type"], told["status"]) == (f"/problems/{kind}", status)
    assert told["title"]
    assert told["instance"] == answer.headers["x-request-id"]


def test_every_answer_has_the_headers_that_protect(http):
    for path in ("/health", "/api/v1/jobs", "/nothing", "/metrics", "/openapi.json"):
        headers = http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers


def test_pages_of_other_servers_get_nothing(http):
    answer = http.options("/api/v1/jobs", headers={"origin": "https://evil.example", "access-control-request-method": "POST"})
    assert answer.status_code >= 400
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("who", "reads", "runs"), [(None, 401, 401), ("reader", 200, 403), ("runner", 200, 201), ("boss", 200, 201)])
def test_a_token_opens_what_it_may(idle, who, reads, runs):
    with idle.http(who) as client:
        assert client.get("/health").status_code == 200
        for path in ("/api/v1/jobs", "/health/detailed", "/metrics", "/api/v1/media", "/openapi.json"):
            assert client.get(path).status_code == reads, path
        answer = client.post("/api/v1/jobs", json={"parameters": {"video": "sample", "mode": "combined", "max_expressions": len(who or "")}} if who else {})
        assert answer.status_code == runs
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("strict"), jobs={"slots": 0}, api={"rate_per_minute": 60}).start()
    yield service
    service.end()


def test_guessing_tokens_is_slowed_down_and_owners_are_not(strict):
    with strict.http(None) as guesser, strict.http("runner") as owner:
        answers = [guesser.get("/api/v1/jobs", headers={"authorization": f"Bearer lf_{n}"}) for n in range(40)]
        assert {answer.status_code for answer in answers} == {401, 429}
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert owner.get("/api/v1/jobs").status_code == 200


def test_a_token_asks_only_so_often(strict):
    with strict.http("reader") as client, strict.http("boss") as other:
        answers = [client.get("/api/v1/jobs") for _ in range(24)]
        assert {answer.status_code for answer in answers} == {200, 429}
        assert answers[-1].json()["type"] == "/problems/too-many"
        assert other.get("/api/v1/jobs").status_code == 200
        assert client.get("/health").status_code == 200


# Without a token, on this machine alone


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("open"), tokens=False, jobs={"slots": 0}).start()
    yield service
    service.end()


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 200),
    ({"host": "localhost"}, 200),
    ({"host": "evil.example"}, 421),
    ({"host": "localhost.evil.example:80"}, 421),
    ({"origin": "https://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"sec-fetch-site": "cross-site"}, 403),
    ({"sec-fetch-site": "none"}, 200),
])  # fmt: skip
def test_without_a_token_only_this_machine_may_ask(open_to_all, headers, status):
    with open_to_all.http(None) as client:
        assert client.get("/api/v1/jobs", headers=headers).status_code == status


def test_without_a_token_it_listens_nowhere_else(tmp_path):
    with pytest.raises(SettingsError, match="there is no token: anybody in the network could use the service"):
        make_server(Settings(api={"host": "0.0.0.0"}, paths={"output": tmp_path}))
    make_server(Settings(api={"host": "0.0.0.0", "token": "long-enough"}, paths={"output": tmp_path}))


# Health and figures


def test_health_tells_each_part(service):
    finished_job(service)
    with service.http("reader") as client:
        told = client.get("/health/detailed").json()
        assert told["status"] == "ok", told
        assert set(told["parts"]) >= {"jobs", "queue", "runner", "catalogue", "output", "cache", "ffmpeg", "analyzer"}
        assert "lf_" not in json.dumps(told)


def test_figures_are_read_by_prometheus(service):
    finished_job(service)
    with service.http("reader") as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    figures = {(sample.name, *sample.labels.values()): sample.value for family in families.values() for sample in family.samples}
    assert figures["langflix_jobs", "done"] >= 1
    assert figures["langflix_jobs_available",] == 1
    assert figures["langflix_job_seconds_count", "done"] >= 1
    assert figures["langflix_stage_seconds_count", "analyze"] >= 1
    assert figures["langflix_stage_seconds_count", "render"] >= 1
    assert figures["langflix_segments_rendered_total",] + figures["langflix_segments_reused_total",] > 0
    assert figures["process_resident_memory_bytes",] > 1e7
    assert len(families) > 15


def test_its_log_is_json_and_holds_no_token(service):
    _, job = finished_job(service)
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert any(line.get("job") == job["id"] for line in lines)
    assert all({"at", "level", "from", "says"} <= set(line) for line in lines)
    assert not [token for token in TOKENS.values() if token in service.log.read_text()]


def test_the_saved_key_of_links_is_for_its_owner_alone(idle):
    assert (Path(idle.out) / ".jobs" / "links.key").stat().st_mode & 0o077 == 0


def test_a_look_at_a_quiet_job_is_one_read(tmp_path):
    store = LocalJobs(tmp_path / "jobs.db")
    desk, reads = SimpleNamespace(store=store, job=lambda name: reads.append(name) or store.get(name)), []
    job, _ = store.submit({"video": "sample"})
    events, is_over = _news(desk, job.id, 0)
    assert ([event.state for event in events], is_over) == (["queued"], False)
    store.events = lambda *_: pytest.fail("the events were read again")
    assert _news(desk, job.id, events[-1].id) == ([], False)
    del store.events
    store.cancel(job.id)
    events, is_over = _news(desk, job.id, events[-1].id)
    assert ([event.state for event in events], is_over) == (["cancelled"], True)
    assert _news(desk, job.id, events[-1].id) == ([], True)
    assert len(reads) == 4
    store.close()


def test_a_job_and_a_page_of_jobs_are_told_as_they_are_described(http):
    made = http.post("/api/v1/jobs", json={"parameters": {"video": "sample", "level": "C1"}}).json()
    alone, page = http.get(f"/api/v1/jobs/{made['id']}"), http.get("/api/v1/jobs")
    assert {alone.headers["content-type"], page.headers["content-type"]} == {"application/json"}
    assert alone.json() == made == page.json()["items"][0]
    assert JobView.model_validate(alone.json()).model_dump(mode="json") == made
    assert JobList.model_validate(page.json()).counts["queued"] >= 1


# Going away


def test_a_service_that_is_told_to_stop_lets_watchers_go_and_gives_its_job_back(shared):
    finished_job(shared)
    with shared.http() as client:
        slow = {"lessons": {"preset": "slow", "repeat_count": 3}}  # nothing of it is rendered yet
        job = client.post("/api/v1/jobs", json={"parameters": {"video": f"{SHOW}.mp4", "analyzer": "embedded", "max_expressions": 20, "settings": slow}}).json()
        at_work(client, job["id"])
    heard = []
    watcher = threading.Thread(target=lambda: heard.extend(_listen(shared, job["id"])))
    watcher.start()
    while not heard:
        time.sleep(0.02)
    assert shared.end(signal.SIGTERM) == 0
    watcher.join(60)
    assert not watcher.is_alive()
    kept = open_jobs(Settings(redis={"url": shared.redis}))
    assert kept.get(job["id"]).state == "queued"
    assert not marked(job["id"])
    assert "Traceback" not in shared.log.read_text()
    kept.close()


def _listen(service, job_id):
    with service.http() as client, client.stream("GET", f"/api/v1/jobs/{job_id}/events") as answer:
        yield from answer.iter_lines()
