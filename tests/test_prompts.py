"""What goes out is numbered lines; what comes back is taken whole or refused with its place."""

import json

import pytest

from langflix.chunks import make_chunks
from langflix.core import Cue
from langflix.prompts import Item, ReplyError, make_prompt, numbered, parse_reply, response_schema

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
