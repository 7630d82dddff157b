"""Every entry of the lexicon is whole, and finds its own example."""

import re
from collections import Counter

import pytest

from langflix.core import Cue
from langflix.lexicon import Lexicon, parse_pattern
from langflix.timing import locate

LEXICON = Lexicon.load()
SCRIPTS = {"ko": "[가-힣]", "ja": "[ぁ-んァ-ン一-龥]", "es": "[a-záéíóúñ]"}
each = pytest.mark.parametrize("entry", LEXICON.entries, ids=lambda entry: entry.id)


def cue(text):
    return Cue(1, 0, 3000, text)


@each
def test_it_finds_its_own_example(entry):
    found = {match.entry.id for match in LEXICON.find([cue(entry.example)])}
    assert entry.id in found, f"{entry.pattern!r} does not match {entry.example!r}; found {found}"


@each
def test_it_is_complete(entry):
    assert parse_pattern(entry.pattern)
    for language, letters in SCRIPTS.items():
        assert re.search(letters, entry.translations.get(language, "")), language
    assert entry.similar
    assert 3 <= len(entry.definition.split()) <= 20
    assert 4 <= len(entry.example.split()) <= 18
    assert not re.search(rf"\b{re.escape(entry.expression)}\b", entry.definition, re.IGNORECASE)


@each
def test_its_expression_is_literally_in_its_example(entry):
    assert locate(entry.expression, [cue(entry.example)]), f"{entry.expression!r} is not in {entry.example!r}"


def test_it_is_broad():
    kinds = Counter(entry.kind for entry in LEXICON.entries)
    assert len(LEXICON.entries) >= 400
    assert min(kinds[kind] for kind in ("phrasal verb", "idiom", "collocation", "discourse marker")) >= 50
    assert len({entry.expression.lower() for entry in LEXICON.entries}) == len(LEXICON.entries)
