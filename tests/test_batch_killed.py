"""The program with questions in batches: killed at every moment, stopped, estimated, without the newer library, and for a whole season."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from langflix.pipeline import sample_episode
from langflix.stand_in import PHRASES, Script, stand_in
from langflix.stand_in_batches import BatchPlan

PROGRAM = Path(sys.executable).with_name("langflix")
KEY = "AIzaNotARealKey00000000"
PRICE = {"LANGFLIX_GEMINI__INPUT_PRICE_USD": "1000", "LANGFLIX_GEMINI__OUTPUT_PRICE_USD": "1000"}  # a thousandth of a dollar for a token


def write_subtitles(folder, count):
    "Subtitles in which every tenth line holds a phrase; fifty lines make about two chunks."
    phrases = (PHRASES[i // 10 % 10] if i % 10 == 0 else "nothing of note" for i in range(count))
    lines = (f"We never said that, so {phrase} and we tell everybody in this house about number {i} again." for i, phrase in enumerate(phrases, 1))
    times = ((f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in (i * 3, i * 3 + 2)) for i in range(1, count + 1))
    cues = (f"{i}\n{start},000 --> {end},500\n{line}\n" for i, (line, (start, end)) in enumerate(zip(lines, times, strict=True), 1))
    (folder / "show.en.srt").write_text("\n".join(cues))


@pytest.fixture
def place(tmp_path):
    "A folder with subtitles that make about ten chunks."
    write_subtitles(tmp_path, 240)
    return tmp_path


def environment(place, server, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANGFLIX_", "GEMINI_"))}
    named = {
        "LANGFLIX_PATHS__CACHE": str(place / "cache"), "LANGFLIX_GEMINI__ENDPOINT": server.url, "LANGFLIX_GEMINI__MODEL": "gemini-2.5-flash",
        "GEMINI_API_KEY": KEY, "LANGFLIX_GEMINI__BATCH_POLL_S": "0.05",
    }  # fmt: skip
    return kept | named | {name: value for name, value in more.items() if value is not None}


def command(*words):
    return [PROGRAM, "analyze", "show.en.srt", "--analyzer", "gemini", "--batch", "--json", *map(str, words)]


def start(place, server, *words):
    return subprocess.Popen(command(*words), cwd=place, env=environment(place, server), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def analyze(place, server, *words, **more):
    done = subprocess.run(command(*words), cwd=place, env=environment(place, server, **more), capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert KEY not in done.stdout + done.stderr
    return done, json.loads(done.stdout)


def kill(run):
    run.kill()
    assert run.wait(60) == -signal.SIGKILL
    run.stdout.close()
    run.stderr.close()


def finish(place, server):
    "Run to the end, and see that nothing was asked twice."
    done, result = analyze(place, server)
    assert done.returncode == 0
    assert len(server.batches.all) == 1
    assert [asked.nth for asked in server.asked] == [1] * result["stats"]["chunks"]
    assert not list((place / "cache" / "batches").glob("*.json"))
    return result


@pytest.mark.parametrize("fault", ["hang", "silent"])
def test_killed_while_handing_in(place, fault):
    with stand_in(Script(batch_first=(fault,))) as server:
        run = start(place, server)
        assert server.wait_for_calls(1)
        kill(run)
        assert len(server.batches.all) == (fault == "silent")  # taken in, and nobody heard of it
        assert len(list((place / "cache" / "batches").glob("*.json"))) == 1
        finish(place, server)


def test_killed_while_waiting(place):
    with stand_in(Script(batches=BatchPlan(looks=12))) as server:
        for calls in (4, 8):
            run = start(place, server)
            assert server.wait_for_calls(calls)
            kill(run)
        result = finish(place, server)
    assert result["stats"]["reused_answers"] == 0


def test_killed_while_collecting(place):
    write_subtitles(place, 1500)
    with stand_in() as server:
        run = start(place, server)
        until = time.monotonic() + 60
        while not list((place / "cache" / "answers").glob("??/[!.]*.json")) and time.monotonic() < until:
            pass
        kill(run)
        kept = len(list((place / "cache" / "answers").glob("??/[!.]*.json")))
        result = finish(place, server)
    assert 1 <= kept < result["stats"]["chunks"]
    assert (result["stats"]["reused_answers"], result["stats"]["requests"]) == (kept, result["stats"]["chunks"] - kept)


def test_ctrl_c_says_how_to_go_on(place):
    with stand_in(Script(batches=BatchPlan(looks=10))) as server:
        run = start(place, server)
        assert server.wait_for_calls(3)
        run.send_signal(signal.SIGINT)
        _, told = run.communicate(timeout=60)
        assert run.returncode == 130
        assert "1 batch goes on at the service" in told
        assert "Run the same command again" in told
        finish(place, server)


def test_batches_under_way_are_shown_and_can_be_ended(place):
    def cache(*words):
        done = subprocess.run([PROGRAM, "cache", *words], cwd=place, env=environment(place, server), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with stand_in(Script(batches=BatchPlan(looks=10))) as server:
        assert "under way" not in cache()
        run = start(place, server)
        assert server.wait_for_calls(3)
        kill(run)
        assert "batches: 1 under way" in cache()
        shown = json.loads(cache("--cancel-batches", "--json"))
        assert [batch["batch"] for batch in shown["batches"]] == ["batches/1"]
        done, result = analyze(place, server)
        assert done.returncode == 3
        assert {failure["reason"] for failure in result["failures"]} == {"cancelled"}
        assert result["stats"]["answered"] == len(server.asked) // 2


def test_a_run_costs_half_of_what_it_costs_alone(place):
    with stand_in() as server:
        done, result = analyze(place, server, **PRICE)
        seen = json.loads((place / result["manifest"]).read_text())["stats"]
    stats = result["stats"]
    assert done.returncode == 0
    assert stats["cost_usd"] == seen["cost_usd"] == pytest.approx(stats["tokens"] * 0.0005)
    assert (stats["requests"], stats["answered"]) == (stats["chunks"], stats["chunks"])
    assert any("half the list price" in note for note in result["notes"])
    assert "batch 1 of 1" in done.stderr


def test_an_estimate_says_half_and_a_day(place):
    with stand_in() as server:
        _, alone = analyze(place, server, "--estimate", LANGFLIX_GEMINI__BATCH="false")
        people = subprocess.run([*command("--estimate")[:6], "--estimate"], cwd=place, env=environment(place, server), capture_output=True, text=True)
        assert server.batch_calls == []
    assert alone["estimate"]["binds"] == "batch"  # the command line wins
    assert "time: up to 24 hours" in people.stdout
    assert "half the list price" in people.stderr


def test_a_deadline_ends_with_what_there_is(place):
    with stand_in(Script(batches=BatchPlan(ends=("stuck",)))) as server:
        done, result = analyze(place, server, LANGFLIX_PARALLEL_PROCESSING__DEADLINE_S="1")
        assert done.returncode == 1  # nothing at all yet
        assert {failure["reason"] for failure in result["failures"]} == {"deadline"}
        assert "Run again to collect" in result["failures"][0]["message"]
        server.batches.all["batches/1"].end = "succeeded"
        finish(place, server)


def test_partly_answered_is_status_3(place):
    with stand_in(Script(batch_errors=(1,))) as server:
        done, result = analyze(place, server)
    assert done.returncode == 3
    assert len(result["failures"]) == 1


def test_without_a_key_the_embedded_analyzer_does_not_step_in(place):
    with stand_in() as server:
        words = [PROGRAM, "analyze", "show.en.srt", "--batch"]
        done = subprocess.run(words, cwd=place, env=environment(place, server, GEMINI_API_KEY=""), capture_output=True, text=True)
        assert server.batch_calls == []
    assert done.returncode == 2
    assert "no key is set" in done.stderr


def test_batches_need_neither_library(place):
    code = "import sys; sys.modules['google.genai'] = sys.modules['google.generativeai'] = None; from langflix.cli import main; main()"
    with stand_in() as server:
        words = [sys.executable, "-c", code, *command()[1:]]
        done = subprocess.run(words, cwd=place, env=environment(place, server), capture_output=True, text=True)
        assert len(server.batches.all) == 1
    assert done.returncode == 0, done.stderr


def test_a_season_shares_its_batches_and_each_episode_pays_its_own(tmp_path):
    sample = sample_episode()
    for number, word in ((1, "you"), (2, "ya")):
        (tmp_path / f"Show.S01E0{number}.en.srt").write_text(sample.subs.read_text(encoding="utf-8").replace("you", word), encoding="utf-8")
        (tmp_path / f"Show.S01E0{number}.mp4").symlink_to(sample.video)
    more = {**PRICE, "LANGFLIX_LESSONS__PRESET": "ultrafast", "LANGFLIX_LESSONS__REPEAT_COUNT": "1"}
    words = [PROGRAM, "season", ".", "--analyzer", "gemini", "--batch", "--max-expressions", "1", "--json"]
    with stand_in(Script(batches=BatchPlan(looks=8))) as server:
        env = environment(tmp_path, server, **more)
        run = subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert server.wait_for_calls(4)
        kill(run)
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert len(server.batches.all) == 1
        assert all(asked.nth == 1 and asked.path.endswith(":batchGenerateContent") for asked in server.asked)
    assert done.returncode == 0, done.stderr
    assert "all episodes" in done.stderr
    manifests = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("lessons/*/manifest.json"))]
    assert [manifest["stats"]["requests"] for manifest in manifests] == [len(server.asked) // 2] * 2
    assert all(manifest["stats"]["cost_usd"] == pytest.approx(manifest["stats"]["tokens"] * 0.0005) for manifest in manifests)
    assert all(manifest["lessons"] for manifest in manifests)
