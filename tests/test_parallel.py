"""Order, failures as data, answers kept, and the same result with one worker or many."""

import json
import threading

import pytest

from langflix.chunks import make_chunks
from langflix.core import Cue
from langflix.gemini import Answer, GeminiError, Tokens
from langflix.parallel import ExpressionBatchProcessor, Journal
from langflix.prompts import Item, ReplyError

CHUNKS = make_chunks([Cue(i, i * 6000, i * 6000 + 1500, "Hang in there.") for i in range(1, 41)], max_tokens=20)


def found(chunk):
    i = chunk.own_start
    return Answer([Item(expression="hang in there", cue_start=i, cue_end=i, context_start=i, context_end=i, level="B1", kind="idiom", score=1)], "[...]", Tokens(5, 3, 1), "m")


class Scripted:
    "Raises what is listed for a chunk, one after the other, then answers."

    def __init__(self, errors=None):
        self.errors = {number: list(each) for number, each in (errors or {}).items()}
        self.asked, self.lock = [], threading.Lock()

    def key(self, chunk):
        return f"{chunk.number:064}"

    def analyze(self, chunk):
        with self.lock:
            self.asked.append(chunk.number)
            waiting = self.errors.get(chunk.number)
            error = waiting.pop(0) if waiting else None
        if error:
            raise error
        return found(chunk)


def network():
    return GeminiError("no answer", problem="network")


def process(analyzer, slept=None, **options):
    note = (slept if slept is not None else []).append
    return ExpressionBatchProcessor(analyzer, sleep=note, **options).analyze_expression_chunks(CHUNKS)


def test_calls_really_run_at_once():
    together = threading.Barrier(4, timeout=20)

    class Meeting(Scripted):
        def analyze(self, chunk):
            if chunk.number <= 4:
                together.wait()  # passes only when four calls are under way
            return found(chunk)

    processor = ExpressionBatchProcessor(Meeting(), max_workers=4)
    outcomes = processor.analyze_expression_chunks(CHUNKS)
    assert all(outcome.failure is None for outcome in outcomes)
    assert processor.peak_concurrency == 4


def test_switched_off_there_is_one_call_at_a_time_and_the_same_result():
    processor = ExpressionBatchProcessor(Scripted(), enabled=False, max_workers=8)
    one = processor.analyze_expression_chunks(CHUNKS)
    assert processor.peak_concurrency == 1
    many = process(Scripted(), max_workers=8)
    assert [(o.chunk.number, o.items) for o in one] == [(o.chunk.number, o.items) for o in many]


def test_outcomes_keep_the_order_of_chunks_and_failures_are_among_them():
    errors = {3: [GeminiError("refused", "hint", problem="refused")], 4: [network()], 6: [ValueError("a fault of ours")]}
    outcomes = process(Scripted(errors), max_workers=4)
    assert [o.chunk.number for o in outcomes] == [c.number for c in CHUNKS]
    assert {o.chunk.number: o.failure.reason for o in outcomes if o.failure} == {3: "refused", 6: "unexpected"}
    assert outcomes[3].requests == 2


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (network(), 5),
        (GeminiError("busy", problem="overloaded"), 5),
        (ReplyError("not JSON"), 2),
        (GeminiError("cut", problem="cut"), 1),
        (GeminiError("later", problem="rate", retry_after_s=4000.0), 1),
    ],
)
def test_only_what_may_help_is_asked_again_and_not_for_ever(error, tries):
    analyzer = Scripted({1: [error] * 20})
    outcome = process(analyzer)[0]
    assert (analyzer.asked.count(1), outcome.requests) == (tries, tries)
    assert outcome.failure is not None


def test_a_named_delay_is_waited():
    slept = []
    outcomes = process(Scripted({2: [GeminiError("quota", problem="rate", retry_after_s=56.2)]}), slept)
    assert slept == [56.2]
    assert outcomes[1].failure is None


@pytest.mark.parametrize("problem", ["key", "model", "day_quota"])
def test_a_hopeless_error_stops_the_asking_at_once(problem):
    analyzer = Scripted({1: [GeminiError("no", "do this", problem=problem)]})
    outcomes = process(analyzer, enabled=False)
    assert analyzer.asked == [1]
    assert {o.failure.reason for o in outcomes} == {problem}
    assert all(o.failure.hint == "do this" for o in outcomes)


def test_after_the_deadline_nothing_is_asked():
    outcomes = process(Scripted(), deadline_s=0)
    assert {o.failure.reason for o in outcomes} == {"deadline"}
    assert sum(o.requests for o in outcomes) == 0


def test_answers_are_kept_and_only_the_missing_are_asked(tmp_path):
    first = Scripted({3: [GeminiError("refused", problem="refused")]})
    process(first, journal=Journal(tmp_path))
    second = Scripted()
    outcomes = process(second, journal=Journal(tmp_path))
    assert second.asked == [3]
    assert [o.items for o in outcomes] == [tuple(found(c).items) for c in CHUNKS]
    assert {o.reused for o in outcomes if o.chunk.number != 3} == {True}


def test_a_draft_left_by_a_killed_run_is_not_an_answer(tmp_path):
    journal = Journal(tmp_path)
    journal.put("ab" * 32, found(CHUNKS[0]))
    (kept,) = tmp_path.rglob("*.json")
    kept.rename(kept.with_name(".part-0123456789abcdef.json"))
    assert journal.get("ab" * 32) is None


def test_save_output_writes_a_readable_copy(tmp_path):
    ExpressionBatchProcessor(Scripted()).analyze_expression_chunks(CHUNKS, save_output=tmp_path / "llm")
    files = sorted((tmp_path / "llm").iterdir())
    assert len(files) == len(CHUNKS)
    first = json.loads(files[0].read_text())
    assert first["items"][0]["expression"] == "hang in there"
    assert first["lines"][0] == "[1] Hang in there."


def test_progress_hears_of_every_chunk():
    heard = []
    process(Scripted(), progress=lambda outcome: heard.append(outcome.chunk.number))
    assert sorted(heard) == [c.number for c in CHUNKS]


def test_the_pace_spreads_calls(monkeypatch):
    slept = []
    process(Scripted(), slept, rpm=600, enabled=False)
    assert len(slept) == len(CHUNKS) - 1
    assert all(0 < seconds < 60 / 540 * len(CHUNKS) for seconds in slept)
