"""One page holds everything, escapes what others wrote, and asks the network for nothing."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from expressions import spoken_in
from PIL import Image

from langflix.core import Cue, InputError
from langflix.export import ClipRecord, Failure, Languages, LessonRecord, Manifest, Stats
from langflix.groups import group_expressions
from langflix.report import render_report, write_report
from langflix.timing import Dropped, Ranking

EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>\" onmouseover=\"alert(2)"
CUES = [
    Cue(1, 1000, 2000, "Is the moon broken?", speaker="MAYA"),
    Cue(2, 2000, 4000, "Hang in there.\nBy the way, wait."),
    Cue(3, 4000, 5000, "[CRASH]", kind="sound"),
    Cue(4, 60_000, 62_000, f"Give it {EVIL} up", speaker=EVIL),
]
VOID = {"meta", "img", "input", "br", "link", "rect", "line"}


said = spoken_in(CUES)
EXPRESSIONS = [
    said("hang in there", 2, ((2, 0, 13),), 1, 3),
    said("by the way", 2, ((2, 15, 25),), 1, 3, kind="discourse marker", level="A2"),
    said("give up", 4, ((4, 0, 4), (4, len(CUES[3].text) - 2, len(CUES[3].text))), 4, 4, translation=EVIL, definition=EVIL, example=EVIL, similar=(EVIL,)),
]
GROUPS = tuple(group_expressions(EXPRESSIONS))
MOON, UP = (group.id for group in GROUPS)


def full(**more):
    fields = {
        "episode": f"달 {EVIL}", "analyzer": "gemini", "groups": GROUPS, "notes": (EVIL,), "stats": Stats(cues=4, cost_usd=0.5),
        "lessons": (LessonRecord(path="lessons/long/a #1?.mp4", layout="long", mode="separate", group_id=MOON, expression="by the way", duration_ms=61_000),
                    LessonRecord(path="lessons/short/b.mp4", layout="short", mode="combined", group_id=MOON, duration_ms=9000)),
        "clips": (ClipRecord(path="clips/달 1.mp4", group_id=MOON),),
        "failures": (Failure(cue_start=4, cue_end=4, reason="quota", message=f"try later {EVIL}"),),
        "dropped": (Dropped(expression=EVIL, cue_start=1, cue_end=1, reason="too easy", message=EVIL),
                    Dropped(expression="y", cue_start=99, cue_end=99, reason="no such cue", message="it points at cues 99 to 99")),
    }  # fmt: skip
    return Manifest(**(fields | more))


class Page(HTMLParser):
    "Elements with their attributes, the text by element, and whether the tags fit each other."

    def __init__(self, html):
        super().__init__()
        self.elements, self.text, self.stack = [], [], []
        self.feed(html)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs)), f"an attribute of <{tag}> stands twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in {"style", "script"}:
            self.text.append(data)

    def all(self, tag, **wanted):
        return [attrs for name, attrs in self.elements if name == tag and all(attrs.get(k.rstrip("_")) == v for k, v in wanted.items())]

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def page(manifest=None, cues=CUES, lines=None, thumbnails=None):
    return Page(render_report(manifest or full(), cues, lines or {}, thumbnails or {}))


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "thumb.jpg"
    Image.new("RGB", (32, 18), "teal").save(path)
    return path


def test_text_of_others_is_text():
    found = page(lines={4: EVIL})
    assert len(found.all("script")) == 1
    assert not found.all("img", src="x")
    assert not [name for _, attrs in found.elements for name in attrs if name.startswith("on")]
    assert EVIL in found.words
    assert found.all("h1")


def test_the_page_runs_no_script_but_its_own():
    html = render_report(full(), CUES, {}, {})
    (policy,) = [attrs["content"] for tag, attrs in Page(html).elements if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"]
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL).group(1)
    assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy


def test_nothing_is_loaded_from_elsewhere(picture):
    html = render_report(full(), CUES, {}, {MOON: picture})
    links = [attrs[name] for _, attrs in Page(html).elements for name in ("src", "href", "poster", "data-poster") if attrs.get(name)]
    assert all(link.startswith(("#", "data:image/", "clips/", "lessons/")) for link in links)
    assert "http://" not in html
    assert "https://" not in html
    assert "@import" not in html
    assert "url(" not in html


def test_groups_lines_and_expressions():
    found = page(lines={1: "달이 고장 났어?"})
    assert [attrs["id"] for attrs in found.all("article")] == [MOON, UP]
    assert {attrs["id"] for attrs in found.all("div", role="group") if "word" in attrs.get("class", "").split()} == {f"{MOON}-1", f"{MOON}-2", f"{UP}-1"}
    html = render_report(full(), CUES, {}, {})
    assert re.findall(r'<mark class="(c\d)"><a href="#([^"]+)">([^<]+)', html) == [
        ("c1", f"{MOON}-2", "Hang in there"),
        ("c0", f"{MOON}-1", "By the way"),
        ("c0", f"{UP}-1", "Give"),
        ("c0", f"{UP}-1", "up"),
    ]
    for words in ("달이 고장 났어?", "버티다", "discourse marker", "MAYA", "0:01 – 0:05", "[CRASH]"):
        assert words in found.words


def test_every_link_inside_the_page_has_a_goal():
    found = page()
    ids = [attrs["id"] for _, attrs in found.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["href"][1:] for attrs in found.all("a") if attrs["href"].startswith("#")} <= set(ids)


def test_players_wait_and_point_beside_the_page(picture):
    found = page(thumbnails={MOON: picture, "lessons/long/a #1?.mp4": picture})
    assert found.all("video") == []
    (stage,) = found.all("a", class_="stage")
    assert unquote(stage["href"]) == "clips/달 1.mp4"
    (shown,) = [attrs["src"] for attrs in found.all("img") if attrs.get("src")]
    assert base64.b64decode(shown.removeprefix("data:image/jpeg;base64,")) == picture.read_bytes()
    plays = {attrs["href"]: attrs for attrs in found.all("a") if "play" in attrs.get("class", "").split()}
    assert "data-tall" not in plays["lessons/long/a%20%231%3F.mp4"]
    assert "data-tall" in plays["lessons/short/b.mp4"]
    jumps = [attrs["data-at"] for attrs in found.all("a") if "data-at" in attrs]
    assert jumps == ["0.0", "1.0", "3.0", "1.0", "1.0"]


def test_a_lesson_without_a_clip_still_has_a_player():
    (stage,) = page(full(clips=())).all("a", class_="stage")
    assert stage["href"] == "lessons/short/b.mp4"


def test_a_picture_is_in_the_page_once(picture):
    html = render_report(full(), CUES, {}, {MOON: picture, "lessons/long/a #1?.mp4": picture, "lessons/short/b.mp4": picture})
    assert html.count("data:image/jpeg") == 1


def test_an_analysis_has_no_player_but_may_have_pictures(picture):
    found = page(full(clips=(), lessons=()), thumbnails={UP: picture})
    assert found.all("video") == []
    assert [attrs for attrs in found.all("img") if attrs.get("src", "").startswith("data:image/jpeg")]
    assert not [attrs for attrs in found.all("a") if "play" in attrs.get("class", "").split()]


def test_what_was_left_out_is_told_with_reasons():
    found = page().words
    for words in ("Pointed at lines that do not exist 1", "cue 99", "Easier than your level 1", "quota", "1:00 · cue 4", "try later"):
        assert words in found


def test_the_same_trouble_is_told_once_with_all_its_places():
    failures = [Failure(cue_start=n, cue_end=n + 1, reason="quota", message="try tomorrow") for n in (1, 3)]
    words = page(full(failures=(*failures, Failure(cue_start=4, cue_end=4, reason="refused", message="try another model")))).words
    assert "Could not be done 2" in words
    assert "quota 0:01 · cues 1–2, 0:04 · cues 3–4 try tomorrow" in words
    assert "3 parts not done" in words


def test_levels_are_counted_and_the_highest_column_is_whole():
    found = page()
    columns = {attrs["data-level"]: attrs for attrs in found.all("button") if "aria-label" in attrs}
    assert {level: attrs["aria-label"] for level, attrs in columns.items() if "disabled" not in attrs} == {"A2": "A2: 1", "B1": "B1: 2"}
    assert len(columns) == 6
    assert sorted(attrs["style"] for attrs in found.all("span") if "column" in attrs.get("class", ""))[-2:] == ["--share: 0.5", "--share: 1.0"]


def test_why_an_expression_was_chosen_is_told_where_it_is_known():
    assert "Why this one" not in page().words
    ranking = Ranking(useful=0.5, level=1, scene=1, line=1, times=1, total=0.5, why="Just above your level, and <often> said.")
    known = [one.model_copy(update={"ranking": ranking}) for one in EXPRESSIONS]
    groups = tuple(group_expressions(known))
    assert page(full(groups=groups)).words.count("Why this one Just above your level, and <often> said.") == 3


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "Some parts of the episode have no answer yet"),
        ({"failures": ()}, "every one of them was left out"),
        ({"failures": (), "dropped": ()}, "nothing that the analyzer would teach"),
    ],
)
@pytest.mark.parametrize("cues", [CUES, []], ids=["cues", "no cues"])
def test_no_groups_is_said_kindly(more, says, cues):
    words = page(full(groups=(), clips=(), lessons=(), **more), cues).words
    assert "No expressions this time" in words
    assert says in words


def test_the_drawing_stays_inside_the_page():
    found = page()
    for bar in found.all("rect"):
        left, width = float(bar["x"].rstrip("%")), float(bar["width"].rstrip("%"))
        assert left >= 0
        assert left + width <= 100.001


def test_many_expressions_and_other_scripts():
    lines = ["لا تقلق، كل شيء سيكون على ما يرام", "もう一度言ってください", "다시 한번 말해 주세요"]
    cues = [Cue(i, i * 5000, i * 5000 + 3000, lines[i % 3]) for i in range(1, 81)]
    many = [
        EXPRESSIONS[0].model_copy(update={
            "expression": f"e{c.index}", "cue_start": c.index, "cue_end": c.index, "context_cue_start": c.index, "context_cue_end": c.index, "start_ms": c.start_ms,
            "end_ms": c.end_ms, "context_start_ms": c.start_ms, "context_end_ms": c.end_ms, "spans": ((c.index, 0, 2),), "context_translation": ("A line.",)})
        for c in cues
    ]  # fmt: skip
    html = render_report(Manifest(episode="e", languages=Languages(source="ar", target="en"), groups=tuple(group_expressions(many))), cues, {}, {})
    found = Page(html)
    assert len(found.all("article")) == 80
    assert len(found.all("p", class_="said", lang="ar", dir="auto")) == 80
    assert found.words.count("A line.") == 80
    assert len(html) < 400_000


def test_missing_cues_leave_the_line_of_each_expression():
    found = page(cues=[])
    assert len(found.all("blockquote")) == 3
    assert "Hang in there. By the way, wait." in found.words


def test_writing(tmp_path, picture):
    manifest = full()
    path = write_report(manifest, tmp_path / "deep" / "report.html", CUES, {}, {MOON: picture})
    assert path.read_text(encoding="utf-8") == render_report(manifest, CUES, {}, {MOON: picture})
    with pytest.raises(InputError, match=r"gone\.jpg: the thumbnail cannot be read"):
        write_report(full(), tmp_path / "r.html", CUES, {}, {MOON: tmp_path / "gone.jpg"})
    assert not (tmp_path / "r.html").exists()


def test_a_film_of_all_scenes_is_offered_above_them_and_belongs_to_no_card():
    film = LessonRecord(path="lessons/film.mp4", layout="long", mode="combined", duration_ms=90_000)
    page = render_report(full(lessons=(*full().lessons, film)), CUES, {}, {})
    assert page.count("lessons/film.mp4") == 1
    assert page.index("All scenes in one film 1:30") < page.index('<main id="scenes"')
    assert "All scenes" not in render_report(full(), CUES, {}, {})


def test_the_contact_sheet_names_the_expressions_under_each_picture(tmp_path):
    picture = tmp_path / "a.jpg"
    Image.new("RGB", (32, 18), "navy").save(picture)
    sheet = re.search(r'<nav class="contact".*?</nav>', render_report(full(), CUES, {}, {MOON: picture}), re.DOTALL).group(0)
    assert re.findall(r"<b [^>]*>(.*?)</b>", sheet) == ["by the way", "hang in there"]
