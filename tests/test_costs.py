"""What a run costs and how long it takes, said beforehand; and never a guessed price."""

import json
from datetime import date
from importlib.resources import files

import pytest

from langflix.chunks import make_chunks
from langflix.config import Settings, load_settings
from langflix.core import Cue, SettingsError
from langflix.costs import Price, cost, estimate, expected_tokens, most_tokens, price, require_price, settings_price
from langflix.gemini import Tokens
from langflix.prompts import prompt_for

TABLE = json.loads((files("langflix") / "data" / "prices.json").read_text(encoding="utf-8"))
DAY = date(2026, 11, 1)
CHUNKS = make_chunks([Cue(i, i * 3000, i * 3000 + 2500, "Hang in there, we're nearly done with this.") for i in range(1, 401)])


def settings(**gemini):
    return Settings(gemini={"model": "gemini-2.5-flash"} | gemini)


def test_every_line_of_the_table_bears_its_day_and_the_table_its_warning():
    assert "check before relying on it" in TABLE["about"]
    for lines in TABLE["models"].values():
        assert lines == sorted(lines, key=lambda line: line["from"])
        for line in lines:
            assert date.fromisoformat(line["as_of"]) <= date.today()
            assert date.fromisoformat(line["from"])
            assert 0 < line["input"] < line["output"]


@pytest.mark.parametrize(("day", "paid"), [(date(2026, 9, 1), None), (date(2026, 12, 31), 0.75), (date(2027, 1, 1), 1.5), (date(2030, 1, 1), 1.5)])
def test_a_price_holds_from_its_day_on(day, paid):
    known = price("gemini-3.8-flash", day)
    assert (known.input if known else None) == paid


@pytest.mark.parametrize("model", ["gemini-flash-latest", "gemini-2.5-flash-preview-09-2025", "gemini-2.5", "", "gpt-4"])
def test_a_model_that_is_not_in_the_table_has_no_price(model):
    assert price(model, DAY) is None


def test_a_numbered_version_costs_what_its_model_costs():
    assert price("models/gemini-2.5-flash-001", DAY) == price("gemini-2.5-flash", DAY)


def test_thoughts_are_billed_as_output():
    assert cost(Tokens(1_000_000, 0, 1_000_000), Price(0.3, 2.5)) == cost(Tokens(1_000_000, 1_000_000, 0), Price(0.3, 2.5)) == 2.8


def test_the_users_own_price_wins_and_needs_both_halves():
    assert settings_price(settings(input_price_usd=1, output_price_usd=0)) == Price(1, 0)
    with pytest.raises(SettingsError, match="set both"):
        load_settings(overrides={"gemini": {"input_price_usd": 1}})


def test_a_limit_of_cost_needs_a_price():
    with pytest.raises(SettingsError) as caught:
        require_price(settings(model="gemini-flash-latest", max_cost_usd=1))
    assert "gemini.input_price_usd" in caught.value.hint
    assert require_price(settings(model="gemini-flash-latest")) is None
    assert require_price(settings(max_cost_usd=1))


def test_an_estimate_adds_up_and_asks_for_as_many_as_there_are_chunks():
    seen = estimate(CHUNKS, settings(), kept=2, on=DAY)
    each = [expected_tokens(prompt_for(chunk, settings())) for chunk in CHUNKS]
    assert seen.tokens == sum(each, Tokens())
    assert (seen.chunks, seen.kept, seen.requests) == (len(CHUNKS) + 2, 2, len(CHUNKS))
    assert seen.cost_usd == pytest.approx(sum(cost(tokens, price("gemini-2.5-flash", DAY)) for tokens in each))
    assert any("2026-03-01" in note and "check before relying" in note for note in seen.notes)


def test_an_unknown_model_gives_no_cost_and_says_so():
    seen = estimate(CHUNKS, settings(model="gemini-flash-latest"), on=DAY)
    assert seen.cost_usd is None
    assert any("gemini-flash-latest is not known" in note for note in seen.notes)


def test_nothing_to_ask_costs_nothing():
    seen = estimate([], settings(model="gemini-flash-latest"), kept=5)
    assert (seen.requests, seen.cost_usd, seen.seconds, seen.binds) == (0, 0.0, 0.0, None)


@pytest.mark.parametrize(
    ("quota", "binds"), [({}, "latency"), ({"rpm": 2}, "rpm"), ({"rpm": 1000}, "latency"), ({"tpm": 1000}, "tpm"), ({"rpm": 2, "rpd": 3}, "rpd")]
)
def test_the_time_is_that_of_what_binds(quota, binds):
    seen = estimate(CHUNKS, settings(**quota), latency_s=5)
    assert seen.binds == binds
    assert seen.seconds >= estimate(CHUNKS, settings(), latency_s=5).seconds
    assert any("binds, not latency" in note for note in seen.notes) == (binds in ("rpm", "tpm"))


def test_workers_shorten_the_time_only_where_latency_binds():
    def seconds(workers, **quota):
        return estimate(CHUNKS, Settings(gemini=quota, parallel_processing={"max_workers": workers}), latency_s=5).seconds

    assert seconds(1) > 1.8 * seconds(2)
    assert seconds(5, rpm=2) == seconds(50, rpm=2)
    assert estimate(CHUNKS, Settings(parallel_processing={"enabled": False}), latency_s=5).seconds == seconds(1) == len(CHUNKS) * 5


def test_an_estimate_above_the_limit_says_that_the_run_would_end_early():
    assert any("would end before" in note for note in estimate(CHUNKS, settings(max_cost_usd=0.001), on=DAY).notes)
    assert not any("would end before" in note for note in estimate(CHUNKS, settings(max_cost_usd=100), on=DAY).notes)


def test_a_limit_of_cost_caps_answers_and_the_cap_bounds_a_call():
    free, limited = prompt_for(CHUNKS[0], settings()), prompt_for(CHUNKS[0], settings(max_cost_usd=1))
    assert free.max_output_tokens is None
    assert most_tokens(free) == expected_tokens(free)
    usual, most = expected_tokens(limited), most_tokens(limited)
    assert most.output == limited.max_output_tokens >= usual.output + usual.thoughts
    assert most.input > usual.input
    assert (limited.system, limited.user) == (free.system, free.user)
