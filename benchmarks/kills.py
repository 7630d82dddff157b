"""Kills the service, Redis, kernels and ffmpeg at random moments while jobs run, and counts what came of it. Prints one JSON object.

The same seed gives the same plan of kills; who is at work at a moment differs a little from run to run.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from kills import Storm, faults, storm


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--kills", type=int, default=30)
    words.add_argument("--store", choices=["redis", "local"], default="redis")
    words.add_argument("--pause", type=float, help="seconds between two kills, on average; by default a third of what a job takes here")
    words.add_argument("--compare", type=int, metavar="JOBS", help="run only so many of the jobs again in calm weather")
    words.add_argument("--keep", type=Path, help="an empty folder for all files of the storm, which stay there")
    given = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="lf-kills-") as folder:
        own = Storm(given.keep or Path(folder), given.seed, given.store, given.kills, given.pause, compared=given.compare)
        own.tell = lambda said: print(said, file=sys.stderr, flush=True)
        told = storm(own)
    print(json.dumps({**told, "faults": faults(told)}, indent=1))
    sys.exit(bool(faults(told)))


if __name__ == "__main__":
    main()
