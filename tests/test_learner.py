"""Nothing is taught that the learner knows or was taught: lists, earlier episodes, and a catalogue that may be off or broken."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from langflix.config import load_settings
from langflix.core import InputError, LangFlixError
from langflix.export import read_manifest
from langflix.keys import expression_key
from langflix.pipeline import LangFlixPipeline, sample_episode

SAMPLE = sample_episode()
FIRST = ["Hang in there, would you?", "I was about to give up.", "By the way, it cost an arm and a leg.", "Keep an eye on the cat."]
SECOND = ["She never gives up.", "Just hang in there.", "He got cold feet at the last minute.", "Keep an eye on him for me.", "I'm under the weather."]


def subtitles(path, said):
    "A subtitle file with a line every four seconds."
    blocks = [f"{n}\n00:00:{n * 4:02},000 --> 00:00:{n * 4 + 3:02},000\n{text}\n" for n, text in enumerate(said, 1)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def pipeline(root, **options):
    paths = {"output": root / "out", "cache": root / "cache"}
    return LangFlixPipeline(load_settings(None, {"analyzer": "embedded", "paths": paths, "lessons": {"preset": "ultrafast", "repeat_count": 1}} | options))


def keys(manifest):
    return {expression_key(one.expression) for one in manifest.expressions}


def left_out(manifest, reason):
    return {expression_key(d.expression): d.message for d in manifest.dropped if d.reason == reason}


@pytest.fixture
def show(tmp_path):
    return [subtitles(tmp_path / f"Harbour.Lights.S01E{n:02}.en.srt", said) for n, said in ((1, FIRST), (2, SECOND))]


def test_the_second_episode_teaches_nothing_of_the_first_and_says_so(tmp_path, show):
    first, second = (pipeline(tmp_path).analyze(subs) for subs in show)
    assert {"give up", "hang in there"} <= keys(first)
    assert keys(second)
    assert keys(first) & keys(second) == set()
    told = left_out(second, "taught before")
    assert {"give up", "hang in there"} <= set(told)
    assert set(told.values()) == {"Harbour.Lights.S01E01 taught it"}
    assert any("are not taught again" in note for note in second.notes)
    assert read_manifest(tmp_path / "out" / second.episode) == second


def test_only_earlier_episodes_count_in_whatever_order_they_are_made(tmp_path, show):
    second = pipeline(tmp_path).analyze(show[1])
    assert "give up" in keys(second)
    assert left_out(second, "taught before") == {}
    first = pipeline(tmp_path).analyze(show[0])
    assert "give up" in keys(first)
    assert left_out(first, "taught before") == {}
    assert "give up" not in keys(pipeline(tmp_path).analyze(show[1]))


def test_an_episode_made_again_keeps_its_own(tmp_path, show):
    before, again = (pipeline(tmp_path).analyze(show[0]) for _ in range(2))
    assert again.groups == before.groups
    assert again.dropped == before.dropped


def test_another_show_another_language_and_a_film_are_not_earlier_episodes(tmp_path, show):
    pipeline(tmp_path).analyze(show[0])
    other = subtitles(tmp_path / "Other.Show.S01E02.en.srt", SECOND)
    film = subtitles(tmp_path / "A Film (2019).en.srt", SECOND)
    assert "give up" in keys(pipeline(tmp_path).analyze(other))
    assert "give up" in keys(pipeline(tmp_path).analyze(film))
    assert "give up" in keys(pipeline(tmp_path, languages={"target": "ja"}).analyze(show[1]))


def test_it_is_taught_again_when_asked(tmp_path, show):
    pipeline(tmp_path).analyze(show[0])
    again = pipeline(tmp_path, learner={"repeat_taught": True}).analyze(show[1])
    assert "give up" in keys(again)
    assert left_out(again, "taught before") == {}


def test_a_catalogue_that_is_off_is_told(tmp_path, show):
    off = pipeline(tmp_path, database={"enabled": False})
    off.analyze(show[0])
    second = off.analyze(show[1])
    assert "give up" in keys(second)
    assert any("the catalogue is off" in note for note in second.notes)
    assert not list((tmp_path / "out").glob("catalogue*"))


def test_a_broken_catalogue_ends_the_run_before_any_work(tmp_path, show):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "catalogue.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(LangFlixError, match=r"catalogue\.db") as error:
        pipeline(tmp_path).analyze(show[0])
    assert error.value.hint
    assert not list((tmp_path / "out").rglob("manifest.json"))


def test_a_review_teaches_nothing_until_it_is_rendered(tmp_path, show):
    pipeline(tmp_path).analyze(show[0], review=True)
    assert "give up" in keys(pipeline(tmp_path).analyze(show[1]))


def test_known_lists_are_left_out_and_named(tmp_path, show):
    words = tmp_path / "words.txt"
    words.write_text("# mine\ngave it up\n")
    made = pipeline(tmp_path, learner={"known": [words]}).analyze(show[0])
    assert "give up" not in keys(made)
    assert left_out(made, "known") == {"give up": "it is in words.txt, line 2: gave it up"}
    assert "words.txt: 1 known expressions" in made.notes


def test_a_list_that_cannot_be_read_ends_the_run_before_any_work(tmp_path, show):
    with pytest.raises(InputError, match=r"none\.apkg"):
        pipeline(tmp_path, learner={"known": [tmp_path / "none.apkg"]}).analyze(show[0])
    assert not (tmp_path / "out").exists()


def test_the_level_rule_is_in_the_manifest(tmp_path, show):
    made = pipeline(tmp_path, level="B1").analyze(show[0])
    assert any(note.startswith("level B1: what is one level above counts most") for note in made.notes)
    assert all(one.ranking.why for one in made.expressions)


def test_two_films_of_a_series(tmp_path):
    videos = []
    for n, said in ((1, FIRST), (2, SECOND)):
        video = tmp_path / "Harbour Lights" / "Season 1" / f"S01E{n:02}.mp4"
        subtitles(video.with_suffix(".en.srt"), said)
        shutil.copy(SAMPLE.video, video)
        videos.append(video)
    options = {"lessons": {"preset": "ultrafast", "repeat_count": 1, "max_expressions": 2}}
    first, second = (pipeline(tmp_path, **options).run(video) for video in videos)
    assert len(first.lessons) == len(second.lessons) == 2
    assert keys(first) & keys(second) == set()
    assert keys(first) & set(left_out(second, "taught before"))


def test_a_catalogue_that_fails_at_the_end_costs_no_work_and_is_told(tmp_path, show):
    def spoil(stage, done, total, what):
        "Break the catalogue when everything is found."
        if stage == "write" and done == 0:
            with closing(sqlite3.connect(tmp_path / "out" / "catalogue.db")) as base:
                base.executescript("drop table expressions; drop table taught;")

    settings = pipeline(tmp_path).settings
    made = LangFlixPipeline(settings, progress=spoil).analyze(show[0])
    assert made.groups
    (note,) = [note for note in made.notes if note.startswith("the catalogue does not hold this episode")]
    assert "langflix catalogue rebuild" in note
    assert read_manifest(tmp_path / "out" / made.episode) == made
