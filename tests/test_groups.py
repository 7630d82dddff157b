"""Expressions of one scene share a group; ids and order depend on nothing else."""

import random

import pytest

from langflix.groups import ExpressionGroup, group_expressions
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


def test_switched_off_every_expression_is_alone():
    groups = group_expressions([A, B, C], enabled=False)
    assert names(groups) == [["b"], ["a"], ["c"]]
    assert len({g.id for g in groups}) == 3


def test_an_empty_group_cannot_exist():
    with pytest.raises(ValueError, match="at least one"):
        ExpressionGroup(id="g", context_start_ms=0, context_end_ms=1, expressions=())
