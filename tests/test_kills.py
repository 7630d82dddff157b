"""A short storm: the service, its Redis, kernels and ffmpeg are killed while jobs run; nothing is lost, and nothing is done twice."""

import json
import os
import sys

import pytest
from kills import Storm, faults, plan, storm
from notices import Notices

from langflix.core import publish

pytestmark = [pytest.mark.media, pytest.mark.skipif(sys.platform != "linux", reason="processes are watched through /proc")]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("LANGFLIX_", "GEMINI_")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(("store", "kills"), [("redis", ["server", "redis", "kernel", "ffmpeg"]), ("local", ["kernel", "server"])])
def test_whatever_is_killed_each_job_ends_once_and_nothing_is_done_twice(tmp_path, store, kills):
    told = storm(Storm(tmp_path / "storm", seed=5, store=store, kills=kills, pause_s=3.0, jobs_at_most=2, lines=80, compared=1))
    said = json.dumps(told, indent=1)
    assert faults(told) == [], said
    assert sum(told["kills"].values()) == len(kills), said
    assert told["jobs"]["done"] + told["jobs"]["failed"] == told["jobs"]["handed_in"] > 0, said
    assert told["after_mending"]["done"] == told["jobs"]["handed_in"], said
    assert told["after_mending"]["in_part"] == told["after_mending"]["asked"]["without_an_answer"] == 0, said


def test_a_seed_is_a_plan():
    victims = {"server": 1, "kernel": 1}
    assert plan(3, 30, victims, 2.0) == plan(3, 30, victims, 2.0) != plan(4, 30, victims, 2.0)
    assert {blow.victim for blow in plan(3, 30, victims, 2.0)} == set(victims)
    assert [blow.victim for blow in plan(3, ["kernel", "server"], victims, 2.0)] == ["kernel", "server"]


def test_a_file_that_is_made_twice_is_seen(tmp_path):
    notices = Notices(tmp_path)
    for _ in range(2):
        publish(tmp_path / "a.mov", lambda part: part.write_text("film"))
    with pytest.raises(OSError, match="no room"):
        publish(tmp_path / "b.mov", _half)
    notices.close()
    assert notices.placed == {tmp_path / "a.mov": 2}
    assert notices.begun == {tmp_path / ".mov": 3}


def _half(part):
    part.write_text("fi")
    raise OSError("no room")


def test_what_may_not_happen_is_named():
    assert faults({"seed": 3, "asked": {"requests": 9, "cut_off_and_asked_again": 2}, "unlike_in_calm": 0}) == []
    assert faults({"asked": {"asked_although_kept": 1}, "left": {"processes_after_the_end": 2}}) == ["asked.asked_although_kept: 1", "left.processes_after_the_end: 2"]
