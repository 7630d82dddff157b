"""Looking over an analysis before anything is rendered: what a person decides, and nothing else, changes."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256

import pytest

from langflix.config import load_settings
from langflix.core import Cue, InputError
from langflix.export import Manifest, Stats, read_manifest
from langflix.groups import group_expressions
from langflix.pipeline import LangFlixPipeline, exit_status, sample_episode
from langflix.prompts import Item
from langflix.review import apply_review, carry_over, make_review, read_review, write_review
from langflix.tables import read_rows
from langflix.timing import verify

SAMPLE = sample_episode()
SAID = ["Where were you?", "I was about to give up.", "- Hang in there, would you?", "By the way, it's over.", "Is it?"]
CUES = [Cue(n, n * 3000, n * 3000 + 2000, text) for n, text in enumerate(SAID, 1)]
SETTINGS = load_settings(None, {})


def analysis(**more):
    "Three expressions; the first two share a scene."
    claims = [("give up", 2, 2, 3, "포기하다", ["가", "나"]), ("hang in there", 3, 2, 3, "=버티다", []), ("by the way", 4, 4, 4, "그런데", [])]
    items = [Item(expression=e, cue_start=n, cue_end=n, context_start=a, context_end=b, translation=t, context_translation=c, level="B1", kind="idiom", score=0.5) for e, n, a, b, t, c in claims]
    found, _ = verify(items, CUES, "gemini")
    return Manifest(episode="e", groups=tuple(group_expressions(found)), stats=Stats(cues=5), **more)


def lines(path):
    return path.read_text(encoding="utf-8-sig").splitlines()


@pytest.fixture
def table(tmp_path):
    manifest = analysis()
    return write_review(tmp_path / "review.csv", make_review(manifest), manifest, CUES)


def edited(table, name, column, value):
    "A person changes one cell and saves."
    rows = read_rows(table)
    columns = rows[0].cells
    cells = [list(row.cells) for row in rows]
    next(row for row in cells if row[0] == name)[columns.index(column)] = value
    quoted = [";".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells]
    table.write_bytes("\r\n".join(quoted).encode("utf-8-sig"))
    return table


def test_a_table_that_nobody_touched_changes_nothing(table):
    manifest = analysis()
    review, notes = read_review(table, manifest)
    assert (review, notes) == (make_review(manifest), [])
    assert apply_review(manifest, review, CUES, SETTINGS) == manifest


def test_the_table_says_what_a_person_needs_and_runs_no_formula(table):
    assert lines(table)[0].startswith("id,keep,expression,start,level,kind,translation")
    row = next(line for line in lines(table) if "hang-in-there" in line)
    assert "'=버티다" in row
    assert "'- Hang in there, would you?" in row
    assert "I was about to give up. / - Hang in there" in row


def test_saved_by_another_program_with_semicolons(table):
    manifest = analysis()
    review, _ = read_review(edited(table, "x0003-hang-in-there", "translation", "버텨"), manifest)
    changed = apply_review(manifest, review, CUES, SETTINGS)
    assert [e.translation for e in changed.expressions] == ["포기하다", "버텨", "그런데"]
    assert changed.notes == ("review.csv: 1 edited",)


@pytest.mark.parametrize("word", ["no", "NO", "n", "False", "0", "drop"])
def test_left_out_means_listed_as_left_out(table, word):
    manifest = analysis()
    review, _ = read_review(edited(table, "x0004-by-the-way", "keep", word), manifest)
    changed = apply_review(manifest, review, CUES, SETTINGS)
    assert [e.expression for e in changed.expressions] == ["give up", "hang in there"]
    assert [(d.expression, d.reason) for d in changed.dropped] == [("by the way", "review")]
    assert changed.stats.dropped == 1


@pytest.mark.parametrize("cell", ["-1", "−1", "-1.0", "-1,0"])
def test_a_moved_scene_gets_its_times_from_its_cues(table, cell):
    manifest = analysis()
    review, _ = read_review(edited(table, "x0002-give-up", "shift_start_cues", cell), manifest)
    (first, second, third) = apply_review(manifest, review, CUES, SETTINGS).groups
    assert (first.context_start_ms, first.context_end_ms) == (3000, 11_000)
    assert first.expressions[0].context_translation == ("", "가", "나")
    assert (second, third) == (replaced(manifest.groups[0], 1), manifest.groups[1])


def replaced(group, number):
    "A group with only one of its expressions."
    return group_expressions([group.expressions[number]])[0]


def test_scenes_made_equal_become_one_group():
    manifest = analysis()
    review = make_review(manifest).shift("x0004-by-the-way", start_cues=-2).shift("x0002-give-up", end_cues=1).shift("x0003-hang-in-there", end_cues=1)
    (group,) = apply_review(manifest, review, CUES, SETTINGS).groups
    assert [e.expression for e in group.expressions] == ["give up", "hang in there", "by the way"]


def test_a_renamed_expression_must_be_said_there(table):
    manifest = analysis()
    review = make_review(manifest).change("x0002-give-up", expression="be about to")
    renamed = apply_review(manifest, review, CUES, SETTINGS).expressions[0]
    assert [CUES[i - 1].text[a:b] for i, a, b in renamed.spans] == ["was about to"]
    review, _ = read_review(edited(table, "x0002-give-up", "expression", "kick the bucket"), manifest)
    with pytest.raises(InputError, match=r"review\.csv, line 2: x0002-give-up: 'kick the bucket' is not said there"):
        apply_review(manifest, review, CUES, SETTINGS)


@pytest.mark.parametrize(("column", "value", "allowed"), [
    ("keep", "maybe", "yes or no"), ("keep", "", "yes or no"), ("level", "B7", "A1, A2"), ("kind", "proverb", "idiom"),
    ("shift_start_cues", "one", "whole number"), ("shift_end_cues", "0.5", "whole number"), ("shift_end_cues", "1e999", "whole number"), ("expression", "", "leave it out"),
])  # fmt: skip
def test_a_wrong_cell_is_named_with_what_is_allowed(table, column, value, allowed):
    with pytest.raises(InputError, match=rf"review\.csv, line 3: {column} is {value!r}") as error:
        read_review(edited(table, "x0003-hang-in-there", column, value), analysis())
    assert allowed in error.value.hint
    assert error.value.details["line"] == 3


@pytest.mark.parametrize(("column", "value", "problem"), [
    ("shift_start_cues", "1", "does not hold the expression"), ("shift_end_cues", "-2", "does not hold the expression"),
    ("shift_start_cues", "-9", "the episode has 1 to 5"), ("shift_end_cues", "40", "the episode has 1 to 5"), ("context_translation", "a | b | c", "has 3 lines, the scene has 2 cues"),
])  # fmt: skip
def test_what_cannot_be_done_is_named_with_its_line(table, column, value, problem):
    manifest = analysis()
    review, _ = read_review(edited(table, "x0002-give-up", column, value), manifest)
    with pytest.raises(InputError, match=rf"line 2: x0002-give-up: .*{problem}"):
        apply_review(manifest, review, CUES, SETTINGS)


def test_the_lines_of_a_scene_can_be_corrected(table):
    manifest = analysis()
    review, _ = read_review(edited(table, "x0002-give-up", "context_translation", "하나 | 둘"), manifest)
    assert apply_review(manifest, review, CUES, SETTINGS).expressions[0].context_translation == ("하나", "둘")


def test_unknown_double_and_missing_rows(table):
    text = table.read_text(encoding="utf-8-sig")
    table.write_text(text.replace("x0002-give-up", "x0002-giveup"))
    with pytest.raises(InputError, match="line 2: there is no expression 'x0002-giveup'"):
        read_review(table, analysis())
    table.write_text(text + text.split("\n")[1] + "\n")
    with pytest.raises(InputError, match="line 5: x0002-give-up is in line 2 already"):
        read_review(table, analysis())
    table.write_text(text.replace(text.split("\n")[1] + "\n", ""))
    review, notes = read_review(table, analysis())
    assert review == make_review(analysis())
    assert notes == ["review.csv has no row for give up: kept; to leave one out, write no in its column keep"]


@pytest.mark.parametrize(("data", "problem"), [("", "empty"), ("a,b\n1,2\n", "no column id"), ("id\nx\n", "no column keep"), ('id,keep\n"x\n', "line 2")])
def test_what_is_no_review(tmp_path, data, problem):
    (tmp_path / "review.csv").write_text(data)
    with pytest.raises(InputError, match=problem):
        read_review(tmp_path / "review.csv", analysis())


def test_two_columns_are_enough(tmp_path):
    (tmp_path / "review.csv").write_text("Keep;ID;mine\nno;x0004-by-the-way;boring\nyes;x0002-give-up;\nyes;x0003-hang-in-there;\n")
    review, _ = read_review(tmp_path / "review.csv", analysis())
    assert [row.keep for row in review.rows] == [True, True, False]
    assert replace(review.rows[2], keep=True) == make_review(analysis()).rows[2]


def test_a_review_never_changes_in_place():
    before = make_review(analysis())
    after = before.change("x0002-give-up", keep=False).shift("x0003-hang-in-there", start_cues=-1).shift("x0003-hang-in-there", start_cues=1)
    assert before == make_review(analysis())
    assert [row.keep for row in after.rows] == [False, True, True]
    assert after.rows[1] == before.rows[1]
    with pytest.raises(InputError, match="no expression x9"):
        before.change("x9", keep=False)


def test_decisions_go_over_to_another_analysis():
    manifest = analysis()
    decided = make_review(manifest).change("x0002-give-up", translation="그만두다").change("x0004-by-the-way", keep=False)
    fresh = make_review(manifest.model_copy(update={"groups": manifest.groups[:1]}))
    carried, lost = carry_over(decided, make_review(manifest), fresh)
    assert [row.translation for row in carried.rows] == ["그만두다", "=버티다"]
    assert lost == ["x0004-by-the-way"]


# -- the whole way, with real films ---------------------------------------------------------------


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    root = tmp_path_factory.mktemp("reviewed")
    options = {
        "analyzer": "embedded", "paths": {"output": root / "out", "cache": root / "cache"}, "grouping": {"enabled": False},
        "lessons": {"preset": "ultrafast", "max_expressions": 5, "repeat_count": 1},
    }  # fmt: skip
    return LangFlixPipeline(load_settings(None, options))


@pytest.fixture(scope="module")
def stopped(pipeline):
    "A run that stopped for a review: its manifest and its folder."
    manifest = pipeline.run(SAMPLE.video, subs=SAMPLE.subs, review=True)
    return manifest, pipeline.settings.paths.output / manifest.episode


def hashes(manifest, folder):
    "What each expression's lesson is, byte for byte."
    return {lesson.expression: sha256((folder / lesson.path).read_bytes()).hexdigest() for lesson in manifest.lessons}


@pytest.fixture(scope="module")
def first(pipeline, stopped):
    "The lessons when nothing was decided."
    made = pipeline.render(stopped[1])
    return made, hashes(made, stopped[1])


def test_a_run_stops_for_the_review(stopped):
    manifest, folder = stopped
    assert exit_status(manifest) == 0
    assert manifest.lessons == ()
    assert len(read_rows(folder / "review.csv")) == 6
    assert {"manifest.json", "analysis.json", "review.csv", "report.html"} <= {path.name for path in folder.iterdir()}


def test_only_what_was_decided_is_rendered(pipeline, stopped, first):
    manifest, folder = stopped
    made, before = first
    assert len(before) == 5
    review = make_review(manifest)
    gone, texts, scene = [review.rows[n].id for n in (0, 1)], review.rows[2].id, review.rows[3].id
    decided = review.change(gone[0], keep=False).change(gone[1], keep=False).change(texts, translation="다른 말").shift(scene, end_cues=1)
    write_review(folder / "review.csv", decided, manifest, CUES)
    try:
        changed = pipeline.render(folder / "manifest.json")
        after = hashes(changed, folder)
    finally:
        write_review(folder / "review.csv", review, manifest, CUES)
    names = {name: decided.row(name).expression for name in (*gone, texts, scene)}
    assert set(before) - set(after) == {names[name] for name in gone}
    assert {name for name in after if after[name] != before[name]} == {names[texts], names[scene]}
    assert 0 < changed.stats.segments.rendered < made.stats.segments.rendered / 2
    assert {d.expression for d in changed.dropped if d.reason == "review"} == {names[name] for name in gone}
    assert any(note.endswith("2 left out, 1 edited, 1 with a moved scene") for note in changed.notes)
    assert {path.name for path in (folder / "lessons" / "long").glob("*.mp4")} == {lesson.path.rpartition("/")[2] for lesson in changed.lessons}


def test_what_was_left_out_comes_back_without_rendering(pipeline, stopped, first):
    again = pipeline.render(stopped[1])
    assert again.stats.segments.rendered == 0
    assert hashes(again, stopped[1]) == first[1]


def test_another_run_for_review_keeps_what_was_decided(pipeline, stopped, first):
    manifest, folder = stopped
    name = make_review(manifest).rows[4].id
    write_review(folder / "review.csv", make_review(manifest).change(name, translation="내 말"), manifest, CUES)
    again = pipeline.run(SAMPLE.video, subs=SAMPLE.subs, review=True)
    assert read_review(folder / "review.csv", read_manifest(folder / "analysis.json"))[0].row(name).translation == "내 말"
    assert "review.csv: earlier decisions were taken over" in again.notes


def test_a_manifest_of_subtitles_alone_is_rendered_with_a_film(pipeline, tmp_path):
    subs = tmp_path / "mine.en.srt"
    shutil.copy(SAMPLE.subs, subs)
    settings = pipeline.settings.model_copy(update={"lessons": pipeline.settings.lessons.model_copy(update={"max_expressions": 1})})
    one = LangFlixPipeline(settings)
    one.analyze(subs, out=tmp_path)
    folder = tmp_path / "mine"
    with pytest.raises(InputError, match="subtitles alone"):
        one.render(folder)
    made = one.render(folder, video=SAMPLE.video)
    assert len(made.lessons) == 1
    assert read_manifest(folder) == made
    subs.unlink()
    with pytest.raises(InputError, match="it is not there") as error:
        one.render(folder, video=SAMPLE.video)
    assert "--subs" in error.value.hint
    moved = one.render(folder / "manifest.json", video=SAMPLE.video, subs=SAMPLE.subs, out=tmp_path / "else")
    assert (tmp_path / "else" / "mine" / moved.lessons[0].path).is_file()
    assert moved.stats.segments.rendered == 0


def test_a_review_of_an_older_analysis_is_not_guessed(pipeline, stopped, first, tmp_path):
    folder = tmp_path / "sample"
    shutil.copytree(stopped[1], folder)
    path = folder / "manifest.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"created_at": "2020-01-01T00:00:00Z"}))
    with pytest.raises(InputError, match="earlier analysis") as error:
        pipeline.render(folder)
    assert "--review" in error.value.hint
    (folder / "review.csv").unlink()
    assert pipeline.render(folder).lessons


@pytest.mark.parametrize("given", ["report.html", "none/manifest.json"])
def test_what_is_no_manifest(pipeline, tmp_path, given):
    with pytest.raises(InputError, match=r"manifest"):
        pipeline.render(tmp_path / given)
