"""The report in a real Chromium: nothing barred, everything reached by keyboard, filters that are fast, films that play from a line."""

from pathlib import Path

import pytest
from browser import page, violations
from test_report import full

from langflix.core import Cue
from langflix.export import ClipRecord, LessonRecord, Manifest
from langflix.groups import group_expressions
from langflix.media import find_tools, run_ffmpeg
from langflix.report import write_report
from langflix.timing import Dropped, Expression

WORDS = ("hang in there", "figure out", "by the way", "call it a day", "give up")
LEVELS, KINDS = ("A2", "B1", "B2", "C1"), ("idiom", "phrasal verb", "discourse marker")


def many(count, each=3):
    "An episode with so many expressions, some in each scene, and its cues."
    cues = [Cue(i, i * 4000, i * 4000 + 3000, f"Line {i}: {WORDS[i % 5]}, she said.", speaker="MAYA" if i % 4 == 0 else "") for i in range(1, count + 1)]
    found = []
    for cue in cues:
        first = (cue.index - 1) // each * each + 1
        last = min(first + each - 1, count)
        found.append(Expression(
            expression=WORDS[cue.index % 5], start_ms=cue.start_ms, end_ms=cue.end_ms, cue_start=cue.index, cue_end=cue.index, context_start_ms=cues[first - 1].start_ms,
            context_end_ms=cues[last - 1].end_ms, context_cue_start=first, context_cue_end=last, text=cue.text, spans=((cue.index, 6 + len(str(cue.index)) + 1, 9 + len(str(cue.index)) + 1),),
            translation=f"번역 {cue.index}", definition="what it means, in a sentence of some length", context_translation=(), example="An example of it.",
            similar=("like it",), level=LEVELS[cue.index % 4], kind=KINDS[cue.index % 3], score=0.5, source="embedded",
        ))  # fmt: skip
    return cues, found


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    "A report of four scenes with a clip that plays, pictures, a lesson each, and things left out."
    folder = tmp_path_factory.mktemp("episode")
    (folder / "clips").mkdir()
    cues, found = many(12)
    groups = tuple(group_expressions(found))
    picture = ["-f", "lavfi", "-i", "testsrc=s=320x180:r=24:d=12", "-f", "lavfi", "-i", "sine=d=12"]
    film = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "200k", "-c:a", "libopus", "-g", "24", str(folder / "clips/a.webm")]
    run_ffmpeg([*picture, *film, "-frames:v", "1", str(folder / "a.jpg")], find_tools())
    manifest = Manifest(
        episode="The Paper Moon", groups=groups, clips=tuple(ClipRecord(path="clips/a.webm", group_id=group.id) for group in groups),
        lessons=tuple(LessonRecord(path="clips/a.webm", layout="long", mode="separate", group_id=groups[0].id, expression=one.expression, duration_ms=12_000) for one in groups[0].expressions),
        dropped=(Dropped(expression="so", cue_start=1, cue_end=1, reason="too easy", message="A1 is below B1"),), failures=full().failures, notes=("repaired",),
    )  # fmt: skip
    lines = {cue.index: f"줄 {cue.index}" for cue in cues}
    return write_report(manifest, folder / "report.html", cues, lines, {group.id: folder / "a.jpg" for group in groups}).as_uri()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(chromium, report, width, dark):
    with page(chromium, report, width, dark) as opened:
        opened.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        assert violations(opened, ("moderate", "serious", "critical")) == []
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        opened.click("#cover")
        opened.click(".chip[data-level=B1]")
        assert violations(opened) == []
        assert opened.problems == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_on_a_page_of_many_numbers(chromium, tmp_path, dark):
    "axe looks at no text of one letter, so a small page hides what a count of two digits shows."
    cues, found = many(60)
    path = write_report(Manifest(episode="Long", groups=tuple(group_expressions(found))), tmp_path / "report.html", cues, {}, {})
    with page(chromium, path.as_uri(), dark=dark) as opened:
        assert opened.inner_text(".chip[data-kind=idiom] span") == "20"
        assert violations(opened) == []


@pytest.mark.parametrize("dark", [False, True])
def test_the_colours_are_the_systems_until_one_chooses(chromium, report, dark):
    background = "getComputedStyle(document.body).backgroundColor"
    with page(chromium, report, dark=dark) as opened, page(chromium, report, dark=not dark) as other:
        assert opened.evaluate(background) != other.evaluate(background)
        while opened.inner_text("#theme-name") != ("Light" if dark else "Dark"):
            opened.click("#theme")
        assert opened.evaluate(background) == other.evaluate(background)
        assert violations(opened) == []
        opened.reload()
        assert opened.evaluate(background) == other.evaluate(background)


def shown(opened):
    return opened.evaluate("[...document.querySelectorAll('.word')].filter(word => word.checkVisibility({contentVisibilityAuto: false}) && word.closest('.card').checkVisibility()).map(word => word.querySelector('h3').textContent)")


def test_filters_and_search_show_what_fits(chromium, report):
    with page(chromium, report) as opened:
        assert len(shown(opened)) == 12
        opened.click(".chip[data-level=B1]")
        assert (len(shown(opened)), opened.inner_text("#count")) == (3, "3 of 12")
        assert opened.get_attribute(".histogram [data-level=B1]", "aria-pressed") == "true"
        opened.click(".histogram [data-level=B2]")
        assert len(shown(opened)) == 6
        opened.click(".chip[data-kind=idiom]")
        assert len(shown(opened)) == 2
        opened.fill("#search", "call it")
        assert len(shown(opened)) < 2
        opened.keyboard.press("Escape")
        assert (len(shown(opened)), opened.inner_text("#count")) == (12, "12 expressions")
        opened.fill("#search", "번역 7")
        assert len(shown(opened)) == 1
        assert opened.locator(".bar.off").count() == 3
        opened.fill("#search", "nothing like this")
        assert opened.is_visible("#none")
        opened.click("#clear")
        assert len(shown(opened)) == 12


def test_a_thousand_expressions_are_filtered_while_one_types(chromium, tmp_path):
    cues, found = many(1000)
    path = write_report(Manifest(episode="Long", groups=tuple(group_expressions(found))), tmp_path / "report.html", cues, {}, {})
    timed = """async (text) => {
      const search = document.getElementById('search'); search.value = text;
      const began = performance.now(); search.dispatchEvent(new Event('input', {bubbles: true}));
      await new Promise(done => requestAnimationFrame(() => setTimeout(done)));  // until it is drawn
      return performance.now() - began; }"""
    with page(chromium, path.as_uri()) as opened:
        assert len(shown(opened)) == 1000
        took = sorted(opened.evaluate(timed, text) for text in ("hang", "번역 77", "zzz", "", "figure", "l", "", "give up"))
        assert took[len(took) // 2] < 1000, took  # drawn anew for each letter; alone on a machine it is under a tenth of a second
        assert opened.problems == []


def until(condition, opened):
    "Wait for something that the browser does in its own time; the page's policy forbids Playwright's own way."
    poll = "new Promise((resolve, reject) => { const end = performance.now() + 10000; const look = () => CONDITION ? resolve() : performance.now() > end ? reject('not in time') : requestAnimationFrame(look); look(); })"
    opened.evaluate(poll.replace("CONDITION", f"({condition})"))


def test_a_scene_plays_from_the_line_that_was_asked_for(chromium, report):
    with page(chromium, report) as opened:
        assert opened.locator("video").count() == 0
        card = opened.locator(".card").nth(1)
        at = float(card.locator("a.time").nth(1).get_attribute("data-at"))
        card.locator("a.time").nth(1).click()
        until(f"document.querySelector('video')?.currentTime > {at + 0.2}", opened)
        assert opened.evaluate("document.querySelector('video').currentTime") < at + 8
        opened.locator(".card").nth(2).locator(".stage").click()
        until("document.querySelectorAll('video')[1]?.currentTime > 0.2", opened)
        assert opened.evaluate("document.querySelectorAll('video')[0].paused")
        assert violations(opened) == []
        assert opened.problems == []


def test_the_keyboard_reaches_everything_and_is_caught_nowhere(chromium, report):
    focus = "(() => { const it = document.activeElement; return it.id || it.dataset.group || it.className || it.tagName; })()"
    ring = "(() => { const style = getComputedStyle(document.activeElement); return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2; })()"
    with page(chromium, report) as opened:
        opened.keyboard.press("Tab")
        assert opened.evaluate(focus) == "skip"
        seen, scenes = [], opened.evaluate("[...document.querySelectorAll('.bar')].map(bar => bar.dataset.group)")
        for _ in range(300):
            opened.keyboard.press("Tab")
            if opened.evaluate("document.activeElement === document.body"):
                break
            assert opened.evaluate(ring), opened.evaluate("document.activeElement.outerHTML")
            seen.append(opened.evaluate(focus))
        else:
            pytest.fail("Tab never leaves the page")
        assert sum(name in scenes for name in seen) == 2  # one stop in the strip, one in the pictures
        assert {"theme", "search", "cover", "stage", "time seek"} <= set(seen)


def test_the_arrow_keys_move_along_the_strip_and_enter_goes_to_the_scene(chromium, report):
    with page(chromium, report) as opened:
        bars = opened.evaluate("[...document.querySelectorAll('.bar')].map(bar => bar.dataset.group)")
        opened.focus(".bar")
        for key, expected in (("ArrowRight", 1), ("ArrowDown", 2), ("ArrowLeft", 1), ("End", 3), ("ArrowRight", 3), ("Home", 0), ("ArrowLeft", 0), ("ArrowRight", 1)):
            opened.keyboard.press(key)
            assert opened.evaluate("document.activeElement.dataset.group") == bars[expected]
        opened.keyboard.press("Enter")
        assert opened.evaluate("location.hash") == f"#{bars[1]}"
        opened.keyboard.press("/")
        assert opened.evaluate("document.activeElement.id") == "search"


def test_on_paper_there_are_all_scenes_and_no_buttons(chromium, report, tmp_path):
    with page(chromium, report, dark=True) as opened:
        opened.emulate_media(media="print")
        assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not opened.is_visible(".tools")
        assert opened.locator(".word").first.is_visible()
        assert opened.pdf(format="A4").startswith(b"%PDF")


def test_without_a_script_the_page_can_still_be_read_and_played(chromium, report):
    with page(chromium, report, java_script_enabled=False) as opened:
        assert opened.locator(".word").count() == 12
        assert opened.get_attribute(".stage", "href") == "clips/a.webm"
        assert Path(report.removeprefix("file://")).parent.joinpath("clips/a.webm").exists()
