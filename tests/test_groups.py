"""Expressions of one scene share a group; ids and order depend on nothing else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langflix.config import Settings
from langflix.core import Cue
from langflix.desk import translated_cues
from langflix.export import group_cues, translated_lines
from langflix.groups import ExpressionGroup, group_expressions, within_film
from langflix.analysis import make_groups
from langflix.timing import Expression


def said(expression, start_ms, low, high):
    return Expression(
        expression=expression, start_ms=start_ms, end_ms=start_ms + 900, cue_start=1, cue_end=1, context_start_ms=low, context_end_ms=high,
        context_cue_start=1, context_cue_end=1, text="", spans=(), translation="", definition="", context_translation=(), example="",
        similar=(), level="B1", kind="idiom", score=0.5, source="embedded",
    )  # fmt: skip


def names(groups):
    return [[e.expression for e in group.expressions] for group in groups]


A, B, C = said("a", 1000, 0, 9000), said("b", 500, 0, 9000), said("c", 12_000, 10_000, 19_000)


def test_none_and_one():
    assert group_expressions([]) == []
    (only,) = group_expressions([A])
    assert (only.context_start_ms, only.context_end_ms, names([only])) == (0, 9000, [["a"]])


def test_equal_contexts_join_and_others_do_not():
    assert names(group_expressions([C, A, B])) == [["b", "a"], ["c"]]


@pytest.mark.parametrize(
    "other", [said("x", 2000, 2000, 5000), said("x", 2000, 0, 8999), said("x", 9000, 9000, 12_000)], ids=["nested", "end differs", "touching"]
)
def test_without_tolerance_only_exact_matches_join(other):
    assert sorted(names(group_expressions([A, other]))) == [["a"], ["x"]]


def test_overlapping_expressions_inside_one_context_are_fine():
    assert names(group_expressions([A, said("a2", 1000, 0, 9000)])) == [["a", "a2"]]


def test_equal_expressions_in_different_scenes_stay_apart():
    assert names(group_expressions([A, said("a", 12_000, 10_000, 19_000)])) == [["a"], ["a"]]


def test_tolerance_joins_and_the_scene_holds_all():
    (group,) = group_expressions([A, said("x", 3000, 200, 9200)], tolerance_ms=200)
    assert (group.context_start_ms, group.context_end_ms) == (0, 9200)


def test_a_chain_of_small_differences_does_not_grow_without_end():
    chain = [said(f"e{i}", i * 200 + 50, i * 200, 9000 + i * 200) for i in range(6)]
    assert [len(g) for g in names(group_expressions(chain, tolerance_ms=200))] == [2, 2, 2]


def test_ids_and_order_do_not_depend_on_the_input_order():
    many = [said(f"e{i}", 100 * i, 1000 * (i // 4), 1000 * (i // 4) + 3000) for i in range(40)]
    expected = group_expressions(many)
    shuffled = many[:]
    random.Random(3).shuffle(shuffled)
    assert group_expressions(shuffled) == expected
    assert [g.id for g in expected] == sorted({g.id for g in expected})


def test_a_full_scene_is_divided_in_order():
    many = [said(f"e{i}", 100 * i, 0, 9000) for i in range(7)]
    groups = group_expressions(many, max_expressions_per_context=3)
    assert names(groups) == [["e0", "e1", "e2"], ["e3", "e4", "e5"], ["e6"]]
    assert len({g.id for g in groups}) == 3


def test_three_expressions_with_identical_contexts_are_one_group():
    (group,) = group_expressions([A, B, said("a", 3000, 0, 9000)])
    assert names([group]) == [["b", "a", "a"]]


# Scenes that overlap.

NESTED = said("nested", 3000, 2000, 6000)
TOUCHING = said("touching", 9500, 9000, 12_000)
CHAIN = [said(f"e{i}", i * 5000 + 100, i * 5000, i * 5000 + 8000) for i in range(6)]  # 0-8, 5-13, 10-18, ... 25-33 s


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], []),
        ([A], [["a"]]),
        ([A, B], [["b", "a"]]),
        ([A, NESTED], [["a", "nested"]]),
        ([A, TOUCHING], [["a"], ["touching"]]),
        ([A, TOUCHING, said("bridge", 8000, 7000, 10_000)], [["a", "bridge", "touching"]]),
        ([said("a", 100, 0, 5000), said("a", 4600, 4500, 9000)], [["a"], ["a"]]),
        (CHAIN, [["e0", "e1", "e2", "e3", "e4"], ["e5"]]),
    ],
    ids=["none", "one", "identical", "nested", "touching", "bridged", "equal expressions", "chain"],
)
def test_overlaps_are_merged_when_that_is_wanted(found, expected):
    assert names(group_expressions(found, merge_overlaps=True, max_scene_ms=30_000)) == expected


def test_a_scene_that_is_long_from_the_start_still_takes_what_lies_inside_it():
    long = said("long", 100, 0, 50_000)
    assert names(group_expressions([long, NESTED, said("out", 49_000, 48_000, 52_000)], merge_overlaps=True)) == [["long", "nested"], ["out"]]


def test_a_merged_scene_is_divided_too_and_every_part_has_its_own_id():
    groups = group_expressions(CHAIN, merge_overlaps=True, max_scene_ms=60_000, max_expressions_per_context=2)
    assert names(groups) == [["e0", "e1"], ["e2", "e3"], ["e4", "e5"]]
    assert len({g.id for g in groups}) == 3


WINDOWS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 15), st.integers(0, 9), st.sampled_from("abcd")), max_size=14)


@given(WINDOWS, st.booleans(), st.booleans(), st.integers(0, 3), st.integers(1, 3), st.randoms())
def test_whatever_comes_in_each_expression_is_in_one_group_and_in_its_scene(raw, enabled, merge, tolerance, most, shuffle):
    found = [said(name, (low + min(at, length - 1)) * 1000, low * 1000, (low + length) * 1000) for low, length, at, name in raw]
    options = {"enabled": enabled, "merge_overlaps": merge, "tolerance_ms": tolerance * 1000, "max_scene_ms": 20_000, "max_expressions_per_context": most}
    groups = group_expressions(found, **options)
    assert sorted(map(repr, (e for g in groups for e in g.expressions))) == sorted(map(repr, found))
    assert all(g.context_start_ms <= e.context_start_ms and e.context_end_ms <= g.context_end_ms for g in groups for e in g.expressions)
    assert all(g.duration_ms <= max(20_000, *(e.context_end_ms - e.context_start_ms for e in g.expressions)) for g in groups if not tolerance)
    assert all(len(g.expressions) <= most for g in groups)
    assert len({g.id for g in groups}) == len(groups)
    assert [(g.context_start_ms, g.context_end_ms) for g in groups] == sorted((g.context_start_ms, g.context_end_ms) for g in groups)
    shuffle.shuffle(found)
    assert group_expressions(found, **options) == groups


def test_the_settings_reach_the_grouping():
    options = {"enabled": True, "tolerance_ms": 200, "merge_overlaps": True, "max_scene_ms": 20_000, "max_expressions_per_context": 2}
    assert make_groups(CHAIN, Settings(grouping=options)) == group_expressions(CHAIN, **options)
    assert make_groups(CHAIN, Settings()) == group_expressions(CHAIN) != make_groups(CHAIN, Settings(grouping={"merge_overlaps": True}))


# A merged scene is larger than its members' contexts; its lines must still fit.

CUES = [Cue(i, i * 2000, i * 2000 + 1800, f"line {i}", kind="sound" if i == 4 else "speech") for i in range(1, 9)]


def with_lines(expression, first, low, high, prefix):
    lines = tuple(f"{prefix}{i}" for i in range(low, high + 1))
    one = said(expression, first * 2000, low * 2000, high * 2000 + 1800)
    return one.model_copy(update={"cue_start": first, "cue_end": first, "context_cue_start": low, "context_cue_end": high, "context_translation": lines})


def test_a_merged_scene_has_all_its_cues_and_each_line_once():
    (group,) = group_expressions([with_lines("x", 2, 2, 5, "x"), with_lines("y", 6, 4, 7, "y")], merge_overlaps=True)
    assert (group.context_start_ms, group.context_end_ms) == (4000, 15_800)
    assert [cue.index for cue in group_cues(group, CUES)] == [2, 3, 4, 5, 6, 7]
    assert {cue.index: cue.text for cue in translated_cues(group.expressions, CUES)} == translated_lines(group, {}) == {2: "x2", 3: "x3", 4: "x4", 5: "x5", 6: "y6", 7: "y7"}


# The end of the film.


def test_contexts_are_cut_where_the_film_ends():
    early, late = with_lines("x", 2, 1, 3, "x"), with_lines("y", 6, 5, 8, "y")
    assert within_film([early, late], CUES, 20_000) == ([early, late], [])
    shown, lost = within_film([early, late], CUES, 14_500)
    assert lost == []
    assert shown[0] == early
    assert (shown[1].end_ms, shown[1].context_end_ms, shown[1].context_cue_end, shown[1].context_translation) == (12_900, 14_500, 7, ("y5", "y6", "y7"))


@pytest.mark.parametrize(("film_ms", "kept"), [(12_900, True), (12_800, False), (12_000, False), (1000, False)])
def test_a_line_is_shown_when_half_of_it_is_in_the_film(film_ms, kept):
    one = with_lines("y", 6, 5, 8, "y")  # spoken from 12.0 to 12.9 s
    one = one.model_copy(update={"end_ms": 13_800})
    shown, lost = within_film([one], CUES, film_ms)
    assert (len(shown), len(lost)) == ((1, 0) if kept else (0, 1))
    assert all(e.end_ms == e.context_end_ms == film_ms and e.context_cue_end == 6 for e in shown)


def test_a_line_whose_second_cue_is_gone_cannot_be_shown():
    across = with_lines("z", 6, 5, 8, "z").model_copy(update={"cue_end": 7, "end_ms": 15_800})
    assert within_film([across], CUES, 13_950) == ([], [across])


def test_switched_off_every_expression_is_alone():
    groups = group_expressions([A, B, C], enabled=False)
    assert names(groups) == [["b"], ["a"], ["c"]]
    assert len({g.id for g in groups}) == 3


def test_an_empty_group_cannot_exist():
    with pytest.raises(ValueError, match="at least one"):
        ExpressionGroup(id="g", context_start_ms=0, context_end_ms=1, expressions=())
