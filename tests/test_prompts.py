"""What goes out is numbered lines; what comes back is taken whole or refused with its place."""

import hashlib
import json
import warnings

import pytest

from langflix.chunks import Chunk, make_chunks
from langflix.config import LANGUAGES, Settings
from langflix.core import Cue
from langflix.prompts import (
    LEVELS, PROMPT_VERSION, Item, ReplyError, language_name, make_prompt, numbered, parse_reply, prompt_for, repair_prompt, request_body, response_schema,
)  # fmt: skip

GOOD = {
    "expression": "hang in there", "cue_start": 2, "cue_end": 2, "context_start": 1, "context_end": 3, "translation": "버티다",
    "definition": "to keep trying", "context_translation": ["a", "b", "c"], "example": "Hang in there!", "similar": ["hold on"],
    "level": "B1", "kind": "idiom", "score": 0.8,
}  # fmt: skip


def test_lines_carry_the_cue_number_and_only_speech():
    cues = [Cue(7, 0, 9, "Hang in\nthere."), Cue(8, 9, 12, "door slams", kind="sound"), Cue(9, 12, 15, "Okay.")]
    assert numbered(cues) == "[7] Hang in there.\n[9] Okay."


def test_the_prompt_names_languages_level_and_no_time():
    chunk = make_chunks([Cue(i, i * 1000, i * 1000 + 900, f"line {i}") for i in range(1, 9)])[0]
    prompt = make_prompt(chunk, "en", "ja", "B2")
    assert "Japanese" in prompt.system
    assert "B2" in prompt.system
    assert prompt.user == "\n".join(f"[{i}] line {i}" for i in range(1, 9))
    assert "00:" not in prompt.user


def test_schema_and_model_have_the_same_fields_all_required():
    schema = response_schema()["items"]
    assert set(schema["properties"]) == set(schema["required"]) == set(Item.model_fields) == set(GOOD)
    assert "$ref" not in json.dumps(schema)


def test_a_good_reply_is_read_and_unknown_extras_are_let_pass():
    assert parse_reply(json.dumps([GOOD | {"comment": "x"}])) == [Item(**GOOD)]
    assert parse_reply("[]") == []


WRONG = {
    "cut": json.dumps([GOOD])[:-20],
    "prose": "Here are some expressions:",
    "object": json.dumps(GOOD),
    "number": "3",
    "missing": json.dumps([{k: v for k, v in GOOD.items() if k != "level"}]),
    "level": json.dumps([GOOD | {"level": "D1"}]),
    "kind": json.dumps([GOOD | {"kind": "poem"}]),
    "score": json.dumps([GOOD | {"score": 7}]),
    "order": json.dumps([GOOD | {"cue_start": 4}]),
    "empty": json.dumps([GOOD | {"expression": "  "}]),
    "one bad of two": json.dumps([GOOD, {"expression": 3}]),
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_anything_else_is_refused_whole(text):
    with pytest.raises(ReplyError) as caught:
        parse_reply(text)
    assert caught.value.details["at"]


CUES = [Cue(i, i * 1000, i * 1000 + 900, f"line {i}") for i in range(1, 9)]
(CHUNK,) = make_chunks(CUES)


@pytest.mark.parametrize("change", [{"context_end": 9}, {"context_start": 0, "cue_start": 0}, {"cue_end": 900, "context_end": 900}])
def test_a_reply_about_lines_that_were_not_sent_is_refused(change):
    text = json.dumps([GOOD | change])
    assert parse_reply(text)
    with pytest.raises(ReplyError, match="were sent"):
        parse_reply(text, CUES)
    assert parse_reply(json.dumps([GOOD]), CUES) == [Item(**GOOD)]


def test_a_change_of_the_instructions_needs_a_new_version():
    "When this fails: raise PROMPT_VERSION, then put the new pair here."
    shaped_by = make_prompt(CHUNK, level="B1").system + make_prompt(CHUNK, allow_vulgar=True).system + json.dumps(response_schema())
    assert (PROMPT_VERSION, hashlib.sha256(shaped_by.encode()).hexdigest()[:8]) == ("2", "80e3ef8d")


@pytest.mark.parametrize("level", [None, *LEVELS])
def test_each_level_gives_its_own_instructions(level):
    others = {make_prompt(CHUNK, level=other).system for other in (None, *LEVELS) if other != level}
    assert make_prompt(CHUNK, level=level).system not in others


def test_vulgar_words_are_left_out_unless_wanted():
    shy, bold = (prompt_for(CHUNK, Settings(lessons={"allow_vulgar": wanted})) for wanted in (False, True))
    assert "- vulgar, obscene or hateful language;" in shy.system
    assert "vulgar language is wanted" in bold.system
    assert "- vulgar" not in bold.system


def test_how_many_are_wanted_grows_with_the_dialogue_a_chunk_owns():
    long = [Cue(i, i * 3000, i * 3000 + 2900, f"line {i}") for i in range(1, 101)]
    whole = make_prompt(Chunk(1, tuple(long), 1, 100))
    half = make_prompt(Chunk(1, tuple(long), 1, 50))
    one = make_prompt(Chunk(1, tuple(long[:1]), 1, 1))
    assert (whole.count, half.count, one.count) == (20, 10, 3)
    assert "at most 10 expressions, and only such as begin in lines 1 to 50;" in half.system


def test_all_chunks_of_a_run_share_the_beginning_of_their_instructions():
    first, second = (make_prompt(Chunk(n, tuple(CUES), *own)) for n, own in ((1, (1, 4)), (2, (5, 8))))
    assert first.system.splitlines()[:-1] == second.system.splitlines()[:-1]
    assert first.system != second.system


def test_a_chunk_without_speech_still_makes_a_prompt():
    assert make_prompt(Chunk(1, (Cue(1, 0, 900, "door slams", kind="sound"),), 1, 1)).user == ""


def test_a_repair_says_what_was_wrong_and_leaves_the_lines_alone():
    prompt = make_prompt(CHUNK)
    with pytest.raises(ReplyError) as caught:
        parse_reply("Sure! Here they are:" + "x" * 5000)
    again = repair_prompt(prompt, caught.value)
    assert (again.user, again.version, again.count) == (prompt.user, prompt.version, prompt.count)
    assert again.system.startswith(prompt.system)
    assert "the reply is not JSON" in again.system
    assert "xxx" not in again.system
    assert len(again.system) < len(prompt.system) + 800


def test_the_older_library_takes_the_schema_whole():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import google.generativeai as library
    config = {"response_mime_type": "application/json", "response_schema": response_schema()}
    made = library.GenerativeModel("m", system_instruction="s", generation_config=config)._prepare_request(contents="[1] hi", tools=None, tool_config=None)
    sent = type(made).to_dict(made, use_integers_for_enums=False)["generation_config"]["response_schema"]
    assert {name: field["type_"].lower() for name, field in sent["items"]["properties"].items()} == TYPES
    assert sent["items"]["properties"]["kind"]["enum"] == response_schema()["items"]["properties"]["kind"]["enum"]
    assert set(sent["items"]["required"]) == set(Item.model_fields)


def test_the_newer_library_takes_the_schema_whole():
    from google.genai import types

    schema = types.GenerateContentConfig(response_schema=response_schema()).response_schema
    sent = types.Schema.model_validate(schema).model_dump(mode="json", exclude_none=True)
    assert {name: field["type"].lower() for name, field in sent["items"]["properties"].items()} == TYPES
    assert set(sent["items"]["required"]) == set(Item.model_fields)


TYPES = {name: field["type"] for name, field in response_schema()["items"]["properties"].items()}


def test_the_request_in_json_holds_prompt_and_schema():
    prompt = make_prompt(CHUNK)
    body = request_body(prompt)
    assert body["contents"][0]["parts"][0]["text"] == prompt.user
    assert body["systemInstruction"]["parts"][0]["text"] == prompt.system
    assert body["generationConfig"]["responseSchema"] == response_schema()


PAIRS = [("ko", "en"), ("ja", "ko"), ("zh", "es"), ("es", "ja"), ("fr", "de"), ("de", "zh"), ("ar", "fr"), ("en", "ar"), ("ko", "ja"), ("pt-BR", "ko"), ("en", "zh-Hant")]
SAID = {"ko": "그걸 어떻게 알아냈어?", "ja": "ちょっと手貸して", "zh": "帮我一个忙", "es": "No me di cuenta.", "fr": "Je m'en rends compte.", "de": "Ruf mich an!", "ar": "لا تفقد أملك",
        "en": "Hang in there.", "pt": "Você tem razão."}  # fmt: skip
MEANT = {"ko": "버티다", "ja": "頑張る", "zh": "坚持", "es": "aguantar", "fr": "tenir bon", "de": "durchhalten", "ar": "اصمد", "en": "hold on"}


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_pair_of_languages_is_named_and_its_letters_go_out_whole(source, target):
    said = SAID[source[:2]]
    prompt = prompt_for(make_chunks([Cue(1, 0, 2000, said)])[0], Settings(languages={"source": source, "target": target}))
    assert language_name(source) in prompt.system
    assert f"in {language_name(target)}, as a native would say it" in prompt.system
    assert "{" not in prompt.system
    assert source not in prompt.system.split() or source == "es"
    assert prompt.user == f"[1] {said}"
    assert said in json.dumps(request_body(prompt), ensure_ascii=False)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_reply_in_any_language_is_read(source, target):
    said, meant = SAID[source[:2]], MEANT[target[:2]]
    reply = {**GOOD, "expression": said, "translation": meant, "context_translation": [meant] * 3, "example": said}
    for text in (json.dumps([reply], ensure_ascii=False), json.dumps([reply])):
        (item,) = parse_reply(text, [Cue(n, n, n + 1, said) for n in range(1, 4)])
        assert (item.expression, item.translation, item.context_translation) == (said, meant, [meant] * 3)


@pytest.mark.parametrize(("source", "example"), [("ko", "알아내다"), ("ja", "手を貸す"), ("de", "anrufen"), ("en", "pick up"), ("vi", "pick up")])
def test_the_dictionary_form_is_shown_in_the_language_that_is_spoken(source, example):
    assert f'"{example}" for' in make_prompt(CHUNK, source).system


@pytest.mark.parametrize(("code", "name"), [("zh", "Chinese"), ("zh-Hant", "Traditional Chinese"), ("zh-TW", "Traditional Chinese"), ("pt-BR", "Brazilian Portuguese"), ("es-MX", "Spanish (MX)"), ("xx", "xx")])
def test_languages_have_names(code, name):
    assert language_name(code) == name


def test_all_known_languages_have_names():
    assert all(language_name(code) == name for code, name in LANGUAGES.items())
