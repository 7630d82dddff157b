"""Every entry of the lexicon is whole, differs from all others, and finds its own example."""

import re
from collections import Counter, defaultdict

import pytest

from langflix.core import Cue
from langflix.keys import expression_key
from langflix.lexicon import Lexicon, parse_pattern
from langflix.timing import locate
from langflix.words import lemmas, tokenize

LEXICON = Lexicon.load()
KOREAN, KANA, HAN = "[가-힣]", "[ぁ-ゖァ-ヺ]", "[一-鿿]"
LATIN = "[a-záéíóúüñàâçéèêëîïôœùûüäöß]"
SCRIPTS = {"ko": KOREAN, "ja": f"{KANA}|{HAN}", "zh": HAN, "es": LATIN, "fr": LATIN, "de": LATIN}
OTHERS = {"ko": f"{KANA}|{HAN}", "ja": KOREAN, "zh": f"{KOREAN}|{KANA}", **dict.fromkeys(("es", "fr", "de"), f"{KOREAN}|{KANA}|{HAN}")}
OPEN = set("a an the to be do have get someone somebody something your one 's oneself yourself of".split())
each = pytest.mark.parametrize("entry", LEXICON.entries, ids=lambda entry: entry.id)


def cue(text):
    return Cue(1, 0, 3000, text)


def heard(text):
    return {match.entry.id for match in LEXICON.find([cue(text)])}


@each
def test_it_finds_its_own_example(entry):
    assert entry.id in heard(entry.example), f"{entry.pattern!r} does not match {entry.example!r}; found {heard(entry.example)}"


@each
def test_it_is_whole(entry):
    assert parse_pattern(entry.pattern)
    assert entry.similar
    assert expression_key(entry.expression) not in {expression_key(one) for one in entry.similar}
    assert 3 <= len(entry.definition.split()) <= 20
    assert 4 <= len(entry.example.split()) <= 18
    assert entry.example[0].isupper() or not entry.example[0].isalpha()
    assert entry.example[-1] in ".!?\"'"


@each
def test_its_definition_does_without_its_expression(entry):
    words = [token.word for token in tokenize(entry.expression)]
    assert not re.search(rf"\b{re.escape(entry.expression)}\b", entry.definition, re.IGNORECASE)
    if len(set(words) - OPEN) > 1:
        assert not locate(entry.expression, [cue(entry.definition)]), f"{entry.expression!r} is in {entry.definition!r}"


@each
def test_it_is_translated_into_six_languages(entry):
    for language, letters in SCRIPTS.items():
        text = entry.translations.get(language, "")
        assert re.search(letters, text, re.IGNORECASE), f"{language}: {text!r}"
        assert not re.search(OTHERS[language], text), f"{language}: {text!r} holds letters of another language"
        assert text == text.strip() == " ".join(text.split())


@each
def test_its_expression_is_literally_in_its_example(entry):
    assert locate(entry.expression, [cue(entry.example)]), f"{entry.expression!r} is not in {entry.example!r}"


def test_it_is_broad():
    kinds = Counter(entry.kind for entry in LEXICON.entries)
    levels = Counter(entry.level for entry in LEXICON.entries)
    assert len(LEXICON.entries) >= 1200
    assert min(kinds[kind] for kind in ("phrasal verb", "idiom", "collocation", "discourse marker", "slang")) >= 40
    assert min(levels[level] for level in ("A2", "B1", "B2", "C1")) >= 50


def same_words(one, other):
    "Whether two expressions are the same but for inflection."
    return len(one) == len(other) and all(a & b for a, b in zip(one, other, strict=True))


def forms(expression):
    "The words of an expression, each as the set of its dictionary forms; articles and placeholders left out."
    words = [token.word for token in tokenize(expression)]
    open_words = set("a an the someone somebody something".split())
    return [_lemmas(word) for word in words if word not in open_words] or [_lemmas(word) for word in words]


def _lemmas(word):
    "The dictionary forms of a word; *best* is not *good* here."
    return lemmas(word) if word not in ("best", "better") else frozenset({word})


LOOK_ALIKES = [{"mess-up", "messed-up"}, {"lay-down", "lie-down"}]  # an adjective made of a verb, and a verb that is another's past


def literal(entry):
    "An expression without words that stand for others."
    return " ".join(word for word in entry.expression.split() if word not in ("someone", "something"))


def families():
    "Entries whose expressions are the same under lemmas, together."
    near = defaultdict(list)
    for entry in LEXICON.entries:
        for lemma in forms(entry.expression)[-1]:
            near[lemma].append(entry)
    pairs = {
        (a.id, b.id): (a, b)
        for group in near.values() for n, a in enumerate(group) for b in group[n + 1 :]
        if same_words(forms(a.expression), forms(b.expression))
    }  # fmt: skip
    return list(pairs.values())


def test_no_two_entries_are_one_expression_unless_they_are_senses():
    for one, other in families():
        if {one.id, other.id} in LOOK_ALIKES:
            continue
        assert literal(one) == literal(other), f"{one.id} and {other.id} are one expression"
        assert one.definition != other.definition
        assert one.pattern != other.pattern or (one.not_before, one.not_after) != (other.not_before, other.not_after)


@pytest.mark.parametrize("pair", families(), ids=lambda pair: f"{pair[0].id} {pair[1].id}")
def test_senses_are_told_apart_on_their_own_examples(pair):
    one, other = pair
    assert heard(one.example) & {one.id, other.id} == {one.id}
    assert heard(other.example) & {one.id, other.id} == {other.id}


def test_some_expressions_have_senses():
    senses = Counter(entry.expression for entry in LEXICON.entries)
    assert sum(count > 1 for count in senses.values()) >= 15
