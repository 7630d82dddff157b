"""The sound track: voices, effects, room tone and a few notes, in stereo."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from effects import place_in, room_tone, tune
from timeline import RATE, Play, Timeline

PAN = {"maya": 0.42, "theo": 0.5, "opal": 0.58, "": 0.5}  # 0 left, 1 right


def echoed(sound: np.ndarray) -> np.ndarray:
    """`sound` in a small room; the first echo is 24 dB down and the room is silent soon after."""
    wet = np.concatenate([sound, np.zeros(RATE // 12)])
    for delay_ms, gain in [(11, 0.06), (19, 0.045), (31, 0.03), (47, 0.02)]:
        place_in(wet, sound, delay_ms / 1000, gain)
    return wet


def add_rooms(track: np.ndarray, play: Play, time: Timeline) -> None:
    """Lay each scene's room tone under it, crossing over at the cuts."""
    ends = [*time.cuts_ms[1:], time.end_ms]
    for scene, start_ms, end_ms in zip(play["scenes"], time.cuts_ms, ends, strict=True):
        sound = room_tone(scene["place"], (end_ms - start_ms) / 1000 + 0.5)
        ramp = np.minimum(1, np.arange(len(sound)) / (0.5 * RATE))
        place_in(track, sound * ramp * ramp[::-1], max(0, start_ms / 1000 - 0.25))


def add_tunes(track: np.ndarray, play: Play, time: Timeline) -> None:
    """Play a few notes before the first cue, in every long pause and at the end."""
    place_in(track, tune(), 0.3)
    for scene, cut_ms in list(zip(play["scenes"], time.cuts_ms, strict=True))[1:]:
        if scene["pause_ms"] >= 5000:
            place_in(track, tune(time.cuts_ms.index(cut_ms)), cut_ms / 1000 - 1.8, 0.8)
    place_in(track, tune(), time.cues[-1].end_ms / 1000 + 0.3)


def mix(play: Play, time: Timeline) -> np.ndarray:
    """The whole track, shape (samples, 2)."""
    bed = np.zeros(round(time.end_ms / 1000 * RATE))
    add_rooms(bed, play, time)
    add_tunes(bed, play, time)
    sides = [bed.copy(), bed.copy()]
    for take in (take for cue in time.cues for take in cue.takes):
        for side, gain in zip(sides, (1 - PAN[take.by], PAN[take.by]), strict=True):
            place_in(side, echoed(take.sound), take.start_ms / 1000, 2 * gain)
    return np.stack(sides, axis=1)


def write_wave(track: np.ndarray, path: Path) -> None:
    """Write `track` as 16-bit stereo."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(track, -0.99, 0.99) * 32767).astype("<i2").tobytes())
