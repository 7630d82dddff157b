"""Voices: espeak-ng reads a line, the silence around it is cut off, the rest is made softer to the ear."""

from __future__ import annotations

import io
import subprocess
import tempfile
import wave
from functools import cache
from pathlib import Path

import numpy as np
from timeline import RATE, Beat

LOUDNESS = 0.11  # root mean square of every spoken line
SONG = [58, 62, 70, 54, 58, 66, 58, 62, 70, 66, 58, 50]  # espeak pitch of each sung word


def read_wave(path: Path) -> tuple[np.ndarray, int]:
    """The mono samples (-1..1) and the rate of a 16-bit WAV file."""
    with wave.open(io.BytesIO(path.read_bytes())) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return data.astype(np.float64) / 32768, file.getframerate()


def resample(sound: np.ndarray, rate: int) -> np.ndarray:
    """`sound` at `RATE`, by way of its spectrum."""
    size = round(len(sound) * RATE / rate)
    spectrum = np.zeros(size // 2 + 1, dtype=complex)
    source = np.fft.rfft(sound)
    spectrum[: len(source)] = source
    return np.fft.irfft(spectrum, size) * size / len(sound)


def trimmed(sound: np.ndarray, floor_db: float = -37.0) -> np.ndarray:
    """`sound` without what is quieter than `floor_db` below its peak at either end."""
    loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() * 10 ** (floor_db / 20))
    piece = sound[loud[0] : loud[-1] + 1].copy()
    ramp = np.linspace(0, 1, RATE // 250)  # 4 ms, against clicks
    piece[: len(ramp)] *= ramp
    piece[-len(ramp) :] *= ramp[::-1]
    return piece


def band(sound: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    """`sound` with soft edges at `low_hz` and `high_hz`."""
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    low = 1 / (1 + (low_hz / np.maximum(hertz, 1)) ** 4)
    high = 1 / (1 + (hertz / high_hz) ** 4)
    return np.fft.irfft(np.fft.rfft(sound) * low * high, len(sound))


def levelled(sound: np.ndarray, loudness: float = LOUDNESS) -> np.ndarray:
    """`sound` at one loudness, its peaks rounded off."""
    return np.tanh(sound * loudness / np.sqrt(np.mean(sound**2)) * 1.1) / 1.1


@cache
def espeak(text: str, voice: str, pitch: int, speed: int) -> np.ndarray:
    """The trimmed samples of `text`; `speed` in words a minute."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        command = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "-w", str(path), text]
        subprocess.run(command, check=True, capture_output=True)
        return trimmed(resample(*read_wave(path)))


def sing(text: str, voice: str) -> np.ndarray:
    """`text` word by word, each on its own pitch."""
    words = [espeak(word, voice, SONG[i % len(SONG)], 125) for i, word in enumerate(text.split())]
    rest = np.zeros(RATE // 16)
    return np.concatenate([part for word in words for part in (word, rest)][:-1])


class Cast:
    """The voices of a play by name."""

    def __init__(self, cast: dict[str, Beat]):  # name -> voice, pitch, speed
        self.cast = cast

    def speak(self, line: Beat) -> np.ndarray:
        """The finished sound of one line."""
        actor = self.cast[line["by"]]
        if line.get("song"):
            sound = sing(line["say"].replace(",", ""), actor["voice"])
        else:
            sound = espeak(line["say"], actor["voice"], actor["pitch"], actor["speed"])
        wide = (450, 2800) if line.get("unseen") else (90, 7500)
        return trimmed(levelled(band(sound, *wide)))
