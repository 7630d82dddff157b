"""Both transports, over real HTTP to a stand-in on this machine, pass one contract."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from stand_in import answer, error, stand_in

from langflix.chunks import make_chunks
from langflix.config import Settings
from langflix.core import Cue, SettingsError
from langflix.gemini import GeminiAnalyzer, GeminiError, Tokens, make_transport, redact
from langflix.prompts import ReplyError

CHUNK = make_chunks([Cue(1, 0, 2000, "Hang in there."), Cue(2, 2100, 4000, "We're nearly done.")])[0]
ITEM = {
    "expression": "hang in there", "cue_start": 1, "cue_end": 1, "context_start": 1, "context_end": 2, "level": "B1", "kind": "idiom", "score": 0.9,
}  # fmt: skip
KEY = "AIzaTestKeyTestKeyTestKey"


def violation(quota_id, value="10"):
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota_id, "quotaValue": value}]}


def retry(delay):
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


@pytest.fixture(params=["generativeai", "genai"])
def ask(request):
    "Ask the analyzer about the chunk, with a given behaviour of the server."

    def run(answerer, timeout_s=10):
        with stand_in(answerer) as server:
            settings = Settings(gemini={"api_key": KEY, "endpoint": server.url, "sdk": request.param, "timeout_s": timeout_s})
            run.server = server
            return GeminiAnalyzer(make_transport(settings), settings).analyze(CHUNK)

    return run


def test_an_answer_becomes_items_with_its_cost(ask):
    found = ask(lambda asked: answer([ITEM]))
    assert [(i.expression, i.cue_start) for i in found.items] == [("hang in there", 1)]
    assert found.tokens == Tokens(50, 30, 12)
    assert found.model_version == "stand-in-001"


def test_the_request_holds_the_lines_the_prompt_the_schema_and_the_key_in_a_header(ask):
    ask(lambda asked: answer([]))
    (asked,) = ask.server.asked
    assert asked.lines == [(1, "Hang in there."), (2, "We're nearly done.")]
    assert asked.path.endswith("/models/gemini-flash-latest:generateContent")
    assert asked.key == KEY
    assert "Korean" in asked.body["systemInstruction"]["parts"][0]["text"]
    assert "context_translation" in asked.body["generationConfig"]["responseSchema"]["items"]["properties"]


CASES = {
    "key": (error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", {"reason": "API_KEY_INVALID"}), "key", None),
    "denied": (error(403, "PERMISSION_DENIED", "Permission denied."), "key", None),
    "model": (error(404, "NOT_FOUND", "models/x is not found"), "model", None),
    "not offered": (error(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 0"), "model", None),
    "day": (error(429, "RESOURCE_EXHAUSTED", "Quota", violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), retry("39s")), "day_quota", 39.0),
    "minute": (error(429, "RESOURCE_EXHAUSTED", "Quota", retry("56.185908122s"), violation("GenerateRequestsPerMinutePerProjectPerModel")), "rate", 56.185908122),
    "bare": (error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."), "rate", None),
    "busy": (error(503, "UNAVAILABLE", "The model is overloaded. Please try again later."), "overloaded", None),
    "internal": (error(500, "INTERNAL", "An internal error has occurred."), "overloaded", None),
    "too long": (error(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (3)."), "too_long", None),
    "cut": (answer('[{"expression": "ha', "MAX_TOKENS"), "cut", None),
    "cut and empty": ((200, {"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}]}), "cut", None),
    "blocked": ((200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 5}}), "refused", None),
    "not authenticated": (error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."), "key", None),
    "in a list": ((429, json.dumps([error(429, "RESOURCE_EXHAUSTED", "Quota", retry("3s"))[1]]).encode()), "rate", 3.0),
    "a proxy's page": ((502, b"<html><body>Bad Gateway</body></html>"), "overloaded", None),
    "a page instead of an answer": ((200, b"<html><body>Sign in to this network</body></html>"), "network", None),
    "a deadline": (error(504, "DEADLINE_EXCEEDED", "The request timed out."), "overloaded", None),
    "recitation": ((200, {"candidates": [{"finishReason": "RECITATION", "index": 0}]}), "refused", None),
    "other": ((200, {"candidates": [{"finishReason": "OTHER", "index": 0}]}), "refused", None),
    "safety": ((200, {"candidates": [{"finishReason": "SAFETY", "index": 0}]}), "refused", None),
}  # fmt: skip


@pytest.mark.parametrize(("reply", "problem", "delay"), CASES.values(), ids=CASES.keys())
def test_every_failure_has_its_name_and_one_request(ask, reply, problem, delay):
    with pytest.raises(GeminiError) as caught:
        ask(lambda asked: reply)
    assert caught.value.problem == problem
    assert caught.value.details.get("retry_after_s") == delay
    assert caught.value.hint
    assert len(ask.server.asked) == 1


@pytest.mark.parametrize("text", ["Here are some expressions: ...", "", "{}", '[{"expression": "hang in there"}]'])
def test_what_is_not_the_array_asked_for_is_a_reply_error_that_was_paid(ask, text):
    with pytest.raises(ReplyError) as caught:
        ask(lambda asked: answer(text))
    assert caught.value.details["tokens"] == Tokens(50, 30, 12)


def test_an_item_that_points_outside_the_lines_is_a_reply_error(ask):
    with pytest.raises(ReplyError):
        ask(lambda asked: answer([ITEM | {"cue_start": 900, "cue_end": 900, "context_start": 900, "context_end": 900}]))


def test_cut_and_refused_answers_say_what_they_cost(ask):
    for finish in ("MAX_TOKENS", "SAFETY"):
        with pytest.raises(GeminiError) as caught:
            ask(lambda asked, finish=finish: answer("[", finish))
        assert caught.value.details["tokens"] == Tokens(50, 30, 12)


def test_thoughts_are_not_part_of_the_reply():
    body = answer([ITEM])[1]
    body["candidates"][0]["content"]["parts"].insert(0, {"text": "Let me think.", "thought": True})
    with stand_in(lambda asked: (200, body)) as server:
        settings = Settings(gemini={"api_key": KEY, "endpoint": server.url, "sdk": "genai"})  # the older library never asks for thoughts
        found = GeminiAnalyzer(make_transport(settings), settings).analyze(CHUNK)
    assert [i.expression for i in found.items] == ["hang in there"]


@pytest.mark.parametrize("sdk", ["generativeai", "genai"])
def test_a_repair_is_another_question_with_another_key(sdk):
    with stand_in(lambda asked: answer([ITEM])) as server:
        settings = Settings(gemini={"api_key": KEY, "endpoint": server.url, "sdk": sdk})
        analyzer = GeminiAnalyzer(make_transport(settings), settings)
        wrong = ReplyError("the reply is not JSON")
        analyzer.analyze(CHUNK)
        analyzer.analyze(CHUNK, wrong)
    first, second = (asked.body["systemInstruction"]["parts"][0]["text"] for asked in server.asked)
    assert second.startswith(first)
    assert "not JSON" in second
    assert analyzer.key(CHUNK) != analyzer.key(CHUNK, wrong)


@pytest.mark.parametrize("sdk", ["generativeai", "genai"])
def test_a_limit_of_length_is_sent_where_the_cost_is_limited(sdk):
    with stand_in(lambda asked: answer([])) as server:
        for most_usd in (None, 1.0):
            settings = Settings(gemini={"api_key": KEY, "endpoint": server.url, "sdk": sdk, "max_cost_usd": most_usd})
            GeminiAnalyzer(make_transport(settings), settings).analyze(CHUNK)
    free, limited = (asked.body["generationConfig"] for asked in server.asked)
    assert "maxOutputTokens" not in free
    assert limited["maxOutputTokens"] > 0


@pytest.mark.parametrize("sdk", ["generativeai", "genai"])
def test_two_transports_in_one_process_keep_their_keys_and_places(sdk):
    with stand_in(lambda asked: answer([])) as one, stand_in(lambda asked: answer([])) as other:
        places = {"first-key-0123456789": one, "other-key-0123456789": other}
        analyzers = []
        for key, server in places.items():
            settings = Settings(gemini={"api_key": key, "endpoint": server.url, "sdk": sdk})
            analyzers.append(GeminiAnalyzer(make_transport(settings), settings))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: analyzers[number % 2].analyze(CHUNK), range(16)))
    for key, server in places.items():
        assert [asked.key for asked in server.asked] == [key] * 8


def test_a_closed_port_is_a_network_problem():
    for sdk in ("generativeai", "genai"):
        with stand_in(lambda asked: answer([])) as server:
            settings = Settings(gemini={"api_key": KEY, "endpoint": server.url, "sdk": sdk, "timeout_s": 3})
        with pytest.raises(GeminiError) as caught:
            GeminiAnalyzer(make_transport(settings), settings).analyze(CHUNK)
        assert caught.value.problem == "network"


@pytest.mark.parametrize("sdk", ["generativeai", "genai"])
def test_a_key_of_any_form_is_blotted_out(sdk):
    key = "AQ.an-unusual-key-of-another-form"
    with stand_in(lambda asked: error(403, "PERMISSION_DENIED", f"consumer {key} is suspended")) as server:
        settings = Settings(gemini={"api_key": key, "endpoint": server.url, "sdk": sdk})
        with pytest.raises(GeminiError) as caught:
            GeminiAnalyzer(make_transport(settings), settings).analyze(CHUNK)
    assert key not in str(caught.value)
    assert "[redacted]" in str(caught.value)
    assert key not in repr(settings)


def test_an_error_that_echoes_the_key_does_not_show_it(ask):
    with pytest.raises(GeminiError) as caught:
        ask(lambda asked: error(400, "INVALID_ARGUMENT", f"API key not valid: {KEY}", {"detail": f"api_key:{KEY}"}))
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value.details)


def test_without_a_key_the_error_says_what_to_set():
    with pytest.raises(SettingsError, match="GEMINI_API_KEY"):
        make_transport(Settings(gemini={}))


def test_the_key_of_an_answer_depends_on_all_that_shapes_it():
    def key(**gemini):
        languages = gemini.pop("languages", {})
        settings = Settings(gemini={"api_key": KEY} | gemini, languages=languages)
        return GeminiAnalyzer(make_transport(settings), settings).key(CHUNK)

    assert key() == key()
    assert len({key(), key(model="other"), key(languages={"target": "ja"})}) == 3


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Error 111 connecting to redis://:pa55word@nas:6379/0", "pa55word"),
        ("(psycopg) postgresql://langflix:s3cr3t-words@db/langflix is not there", "s3cr3t-words"),
        ("authorization: Bearer lf_abcDEF-123_456789012345678901234567890123", "abcDEF"),
        ("GET /v1beta/models?key=AIzaSyA1234567890&alt=json", "AIzaSyA1234567890"),
        ("Bearer 0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    ],
)
def test_no_text_keeps_what_looks_like_a_secret(text, secret):
    assert secret not in redact(text)
    assert "[redacted]" in redact(text)


def test_what_only_looks_a_little_like_a_secret_stays():
    text = "http://nas:8000/api/v1/jobs?state=done, mail me@example.org at 12:30, self_lf_x"
    assert redact(text) == text
