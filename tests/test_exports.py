"""A finished episode in other formats: tables that hold all of it and run nothing, subtitles that other readers understand, a sheet made for paper."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet
import pysubs2
import pytest
from browser import page, violations
from expressions import spoken_in

from langflix.align import align
from langflix.core import Cue, InputError, ToolError
from langflix.export import ClipRecord, Languages, LessonRecord, Manifest, write_manifest
from langflix.exports import FORMATS, export
from langflix.groups import group_expressions
from langflix.media import find_tools, run_ffmpeg
from langflix.pipeline import sample_episode
from langflix.playlists import chapters, ffmetadata, write_chaptered_film, write_playlists
from langflix.rows import COLUMNS, write_csv, write_jsonl, write_parquet
from langflix.sheet import render_sheet, write_sheet
from langflix.subtitles import load_cues
from langflix.tables import read_rows
from langflix.timing import Expression, Ranking
from langflix.tracks import bilingual, write_tracks

CUES = [
    Cue(1, 1000, 2000, "Is the moon <b>broken</b> {\\b1}?\nReally?", speaker="MAYA"),
    Cue(2, 2000, 4000, "Can you figure\nit all out -->"),
    Cue(3, 4000, 5000, "", kind="sound", sounds=("crash",)),
    Cue(4, 5000, 6000, "Hang in there \\N friend."),
    Cue(5, 60_000, 62_000, "No lesson here."),
]
LINES = {1: "달이 고장 났어?", 2: "다 알아낼 수 있어?", 5: "여기엔 없어."}


said = spoken_in(CUES, 1, 4, translation="알아내다", example='=HYPERLINK("http://evil")', similar=("hold on", "wait"), kind="phrasal verb")
RANKING = Ranking(useful=0.5, level=1, scene=1, line=1, times=1, total=0.5, why="Just above your level.")
FIGURE = said("figure out", 2, ((2, 8, 14), (2, 22, 25)), ranking=RANKING)
HANG = said("hang in there", 4, ((4, 0, 13),), translation="@버티다", definition="+1", example="")
GROUPS = tuple(group_expressions([FIGURE, HANG]))
(GROUP,) = GROUPS


def made(**more):
    fields = {
        "episode": "달 & moon; #1", "groups": GROUPS, "clips": (ClipRecord(path="clips/a.mp4", group_id=GROUP.id, duration_ms=5000),),
        "lessons": (LessonRecord(path="lessons/long/1.mp4", layout="long", mode="separate", group_id=GROUP.id, expression="figure out", duration_ms=9000),
                    LessonRecord(path="lessons/short/2.mp4", layout="short", mode="combined", group_id=GROUP.id, duration_ms=8000)),
    }  # fmt: skip
    return Manifest(**(fields | more))


# Tables


def test_every_table_has_a_row_for_each_expression_and_the_same_columns(tmp_path):
    rows = [json.loads(line) for line in write_jsonl(made(), tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    table = pyarrow.parquet.read_table(write_parquet(made(), tmp_path / "a.parquet"))
    cells = read_rows(write_csv(made(), tmp_path / "a.csv"))
    assert list(cells[0].cells) == table.column_names == list(COLUMNS) == list(rows[0])[: len(COLUMNS)]
    assert [row["expression"] for row in rows] == table["expression"].to_pylist() == [row.cells[2] for row in cells[1:]] == ["figure out", "hang in there"]
    assert rows[0]["lessons"] == table["lessons"].to_pylist()[0] == ["lessons/long/1.mp4", "lessons/short/2.mp4"]
    assert rows[1]["lessons"] == ["lessons/short/2.mp4"]
    assert rows[0]["why"] == table["why"].to_pylist()[0] == "Just above your level."
    assert table.to_pylist() == [{name: row[name] for name in COLUMNS} for row in rows]


def test_no_fact_about_an_expression_is_lost(tmp_path):
    row = json.loads(write_jsonl(made(), tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()[0])
    facts = FIGURE.model_dump(mode="json")
    assert {name: row[name] for name in facts if name in row} == {name: value for name, value in facts.items() if name in row}
    assert set(facts) <= set(row)
    assert row["line"] == FIGURE.text
    assert Expression.model_validate(row) == FIGURE


def test_a_spreadsheet_runs_no_cell_of_ours(tmp_path):
    path = write_csv(made(), tmp_path / "a.csv")
    for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))):
        assert not [cell for cell in row if cell.lstrip()[:1] in {"=", "+", "-", "@"}]
    back = dict(zip(COLUMNS, read_rows(path)[2].cells, strict=True))
    assert (back["translation"], back["definition"]) == ("@버티다", "+1")


def test_files_of_many_episodes_are_one_table_also_when_one_is_empty(tmp_path):
    paths = [write_parquet(manifest, tmp_path / f"{n}.parquet") for n, manifest in enumerate((made(), Manifest(episode="none")))]
    whole = pyarrow.concat_tables([pyarrow.parquet.read_table(path) for path in paths])
    assert whole.num_rows == 2


def test_parquet_without_its_library_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ToolError) as caught:
        write_parquet(made(), tmp_path / "a.parquet")
    assert "langflix[parquet]" in caught.value.hint
    assert not list(tmp_path.iterdir())


# Subtitles


def test_the_whole_episode_is_there_in_both_languages_with_the_expressions_marked():
    lines = bilingual(made(), CUES, LINES)
    assert [(both.start_ms, both.end_ms) for both in lines] == [(1000, 2000), (2000, 4000), (5000, 6000), (60_000, 62_000)]
    assert ["".join(text for text, _ in both.spoken.parts()) for both in lines] == [cue.text for cue in CUES if cue.text]
    marked = [[text for text, taught in line.parts() if taught] for both in lines for line in (both.spoken, both.meant)]
    assert marked == [[], [], ["figure", "out"], ["알아낼"], ["Hang in there"], [], [], []]


def test_three_formats_say_the_same_and_other_readers_understand_them(tmp_path):
    written = write_tracks(made(), tmp_path, CUES, LINES)
    assert [path.name for path in written] == [f"달 & moon; #1.en-ko.{ending}" for ending in ("srt", "vtt", "ass")]
    times = [[(event.start, event.end) for event in pysubs2.load(str(path))] for path in written]
    assert times[0] == times[1] == times[2] == [(1000, 2000), (2000, 4000), (5000, 6000), (60_000, 62_000)]
    srt, vtt, _ = (path.read_text(encoding="utf-8") for path in written)
    assert "Can you <b>figure</b>\nit all <b>out</b> →\n다 <b>알아낼</b> 수 있어?" in srt
    assert srt.count("-->") == 4
    assert "<b><c.taught>Hang in there</c></b>" in vtt
    assert "&lt;b&gt;broken&lt;/b&gt;" in vtt


def test_a_webvtt_file_holds_cues_only_because_older_readers_stop_at_a_style_block(tmp_path):
    (path,) = (path for path in write_tracks(made(episode="e"), tmp_path, CUES, LINES) if path.suffix == ".vtt")
    head, *blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    assert head == "WEBVTT"
    assert [" --> " in block.splitlines()[0] for block in blocks] == [True] * 4


def test_ffmpeg_reads_all_three_and_draws_the_text_of_the_ass_as_it_is(tmp_path):
    tools = find_tools()
    for path in write_tracks(made(episode="e"), tmp_path, CUES, LINES):
        done = subprocess.run([tools.ffmpeg, "-v", "error", "-i", path, "-f", "srt", "-"], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        assert done.stdout.count("-->") >= 4
    plain = pysubs2.load(str(tmp_path / "e.en-ko.ass"))
    assert "{\\b1}" not in plain[0].text.replace("\\{", "").replace("\\}", "")
    assert plain[0].text.count("\\N") == 2  # its own break, and the one before the translation
    assert plain[2].text.count("\\N") == 0


def test_an_episode_without_a_translation_has_one_language(tmp_path):
    written = write_tracks(Manifest(episode="e"), tmp_path, CUES, {})
    assert [path.name for path in written] == ["e.en.srt", "e.en.vtt", "e.en.ass"]


# Playlists and chapters


def test_playlists_name_what_there_is_to_play(tmp_path):
    names = {path.name: path.read_text(encoding="utf-8").splitlines() for path in write_playlists(made(), tmp_path)}
    assert set(names) == {"lessons.m3u8", "shorts.m3u8", "clips.m3u8"}
    assert names["lessons.m3u8"] == ["#EXTM3U", "#PLAYLIST:달 & moon; #1: lessons", "#EXTINF:9.000,figure out", "lessons/long/1.mp4"]
    assert names["clips.m3u8"][2:] == ["#EXTINF:5.000,figure out, hang in there", "clips/a.mp4"]
    assert [path.name for path in write_playlists(made(lessons=()), tmp_path)] == ["clips.m3u8"]


def test_chapters_begin_with_the_scenes_and_leave_no_hole():
    other = said("by the way", 5, (), context_start_ms=60_000, context_end_ms=62_000, context_cue_start=5, context_cue_end=5)
    groups = tuple(group_expressions([FIGURE, other]))
    assert chapters(made(groups=groups, lessons=(), clips=()), 90_000) == [(0, 1000, "달 & moon; #1"), (1000, 60_000, "figure out"), (60_000, 90_000, "by the way")]
    early = said("so", 1, (), context_start_ms=0)
    assert chapters(made(groups=tuple(group_expressions([early])), lessons=(), clips=()))[0] == (0, 6000, "so")
    assert "title=달 & moon\\; \\#1" in ffmetadata(made())


def test_the_film_with_chapters_is_the_film(tmp_path):
    tools, film = find_tools(), tmp_path / "e.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=s=64x36:r=24:d=8", "-f", "lavfi", "-i", "sine=d=8"]
    run_ffmpeg([*source, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", str(film)], tools)
    made_film = write_chaptered_film(made(episode="e"), tmp_path, film, 8000, tools)

    def ask(path, *what):
        return subprocess.run([tools.ffprobe, "-v", "error", *what, path], capture_output=True, text=True, check=True).stdout

    def packets(path):
        return subprocess.run([tools.ffmpeg, "-v", "error", "-i", path, "-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "streamhash", "-"], capture_output=True, text=True, check=True).stdout

    found = json.loads(ask(made_film, "-show_chapters", "-of", "json"))["chapters"]
    assert [(round(float(c["start_time"]), 3), c["tags"]["title"]) for c in found] == [(0, "e"), (1, "figure out, hang in there")]
    assert packets(made_film) == packets(film)


# The sheet


def test_the_sheet_asks_for_each_expression_and_answers_on_another_page():
    html = render_sheet(made(), CUES, LINES, {})
    body, _, rest = html.partition('id="gaps"')
    gaps, _, answers = rest.partition('id="answers"')
    assert re.findall(r"<mark>(.*?)</mark>", body) == ["figure", "out", "Hang in there"]
    assert gaps.count('class="gap"') == 3
    assert "figure" not in gaps
    assert re.findall(r"<li>(.*?)</li>", answers) == ["figure … out", "Hang in there"]
    assert "&lt;b&gt;broken&lt;/b&gt;" in body
    assert set(re.findall(r"https?://\w*", html)) == {"http://evil"}  # as text
    assert "&#34;http://evil&#34;" in html
    assert "crash" not in html


def test_right_to_left_languages_stand_right_to_left():
    html = render_sheet(made(languages=Languages(source="en", target="ar")), CUES, {1: "هل القمر مكسور؟"}, {})
    assert '<p class="answer" lang="ar" dir="rtl">هل القمر مكسور؟</p>' in html
    assert 'lang="en" dir="ltr"' in html


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_on_the_sheet(chromium, tmp_path, width, dark):
    path = write_sheet(made(), tmp_path / "sheet.html", CUES, LINES, {})
    with page(chromium, path.as_uri(), width, dark) as opened:
        assert violations(opened, ("moderate", "serious", "critical")) == []
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        colour = "getComputedStyle(document.querySelector('.answer')).color"
        shown = opened.evaluate(colour)
        opened.check("#cover")
        assert opened.evaluate(colour) == "rgba(0, 0, 0, 0)" != shown
        assert opened.problems == []


@pytest.mark.parametrize("size", ["A4", "Letter"])
def test_the_sheet_is_printed_with_its_answers_on_a_page_of_their_own(chromium, tmp_path, size):
    path = write_sheet(made(), tmp_path / "sheet.html", CUES, LINES, {})
    with page(chromium, path.as_uri(), dark=True) as opened:
        opened.emulate_media(media="print")
        assert not opened.is_visible(".bar")
        assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert len(re.findall(rb"/Type\s*/Page\b", opened.pdf(format=size))) == 3


# All of them


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory):
    "An analysis of the sample."
    from langflix.config import Settings
    from langflix.pipeline import LangFlixPipeline

    place, sample = tmp_path_factory.mktemp("analyzed"), sample_episode()
    settings = Settings(analyzer="embedded", paths={"cache": place / "cache", "output": place / "out"})
    return place / "out" / "sample", LangFlixPipeline(settings).analyze(sample.subs, subs_target=sample.subs_target)


def test_an_episode_is_exported_where_one_wants_it(analyzed, tmp_path):
    folder, manifest = analyzed
    written = export(folder, ["csv", "jsonl", "parquet", "sheet", "subtitles", "chapters"], tmp_path)
    assert {path.parent for path in written} == {tmp_path}
    assert {path.suffix for path in written} == {".csv", ".jsonl", ".parquet", ".html", ".srt", ".vtt", ".ass", ".txt"}
    assert len(read_rows(tmp_path / "expressions.csv")) == 1 + len(manifest.expressions)
    cues = load_cues(sample_episode().subs, "en")
    lines = align(cues, load_cues(sample_episode().subs_target, "ko"))
    srt = pysubs2.load(str(tmp_path / "sample.en-ko.srt"))
    assert len(srt) == len([cue for cue in cues if cue.text and cue.kind != "sound"])
    assert all(any(line in event.plaintext for event in srt) for line in lines.values())
    assert json.loads((tmp_path / "expressions.jsonl").read_text(encoding="utf-8").splitlines()[0])["expression"] == manifest.expressions[0].expression


def test_an_unknown_format_and_nothing_to_play_are_said_before_anything_is_written(analyzed, tmp_path):
    for formats in (["csv", "xlsx"], []):
        with pytest.raises(InputError, match="there is no such format") as caught:
            export(analyzed[0], formats, tmp_path)
        assert all(name in caught.value.hint for name in FORMATS)
    with pytest.raises(InputError, match="nothing to play"):
        export(analyzed[0], ["m3u8"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_playlists_elsewhere_lead_back_to_the_episode(tmp_path):
    folder, out = tmp_path / "episode", tmp_path / "lists"
    write_manifest(made(), folder / "manifest.json")
    out.mkdir()
    paths = [line for path in export(folder, ["m3u8"], out) for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert {(out / path).resolve().relative_to(folder.resolve()).as_posix() for path in paths} == {"lessons/long/1.mp4", "lessons/short/2.mp4", "clips/a.mp4"}


def test_subtitles_that_are_gone_are_named_and_tables_need_none(tmp_path):
    write_manifest(made(subtitles="gone.en.srt"), tmp_path / "manifest.json")
    assert [path.name for path in export(tmp_path, ["csv"])] == ["expressions.csv"]
    with pytest.raises(InputError, match=r"gone\.en\.srt") as caught:
        export(tmp_path, ["sheet"])
    assert "--subs" in caught.value.hint


def test_the_command_prints_what_it_wrote(analyzed, tmp_path):
    program = Path(sys.executable).with_name("langflix")

    def call(*words):
        return subprocess.run([program, "export", *words], capture_output=True, text=True, check=False)

    done = call(analyzed[0] / "manifest.json", "--format", "csv, jsonl", "--out", tmp_path)
    assert (done.returncode, done.stdout.splitlines()) == (0, [str(tmp_path / "expressions.csv"), str(tmp_path / "expressions.jsonl")])
    told = json.loads(call(analyzed[0], "--format", "sheet", "--out", tmp_path, "--json").stdout)
    assert told == {"exit_status": 0, "written": [str(tmp_path / "sheet.html")]}
    wrong = call(analyzed[0], "--format", "xlsx")
    assert wrong.returncode == 2
    assert "Choose of: csv" in wrong.stderr
    gone = call(tmp_path / "nowhere", "--format", "csv")
    assert gone.returncode == 2
    assert "manifest" in gone.stderr


def test_a_run_leaves_the_sheet_and_the_whole_subtitles(analyzed):
    folder, _ = analyzed
    assert (folder / "sheet.html").stat().st_size > 10_000
    assert {path.suffix for path in (folder / "subtitles").glob("sample.en-ko.*")} == {".srt", ".vtt", ".ass"}
