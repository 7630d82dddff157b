"Small films whose every frame carries its number, and whose sound clicks with the picture."

import array
import math
import subprocess
from fractions import Fraction
from pathlib import Path

from langflix.media import Tools, run_ffmpeg

NTSC_FILM = Fraction(24000, 1001)
WIDTH, HEIGHT, CELLS, CELL = 320, 180, 16, 16
CLICK_EVERY = 24  # frames


def picture(number: int) -> bytes:
    "A grey frame with its number as sixteen bright or dark cells in the first rows."
    bits = [number >> place & 1 for place in range(CELLS - 1, -1, -1)]
    top = b"".join(bytes([235 if bit else 16]) * CELL for bit in bits).ljust(WIDTH, b"\x50")
    return top * CELL + bytes([60 + number % 100]) * (WIDTH * (HEIGHT - CELL))


def clicks(frames: int, fps: Fraction, rate: int = 48_000) -> bytes:
    "A hum, with a short loud click whenever the frame's number is a multiple of CLICK_EVERY."
    sound = array.array("h", (round(2500 * math.sin(place / rate * math.tau * 250)) for place in range(round(frames / fps * rate))))
    for number in range(0, frames, CLICK_EVERY):
        start = round(number / fps * rate)
        for place in range(start, min(start + 480, len(sound))):
            sound[place] = round(12_000 * math.cos((place - start) / rate * math.tau * 1000))
    return sound.tobytes()


def make_film(
    path: Path, tools: Tools, frames: int = 240, fps: Fraction = NTSC_FILM, *more: str, silent: bool = False, filters: str = "null",
) -> Path:  # fmt: skip
    "A film with B-frames and one key frame, so that seeking is as hard as it gets."
    raw, pcm = path.with_suffix(".gray"), path.with_suffix(".pcm")
    raw.write_bytes(b"".join(map(picture, range(frames))))
    pcm.write_bytes(clicks(frames, fps))
    source = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(fps), "-i", str(raw)]
    sound = [] if silent else ["-f", "s16le", "-ar", "48000", "-ac", "1", "-i", str(pcm), "-c:a", "aac", "-metadata:s:a:0", "language=eng"]
    picture_args = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-g", "250", "-bf", "3", "-pix_fmt", "yuv420p", "-vf", filters]
    run_ffmpeg([*source, *sound, *picture_args, *more, str(path)], tools, what="making a film", threads=2)
    raw.unlink()
    pcm.unlink()
    return path


def _matrix(degrees: int) -> bytes:
    "How the head of a track says that its picture is to be turned by so much, clockwise."
    cos, sin = (round(turn(math.radians(degrees))) << 16 for turn in (math.cos, math.sin))
    return b"".join(number.to_bytes(4, "big", signed=True) for number in (cos, sin, 0, -sin, cos, 0, 0, 0, 1 << 30))


def turned(film: Path, target: Path, degrees: int) -> Path:
    "An MP4 whose picture is to be turned when it is shown, as telephones write it; not every ffmpeg has an option for it."
    before, head, after = film.read_bytes().partition(b"tkhd")
    assert _matrix(0) in after[:100]
    target.write_bytes(before + head + after.replace(_matrix(0), _matrix(degrees), 1))
    return target


def numbers(path: Path, tools: Tools, top: float = 0.0, height: float = 1.0, limit: int | None = None, line: int = 6) -> list[int]:
    "The numbers in the frames of a film; top and height say where in the picture the old film stands, and line where to read."
    crop = f"crop=iw:ih*{height:.6f}:0:ih*{top:.6f},scale={WIDTH}:{HEIGHT}:flags=area"
    count = ["-frames:v", str(limit)] if limit else []
    command = [str(tools.ffmpeg), "-v", "error", "-i", str(path), "-an", "-vf", crop, "-fps_mode", "passthrough", *count]
    pixels = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "gray", "-"], capture_output=True, check=True).stdout
    size, row = WIDTH * HEIGHT, WIDTH * line
    return [_number(pixels[start + row : start + row + WIDTH]) for start in range(0, len(pixels), size)]


def _number(row: bytes) -> int:
    "Read sixteen cells."
    return sum((row[place * CELL + CELL // 2] > 128) << (CELLS - 1 - place) for place in range(CELLS))


def samples(path: Path, tools: Tools) -> array.array:
    "The sound of a film, 48 kHz, mixed to one channel."
    command = [str(tools.ffmpeg), "-v", "error", "-i", str(path), "-vn", "-ac", "1", "-ar", "48000", "-f", "s16le", "-"]
    return array.array("h", subprocess.run(command, capture_output=True, check=True).stdout)
