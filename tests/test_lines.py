"Every language breaks its lines where its readers expect it."

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langflix.ass import block
from langflix.fonts import Typeface, check_fonts
from langflix.lines import break_lines, cut_word, held, is_cut, phrase_ends, pieces

TEXT = {
    "en": "We've been through worse than this, so let's just sleep on it and see what tomorrow brings for the two of us.",
    "ko": "테이프가 또 다 떨어졌지만 조금만 더 버텨 봐, 우리가 이보다 더한 일도 겪어 봤잖아, 그러니까 걱정하지 마.",
    "ja": "もう少しだけ頑張って、テープがまた切れちゃったけど、「私たち」はもっと大変なことも乗り越えてきたんだから。",
    "zh": "再坚持一下，胶带又用完了，不过我们“以前”经历过比这更糟的事情，所以先睡一觉，明天再看看吧。",
    "es": "¿Nos hemos quedado sin cinta otra vez? ¡Pues aguanta un poco más, que la tienda de la esquina abre a las nueve!",
    "fr": "On est encore à court de ruban, non ? Alors tiens bon : le magasin du coin « Chez Paul » n'ouvre pas avant neuf heures !",
    "de": "Die Donaudampfschifffahrtskapitänsgesellschaft macht erst um neun auf, also halte noch ein bisschen durch, bitte.",
    "ar": "لقد نفد الشريط اللاصق مرة أخرى، ومتجر FixIt في الزاوية لا يفتح قبل التاسعة، فاصمد قليلا يا سام!",
    "he": "הסרט הדביק שוב נגמר, והחנות FixIt שבפינה לא נפתחת לפני תשע, אז תחזיק מעמד עוד קצת, סם!",
    "hi": "टेप फिर से ख़त्म हो गया है, और नुक्कड़ की दुकान नौ बजे से पहले नहीं खुलती, इसलिए थोड़ी हिम्मत रखो, सैम।",
    "th": "เทปหมดอีกแล้ว แถมร้านตรงหัวมุมก็ไม่เปิดก่อนเก้าโมงเช้า เพราะฉะนั้นอดทนไว้อีกหน่อยนะแซม",
}
FACES = check_fonts({language: [text] for language, text in TEXT.items()})


def lines_of(language: str, width: int = 840, size: float = 64) -> list[str]:
    return break_lines(TEXT[language], FACES[language], size, width)


@pytest.mark.parametrize("language", TEXT)
@pytest.mark.parametrize("width", [420, 640, 840, 1640])
def test_lines_fit_and_are_the_text_again(language: str, width: int) -> None:
    lines = lines_of(language, width)
    assert "".join(lines) == TEXT[language]
    assert all(FACES[language].width(line.rstrip(), 64) <= width for line in lines)
    assert len(lines) > 1


@pytest.mark.parametrize("language", ["ko", "ja", "zh", "es", "fr", "ar", "th"])
def test_no_line_is_lonely(language: str) -> None:
    widths = [FACES[language].width(line.rstrip(), 64) for line in lines_of(language)]
    assert min(widths) > 0.45 * max(widths)


def test_korean_keeps_particles_with_their_nouns_and_small_words_with_their_verbs() -> None:
    for width in range(300, 1600, 60):
        lines = lines_of("ko", width)
        assert all(line.endswith(" ") for line in lines[:-1])
    assert not any(line.rstrip().endswith((" 안", " 더")) for line in break_lines("아홉 시 전에는 안 여니까 조금만 더 버텨 봐 샘", FACES["ko"], 64, 840))


@pytest.mark.parametrize("language", ["ja", "zh"])
def test_kinsoku(language: str) -> None:
    for width in range(200, 1600, 40):
        for line in lines_of(language, width):
            assert line[0] not in "。、，」』）！？ーっゃゅょァィ…”"
            assert line.rstrip()[-1] not in "「『（“"


def test_japanese_breaks_between_phrases() -> None:
    text = TEXT["ja"]
    ends = phrase_ends(text)
    for width in (840, 1000, 1640):
        place = 0
        for line in lines_of("ja", width)[:-1]:
            place += len(line)
            assert place in ends


def test_thai_breaks_between_words() -> None:
    assert {"อดทน", "ไว้"} <= set(pieces("อดทนไว้อีกนิดนะ"))


def test_a_number_stays_with_what_it_counts() -> None:
    assert "3人" in pieces("客は3人だ。")


@pytest.mark.parametrize(
    ("text", "kept"),
    [("Tu viens ?", "Tu|viens ?"), ("« Tiens bon ! » dit-elle", "« Tiens|bon ! »|dit-|elle"), ("- Ah : oui", "- Ah :|oui"), ("»Halt!« rief er", "»Halt!«|rief|er"),
     ("¿Vienes? ¡Sí!", "¿Vienes?|¡Sí!"), ("50 % sûr", "50 %|sûr"), ("Is it 5:30?", "Is|it|5:30?"), ("E-Mail-Adresse", "E-Mail-|Adresse")],
)  # fmt: skip
def test_marks_stay_with_their_words(text: str, kept: str) -> None:
    assert [piece.rstrip() for piece in pieces(text)] == kept.split("|")
    assert len(held(text)) == len(text)


def test_french_marks_are_drawn_behind_a_narrow_space_that_holds() -> None:
    drawn = "".join(text for line in block("Tu viens ? Oui : là.", FACES["fr"], 54, 1600).lines for text, _ in line)
    narrow = "\u202f" if FACES["fr"].main.has("\u202f") else "\u00a0"
    assert drawn == f"Tu viens{narrow}? Oui\u00a0: là."


@pytest.mark.parametrize("word", ["Donaudampfschifffahrtsgesellschaft", "Rechtsschutzversicherungsgesellschaften", "anticonstitutionnellement", "otorrinolaringólogo"])
@pytest.mark.parametrize("most", [8, 11, 15])
def test_a_long_word_is_cut_between_syllables(word: str, most: int) -> None:
    place = cut_word(word, most)
    assert 3 <= place <= most
    assert is_cut(word[:place], word[place:])
    assert word[place].lower() not in "aeiouäöüéèó"


def test_a_cut_word_has_a_hyphen_and_keeps_its_mark() -> None:
    made = block("Die Donaudampfschifffahrtsgesellschaft!", FACES["de"], 64, 700, marks=[(4, 38)])
    rows = ["".join(text for text, _ in line) for line in made.lines]
    assert sum(row.endswith("-") for row in rows) == 1
    assert made.width <= 700
    assert all(on for line in made.lines for text, on in line if "fahrt" in text or "schaft" in text)
    plain = block("Hello\nworld", FACES["en"], 64, 700)
    assert [text for line in plain.lines for text, _ in line] == ["Hello", "world"]


def test_a_line_does_not_end_with_a_small_word() -> None:
    for width in range(700, 1700, 50):
        for line in lines_of("en", width)[:-1]:
            assert line.split()[-1] not in ("the", "of", "a", "so")


@settings(deadline=None, max_examples=80)
@given(text=st.text(alphabet="ab ,.?»«-가버텨漢字かな。、「」ไว้สلا\u00ad\u0301", max_size=120), width=st.integers(80, 1640))
def test_nothing_is_ever_lost(text: str, width: int) -> None:
    face: Typeface = FACES["ja"]
    assert "".join(break_lines(text, face, 54, width)) == text
    assert "".join(pieces(text)) == text
