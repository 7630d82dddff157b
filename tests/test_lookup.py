"""`langflix catalogue` as a user calls it: people get lines, programs get one JSON object, and every error has a cure."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("langflix")
SAMPLE = Path(__file__).parent.parent / "langflix" / "data" / "sample" / "sample.en.srt"


def call(place, *words, **settings):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LANGFLIX_", "GEMINI_"))}
    env |= {"LANGFLIX_PATHS__CACHE": str(place / "cache"), **settings}
    return subprocess.run([PROGRAM, *map(str, words)], cwd=place, env=env, capture_output=True, text=True)


def read(done):
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    "Two shows that were analyzed, and a catalogue of them."
    place = tmp_path_factory.mktemp("season")
    for name in ("Show.S01E01", "Other.S01E01"):
        (place / f"{name}.en.srt").write_bytes(SAMPLE.read_bytes())
        assert call(place, "analyze", f"{name}.en.srt", "--analyzer", "embedded", "--json").returncode == 0
    assert call(place, "catalogue", "rebuild").returncode == 0
    return place


def test_people_get_lines(season):
    done = call(season, "catalogue", "search", "give up")
    assert done.returncode == 0
    assert done.stdout.startswith("give up (")
    assert "Show.S01E01 " in done.stdout
    listed = call(season, "catalogue", "episodes").stdout.splitlines()
    assert [line.split(":")[0] for line in listed] == ["Other.S01E01", "Show.S01E01"]


def test_programs_get_pages(season):
    status, first = read(call(season, "catalogue", "search", "--lemma", "gave", "--limit", 1, "--json"))
    assert status == first["exit_status"] == 0
    status, second = read(call(season, "catalogue", "search", "--lemma", "gave", "--limit", 1, "--cursor", first["next"], "--json"))
    assert {page["items"][0]["episode"] for page in (first, second)} == {"Show.S01E01", "Other.S01E01"}
    assert second["next"] is None
    assert first["items"][0]["expression"] == "give up"


def test_nothing_found_is_no_error(season):
    done = call(season, "catalogue", "search", "zzzz")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing was found" in done.stderr


def test_a_broken_manifest_is_told_by_its_exit_status(season):
    broken = season / "lessons" / "Broken"
    broken.mkdir()
    (broken / "manifest.json").write_text("{")
    status, result = read(call(season, "catalogue", "rebuild", "--json"))
    (broken / "manifest.json").unlink()
    assert (status, result["recorded"], len(result["failures"])) == (3, 2, 1)
    assert result["failures"][0]["path"].endswith("Broken/manifest.json")


@pytest.mark.parametrize("words", [("search", "x", "--cursor", "7"), ("rebuild", "nowhere"), ("search", "--limit", "0"), ("episodes", "--cursor", "x")])
def test_wrong_input_ends_with_2(season, words):
    done = call(season, "catalogue", *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_catalogue_that_is_off_or_newer_or_gone_is_told(season, tmp_path):
    off = call(season, "catalogue", "search", "x", LANGFLIX_DATABASE__ENABLED="false")
    assert (off.returncode, "switched off" in off.stderr) == (2, True)
    away = call(tmp_path, "catalogue", "search", "x", LANGFLIX_DATABASE__URL="postgresql://me:secret@127.0.0.1:1/x")
    assert (away.returncode, "cannot be reached" in away.stderr, "secret" in away.stderr) == (1, True, False)
    assert call(tmp_path, "catalogue", "episodes").returncode == 0
    with sqlite3.connect(tmp_path / "lessons" / "catalogue.db") as plain:
        plain.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = call(tmp_path, "catalogue", "episodes", "--json")
    assert (newer.returncode, "newer LangFlix" in json.loads(newer.stdout)["error"]) == (1, True)
