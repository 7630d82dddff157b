"""A disk that fills up: the health says so, a job says why it failed, nothing half-made is left, nothing is paid twice, and all is made when there is room."""

import json
import subprocess
import time

import pytest
from disks import fill
from runs import KEY, asking, make
from service import SHOW, Service, at_work, ended
from stand_in import stand_in

from langflix.gemini import Answer, Tokens
from langflix.journal import Journal
from langflix.media import find_tools
from langflix.processes import marked

pytestmark = pytest.mark.media
TOOLS = find_tools()
DISK_MB = 200


def wait(what, within_s=60):
    "Wait until something is so."
    end = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def is_whole(film):
    "Whether a video decodes to its end without a word."
    done = subprocess.run([TOOLS.ffmpeg, "-v", "warning", "-xerror", "-i", film, "-f", "null", "-"], capture_output=True, text=True)
    return (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("full", ["both", "cache"])
def test_a_job_whose_disk_fills_up_says_so_and_is_made_when_there_is_room(tmp_path, small_disk, full):
    paths = {"cache": str(small_disk / "cache")} | ({"output": str(small_disk / "out")} if full == "both" else {})
    with stand_in() as model:
        service = Service(tmp_path, paths=paths, analyzer="gemini", gemini={"endpoint": model.url, "api_key": KEY})
        service.out = small_disk / "out" if full == "both" else service.out
        service.add_episode()
        try:
            service.start()
            with service.http() as client:
                quick = {"lessons": {"preset": "ultrafast", "repeat_count": 1}}
                asked = {"parameters": {"video": f"{SHOW}.mp4", "max_expressions": 3, "settings": quick}}
                job = client.post("/api/v1/jobs", json=asked).json()
                at_work(client, job["id"])
                filler, paid = fill(small_disk), len(model.asked)
                health = wait(lambda: (seen := client.get("/health/detailed")).status_code == 503 and seen.json())
                assert health["parts"]["cache"]["state"] == "down"
                assert "disk" in health["parts"]["cache"]["says"]
                assert "Free some space" in health["parts"]["cache"]["hint"]
                other = client.post("/api/v1/jobs", json={"parameters": {**asked["parameters"], "max_expressions": 1}})
                assert other.status_code in (201, 503), other.text
                if full == "cache":
                    failed = ended(client, job["id"])
                else:  # its record lies on the full disk too, and is written when there is room
                    wait(lambda: not processes(job["id"]), within_s=150)
                wait(lambda: client.get("/health/detailed").json()["parts"]["runner"]["state"] == "degraded")
                for film in (service.out / SHOW).rglob("*.mp4"):
                    assert film.name.startswith(".part-") or is_whole(film)
                filler.unlink()
                failed = failed if full == "cache" else ended(client, job["id"])
                assert (failed["state"], failed["error"]["kind"]) == ("failed", "disk"), failed
                assert str(small_disk) in failed["error"]["message"]
                assert "No space left" in failed["error"]["message"]
                assert "Free some space" in failed["error"]["hint"]
                client.post(f"/api/v1/jobs/{job['id']}/retry").raise_for_status()
                done = ended(client, job["id"])
                assert (done["state"], done["attempt"]) == ("done", 2), done
                assert len(model.asked) == paid  # nothing was paid twice
                if other.status_code == 201:
                    assert ended(client, other.json()["id"])["state"] == "done"
                manifest = json.loads((service.out / SHOW / "manifest.json").read_text())
                assert manifest["failures"] == []
                assert all(is_whole(service.out / SHOW / lesson["path"]) for lesson in manifest["lessons"])
                assert list((service.out / SHOW).rglob(".part-*")) == []
                wait(lambda: client.get("/health/detailed").status_code == 200)
        finally:
            service.end()
        assert "a step of the runner failed" not in service.log.read_text()


def processes(job_id):
    "Who still works on a job."
    return marked(f"{job_id}-")


def test_nothing_is_asked_whose_answer_could_not_be_kept(small_disk):
    with stand_in() as model:
        filler = fill(small_disk)
        processor = asking(model, journal=Journal(small_disk / "answers"))
        outcomes = processor.analyze_expression_chunks(make(6))
        assert not model.asked
        assert {failure.reason for outcome in outcomes for failure in outcome.failures} == {"no_room"}
        assert "Free some space" in outcomes[0].failures[0].hint
        filler.unlink()
        processor = asking(model, journal=Journal(small_disk / "answers"))
        assert not [failure for outcome in processor.analyze_expression_chunks(make(6)) for failure in outcome.failures]


def test_an_answer_that_comes_when_the_disk_is_full_is_kept(small_disk):
    journal = Journal(small_disk / "answers")
    with journal.room() as give_back:
        fill(small_disk)
        give_back()
        journal.put("a1", Answer([], "[]", Tokens(1, 1, 1), "m"))
    assert journal.get("a1")
