"Every letter has a font, or the error says which package brings it."

from pathlib import Path

import pytest

from langflix import fonts
from langflix.core import FontError
from langflix.fonts import Typeface, check_fonts, find_fonts, font_folders, missing_glyphs, script_of

MIXED = "Hang in there — “ok”… 조금만 버텨, がんばって, 加油! ñçßøđ ệ ж"


@pytest.fixture
def wheel_only(monkeypatch: pytest.MonkeyPatch) -> None:
    "A machine whose only font is the wheel's."
    folder = next(path for path in font_folders() if path.name == "noto_cjk_sans_jp_regular")
    monkeypatch.setattr(fonts, "font_folders", lambda: [folder])


@pytest.mark.usefixtures("wheel_only")
def test_the_wheel_draws_korean_japanese_chinese_and_latin() -> None:
    faces = check_fonts({"ko": [MIXED], "en": [MIXED]})
    assert faces["ko"].main.family == "Noto Sans CJK JP"
    assert missing_glyphs(MIXED, faces["ko"]) == set()


@pytest.mark.usefixtures("wheel_only")
@pytest.mark.parametrize(
    ("language", "text", "script", "package"),
    [
        ("ar", "اصمد", "Arabic", "fonts-noto-core"),
        ("he", "החזק מעמד", "Hebrew", "fonts-noto-core"),
        ("hi", "हिम्मत रखो", "Devanagari", "fonts-noto-core"),
        ("th", "อดทนไว้", "Thai", "fonts-noto-core"),
        ("en", "great \U0001f600", "Symbols", "fonts-symbola"),
    ],
)
def test_a_missing_script_is_named_with_its_package(language: str, text: str, script: str, package: str) -> None:
    with pytest.raises(FontError, match=script) as error:
        check_fonts({"en": ["fine"], language: [text]})
    assert package in error.value.hint
    assert set(error.value.details["characters"]) <= set(text)
    assert "U+" in error.value.message


@pytest.fixture
def all_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    "A machine whose fonts are those of the media extra."
    folders = [path for path in font_folders() if path.name in fonts._WHEELS]
    monkeypatch.setattr(fonts, "font_folders", lambda: folders)


@pytest.mark.usefixtures("all_wheels")
@pytest.mark.parametrize(
    ("language", "text", "family"),
    [
        ("ko", "조금만 버텨", "Noto Sans CJK JP"), ("ja", "頑張って、ね「」", "Noto Sans CJK JP"), ("zh", "坚持一下，直接", "Noto Sans CJK JP"),
        ("es", "¿Qué tal? ¡Aguanta!", "Noto Sans CJK JP"), ("fr", "« Ça y est ! » œuvre\u202f?", "Noto Sans CJK JP"), ("de", "Größe „Straße“ ẞ", "Noto Sans CJK JP"),
        ("ru", "Держись, ёлка", "Noto Sans CJK JP"), ("vi", "Cố lên nhé, đừng bỏ cuộc", "Noto Sans CJK JP"),
        ("ar", "اصمد قليلا، هل تسمع؟", "Noto Sans Arabic"), ("fa", "پگاه چای", "Noto Sans Arabic"), ("he", "החזק מעמד", "Noto Sans Hebrew Light"),
        ("hi", "हिम्मत रखो।", "Noto Sans Devanagari"), ("th", "อดทนไว้", "Noto Sans Thai"), ("ta", "பொறுமை", "Noto Sans Tamil"),
    ],
)  # fmt: skip
def test_the_wheels_draw_every_language(language: str, text: str, family: str) -> None:
    face = check_fonts({language: [text]})[language]
    assert face.main.family == family
    assert missing_glyphs(text, face) == set()
    if "CJK" in family:
        assert face.main.bold_path
        assert face.main.bold_path.parent.name == "noto_cjk_sans_jp_bold"
        assert face.width("Hang in there", 100, bold=True) > face.width("Hang in there", 100)


@pytest.mark.usefixtures("all_wheels")
def test_a_letter_that_is_not_seen_is_not_counted_in_a_width() -> None:
    face = check_fonts({"en": ["abc"]})["en"]
    assert face.width("a\u200bb\u200fc\u2060", 50) == face.width("abc", 50)


def test_no_font_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "font_folders", lambda: [])
    with pytest.raises(FontError, match="Hangul") as error:
        check_fonts({"ko": ["버텨"]})
    assert "fonts-noto-cjk" in error.value.hint
    assert "pip install 'langflix[media]'" in error.value.hint
    with pytest.raises(FontError):
        check_fonts({"ko": []})


def test_what_leaves_no_mark_needs_no_font() -> None:
    faces = check_fonts({"en": ["soft\u00adhyphen zero\u200bwidth\u2060 nbsp\u00a0tab\t\n\u200e\ufe0f"]})
    assert faces


def test_decomposed_hangul_is_composed_before_it_is_checked() -> None:
    import unicodedata

    assert not find_fonts({"ko": [unicodedata.normalize("NFD", "한국어")]})[1]


def latin_font(folder: Path) -> None:
    "A font of its own name that holds only Latin letters, cut from the one that comes along."
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    source = check_fonts({"en": ["a"]})["en"].main
    font = TTFont(source.path, fontNumber=source.number)
    subsetter = Subsetter(Options(name_IDs=["*"], notdef_outline=True))
    subsetter.populate(unicodes=range(0x20, 0x7F))
    subsetter.subset(font)
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = "Own Latin"
    font.save(folder / "Own.otf")


def test_the_users_own_font_wins(tmp_path: Path) -> None:
    latin_font(tmp_path)
    faces = check_fonts({"en": ["Hang in there"], "ko": ["조금만 버텨"]}, own=tmp_path)
    assert faces["en"].main.path.parent == tmp_path
    assert faces["ko"].main.path.parent != tmp_path
    mixed = check_fonts({"en": ["The quick brown fox jumps over the lazy dog. 버텨"]}, own=tmp_path)["en"]
    assert len(mixed.fonts) == 2
    assert mixed.font_of("버").path.parent != tmp_path
    assert mixed.width("a버", 100) == pytest.approx(mixed.width("a", 100) + mixed.width("버", 100))


def test_damaged_fonts_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "Broken.ttf").write_bytes(b"not a font")
    (tmp_path / "Broken.ttc").write_bytes(b"ttcf")
    assert isinstance(check_fonts({"ko": ["가"]}, own=tmp_path)["ko"], Typeface)


def test_a_collection_has_a_face_for_each_language(tmp_path: Path) -> None:
    from fontTools.ttLib import TTCollection, TTFont

    wheel = next(path for path in font_folders() if path.name == "noto_cjk_sans_jp_regular")
    source = TTFont(wheel / "NotoSansCJKjp-Regular.otf", lazy=True)
    from fontTools.subset import Options, Subsetter

    faces = []
    for name in ("Noto Sans CJK JP", "Noto Sans CJK KR"):
        face = TTFont(source.reader.file.name)
        cutter = Subsetter(Options(name_IDs=["*"], glyph_names=False, layout_features=[]))
        cutter.populate(text="가나 abc")
        cutter.subset(face)
        for record in list(face["name"].names):
            if record.nameID == 1:
                face["name"].setName(name, 1, record.platformID, record.platEncID, record.langID)
        faces.append(face)
    collection = TTCollection()
    collection.fonts = faces
    collection.save(tmp_path / "NotoSansCJK-Regular.ttc")
    found = fonts._faces(tmp_path / "NotoSansCJK-Regular.ttc")
    assert [(font.family, font.number) for font in found] == [("Noto Sans CJK JP", 0), ("Noto Sans CJK KR", 1)]
    ranked = list(fonts._ranked([tmp_path / "NotoSansCJK-Regular.ttc"], "ko"))
    assert ranked[0].family == "Noto Sans CJK KR"
    assert ranked[0].width("가", 100) > 50


def test_scripts() -> None:
    assert [script_of(char) for char in "가漢あアбا中ก"] == ["Hangul", "Cjk", "Hiragana", "Katakana", "Cyrillic", "Arabic", "Cjk", "Thai"]


@pytest.mark.parametrize(("language", "text", "script"), [("ko", "버텨", "Hangul"), ("th", "อดทน", "Thai"), ("en", "great \U0001f600", "Symbols")])
def test_in_a_container_the_way_out_is_a_folder_of_fonts(monkeypatch: pytest.MonkeyPatch, language: str, text: str, script: str) -> None:
    "Nothing can be installed there."
    monkeypatch.setattr(fonts, "font_folders", lambda: [])
    monkeypatch.setenv("LANGFLIX_CONTAINER", "1")
    with pytest.raises(FontError, match=f"of this image can draw .*{script}") as error:
        check_fonts({language: [text]})
    assert "apt" not in error.value.hint
    assert "pip" not in error.value.hint
    assert "LANGFLIX_PATHS__FONTS=/fonts" in error.value.hint
    assert ":/fonts:ro" in error.value.hint
