"The measure of a run: what it counts, and an episode played several times."

from pathlib import Path

import pytest

from langflix.bench_video import bench_video, repeated
from langflix.config import Settings
from langflix.media import find_tools, probe
from langflix.pipeline import sample_episode
from langflix.subtitles import load_cues

pytestmark = pytest.mark.media


def test_a_run_beside_a_plain_encode() -> None:
    (run,) = bench_video([1], Settings(lessons={"preset": "ultrafast"}))["runs"]
    assert (run["expressions"], run["lessons"]) == (1, 1)
    assert run["ffmpeg_runs"] <= run["segments"]
    assert run["seconds_of_lessons"] == pytest.approx(run["seconds_encoded"], rel=0.02)  # nothing is shared by one lesson
    assert run["ratio"] == pytest.approx(run["wall_s"] / run["plain_wall_s"], rel=0.01)
    assert run["python_mb"] > 0


def test_an_episode_played_twice(tmp_path: Path) -> None:
    tools, once = find_tools(), sample_episode()
    twice = repeated(once, 2, tools, tmp_path)
    assert probe(twice.video, tools).duration_ms == pytest.approx(2 * probe(once.video, tools).duration_ms, abs=100)
    cues, again = load_cues(once.subs, "en"), load_cues(twice.subs, "en")
    assert len(again) == 2 * len(cues)
    assert again[len(cues)].start_ms - again[0].start_ms == pytest.approx(probe(once.video, tools).duration_ms, abs=60)
