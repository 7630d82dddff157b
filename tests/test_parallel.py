"""Order, failures as data, answers kept, one policy for every fault, and the same result with one worker or many."""

import json
import logging
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from runs import SDKS, asking, found, make

from langflix.chunks import Chunk
from langflix.core import Cue
from langflix.gemini import Answer, GeminiError, Tokens
from langflix.journal import Journal
from langflix.parallel import ExpressionBatchProcessor
from langflix.prompts import Item, ReplyError
from langflix.quota import Clock
from langflix.stand_in import FAULTS, Script, answer, item, stand_in

CHUNKS = make(12)
FAST = 50.0  # seconds of the policy in one second of the test


def statuses(server):
    return [asked.fault or asked.status for asked in server.asked]


def reasons(outcomes):
    return {(f.cue_start, f.cue_end): f.reason for outcome in outcomes for f in outcome.failures}


class Answering:
    "An analyzer without any server; `before` is called with each chunk."

    def __init__(self, before=lambda chunk: None):
        self.before, self.asked = before, []

    def key(self, chunk, repair=None):
        return f"{chunk.number:064}"

    def analyze(self, chunk, repair=None):
        self.asked.append(chunk.number)
        self.before(chunk)
        i = chunk.own_start
        return Answer([Item(expression="hang in there", cue_start=i, cue_end=i, context_start=i, context_end=i, level="B1", kind="idiom", score=1)], "[...]", Tokens(5, 3, 1), "m")


# --- many at once, in order


def test_calls_really_run_at_once():
    together = threading.Barrier(4, timeout=20)
    processor = ExpressionBatchProcessor(Answering(lambda chunk: together.wait() if chunk.number <= 4 else None), max_workers=4)
    outcomes = processor.analyze_expression_chunks(CHUNKS)
    assert not reasons(outcomes)
    assert processor.peak_concurrency == 4


@pytest.mark.parametrize("sdk", SDKS)
def test_switched_off_there_is_one_call_at_a_time_and_the_same_result(sdk):
    with stand_in(Script(latency_s=0.01)) as server:
        one = asking(server, sdk, enabled=False, max_workers=8).analyze_expression_chunks(CHUNKS)
        assert {asked.in_flight for asked in server.asked} == {1}
        many = asking(server, sdk, max_workers=8).analyze_expression_chunks(CHUNKS)
        assert max(asked.in_flight for asked in server.asked) > 1
    assert [(o.chunk, o.items) for o in one] == [(o.chunk, o.items) for o in many]
    assert [o.chunk for o in many] == CHUNKS


def test_long_chunks_start_first():
    chunks = [make(1, lines)[0] for lines in (2, 9, 4)]
    chunks = [Chunk(n, c.cues, c.own_start, c.own_end) for n, c in enumerate(chunks, 1)]
    analyzer = Answering()
    outcomes = ExpressionBatchProcessor(analyzer, enabled=False).analyze_expression_chunks(chunks)
    assert analyzer.asked == [2, 3, 1]
    assert [o.chunk.number for o in outcomes] == [1, 2, 3]


def test_a_fault_of_our_own_is_a_failure_of_that_chunk(caplog):
    def stumble(chunk):
        if chunk.number == 6:
            raise ValueError("a fault of ours")

    outcomes = ExpressionBatchProcessor(Answering(stumble)).analyze_expression_chunks(CHUNKS)
    assert reasons(outcomes) == {(41, 48): "unexpected"}
    assert "a fault of ours" in caplog.text


def test_many_workers_without_a_quota_are_warned_about(caplog):
    caplog.set_level(logging.WARNING)
    ExpressionBatchProcessor(Answering(), max_workers=11, rpm=100)
    assert not caplog.records
    ExpressionBatchProcessor(Answering(), max_workers=11)
    assert "gemini.rpm" in caplog.text


def test_what_nobody_says_is_not_asked_about():
    analyzer = Answering()
    silence = Chunk(1, (Cue(1, 0, 900, "door slams", kind="sound"),), 1, 1)
    (outcome,) = ExpressionBatchProcessor(analyzer).analyze_expression_chunks([silence])
    assert analyzer.asked == []
    assert not outcome.failures


# --- faults that pass


@pytest.mark.parametrize("fault", ["busy", "internal", "late", "reset", "half", "rate", "bare"])
def test_a_passing_fault_is_waited_out(fault):
    with stand_in(Script(first=(fault,) * 2, fault_delay_s=3)) as server:
        processor = asking(server, speed=FAST, enabled=False)
        outcomes = processor.analyze_expression_chunks(CHUNKS[:2])
    assert not reasons(outcomes)
    assert statuses(server) == [fault, fault, 200, 200]
    assert processor.report.waits["gate" if fault in ("rate", "bare") else "backoff"] > 0


def test_after_five_tries_and_one_more_alone_at_the_end_it_is_a_failure():
    def broken(asked):
        return (503, {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}) if asked.lines[0][0] == 9 else answer([])

    with stand_in(broken) as server:
        outcomes = asking(server, speed=FAST, enabled=False, breaker_wait_s=1).analyze_expression_chunks(CHUNKS[:3])
    first_lines = [asked.lines[0][0] for asked in server.asked]
    assert reasons(outcomes) == {(9, 16): "overloaded"}
    assert first_lines.count(9) == 6
    assert first_lines[-1] == 9


def test_a_chunk_that_failed_gets_its_answer_when_all_else_is_done():
    with stand_in(Script(first=("reset",) * 5)) as server:
        outcomes = asking(server, speed=FAST, enabled=False, breaker_wait_s=1).analyze_expression_chunks(CHUNKS[:2])
    assert not reasons(outcomes)
    assert len(server.asked) == 7


def test_waiting_for_the_quota_burns_no_try():
    with stand_in(Script(first=("rate",) * 9, fault_delay_s=2)) as server:
        outcomes = asking(server, speed=FAST, enabled=False).analyze_expression_chunks(CHUNKS[:1])
    assert not reasons(outcomes)
    assert len(server.asked) == 10


def test_one_refusal_over_quota_closes_the_gate_for_all():
    with stand_in(Script(first=("rate",), fault_delay_s=20, latency_s=0.01)) as server:
        asking(server, speed=FAST, max_workers=4).analyze_expression_chunks(CHUNKS)
    moments = [asked.at_s for asked in server.asked]
    under_way = sum(moment - moments[0] < 0.1 for moment in moments)
    assert under_way <= 8  # what was asked before the refusal was heard
    assert moments[under_way] - moments[0] >= 20 / FAST


@pytest.mark.parametrize("delay_s", [301, 4000])
def test_too_long_a_delay_ends_the_run(delay_s):
    with stand_in(Script(first=("rate",), fault_delay_s=delay_s)) as server:
        outcomes = asking(server, enabled=False).analyze_expression_chunks(CHUNKS[:3])
    assert len(server.asked) == 1
    assert set(reasons(outcomes).values()) == {"rate"}
    assert "gemini.rpm" in outcomes[0].failures[0].hint


def test_a_quota_that_never_opens_ends_the_run():
    with stand_in(Script(faults={"bare": 1.0})) as server:
        processor = asking(server, speed=2000, max_workers=2)
        outcomes = processor.analyze_expression_chunks(CHUNKS[:3])
    assert processor.report.ended_by.reason == "rate"
    assert len(reasons(outcomes)) == 3
    assert len(server.asked) < 40


# --- faults that stay


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize(("fault", "reason", "hint"), [("key", "key", "GEMINI_API_KEY"), ("model", "model", "gemini.model"), ("day", "day_quota", "midnight Pacific time, in")])
def test_a_hopeless_error_is_met_once_and_earlier_answers_stay(sdk, fault, reason, hint, tmp_path):
    with stand_in(Script(first=("", "", fault))) as server:
        processor = asking(server, sdk, enabled=False, journal=Journal(tmp_path))
        outcomes = processor.analyze_expression_chunks(CHUNKS)
    assert statuses(server) == [200, 200, fault]
    assert [bool(outcome.failures) for outcome in outcomes].count(False) == 2
    assert set(reasons(outcomes).values()) == {reason} == {processor.report.ended_by.reason}
    assert all(hint in failure.hint for outcome in outcomes for failure in outcome.failures)


def test_with_many_workers_only_calls_under_way_meet_the_hopeless_error():
    with stand_in(Script(faults={"key": 1.0})) as server:
        asking(server, max_workers=5).analyze_expression_chunks(CHUNKS)
    assert len(server.asked) <= 5


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("fault", ["blocked", "safety", "recitation"])
def test_one_poisonous_line_costs_that_line(sdk, fault):
    def answerer(asked):
        script = Script(first=(fault,) if 21 in [number for number, _ in asked.lines] else ())
        with_fault = {"blocked": {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}}.get(fault, {"candidates": [{"finishReason": fault.upper(), "index": 0}]})
        return (200, with_fault) if script.first else answer([item(number, "give up") for number, words in asked.lines if "give up" in words] or [])

    with stand_in(answerer) as server:
        outcomes = asking(server, sdk).analyze_expression_chunks(CHUNKS)
    assert reasons(outcomes) == {(21, 21): "refused"}
    questions = [tuple(asked.lines) for asked in server.asked]
    assert len(set(questions)) == len(questions)
    answered = {number for asked in server.asked for number, _ in asked.lines}
    assert answered == {cue.index for chunk in CHUNKS for cue in chunk.cues}


def test_lines_that_only_stand_beside_a_chunk_do_not_spoil_it():
    (wide,) = make(1, 6)
    chunk = Chunk(1, wide.cues, 3, 4)  # reads 1-6, answers for 3-4
    with stand_in(Script(refused=(6,))) as server:
        (outcome,) = asking(server).analyze_expression_chunks([chunk])
    assert not outcome.failures
    assert [len(asked.lines) for asked in server.asked] == [6, 1, 1]


@pytest.mark.parametrize("fault", ["cut", "empty"])
def test_a_cut_answer_is_asked_for_in_two_parts(fault):
    with stand_in(Script(first=(fault,))) as server:
        (outcome,) = asking(server).analyze_expression_chunks(CHUNKS[:1])
        whole = asking(server).analyze_expression_chunks(CHUNKS[:1])
    assert [len(asked.lines) for asked in server.asked] == [8, 4, 4, 8]
    assert found([outcome]) == found(whole)


@pytest.mark.parametrize("fault", ["cut", "prose"])
@pytest.mark.parametrize("kept", [True, False])
def test_a_single_line_that_failed_by_chance_is_tried_again_alone(tmp_path, fault, kept):
    chunks = make(2, 1)
    with stand_in(Script(first=(fault,) * (1 if fault == "cut" else 2))) as server:
        outcomes = asking(server, enabled=False, journal=Journal(tmp_path) if kept else None).analyze_expression_chunks(chunks)
        assert found(asking(server).analyze_expression_chunks(chunks)) == found(outcomes)
    assert not reasons(outcomes)


@pytest.mark.parametrize("fault", ["prose", "wrong", "lie"])
def test_a_bad_reply_is_repaired_by_another_question(fault):
    with stand_in(Script(first=(fault,))) as server:
        (outcome,) = asking(server).analyze_expression_chunks(CHUNKS[:1])
    first, second = server.asked
    assert not outcome.failures
    assert first.lines == second.lines
    assert len(second.body["systemInstruction"]["parts"][0]["text"]) > len(first.body["systemInstruction"]["parts"][0]["text"])


def test_replies_that_stay_bad_are_split_once_tried_alone_and_reported(tmp_path):
    with stand_in(Script(faults={"prose": 1.0})) as server:
        (outcome,) = asking(server, journal=Journal(tmp_path)).analyze_expression_chunks(CHUNKS[:1])
    assert reasons([outcome]) == {(1, 8): "reply"}
    assert [len(asked.lines) for asked in server.asked] == [8, 8, 4, 4, 4, 4, 4, 4, 4, 4]
    with stand_in() as server:
        (outcome,) = asking(server, journal=Journal(tmp_path)).analyze_expression_chunks(CHUNKS[:1])
    assert not outcome.failures
    assert [len(asked.lines) for asked in server.asked] == [4, 4]  # the whole is known to be hopeless, the halves may pass


def test_a_repair_that_holds_one_lie_among_honest_items_is_taken():
    def answerer(asked):
        return answer([item(asked.lines[1][0], "give up"), item(9999, "kick the bucket")])

    with stand_in(answerer) as server:
        (outcome,) = asking(server).analyze_expression_chunks(CHUNKS[:1])
    assert len(server.asked) == 2
    assert found([outcome]) == {(2, "give up"), (9999, "kick the bucket")}  # the lie is dropped where times are measured


def test_items_that_are_nowhere_to_be_found_are_a_bad_reply():
    def answerer(asked):
        repaired = "could not be used" in asked.body["systemInstruction"]["parts"][0]["text"]
        return answer([item(asked.lines[0][0], "give up" if repaired else "kick the bucket")])

    with stand_in(answerer) as server:
        (outcome,) = asking(server, founded=lambda item, chunk: item.expression != "kick the bucket").analyze_expression_chunks(CHUNKS[:1])
    assert len(server.asked) == 2
    assert found([outcome]) == {(1, "give up")}


# --- servers that never end


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("fault", ["hang", "drip", "half"])
def test_no_server_stalls_a_call_past_its_time(sdk, fault):
    with stand_in(Script(first=(fault,), drip_s=0.05)) as server:
        processor = asking(server, sdk, timeout_s=0.5, enabled=False)
        began = time.monotonic()
        outcomes = processor.analyze_expression_chunks(CHUNKS[:2])
        assert time.monotonic() - began < 60
    assert not reasons(outcomes)
    assert processor.report.p95_s < 60  # the stalled call was left, not waited for


def test_no_server_stalls_a_run_past_its_deadline():
    with stand_in(Script(first=("",), faults={"hang": 0.5, "drip": 0.5}, drip_s=0.2)) as server:
        asking(server).analyze_expression_chunks(CHUNKS[:1])  # load the library before the clock runs
        processor = asking(server, max_workers=4, deadline_s=1)
        began = time.monotonic()
        outcomes = processor.analyze_expression_chunks(CHUNKS)
        assert time.monotonic() - began < 60
    assert set(reasons(outcomes).values()) == {"deadline"}
    assert 1 < len(server.asked) <= 1 + 4


def test_a_late_answer_still_reaches_the_journal(tmp_path):
    release = threading.Event()
    analyzer = Answering(lambda chunk: release.wait(20))
    journal = Journal(tmp_path)
    outcomes = ExpressionBatchProcessor(analyzer, deadline_s=0.2, journal=journal).analyze_expression_chunks(CHUNKS[:1])
    assert reasons(outcomes) == {(1, 8): "deadline"}
    release.set()
    for thread in threading.enumerate():
        if thread.name == "langflix-call":
            thread.join(20)
    assert journal.get(f"{1:064}") is not None


def test_a_service_that_is_down_is_left_alone_probed_and_given_up():
    with stand_in(Script(faults={"busy": 1.0})) as server:
        processor = asking(server, speed=FAST, max_workers=3, breaker_wait_s=30)
        outcomes = processor.analyze_expression_chunks(CHUNKS)
    assert processor.report.ended_by.reason == "breaker"
    assert set(reasons(outcomes).values()) == {"breaker"}
    assert 5 + 2 <= len(server.asked) <= 5 + 2 + 2  # five to open, two probes, and what was under way
    moments = [asked.at_s for asked in server.asked]
    assert moments[-1] - moments[-2] >= 30 / FAST


def test_a_service_that_comes_back_is_used_again():
    with stand_in(Script(first=("busy",) * 5)) as server:
        processor = asking(server, speed=FAST, max_workers=3, breaker_wait_s=20)
        outcomes = processor.analyze_expression_chunks(CHUNKS)
    assert not reasons(outcomes)
    assert processor.report.waits["breaker"] > 10


# --- limits


def test_the_pace_keeps_within_the_quota_of_requests():
    with stand_in(Script(rpm=300, rpm_burst=2)) as server:
        processor = asking(server, max_workers=8, rpm=300)
        processor.analyze_expression_chunks(make(10, 2))
    assert sum(asked.status == 429 for asked in server.asked) == 0
    assert processor.report.held_back_by == "quota"


def test_the_pace_keeps_within_the_quota_of_tokens():
    with stand_in(Script()) as server:
        asking(server).analyze_expression_chunks(CHUNKS[:1])
        each = asking(server)
        each.analyze_expression_chunks(CHUNKS[:1])
        tokens = each.report.tokens.input
        processor = asking(server, max_workers=8, tpm=tokens * 600, expected=lambda chunk: Tokens(tokens * 2))
        processor.analyze_expression_chunks(make(80))
    assert processor.report.waits["quota"] > 0.5  # 80 calls at ten a second, less what the bucket held
    assert processor.report.rate_limited == 0


def test_the_day_has_so_many_requests_and_the_next_run_knows_it(tmp_path):
    with stand_in() as server:
        options = {"rpd": 5, "state_dir": tmp_path, "account": "a"}
        first = asking(server, **options).analyze_expression_chunks(CHUNKS)
        second = asking(server, **options).analyze_expression_chunks(CHUNKS)
        assert len(server.asked) == 5
        asking(server, **options | {"account": "b"}).analyze_expression_chunks(CHUNKS[:1])
        assert len(server.asked) == 6
    assert list(reasons(first).values()) == ["day_quota"] * 7
    assert list(reasons(second).values()) == ["day_quota"] * 12
    assert "midnight Pacific" in second[0].failures[0].hint


class Tomorrow(Clock):
    def date(self):
        return datetime(2099, 1, 1, 12, tzinfo=UTC)


def test_a_new_day_begins_anew(tmp_path):
    options = {"rpd": 3, "state_dir": tmp_path}
    ExpressionBatchProcessor(Answering(), **options).analyze_expression_chunks(CHUNKS)
    outcomes = ExpressionBatchProcessor(Answering(), clock=Tomorrow(), **options).analyze_expression_chunks(CHUNKS[:3])
    assert not reasons(outcomes)


@pytest.mark.parametrize("workers", [1, 4])
def test_money_is_not_spent_past_the_limit(workers, tmp_path):
    def usd(tokens):
        return (tokens.input + tokens.output + tokens.thoughts) / 1000

    with stand_in() as server:
        free = asking(server)
        free.analyze_expression_chunks(CHUNKS[:1])
        one = usd(free.report.tokens)
        processor = asking(server, max_workers=workers, cost=usd, expected=lambda chunk: Tokens(round(one * 1000)), max_cost_usd=5.5 * one)
        outcomes = processor.analyze_expression_chunks(CHUNKS)
    assert 4 * one <= processor.report.cost_usd <= 5.5 * one
    assert set(reasons(outcomes).values()) == {"max_cost"}
    assert "gemini.max_cost_usd" in next(o.failures[0].hint for o in outcomes if o.failures)


def test_after_the_deadline_nothing_is_asked():
    analyzer = Answering()
    outcomes = ExpressionBatchProcessor(analyzer, deadline_s=0).analyze_expression_chunks(CHUNKS)
    assert set(reasons(outcomes).values()) == {"deadline"}
    assert analyzer.asked == []


def test_another_thread_may_stop_a_run():
    begun = threading.Event()
    processor = ExpressionBatchProcessor(Answering(lambda chunk: begun.set() or time.sleep(30)), max_workers=3)
    stopper = threading.Thread(target=lambda: begun.wait(20) and processor.stop())
    stopper.start()
    began = time.monotonic()
    outcomes = processor.analyze_expression_chunks(CHUNKS)
    stopper.join()
    assert time.monotonic() - began < 20
    assert set(reasons(outcomes).values()) == {"interrupted"}


# --- what is kept and told


def test_answers_are_kept_and_only_the_missing_are_asked(tmp_path):
    with stand_in(Script(first=("",) * 4 + ("key",))) as server:
        asking(server, enabled=False, journal=Journal(tmp_path)).analyze_expression_chunks(CHUNKS)
    with stand_in() as server:
        processor = asking(server, journal=Journal(tmp_path))
        outcomes = processor.analyze_expression_chunks(CHUNKS)
        assert len(server.asked) == len(CHUNKS) - 4
        calm = asking(server).analyze_expression_chunks(CHUNKS)
    assert [o.items for o in outcomes] == [o.items for o in calm]
    assert sum(o.reused for o in outcomes) == processor.report.reused == 4


def test_refusals_and_parts_are_kept_too(tmp_path):
    with stand_in(Script(refused=(13,), first=("cut",))) as server:
        first = asking(server, enabled=False, journal=Journal(tmp_path)).analyze_expression_chunks(CHUNKS)
        asked = len(server.asked)
        second = asking(server, journal=Journal(tmp_path)).analyze_expression_chunks(CHUNKS)
        assert len(server.asked) == asked
    assert [(o.items, o.failures) for o in first] == [(o.items, o.failures) for o in second]
    assert reasons(second) == {(13, 13): "refused"}


def test_a_draft_left_by_a_killed_run_is_not_an_answer(tmp_path):
    journal = Journal(tmp_path)
    journal.put("ab" * 32, Answer([]))
    (kept,) = tmp_path.rglob("*.json")
    kept.rename(kept.with_name(".part-0123456789abcdef.json"))
    assert journal.get("ab" * 32) is None


def test_save_output_writes_a_readable_copy(tmp_path):
    ExpressionBatchProcessor(Answering()).analyze_expression_chunks(CHUNKS, save_output=tmp_path / "llm")
    files = sorted((tmp_path / "llm").iterdir())
    assert len(files) == len(CHUNKS)
    first = json.loads(files[0].read_text())
    assert first["items"][0]["expression"] == "hang in there"
    assert first["lines"][0] == "[1] Line 1: piece of cake."


def test_progress_tells_of_every_chunk_and_why_it_waits():
    heard = []
    with stand_in(Script(first=("rate",), fault_delay_s=1.2)) as server:
        asking(server, max_workers=3, progress=heard.append).analyze_expression_chunks(CHUNKS)
    assert heard[-1].done == heard[-1].total == len(CHUNKS)
    assert heard[-1].left_s == 0
    assert [s.done for s in heard] == sorted(s.done for s in heard)
    assert any(s.waiting and s.why == "gate" for s in heard)
    assert heard[-1].tokens.input > 0


def test_a_progress_that_fails_ends_the_run_in_order():
    def fail(snapshot):
        raise OSError("the terminal is gone")

    with pytest.raises(OSError, match="terminal"):
        ExpressionBatchProcessor(Answering(), progress=fail).analyze_expression_chunks(CHUNKS)


@pytest.mark.parametrize("sdk", SDKS)
def test_the_report_adds_up(sdk):
    with stand_in(Script(latency_s=0.2)) as server:
        processor = asking(server, sdk, max_workers=4, cost=lambda tokens: tokens.output / 1000)
        outcomes = processor.analyze_expression_chunks(CHUNKS)
    report = processor.report
    assert (report.requests, report.answered, report.failed, report.reused) == (12, 12, 0, 0)
    assert report.call_s == pytest.approx(sum(o.call_s for o in outcomes))
    assert 0.2 <= report.p50_s <= report.p95_s
    assert report.peak_concurrency == 4 >= report.speed_up > 1
    assert report.held_back_by == "latency"
    assert report.cost_usd == pytest.approx(report.tokens.output / 1000)
    assert report.tokens.thoughts == 12 * 12


def test_the_runner_itself_costs_little_beside_a_call():
    chunks = make(500, 2)
    began = time.process_time()
    ExpressionBatchProcessor(Answering(), max_workers=8, rpm=10**9).analyze_expression_chunks(chunks)
    assert (time.process_time() - began) / len(chunks) < 0.02


def test_memory_does_not_grow_with_the_episode(tmp_path):
    script = """
import os
import sys
from pathlib import Path
from runs import make
from test_parallel import Answering
from langflix.journal import Journal
from langflix.parallel import ExpressionBatchProcessor

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6

for count in (20, 200, 2000):
    chunks = make(count)
    before = resident()
    ExpressionBatchProcessor(Answering(), max_workers=8, rpm=10**9, journal=Journal(Path(sys.argv[1]))).analyze_expression_chunks(chunks)
    print(resident() - before)
"""
    run = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    twenty, _, two_thousand = map(float, run.stdout.split())
    assert twenty < 50
    assert two_thousand < 20


def test_every_fault_of_the_stand_in_ends_a_run_in_order():
    for fault in FAULTS:
        with stand_in(Script(faults={fault: 1.0})) as server:
            outcomes = asking(server, speed=500, max_workers=3, timeout_s=100, breaker_wait_s=10).analyze_expression_chunks(CHUNKS[:3])
        assert [o.chunk for o in outcomes] == CHUNKS[:3]
        assert all(o.failures for o in outcomes), fault


def test_errors_can_be_raised_without_details():
    def refuse(chunk):
        raise ReplyError("not what was asked for") if chunk.number % 2 else GeminiError("cut", problem="cut")

    outcomes = ExpressionBatchProcessor(Answering(refuse)).analyze_expression_chunks(CHUNKS[:2])
    assert {f.reason for o in outcomes for f in o.failures} == {"reply", "cut"}
