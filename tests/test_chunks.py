"""Cuts fall at silences, every cue is owned once, and the work grows linearly."""

import random

from hypothesis import given
from hypothesis import strategies as st

from langflix.chunks import contexts, estimate_tokens, make_chunks, scenes
from langflix.core import Cue
import itertools


def talk(pauses, seconds=2, text="We should go home now.", kind="speech"):
    "Cues of equal length, each after the given pause in milliseconds."
    cues, now = [], 0
    for i, pause in enumerate(pauses, 1):
        cues.append(Cue(i, now + pause, now + pause + seconds * 1000, text, kind=kind))
        now += pause + seconds * 1000
    return cues


PAUSES = st.lists(st.integers(0, 8000), max_size=80)


@given(PAUSES)
def test_scenes_hold_every_cue_once_and_end_at_silences(pauses):
    cues = talk(pauses)
    found = scenes(cues)
    assert [cue for scene in found for cue in scene] == cues
    assert all(b[0].start_ms - a[-1].end_ms >= 4000 for a, b in itertools.pairwise(found))
    assert all(b.start_ms - a.end_ms < 4000 for scene in found for a, b in itertools.pairwise(scene))


def test_music_between_two_scenes_does_not_join_them():
    cues = [Cue(1, 0, 1000, "Bye."), Cue(2, 2000, 5500, "♪ la la ♪", kind="music"), Cue(3, 6000, 7000, "Hello.")]
    assert [[cue.index for cue in scene] for scene in scenes(cues)] == [[1, 2], [3]]


@given(PAUSES, st.integers(3000, 30_000))
def test_contexts_cover_speech_once_stay_short_and_inside_scenes(pauses, max_ms):
    cues = talk(pauses)
    windows = contexts(cues, max_ms)
    assert [i for first, last in windows for i in range(first, last + 1)] == [cue.index for cue in cues]
    scene_of = {cue.index: n for n, scene in enumerate(scenes(cues)) for cue in scene}
    for first, last in windows:
        assert scene_of[first] == scene_of[last]
        assert first == last or cues[last - 1].end_ms - cues[first - 1].start_ms <= max_ms


def test_a_context_is_cut_after_a_sentence():
    lines = ["I was thinking,", "well, hoping,", "that you might come.", "To the party.", "On Friday night,", "if you are free."]
    cues = [Cue(i, i * 3000, i * 3000 + 2800, line) for i, line in enumerate(lines, 1)]
    assert contexts(cues, 10_000) == [(1, 3), (4, 6)]


@given(PAUSES, st.integers(20, 400), st.integers(0, 5))
def test_every_cue_is_owned_by_exactly_one_chunk_which_also_reads_it(pauses, budget, overlap):
    cues = talk(pauses)
    chunks = make_chunks(cues, budget, overlap)
    assert [i for chunk in chunks for i in range(chunk.own_start, chunk.own_end + 1)] == [cue.index for cue in cues]
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    for chunk in chunks:
        indexes = [cue.index for cue in chunk.cues]
        assert indexes == list(range(indexes[0], indexes[-1] + 1))
        assert indexes[0] <= chunk.own_start <= chunk.own_end <= indexes[-1]
        assert chunk.own_start - indexes[0] <= overlap
        assert indexes[-1] - chunk.own_end <= overlap


def test_chunks_overlap_only_where_a_scene_was_cut():
    cues = talk(([5000] + [100] * 19) * 2)
    whole, cut = make_chunks(cues, 250), make_chunks(cues, 100)
    assert [len(chunk.cues) for chunk in whole] == [20, 20]
    assert len(cut) > 2
    borders = [(a.cues[-1].index - a.own_end, b.own_start - b.cues[0].index) for a, b in itertools.pairwise(cut)]
    assert all(pair == ((0, 0) if a.own_end == 20 else (3, 3)) for pair, a in zip(borders, cut, strict=False))


def test_chunks_keep_to_the_budget_where_contexts_allow():
    random.seed(7)
    cues = talk([random.choice((50, 300, 900, 5000)) for _ in range(500)])
    assert max(sum(estimate_tokens(c.text) + 3 for c in chunk.cues if chunk.owns(c.index)) for chunk in make_chunks(cues, 200)) <= 200


def test_no_cues_no_chunks():
    assert (scenes([]), contexts([]), make_chunks([])) == ([], [], [])


def test_dense_scripts_cost_a_token_for_each_sign():
    assert estimate_tokens("안녕하세요") == 5
    assert estimate_tokens("x" * 40) == 10
    assert estimate_tokens("") == 1
