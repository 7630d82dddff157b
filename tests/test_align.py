"""A second subtitle file is put onto the first one's clock when it surely belongs to it, and never otherwise."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langflix.align import Fit, align, find_fit, follow, moved_cues
from langflix.config import Settings
from langflix.core import Cue, format_ms
from langflix.pipeline import LangFlixPipeline, open_subtitles, sample_episode
from langflix.subtitles import load_cues

SAMPLE = sample_episode()
EN, KO = load_cues(SAMPLE.subs), load_cues(SAMPLE.subs_target)
PAL = 25 * 1001 / 24000


def warped(cues, scale=1.0, offset_ms=0):
    "The same lines at other times; what would begin before the film is left out."
    new = (replace(c, start_ms=round(c.start_ms * scale + offset_ms), end_ms=round(c.end_ms * scale + offset_ms)) for c in cues)
    return [cue for cue in new if cue.start_ms >= 0]


def dialogue(seed, lines):
    "A film in which people speak, pause and are silent."
    dice, now, cues = random.Random(seed), 2000, []
    for index in range(1, lines + 1):
        length = dice.randint(700, 4000)
        cues.append(Cue(index, now, now + length, f"line {index}"))
        now += length + 80 + int(dice.expovariate(1 / 900)) + (dice.random() < 0.05) * dice.randint(3000, 40_000)
    return cues


def other_hand(cues, seed=3):
    "The same film by another translator: some lines left out, some joined, all borders a little different."
    dice, made, rest = random.Random(seed), [], iter(cues)
    for cue in rest:
        if dice.random() < 0.2:
            continue
        end = cue.end_ms
        if dice.random() < 0.25 and (after := next(rest, None)) and after.start_ms - end < 800:
            end = after.end_ms
        start = max(cue.start_ms + dice.randint(-300, 300), 0)
        made.append(Cue(len(made) + 1, start, max(start + 400, end + dice.randint(-300, 600)), cue.text))
    return made


# Lines by time.

CUES = [Cue(i, i * 2000, i * 2000 + 1500, "x", kind="music" if i == 6 else "speech") for i in range(1, 9)]


def test_lines_follow_time_not_numbers():
    target = [Cue(1, 2000, 3500, "하나"), Cue(2, 4000, 7500, "둘과 셋"), Cue(3, 8000, 8600, "넷 앞"), Cue(4, 8700, 9500, "넷 뒤"), Cue(5, 9550, 9900, "늦음")]
    assert align(CUES, target) == {1: "하나", 2: "둘과 셋", 3: "둘과 셋", 4: "넷 앞 넷 뒤"}


def test_a_line_that_only_touches_is_ignored():
    assert align([Cue(1, 0, 2000, "a")], [Cue(1, 1900, 5000, "b")]) == {}


def test_only_speech_is_given_lines_and_gives_them():
    assert align(CUES[5:6], [Cue(1, 12_000, 13_500, "노래")]) == {}
    assert align(CUES[:1], [Cue(1, 2000, 3500, "문 소리", kind="sound")]) == {}


def test_nothing_comes_of_nothing():
    assert align([], KO) == align(EN, []) == {}
    assert follow(EN, []) == ([], "")
    assert follow([], KO) == (KO, "")


# The same film, other times.


@pytest.mark.parametrize(
    ("scale", "offset_ms", "says"),
    [
        (1, 2400, "ko.srt runs 2.4 s late: shifted"),
        (1, -1500, "ko.srt runs 1.5 s early: shifted"),
        (1, 60_000, "ko.srt runs 60.0 s late: shifted"),
        (1, -60_000, "ko.srt runs 60.0 s early: shifted"),
        (PAL, 0, "ko.srt is timed for 23.976 instead of 25 frames a second: compressed"),
        (1 / PAL, 0, "ko.srt is timed for 25 instead of 23.976 frames a second: stretched"),
        (PAL, 20_000, "ko.srt is timed for 23.976 instead of 25 frames a second and starts 20.0 s late: compressed and shifted"),
        (1 / PAL, -3000, "ko.srt is timed for 25 instead of 23.976 frames a second and starts 3.0 s early: stretched and shifted"),
    ],
)
def test_the_sample_is_put_right_and_the_note_says_how(scale, offset_ms, says):
    theirs = warped(KO, scale, offset_ms)
    mended, note = follow(EN, theirs, "ko.srt", "en.srt")
    assert note.startswith(says), note
    before = {cue.index: cue for cue in KO}
    assert max(abs(cue.start_ms - before[cue.index].start_ms) for cue in mended) <= 150
    right = {index: line for index, line in align(EN, KO).items() if EN[index - 1].start_ms >= max(-offset_ms, 0)}
    assert align(EN, mended).items() >= right.items()


def test_files_that_agree_are_left_alone():
    assert follow(EN, KO) == (KO, "")
    slightly = warped(KO, 1, 120)
    assert follow(EN, slightly) == (slightly, "")


@pytest.mark.parametrize(("scale", "offset_ms"), [(1, 2400), (1, -60_000), (PAL, 58_000), (1 / PAL, 0), (1.0005, 0), (1.006, 9000), (0.9893, 3000), (1.001, 0)])
def test_another_translators_file_with_missing_and_merged_lines_is_put_right(scale, offset_ms):
    ours = dialogue(1, 400)
    mended, note = follow(ours, warped(other_hand(ours), scale, offset_ms))
    assert "confidence" in note
    assert "clearly" not in note
    starts = {cue.text: cue.start_ms for cue in ours}
    apart = sorted(cue.start_ms - starts[cue.text] for cue in mended)
    assert max(map(abs, (apart[len(apart) // 20], apart[-len(apart) // 20]))) < 500  # their own borders differ by 300


@pytest.mark.parametrize("part", [KO[:45], KO[45:], KO[::2], [replace(a, end_ms=b.end_ms) for a, b in zip(KO[::2], KO[1::2], strict=True)]], ids=["first half", "second half", "every other", "merged"])
def test_a_part_of_the_lines_is_enough(part):
    mended, note = follow(EN, warped(part, 1, 4000))
    assert "4.0 s late" in note
    assert all(abs(a.start_ms - b.start_ms) <= 200 for a, b in zip(mended, part, strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_a_file_of_another_film_is_used_as_it_is_and_the_note_says_so(seed):
    theirs = dialogue(seed, 75)
    assert follow(EN, theirs, "a.ko.srt", "a.en.srt")[0] == theirs
    assert "a.ko.srt does not clearly go with a.en.srt" in follow(EN, theirs, "a.ko.srt", "a.en.srt")[1]


@pytest.mark.parametrize("lines", [1, 5, 11])
def test_few_lines_tell_nothing_and_nothing_is_done(lines):
    theirs = warped(KO[:lines], 1, 5000)
    assert find_fit(EN, theirs).confidence == 0
    assert follow(EN, theirs) == (theirs, "")


def test_lines_before_the_film_begins_are_left_out():
    early = moved_cues([Cue(1, 0, 900, "a"), Cue(2, 500, 2000, "b"), Cue(3, 3000, 4000, "c")], Fit(1.0, -1000))
    assert [(cue.text, cue.start_ms, cue.end_ms) for cue in early] == [("b", 0, 1000), ("c", 2000, 3000)]


ANY_CUES = st.lists(st.tuples(st.integers(0, 90_000), st.integers(0, 5000)), max_size=30).map(
    lambda raw: [Cue(i, start, start + length, "x") for i, (start, length) in enumerate(sorted(raw), 1)]
)


@settings(deadline=None, max_examples=60)
@given(ANY_CUES, ANY_CUES)
def test_no_two_files_break_it(ours, theirs):
    mended, _ = follow(ours, theirs)
    assert all(cue.start_ms >= 0 for cue in mended)
    assert set(align(ours, mended)) <= {cue.index for cue in ours}


def write_srt(path, cues):
    rows = (f"{c.index}\n{format_ms(c.start_ms)} --> {format_ms(c.end_ms)}\n{c.text}\n" for c in cues)
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_an_episode_has_the_shifted_lines_and_the_note(tmp_path):
    episode = open_subtitles(SAMPLE.subs, write_srt(tmp_path / "late.ko.srt", warped(KO, 1, 2400)), Settings())
    plain = open_subtitles(SAMPLE.subs, SAMPLE.subs_target, Settings())
    assert [note for note in episode.notes if "late.ko.srt runs 2.4 s late: shifted" in note]
    assert not [note for note in plain.notes if "shifted" in note]
    assert align(episode.cues, episode.target_cues) == align(plain.cues, plain.target_cues)


def test_scenes_without_a_line_are_named_in_a_note(tmp_path):
    pipeline = LangFlixPipeline(Settings(analyzer="embedded", paths={"cache": tmp_path / "cache"}))
    half = write_srt(tmp_path / "half.ko.srt", KO[:45])
    manifest = pipeline.analyze(SAMPLE.subs, subs_target=half, out=tmp_path / "out")
    (note,) = (note for note in manifest.notes if "scenes have no ko lines" in note)
    late = [group for group in manifest.groups if group.context_start_ms > KO[44].end_ms]
    assert note.startswith(f"{len(late)} of {len(manifest.groups)} scenes have no ko lines: those at ")
    whole = pipeline.analyze(SAMPLE.subs, subs_target=SAMPLE.subs_target, out=tmp_path / "out")
    none = pipeline.analyze(SAMPLE.subs, out=tmp_path / "out")
    assert not [note for note in whole.notes if "no ko lines" in note]
    assert [note for note in none.notes if "give subtitles in that language with --subs-target" in note]
