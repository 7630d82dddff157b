"""On dialogue that no pattern was written for, the lexicon finds what is said and little else."""

import json
from collections import Counter
from pathlib import Path

import pytest

from langflix.core import Cue
from langflix.lexicon import Lexicon, frequent_phrasal_verbs, score

LEXICON = Lexicon.load()
ENTRIES = {entry.id: entry for entry in LEXICON.entries}
DATA = Path(__file__).parent / "data"


def dialogue(name):
    "The lines of a set."
    return [json.loads(line) for line in (DATA / f"dialogue_{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def cues_of(lines):
    "Cues of two seconds; scenes lie five seconds apart."
    start, scene, cues = 0, None, []
    for number, line in enumerate(lines, 1):
        start, scene = start + (2100 if line["scene"] == scene else 7100), line["scene"]
        cues.append(Cue(number, start, start + 2000, line["text"]))
    return cues


def compare(lines):
    "How many marks are found, are missed, and how many finds are not marked."
    heard = {(match.cue_start, match.entry.id) for match in LEXICON.find(cues_of(lines))}
    marked = {(number, name) for number, line in enumerate(lines, 1) for name in line["find"]}
    return marked & heard, marked - heard, heard - marked


GOLD, TUNING = dialogue("gold"), dialogue("tuning")


def test_the_dialogue_is_long_and_marked_with_real_entries():
    assert len(GOLD) >= 450
    assert len(TUNING) >= 250
    assert {name for line in GOLD + TUNING for name in line["find"]} <= set(ENTRIES)
    assert all(line["text"].strip() == line["text"] != "" and line["speaker"] for line in GOLD + TUNING)


def test_the_held_out_dialogue_shares_no_line_with_any_other_text():
    others = {line["text"] for line in TUNING} | {entry.example for entry in LEXICON.entries}
    others |= {json.loads(line)["text"] for line in (DATA / "lexicon_gold.jsonl").read_text(encoding="utf-8").splitlines()}
    long = {line["text"] for line in GOLD if len(line["text"].split()) > 4}
    assert not long & others


def test_scenes_are_in_order_and_of_the_length_of_scenes():
    for lines in (GOLD, TUNING):
        scenes = [line["scene"] for line in lines]
        assert scenes == sorted(scenes)
        assert all(8 <= count <= 20 for count in Counter(scenes).values())


def test_the_held_out_dialogue_has_all_kinds_and_levels():
    marked = [ENTRIES[name] for line in GOLD for name in line["find"]]
    assert set(Counter(entry.kind for entry in marked)) == {entry.kind for entry in LEXICON.entries}
    assert {"A1", "A2", "B1", "B2", "C1"} <= {entry.level for entry in marked}
    assert sum(not line["find"] for line in GOLD) > 150


@pytest.mark.parametrize("name", ["gold", "tuning"])
def test_precision_and_recall(name):
    right, missed, wrong = compare(dialogue(name))
    precision, recall = len(right) / len(right | wrong), len(right) / len(right | missed)
    assert precision >= 0.95, sorted(wrong)
    assert recall >= 0.90, sorted(missed)


@pytest.mark.parametrize("kind", sorted({entry.kind for entry in LEXICON.entries}))
def test_no_kind_is_neglected(kind):
    right, missed, wrong = ({one for one in some if ENTRIES[one[1]].kind == kind} for some in compare(GOLD))
    assert len(right) / len(right | missed) >= 0.8
    assert len(right) / len(right | wrong) >= 0.85


def test_the_frequent_phrasal_verbs_are_there_and_count_a_little_more():
    assert len(frequent_phrasal_verbs()) == 150
    expressions = {entry.expression for entry in LEXICON.entries if entry.kind == "phrasal verb"}
    assert frequent_phrasal_verbs() <= expressions
    often, seldom = ENTRIES["point-out"], ENTRIES["chicken-out"].model_copy(update={"level": ENTRIES["point-out"].level, "register_": ENTRIES["point-out"].register_})
    assert score(often) > score(seldom)
