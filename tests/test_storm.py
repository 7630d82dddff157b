"""Everything goes wrong at once, and the run still ends with all that can be had."""

import json
from collections import defaultdict

import pytest
from runs import SDKS, asking, found, make

from langflix.stand_in import Script, stand_in

FAULTS = {"rate": 0.20, "busy": 0.05, "reset": 0.03, "cut": 0.03, "prose": 0.03, "lie": 0.02}
REFUSED = (77, 530, 902, 1444)  # one line in two of a hundred chunks
CHUNKS = make(200)


def by_question(asked):
    "The faults of each distinct request, in order."
    told = defaultdict(list)
    for each in asked:
        told[json.dumps(each.body, sort_keys=True)].append(each.fault)
    return told


@pytest.fixture(scope="module")
def calm():
    with stand_in() as server:
        return asking(server, enabled=False).analyze_expression_chunks(CHUNKS)


@pytest.mark.parametrize("sdk", SDKS)
def test_a_storm_costs_only_what_is_refused_for_good(sdk, calm):
    with stand_in(Script(faults=FAULTS, fault_delay_s=1, refused=REFUSED, latency_s=0.005, seed=7)) as server:
        processor = asking(server, sdk, speed=30, max_workers=16, rpm=None, timeout_s=60)
        outcomes = processor.analyze_expression_chunks(CHUNKS)
    assert [outcome.chunk.number for outcome in outcomes] == [chunk.number for chunk in CHUNKS]
    failures = [failure for outcome in outcomes for failure in outcome.failures]
    assert [(f.cue_start, f.cue_end, f.reason) for f in failures] == [(cue, cue, "refused") for cue in REFUSED]
    assert found(outcomes) == {(cue, expression) for cue, expression in found(calm) if cue not in REFUSED}
    told = by_question(server.asked)
    assert all("blocked" not in faults[:-1] for faults in told.values()), "a refused question was asked again"
    assert {"rate", "busy", "reset", "cut", "prose", "lie", "blocked"} <= {fault for faults in told.values() for fault in faults}
    assert processor.report.ended_by is None
    assert processor.report.rate_limited == sum(asked.status == 429 for asked in server.asked)
    assert processor.report.requests == len(server.asked)
    assert processor.report.waits["gate"] > 0


def test_calm_and_parallel_give_the_same(calm):
    with stand_in() as server:
        outcomes = asking(server, max_workers=16).analyze_expression_chunks(CHUNKS)
    assert [(o.chunk.number, o.items) for o in outcomes] == [(o.chunk.number, o.items) for o in calm]
    assert len(server.asked) == len(CHUNKS)
