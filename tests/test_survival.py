"""Killed runs, full disks, crashing programs and films that end early: nothing damaged is left, and the next run finishes the work."""

import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from disks import fill
from films import NTSC_FILM, make_film

from langflix.core import format_ms
from langflix.export import read_manifest
from langflix.media import find_tools

PROGRAM = Path(sys.executable).with_name("langflix")
TOOLS = find_tools()
SAID = {1000: "By the way, I sold the boat.", 9000: "It was a piece of cake."}
DISK_MB = 96
FINAL = 0  # exit status of a run that made everything


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    "One film of twelve seconds in three containers, and what is said in it."
    place = tmp_path_factory.mktemp("films")
    make_film(place / "film.mkv", TOOLS, round(12 * NTSC_FILM), NTSC_FILM, "-g", "24")
    for name in ("film.ts", "film.mp4"):
        copy = ["-v", "error", "-i", place / "film.mkv", "-map", "0", "-c", "copy", "-movflags", "+faststart", place / name]
        subprocess.run([TOOLS.ffmpeg, *copy], check=True, capture_output=True)
    rows = (f"{i}\n{format_ms(at)} --> {format_ms(at + 1200)}\n{line}\n" for i, (at, line) in enumerate(SAID.items(), 1))
    (place / "film.en.srt").write_text("\n".join(rows), encoding="utf-8")
    return place


class Desk:
    "A place to run the program again and again."

    def __init__(self, place: Path, films: Path) -> None:
        self.place, self.films, self.video = place, films, films / "film.mkv"
        self.cache, self.out, self.path = place / "cache", place / "out", os.environ["PATH"]

    @property
    def folder(self) -> Path:
        return self.out / "film"

    def start(self, **options):
        "Begin a run."
        env = {name: value for name, value in os.environ.items() if not name.startswith(("LANGFLIX_", "GEMINI_"))}
        env |= {"LANGFLIX_PATHS__CACHE": str(self.cache), "LANGFLIX_LESSONS__PRESET": "ultrafast", "LANGFLIX_LESSONS__REPEAT_COUNT": "1"}
        env |= {"PATH": self.path, "TMPDIR": str(self.place)}
        words = ["run", self.video, "--subs", self.films / "film.en.srt", "--target-lang", "es", "--analyzer", "embedded", "--out", self.out, "--json"]
        return subprocess.Popen([PROGRAM, *map(str, words)], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def run(self, *statuses: int, **options) -> dict:
        "A whole run, which must end with one of these statuses."
        return self.end_of(self.start(**options), *statuses)

    def end_of(self, child, *statuses: int) -> dict:
        "What a run says at its end."
        output, errors = child.communicate()
        assert child.returncode in statuses, errors
        assert "Traceback" not in errors
        return json.loads(output)

    def segments(self) -> set[Path]:
        "The finished segments in the store."
        return {path for path in self.cache.rglob("*.mov") if not path.name.startswith(".part-")}

    def nothing_is_damaged(self) -> None:
        "Every video under a final name decodes to its end without a word."
        found = [path for folder in (self.cache, self.out) for path in folder.rglob("*.m[po][4v]") if not path.name.startswith(".part-")]
        if found:
            sources = [word for path in found for word in ("-i", path)]
            maps = [word for number in range(len(found)) for word in ("-map", str(number))]
            command = [TOOLS.ffmpeg, "-v", "warning", "-xerror", *sources, *maps, "-c:v", "rawvideo", "-f", "null", "-"]
            done = subprocess.run(command, capture_output=True, text=True)
            assert (done.returncode, done.stderr) == (0, "")

    def is_complete(self, result: dict) -> None:
        "Everything was made, nothing is left over, and the manifest agrees."
        assert len(result["lessons"]) == len(result["clips"]) == len(SAID)
        assert result["failures"] == []
        assert read_manifest(self.folder).failures == ()
        assert list(self.folder.rglob(".part-*")) == []
        self.nothing_is_damaged()


@pytest.fixture
def desk(tmp_path, films):
    return Desk(tmp_path, films)


def wait_for(child, stage, times=1):
    "Read the error stream until a stage has told so many times how far it is; it does so for every tenth."
    for line in child.stderr:
        times -= line.startswith(f"{stage}: ")
        if not times:
            return
    raise AssertionError(f"the run ended before it was so far in {stage!r}")


def lessons(result):
    "The names of the lessons that were made, without their numbers."
    return sorted(Path(path).name[4:] for path in result["lessons"])


# SIGKILL: no clean-up of ours runs.


def test_runs_that_are_killed_again_and_again_leave_nothing_damaged_and_the_last_one_finishes(desk):
    for stage, times, with_ffmpeg in (("render", 1, True), ("render", 3, False), ("render", 7, True), ("write", 1, False)):
        child = desk.start(start_new_session=True)
        wait_for(child, stage, times)
        (os.killpg if with_ffmpeg else os.kill)(child.pid, signal.SIGKILL)
        child.communicate()
        assert child.returncode == -signal.SIGKILL
    desk.nothing_is_damaged()  # no later run writes into a finished file
    (desk.folder / "lessons" / ".part-0123.mp4").write_bytes(b"half a lesson, as a kill at another moment leaves it")
    there = desk.segments()
    result = desk.run(FINAL)
    desk.is_complete(result)
    assert result["stats"]["segments"]["rendered"] == len(desk.segments() - there)
    assert desk.run(FINAL)["stats"]["ffmpeg_runs"] == 0


# A crash.


def crashing(place, word):
    "A program that dies like a broken ffmpeg when it draws a word, as long as the file `broken` is there, and is ffmpeg otherwise."
    place.mkdir()
    (place / "broken").touch()
    script = f'#!/bin/sh\n[ -e "{place}/broken" ] && grep -qs "{word}" *.ass && kill -SEGV $$\nexec "{TOOLS.ffmpeg}" "$@"\n'
    (place / "ffmpeg").write_text(script)
    (place / "ffmpeg").chmod(stat.S_IRWXU)
    (place / "ffprobe").symlink_to(TOOLS.ffprobe)
    return f"{place}{os.pathsep}{os.environ['PATH']}"


def test_a_crash_costs_one_lesson_and_the_next_run_renders_only_that_segment(desk):
    desk.path = crashing(desk.place / "bin", "driving")  # only the card's example says it
    result = desk.run(3)
    assert lessons(result) == ["by-the-way.mp4"]
    assert len(result["clips"]) == len(SAID)
    (failure,) = read_manifest(desk.folder).failures
    assert (failure.cue_start, failure.cue_end, failure.reason) == (2, 2, "FfmpegError")
    assert "SIGSEGV" in failure.message
    assert "rendering a card" in failure.message
    desk.nothing_is_damaged()
    (desk.place / "bin" / "broken").unlink()
    again = desk.run(FINAL)
    assert again["stats"]["segments"]["rendered"] == 1
    desk.is_complete(again)


# No room.


def limited(size):
    "No file may grow beyond a size."
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_segments_that_cannot_be_written_are_failures_and_the_others_are_kept(desk):
    assert desk.run(1, 3, preexec_fn=limited(1_000_000))["failures"]
    desk.nothing_is_damaged()
    there = desk.segments()
    assert there
    again = desk.run(FINAL)
    assert again["stats"]["segments"]["rendered"] == len(desk.segments() - there) > 0
    desk.is_complete(again)


def test_a_disk_that_is_full_before_the_start_is_told_at_once(desk, small_disk):
    desk.cache = small_disk / "cache"
    fill(small_disk)
    assert re.search(r"0\.0 GB are free|No space left", desk.run(2)["error"])


def test_a_store_that_cannot_be_written_is_a_mistake_with_a_way_out(desk):
    desk.cache = desk.films / "film.en.srt" / "cache"
    said = desk.run(2)
    assert "film.en.srt/cache/segments: cannot be written" in said["error"]
    assert "paths.cache" in said["hint"]


def test_a_store_whose_disk_fills_up_on_the_way_loses_only_what_found_no_room(desk, small_disk):
    desk.cache = small_disk / "cache"
    child = desk.start()
    wait_for(child, "render", 2)
    filler = fill(small_disk)
    assert desk.end_of(child, 1, 3)["failures"]
    desk.nothing_is_damaged()
    there = desk.segments()
    filler.unlink()
    again = desk.run(FINAL)
    assert again["stats"]["segments"]["rendered"] == len(desk.segments() - there)
    desk.is_complete(again)


def test_lessons_whose_disk_fills_up_on_the_way_are_said_to_be_missing_and_made_later(desk, small_disk):
    desk.out = small_disk / "out"
    child = desk.start()
    wait_for(child, "render", 2)
    filler = fill(small_disk)
    assert "No space left" in desk.end_of(child, 2)["error"]
    desk.nothing_is_damaged()
    filler.unlink()
    again = desk.run(FINAL)
    assert again["stats"]["segments"]["rendered"] == 0
    desk.is_complete(again)


# A film that ends early.


@pytest.mark.parametrize("ending", ["mkv", "ts", "mp4"])
def test_a_film_that_ends_early_gives_the_lessons_it_holds(desk, ending):
    whole = desk.films / f"film.{ending}"
    desk.video = desk.place / f"film.{ending}"
    desk.video.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    result = desk.run(3)
    assert lessons(result) == ["by-the-way.mp4"]
    failures = read_manifest(desk.folder).failures
    assert {(failure.cue_start, failure.cue_end) for failure in failures} == {(2, 2)}
    assert all("download complete" in failure.message for failure in failures)
    desk.nothing_is_damaged()
    if ending == "mkv":
        shutil.copy(whole, desk.video)
        desk.is_complete(desk.run(FINAL))


def test_subtitles_that_run_past_the_film_are_one_failure(desk, films):
    short = desk.place / "film.mkv"
    cut = ["-v", "error", "-i", films / "film.mkv", "-t", "6.0", "-map", "0", "-c", "copy", short]
    subprocess.run([TOOLS.ffmpeg, *cut], check=True, capture_output=True)
    desk.video = short
    result = desk.run(3)
    assert lessons(result) == ["by-the-way.mp4"]
    (failure,) = result["failures"]
    assert (failure["reason"], failure["cue_start"], failure["cue_end"]) == ("after the film's end", 2, 2)
    assert "piece of cake" in failure["message"]
    desk.nothing_is_damaged()
