"A translation's words in the learner's line: found where they are, and never guessed."

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langflix.matches import find_translation

FOUND = [
    ("다 떨어지다", "테이프가 또 다 떨어졌어, 조금만 버텨.", ["다 떨어졌어"]),
    ("바닥나다, 다 떨어지다", "테이프가 또 떨어졌어.", ["떨어졌어"]),
    ("버티다", "조금만 버텨!", ["버텨"]),
    ("조금만 더 버티다", "조금만 더 버텨 봐.", ["조금만 더 버텨"]),
    ("식은 죽 먹기", "그건 식은 죽 먹기였어.", ["식은 죽 먹기였어"]),
    ("(~을) 포기하다", "절대 포기하지 마.", ["포기하지"]),
    ("acabarse / acabar", "Se nos acabó la cinta.", ["acabó"]),
    ("aguantar", "¡Aguanta un poco!", ["Aguanta"]),
    ("頑張る", "もう少し頑張って。", ["頑張"]),
    ("放弃", "别放弃。", ["放弃"]),
    ("بالمناسبة", "بالمناسبة، نفد منا الشريط.", ["بالمناسبة"]),
    ("by the way", "And, by the way, it rains.", ["by the way"]),
]
NOT_FOUND = [
    ("포기하다", "테이프가 또 떨어졌어."), ("물", "물어봐도 돼?"), ("casa", "Un cast enorme."), ("", "조금만 버텨."), ("버티다", ""),
    ("aguantar mucho", "Aguanta."), ("見る", "見事だ。"), ("...", "..."),
]  # fmt: skip


@pytest.mark.parametrize(("translation", "text", "words"), FOUND)
def test_it_is_found_in_another_form(translation: str, text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in find_translation(translation, text)] == words


BY_RULES = [
    ("ko", "다 떨어지다", "테이프가 또 다 떨어졌어.", ["다 떨어졌어"]), ("ko", "포기하다", "포기를 안 해.", ["포기를 안 해"]), ("ko", "물", "물을 줘.", ["물을"]),
    ("ja", "頑張る", "もう少し頑張って。", ["頑張って"]), ("ja", "切れる、なくなる", "テープがまた切れちゃったけど。", ["切れちゃった"]), ("ja", "諦める", "諦めないでね。", ["諦めないで"]),
    ("ja", "朝飯前", "そんなの朝飯前だよ。", ["朝飯前"]), ("zh", "用完", "胶带又用完了。", ["用完"]), ("zh", "坚持", "再坚持一下。", ["坚持"]),
    ("es", "quedarse sin", "Nos hemos quedado sin cinta.", ["Nos", "quedado sin"]), ("es", "darse por vencido", "No te des por vencida.", ["te des por vencida"]),
    ("fr", "tenir bon", "Tiens bon !", ["Tiens bon"]), ("fr", "laisser tomber", "Laisse tomber.", ["Laisse tomber"]),
    ("de", "aufgeben", "Gib jetzt nicht auf!", ["Gib", "auf"]), ("de", "ausgehen", "Das Klebeband ist ausgegangen.", ["ausgegangen"]),
    ("ar", "استسلم", "لا تستسلم أبدا.", ["تستسلم"]), ("he", "להחזיק מעמד", "תחזיק מעמד עוד קצת.", ["תחזיק מעמד"]),
    ("hi", "हिम्मत रखना", "हिम्मत रखो, बस।", ["हिम्मत रखो"]), ("th", "อดทน", "อดทนไว้อีกนิดนะ", ["อดทน"]),
]  # fmt: skip


@pytest.mark.parametrize(("lang", "translation", "text", "words"), BY_RULES)
def test_a_languages_rules_find_its_forms(lang: str, translation: str, text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in find_translation(translation, text, lang)] == words


@pytest.mark.parametrize(
    ("lang", "translation", "text"),
    [("ko", "포기하다", "테이프가 또 떨어졌어."), ("ja", "見る", "見事だ。"), ("es", "casa", "Un cast enorme."), ("de", "gehen", "Das Gehör."), ("zh", "放弃", "放开。")],
)
def test_rules_mark_nothing_that_is_not_said(lang: str, translation: str, text: str) -> None:
    assert find_translation(translation, text, lang) == ()


@pytest.mark.parametrize(("translation", "text"), NOT_FOUND)
def test_nothing_is_marked_where_it_is_not_said(translation: str, text: str) -> None:
    assert find_translation(translation, text) == ()


@given(translation=st.text(alphabet="가버티다 ab,()頑る-", max_size=20), text=st.text(alphabet="가버티다텨 ab頑張る\n-", max_size=40))
def test_marks_are_in_order_and_inside_the_line(translation: str, text: str) -> None:
    places = [place for mark in find_translation(translation, text) for place in mark]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)
