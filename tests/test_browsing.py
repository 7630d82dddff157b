"""Going through an analysis without a browser: what is seen, decided, taken back and saved; what a player and a timeline show."""

import json
import shutil
from fractions import Fraction

import pytest
from test_report_page import many

from langflix.browsing import BrowserModel, cards_of, decisions_of, lines_to_show, open_browser, view_of
from langflix.config import load_settings
from langflix.core import Cue, InputError
from langflix.export import ClipRecord, Manifest
from langflix.groups import group_expressions
from langflix.links import FolderLinks
from langflix.pipeline import LangFlixPipeline, sample_episode
from langflix.playing import FrameGrid, PlayerModel, Source, TimelineModel, choice_of, film_sources, meant_track, media_of, spoken_track
from langflix.review import apply_review, read_review

SAMPLE = sample_episode()


def episode(count=12, **more):
    "A browser of so many expressions, three in each scene."
    cues, found = many(count)
    manifest = Manifest(episode="The Paper Moon", groups=tuple(group_expressions(found)))
    return BrowserModel(manifest, cues, **more)


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory):
    out = tmp_path_factory.mktemp("lessons")
    LangFlixPipeline(load_settings(None, {"database": {"enabled": False}})).analyze(SAMPLE.subs, subs_target=SAMPLE.subs_target, out=out, review=True)
    return out / "sample"


@pytest.fixture
def folder(analyzed, tmp_path):
    return shutil.copytree(analyzed, tmp_path / "sample")


# ---- what is seen


def test_filters_show_what_fits():
    model = episode()
    assert len(model.visible()) == 12
    model.set_filter(levels=["B1"])
    assert {model.row(name).level for name in model.visible()} == {"B1"}
    model.set_filter(levels=["B1", "C1"], kinds=["idiom"])
    assert {(model.row(name).level, model.row(name).kind) for name in model.visible()} <= {("B1", "idiom"), ("C1", "idiom")}
    model.set_filter(text="  7 번역 ")
    assert [model.expressions[name].cue_start for name in model.visible()] == [7]
    model.set_filter(text="nothing like this")
    assert model.visible() == []


def test_filters_by_what_was_decided():
    model = episode()
    first, second = model.visible()[:2]
    model.keep(first, False)
    model.edit(second, translation="다른 말")
    for kept, names in (("dropped", [first]), ("changed", [first, second])):
        model.set_filter(kept=kept)
        assert model.visible() == names
    model.set_filter(kept="kept")
    assert len(model.visible()) == 11


def test_steps_go_through_what_is_seen_and_stop_at_the_ends():
    model = episode()
    model.set_filter(levels=["C1"])
    shown = model.visible()
    model.step(1)
    assert model.selected == shown[0]
    model.step(1)
    model.step(-5)
    assert model.selected == shown[0]
    model.step(10**6)
    assert model.selected == shown[-1]
    model.set_filter(text="zzz")
    model.step(1)
    assert model.selected == shown[-1]


@pytest.mark.parametrize("wrong", [{"levels": ["D1"]}, {"kinds": ["joke"]}, {"kept": "perhaps"}])
def test_a_filter_that_is_not_there(wrong):
    with pytest.raises(InputError, match="there is no"):
        episode().set_filter(**wrong)


# ---- what is decided


def test_undo_and_redo_go_through_all_decisions():
    model = episode()
    name = model.selected
    untouched = model.review
    model.keep(name, False)
    model.edit(name, translation="  한   줄\n말 ")
    model.move(name, end_cues=1)
    last = model.review
    assert (model.row(name).keep, model.row(name).translation, model.row(name).shift_end_cues) == (False, "한 줄 말", 1)
    assert all(model.undo() for _ in range(3))
    assert model.review == untouched
    assert not model.undo()
    assert all(model.redo() for _ in range(3))
    assert model.review == last
    model.undo()
    model.keep(name)
    assert not model.can_redo


def test_deciding_the_same_again_is_nothing_to_take_back():
    model = episode()
    model.keep(model.selected)
    model.edit(model.selected, translation=model.row(model.selected).translation)
    assert not model.can_undo
    assert not model.dirty


def test_borders_move_by_cues_within_the_episode_and_around_the_expression():
    model = episode()
    name = next(name for name, one in model.expressions.items() if one.cue_start == 5)
    one = model.expressions[name]
    assert (one.context_cue_start, one.context_cue_end) == (4, 6)
    model.move(name, start_cues=-3)
    with pytest.raises(InputError, match="there are no cues 0"):
        model.move(name, start_cues=-1)
    model.move(name, start_cues=4)
    with pytest.raises(InputError, match="does not hold the expression"):
        model.move(name, start_cues=1)
    with pytest.raises(InputError, match="does not hold the expression"):
        model.move(name, end_cues=-2)
    state = decisions_of(model)["rows"][name]
    assert (state["low"], state["high"], state["moves"]) == (5, 6, [True, False, True, True])
    assert state["scene"] == model.player.grid.span(20_000, 27_000)


def test_what_the_command_line_refuses_is_refused():
    model = episode()
    for wrong in ({"expression": "never said"}, {"level": "D1"}, {"kind": "joke"}, {"keep": "no"}):
        with pytest.raises(InputError):
            model.edit(model.selected, **wrong)
    with pytest.raises(InputError, match="there is no expression nobody"):
        model.keep("nobody", False)
    assert not model.can_undo


def test_two_browsers_of_one_analysis_share_nothing():
    one, other = episode(), episode()
    one.keep(one.selected, False)
    one.set_filter(text="hang")
    one.player.set_speed(0.75)
    assert (other.dirty, len(other.visible()), other.player.speed) == (False, 12, 1)


# ---- what is kept


def test_saved_is_what_the_command_line_reads(folder):
    model = open_browser(folder, video=SAMPLE.video)
    first, second = list(model.expressions)[:2]
    model.keep(first, False)
    model.edit(second, translation="내려오다!")
    model.move(second, end_cues=1)
    assert model.dirty
    assert model.save() == folder / "review.csv"
    assert not model.dirty
    review, notes = read_review(folder / "review.csv", model.manifest)
    assert (review, notes) == (model.review, [])
    changed = apply_review(model.manifest, review, model.cues, load_settings(None, {}))
    assert len(changed.expressions) == len(model.expressions) - 1
    assert open_browser(folder, video=SAMPLE.video).review == model.review
    model.undo()
    assert model.dirty


def test_a_table_that_another_program_changed_is_not_overwritten(folder):
    one, other = open_browser(folder), open_browser(folder)
    one.keep(one.selected, False)
    one.save()
    other.edit(other.selected, translation="다른 말")
    with pytest.raises(InputError, match="changed by another program"):
        other.save()
    mine = other.review
    other.reload()
    assert other.review == one.review
    assert not other.dirty
    other.undo()
    assert other.review == mine
    other.save()
    assert open_browser(folder).review == mine
    one.save(overwrite=True)
    assert open_browser(folder).review == one.review


def test_a_browser_without_a_place_says_so():
    with pytest.raises(InputError, match="no place"):
        episode().save()


def test_a_film_that_is_gone_is_no_reason_not_to_review(folder):
    model = open_browser(folder)
    assert "Give the film" in model.notes[0]
    model.keep(model.selected, False)
    assert model.save().is_file()
    assert model.player.sources == []


# ---- what the view is told


def test_what_is_sent_is_plain_and_points_at_the_words(folder):
    model = open_browser(folder, video=SAMPLE.video)
    cards, lines = json.loads(json.dumps([cards_of(model), lines_to_show(model)]))
    json.dumps([decisions_of(model), view_of(model)])
    texts = {line[0]: line[3] for line in lines}
    for card in cards:
        words = " ".join(texts[cue][low:high] for cue, low, high in card["spans"])
        assert words, card["id"]
    assert str(folder) not in json.dumps([cards, lines, decisions_of(model)])
    assert [line[4] for line in lines if line[3].startswith("The moon broke")] == ["달이 또 고장 났어."]


def test_four_hundred_cues_and_eighty_expressions_are_small_to_send():
    model = episode(80)
    assert len(json.dumps(decisions_of(model))) < 40_000
    assert len(json.dumps(view_of(model))) < 5_000


# ---- playing


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])
@pytest.mark.parametrize("window", [(0, 1), (1001, 2002), (12_160, 13_320)])
def test_a_stretch_is_whole_frames_and_starts_not_before_its_start(fps, window):
    start_s, end_s = FrameGrid(fps).span(*window)
    assert start_s * 1000 >= window[0] - 0.001
    assert start_s * 1000 < window[0] + 1000 / fps
    frames = (end_s - start_s) * float(fps)
    assert round(frames) >= 1
    assert frames == pytest.approx(round(frames), abs=1e-3)


def test_the_film_comes_first_then_the_clips_that_are_there(tmp_path):
    _, found = many(6)
    groups = tuple(group_expressions(found))
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips/a.mp4").write_bytes(b"a")
    manifest = Manifest(episode="e", video=str(SAMPLE.video), groups=groups, clips=(ClipRecord(path="clips/a.mp4", group_id=groups[0].id), ClipRecord(path="clips/b.mp4", group_id=groups[1].id)))
    film, clip = film_sources(manifest, tmp_path, FrameGrid(Fraction(25)))
    assert film == Source(SAMPLE.video)
    assert (clip.path, clip.from_s, clip.to_s) == (tmp_path / "clips/a.mp4", 4.0, 15.0)
    assert film_sources(manifest.model_copy(update={"video": "gone.mkv"}), tmp_path, FrameGrid(Fraction(25))) == [clip]


def test_subtitles_are_webvtt_with_the_expression_marked():
    cues = [Cue(1, 0, 1000, "Hang in <there> & --> go"), Cue(2, 1000, 2000, "", kind="sound", sounds=("crash",)), Cue(3, 2000, 2000, "never seen")]
    text = spoken_track(cues)
    assert "Hang in &lt;there&gt; &amp; --&gt; go" in text
    assert text.count("-->") == 1
    assert "줄" in meant_track(cues, {1: "줄"})
    assert "-->" not in meant_track(cues, {})


def test_a_player_says_what_it_cannot_do(tmp_path):
    player = PlayerModel([Source(SAMPLE.video)], [Cue(1, 0, 1000, "a")])
    for wrong in (lambda: player.show(5, 5), lambda: player.show(-5, 5), lambda: player.set_speed(3), lambda: player.show_subtitles("fr")):
        with pytest.raises(InputError):
            wrong()
    player.show_subtitles()
    assert choice_of(player)["shown"] == []
    assert "not in a folder" in media_of(player, FolderLinks({tmp_path: "/files"}))["problem"]
    assert "no film" in media_of(PlayerModel([]), FolderLinks({tmp_path: "/files"}))["problem"]
    sent = media_of(player, FolderLinks({SAMPLE.video.parent: "/files"}))
    assert (sent["sources"][0]["url"], sent["problem"], [track["lang"] for track in sent["tracks"]]) == ("/files/sample.mp4", "", ["en"])


# ---- the timeline


def test_scenes_that_overlap_get_rows_of_their_own():
    cues, found = many(6, each=3)
    moved = [one.model_copy(update={"context_end_ms": 20_000}) for one in found[:3]] + found[3:]
    timeline = TimelineModel(cues, group_expressions(moved))
    assert [scene.row for scene in timeline.scenes] == [0, 1]
    assert timeline.at(18_000).id == timeline.scenes[1].id
    assert timeline.at(5_000).id == timeline.scenes[0].id
    assert timeline.at(10**9) is None
    timeline.select(timeline.scenes[0].id)
    with pytest.raises(InputError):
        timeline.select("nothing")
    assert 0 < len(timeline.drawing()["ticks"]) <= 6


def test_an_episode_without_anything_has_a_timeline_and_a_browser():
    model = BrowserModel(Manifest(episode="e"), [])
    assert (model.visible(), model.selected, model.timeline.drawing()["scenes"]) == ([], None, [])
    model.step(1)
    assert not model.undo()
