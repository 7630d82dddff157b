"""Rooms put together: limits reach the processor, and figures say what they mean."""

import time
from datetime import date

import pytest

from langflix.analysis import (
    _founded, _run_notes, _spent, account_of, choose_source, describe, estimate_analysis, find_expressions, make_analyzer, quota_binds,
)  # fmt: skip
from langflix.chunks import make_chunks
from langflix.config import Settings
from langflix.core import Cue, SettingsError
from langflix.costs import cost, price
from langflix.gemini import Tokens
from langflix.lexicon import Lexicon
from langflix.parallel import ChunkOutcome, RunReport, Snapshot
from langflix.prompts import Item
from langflix.stand_in import PHRASES, Script, stand_in

CUES = [Cue(i, i * 3000, i * 3000 + 2500, f"Then {PHRASES[i % 10]} she said, and we all went home again." if i % 4 == 0 else "Nothing to see.") for i in range(1, 201)]
(CHUNK,) = make_chunks(CUES[:8])


def settings(cache, server=None, **gemini):
    named = {"api_key": "AIzaNotARealKey00000000", "endpoint": server.url if server else "http://127.0.0.1:9", "model": "gemini-2.5-flash"} | gemini
    return Settings(gemini=named, paths={"cache": cache})


def report(**changes):
    usual = {
        "wall_s": 10.0, "call_s": 40.0, "requests": 20, "answered": 20, "failed": 0, "reused": 0, "waits": {}, "p50_s": 2.0, "p95_s": 3.0,
        "tokens": Tokens(20_000, 4_000, 1_000), "cost_usd": None, "peak_concurrency": 5, "rate_limited": 0,
    }  # fmt: skip
    return RunReport(**usual | changes)


def snapshot(**changes):
    usual = {"done": 3, "failed": 0, "waiting": 0, "why": "", "tokens": Tokens(), "cost_usd": None, "left_s": None, "total": 10}
    return Snapshot(**usual | changes)


def test_auto_asks_gemini_only_with_a_key():
    assert choose_source(Settings()) == "embedded"
    assert choose_source(Settings(gemini={"api_key": "k"})) == "gemini"
    assert choose_source(Settings(analyzer="embedded", gemini={"api_key": "k"})) == "embedded"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, ""),
        ({"failed": 2, "waiting": 4, "why": "quota"}, "2 failed, 4 waiting for the quota"),
        ({"waiting": 1, "why": "gate"}, "1 waiting because the service said so"),
        ({"waiting": 1, "why": "something new"}, "1 waiting"),
        ({"tokens": Tokens(1000, 200, 34), "cost_usd": 0.01234, "left_s": 61.6}, "1,234 tokens, 0.0123 USD, 1:02 left"),
        ({"done": 10, "left_s": 0.0}, ""),
    ],
)
def test_a_snapshot_is_told_in_a_few_words(changes, line):
    assert describe(snapshot(**changes)) == line


def test_the_cost_of_an_alias_is_that_of_the_model_that_answered():
    outcomes = [ChunkOutcome(CHUNK, model_versions=("gemini-2.5-flash-001",)), ChunkOutcome(CHUNK, reused=True, model_versions=("gemini-2.0-old",))]
    assert _spent(report(), outcomes, paid=True) == cost(report().tokens, price("gemini-2.5-flash", date.today()))
    assert _spent(report(), [ChunkOutcome(CHUNK, model_versions=("stand-in-001",))], paid=True) is None
    assert _spent(report(cost_usd=0.5), outcomes, paid=True) == 0.5
    assert _spent(report(tokens=Tokens()), [], paid=True) == 0
    assert _spent(report(), outcomes, paid=False) == 0


@pytest.mark.parametrize(
    ("rpm", "changes", "binds"),
    [
        (None, {}, False),
        (600, {}, False),
        (120, {}, True),
        (None, {"waits": {"quota": 8.0}}, True),
        (None, {"waits": {"gate": 8.0}}, True),
        (None, {"waits": {"quota": 1.0}}, False),
    ],
)
def test_what_made_a_run_slow_is_said(tmp_path, rpm, changes, binds):
    options = settings(tmp_path, rpm=rpm)
    assert quota_binds(report(**changes), options) == binds
    assert any("the quota binds, not latency" in note for note in _run_notes(report(**changes), options)) == binds


def test_waits_are_told_by_cause_the_longest_first(tmp_path):
    notes = _run_notes(report(waits={"backoff": 2.2, "quota": 6.0, "breaker": 0.1}), settings(tmp_path))
    assert "waited 6 s for the quota, 2 s after errors" in notes


def test_many_refusals_without_a_setting_name_the_setting(tmp_path):
    assert any("gemini.rpm" in note for note in _run_notes(report(rate_limited=7), settings(tmp_path)))
    assert not any("gemini.rpm" in note for note in _run_notes(report(rate_limited=7), settings(tmp_path, rpm=10)))


def test_a_quota_is_counted_for_a_model_and_a_key_without_showing_it(tmp_path):
    one, other, model = settings(tmp_path), settings(tmp_path, api_key="another"), settings(tmp_path, model="m")
    assert len({account_of(one), account_of(other), account_of(model)}) == 3
    assert "AIza" not in account_of(one)


def test_the_keys_of_a_project_share_its_quota(tmp_path):
    one, other = settings(tmp_path, project="films"), settings(tmp_path, project="films", api_key="another")
    assert account_of(one) == account_of(other)
    assert len({account_of(each) for each in (one, settings(tmp_path), settings(tmp_path, project="series"))}) == 3


def test_an_item_is_founded_where_its_words_are():
    at = {"context_start": 1, "context_end": 8, "level": "B1", "kind": "idiom", "score": 0.5}
    assert _founded("en", Item(expression=PHRASES[4], cue_start=4, cue_end=4, **at), CHUNK)
    assert not _founded("en", Item(expression=PHRASES[4], cue_start=5, cue_end=5, **at), CHUNK)


def test_limits_of_the_settings_reach_the_run(tmp_path):
    with stand_in(Script(latency_s=0.01)) as server:
        options = settings(tmp_path, server, rpd=2)
        found = find_expressions(CUES, make_analyzer(CUES, options), options)
        assert len(server.asked) == 2
        again = find_expressions(CUES, make_analyzer(CUES, options), options)
        assert len(server.asked) == 2
    assert {failure.reason for failure in found.failures} == {"day_quota"}
    assert (again.stats.reused_answers, again.stats.requests) == (2, 0)


def test_progress_reaches_the_total_and_never_goes_back(tmp_path):
    seen = []
    with stand_in(Script(latency_s=0.01)) as server:
        options = settings(tmp_path, server)
        find_expressions(CUES, make_analyzer(CUES, options), options, progress=seen.append)
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert seen[-1].done == seen[-1].total == len(make_chunks(CUES))
    assert seen[-1].cost_usd > 0


def test_one_call_at_a_time_finds_the_same(tmp_path):
    with stand_in() as server:
        many = settings(tmp_path / "many", server)
        one = settings(tmp_path / "one", server).model_copy(update={"parallel_processing": Settings(parallel_processing={"enabled": False}).parallel_processing})
        first, second = (find_expressions(CUES, make_analyzer(CUES, options), options) for options in (many, one))
    assert (first.groups, first.dropped, first.failures) == (second.groups, second.dropped, second.failures)
    assert second.stats.peak_concurrency == 1


def test_an_embedded_analysis_costs_nothing_and_says_so(tmp_path):
    seen = estimate_analysis(CUES, Settings(analyzer="embedded", paths={"cache": tmp_path}))
    assert (seen.requests, seen.cost_usd, seen.chunks) == (0, 0, len(make_chunks(CUES)))
    assert "asks nothing" in seen.notes[0]


def test_a_limit_of_cost_without_a_price_stops_before_anything_is_asked(tmp_path):
    with pytest.raises(SettingsError, match="price"):
        make_analyzer(CUES, settings(tmp_path, model="gemini-flash-latest", max_cost_usd=1))


def test_the_whole_embedded_analysis_of_ten_thousand_cues_takes_a_few_seconds():
    lines = [entry.example for entry in Lexicon.load().entries]
    cues = [Cue(n, n * 2100, n * 2100 + 2000, lines[n % len(lines)]) for n in range(1, 10_001)]
    options = Settings(analyzer="embedded", lessons={"max_expressions": None})
    began = time.process_time()
    found = find_expressions(cues, make_analyzer(cues, options), options)
    assert sum(len(group.expressions) for group in found.groups) > 5_000
    assert time.process_time() - began < 60
