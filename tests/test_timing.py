"""Nothing passes that is not literally in its cues; what passes has exactly the cues' times."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langflix.chunks import contexts, make_chunks
from langflix.core import Cue
from langflix.lexicon import EmbeddedAnalyzer, Entry, Lexicon
from langflix.prompts import Item
from langflix.timing import locate, verify, without_repeats

LINES = [
    "By the way, did you lock up?", "She picked the whole mess", "up by herself.", "Don't give up. Hang in there!",
    "You're driving me up the wall.", "♪ hang in there, baby ♪", "It’s costing us an arm and a leg.", "He did her a favour.",
]  # fmt: skip
CUES = [
    Cue(i, i * 2000, i * 2000 + 1500, line, kind="music" if "♪" in line else "speech") for i, line in enumerate(LINES, 1)
]


def item(expression, first, last=None, context=None, **more):
    low, high = context or (first, last or first)
    fields = {"level": "B1", "kind": "idiom", "score": 0.5} | more
    return Item(expression=expression, cue_start=first, cue_end=last or first, context_start=low, context_end=high, **fields)


def words(expression, first, last=None):
    return [CUES[i - 1].text[a:b] for i, a, b in locate(expression, CUES[first - 1 : last or first])]


@pytest.mark.parametrize(
    ("expression", "first", "last", "found"),
    [
        ("by the way", 1, 1, ["By the way"]),
        ("pick up", 2, 3, ["picked", "up"]),
        ("give up", 4, 4, ["give up"]),
        ("to give up", 4, 4, ["give up"]),
        ("hang in there", 4, 4, ["Hang in there"]),
        ("drive someone up the wall", 5, 5, ["driving me up the wall"]),
        ("cost an arm and a leg", 7, 7, ["costing", "an arm and a leg"]),
        ("do someone a favor", 8, 8, ["did her a favour"]),
    ],
)
def test_words_are_found_in_any_form_with_a_gap_and_across_cues(expression, first, last, found):
    assert words(expression, first, last) == found


@pytest.mark.parametrize(
    ("expression", "first", "last"),
    [("pick up", 2, 2), ("kick the bucket", 1, 8), ("hang in there", 6, 6), ("up give", 4, 4), ("way out of line", 1, 1)],
)
def test_what_is_not_said_there_is_not_found(expression, first, last):
    assert words(expression, first, last) == []


def test_words_too_far_apart_are_not_one_expression():
    far = [Cue(1, 0, 1, "I pick one two three four five up.")]
    near = [Cue(1, 0, 1, "I pick one two three four up.")]
    assert locate("pick up", far) == ()
    assert len(locate("pick up", near)) == 2


def test_an_expression_has_the_times_of_the_cues_that_hold_it():
    found, dropped = verify([item("pick up", 1, 4, context=(1, 5))], CUES, "embedded")
    assert dropped == []
    (one,) = found
    assert (one.cue_start, one.cue_end, one.start_ms, one.end_ms) == (2, 3, 4000, 7500)
    assert (one.context_start_ms, one.context_end_ms, one.context_cue_start, one.context_cue_end) == (2000, 11_500, 1, 5)
    assert one.text == "She picked the whole mess up by herself."


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (item("kick the bucket", 1), "not in its cues"),
        (item("hang in there", 6), "not in its cues"),
        (item("hang in there", 90), "no such cue"),
        (item("hang in there", 4, context=(0, 4)), "no such cue"),
        (item("hang in there", 4, context=(4, 10**9)), "no such cue"),
    ],
)
def test_an_invented_claim_is_dropped_and_counted(claim, reason):
    found, dropped = verify([claim], CUES, "gemini")
    assert found == []
    assert [d.reason for d in dropped] == [reason]


@given(st.lists(st.tuples(st.sampled_from(["give up", "pick up", "by the way", "fly off"]), st.integers(-2, 12), st.integers(-2, 12))))
def test_every_claim_is_either_found_or_dropped(claims):
    made = [item(e, min(a, b), max(a, b)) for e, a, b in claims]
    found, dropped = verify(made, CUES, "gemini")
    assert len(found) + len(dropped) == len(made)
    assert all(locate(e.expression, CUES[e.cue_start - 1 : e.cue_end]) == e.spans for e in found)


def test_context_translations_stay_only_when_there_is_one_for_each_cue():
    right, wrong = (item("give up", 4, context=(3, 5), context_translation=list("abc"[:n])) for n in (3, 2))
    found, _ = verify([right, wrong], CUES, "gemini")
    assert [e.context_translation for e in found] == [("a", "b", "c"), ()]


def test_a_context_that_is_too_long_is_replaced_by_our_own():
    long = [Cue(i, i * 3000, i * 3000 + 2900, f"Line number {i}." if i != 20 else "Never give up.") for i in range(1, 41)]
    (one,), _ = verify([item("give up", 20, context=(1, 40))], long, "gemini")
    assert one.context_cue_start <= 20 <= one.context_cue_end
    assert one.context_end_ms - one.context_start_ms <= 15_000


def test_repeats_merge_only_where_scenes_overlap():
    claims = [item("give up", 4, context=(3, 5)), item("Give up", 4, context=(4, 4), score=0.9), item("by the way", 1)]
    found, _ = verify(claims, CUES, "gemini")
    elsewhere = found[0].model_copy(update={"context_start_ms": 60_000, "context_end_ms": 70_000, "start_ms": 61_000})
    kept, dropped = without_repeats([*found, elsewhere])
    kept.sort(key=lambda e: e.start_ms)
    assert [(e.expression, e.score) for e in kept] == [("by the way", 0.5), ("Give up", 0.9), ("give up", 0.5)]
    assert [d.reason for d in dropped] == ["found twice"]


def test_every_entry_of_the_lexicon_is_located_in_its_own_example():
    entries = Lexicon.load().entries
    lost = [e.expression for e in entries if not locate(e.expression, [Cue(1, 0, 2000, e.example)])]
    assert len(entries) >= 400
    assert lost == []


def report(expression, cue, score=0.5, **more):
    (found,), _ = verify([item(expression, cue, context=(min(cue, 3), 5), score=score, **more)], CUES, "gemini")
    return found


def test_the_best_of_two_reports_of_one_place_is_kept():
    better = report("give up", 4, 0.9, example="Don't give up.")
    other = report("to give up", 4, 0.4, example="Do not give up yet.", translation="포기하다", definition="to stop trying", similar=["quit"])
    for order in ([better, other], [other, better]):
        (one,), dropped = without_repeats(order)
        assert (one.expression, one.score, one.example, one.translation, one.definition, one.similar) == (
            "give up", 0.9, "Do not give up yet.", "포기하다", "to stop trying", ("quit",),
        )  # fmt: skip
        assert [d.reason for d in dropped] == ["found twice"]


def test_an_example_that_holds_the_expression_beats_one_that_does_not():
    wordy = report("give up", 4, 0.9, example="Something else entirely.")
    apt = report("give up", 4, 0.2, example="She never gives up.")
    (one,), _ = without_repeats([wordy, apt])
    assert (one.score, one.example) == (0.9, "She never gives up.")


def test_other_names_for_the_very_same_words_are_merged():
    kept, dropped = without_repeats([report("give up", 4, 0.9), report("give something up", 4, 0.3)])
    assert [e.expression for e in kept] == ["give up"]
    assert [d.expression for d in dropped] == ["give something up"]


def test_lines_of_translation_are_taken_only_from_a_report_of_the_same_scene():
    bare = report("give up", 4, 0.9)
    (same,), _ = without_repeats([bare, report("give up", 4, 0.3, context_translation=["a", "b", "c"])])
    assert same.context_translation == ("a", "b", "c")
    (elsewhere,), _ = verify([item("give up", 4, context=(4, 4), context_translation=["x"])], CUES, "gemini")
    (other,), _ = without_repeats([bare, elsewhere.model_copy(update={"score": 0.1})])
    assert other.context_translation == ()



def entry(id, pattern, definition, **more):
    "One sense of *pick up*."
    return Entry(id=id, expression="pick up", pattern=pattern, kind="phrasal verb", level="B1", definition=definition, example="x", translations={}, **more)


def taught(*lines):
    "What a lexicon with two senses of one expression teaches about a scene."
    lexicon = Lexicon((entry("pick-up-collect", "pick {obj:people} up / pick up {obj:people}", "to fetch"),
                       entry("pick-up-learn", "pick up some french|german", "to learn without lessons")))  # fmt: skip
    cues = [Cue(n, n * 2000, n * 2000 + 1900, line) for n, line in enumerate(lines, 1)]
    found, dropped = verify(EmbeddedAnalyzer(lexicon, "ko", [(1, len(cues))]).analyze(make_chunks(cues)[0]), cues, "embedded")
    assert dropped == []
    return without_repeats(found)


def test_two_senses_in_one_scene_stay_two():
    kept, dropped = taught("I'll pick the kids up at four.", "Did you pick up some German there?")
    assert [(e.expression, e.sense, e.cue_start) for e in kept] == [("pick up", "pick-up-collect", 1), ("pick up", "pick-up-learn", 2)]
    assert dropped == []


def test_two_senses_in_one_line_have_their_own_words():
    line = "I picked up some French when I picked you up."
    kept, _ = taught(line)
    assert [e.sense for e in kept] == ["pick-up-learn", "pick-up-collect"]
    assert [line[a:b] for e in kept for _, a, b in e.spans] == ["picked up", "picked", "up"]


def test_one_sense_twice_in_a_scene_is_taught_once():
    kept, dropped = taught("I'll pick the kids up at four.", "And who picks you up?")
    assert [(e.sense, e.cue_start) for e in kept] == [("pick-up-collect", 1)]
    assert [d.reason for d in dropped] == ["found twice"]


def test_a_model_that_names_no_sense_merges_with_either():
    kept, _ = taught("I'll pick the kids up at four.")
    bare = kept[0].model_copy(update={"sense": "", "source": "gemini", "score": 0.1})
    assert len(without_repeats([*kept, bare])[0]) == 1


def test_ten_thousand_cues_are_analyzed_in_a_few_seconds():
    lexicon = Lexicon.load()
    lines = [one.example for one in lexicon.entries]
    cues = [Cue(n, n * 2100, n * 2100 + 2000, lines[n % len(lines)]) for n in range(1, 10_001)]
    began = time.process_time()
    analyzer = EmbeddedAnalyzer(lexicon, "ko", contexts(cues))
    kept, _ = without_repeats(verify([item for chunk in make_chunks(cues) for item in analyzer.analyze(chunk)], cues, "embedded")[0])
    assert len(kept) > 5_000
    assert time.process_time() - began < 60


def test_one_phrase_said_ten_thousand_times_takes_no_longer():
    one = report("give up", 4)
    many = [one.model_copy(update={"context_start_ms": n * 2000, "context_end_ms": n * 2000 + 1900, "spans": ((n, 0, 7),)}) for n in range(10_000)]
    began = time.process_time()
    assert len(without_repeats(many)[0]) == 10_000
    assert time.process_time() - began < 30
