"""The play laid out in time: every cue starts and ends with the sound that was measured for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import yaml

RATE = 48_000  # samples per second of every sound
FPS = Fraction(24_000, 1_001)  # frames per second of the picture
TAIL_MS = 40  # a cue stays this long after its last sample
TURN_MS = 240  # silence between two speakers who share a cue

Beat = dict[str, Any]
Play = dict[str, Any]


@dataclass(frozen=True)
class Take:
    """One recorded sound and the moment it begins."""

    by: str  # who is heard; empty for a sound effect
    start_ms: int
    sound: np.ndarray  # mono, -1..1
    unseen: bool = False  # heard from outside the picture
    mood: str = "calm"

    @property
    def end_ms(self) -> float:
        """The moment its last sample has been heard."""
        return self.start_ms + len(self.sound) / RATE * 1000


@dataclass(frozen=True)
class Cue:
    """One English subtitle with what is heard during it."""

    number: int  # from 1, as in the SRT
    scene: int  # index of the scene
    start_ms: int
    end_ms: int
    beat: Beat
    takes: tuple[Take, ...]


@dataclass(frozen=True)
class Timeline:
    """All cues, the picture's cuts and the total length."""

    cues: tuple[Cue, ...]
    cuts_ms: tuple[int, ...]  # when each scene's picture begins
    end_ms: int

    @property
    def frames(self) -> int:
        """How many frames the film has."""
        return round(self.end_ms * FPS / 1000)


def read_play(path: Path) -> Play:
    """The play as written in `path`."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def spoken(en: str) -> str:
    """The words a voice reads from a subtitle: no name, no tags, no notes."""
    text = re.sub(r"</?i>|♪", "", en)
    text = re.sub(r"^[A-Z]+: ", "", text.strip())
    return " ".join(text.split())


def lines_of(beat: Beat) -> list[Beat]:
    """What each speaker of a beat says; none for a sound effect."""
    if "lines" in beat:
        return beat["lines"]
    if "sound" in beat:
        return []
    return [{**beat, "say": beat.get("say", spoken(beat["en"]))}]


def up_to_10(ms: float) -> int:
    """`ms` rounded up to 10 ms, so that the hundredths of ASS lose nothing."""
    return -int(-ms // 10) * 10


def record(beat: Beat, start_ms: int, speak: Callable[[Beat], np.ndarray],
           effect: Callable[[str], np.ndarray]) -> Iterator[Take]:
    """Yield the takes of one beat, one after the other from `start_ms`."""
    if "sound" in beat:
        yield Take(beat.get("by", ""), start_ms, effect(beat["sound"]), mood=beat.get("mood", "calm"))
    for line in lines_of(beat):
        take = Take(line["by"], start_ms, speak(line), line.get("unseen", False), line.get("mood", "calm"))
        yield take
        start_ms = up_to_10(take.end_ms) + TURN_MS


def gaps(play: Play) -> Iterator[tuple[int, Beat, int, bool]]:
    """Yield scene, beat, pause before it in ms and whether it opens the scene."""
    for index, scene in enumerate(play["scenes"]):
        for place, beat in enumerate(scene["beats"]):
            opens = place == 0
            usual = beat.get("gap_ms", play["usual_gap_ms"])
            yield index, beat, scene["pause_ms"] if opens else usual, opens


def lay_out(play: Play, speak: Callable[[Beat], np.ndarray], effect: Callable[[str], np.ndarray]) -> Timeline:
    """Give every beat its place in time, measuring each voice as it comes."""
    cues: list[Cue] = []
    cuts: list[int] = []
    now = play["title_ms"]
    for scene, beat, gap_ms, opens in gaps(play):
        if opens:
            cuts.append(int(now + 0.4 * gap_ms) if cues else 0)
        start = up_to_10(now + gap_ms)
        takes = tuple(record(beat, start, speak, effect))
        now = up_to_10(takes[-1].end_ms + TAIL_MS)
        cues.append(Cue(len(cues) + 1, scene, start, now, beat, takes))
    return Timeline(tuple(cues), tuple(cuts), now + play["closing_ms"])
