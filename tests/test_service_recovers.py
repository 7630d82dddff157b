"""What the service needs goes away and comes back: its health says so, no job is lost, and nobody has to restart it."""

import shutil
import sqlite3
import time

import redis
from servers import RedisServer, place
from test_catalogue import expression, manifest

from langflix.catalogue import open_catalogue
from langflix.config import Settings

ASK = {"parameters": {"video": "sample", "level": "B1"}}


def health(client, status, part="jobs", within_s=120):
    "The health, when it has become so; the state and the words of one part."
    end = time.monotonic() + within_s
    while (told := client.get("/health/detailed").json())["status"] != status:
        assert time.monotonic() < end, told
        time.sleep(0.2)
    return told["parts"][part]["says"]


def hears(client, words, part="jobs", within_s=120):
    "Wait until one part of the health says something."
    end = time.monotonic() + within_s
    while words not in (told := client.get("/health/detailed").json())["parts"][part]["says"]:
        assert time.monotonic() < end, told
        time.sleep(0.1)


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
                other, refused = {"parameters": {"video": "sample"}}, []

                def is_refused(words):
                    hears(client, words)
                    answer = client.post("/api/v1/jobs", json=other)
                    refused.append((answer.status_code, answer.json()["type"]))
                    assert words in answer.json()["detail"]

                plain.config_set("maxmemory", "1")
                is_refused("no memory left")
                plain.config_set("min-replicas-to-write", "1")
                plain.config_set("maxmemory", "0")
                is_refused("too few replicas")
                plain.replicaof("127.0.0.1", 1)
                is_refused("can only be read")
                assert client.get(f"/api/v1/jobs/{job['id']}").json() == job
                plain.replicaof("NO", "ONE")
                plain.config_set("min-replicas-to-write", "0")
                plain.acl_setuser("default", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-set"])
                is_refused("refuses this user")
                plain.acl_setuser("default", enabled=True, nopass=True, reset_keys=True, keys=["other:*"], commands=["+@all"])
                is_refused("refuses this user")
                plain.acl_setuser("default", enabled=True, nopass=True, reset_keys=True, keys=["*"], commands=["+@all"])
                assert set(refused) == {(503, "/problems/jobs-unavailable")}
                kept = plain.get(f"langflix:job:{job['id']}")
                plain.set(f"langflix:job:{job['id']}", kept.replace(b'{"id"', b'{"of_tomorrow":1,"id"'))
                hears(client, "cannot read", "queue")
                unreadable = client.get(f"/api/v1/jobs/{job['id']}")
                assert (unreadable.status_code, unreadable.json()["type"]) == (503, "/problems/jobs-unavailable")
                assert "newer LangFlix" in unreadable.json()["hint"]
                plain.set(f"langflix:job:{job['id']}", kept)
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


def test_a_catalogue_that_is_made_again_is_searched_without_a_restart(tmp_path, made):
    service = made(tmp_path, jobs={"slots": 0}).start()
    with service.http() as client:
        assert client.get("/api/v1/expressions?q=hang").json()["items"] == []
        for path in service.out.glob("catalogue.db*"):
            path.rename(tmp_path / path.name)
        fresh = open_catalogue(Settings(paths={"output": service.out}))
        fresh.record(manifest("Show.S01E01", expression("hang in there", 1000), at=1), service.out / "Show.S01E01")
        fresh.close()
        assert [one["expression"] for one in client.get("/api/v1/expressions?q=hang").json()["items"]] == ["hang in there"]
        health(client, "ok")


def test_a_catalogue_that_is_locked_leaves_the_rest_at_work(tmp_path, made):
    service = made(tmp_path, jobs={"slots": 0})
    service.out.mkdir()
    other = sqlite3.connect(service.out / "catalogue.db", isolation_level=None)
    other.execute("PRAGMA journal_mode = delete")
    other.execute("BEGIN EXCLUSIVE")
    service.start()
    with service.http() as client:
        assert "is locked by another program" in health(client, "degraded", "catalogue")
        assert client.get("/api/v1/episodes").json()["type"] == "/problems/catalogue-unavailable"
        assert client.post("/api/v1/jobs", json=ASK).status_code == 201
        other.execute("ROLLBACK")
        health(client, "ok")
        assert client.get("/api/v1/episodes").status_code == 200
        other.execute("BEGIN IMMEDIATE")  # whoever only writes stops no reader
        assert client.get("/api/v1/episodes").status_code == 200
        other.close()
    assert "Traceback" not in service.log.read_text()
