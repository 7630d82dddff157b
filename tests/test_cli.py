"""The program as its users start it: exit status, streams, and no traceback for a mistake of theirs."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from langflix.cli import app
from langflix.pipeline import sample_episode
from langflix.progress import Tenths
from langflix.terminal import Bars

PROGRAM = Path(sys.executable).with_name("langflix")
SAMPLE = sample_episode()


def langflix(*words, cwd, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANGFLIX_", "GEMINI_"))}
    env = kept | {"LANGFLIX_PATHS__CACHE": str(cwd / "cache"), "LANGFLIX_LESSONS__PRESET": "ultrafast"} | environment
    return subprocess.run([PROGRAM, *map(str, words)], cwd=cwd, env=env, capture_output=True, text=True)


def test_help_names_every_command():
    help_text = langflix("--help", cwd=Path.cwd()).stdout
    assert all(f"  {name} " in help_text for name in ("run", "analyze", "render", "demo", "doctor", "bench"))


@pytest.mark.parametrize("command", ["run", "analyze", "demo", "doctor"])
def test_every_option_has_a_help_text(command):
    parameters = typer.main.get_command(app).commands[command].params
    assert len(parameters) >= 5
    assert [p.name for p in parameters if not getattr(p, "help", "")] == []


def test_run_has_the_options_of_the_contract():
    text = langflix("run", "--help", cwd=Path.cwd(), COLUMNS="200").stdout
    for option in (
        "--subs", "--subs-target", "--out", "--analyzer", "--source-lang", "--target-lang", "--level", "--mode", "--formats",
        "--max-expressions", "--workers", "--no-parallel", "--max-cost", "--estimate", "--save-output", "--config", "--json",
    ):  # fmt: skip
        assert f"{option} " in text or f"{option}\n" in text


def test_demo_prints_one_json_object_and_progress_goes_to_the_error_stream(tmp_path):
    done = langflix("demo", "--max-expressions", 2, "--out", "made", "--json", cwd=tmp_path)
    assert done.returncode == 0
    result = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert result["exit_status"] == 0
    assert len(result["lessons"]) == 2
    assert all((tmp_path / path).is_file() for path in (*result["lessons"], *result["clips"], result["manifest"], result["report"], result["deck"]))
    assert "analyze: " in done.stderr
    assert "render: " in done.stderr
    assert "\r" not in done.stderr


def test_demo_for_people_prints_the_paths(tmp_path):
    done = langflix("demo", "--max-expressions", 1, cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert (tmp_path / lines[0]).suffix == ".mp4"
    assert (tmp_path / lines[0]).is_file()
    for name in ("deck", "report", "manifest"):
        (path,) = [line.partition(": ")[2] for line in lines if line.startswith(f"{name}: ")]
        assert (tmp_path / path).is_file()


def test_a_log_hears_of_every_tenth_once_and_of_each_stage(capsys):
    bars = Bars()
    for done in range(31):
        bars("analyze", done, 30, "2 waiting for the quota")
        bars("analyze", done, 30, "1 waiting for the quota")
    bars("render", 0, 5, "")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 12
    assert lines[0] == "analyze: 0 of 30 2 waiting for the quota"
    assert lines[-2].startswith("analyze: 30 of 30")
    assert lines[-1] == "render: 0 of 5"


def test_a_log_hears_of_a_long_wait_too(capsys):
    bars = Bars()
    bars._tenths = Tenths(silence_s=0.0)
    for seconds in (40, 20):
        bars("analyze", 3, 30, f"5 waiting for the quota, 0:{seconds} left")
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_analyze_needs_no_ffmpeg(tmp_path):
    done = langflix("analyze", SAMPLE.subs, "--json", cwd=tmp_path, PATH="/nonexistent")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["expressions"]) >= 25


MISTAKES = {
    "no such film": (("run", "film.mkv"), "film.mkv"),
    "no such subtitles": (("analyze", "film.srt"), "film.srt"),
    "a broken file": (("analyze", "broken.srt"), "broken.srt"),
    "no such option": (("run", "film.mkv", "--fast"), "--fast"),
    "wrong level": (("analyze", SAMPLE.subs, "--level", "D7"), "D7"),
    "wrong format": (("demo", "--formats", "square"), "formats"),
    "wrong language": (("demo", "--target-lang", "Korean!"), "languages.target"),
    "no such settings": (("demo", "--config", "none.yaml"), "none.yaml"),
    "unknown setting": (("demo", "--config", "bad.yaml"), "repeats"),
    "no key": (("analyze", SAMPLE.subs, "--analyzer", "gemini"), "GEMINI_API_KEY"),
    "no lexicon": (("analyze", SAMPLE.subs, "--source-lang", "pl"), "pl"),
}


@pytest.mark.parametrize(("words", "named"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_ends_with_2_names_the_culprit_and_shows_no_traceback(tmp_path, words, named):
    (tmp_path / "broken.srt").write_bytes(b"\x00\x01\x02" * 500)
    (tmp_path / "bad.yaml").write_text("lessons:\n  repeats: 3\n")
    done = langflix(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_mistake_is_json_too_when_asked(tmp_path):
    done = langflix("run", "film.mkv", "--json", cwd=tmp_path)
    assert done.returncode == 2
    result = json.loads(done.stdout)
    assert result["exit_status"] == 2
    assert "film.mkv" in result["error"]
    assert result["hint"]


def test_nothing_to_learn_ends_with_1(tmp_path):
    (tmp_path / "dull.en.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nYes.\n")
    done = langflix("analyze", "dull.en.srt", cwd=tmp_path)
    assert done.returncode == 1
    assert "Nothing worth a lesson" in done.stderr


def test_doctor_finds_this_machine_fit(tmp_path):
    done = langflix("doctor", "--json", cwd=tmp_path)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0
    assert checks["ffmpeg"]["status"] == checks["font for ko"]["status"] == checks["output"]["status"] == "ok"


def test_doctor_says_how_to_mend_what_is_missing(tmp_path):
    (tmp_path / "lessons").write_text("in the way")
    done = langflix("doctor", "--target-lang", "am", "--config", "own.yaml", cwd=tmp_path)
    assert done.returncode == 2
    (tmp_path / "own.yaml").write_text("paths: {cache: /proc/none}\n")
    done = langflix("doctor", "--config", "own.yaml", cwd=tmp_path, LANGFLIX_PATHS__CACHE="/proc/none")
    assert done.returncode == 1
    assert "FAILED   cache" in done.stdout
    assert "chown" in done.stdout


def test_doctor_never_shows_the_key(tmp_path):
    done = langflix("doctor", cwd=tmp_path, GEMINI_API_KEY="AIzaVerySecretKey12345")
    assert "a key is set" in done.stdout
    assert "VerySecret" not in done.stdout + done.stderr


def programs_that_mention(text):
    "Command lines of running programs that hold a text."
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended meanwhile
        if text in words:
            found.append(words)
    return found


@contextmanager
def rendering_demo(folder, preset, expressions):
    "A run of the sample that has begun to render."
    environment = os.environ | {"LANGFLIX_PATHS__CACHE": str(folder / "cache"), "LANGFLIX_LESSONS__PRESET": preset}
    command = [str(PROGRAM), "demo", "--max-expressions", str(expressions), "--out", str(folder / "out"), "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        for line in running.stderr:
            if line.startswith("render: ") and not line.startswith("render: 0"):
                break
        yield running


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_no_ffmpeg_and_the_next_one_goes_on(tmp_path, sent):
    with rendering_demo(tmp_path, "ultrafast", 2) as running:
        running.send_signal(sent)
        _, rest = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "Run the same command again" in rest
    deadline = time.monotonic() + 60
    while (left := programs_that_mention(str(tmp_path))) and time.monotonic() < deadline:
        os.sched_yield()
    assert left == []
    done = langflix("demo", "--max-expressions", 2, "--out", "out", "--json", cwd=tmp_path)
    stats = json.loads(done.stdout)["stats"]
    assert done.returncode == 0
    assert stats["segments"]["reused"] >= 1
    assert not list((tmp_path / "out").rglob(".part-*"))


def test_ctrl_c_again_and_again_says_one_line_and_leaves_no_trace(tmp_path):
    with rendering_demo(tmp_path, "slow", 4) as running:
        while running.poll() is None:
            running.send_signal(signal.SIGINT)
        said = [line for line in running.stderr.read().splitlines() if not line.startswith("render: ")]
    assert said == ["Stopped. Run the same command again: it goes on where it was."]
    assert running.returncode == 130


def test_review_and_render_from_the_command_line(tmp_path):
    (tmp_path / "known.txt").write_text("gave it up\n")
    words = ("--known", "known.txt", "--level", "B1", "--max-expressions", "2", "--analyzer", "embedded", "--out", "out")
    stopped = langflix("run", SAMPLE.video, "--review", *words, cwd=tmp_path)
    assert stopped.returncode == 0
    assert "then: langflix render out/sample/manifest.json" in stopped.stdout
    assert "left out: " in stopped.stdout
    table = tmp_path / "out" / "sample" / "review.csv"
    rows = table.read_text(encoding="utf-8-sig").splitlines()
    table.write_text("\n".join([*rows[:2], rows[2].replace(",yes,", ",never,", 1)]))
    wrong = langflix("render", "out/sample", "--json", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "review.csv, line 3: keep is 'never'" in json.loads(wrong.stdout)["error"]
    table.write_text("\n".join([*rows[:2], rows[2].replace(",yes,", ",no,", 1)]))
    made = json.loads(langflix("render", "out/sample", "--json", cwd=tmp_path).stdout)
    assert (made["exit_status"], len(made["lessons"]), made["left_out"]["review"]) == (0, 1, 1)
    assert made["folder"] == "out/sample"
    assert (tmp_path / made["lessons"][0]).is_file()


def test_a_known_list_that_is_not_there(tmp_path):
    done = langflix("analyze", SAMPLE.subs, "--known", "no-such.apkg", cwd=tmp_path)
    assert done.returncode == 2
    assert "no-such.apkg" in done.stderr
    assert not (tmp_path / "lessons").exists()
