"""A run that is killed, again and again, pays for nothing twice and ends as if it had never been."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from langflix.stand_in import Script, stand_in

CHUNKS, WORKERS = 60, 4
HERE = Path(__file__).parent


def start(server, place, chunks=CHUNKS, **options):
    command = [sys.executable, str(HERE / "killed.py"), server.url, str(place / "journal"), str(place / "out.json"), str(chunks), str(WORKERS)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE}"}, **options)


def questions(asked):
    return [json.dumps(each.body, sort_keys=True) for each in asked]


def test_after_twenty_kills_the_result_is_that_of_an_undisturbed_run(tmp_path):
    dice = random.Random(1)
    script = Script(refused=(101, 205, 300), latency_s=0.01)
    with stand_in(script) as server:
        calm = tmp_path / "calm"
        calm.mkdir()
        assert start(server, calm).wait(180) == 0
        undisturbed = len(server.asked)
    with stand_in(script) as server:
        broken = 0
        for _ in range(20):
            before = len(server.asked)
            run = start(server, tmp_path)
            server.wait_for(before + dice.randrange(1, undisturbed // 16), 30)
            run.kill()
            broken += run.wait(60) == -signal.SIGKILL
        assert broken >= 15  # the last may find nothing left to ask
        assert start(server, tmp_path).wait(180) == 0
    assert json.loads((tmp_path / "out.json").read_text()) == json.loads((calm / "out.json").read_text())
    times = Counter(questions(server.asked))
    assert sum(times.values()) - len(times) <= broken * WORKERS  # only calls under way at a kill are asked twice
    assert len(times) == undisturbed


def test_a_finished_run_asks_nothing_again(tmp_path):
    with stand_in(Script(refused=(101,))) as server:
        assert start(server, tmp_path).wait(180) == 0
        asked, first = len(server.asked), (tmp_path / "out.json").read_text()
        assert start(server, tmp_path).wait(180) == 0
        assert len(server.asked) == asked
    assert (tmp_path / "out.json").read_text() == first


@pytest.mark.parametrize("script", [Script(latency_s=0.05), Script(faults={"hang": 1.0}), Script(faults={"rate": 1.0}, fault_delay_s=200)])
def test_ctrl_c_ends_a_run_and_keeps_what_it_had(tmp_path, script):
    with stand_in(script) as server:
        run = start(server, tmp_path, stdout=subprocess.PIPE, text=True)
        assert server.wait_for(6 if not script.faults else 1)
        run.send_signal(signal.SIGINT)
        told = run.stdout.readline()
        assert run.wait(60) == 130
        run.stdout.close()
    assert told.startswith("interrupted")
    if not script.faults:
        with stand_in() as server_again:
            asked = len(server.asked)
            assert start(server_again, tmp_path).wait(180) == 0
            assert len(server_again.asked) == CHUNKS - asked  # those under way had a second to arrive
