"""How the first half of a run grows with the length of an episode, and how fast LangFlix starts.

Prints one JSON object. The dialogue is made from the lexicon's own examples and the sample play, so that about every
fifth cue holds an expression. Figures of one run can be compared with each other; between machines, compare ratios.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from langflix.chunks import contexts, make_chunks
from langflix.core import format_ms
from langflix.lexicon import EmbeddedAnalyzer, Lexicon
from langflix.pipeline import sample_episode
from langflix.subtitles import load_cues

SIZES = (2500, 5000, 10_000)


def dialogue(count: int, path: Path) -> Path:
    "Write a subtitle file of so many cues, with scenes of about forty."
    dice = random.Random(count)
    plain = [cue.text for cue in load_cues(sample_episode().subs, "en") if cue.kind == "speech"]
    taught = [entry.example for entry in Lexicon.load().entries]
    blocks, now = [], 1000
    for number in range(1, count + 1):
        text = dice.choice(taught) if dice.random() < 0.2 else dice.choice(plain)
        length = 900 + 55 * len(text)
        blocks.append(f"{number}\n{format_ms(now)} --> {format_ms(now + length)}\n{text}\n")
        now += length + (6000 if dice.random() < 1 / 40 else dice.randrange(50, 1500))
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    "Seconds of the median of three runs, and the result."
    seconds, result = [], None
    for _ in range(3):
        began = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - began)
    return round(median(seconds), 3), result


def episode(count: int, folder: Path) -> dict[str, Any]:
    "Times for one episode: from disk to chunks, and from chunks to items."
    path = dialogue(count, folder / f"{count}.srt")
    to_chunks, chunks = timed(lambda: make_chunks(load_cues(path, "en")))
    cues = load_cues(path, "en")
    analyzer = EmbeddedAnalyzer(Lexicon.load(), "ko", contexts(cues))
    to_items, items = timed(lambda: [item for chunk in chunks for item in analyzer.analyze(chunk)])
    return {"cues": count, "chunks": len(chunks), "items": len(items), "disk_to_chunks_s": to_chunks, "chunks_to_items_s": to_items}


def starting(*command: str) -> float:
    "Seconds of the median of seven starts."
    seconds = []
    for _ in range(7):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    return round(median(seconds), 3)


def main() -> None:
    "Measure and print."
    with tempfile.TemporaryDirectory() as folder:
        episodes = [episode(count, Path(folder)) for count in SIZES]
    first, last = episodes[0], episodes[-1]
    growth = {
        name: round(last[name] / first[name] / (last["cues"] / first["cues"]), 2) for name in ("disk_to_chunks_s", "chunks_to_items_s")
    }
    empty = starting(sys.executable, "-c", "pass")
    start = {
        "python_s": empty,
        "import_langflix_s": round(starting(sys.executable, "-c", "import langflix") - empty, 3),
        "langflix_help_s": starting(str(Path(sys.executable).with_name("langflix")), "--help"),
    }
    print(json.dumps({"episodes": episodes, "growth_per_cue_from_first_to_last": growth, "start": start}, indent=2))


if __name__ == "__main__":
    main()
