"""Build the sample episode from `play.yaml`: `python nbs/sample/make_sample.py --out langflix/data/sample`.

Needs espeak-ng and ffmpeg on PATH (or `--ffmpeg`), and pillow, numpy and pyyaml. With the same versions of these
the same files come out.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import subtitles
from counter import GEOMETRY
from effects import effect
from film import shoot
from mixing import mix, write_wave
from timeline import lay_out, read_play
from voices import Cast

HERE = Path(__file__).parent


def write_json(data: object, path: Path) -> None:
    """Write `data` so that a person can read it."""
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def build(out: Path, ffmpeg: str, picture: bool = True) -> None:
    """Make every file of the sample in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    play = read_play(HERE / "play.yaml")
    time = lay_out(play, Cast(play["cast"]).speak, effect)
    subtitles.write_all(play, time, out)
    write_json(subtitles.gold(play, time), out / "gold.json")
    write_json(GEOMETRY, out / "counter.json")
    print(f"{len(time.cues)} cues, {time.end_ms / 1000:.2f} s, {time.frames} frames")
    if picture:
        with tempfile.TemporaryDirectory() as folder:
            write_wave(mix(play, time), Path(folder) / "sound.wav")
            shoot(play, time, Path(folder) / "sound.wav", out / "sample.mp4", ffmpeg)


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description="Build the LangFlix sample episode.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the finished files")
    parser.add_argument("--ffmpeg", default="ffmpeg", help="the ffmpeg to use")
    parser.add_argument("--no-picture", action="store_true", help="subtitles and gold list only")
    args = parser.parse_args()
    build(args.out, args.ffmpeg, picture=not args.no_picture)


if __name__ == "__main__":
    main()
