"""A manifest comes back as it was written, says what is wrong with a damaged one, and a scene's subtitles start at zero."""

import json
import os
from datetime import UTC, datetime

import pysubs2
import pytest
from expressions import spoken_in

from langflix.core import Cue, InputError
from langflix.export import (
    ClipRecord,
    Failure,
    LessonRecord,
    Manifest,
    SegmentStats,
    Stats,
    group_cues,
    pieces,
    read_manifest,
    replace_file,
    translated_lines,
    write_manifest,
    write_subtitles,
)
from langflix.groups import group_expressions
from langflix.timing import Dropped, Expression

CUES = [
    Cue(1, 1000, 2500, "Is the moon broken?", speaker="MAYA"),
    Cue(2, 2800, 5000, "Hang in there.\nBy the way, wait.", speaker="OPAL"),
    Cue(3, 5200, 6000, "[CRASH]", kind="sound", sounds=("crash",)),
    Cue(4, 9000, 9900, "달이 {고장} <났어>."),
]


said = spoken_in(CUES, 1, 3, example="", score=0.1 + 0.2)
HANG = said("hang in there", 2, ((2, 0, 13),))
WAY = said("by the way", 2, ((2, 15, 25),), context_translation=("달이 고장 났어?", "버텨. 그런데, 기다려.", ""))
GROUPS = tuple(group_expressions([HANG, WAY]))
ID = GROUPS[0].id


def full():
    return Manifest(
        episode="Ep 1 – 달 \u2028 «x»", video="../media/ep 1.mkv", subtitles="ep.en.srt", subtitles_target="ep.ko.srt", analyzer="gemini", model="m-1",
        created_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), notes=("two cues overlapped",), groups=GROUPS,
        lessons=(LessonRecord(path="lessons/long/a b.mp4", layout="long", mode="separate", group_id=ID, expression="by the way", duration_ms=9000, thumbnail="thumbs/a.jpg"),
                 LessonRecord(path="lessons/short/c.mp4", layout="short", mode="combined", group_id=ID)),
        clips=(ClipRecord(path=f"clips/{ID}.mp4", group_id=ID, duration_ms=5000),),
        failures=(Failure(cue_start=4, cue_end=4, reason="quota", message="try tomorrow"),),
        dropped=(Dropped(expression="x", cue_start=1, cue_end=1, reason="too easy", message="A1 is below B2"),),
        stats=Stats(cues=4, cost_usd=0.1 + 0.2, wall_s=1 / 3, segments=SegmentStats(rendered=2, reused=5)),
    )  # fmt: skip


def edited(tmp_path, change):
    path = write_manifest(full(), tmp_path / "manifest.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_round_trip_is_exact(tmp_path):
    path = write_manifest(full(), tmp_path / "deep" / "er" / "manifest.json")
    assert read_manifest(path) == full() == read_manifest(path.parent)
    before = path.read_bytes()
    assert write_manifest(read_manifest(path), path).read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["manifest.json"]


def test_the_names_that_others_rely_on(tmp_path):
    data = json.loads(write_manifest(full(), tmp_path / "m.json").read_text(encoding="utf-8"))
    assert data["schema_version"] == 1
    assert set(data) == set(
        "schema_version langflix_version episode video subtitles subtitles_target analyzer model languages created_at notes groups lessons clips failures dropped stats".split()
    )
    assert set(data["groups"][0]) == {"id", "context_start_ms", "context_end_ms", "expressions"}
    assert set(data["groups"][0]["expressions"][0]) == set(Expression.model_fields)
    assert set(data["lessons"][0]) == {"path", "layout", "mode", "group_id", "expression", "duration_ms", "thumbnail"}
    assert set(data["clips"][0]) == {"path", "group_id", "duration_ms"}
    assert set(data["failures"][0]) == {"cue_start", "cue_end", "reason", "message", "stage"}
    assert set(data["stats"]) == set(
        "cues chunks requests rate_limited answered failed dropped reused_answers tokens cost_usd wall_s call_s peak_concurrency segments ffmpeg_runs".split()
    )
    assert data["stats"]["segments"] == {"rendered": 2, "reused": 5}


def test_an_analysis_without_video_has_the_same_shape(tmp_path):
    plain = Manifest(episode="e")
    assert plain.stats.cost_usd is None
    assert plain.stats.tokens == 0
    path = write_manifest(plain, tmp_path / "m.json")
    assert read_manifest(path) == plain
    assert set(json.loads(path.read_text())) == set(full().model_dump())


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = write_manifest(full(), tmp_path / "manifest.json")
    before = path.read_bytes()

    def half(temporary):
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(path, half)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_in_the_way_of_the_folder(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match=r"cannot be written") as caught:
        write_manifest(full(), tmp_path / "out" / "manifest.json")
    assert "--out" in caught.value.hint


def test_the_file_keeps_the_usual_rights(tmp_path):
    (tmp_path / "usual").touch()
    path = write_manifest(full(), tmp_path / "manifest.json")
    assert os.stat(path).st_mode == os.stat(tmp_path / "usual").st_mode


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{\n "schema_version": 1,\n "episode" 3}', r"line 3, column 12: not JSON"),
        (b"", r"line 1, column 1: not JSON"),
        (b'{"schema_version": 1, "episode": "\xff"}', r"not JSON"),
        (b"[" * 100_000, r"not JSON"),
        (b"[1]", r"is a JSON object, this is a list"),
        (b"{}", r"does not name its schema_version; this LangFlix reads version 1"),
        (b'{"schema_version": 2}', r"has schema_version 2"),
        (b'{"schema_version": true}', r"has schema_version True"),
        (b'{"schema_version": "1"}', r"has schema_version '1'"),
        (b'{"schema_version": 1}', r"episode: Field required"),
    ],
)
def test_a_damaged_file_is_named_with_the_place(tmp_path, content, says):
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        read_manifest(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_newer_schema_asks_for_an_update(tmp_path):
    path = edited(tmp_path, lambda data: data.update(schema_version=7))
    with pytest.raises(InputError) as caught:
        read_manifest(path)
    assert "Update LangFlix" in caught.value.hint


@pytest.mark.parametrize("path", ["nothing.json", "."])
def test_no_manifest(tmp_path, path):
    with pytest.raises(InputError, match="there is no manifest") as caught:
        read_manifest(tmp_path / path)
    assert "langflix analyze" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["groups"][0]["expressions"][1].pop("start_ms"), r"groups\[0\]\.expressions\[1\]\.start_ms: Field required"),
        (lambda d: d["lessons"][1].update(layout="wide"), r"lessons\[1\]\.layout: "),
        (lambda d: d["stats"].update(tokens="many"), r"stats\.tokens: "),
        (lambda d: d["stats"].update(cost_usd=float("nan")), r"stats\.cost_usd: "),
        (lambda d: d["lessons"][0].update(group_id="g9"), r"a b\.mp4 belongs to group 'g9', which is not in groups"),
        (lambda d: d["groups"].append(d["groups"][0]), r"two groups have the same id"),
        (lambda d: d.update(created_at="2026-01-02T03:04:05"), r"created_at: "),
    ],
)
def test_a_wrong_field_is_named(tmp_path, change, says):
    with pytest.raises(InputError, match=says):
        read_manifest(edited(tmp_path, change))


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.mp4", "a/../../b.mp4", "C:/x.mp4", "a\\b.mp4", "", "."])
def test_paths_stay_inside_the_episodes_folder(tmp_path, path):
    with pytest.raises(InputError, match=r"clips\[0\]\.path: must be a path inside"):
        read_manifest(edited(tmp_path, lambda data: data["clips"][0].update(path=path)))


def test_pieces_join_to_the_text_and_know_their_expressions():
    found = pieces(CUES[1], [HANG, WAY])
    assert "".join(text for text, _ in found) == CUES[1].text
    assert [(text, numbers) for text, numbers in found if numbers] == [("Hang in there", (0,)), ("By the way", (1,))]


def test_pieces_that_overlap_and_that_reach_past_the_text():
    a, b = said("a", 1, ((1, 0, 6),)), said("b", 1, ((1, 3, 99),))
    assert pieces(CUES[0], [a, b]) == [("Is ", (0,)), ("the", (0, 1)), (" moon broken?", (1,))]
    assert pieces(Cue(9, 0, 1, ""), [a]) == []


def test_a_groups_cues_and_lines():
    assert [cue.index for cue in group_cues(GROUPS[0], CUES)] == [1, 2, 3]
    assert translated_lines(GROUPS[0], {1: "진짜", 9: "elsewhere"})[1] == "진짜"
    assert translated_lines(GROUPS[0], {}) == {1: "달이 고장 났어?", 2: "버텨. 그런데, 기다려."}


def test_subtitles_are_relative_and_clipped(tmp_path):
    target = [Cue(1, 0, 1500, "앞"), Cue(2, 1500, 7000, "둘\n줄"), Cue(3, 6000, 7000, "밖")]
    paths = write_subtitles(GROUPS, CUES, target, tmp_path, "en", "ko")
    assert [p.name for p in paths] == [f"{ID}.en.srt", f"{ID}.ko.srt"]
    english, korean = (pysubs2.load(str(p)) for p in paths)
    assert [(e.start, e.end, e.plaintext) for e in english] == [(0, 1500, CUES[0].text), (1800, 4000, CUES[1].text)]
    assert [(e.start, e.end, e.plaintext) for e in korean] == [(0, 500, "앞"), (500, 5000, "둘\n줄")]


def test_subtitles_fall_to_the_analyzers_lines(tmp_path):
    _, korean = write_subtitles(GROUPS, CUES, None, tmp_path)
    assert [e.plaintext for e in pysubs2.load(str(korean))] == ["달이 고장 났어?", "버텨. 그런데, 기다려."]


def test_no_translation_no_file_and_braces_are_words(tmp_path):
    (group,) = group_expressions([said("broken", 4, ((4, 4, 6),), 4, 4)])
    (path,) = write_subtitles([group], CUES, [], tmp_path, "ko", "en")
    assert path.name == f"{group.id}.ko.srt"
    assert "달이 {고장} <났어>." in path.read_text(encoding="utf-8")
    assert write_subtitles([], CUES, None, tmp_path) == []
