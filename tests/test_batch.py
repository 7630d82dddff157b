"""Questions in batches, over real HTTP: every way in which a batch can end, every moment at which a run can be killed, and nothing asked twice."""

import json
import logging
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from google import genai
from runs import make

from langflix.batch import BatchProcessor, Terms, match
from langflix.batch_jobs import BatchAnswer, BatchJobs, batch_body, make_batch_jobs, read_job
from langflix.batch_notes import Note, Notes, claim_bill, leave_bill, new_note
from langflix.compare import read
from langflix.config import Settings
from langflix.core import SettingsError
from langflix.costs import Price, cost, estimate, most_tokens, settings_price
from langflix.gemini import GeminiAnalyzer, GenAITransport, GeminiError, Tokens
from langflix.journal import Journal
from langflix.parallel import ExpressionBatchProcessor
from langflix.prompts import Prompt, prompt_for
from langflix.quota import Clock
from langflix.stand_in import Script, exhausted, stand_in
from langflix.stand_in_batches import BatchPlan

KEY = "AIzaNotARealKey00000000"
CHUNKS = make(6)
SETTINGS = Settings(gemini={"model": "gemini-2.5-flash"})


def jobs(server):
    return BatchJobs(KEY, "gemini-2.5-flash", server.url, 5)


def processor(server, place, speed=1000, **options):
    terms = Terms(**{name: options.pop(name) for name in list(options) if name in Terms.__dataclass_fields__})
    analyzer = GeminiAnalyzer(None, options.pop("settings", SETTINGS))
    return BatchProcessor(analyzer, jobs(server), journal=Journal(place / "answers"), folder=place / "batches", terms=terms, clock=Clock(speed), **options)


def run(server, place, chunks=CHUNKS, **options):
    made = processor(server, place, **options)
    return made.analyze_expression_chunks(chunks), made.report


def found(outcomes):
    return [[item.expression for item in outcome.items] for outcome in outcomes]


def reasons(outcomes):
    return Counter(failure.reason for outcome in outcomes for failure in outcome.failures)


def asked_twice(server):
    return [asked.lines[:1] for asked in server.asked if asked.nth > 1]


def notes(place):
    return Notes(place / "batches").all()


# What a whole life looks like


def test_a_batch_lives_and_gives_what_single_questions_give(tmp_path):
    with stand_in() as server:
        alone = ExpressionBatchProcessor(GeminiAnalyzer(GenAITransport(KEY, "gemini-2.5-flash", server.url), SETTINGS), journal=Journal(tmp_path / "alone"))
        expected = alone.analyze_expression_chunks(CHUNKS)
    seen = []
    with stand_in(Script(batches=BatchPlan(looks=4))) as server:
        outcomes, report = run(server, tmp_path, progress=seen.append)
        assert len(server.batches.all) == 1
        assert {asked.path for asked in server.asked} == {"/v1beta/models/gemini-2.5-flash:batchGenerateContent"}
    assert [outcome.items for outcome in outcomes] == [outcome.items for outcome in expected]
    assert [outcome.chunk for outcome in outcomes] == list(CHUNKS)
    assert (report.requests, report.answered, report.failed, report.reused) == (6, 6, 0, 0)
    assert (report.tokens.output, report.tokens.thoughts) == (alone.report.tokens.output, alone.report.tokens.thoughts)
    assert [snapshot.done for snapshot in seen] == sorted(snapshot.done for snapshot in seen)
    assert any(snapshot.note.startswith("batch 1 of 1: pending") for snapshot in seen)
    assert any(snapshot.note.startswith("batch 1 of 1: running") for snapshot in seen)
    assert (seen[-1].done, seen[-1].total) == (6, 6)
    assert notes(tmp_path) == []


def test_answers_are_kept_as_those_of_single_questions_both_ways(tmp_path):
    journal = tmp_path / "answers"
    with stand_in() as server:
        run(server, tmp_path, CHUNKS[:3])
        alone = ExpressionBatchProcessor(GeminiAnalyzer(GenAITransport(KEY, "gemini-2.5-flash", server.url), SETTINGS), journal=Journal(journal))
        alone.analyze_expression_chunks(CHUNKS[:5])
        assert (alone.report.requests, alone.report.reused) == (2, 3)
        outcomes, report = run(server, tmp_path)
        assert (report.requests, report.reused) == (1, 5)
        assert len(server.asked) == 6
    assert [outcome.reused for outcome in outcomes] == [True] * 5 + [False]


def test_the_result_is_in_the_order_of_chunks_even_if_the_service_shuffles(tmp_path):
    with stand_in(Script(batches=BatchPlan(shuffled=True))) as server:
        outcomes, _ = run(server, tmp_path)
    with stand_in() as server:
        assert found(outcomes) == found(run(server, tmp_path / "calm")[0])


def test_many_questions_go_in_several_batches_bounded_in_number_and_bytes(tmp_path):
    with stand_in() as server:
        outcomes, _ = run(server, tmp_path, most_requests=4)
        assert [len(batch.requests) for batch in server.batches.all.values()] == [4, 2]
    with stand_in() as server:
        run(server, tmp_path / "bytes", most_bytes=10_000)
        sizes = [len(json.dumps(batch.requests)) for batch in server.batches.all.values()]
    assert len(sizes) > 1
    assert reasons(outcomes) == {}


def test_a_readable_copy_is_written(tmp_path):
    with stand_in() as server:
        processor(server, tmp_path).analyze_expression_chunks(CHUNKS, save_output=tmp_path / "llm")
    assert len(list((tmp_path / "llm").glob("chunk-*.json"))) == 6


# The wire, against the newer library's own idea of it


def test_the_library_sends_the_same_batch_and_reads_ours(tmp_path):
    prompts = [(f"key-{n}", Prompt("Find expressions.", f"[{n}] Hang in there.", max_output_tokens=100)) for n in (1, 2)]
    with stand_in() as server:
        client = genai.Client(api_key=KEY, http_options={"base_url": server.url})
        schema = GenAITransport(KEY, "m", server.url)._schema
        config = {"system_instruction": "Find expressions.", "response_mime_type": "application/json", "response_schema": schema, "max_output_tokens": 100}
        client.batches.create(
            model="gemini-2.5-flash", config={"display_name": "theirs"},
            src=[{"contents": prompt.user, "config": config, "metadata": {"key": key}} for key, prompt in prompts],
        )  # fmt: skip
        made = jobs(server).create("ours", prompts)
        theirs, ours = (batch.requests for batch in server.batches.all.values())
        for one, other in zip(theirs, ours, strict=True):
            assert one["metadata"] == other["metadata"]
            assert one["request"]["contents"] == other["request"]["contents"]
            told = json.dumps(one["request"]["generationConfig"]).replace("property_ordering", "propertyOrdering")  # the service takes either
            assert json.loads(told) == other["request"]["generationConfig"]
            assert [part["text"] for part in one["request"]["systemInstruction"]["parts"]] == [part["text"] for part in other["request"]["systemInstruction"]["parts"]]
        assert [client.batches.get(name=made.name).state.name for _ in range(3)] == ["JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED"]
        read = client.batches.get(name=made.name).dest.inlined_responses
        mine = jobs(server).get(made.name)
        assert [answer.key for answer in mine.answers] == [each.metadata["key"] for each in read] == ["key-1", "key-2"]
        texts = [answer.body["candidates"][0]["content"]["parts"][0]["text"] for answer in mine.answers]
        assert texts == [each.response.text for each in read]
        assert {job.display_name for job in client.batches.list(config={"page_size": 2})} == {"theirs", "ours"}
        client.batches.cancel(name="batches/1")
        assert jobs(server).get("batches/1").state == "cancelled"


def test_an_error_with_details_is_read_where_the_library_gives_up(tmp_path):
    with stand_in(Script(batch_errors=(2,), batches=BatchPlan(looks=0))) as server:
        made = jobs(server).create("ours", [(f"key-{n}", Prompt("Find.", f"[{n}] Hang in there.")) for n in (1, 2)])
        assert [answer.error.problem if answer.error else "" for answer in jobs(server).get(made.name).answers] == ["", "overloaded"]


@pytest.mark.parametrize("state", ["BATCH_STATE_PENDING", "JOB_STATE_QUEUED", "JOB_STATE_PAUSED", "BATCH_STATE_UNSPECIFIED", ""])
def test_what_is_no_end_is_looked_at_again(state):
    assert read_job({"name": "batches/1", "metadata": {"state": state}}).state in ("pending", "running")


def test_a_batch_that_says_done_has_ended_whatever_its_state():
    assert read_job({"done": True, "metadata": {"state": "BATCH_STATE_NEW"}}).state == "succeeded"
    assert read_job({"done": True, "error": {"code": 3, "message": f"key={KEY}"}}, KEY).message == "key=[redacted]"


def test_a_body_of_a_batch_carries_each_key_beside_its_question():
    body = json.loads(batch_body("name", "models/m", [("k", Prompt("s", "[1] u"))]))
    assert body["batch"]["displayName"] == "name"
    assert body["batch"]["inputConfig"]["requests"]["requests"][0]["metadata"] == {"key": "k"}


# Partial failure


def test_questions_that_fail_are_failures_and_only_they_are_asked_again(tmp_path):
    broken = CHUNKS[2].own_start
    with stand_in(Script(batch_errors=(broken,))) as server:
        outcomes, report = run(server, tmp_path)
        assert asked_twice(server) == []
    assert reasons(outcomes) == {"overloaded": 1}
    assert outcomes[2].failures[0].cue_start == broken
    assert (report.answered, report.failed, report.requests) == (5, 1, 5)
    with stand_in() as server:
        outcomes, report = run(server, tmp_path)
        assert len(server.asked) == 1
    assert (report.requests, report.reused, report.failed) == (1, 5, 0)


def test_a_refused_line_is_found_by_halves_in_batches(tmp_path):
    line = CHUNKS[1].own_start + 3
    with stand_in(Script(refused=(line,))) as server:
        outcomes, _ = run(server, tmp_path)
        assert asked_twice(server) == []
        rounds = len(server.batches.all)
    assert [(f.cue_start, f.cue_end, f.reason) for o in outcomes for f in o.failures] == [(line, line, "refused")]
    with stand_in(Script(refused=(line,))) as server:
        again, _ = run(server, tmp_path)
        assert server.asked == []
    assert found(again) == found(outcomes)
    assert 2 < rounds < 10


@pytest.mark.parametrize(("fault", "reason"), [("prose", "reply"), ("wrong", "reply"), ("lie", "reply")])
def test_a_bad_reply_is_repaired_then_halved_then_given_up_and_asked_anew_another_day(tmp_path, fault, reason):
    with stand_in(Script(faults={fault: 1.0})) as server:
        outcomes, _ = run(server, tmp_path, CHUNKS[:1])
        assert asked_twice(server) == []
        assert len(server.asked) == 6  # the chunk, its repair, its halves and theirs
    assert set(reasons(outcomes)) == {reason}
    with stand_in() as server:
        outcomes, _ = run(server, tmp_path, CHUNKS[:1])
    assert reasons(outcomes) == {}


def test_answers_without_keys_are_taken_in_their_places(tmp_path):
    with stand_in(Script(batches=BatchPlan(keyless=True))) as server:
        outcomes, _ = run(server, tmp_path)
    assert reasons(outcomes) == {}
    with stand_in() as server:
        assert found(outcomes) == found(run(server, tmp_path / "calm")[0])


def test_no_answer_is_given_to_another_question(tmp_path):
    with stand_in(Script(batches=BatchPlan(keyless=True, shuffled=True))) as server:
        outcomes, _ = run(server, tmp_path)
    with stand_in() as server:
        right = found(run(server, tmp_path / "calm")[0])
    assert set(reasons(outcomes)) == {"missing"}
    assert all(items in ([], expected) for items, expected in zip(found(outcomes), right, strict=True))


def test_answers_are_matched_by_key_then_by_place_then_not_at_all():
    one, none = (BatchAnswer("", {"for": name}) for name in ("one", None))

    def fits(key, answer):
        return None if answer.body["for"] is None else answer.body["for"] == key

    assert match(["one"], [none], fits) == {"one": none}
    assert match(["one", "two"], [one, none], fits) == {"one": one, "two": none}
    assert match(["one", "two"], [none, none], fits) == {}
    assert match(["one", "two"], [one], fits) == {}
    assert match(["one", "two"], [BatchAnswer("two", {})], fits) == {"two": BatchAnswer("two", {})}


# A batch that ends badly


@pytest.mark.parametrize(("end", "reason"), [("failed", "batch_failed"), ("expired", "expired"), ("lost", "lost")])
def test_a_batch_that_ends_badly_is_told_and_asked_anew_by_the_next_run(tmp_path, end, reason):
    with stand_in(Script(batches=BatchPlan(ends=(end,)))) as server:
        outcomes, report = run(server, tmp_path)
        assert reasons(outcomes) == {reason: 6}
        assert (report.answered, report.failed, report.requests) == (0, 6, 0)
        assert all("Run again" in failure.hint for outcome in outcomes for failure in outcome.failures)
        outcomes, _ = run(server, tmp_path)
        assert reasons(outcomes) == {}
        assert len(server.batches.all) == 2
    assert notes(tmp_path) == []


def test_a_cancelled_batch_gives_what_it_had(tmp_path):
    with stand_in(Script(batches=BatchPlan(ends=("cancelled",)))) as server:
        outcomes, _ = run(server, tmp_path)
        assert reasons(outcomes) == {"cancelled": 3}
        run(server, tmp_path)
        assert len(server.asked) == 9
        assert len(server.batches.all["batches/2"].requests) == 3


def test_a_batch_that_failed_says_why(tmp_path):
    with stand_in(Script(batches=BatchPlan(ends=("failed",)))) as server:
        outcomes, _ = run(server, tmp_path)
    assert "The batch has failed" in outcomes[0].failures[0].message


# Handing in


@pytest.mark.parametrize("fault", ["rate", "bare", "busy", "internal", "reset", "lost"])
def test_handing_in_is_tried_again_and_never_doubled(tmp_path, fault):
    with stand_in(Script(batch_first=(fault, "", fault))) as server:
        outcomes, report = run(server, tmp_path)
        assert reasons(outcomes) == {}
        assert asked_twice(server) == []
        assert len(server.batches.all) == 1
    assert report.rate_limited == (fault in ("rate", "bare"))


@pytest.mark.parametrize(("fault", "said"), [("key", "GEMINI_API_KEY"), ("model", "billing"), ("day", "Pacific")])
def test_what_trying_again_cannot_mend_is_tried_once(tmp_path, fault, said):
    with stand_in(Script(batch_first=(fault,) * 20)) as server:
        outcomes, _ = run(server, tmp_path)
        assert len([call for call in server.batch_calls if call.startswith("POST")]) == 1
    assert len(reasons(outcomes)) == 1
    assert said in outcomes[0].failures[0].hint
    assert notes(tmp_path) == []


def test_a_service_that_stays_away_ends_the_run_with_its_reason(tmp_path):
    with stand_in(Script(batch_first=("busy",) * 50)) as server:
        outcomes, _ = run(server, tmp_path)
        assert 3 < len(server.batch_calls) < 40
    assert reasons(outcomes) == {"overloaded": 6}


def test_a_full_queue_is_waited_for_while_batches_of_ours_are_in_it(tmp_path):
    with stand_in(Script(batches=BatchPlan(most=1, looks=12))) as server:
        outcomes, report = run(server, tmp_path, most_requests=2)
        assert len(server.batches.all) == 3
    assert reasons(outcomes) == {}
    assert report.rate_limited > 0


def test_looks_that_fail_are_repeated(tmp_path):
    with stand_in(Script(batch_first=("", "busy", "rate", "reset", "busy"))) as server:
        outcomes, _ = run(server, tmp_path)
    assert reasons(outcomes) == {}


def test_two_runs_at_once_hand_in_once(tmp_path):
    results = []
    with stand_in(Script(batches=BatchPlan(looks=6))) as server:
        threads = [threading.Thread(target=lambda: results.append(run(server, tmp_path)[0])) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert asked_twice(server) == []
        assert len(server.batches.all) == 1
    assert [reasons(outcomes) for outcomes in results] == [{}, {}, {}]


def test_a_batch_of_a_season_serves_a_single_episode_and_the_season_after_it(tmp_path):
    with stand_in(Script(batches=BatchPlan(looks=3))) as server:
        run(server, tmp_path, speed=1, deadline_s=1)
        run(server, tmp_path, CHUNKS[:2])
        assert [len(note.open) for note in notes(tmp_path)] == [4]
        outcomes, report = run(server, tmp_path)
        assert asked_twice(server) == []
        assert len(server.batches.all) == 1
    assert reasons(outcomes) == {}
    assert (report.requests, report.reused) == (4, 2)
    assert notes(tmp_path) == []


# Deadlines, money, and only collecting


def test_a_deadline_ends_the_run_with_what_it_has_and_the_next_one_collects(tmp_path):
    with stand_in(Script(batches=BatchPlan(ends=("succeeded", "stuck")))) as server:
        outcomes, report = run(server, tmp_path, most_requests=3, deadline_s=300)
        assert reasons(outcomes) == {"deadline": 3}
        assert report.ended_by.reason == "deadline"
        assert found(outcomes)[0]
        server.batches.all["batches/2"].end = "succeeded"
        outcomes, _ = run(server, tmp_path)
        assert reasons(outcomes) == {}
        assert asked_twice(server) == []


def test_a_run_can_be_stopped_from_another_thread(tmp_path):
    with stand_in(Script(batches=BatchPlan(ends=("stuck",)))) as server:
        made = processor(server, tmp_path, speed=1)
        threading.Thread(target=lambda: (server.wait_for_calls(2), made.stop())).start()
        outcomes = made.analyze_expression_chunks(CHUNKS)
    assert reasons(outcomes) == {"interrupted": 6}
    assert len(notes(tmp_path)) == 1


def test_the_highest_cost_is_never_passed(tmp_path):
    limited = Settings(gemini={"model": "gemini-2.5-flash", "max_cost_usd": 1, "batch": True})
    price = settings_price(limited, date(2026, 11, 1))
    each = max(cost(most_tokens(prompt_for(chunk, limited)), price) for chunk in CHUNKS)
    options = {"settings": limited, "cost": lambda tokens: cost(tokens, price), "expected": lambda chunk: most_tokens(prompt_for(chunk, limited))}
    with stand_in() as server:
        outcomes, report = run(server, tmp_path, max_cost_usd=0.9 * each, **options)
        assert (reasons(outcomes), server.asked, report.cost_usd) == ({"max_cost": 6}, [], 0)
        outcomes, report = run(server, tmp_path, max_cost_usd=2.5 * each, **options)
        assert len(server.batches.all["batches/1"].requests) == 2
        assert all(asked.body["generationConfig"]["maxOutputTokens"] for asked in server.asked)
    assert 0 < report.cost_usd <= 2.5 * each
    assert reasons(outcomes) == {}  # answers were shorter than they might have been


def test_collecting_only_hands_in_nothing_and_waits_for_nothing(tmp_path):
    with stand_in(Script(batches=BatchPlan(looks=3))) as server:
        outcomes, _ = run(server, tmp_path, submit=False)
        assert (reasons(outcomes), server.batch_calls) == ({"not_asked": 6}, [])
        run(server, tmp_path, CHUNKS[:4], speed=1, deadline_s=1)
        outcomes, _ = run(server, tmp_path, submit=False)
        assert reasons(outcomes) == {"pending": 4, "not_asked": 2}
        for _ in range(4):
            outcomes, _ = run(server, tmp_path, submit=False)
        assert reasons(outcomes) == {"not_asked": 2}
        assert len(server.asked) == 4


def test_only_collecting_tells_why_a_question_failed_and_pays_the_bills_left_for_it(tmp_path):
    with stand_in(Script(batch_errors=(CHUNKS[0].own_start,))) as server:
        _, whole = run(server, tmp_path, for_others=True)
        outcomes, report = run(server, tmp_path, CHUNKS[:3], submit=False)
        assert reasons(outcomes) == {"overloaded": 1}
        assert (report.requests, report.reused) == (2, 0)
        _, rest = run(server, tmp_path, CHUNKS[3:], submit=False)
        assert report.tokens + rest.tokens == whole.tokens
        _, again = run(server, tmp_path, CHUNKS[3:], submit=False)
        assert (again.requests, again.reused, again.tokens) == (0, 3, Tokens())


def test_a_bill_is_claimed_once(tmp_path):
    leave_bill(tmp_path, "a", Tokens(1, 2, 3))
    assert [claim_bill(tmp_path, "a"), claim_bill(tmp_path, "a")] == [Tokens(1, 2, 3), None]


def test_batches_cost_half():
    whole, half = (Settings(gemini={"model": "gemini-2.5-flash", "batch": batch}) for batch in (False, True))
    day = date(2026, 11, 1)
    one, other = estimate(CHUNKS, whole, on=day), estimate(CHUNKS, half, on=day)
    assert other.cost_usd == pytest.approx(one.cost_usd / 2)
    assert (other.binds, other.seconds, other.tokens) == ("batch", 86_400, one.tokens)
    assert any("24 hours" in note for note in other.notes)
    assert settings_price(Settings(gemini={"input_price_usd": 2, "output_price_usd": 4, "batch": True})) == Price(1, 2)


# Notes


def test_a_note_is_whole_or_not_there_and_ends_when_nothing_is_open(tmp_path):
    kept = Notes(tmp_path)
    note = kept.write(new_note(["a", "b"]))
    assert new_note(["a", "b"]).display_name[:25] == note.display_name[:25]
    assert new_note(["a", "b"]).display_name != note.display_name
    assert kept.all() == [note]
    kept.write(replace(note, name="batches/1", collected=frozenset("a")))
    assert kept.all()[0].open == ("b",)
    kept.write(replace(note, collected=frozenset("ab")))
    assert kept.all() == []


def test_a_note_that_nobody_can_use_any_more_is_dropped(tmp_path):
    Notes(tmp_path / "batches").write(Note("langflix-old", ("x",), at=time.time() - 40 * 86_400, name="batches/9"))
    with stand_in() as server:
        run(server, tmp_path, CHUNKS[:1])
    assert notes(tmp_path) == []


def test_a_note_whose_answers_are_all_kept_is_dropped_even_if_nothing_is_open(tmp_path):
    with stand_in() as server:
        run(server, tmp_path)
        keys = tuple(GeminiAnalyzer(None, SETTINGS).key(chunk) for chunk in CHUNKS)
        Notes(tmp_path / "batches").write(Note("langflix-left", keys, name="batches/1"))
        run(server, tmp_path)
    assert notes(tmp_path) == []


def test_the_key_is_in_no_note_and_no_log(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with stand_in(Script(batch_first=("key",))) as server:
        outcomes, _ = run(server, tmp_path)
    with stand_in(Script(batches=BatchPlan(ends=("failed",)))) as server:
        run(server, tmp_path, most_requests=2)
        assert {asked.key for asked in server.asked} == {KEY}
    kept = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    told = caplog.text + kept + "".join(f"{f.message} {f.hint}" for outcome in outcomes for f in outcome.failures)
    assert KEY not in told


def test_without_a_key_there_is_a_clear_word():
    with pytest.raises(SettingsError, match="no key is set"):
        make_batch_jobs(Settings(gemini={"batch": True}))


def test_the_key_follows_no_redirection(tmp_path):
    with stand_in() as other, stand_in(lambda asked: exhausted("x", 1)) as server:
        assert other.asked == []
        with pytest.raises(GeminiError):
            BatchJobs(KEY, "m", server.url + "/nowhere", 5).find("x")
        assert other.batch_calls == []


def test_whoever_compares_readings_is_answered_at_once(tmp_path):
    with stand_in() as server:
        settings = Settings(analyzer="gemini", gemini={"api_key": KEY, "endpoint": server.url, "batch": True}, paths={"cache": tmp_path})
        reading = read("now", CHUNKS[:2], [cue for chunk in CHUNKS for cue in chunk.cues], settings)
        assert (len(server.asked), server.batch_calls) == (2, [])
    assert reading.expressions
