"""What the service needs goes away and comes back: its health says so, no job is lost, and nobody has to restart it."""

import shutil
import sqlite3
import time

import pytest
import redis
from servers import RedisServer, place
from service import Service

ASK = {"parameters": {"video": "sample", "level": "B1"}}


@pytest.fixture
def made():
    services = []
    yield lambda *args, **more: services.append(Service(*args, **more)) or services[-1]
    for service in services:
        service.end()


def health(client, status, part="jobs", within_s=25):
    "The health, when it has become so; the state and the words of one part."
    end = time.monotonic() + within_s
    while (told := client.get("/health/detailed").json())["status"] != status:
        assert time.monotonic() < end, told
        time.sleep(0.2)
    return told["parts"][part]["says"]


def test_redis_may_come_late_go_be_full_and_come_back(tmp_path, made):
    with place({}) as folder:
        server = RedisServer(folder)
        service = made(tmp_path, redis={"url": server.url}, jobs={"slots": 0}).start()
        with service.http() as client:
            assert "cannot be reached" in health(client, "down")
            refused = client.post("/api/v1/jobs", json=ASK)
            assert (refused.status_code, refused.json()["type"], refused.headers["retry-after"]) == (503, "/problems/jobs-unavailable", "5")
            assert client.get("/health").status_code == 200
            assert "langflix_jobs_available 0.0" in client.get("/metrics").text
            server.start()
            health(client, "ok")
            job = client.post("/api/v1/jobs", json=ASK).json()
            server.kill()
            assert client.get(f"/api/v1/jobs/{job['id']}").status_code == 503
            server.start()
            health(client, "ok")
            assert client.get(f"/api/v1/jobs/{job['id']}").json() == job
            with redis.Redis.from_url(server.url) as plain:
                plain.config_set("maxmemory", "1")
                assert "no memory left" in health(client, "down")
                assert client.post("/api/v1/jobs", json={"parameters": {"video": "sample"}}).status_code == 503
                plain.config_set("maxmemory", "0")
                health(client, "ok")
                plain.replicaof("127.0.0.1", 1)
                assert "can only be read" in health(client, "down")
                assert client.get(f"/api/v1/jobs/{job['id']}").status_code == 200
                plain.replicaof("NO", "ONE")
            health(client, "ok")
            assert client.post("/api/v1/jobs", json={"parameters": {"video": "sample"}}).status_code == 201
        server.kill()
    assert "Traceback" not in service.log.read_text()


def test_a_file_of_jobs_may_be_newer_or_locked_when_the_service_starts(tmp_path, made):
    service = made(tmp_path, jobs={"slots": 0})
    kept = service.out / ".jobs" / "jobs.db"
    kept.parent.mkdir(parents=True)
    with sqlite3.connect(kept) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    service.start()
    with service.http() as client:
        assert "made by a newer LangFlix" in health(client, "down")
        assert client.post("/api/v1/jobs", json=ASK).status_code == 503
        shutil.move(kept, tmp_path / "newer.db")
        health(client, "ok")
        job = client.post("/api/v1/jobs", json=ASK).json()
        other = sqlite3.connect(kept, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        assert "is locked by another program" in health(client, "down")
        other.execute("ROLLBACK")
        other.close()
        health(client, "ok")
        assert client.get(f"/api/v1/jobs/{job['id']}").json() == job


def test_a_catalogue_that_is_newer_leaves_the_rest_at_work(tmp_path, made):
    service = made(tmp_path, jobs={"slots": 0}).start()
    with service.http() as client:
        assert client.get("/api/v1/expressions").status_code == 200
        with sqlite3.connect(service.out / "catalogue.db") as plain:
            plain.execute("UPDATE alembic_version SET version_num = '9999'")
        plain.close()
        assert "changed by a newer LangFlix" in health(client, "degraded", "catalogue")
        assert client.post("/api/v1/jobs", json=ASK).status_code == 201
        with sqlite3.connect(service.out / "catalogue.db") as plain:
            plain.execute("UPDATE alembic_version SET version_num = '0001'")
        plain.close()
        health(client, "ok")
