"""Korean, Japanese and Chinese: what is spoken is found, at the right letters, and what is not spoken is not."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langflix.unspaced import UNSPACED, fold, search

SPOKEN = [
    ("ko", "알아내다", "어떻게 알아냈어?", "알아냈어"),
    ("ko", "알아내다", "내가 꼭 알아낼게.", "알아낼게"),
    ("ko", "알아내다", "알아 내야 돼", "알아 내야"),
    ("ko", "알아내다", "좀 알아내줘.", "알아내줘"),
    ("ko", "도와주다", "좀 도와 주세요", "도와 주세요"),
    ("ko", "도와주다", "도와줄래?", "도와줄래"),
    ("ko", "모르다", "난 몰라.", "몰라"),
    ("ko", "듣다", "내 말 들어 봐", "들어"),
    ("ko", "돕다", "서로 도와야지", "도와야지"),
    ("ko", "짓다", "집을 지었어", "지었어"),
    ("ko", "가다", "집에 갈래", "갈래"),
    ("ko", "발이 넓다", "걔가 발이 얼마나 넓은데.", "발이 넓은데"),
    ("ko", "발이 넓다", "발 넓네", "발 넓네"),
    ("ko", "식은 죽 먹기", "그건 식은 죽 먹기야.", "식은 죽 먹기야"),
    ("ko", "식은 죽 먹기이다", "식은 죽 먹기죠", "식은 죽 먹기죠"),
    ("ko", "한턱내다", "오늘은 내가 한턱 낼게.", "한턱 낼게"),
    ("ko", "한턱 내다", "내가 한턱냈잖아", "한턱냈잖아"),
    ("ko", "눈이 높다", "너는 눈이 너무 높아.", "눈이 높아"),
    ("ko", "눈치가 없다", "진짜 눈치 없다니까", "눈치 없다니까"),
    ("ko", "손이 크다", "엄마는 손이 크셔서 많이 하셔", "손이 크셔서"),
    ("ko", "정신을 차리다", "정신 좀 차려!", "정신 차려"),
    ("ko", "포기하다", "절대 포기하지 마!", "포기하지"),
    ("ko", "포기하다", "포기 안 해", "포기 안 해"),
    ("ko", "~을 바람맞히다", "걔가 나를 바람맞혔어", "바람맞혔어"),
    ("ko", "정신 차리다", "정신\n차려!", "정신\n차려"),
    ("ja", "手を貸す", "ちょっと手貸してくれる？", "手貸し"),
    ("ja", "手を貸す", "手をちょっと貸して", "手を貸し"),
    ("ja", "〜に手を貸す", "彼に手を貸さない", "手を貸さ"),
    ("ja", "気にする", "全然気にしてないよ。", "気にし"),
    ("ja", "食べる", "もう食べました。", "食べま"),
    ("ja", "食べる", "食べたい", "食べた"),
    ("ja", "仕方がない", "仕方ないだろ", "仕方ない"),
    ("ja", "頑張る", "頑張って！", "頑張っ"),
    ("ja", "ガンバル", "ｶﾞﾝﾊﾞﾚよ", "ｶﾞﾝﾊﾞﾚ"),
    ("ja", "諦める", "絶対に諦めないで", "諦めな"),
    ("ja", "足を引っ張る", "足を\n引っ張らないで", "足を\n引っ張ら"),
    ("ja", "腹が立つ", "もう腹が立って仕方がない", "腹が立っ"),
    ("ja", "目が覚める", "目は覚めた？", "目は覚めた"),
    ("ja", "OK", "ＯＫ牧場", "ＯＫ"),
    ("zh", "帮忙", "你能帮我一个忙吗？", "帮我一个忙"),
    ("zh", "吃醋", "他吃什么醋啊！", "吃什么醋"),
    ("zh", "看出来", "我没看出来", "看出来"),
    ("zh", "看出来", "你看不出来吗", "看不出来"),
    ("zh", "生气", "别生我的气", "生我的气"),
    ("zh", "无论如何", "无论如何都要来", "无论如何"),
    ("zh", "给某人穿小鞋", "他老给我穿小鞋", "给穿小鞋"),
]

SILENT = [
    ("ko", "가다", "내 가방 어디 있어?"), ("ko", "알아내다", "내 말 알아듣겠어?"), ("ko", "보다", "보라색이야"), ("ko", "눈이 높다", "눈물이 높이 튀었어"),
    ("ko", "나가다", "나 가는 중이야"), ("ko", "포기하다", "배추 한 포기 사다 줘"), ("ko", "생각나다", "생각이 많아"), ("ko", "눈이 높다", "눈이 와. 산이 높아."),
    ("ja", "気がある", "彼は人気がある。"), ("ja", "手を貸す", "この本を貸して"), ("ja", "食べる", "食器を洗う"), ("ja", "手を貸す", "手を洗った。本を貸して"),
    ("zh", "吃醋", "他吃饭的时候加醋。"), ("zh", "帮忙", "帮派很忙碌"), ("zh", "无论如何", "无论他来不来"), ("zh", "帮忙", "你帮。忙死了"),
]  # fmt: skip


@pytest.mark.parametrize(("lang", "expression", "text", "expected"), SPOKEN)
def test_what_is_spoken_is_found_at_its_letters(lang, expression, text, expected):
    pieces = [text[start:end] for start, end in search(expression, text, lang)]
    assert "".join(pieces).replace(" ", "") == expected.replace(" ", "").replace("\n", "") or "".join(pieces).replace(" ", "") == expected.replace(" ", "")


@pytest.mark.parametrize(("lang", "expression", "text"), SILENT)
def test_what_is_not_spoken_is_not_found(lang, expression, text):
    assert search(expression, text, lang) == []


@pytest.mark.parametrize(("lang", "expression", "text"), [row[:3] for row in SPOKEN])
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKD"])
def test_the_way_letters_are_coded_makes_no_difference(lang, expression, text, form):
    assert search(unicodedata.normalize(form, expression), unicodedata.normalize(form, text), lang)
    assert search(expression, unicodedata.normalize(form, text), lang)


@pytest.mark.parametrize("lang", sorted(UNSPACED))
@pytest.mark.parametrize("expression", ["", " ", "...", "~", "〜を", "다", "(", "[a-z]+", "a|b", "\\"])
def test_a_strange_expression_finds_nothing_it_should_not(lang, expression):
    assert search(expression, "아무 말. 何か言う。 说什么。", lang) == []


@given(st.text(max_size=30), st.text(max_size=60), st.sampled_from(sorted(UNSPACED)))
def test_any_text_can_be_searched(expression, text, lang):
    for start, end in search(expression, text, lang):
        assert 0 <= start < end <= len(text)


@given(st.text(max_size=60))
def test_folding_keeps_places(text):
    letters, places = fold(text)
    assert len(letters) == len(places)
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)
