"Lessons: planned without touching anything, rendered once, joined in step."

import itertools
import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from films import CLICK_EVERY, NTSC_FILM, make_film, numbers, samples
from hypothesis import given, settings as hypothesis_settings
from hypothesis import strategies as st

from langflix.ass import block, escape
from langflix.config import Settings
from langflix.core import Cue, FontError, MediaError
from langflix.desk import lesson_texts
from langflix.fonts import Typeface, check_fonts
from langflix.groups import ExpressionGroup
from langflix.lessons import RenderResult, _in_turn, render_lessons
from langflix.lines import break_lines
from langflix.media import Tools, find_tools, fingerprint, first_frame, frame_count, probe
from langflix.plans import LessonPlan, check_room, lines_around, plan_lessons, slug
from langflix.segments import SegmentStore, render_segment
from langflix.styles import Card, timeline
from langflix.timing import Expression, locate

pytestmark = pytest.mark.media
CUES = [
    Cue(1, 1000, 2200, "Did you bring the lamp?"),
    Cue(2, 2300, 4100, "We ran out of {tape} again\\N, so\nhang in there."),
    Cue(3, 4200, 5000, "- Again?\n- Again."),
    Cue(4, 5200, 6000, "", kind="sound"),
    Cue(5, 8000, 9500, "It was a piece of cake."),
]
KOREAN = [Cue(1, 900, 2100, "램프 가져왔어?"), Cue(2, 2200, 4150, "테이프가 또 떨어졌어, 조금만 버텨."), Cue(3, 7900, 9500, "식은 죽 먹기였어.")]


def expression(text: str, cue: int, context: tuple[int, int], **more: Any) -> Expression:
    first, last = CUES[context[0] - 1], CUES[context[1] - 1]
    said = CUES[cue - 1]
    fields: dict[str, Any] = {
        "expression": text, "start_ms": said.start_ms, "end_ms": said.end_ms, "cue_start": cue, "cue_end": cue,
        "context_start_ms": first.start_ms, "context_end_ms": last.end_ms, "context_cue_start": context[0],
        "context_cue_end": context[1], "text": said.text, "spans": locate(text, [said]), "translation": "다 떨어지다",
        "definition": "to have none left", "context_translation": (), "example": "We ran out of milk.", "similar": ("use up",),
        "level": "B1", "kind": "phrasal verb", "score": 0.8, "source": "embedded",
    }  # fmt: skip
    return Expression(**{**fields, **more})


def group(name: str, *expressions: Expression) -> ExpressionGroup:
    first = expressions[0]
    return ExpressionGroup(id=name, context_start_ms=first.context_start_ms, context_end_ms=first.context_end_ms, expressions=expressions)


GROUPS = [
    group("g1", expression("run out of", 2, (1, 3)), expression("hang in there", 2, (1, 3), example="Hang in there!", translation="버티다")),
    group("g2", expression("piece of cake", 5, (5, 5), similar=(), example="")),
]


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find_tools()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", tools, 260)


def settings(**lessons: Any) -> Settings:
    return Settings(lessons={"preset": "ultrafast", **lessons})


def plans_of(source: Path, tools: Tools, groups: list[ExpressionGroup] = GROUPS, target: list[Cue] | None = KOREAN, **lessons: Any) -> list[LessonPlan]:
    chosen = settings(**lessons)
    faces = check_fonts(lesson_texts(groups, CUES, target, chosen))
    return plan_lessons(groups, CUES, target, probe(source, tools), fingerprint(source), faces, chosen, tools.version)


@pytest.fixture(scope="module")
def made(film: Path, tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> tuple[RenderResult, SegmentStore, Path]:
    folder = tmp_path_factory.mktemp("made")
    store = SegmentStore(folder / "store")
    return render_lessons(plans_of(film, tools), store, tools, folder / "out", workers=2), store, folder


def keys_of(plans: Iterable[LessonPlan]) -> set[str]:
    return {spec.key for plan in plans for spec in plan.playlist}


# ---- plans


def test_a_lesson_is_scene_line_line_card(film: Path, tools: Tools) -> None:
    plans = plans_of(film, tools)
    assert [plan.name for plan in plans] == ["001-run-out-of", "002-hang-in-there", "003-piece-of-cake", "g1", "g2"]
    assert [spec.kind for spec in plans[0].playlist] == ["context", "repeat", "repeat", "card"]
    assert plans[0].playlist[1].key != plans[0].playlist[2].key  # the second dot is filled
    assert plans[0].playlist[0].key == plans[1].playlist[0].key != plans[2].playlist[0].key
    repeat = plans[0].playlist[1]
    assert (repeat.first, repeat.frames) == (first_frame(2300, NTSC_FILM), frame_count(1800, NTSC_FILM))
    assert [(plan.mode, [spec.kind for spec in plan.playlist]) for plan in plans[3:]] == [("clip", ["clip"])] * 2


def test_combined_lessons_use_the_same_segments(film: Path, tools: Tools) -> None:
    separate, combined = plans_of(film, tools), plans_of(film, tools, mode="combined")
    kinds = [[spec.kind for spec in plan.playlist] for plan in combined]
    assert kinds[0] == ["context", "repeat", "repeat", "card", "repeat", "repeat", "card", "clip"]  # the scene again, without a word
    assert kinds[1] == ["context", "repeat", "repeat", "card"]  # nothing to combine
    assert kinds[2] == kinds[0] + kinds[1]
    assert keys_of(combined) == keys_of(separate)
    assert combined[0].playlist[-1].ass == ""
    assert combined[0].playlist[-1].key == combined[3].playlist[0].key


def _events(plan: LessonPlan, place: int) -> list[str]:
    return [line for line in plan.playlist[place].ass.splitlines() if line.startswith("Dialogue: 2")]


def _plain(event: str) -> str:
    return re.sub(r"(?<!\\)\{[^}]*\}", "", event.split(",,0,0,0,,")[1])


def test_both_languages_are_in_the_scene_at_their_own_times(film: Path, tools: Tools) -> None:
    events = _events(plans_of(film, tools)[0], 0)
    shown = {_plain(event): event.split(",")[1:3] for event in events}
    assert shown["램프 가져왔어?"] == ["0:00:00.00", "0:00:01.10"]
    assert shown["Did you bring the lamp?"] == ["0:00:00.00", "0:00:01.20"]
    assert "테이프가 또 떨어졌어, 조금만 버텨." in shown
    assert {"- Again?", "- Again."} <= set(shown)
    assert not any("cake" in text for text in shown)


def test_a_brace_or_a_backslash_in_a_line_is_only_text(film: Path, tools: Tools) -> None:
    text = " ".join(_plain(event) for event in _events(plans_of(film, tools)[0], 1))
    assert "\\{tape\\}" in text
    assert "again\\\u2060N" in text


def test_the_expression_is_highlighted_in_any_inflection(film: Path, tools: Tools) -> None:
    plans = plans_of(film, tools)
    marked = [re.findall(r"\\b1\\u1\}(?:\{[^}]*\})?([^{]*)", " ".join(_events(plan, 1))) for plan in plans[:3]]
    assert [" ".join(words).strip() for words in marked] == ["ran out of", "hang in there", "piece of cake"]
    card = " ".join(_events(plans[0], 3))
    assert re.search(r"\\b1\}(?:\{[^}]*\})?ran out of", card)


def test_without_a_translation_there_are_only_the_spoken_lines(film: Path, tools: Tools) -> None:
    assert not re.search("[가-힣]", plans_of(film, tools, target=None)[0].playlist[0].ass)


def test_the_analyzers_lines_take_the_cues_times(film: Path, tools: Tools) -> None:
    lines = ("램프는?", "테이프가 없어.", "또?")
    groups = [group("g", expression("run out of", 2, (1, 3), context_translation=lines))]
    shown = [_plain(event) for event in _events(plans_of(film, tools, groups, None)[0], 0)]
    assert set(lines) <= set(shown)
    wrong = [group("g", expression("run out of", 2, (1, 3), context_translation=lines[:2]))]
    assert not re.search("[가-힣]", plans_of(film, tools, wrong, None)[0].playlist[0].ass)


def test_a_letter_without_a_font_stops_us_before_rendering(film: Path, tools: Tools) -> None:
    groups = [group("g", expression("run out of", 2, (1, 3), translation="\U00012000"))]
    with pytest.raises(FontError, match="Cuneiform"):
        plans_of(film, tools, groups)


def test_a_full_disk_stops_us_before_rendering(film: Path, tools: Tools, tmp_path: Path) -> None:
    plan = plans_of(film, tools)[0]
    check_room([plan], SegmentStore(tmp_path), tmp_path)
    endless = replace(plan.playlist[3], hold=10**12)
    with pytest.raises(MediaError, match="are needed"):
        check_room([replace(plan, playlist=(endless,))], SegmentStore(tmp_path), tmp_path)


# ---- three expressions in one scene


THREE = [
    group("g1", expression("bring", 1, (1, 3), translation="가져오다", definition="to carry along"), *GROUPS[0].expressions),
    GROUPS[1],
]


def alone(groups: list[ExpressionGroup]) -> list[ExpressionGroup]:
    return [group(f"{one.id}-{number}", e) for one in groups for number, e in enumerate(one.expressions)]


def only(plans: list[LessonPlan], kind: str) -> set[str]:
    return {spec.key for plan in plans for spec in plan.playlist if spec.kind == kind}


def test_the_scene_is_one_segment_in_each_layout_whatever_the_mode(film: Path, tools: Tools) -> None:
    both = {"formats": ("long", "short")}
    separate, combined = (plans_of(film, tools, THREE, mode=mode, **both) for mode in ("separate", "combined"))
    assert len(only(separate, "context")) == len(only(combined, "context")) == 2 * len(THREE)
    assert [plan.layout.name for plan in separate if plan.mode != "clip"] == ["long"] * 4 + ["short"] * 4
    new = {spec.key: spec for plan in combined for spec in plan.playlist if spec.key not in keys_of(separate)}
    assert [(spec.kind, spec.layout.name) for spec in new.values()] == [("clip", "short")]  # the upright listening test


def test_grouping_changes_no_separate_lesson_and_combined_ones_only_where_there_is_something_to_combine(film: Path, tools: Tools) -> None:
    def lessons(groups: list[ExpressionGroup], **more: Any) -> list[tuple[str, list[str]]]:
        plans = plans_of(film, tools, groups, target=None, formats=("long", "short"), film=False, **more)
        return [(plan.name, [spec.key for spec in plan.playlist]) for plan in plans if plan.mode != "clip"]

    grouped = lessons(THREE)
    assert lessons(alone(THREE)) == lessons(alone(THREE), mode="combined") == grouped
    assert lessons([THREE[1]]) == lessons([THREE[1]], mode="combined")
    assert lessons(THREE, mode="combined") != grouped


def test_a_changed_translation_renders_only_what_shows_it(film: Path, tools: Tools) -> None:
    def changed(translation: str) -> list[str]:
        first, second, third = THREE[0].expressions
        groups = [group("g1", first, second.model_copy(update={"translation": translation}), third), THREE[1]]
        before, after = (plans_of(film, tools, those, formats=("long", "short"), mode="combined") for those in (THREE, groups))
        new = {spec.key: spec.kind for plan in after for spec in plan.playlist if spec.key not in keys_of(before)}
        return sorted(new.values())

    in_labels_and_cards = ["card"] * 2 + ["repeat"] * 4
    assert changed("떨어지다") == in_labels_and_cards  # the same word of the learner's line is marked
    assert changed("바닥나다") == sorted([*in_labels_and_cards, "context", "context"])  # the scene marked it, and now does not


@pytest.mark.parametrize(
    ("translation", "scenes"),
    [("떨어지다", 0), ("바닥나다", 1)],  # the same word of the learner's line is marked, or no longer any
)
def test_a_run_after_a_changed_translation_renders_the_segments_that_show_it_and_no_others(
    translation: str, scenes: int, film: Path, tools: Tools, tmp_path: Path,
) -> None:  # fmt: skip
    first, second, third = THREE[0].expressions
    changed = [group("g1", first, second.model_copy(update={"translation": translation}), third), THREE[1]]
    store, brief = SegmentStore(tmp_path / "store"), {"repeat_count": 1, "pause_ms": 0}

    def run(groups: list[ExpressionGroup]) -> tuple[RenderResult, dict[str, bytes]]:
        made = render_lessons(plans_of(film, tools, groups, **brief), store, tools, tmp_path / "out")
        return made, {lesson.path.name: lesson.path.read_bytes() for lesson in [*made.lessons, *made.clips]}

    before, files_before = run(THREE)
    after, files_after = run(changed)
    assert (before.rendered, before.reused, before.failures, after.failures) == (2 + 4 * 2 + 2, 0, [], [])  # scenes, repeats and cards, clips
    assert (after.rendered, after.reused) == (2 + scenes, 10 - scenes)  # its repeat and its card, and the scene whose mark is another
    same = {name for name in files_before if files_before[name] == files_after[name]}
    touched = {"002-run-out-of.mp4"} if not scenes else {"001-bring.mp4", "002-run-out-of.mp4", "003-hang-in-there.mp4"}
    assert set(files_before) - same == touched


def test_two_layouts_and_two_modes_are_rendered_once(film: Path, tools: Tools, tmp_path: Path) -> None:
    store = SegmentStore(tmp_path / "store")
    short = {"repeat_count": 1, "formats": ("long", "short"), "pause_ms": 0}

    def run(**more: Any) -> RenderResult:
        return render_lessons(plans_of(film, tools, THREE[:1], **short, **more), store, tools, tmp_path / "out")

    separate = run()
    assert not separate.failures
    assert (separate.rendered, separate.reused) == (2 * (1 + 3 + 3) + 1, 0)
    combined = run(mode="combined")
    assert (combined.rendered, combined.reused) == (1, 2 * (1 + 3 + 3) + 1)
    assert [(lesson.layout, lesson.group_id, len(lesson.expressions)) for lesson in combined.lessons] == [("long", "g1", 3), ("short", "g1", 3), ("long", None, 3)]
    again = run(mode="combined")
    assert (again.rendered, again.ffmpeg_runs, again.lessons) == (0, 0, combined.lessons)
    film_of_all = combined.lessons[-1]
    assert film_of_all.path == tmp_path / "out" / "lessons" / "film.mp4"
    assert chapters_of(film_of_all.path, tools) == chapters_of(combined.lessons[0].path, tools) == ["bring", "run out of", "hang in there"]
    command = [str(tools.ffmpeg), "-v", "warning", "-i", str(film_of_all.path), "-f", "null", "-"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""
    length = plans_of(film, tools, THREE[:1], **short, mode="combined")[0].frames
    assert len(numbers(combined.lessons[0].path, tools)) == length


def chapters_of(path: Path, tools: Tools) -> list[str]:
    command = [str(tools.ffprobe), "-v", "error", "-show_chapters", "-of", "json", str(path)]
    return [chapter["tags"]["title"] for chapter in json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["chapters"]]


def test_lessons_without_grouping_are_the_same_in_both_modes_frame_by_frame(film: Path, tools: Tools, tmp_path: Path) -> None:
    def decoded(mode: str) -> list[str]:
        groups = alone([GROUPS[0]]) if mode == "combined" else [GROUPS[0]]
        plans = [plan for plan in plans_of(film, tools, groups, mode=mode, repeat_count=1, film=False) if plan.mode != "clip"]
        made = render_lessons(plans, SegmentStore(tmp_path / mode), tools, tmp_path / f"out-{mode}")
        command = [str(tools.ffmpeg), "-v", "error", "-i", "", "-map", "0", "-f", "framemd5", "-"]
        return [subprocess.run([*command[:4], str(lesson.path), *command[5:]], capture_output=True, text=True, check=True).stdout for lesson in made.lessons]

    separate = decoded("separate")
    assert len(separate) == 2
    assert separate == decoded("combined")


def test_chapters_tile_the_film(film: Path, tools: Tools) -> None:
    plan = next(plan for plan in plans_of(film, tools, THREE, mode="combined") if plan.group_id is None)
    assert [name for _, name in plan.chapters] == ["bring", "run out of", "hang in there", "piece of cake"]
    starts = [start for start, _ in plan.chapters]
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert starts[3] == plan.frames - sum(spec.total_frames for spec in plan.playlist[-4:])


def test_there_is_a_film_with_combined_lessons_or_when_asked(film: Path, tools: Tools) -> None:
    def films(**lessons: Any) -> int:
        return sum(plan.folder == "lessons" for plan in plans_of(film, tools, THREE, **lessons))

    assert [films(), films(mode="combined"), films(mode="combined", film=False), films(film=True)] == [0, 1, 0, 1]
    assert films(mode="combined", formats=("short",)) == 0
    with pytest.raises(ValueError, match="long format"):
        Settings(lessons={"film": True, "formats": ("short",)})


# ---- shorts


def seconds(plan: LessonPlan) -> float:
    return float(plan.frames / plan.fps)


@pytest.mark.parametrize(("mode", "repeat_count", "pause_ms"), [("separate", 10, 5000), ("combined", 2, 3000), ("combined", 5, 3000), ("combined", 10, 9000), ("combined", 3, 0)])
def test_every_short_ends_within_a_minute(film: Path, tools: Tools, mode: str, repeat_count: int, pause_ms: int) -> None:
    plans = plans_of(film, tools, THREE, mode=mode, repeat_count=repeat_count, pause_ms=pause_ms, formats=("short",))
    lessons = [plan for plan in plans if plan.mode != "clip"]
    assert all(seconds(plan) < 60 for plan in lessons)
    assert [name for plan in lessons for name in plan.expressions] == ["bring", "run out of", "hang in there", "piece of cake"]
    borders = {first_frame(moment, NTSC_FILM) for cue in CUES for moment in (cue.start_ms, cue.end_ms)}
    for plan in lessons:
        for spec in plan.playlist:
            if spec.kind in ("context", "clip"):
                assert spec.first in borders
                assert min(abs(spec.first + spec.frames - border) for border in borders) <= 1
        scene = frame_count((THREE[1] if plan.group_id == "g2" else THREE[0]).duration_ms, NTSC_FILM)
        cut = any(spec.frames < scene for spec in plan.playlist if spec.kind in ("context", "clip"))
        assert not cut or "is cut to" in plan.notes[0]


def test_a_short_gives_up_its_listening_test_before_anything_else(film: Path, tools: Tools) -> None:
    def first(pause_ms: int) -> LessonPlan:
        return plans_of(film, tools, THREE, mode="combined", pause_ms=pause_ms, formats=("short",))[0]

    assert [spec.kind for spec in first(0).playlist].count("clip") == 1
    assert not first(0).notes
    cut = next(plan for pause in range(2000, 9000, 200) if (plan := first(pause)).notes)
    assert len(cut.expressions) == 3
    assert "listening test" in cut.notes[0]
    assert cut.playlist[0].key == first(0).playlist[0].key


@given(room=st.integers(0, 9000), core=st.sampled_from(CUES[:3]))
def test_lines_around_are_whole_and_fit(room: int, core: Cue) -> None:
    scene = (1000, 5000)
    window = lines_around(CUES, (core.start_ms, core.end_ms), scene, room)
    if room < core.duration_ms:
        assert window is None
        return
    assert window is not None
    assert scene[0] <= window[0] <= core.start_ms
    assert core.end_ms <= window[1] <= scene[1]
    assert window[1] - window[0] <= room
    assert window[0] in {cue.start_ms for cue in CUES}
    assert window[1] in {cue.end_ms for cue in CUES}
    if room >= 4000:
        assert window == scene


# ---- repeats


def test_the_last_repeat_is_slow_and_says_so(film: Path, tools: Tools) -> None:
    plan = plans_of(film, tools, [GROUPS[0]], speed=0.75, pause_ms=1000)[0]
    fast, slow = plan.playlist[1:3]
    assert (fast.total_frames, slow.total_frames) == (fast.frames + 24, round(fast.frames / 0.75) + 24)
    assert "0.75×" in slow.ass
    assert "0.75×" not in fast.ass
    ends = [max(event.split(",")[2] for event in spec.ass.splitlines() if event.startswith("Dialogue: 2")) for spec in (fast, slow)]
    assert ends == ["0:00:02.79", "0:00:03.38"]  # the text stays to the end
    assert plans_of(film, tools, [GROUPS[0]], pause_ms=1000)[0].playlist[1].key == fast.key


def test_a_slow_repeat_shows_every_frame_and_keeps_the_pitch(film: Path, tools: Tools, tmp_path: Path) -> None:
    slow = plans_of(film, tools, [GROUPS[0]], speed=0.75, pause_ms=0)[0].playlist[2]
    render_segment(slow, tmp_path / "slow.mov", tools)
    seen = numbers(tmp_path / "slow.mov", tools)
    assert len(seen) == slow.shown == slow.total_frames
    assert sorted(set(seen)) == list(range(slow.first, slow.first + slow.frames))
    assert seen == sorted(seen)
    sound = samples(tmp_path / "slow.mov", tools)
    assert len(sound) == round(slow.seconds * 48_000)
    quiet = [value if abs(value) < 3000 else 0 for value in sound[4800:52_800]]  # a second of the hum, without its clicks
    crossings = sum(a < 0 <= b for a, b in itertools.pairwise(quiet))
    assert crossings == pytest.approx(250, abs=25)  # at 0.75 of the pitch it would be 188


def test_dots_count_the_repeats(film: Path, tools: Tools) -> None:
    plan = plans_of(film, tools, [GROUPS[0]], repeat_count=3)[0]
    dots = [re.findall(r"\\1a&H(00|B0)&", spec.ass) for spec in plan.playlist[1:4]]
    assert [(found.count("00"), found.count("B0")) for found in dots] == [(3, 2), (4, 1), (5, 0)]  # and the paper and the bar of the label
    assert len({spec.key for spec in plan.playlist[1:4]}) == 3


def test_the_learners_line_is_highlighted_where_the_translation_stands(film: Path, tools: Tools) -> None:
    scene = plans_of(film, tools)[0].playlist[0]
    marked = re.findall(r"\\1c&H4BC2FF&\\b0\}(?:\{[^}]*\})?([^{]*)", scene.ass)
    assert [text.strip() for text in marked if text.strip()] == ["ran out of", "hang in there", "떨어졌어", "버텨"]


# ---- order of work


def test_the_first_lesson_does_not_wait_for_the_last(film: Path, tools: Tools) -> None:
    plans = plans_of(film, tools, THREE)
    for behind in (1, 2, 8):
        steps = _in_turn(plans, behind)
        keys = [spec.key for step in steps if isinstance(step, tuple) for spec in step]
        assert sorted(keys) == sorted({spec.key for plan in plans for spec in plan.playlist})
        place = {id(step): number for number, step in enumerate(steps)}
        place |= {spec.key: number for number, step in enumerate(steps) if isinstance(step, tuple) for spec in step}
        for plan in plans:
            assert all(place[spec.key] < place[id(plan)] for spec in plan.playlist)
        assert [step for step in steps if isinstance(step, LessonPlan)] == plans
    assert _in_turn(plans, 2).index(plans[0]) == 2 + 2  # scene and clip; both repeats and the card


# ---- rendering


def test_everything_is_made_once(made: tuple[RenderResult, SegmentStore, Path], film: Path, tools: Tools) -> None:
    result, store, folder = made
    assert not result.failures
    assert [lesson.path.relative_to(folder / "out").as_posix() for lesson in result.lessons] == [
        "lessons/long/001-run-out-of.mp4", "lessons/long/002-hang-in-there.mp4", "lessons/long/003-piece-of-cake.mp4",
    ]  # fmt: skip
    assert [clip.path.name for clip in result.clips] == ["g1.mp4", "g2.mp4"]
    assert (result.rendered, result.reused) == (2 + 3 * 2 + 3 + 2, 0)
    assert result.ffmpeg_runs < result.rendered + len(result.lessons) + len(result.clips)  # one process makes several segments
    assert all(lesson.thumbnail.stat().st_size > 500 for lesson in [*result.lessons, *result.clips])
    again = render_lessons(plans_of(film, tools), store, tools, folder / "out", workers=2)
    assert (again.rendered, again.reused, again.ffmpeg_runs) == (0, 13, 0)
    assert again.lessons == result.lessons
    combined = render_lessons(plans_of(film, tools, mode="combined"), store, tools, folder / "combined", workers=2)
    assert (combined.rendered, len(combined.lessons)) == (0, 3)


def test_joins_decode_without_a_word_and_lose_no_frame(made: tuple[RenderResult, SegmentStore, Path], film: Path, tools: Tools) -> None:
    for lesson, plan in zip(made[0].lessons + made[0].clips, plans_of(film, tools), strict=True):
        command = [str(tools.ffmpeg), "-v", "warning", "-i", str(lesson.path), "-f", "null", "-"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        assert said == ""
        seen = numbers(lesson.path, tools)
        assert len(seen) == plan.frames
        place = 0
        for spec in plan.playlist:
            if spec.kind != "card":
                assert seen[place : place + spec.frames] == list(range(spec.first, spec.first + spec.frames))
            place += spec.total_frames


def test_sound_and_picture_end_together(made: tuple[RenderResult, SegmentStore, Path], film: Path, tools: Tools) -> None:
    for lesson, plan in zip(made[0].lessons, plans_of(film, tools), strict=False):
        command = [str(tools.ffprobe), "-v", "error", "-show_entries", "stream=codec_type,start_time,duration", "-of", "json", str(lesson.path)]
        streams = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
        assert all(abs(float(stream["start_time"])) < 0.001 for stream in streams)
        length = float(plan.frames / NTSC_FILM)
        assert [abs(float(stream["duration"]) - length) < 0.020 for stream in streams] == [True, True]
        assert abs(len(samples(lesson.path, tools)) / 48_000 - length) < 0.022  # AAC ends on a block of 21 ms
        assert lesson.duration_ms == round(length * 1000)


def test_a_click_is_heard_when_its_frame_is_seen(made: tuple[RenderResult, SegmentStore, Path], tools: Tools) -> None:
    for lesson in made[0].lessons:
        sound, seen = samples(lesson.path, tools), numbers(lesson.path, tools)
        clicks = [place for place, number in enumerate(seen[:-1]) if number % CLICK_EVERY == 0 and seen[place + 1] == number + 1]
        assert clicks
        loud = max(map(abs, sound)) * 0.4
        for place in clicks[-2:]:
            wanted = round(place / NTSC_FILM * 48_000)
            heard = min((at for at in range(max(wanted - 4800, 0), wanted + 4800) if abs(sound[at]) > loud), key=lambda at: abs(at - wanted))
            first = next(at for at in range(max(heard - 960, 0), heard + 1) if abs(sound[at]) > loud)
            assert abs(first - wanted) / 48 < 20


def test_loudness_is_even(made: tuple[RenderResult, SegmentStore, Path], tools: Tools) -> None:
    for lesson in made[0].lessons:
        command = [str(tools.ffmpeg), "-i", str(lesson.path), "-vn", "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        assert float(re.findall(r"I:\s+(-[\d.]+) LUFS", said)[-1]) == pytest.approx(-16, abs=1)
        assert float(re.findall(r"Peak:\s+(-?[\d.]+) dBFS", said)[-1]) < 0


def test_a_file_plays_before_it_is_whole(made: tuple[RenderResult, SegmentStore, Path]) -> None:
    for lesson in made[0].lessons:
        head = lesson.path.read_bytes()[:4096]
        assert b"moov" in head


def test_one_failure_spoils_only_its_own_lessons(film: Path, tools: Tools, tmp_path: Path) -> None:
    late = expression("piece of cake", 5, (5, 5), start_ms=600_000, end_ms=601_000)
    plans = plans_of(film, tools, [GROUPS[1], group("g3", late)])
    told: list[tuple[int, int, str]] = []
    result = render_lessons(plans, SegmentStore(tmp_path / "store"), tools, tmp_path, progress=lambda *step: told.append(step))
    assert [lesson.group_id for lesson in result.lessons + result.clips] == ["g2", "g2", "g3"]
    assert [(failure.group_id, failure.expression, failure.reason) for failure in result.failures] == [("g3", "piece of cake", "FfmpegError")]
    assert "from frame 14386" in result.failures[0].message
    assert [step[0] for step in told] == list(range(1, told[0][1] + 1))


def test_a_silent_film_makes_silent_lessons(tools: Tools, tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", tools, 240, silent=True)
    result = render_lessons(plans_of(film, tools, [GROUPS[1]]), SegmentStore(tmp_path / "store"), tools, tmp_path)
    assert not result.failures
    assert max(map(abs, samples(result.lessons[0].path, tools))) == 0


def test_short_lessons(film: Path, tools: Tools, tmp_path: Path) -> None:
    plans = [plan for plan in plans_of(film, tools, [GROUPS[1]], formats=("short",)) if plan.mode != "clip"]
    result = render_lessons(plans, SegmentStore(tmp_path / "store"), tools, tmp_path / "it's [odd], 한글")
    info = probe(result.lessons[0].path, tools)
    assert (info.width, info.height, result.lessons[0].layout) == (1080, 1920, "short")


# ---- text


_FACE = check_fonts({"ko": ["a-z가漢字かな"]})["ko"]


@pytest.fixture
def face() -> Typeface:
    return _FACE


@hypothesis_settings(deadline=None, max_examples=60)
@given(text=st.text(alphabet="ab ,.가나漢字。、「」-\n", min_size=1, max_size=200), width=st.integers(200, 1640))
def test_every_line_fits_and_no_letter_is_lost(text: str, width: int) -> None:
    lines = break_lines(text, _FACE, 54, width)
    assert "".join(lines) == text.replace("\n", "")
    assert all(_FACE.width(line.rstrip(), 54) <= width for line in lines)


@hypothesis_settings(deadline=None, max_examples=60)
@given(text=st.text(alphabet="ab 가\n", min_size=2, max_size=120), data=st.data())
def test_emphasis_stays_on_its_letters(text: str, data: st.DataObject) -> None:
    start, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
    made = block(text, _FACE, 54, 500, marks=[(start, end)])
    marked = "".join(part for line in made.lines for part, on in line if on)
    assert marked.replace(" ", "") == "".join(text[start:end].split())


def test_lines_are_of_about_the_same_length(face: Typeface) -> None:
    first, second = break_lines("We've been through worse than this, so let's just sleep on it and see.", face, 54, 1640)
    assert abs(face.width(first, 54) - face.width(second, 54)) < 250


def test_korean_breaks_at_spaces_and_japanese_before_no_full_stop(face: Typeface) -> None:
    assert [line.strip() for line in break_lines("조금만 더 버텨 봐", face, 100, 480)] == ["조금만 더", "버텨 봐"]
    assert not any(line.startswith("。") for line in break_lines("漢字漢字漢字。漢字漢字漢字。", face, 100, 600))


@pytest.mark.parametrize(("raw", "safe"), [("{\\b1}", "\\{\\\u2060b1\\}"), ("a\\Nb", "a\\\u2060Nb"), ("a\nb", "a b"), ("plain", "plain")])
def test_escape(raw: str, safe: str) -> None:
    assert escape(raw) == safe


def test_overlapping_cues_are_shown_together() -> None:
    cues = [Cue(1, 0, 2000, "One"), Cue(2, 1000, 3000, "Two")]
    lines = timeline(cues, 500, 2500, {2: [(0, 3)]})
    assert [(line.start_ms, line.end_ms, line.text, line.marks) for line in lines] == [
        (0, 500, "One", ()), (500, 1500, "- One\n- Two", ((8, 11),)), (1500, 2000, "Two", ((0, 3),)),
    ]  # fmt: skip
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(lines))


def test_a_card_stays_four_to_six_seconds() -> None:
    assert Card("hi", "A1").duration_ms == 4000
    assert Card("hi", "A1", definition="long " * 80).duration_ms == 6000


def test_slugs() -> None:
    assert [slug(text) for text in ("Hang in there!", "don't / mind", "버텨 봐", "...")] == ["hang-in-there", "don-t-mind", "버텨-봐", "lesson"]


def picture_at(path: Path, second: float, tools: Tools) -> bytes:
    "One frame as rows of red, green, blue."
    command = [tools.ffmpeg, "-v", "error", "-ss", str(second), "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def is_amber(pixel: bytes) -> bool:
    return pixel[0] > 180 and 120 < pixel[1] < 220 and pixel[2] < 120


def test_shapes_are_drawn_on_a_machine_without_any_font(film: Path, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repeat = plans_of(film, tools)[0].playlist[1]
    empty = tmp_path / "fonts.conf"
    empty.write_text("<fontconfig></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(empty))
    render_segment(repeat, tmp_path / "repeat.mov", tools)
    raw, width = picture_at(tmp_path / "repeat.mov", 0.5, tools), repeat.layout.width
    scale, row = width / 1920, round(128 * width / 1920)  # the mark at the left of a label is 8 units wide
    assert any(is_amber(raw[(row * width + x) * 3 :][:3]) for x in range(round(90 * scale), round(115 * scale)))


def test_the_line_at_the_foot_of_a_card_grows_until_the_card_ends(film: Path, tools: Tools, tmp_path: Path) -> None:
    card = plans_of(film, tools)[0].playlist[-1]
    render_segment(card, tmp_path / "card.mov", tools)
    width, height = card.layout.width, card.layout.height

    def grown(second: float) -> float:
        raw = picture_at(tmp_path / "card.mov", second, tools)
        row = raw[(height - 3) * width * 3 : (height - 2) * width * 3]
        return sum(is_amber(row[x * 3 : x * 3 + 3]) for x in range(width)) / width

    whole = float(card.seconds)
    seen = [grown(part * whole) for part in (0.0, 0.25, 0.5, 0.75)]
    assert seen == pytest.approx([0.0, 0.25, 0.5, 0.75], abs=0.03)
    assert grown(whole - 0.05) > 0.97
