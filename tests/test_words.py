"""Words are cut the same way everywhere, keep their places, and lead to their dictionary forms."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langflix.words import expand, irregular_forms, lemmas, plain, tokenize


def words(text):
    return [token.word for token in tokenize(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't know.", ["i", "do", "n't", "know"]),
        ("I don’t know.", ["i", "do", "n't", "know"]),
        ("She'd've gone", ["she", "'d", "'ve", "gone"]),
        ("I'm, you're, it's, let's, we'll", ["i", "'m", "you", "'re", "it", "'s", "let", "'s", "we", "'ll"]),
        ("can't won't ain't", ["ca", "n't", "wo", "n't", "ai", "n't"]),
        ("my mother's keys", ["my", "mother", "'s", "keys"]),
        ("get 'em, 'cause", ["get", "'em", "'cause"]),
        ("five o'clock, ma'am", ["five", "o'clock", "ma'am"]),
        ("nothin' goin' on", ["nothin'", "goin'", "on"]),
        ("a well‑known mother-in-law", ["a", "well-known", "mother-in-law"]),
        ("at 5:30 for $1,200.50!", ["at", "5:30", "for", "1,200.50"]),
        ("I'm gonna, you wanna", ["i", "'m", "gonna", "you", "wanna"]),
        ("wait--no—stop", ["wait", "no", "stop"]),
        ("'Hello,' he said", ["hello", "he", "said"]),
        ("one\ntwo\n- three", ["one", "two", "three"]),
        ("그건 식은 죽 먹기야.", ["그건", "식은", "죽", "먹기야"]),
        ("मुझे हिन्दी आती है।", ["मुझे", "हिन्दी", "आती", "है"]),
        ("", []),
        ("... ♪ !?", []),
    ],
)
def test_text_is_cut_into_words(text, expected):
    assert words(text) == expected


@given(st.text(max_size=200))
def test_tokens_are_slices_of_the_text_in_order(text):
    tokens = tokenize(text)
    assert all(text[token.start : token.end] == token.text and token.start < token.end for token in tokens)
    assert all(a.end <= b.start for a, b in pairwise(tokens))


@given(st.text(max_size=50))
def test_plain_keeps_the_length(text):
    assert len(plain(text)) == len(text)


@pytest.mark.parametrize(
    ("word", "lemma"),
    [
        ("left", "leave"), ("broke", "break"), ("broken", "break"), ("went", "go"), ("got", "get"), ("gotten", "get"),
        ("blew", "blow"), ("hanging", "hang"), ("hung", "hang"), ("lay", "lie"), ("lying", "lie"), ("hopping", "hop"),
        ("hoping", "hope"), ("travelled", "travel"), ("traveling", "travel"), ("panicked", "panic"), ("tried", "try"),
        ("dying", "die"), ("feet", "foot"), ("knives", "knife"), ("children", "child"), ("feelings", "feeling"),
        ("'s", "be"), ("'s", "have"), ("'m", "be"), ("n't", "not"), ("not", "n't"), ("wo", "will"), ("ca", "can"), ("an", "a"),
        ("'em", "them"), ("goin'", "go"), ("comin’", "come"), ("BROKE", "break"), ("better", "good"), ("favours", "favor"),
        ("figuring", "figure"), ("freaking", "freak"), ("crashes", "crash"), ("stories", "story"),
    ],
)  # fmt: skip
def test_a_form_leads_to_its_dictionary_word(word, lemma):
    assert {lemma, plain(word)} <= lemmas(word)


@pytest.mark.parametrize(
    ("word", "other"),
    [("us", "we"), ("them", "they"), ("his", "he"), ("seed", "see"), ("hoping", "hop"), ("news", "new"), ("evening", "even"), ("thing", "the"), ("as", "a")],
)
def test_a_word_does_not_lead_to_a_stranger(word, other):
    assert other not in lemmas(word)


def test_every_irregular_form_leads_to_its_verb():
    assert len(irregular_forms()) > 400
    assert all(lemma in lemmas(form) for form, found in irregular_forms().items() for lemma in found)


def test_other_languages_use_their_own_dictionary_or_none():
    assert "perro" in lemmas("perros", "es")
    assert lemmas("알아냈다", "ko") == {"알아냈다"}
    assert "leave" not in lemmas("left", "de")


@pytest.mark.parametrize(
    ("word", "expected"),
    [("gonna", ("going", "to")), ("outta", ("out", "of")), ("dunno", ("do", "n't", "know")), ("w-w-what", ("what",)), ("check-in", ("check-in",)), ("give", ("give",))],
)
def test_hidden_words_come_out(word, expected):
    assert expand(word) == expected
