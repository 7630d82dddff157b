"""Who is taught what: level, known lists, earlier episodes, the limit, and a word on why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langflix.choice import Learner, choose, rank
from langflix.core import Cue
from langflix.keys import expression_key
from langflix.prompts import LEVELS, Item
from langflix.timing import verify

TEXTS = ["Where have you been?", "I was about to give up, you know.", "Hang in there, would you please?", "By the way, it cost an arm and a leg.", "Is it over yet?"]
CUES = [Cue(n, n * 3000, n * 3000 + 2500, text) for n, text in enumerate(TEXTS, 1)]


def report(expression, cue, level="B1", score=0.5, context=(1, 5), cues=CUES, **more):
    claim = Item(expression=expression, cue_start=cue, cue_end=cue, context_start=context[0], context_end=context[1], level=level, kind="idiom", score=score, **more)
    (found,), _ = verify([claim], cues, "gemini")
    return found



@pytest.mark.parametrize(("level", "kept", "left_out"), [
    ("A2", ["A2", "B1", "B2"], {"A1": "too easy", "C1": "too hard", "C2": "too hard"}),
    ("B1", ["B1", "B2", "C1"], {"A1": "too easy", "A2": "too easy", "C2": "too hard"}),
    ("B2", ["B2", "C1", "C2"], {"A1": "too easy", "A2": "too easy", "B1": "too easy"}),
    ("C1", ["C1", "C2"], {"A1": "too easy", "A2": "too easy", "B1": "too easy", "B2": "too easy"}),
    (None, list(LEVELS), {}),
])  # fmt: skip
def test_the_level_decides_what_fits(level, kept, left_out):
    cues = [Cue(n, n * 40_000, n * 40_000 + 2500, "I was about to give up.") for n in range(1, 7)]
    found = [report("give up", n, name, context=(n, n), cues=cues) for n, name in enumerate(LEVELS, 1)]
    got, dropped = choose(found, cues, Learner(level))
    assert [one.level for one in got] == kept
    assert {found[d.cue_start - 1].level: d.reason for d in dropped} == left_out


def test_just_above_comes_first_then_ones_own_then_two_above():
    made = [report("by the way", 4, "B1"), report("give up", 2, "B2"), report("hang in there", 3, "C1")]
    for limit, kept in ((1, {"B2"}), (2, {"B1", "B2"})):
        got, dropped = choose(made, CUES, Learner("B1"), limit)
        assert {one.level for one in got} == kept
        assert {d.reason for d in dropped} == {"over the limit"}
    for one in choose(made, CUES, Learner("B1"))[0]:
        assert one.level in one.ranking.why


@pytest.mark.parametrize("entry", ["gave it up", "to give (sth) up", "Give up!", "giving up"])
def test_what_is_known_is_left_out_however_it_is_written(entry):
    learner = Learner(known={expression_key(entry): f"words.txt, line 3: {entry}"})
    got, dropped = choose([report("give up", 2), report("hang in there", 3)], CUES, learner)
    assert [one.expression for one in got] == ["hang in there"]
    assert [(d.reason, d.message) for d in dropped] == [("known", f"it is in words.txt, line 3: {entry}")]


def test_what_was_taught_before_is_left_out_and_the_episode_named():
    got, dropped = choose([report("give up", 2)], CUES, Learner(taught={"give up": "Harbour.S01E01"}))
    assert got == []
    assert (dropped[0].reason, dropped[0].message) == ("taught before", "Harbour.S01E01 taught it")


def test_every_report_is_kept_or_listed_with_its_reason():
    made = [report("give up", 2), report("to give up", 2, score=0.9), report("by the way", 4, "A1"), report("cost an arm and a leg", 4, "C2"), report("hang in there", 3)]
    got, dropped = choose(made, CUES, Learner("B1"), 1)
    assert len(got) + len(dropped) == len(made)
    assert sorted(d.reason for d in dropped) == ["found twice", "over the limit", "too easy", "too hard"]


def test_music_crosstalk_and_a_lonely_line_make_a_scene_worth_less():
    clear = rank(report("give up", 2), CUES)
    music = rank(report("give up", 2), [*CUES, Cue(6, 18_000, 20_000, "la la", kind="music")])
    crossed = rank(report("give up", 2), [*CUES, Cue(6, 16_000, 20_000, "What?")])
    lonely = rank(report("give up", 2, context=(2, 2)), CUES[1:2])
    assert clear.scene == 1
    assert music.scene == crossed.scene == 0.75
    assert lonely.scene < 0.75
    assert clear.total > music.total > lonely.total
    assert "music plays" in music.why
    assert "people talk at once" in crossed.why


def test_what_is_said_again_is_worth_more():
    once, thrice = (rank(report("give up", 2), CUES, times=times) for times in (1, 3))
    assert once.total < thrice.total
    assert "3 times" in thrice.why
    assert "once" in once.why


def test_a_ranking_stays_between_0_and_1():
    for score in (0, 0.5, 1):
        for level in (None, *LEVELS):
            ranking = rank(report("give up", 2, score=score), CUES, level, times=50)
            assert all(0 <= part <= 1 for part in (ranking.useful, ranking.level, ranking.scene, ranking.line, ranking.total))
            assert ranking.why.endswith(".")


@given(st.permutations(range(5)))
def test_the_choice_does_not_depend_on_the_order_of_the_reports(order):
    made = [report("give up", 2, score=0.5), report("give up", 2, score=0.5, example="Give up now."), report("by the way", 4), report("hang in there", 3), report("to give up", 2, score=0.9)]
    kept, dropped = choose([made[i] for i in order], CUES, Learner("B1"), 2)
    assert [(e.expression, e.ranking) for e in kept] == [(e.expression, e.ranking) for e in choose(made, CUES, Learner("B1"), 2)[0]]
    assert len(kept) + len(dropped) == 5


