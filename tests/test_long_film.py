"At the end of ten minutes every frame is still the one that was asked for, and its sound is with it."

import array
import math
import subprocess
from bisect import bisect_left
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from films import numbers, samples

from langflix.media import Tools, find_tools, probe, sample_count
from langflix.segments import Layout, render_segment, segment_spec

pytestmark = pytest.mark.media
RATE, CLICK_EVERY, WIDTH, HEIGHT, CELL = 48_000, 24, 160, 90, 8
NTSC = Fraction(30000, 1001)
SMALL = Layout("long", 320, 180, (1920, 1080), 140, 64)


def _frame(number: int) -> bytes:
    "A grey frame whose first rows are its number in sixteen bright or dark cells."
    top = b"".join(bytes([235 if number >> place & 1 else 16]) * CELL for place in range(15, -1, -1)).ljust(WIDTH, b"\x50")
    return top * CELL + bytes([100]) * (WIDTH * (HEIGHT - CELL))


def _clicks(moments: list[float], path: Path) -> None:
    "Silence with a short loud click at some moments, in seconds."
    sound = array.array("h", bytes(2 * RATE * 602))
    click = array.array("h", (round(20_000 * math.cos(place / RATE * math.tau * 1000)) for place in range(480)))
    for moment in moments:
        start = round(moment * RATE)
        sound[start : start + 480] = click
    path.write_bytes(sound.tobytes())


def long_film(path: Path, tools: Tools, frames: int, moment: Callable[[int], float], *uneven: str) -> Path:
    "Ten minutes in which a click is heard with every 24th frame."
    pcm = path.with_suffix(".pcm")
    _clicks([moment(number) for number in range(0, frames, CLICK_EVERY)], pcm)
    source = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(NTSC), "-i", "-", "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", str(pcm)]
    args = ["-map", "0:v", "-map", "1:a", "-c:a", "aac", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-g", "600", "-bf", "2", "-pix_fmt", "yuv420p", "-threads", "1"]
    command = [str(tools.ffmpeg), "-v", "error", "-y", *source, *uneven, *args, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as running:
        assert running.stdin
        for number in range(frames):
            running.stdin.write(_frame(number))
    assert running.returncode == 0
    pcm.unlink()
    return path


def check(film: Path, tools: Tools, moments: list[float]) -> None:
    "The frames of a segment at 9:50, and the clicks in its sound, which may all have been moved by as much when the film was written."
    info = probe(film, tools)
    moments = [moment - moments[0] + float(info.first_frame_s) for moment in moments]
    assert info.duration_ms == pytest.approx(600_000, abs=2500)
    spec = segment_spec("clip", info, "film", (590_000, 593_000), SMALL, audio=info.audio[0].index, preset="ultrafast")
    target = film.with_suffix(".mov")
    render_segment(spec, target, tools, threads=1)
    ticks = [float(info.first_frame_s + (spec.first + number + Fraction(1, 2)) / info.fps) for number in range(spec.frames)]
    assert numbers(target, tools) == [bisect_left(moments, tick) - 1 for tick in ticks]
    sound, begin = samples(target, tools), float(info.first_frame_s + spec.first / info.fps)
    assert len(sound) == sample_count(spec.frames, spec.fps)
    wanted = [moment - begin for moment in moments[::CLICK_EVERY] if 0.1 < moment - begin < 2.9]
    assert len(wanted) >= 3
    for seconds in wanted:
        near = range(round((seconds - 0.1) * RATE), round((seconds + 0.1) * RATE))
        heard = next(place for place in near if abs(sound[place]) > 6000)
        assert abs(heard / RATE - seconds) < 0.020


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find_tools()


def test_at_a_steady_rate(tools: Tools, tmp_path: Path) -> None:
    moments = [float(number / NTSC) for number in range(round(600 * NTSC))]
    check(long_film(tmp_path / "film.mp4", tools, len(moments), moments.__getitem__), tools, moments)


@pytest.mark.parametrize("late_ms", [0, 21])  # some ffmpegs write the picture a little late by themselves, to make room for the sound's beginning
def test_at_a_rate_that_changes(tools: Tools, tmp_path: Path, late_ms: int) -> None:
    moments = [(number * 33 + number * 7 % 5 * 5 + late_ms) / 1000 for number in range(18_150)]
    uneven = ("-vf", rf"settb=1/1000,setpts=N*33+mod(N*7\,5)*5+{late_ms}", "-fps_mode", "passthrough", "-enc_time_base", "1/1000")
    check(long_film(tmp_path / "film.mkv", tools, len(moments), moments.__getitem__, *uneven), tools, moments)
