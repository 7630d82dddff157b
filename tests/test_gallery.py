"Text on the screen, as rendered: in every language, on a machine whose only fonts are the wheels', inside the safe area and nowhere else."

import subprocess
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from langflix import fonts
from langflix.ass import Look, block, draw, script
from langflix.desk import Desk
from langflix.fonts import Typeface, check_fonts, font_folders, missing_glyphs
from langflix.gallery import WORDS, contact_sheet, sample_desk, sample_segments
from langflix.media import Tools, find_tools, probe
from langflix.segments import SegmentSpec, layout_for, render_segment

pytestmark = pytest.mark.media
FILM = Path(str(files("langflix") / "data" / "sample" / "sample.mp4"))
SMALL = {"long": (480, 270), "short": (270, 480)}
SAFE = 0.035  # of width and height, at each edge


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find_tools()


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    "No font but the wheels', and no fontconfig."
    wheels = [folder for folder in font_folders() if folder.name in fonts._WHEELS]
    assert len(wheels) == len(fonts._WHEELS)
    empty = tmp_path / "fonts.conf"
    empty.write_text("<fontconfig></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(empty))
    monkeypatch.setattr(fonts, "font_folders", lambda: wheels)


def frames(spec: SegmentSpec, tools: Tools, target: Path) -> list[bytes]:
    "Three frames of a rendered segment, as brightness."
    render_segment(spec, target, tools, threads=1)
    places = "+".join(rf"eq(n\,{round((spec.total_frames - 1) * share)})" for share in (0.2, 0.7, 0.95))
    command = [str(tools.ffmpeg), "-v", "error", "-i", str(target), "-vf", f"select={places}", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    size = spec.layout.width * spec.layout.height
    return [raw[at : at + size] for at in range(0, len(raw), size)]


_PLAIN: dict[tuple[str, str, int], list[bytes]] = {}


def ink(spec: SegmentSpec, tools: Tools, folder: Path) -> list[list[tuple[int, int]]]:
    "Where text has changed the picture, in each of three frames."
    width, height = SMALL[spec.layout.name]
    spec = replace(spec, layout=replace(spec.layout, width=width, height=height), shade=None, crf=1)
    kind = spec.kind, spec.layout.name, spec.total_frames
    if kind not in _PLAIN:
        _PLAIN[kind] = frames(replace(spec, ass="", rows=(), fonts=()), tools, folder / "plain.mov")
    written = frames(spec, tools, folder / "text.mov")
    return [
        [(place % width, place // width) for place, (a, b) in enumerate(zip(one, other, strict=True)) if abs(a - b) > 40]
        for one, other in zip(written, _PLAIN[kind], strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize(("language", "layout"), [*((language, "long") for language in WORDS), *((language, "short") for language in ("ko", "de", "ar", "th"))])
def test_ink_is_inside_the_safe_area_and_nowhere_else(language: str, layout: str, tools: Tools, tmp_path: Path) -> None:
    width, height = SMALL[layout]
    for spec in sample_segments(sample_desk(language, FILM, tools), layout):
        for marked in ink(spec, tools, tmp_path):
            assert len(marked) > 0.004 * width * height
            assert all(SAFE * width <= x <= (1 - SAFE) * width and SAFE * height <= y <= (1 - SAFE) * height for x, y in marked)


@pytest.mark.parametrize("language", WORDS)
def test_the_wheels_hold_every_letter_of_every_language(language: str, tools: Tools) -> None:
    desk = sample_desk(language, FILM, tools)
    face = desk.faces[language]
    words = WORDS[language]
    assert missing_glyphs(words.first + words.second + words.translation, face) == set()
    folders = {path.parent.name for path in face.files}
    assert folders <= set(fonts._WHEELS)


def test_all_cjk_and_latin_text_has_a_bold_face(tools: Tools) -> None:
    for language in ("ko", "ja", "zh", "es", "fr", "de", "ru"):
        desk = sample_desk(language, FILM, tools)
        assert all(face.main.bold_path for face in desk.faces.values())


def test_symbols_and_emoji_are_drawn_too() -> None:
    face = check_fonts({"en": ["Well ♪ done \U0001f600 ★"]})["en"]
    assert missing_glyphs("♪\U0001f600★", face) == set()


# ---- letters in detail


def drawn(text: str, face: Typeface, tools: Tools, folder: Path, marks: list[tuple[int, int]] | None = None, language: str = "") -> tuple[bytes, int]:
    "One line on black, in colour, and how wide the picture is."
    layout = layout_for("long", probe(FILM, tools))
    events = draw(block(text, face, 80, 1800, marks=marks or []), 960, 500, 0, 1000, Look(emphasis_tags=r"\b0", outline=0), centred=True)
    (folder / "line.ass").write_text(script(layout, events, face, language), encoding="utf-8")
    shown = folder / "fonts"
    shown.mkdir(exist_ok=True)
    for path in face.files:
        if not (shown / path.name).exists():
            (shown / path.name).symlink_to(path)
    command = [str(tools.ffmpeg), "-v", "error", "-f", "lavfi", "-i", "color=black:s=960x540", "-vf", "format=rgb24,ass=line.ass:fontsdir=fonts", "-frames:v", "1"]
    done = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True, cwd=folder)
    return done.stdout, 960


def columns(picture: tuple[bytes, int], amber: bool = False) -> list[int]:
    "Columns with ink; only those with the colour of emphasis, when asked."
    raw, width = picture
    found = set()
    for place in range(0, len(raw), 3):
        red, blue = raw[place], raw[place + 2]
        if red > 100 and (not amber or blue < red - 80):
            found.add(place // 3 % width)
    return sorted(found)


def moved(one: tuple[bytes, int], other: tuple[bytes, int]) -> float:
    "What share of the ink is not where it was; amber and white have the same red, so colour does not count."
    reds = list(zip(one[0][::3], other[0][::3], strict=True))
    return sum(abs(a - b) for a, b in reds) / sum(a for a, _ in reds)


RIGHT_TO_LEFT = {"ar": ("نفد الشريط مرة أخرى!", "نفد"), "he": ("נגמר הסרט שוב!", "נגמר")}


@pytest.mark.parametrize("language", RIGHT_TO_LEFT)
def test_a_highlight_changes_no_letter_of_a_line_from_right_to_left(language: str, tools: Tools, tmp_path: Path) -> None:
    text, word = RIGHT_TO_LEFT[language]
    face = check_fonts({language: [text]})[language]
    plain, marked = drawn(text, face, tools, tmp_path), drawn(text, face, tools, tmp_path, [(0, len(word))])
    assert moved(plain, marked) < 0.06
    amber, whole = columns(marked, amber=True), columns(marked)
    assert amber
    assert min(amber) > whole[len(whole) // 2]  # the first word stands at the right
    assert max(amber) == max(whole)


@pytest.mark.parametrize("inside", [(1, 3), (5, 9)])
def test_a_highlight_within_an_arabic_word_does_not_tear_it(inside: tuple[int, int], tools: Tools, tmp_path: Path) -> None:
    text = "نفد الشريط"
    face = check_fonts({"ar": [text]})["ar"]
    assert moved(drawn(text, face, tools, tmp_path), drawn(text, face, tools, tmp_path, [inside])) < 0.06
    apart = f"{text[: inside[0]]}\u200c{text[inside[0] : inside[1]]}\u200c{text[inside[1] :]}"  # what torn letters would look like
    assert moved(drawn(text, face, tools, tmp_path), drawn(apart, face, tools, tmp_path)) > 0.2


@pytest.mark.parametrize("language", RIGHT_TO_LEFT)
def test_a_mark_at_the_end_stands_at_the_left(language: str, tools: Tools, tmp_path: Path) -> None:
    text, _ = RIGHT_TO_LEFT[language]
    face = check_fonts({language: [text]})[language]
    tail = columns(drawn(text, face, tools, tmp_path, [(len(text) - 1, len(text))]), amber=True)
    assert tail == columns(drawn(text, face, tools, tmp_path))[: len(tail)]


def test_a_line_from_right_to_left_may_begin_with_an_english_name(tools: Tools, tmp_path: Path) -> None:
    text = "Sam نفد الشريط مرة أخرى."
    face = check_fonts({"ar": [text]})["ar"]
    name = columns(drawn(text, face, tools, tmp_path, [(0, 3)]), amber=True)
    stop = columns(drawn(text, face, tools, tmp_path, [(len(text) - 1, len(text))]), amber=True)
    whole = columns(drawn(text, face, tools, tmp_path))
    assert max(name) == max(whole)
    assert min(stop) == min(whole)


def test_chinese_has_its_own_forms_of_shared_characters(tools: Tools, tmp_path: Path) -> None:
    face = check_fonts({"zh": ["直骨"]})["zh"]
    shapes = {language: drawn("直骨", face, tools, tmp_path, language=language)[0] for language in ("zh", "ja", "ko", "")}
    assert shapes["zh"] != shapes["ja"]
    assert shapes["ja"] == shapes[""]


def test_a_desk_knows_whose_forms_to_draw(tools: Tools) -> None:
    def desk(language: str) -> Desk:
        return sample_desk(language, FILM, tools)

    assert [desk(language).han for language in ("zh", "ja", "ko", "fr")] == ["zh", "ja", "ko", ""]
    assert "Language: zh" in sample_segments(desk("zh"), "long")[0].ass


def test_a_contact_sheet_is_small(tools: Tools, tmp_path: Path) -> None:
    desk = sample_desk("ar", FILM, tools, "light")
    path = contact_sheet(sample_segments(desk, "short"), tmp_path / "sheet.jpg", tools, 120)
    assert 1000 < path.stat().st_size < 50_000
