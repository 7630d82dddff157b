"""One key for all ways to write an expression, and different keys for what means something else."""

import pytest

from langflix.keys import expression_key, key_variants
from langflix.lexicon import Lexicon


@pytest.mark.parametrize("written", ["give up", "Give up!", "gave it up", "giving them up", "to give sth up", "give (something) up", "GIVE UP", "  give   up ", "give sb/sth up"])
def test_ways_to_write_one_expression(written):
    assert expression_key(written) == "give up"


@pytest.mark.parametrize(("one", "other"), [
    ("change my mind", "change one's mind"), ("changed her mind", "change someone's mind"), ("a piece of cake", "Piece of cake"),
    ("be out of your league", "out of my league"), ("make up your mind", "made up his mind"), ("enjoy yourself", "enjoyed ourselves"),
    ("pull somebody's leg", "pulling my leg"), ("don't mention it", "Don’t mention it."), ("wake her up", "wake up"),
])  # fmt: skip
def test_slots_owners_and_starts_make_no_difference(one, other):
    assert expression_key(one) == expression_key(other)


@pytest.mark.parametrize(("one", "other"), [("make it", "make"), ("step on it", "step on"), ("get out", "get up"), ("something else", "something"), ("be up to you", "be up to"), ("be used to", "used to")])
def test_what_means_something_else_stays_apart(one, other):
    assert expression_key(one) != expression_key(other)


@pytest.mark.parametrize("text", ["", "...", "   ", "?!"])
def test_no_word_no_key(text):
    assert expression_key(text) == ""
    assert key_variants(text) == frozenset()


def test_a_key_is_its_own_key():
    entries = Lexicon.load("en").entries
    strange = [e.expression for e in entries if expression_key(expression_key(e.expression)) != expression_key(e.expression)]
    assert strange == []


def test_few_entries_of_the_lexicon_share_a_key():
    entries = Lexicon.load("en").entries
    names = {plain.expression for plain in entries}
    assert len({expression_key(name) for name in names}) > 0.98 * len(names)


def test_languages_without_spaces_are_compared_by_letters():
    assert expression_key("気を つける。", "ja") == expression_key("気をつける", "ja")
    assert expression_key("가는 말이 고와야", "ko") == "가는말이고와야"


def test_brackets_make_two_keys():
    assert key_variants("be fed up (with)") == {expression_key("fed up"), expression_key("fed up with")}
