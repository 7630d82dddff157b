"""Sound effects and room tone, all computed: no recording is used."""

from __future__ import annotations

import zlib

import numpy as np
from timeline import RATE
from voices import band, levelled, trimmed


def dice(name: str) -> np.random.Generator:
    """Random numbers that are always the same for the same name."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def seconds(length: float) -> np.ndarray:
    """The time axis of a sound of `length` seconds."""
    return np.arange(round(length * RATE)) / RATE


def noise(name: str, length: float, low_hz: float, high_hz: float) -> np.ndarray:
    """Noise between two frequencies, peak about 1."""
    sound = band(dice(name).standard_normal(round(length * RATE)), low_hz, high_hz)
    return sound / np.abs(sound).max()


def pluck(hertz: float, length: float = 1.6) -> np.ndarray:
    """One note of a thumb piano."""
    t = seconds(length)
    tone = np.sin(2 * np.pi * hertz * t) * np.exp(-3.2 * t)
    shine = np.sin(2 * np.pi * hertz * 3.01 * t) * np.exp(-9 * t)
    return (tone + 0.25 * shine) * np.minimum(1, t * 200)


def place_in(track: np.ndarray, sound: np.ndarray, at_s: float, gain: float = 1.0) -> None:
    """Add `sound` to `track` at `at_s` seconds; what does not fit is cut off."""
    start = round(at_s * RATE)
    room = max(0, min(len(sound), len(track) - start))
    track[start : start + room] += sound[:room] * gain


def crash() -> np.ndarray:
    """Something large and tinny meets the floor."""
    track = np.zeros(round(1.5 * RATE))
    for i, hertz in enumerate([187, 263, 391, 557, 823, 1187]):
        place_in(track, pluck(hertz, 1.1), 0.012 * i, 0.4)
    place_in(track, noise("crash", 0.5, 200, 6000) * np.exp(-9 * seconds(0.5)), 0)
    place_in(track, noise("clatter", 0.3, 900, 5000) * np.exp(-14 * seconds(0.3)), 0.45, 0.5)
    return track


def meow() -> np.ndarray:
    """A cat with an opinion."""
    t = seconds(0.85)
    hertz = 520 + 260 * np.sin(np.pi * np.minimum(1, t / 0.7)) - 160 * t
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    voice = sum(np.sin(k * phase) / k**1.3 * (1 + np.sin(k + 5 * t)) for k in range(1, 8))
    return voice * np.sin(np.pi * t / 0.85) ** 0.7


def thunder() -> np.ndarray:
    """A long way off."""
    t = seconds(2.4)
    roll = 0.6 + 0.4 * np.sin(2 * np.pi * 1.7 * t + 2 * np.sin(3 * t))
    return noise("thunder", 2.4, 30, 260) * roll * np.minimum(1, t * 12) * np.exp(-1.3 * t)


def inhale() -> np.ndarray:
    """One deep breath."""
    t = seconds(1.4)
    return noise("inhale", 1.4, 700, 3800) * np.sin(np.pi * t / 1.4) ** 2 * (0.4 + 0.6 * t / 1.4)


def ding() -> np.ndarray:
    """A kitchen timer."""
    track = np.zeros(round(1.1 * RATE))
    for at_s in (0.0, 0.22):
        place_in(track, pluck(1976, 0.9), at_s)
        place_in(track, pluck(2637, 0.9), at_s, 0.5)
    return track


def murmur() -> np.ndarray:
    """Twelve people before the play."""
    t = seconds(1.6)
    talk = sum(noise(f"talk{i}", 1.6, 180 + 30 * i, 500 + 120 * i) * (1 + np.sin((9 + 2.3 * i) * t + i))
               for i in range(6))
    return talk * np.sin(np.pi * t / 1.6) ** 0.6


def curtain() -> np.ndarray:
    """Heavy cloth on rings."""
    t = seconds(1.5)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * 11 * t) ** 8
    return noise("curtain", 1.5, 300, 4200) * rings * np.sin(np.pi * t / 1.5)


def laugh() -> np.ndarray:
    """Twelve people in a good mood."""
    rng, track = dice("laugh"), np.zeros(round(1.9 * RATE))
    for _ in range(12):
        t = seconds(1.2)
        pitch = rng.uniform(130, 330) * (1 - 0.12 * t)
        tone = sum(np.sin(k * 2 * np.pi * np.cumsum(pitch) / RATE) / k for k in range(1, 9))
        ha = np.maximum(0, np.sin(2 * np.pi * rng.uniform(4.2, 5.6) * t + rng.uniform(0, 3))) ** 2
        place_in(track, band(tone, 500, 1800) * ha * np.exp(-1.1 * t), rng.uniform(0, 0.6))
    return track


def applause() -> np.ndarray:
    """Twelve people who clap like thirty."""
    rng, track = dice("applause"), np.zeros(round(3.0 * RATE))
    claps = [noise(f"clap{i}", 0.05, 700 + 90 * i, 3200) * np.exp(-90 * seconds(0.05)) for i in range(8)]
    for at_s in rng.uniform(0, 2.9, 420):
        place_in(track, claps[int(rng.integers(8))], at_s, rng.uniform(0.3, 1.0))
    t = seconds(3.0)
    return track * np.minimum(1, t * 4) * np.minimum(1, (3.0 - t) * 1.2)


def purr() -> np.ndarray:
    """The sound of somebody who ate the moon."""
    t = seconds(1.9)
    beat = np.maximum(0, np.sin(2 * np.pi * 25 * t)) * (0.7 + 0.3 * np.sin(2 * np.pi * 0.9 * t))
    return noise("purr", 1.9, 60, 700) * beat * np.minimum(1, t * 5) * np.minimum(1, (1.9 - t) * 5)


EFFECTS = {make.__name__: (make, level) for make, level in [
    (crash, 0.1), (meow, 0.07), (thunder, 0.09), (inhale, 0.05), (ding, 0.06), (murmur, 0.04),
    (curtain, 0.05), (laugh, 0.07), (applause, 0.08), (purr, 0.06)]}


def effect(name: str) -> np.ndarray:
    """The named effect at its own loudness."""
    make, loudness = EFFECTS[name]
    return trimmed(levelled(make(), loudness), -30)


ROOM_TONE = {  # place -> (low Hz, high Hz, root mean square, waves per second)
    "backstage": (60, 300, 0.0016, 0.0), "street": (900, 6000, 0.0022, 0.13), "kitchen": (80, 900, 0.0018, 0.4),
    "rooftop": (120, 600, 0.0022, 0.21), "wings": (90, 500, 0.0018, 0.5), "stage": (90, 500, 0.0014, 0.3),
    "marquee": (100, 700, 0.0018, 0.17)}


def room_tone(place: str, length_s: float) -> np.ndarray:
    """The quiet sound a place makes while nobody speaks."""
    low, high, loudness, swell = ROOM_TONE[place]
    sound = noise(place, length_s, low, high) * (1 + 0.3 * np.sin(2 * np.pi * swell * seconds(length_s)))
    return sound * loudness / np.sqrt(np.mean(sound**2))


TUNE = [(0, 392.0), (0.3, 494.0), (0.6, 587.3), (1.2, 784.0), (1.8, 659.3), (2.1, 587.3), (2.7, 494.0), (3.0, 440.0)]


def tune(start: int = 0) -> np.ndarray:
    """A few notes between two scenes; `start` varies where the melody begins."""
    track = np.zeros(round(4.6 * RATE))
    for i, (at_s, _) in enumerate(TUNE):
        place_in(track, pluck(TUNE[(i + start) % len(TUNE)][1]), at_s)
    return levelled(track, 0.016)
