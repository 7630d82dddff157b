"""Opening an episode again from its manifest: the same cues, or a clear word on what is not there or not the same."""

import shutil

import pytest

from langflix.core import InputError, SubtitleError
from langflix.config import Settings
from langflix.episode import open_subtitles, open_video, reopen, with_picture
from langflix.export import Manifest, Stats
from langflix.pipeline import sample_episode
from langflix.prompts import Item
from langflix.media import find_tools, run_ffmpeg
from langflix.groups import group_expressions
from langflix.timing import verify

SAMPLE = sample_episode()


def manifest_of(folder, **changes):
    "A manifest of the sample's subtitles in a folder."
    for file in (SAMPLE.subs, SAMPLE.subs_target):
        shutil.copy(file, folder)
    cues = open_subtitles(SAMPLE.subs, None, Settings()).cues
    words = " ".join(cues[2].text.split()[:2])
    item = Item(expression=words, cue_start=3, cue_end=3, context_start=2, context_end=4, level="B1", kind="idiom", score=0.5)
    (one,), _ = verify([item], cues, "embedded")
    made = Manifest(episode="sample", subtitles=str(folder / SAMPLE.subs.name), subtitles_target=str(folder / SAMPLE.subs_target.name),
                    groups=tuple(group_expressions([one])), stats=Stats(cues=len(cues)))  # fmt: skip
    return made.model_copy(update=changes)


def test_the_same_cues_come_back(tmp_path):
    episode, before = reopen(manifest_of(tmp_path), tmp_path), open_subtitles(SAMPLE.subs, SAMPLE.subs_target, Settings())
    assert (episode.name, episode.cues, episode.target_cues) == ("sample", before.cues, before.target_cues)


def test_a_relative_path_is_found_beside_the_manifest(tmp_path):
    manifest = manifest_of(tmp_path, subtitles=SAMPLE.subs.name, subtitles_target=None)
    assert reopen(manifest, tmp_path).target_cues == ()


@pytest.mark.parametrize(("file", "option"), [(SAMPLE.subs, "--subs"), (SAMPLE.subs_target, "--subs-target")])
def test_a_lost_file_is_named_with_the_option_that_helps(tmp_path, file, option):
    manifest = manifest_of(tmp_path)
    (tmp_path / file.name).unlink()
    with pytest.raises(InputError, match=file.name) as error:
        reopen(manifest, tmp_path)
    assert error.value.hint.endswith(f"with {option}.")
    assert reopen(manifest, tmp_path, **{option.strip("-").replace("-", "_"): file}).cues


def test_changed_subtitles_are_not_taken_for_the_same(tmp_path):
    manifest = manifest_of(tmp_path)
    path = tmp_path / SAMPLE.subs.name
    said = manifest.expressions[0].text.split()[0]
    text = path.read_text(encoding="utf-8-sig")
    path.write_text(text.replace(said, "Qwerty", 1) if said in text else "", encoding="utf-8")
    with pytest.raises(InputError, match="not what the manifest was made from: cue 3"):
        reopen(manifest, tmp_path)
    path.write_text(text + "\n\n999\n09:00:00,000 --> 09:00:02,000\nOne more line.\n", encoding="utf-8")
    with pytest.raises(InputError, match="cues and not"):
        reopen(manifest, tmp_path)


def test_a_film_that_is_missing_or_moved(tmp_path):
    tools = find_tools()
    without = reopen(manifest_of(tmp_path), tmp_path)
    with pytest.raises(InputError, match="subtitles alone"):
        with_picture(without, tmp_path, tools)
    gone = reopen(manifest_of(tmp_path, video="/nowhere/film.mp4"), tmp_path)
    with pytest.raises(InputError, match="there is no video") as error:
        with_picture(gone, tmp_path, tools)
    assert "--video" in error.value.hint
    moved = reopen(manifest_of(tmp_path, video="/nowhere/film.mp4"), tmp_path, video=SAMPLE.video)
    assert with_picture(moved, tmp_path, tools).info.duration_ms > 0


# ---- another language than the one that is learned, and a film without sound

SPANISH = "No sé qué es lo que quieres. | Yo no te lo dije, pero ya está hecho. | ¿Por qué no vamos a la casa de mi hermano? | Eso es todo lo que hay que hacer. | Muy bien, pero no me gusta la idea."


def srt(path, lines):
    "Subtitles of two seconds a line."
    path.write_text("\n".join(f"{n + 1}\n00:00:{n * 2 % 60:02},000 --> 00:00:{n * 2 % 60 + 1:02},000\n{line}\n" for n, line in enumerate(lines)), encoding="utf-8")
    return path


def test_subtitles_of_another_language_than_the_spoken_one_are_refused_with_the_way_out(tmp_path):
    for path, found in ((SAMPLE.subs_target, "Hangul"), (srt(tmp_path / "a.srt", SPANISH.split(" | ") * 5), "Spanish")):
        with pytest.raises(SubtitleError, match=found) as error:
            open_subtitles(path, None, Settings())
        assert path.name in error.value.message
        assert "--source-lang" in error.value.hint
    assert open_subtitles(SAMPLE.subs_target, None, Settings(languages={"source": "ko", "target": "en"})).cues


@pytest.mark.parametrize("lines", [["12", "34", "la la la"] * 40, ["Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor"] * 20,
                                   ["Hang in there.\n힘내."] * 20, ["Привет!"] * 3])  # fmt: skip
def test_what_may_be_the_language_is_not_refused(tmp_path, lines):
    assert open_subtitles(srt(tmp_path / "a.srt", lines), None, Settings()).cues


def test_a_translation_in_another_language_is_noted():
    assert any("--subs-target" in note for note in open_subtitles(SAMPLE.subs, SAMPLE.subs, Settings()).notes)
    assert not any("--subs-target" in note for note in open_subtitles(SAMPLE.subs, SAMPLE.subs_target, Settings()).notes)


def test_a_silent_film_is_noted(tmp_path):
    tools, film = find_tools(), tmp_path / "silent.mp4"
    run_ffmpeg(["-i", str(SAMPLE.video), "-t", "2", "-an", "-c", "copy", str(film)], tools)
    assert open_video(film, SAMPLE.subs, None, Settings(), tools).notes == ("silent.mp4: the film has no sound, and its lessons will have none",)
    assert not any("sound" in note for note in open_video(SAMPLE.video, SAMPLE.subs, None, Settings(), tools).notes)
