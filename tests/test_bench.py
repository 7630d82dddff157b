"""The measuring itself: it runs, prints one object, and measures what it says."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from langflix.bench import _PARTS, _again_after_refusal, _limit, bench_chunks, bench_parallel, measure
from langflix.core import InputError
from langflix.stand_in import Asked, Script

PROGRAM = Path(sys.executable).with_name("langflix")


def test_chunks_are_the_same_every_time_and_own_each_line_once():
    assert bench_chunks(20, mixed=True) == bench_chunks(20, mixed=True)
    owned = [i for chunk in bench_chunks(20, mixed=True) for i in range(chunk.own_start, chunk.own_end + 1)]
    assert owned == list(range(1, len(owned) + 1))
    assert {len(chunk.cues) for chunk in bench_chunks(20)} == {10}


@pytest.mark.parametrize(("count", "workers", "limit"), [(40, 5, 5), (40, 16, 40 / 3), (200, 64, 50), (3, 64, 3)])
def test_the_limit_of_equal_calls_is_that_of_whole_rounds(count, workers, limit):
    assert _limit(bench_chunks(count), workers, Script(latency_s=0.5)) == pytest.approx(limit)


def test_the_limit_of_mixed_calls_is_the_workers_or_the_longest_call():
    chunks = bench_chunks(40, mixed=True)
    lengths = [len(chunk.cues) for chunk in chunks]
    assert _limit(chunks, 5, Script(per_line_s=0.05)) == pytest.approx(5)
    assert _limit(chunks, 1000, Script(per_line_s=0.05)) == pytest.approx(sum(lengths) / max(lengths))


def test_a_run_is_measured_with_what_the_server_saw():
    seen = measure(bench_chunks(4), Script(latency_s=0.1), enabled=False)
    assert len(seen.asked) == seen.report.requests == 4
    assert seen.wall_s >= 0.4
    assert seen.report.peak_concurrency == 1


def test_repeats_after_a_refusal_are_counted_by_what_was_asked():
    def asked(text, fault, at_s):
        return Asked("", "", [], {"text": text}, at_s=at_s, fault=fault)

    assert _again_after_refusal([asked("a", "busy", 1), asked("a", "", 2), asked("b", "blocked", 1), asked("c", "", 2)]) == 0
    assert _again_after_refusal([asked("b", "blocked", 3), asked("b", "", 1), asked("b", "", 4)]) == 1


def test_an_unknown_part_is_a_mistake_that_names_the_others():
    with pytest.raises(InputError) as caught:
        bench_parallel(["speed"])
    assert all(name in caught.value.hint for name in _PARTS)


def test_the_command_prints_one_object_and_nothing_else():
    done = subprocess.run([PROGRAM, "bench", "parallel", "--quick", "--only", "memory", "--only", "fatal"], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    found = json.loads(done.stdout)
    assert set(found) & set(_PARTS) == {"memory", "fatal"}
    assert all(part["requests_1_worker"] == 1 and part["requests_5_workers"] <= 5 for part in (found["fatal"][name] for name in ("day", "key", "model")))
    assert found["memory"]["chunks_20"]["growth_mb"] < 50


def test_a_wrong_part_ends_with_2():
    done = subprocess.run([PROGRAM, "bench", "parallel", "--only", "speed"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "speedup" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_small_storm_loses_nothing():
    found = bench_parallel(["storm"], quick=True)["storm"]
    assert found["chunks_missing"] == found["asked_again_after_final_refusal"] == 0
    assert found["order_kept"]
    assert found["equal_to_calm_run"]
    assert found["only_refused_lines_failed"]


def test_measuring_leaves_the_log_as_it_was():
    before = logging.getLogger("langflix").level
    bench_parallel(["fatal"], quick=True)
    assert logging.getLogger("langflix").level == before
