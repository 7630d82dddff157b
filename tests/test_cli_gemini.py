"""The program asking Gemini's stand-in: what it says before, what it does when told to stop, and what stays."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from langflix.pipeline import sample_episode
from langflix.stand_in import PHRASES, Script, stand_in

LINES = 240
PROGRAM = Path(sys.executable).with_name("langflix")
PRICE = {"LANGFLIX_GEMINI__INPUT_PRICE_USD": "1000", "LANGFLIX_GEMINI__OUTPUT_PRICE_USD": "1000"}  # a thousandth of a dollar for a token


def time_of(seconds):
    return f"00:{seconds // 60:02}:{seconds % 60:02}"


@pytest.fixture
def place(tmp_path):
    "A folder with subtitles that make about ten chunks; every fifth line holds a phrase."
    phrases = (PHRASES[i // 5 % len(PHRASES)] if i % 5 == 0 else "nothing of note" for i in range(1, LINES + 1))
    lines = (f"We never said that, so {phrase} and we tell everybody in this house about it again and again." for phrase in phrases)
    cues = (f"{i}\n{time_of(i * 3)},000 --> {time_of(i * 3 + 2)},500\n{line}\n" for i, line in enumerate(lines, 1))
    (tmp_path / "show.en.srt").write_text("\n".join(cues))
    return tmp_path


def langflix(place, server, *words, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANGFLIX_", "GEMINI_"))}
    named = {
        "LANGFLIX_PATHS__CACHE": str(place / "cache"), "LANGFLIX_GEMINI__ENDPOINT": server.url if server else "http://127.0.0.1:9",
        "LANGFLIX_GEMINI__MODEL": "gemini-2.5-flash", "GEMINI_API_KEY": "AIzaNotARealKey00000000",
    }  # fmt: skip
    env = kept | named | {name: value for name, value in environment.items() if value}
    return subprocess.run([PROGRAM, *map(str, words)], cwd=place, env=env, capture_output=True, text=True)


def analyze(place, server, *words, **environment):
    done = langflix(place, server, "analyze", "show.en.srt", "--analyzer", "gemini", "--json", *words, **environment)
    assert "Traceback" not in done.stderr
    return done, json.loads(done.stdout)


def test_an_estimate_asks_nothing_and_needs_no_key(place):
    with stand_in() as server:
        done, result = analyze(place, server, "--estimate", GEMINI_API_KEY="")
        assert server.asked == []
    assert done.returncode == result["exit_status"] == 0
    seen = result["estimate"]
    assert seen["chunks"] == seen["requests"] >= 8
    assert seen["cost_usd"] > 0
    assert seen["seconds"] > 0
    assert seen["tokens"]["input"] > 8 * 1000
    assert not (place / "lessons").exists()


def test_an_estimate_for_people_says_its_assumptions(place):
    done = langflix(place, None, "analyze", "show.en.srt", "--estimate", LANGFLIX_GEMINI__RPM="5")
    assert done.returncode == 0
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["chunks", "requests", "tokens", "cost", "time"]
    assert "check before relying on it" in done.stderr
    assert "The quota of requests a minute binds, not latency" in done.stderr


def test_an_estimate_of_a_video_asks_nothing(place):
    with stand_in() as server:
        done = langflix(place, server, "run", sample_episode().video, "--estimate", "--json")
        assert server.asked == []
    assert json.loads(done.stdout)["estimate"]["requests"] > 0


def test_an_estimate_counts_only_what_is_not_answered_yet(place):
    with stand_in() as server:
        analyze(place, server)
        asked = len(server.asked)
        _, result = analyze(place, server, "--estimate")
        assert len(server.asked) == asked
    assert (result["estimate"]["requests"], result["estimate"]["kept"], result["estimate"]["cost_usd"]) == (0, asked, 0)


def test_a_run_says_what_it_cost(place):
    with stand_in(Script(latency_s=0.05)) as server:
        done, result = analyze(place, server)
        tokens = len(server.asked)
    stats = result["stats"]
    assert done.returncode == 0
    assert stats["requests"] == stats["chunks"] == stats["answered"] == tokens
    assert stats["tokens"] > 0
    assert 0 < stats["cost_usd"] < 1
    assert stats["call_s"] >= 0.05 * tokens
    assert stats["peak_concurrency"] == 5
    assert any("requests in" in note for note in result["notes"])
    assert "analyze: " in done.stderr
    assert "USD" in done.stderr


def test_a_second_run_pays_nothing(place):
    with stand_in() as server:
        _, first = analyze(place, server)
        asked = len(server.asked)
        _, again = analyze(place, server)
        assert len(server.asked) == asked
    assert again["expressions"] == first["expressions"]
    assert (again["stats"]["requests"], again["stats"]["reused_answers"], again["stats"]["cost_usd"]) == (0, first["stats"]["chunks"], 0)


def test_the_limit_of_expressions_is_applied_to_all_that_was_paid(place):
    with stand_in() as server:
        done, result = analyze(place, server, "--max-expressions", 3)
        assert len(server.asked) == result["stats"]["chunks"]
    assert done.returncode == 0
    assert len(result["expressions"]) == 3


def test_a_run_ends_before_it_has_cost_more_than_allowed(place):
    with stand_in(Script(latency_s=0.02)) as server:
        done, result = analyze(place, server, "--max-cost", 12, **PRICE)
        assert 0 < len(server.asked) < result["stats"]["chunks"]
    assert done.returncode == 3
    assert 0 < result["stats"]["cost_usd"] <= 12
    assert {failure["reason"] for failure in result["failures"]} == {"max_cost"}
    assert result["expressions"]


def test_the_limit_holds_even_when_answers_are_far_longer_than_asked_for(place):
    text = (place / "show.en.srt").read_text().replace("nothing of note", " and ".join(PHRASES))
    (place / "show.en.srt").write_text(text)
    with stand_in(Script(latency_s=0.02)) as server:
        done, result = analyze(place, server, "--max-cost", 60, **PRICE)
        assert all(asked.body["generationConfig"]["maxOutputTokens"] for asked in server.asked)
        assert len(server.asked) >= 3
    assert done.returncode in (1, 3)
    assert 0 < result["stats"]["cost_usd"] <= 60


def test_a_limit_below_the_first_call_asks_nothing(place):
    with stand_in() as server:
        done, result = analyze(place, server, "--max-cost", 0.01, **PRICE)
        assert server.asked == []
    assert done.returncode == 1
    assert {failure["reason"] for failure in result["failures"]} == {"max_cost"}


def test_a_limit_of_cost_needs_a_known_price(place):
    with stand_in() as server:
        done, result = analyze(place, server, "--max-cost", 1, LANGFLIX_GEMINI__MODEL="gemini-flash-latest")
        assert server.asked == []
    assert done.returncode == 2
    assert "input_price_usd" in result["hint"]


FATAL = {
    "day": ("day_quota", "midnight Pacific"),
    "key": ("key", "GEMINI_API_KEY"),
    "model": ("model", "gemini.model"),
}


@pytest.mark.parametrize(("fault", "reason", "said"), [(fault, *rest) for fault, rest in FATAL.items()])
def test_what_asking_again_cannot_mend_is_asked_once_and_says_what_to_do(place, fault, reason, said):
    with stand_in(Script(faults={fault: 1.0})) as server:
        done, result = analyze(place, server, "--no-parallel")
        assert len(server.asked) == 1
    assert done.returncode == 1
    assert {failure["reason"] for failure in result["failures"]} == {reason}
    assert said in result["failures"][0]["message"]
    assert "AIza" not in done.stdout + done.stderr


def test_many_chunks_that_fail_alike_are_told_once(place):
    with stand_in(Script(faults={"key": 1.0})) as server:
        done = langflix(place, server, "analyze", "show.en.srt", "--no-parallel")
        assert len(server.asked) == 1
    assert done.returncode == 1
    assert len([line for line in done.stderr.splitlines() if line.startswith("failed:")]) <= 2
    assert "Nothing worth a lesson" not in done.stderr


@pytest.mark.parametrize("fault", FATAL)
def test_what_was_answered_before_the_end_is_kept(place, fault):
    with stand_in(Script(first=("", "", fault), faults={fault: 1.0})) as server:
        done, result = analyze(place, server, "--no-parallel")
        assert len(server.asked) == 3
    assert done.returncode == 3
    assert result["stats"]["answered"] == 2
    assert result["expressions"]
    with stand_in() as server:
        done, result = analyze(place, server, "--no-parallel")
        assert len(server.asked) == result["stats"]["chunks"] - 2
    assert (done.returncode, result["stats"]["reused_answers"]) == (0, 2)


def test_a_run_that_gets_nothing_leaves_an_earlier_result_alone(place):
    with stand_in() as server:
        _, first = analyze(place, server)
    kept = Path(place, first["manifest"]).read_bytes()
    with stand_in(Script(faults={"key": 1.0})) as server:
        done, result = analyze(place, server, "--level", "B1")
    assert done.returncode == 1
    assert Path(place, first["manifest"]).read_bytes() == kept
    assert any("earlier run" in note for note in result["notes"])


def test_a_line_that_is_never_answered_takes_down_that_line_only(place):
    with stand_in(Script(refused=(100,))) as server:
        done, result = analyze(place, server)
    assert done.returncode == 3
    assert [(f["cue_start"], f["cue_end"], f["reason"]) for f in result["failures"]] == [(100, 100, "refused")]


@pytest.mark.parametrize("sdk", ["generativeai", "genai"])
def test_both_libraries_give_the_same_result(place, sdk):
    with stand_in() as server:
        _, result = analyze(place, server, LANGFLIX_GEMINI__SDK=sdk)
        bodies = {asked.path.rpartition("/")[2] for asked in server.asked}
    assert bodies == {"gemini-2.5-flash:generateContent"}
    assert len(result["expressions"]) == LINES // 5
