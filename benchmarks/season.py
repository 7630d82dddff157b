"""Measures a season of synthetic episodes: how long it takes beside what must be encoded and asked, a second run, the same on two machines of which one is lost, and memory as it grows. Prints one JSON object."""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from langflix.bench_video import plain_encode
from langflix.config import Settings, load_settings
from langflix.core import format_ms
from langflix.export import read_manifest
from langflix.lexicon import Lexicon
from langflix.media import Tools, find_tools, probe, run_ffmpeg
from langflix.stand_in import Script, stand_in_process

DIALOGUE = Path(__file__).parent.parent / "tests" / "data"
SHOW, RPM, LATENCY_S = "Harbour Lights", 600, 1.0
CUE_MS, GAP_MS, PAUSE_MS = 2400, 300, 3000  # a cue, the silence after it, and the one after a scene
_PLAIN_S = 40.0  # how much is encoded plainly before the season, and again after it


def scenes() -> list[list[str]]:
    "Our own dialogue, scene by scene."
    found: dict[str, list[str]] = {}
    for path in sorted(DIALOGUE.glob("dialogue_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found.setdefault(f"{path.name} {row['scene']}", []).append(row["text"])
    return list(found.values())


def _endless(number: int) -> Iterator[list[str]]:
    "The scenes in an order of the episode's own, again and again."
    dice, all_scenes = random.Random(number), scenes()
    while True:
        dice.shuffle(all_scenes)
        yield from all_scenes


def subtitles(number: int, cues: int) -> tuple[str, int]:
    "The subtitles of an episode, and where they end in milliseconds."
    rows: list[str] = []
    at = 2000
    for scene in _endless(number):
        for line in scene[: cues - len(rows)]:
            rows.append(f"{len(rows) + 1}\n{format_ms(at)} --> {format_ms(at + CUE_MS)}\n{line}\n")
            at += CUE_MS + GAP_MS
        if len(rows) == cues:
            return "\n".join(rows), at
        at += PAUSE_MS
    raise AssertionError


def write_season(folder: Path, episodes: int, cues: int, tools: Tools) -> Path:
    "A folder of episodes with small pictures, each a film of its own."
    folder.mkdir(parents=True)
    texts = [subtitles(number, cues) for number in range(1, episodes + 1)]
    length_s = max(end for _, end in texts) / 1000 + 5
    film = folder.parent / "film.mp4"
    made = ["-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=24:duration={length_s:.1f}", "-f", "lavfi", "-i", f"sine=frequency=330:sample_rate=48000:duration={length_s:.1f}"]
    run_ffmpeg([*made, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "32", "-g", "240", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", str(film)], tools, what="drawing a film")
    for number, (text, _) in enumerate(texts, 1):
        name = f"{SHOW} - S01E{number:02}"
        run_ffmpeg(["-i", str(film), "-map", "0", "-c", "copy", "-metadata", f"title={name}", str(folder / f"{name}.mp4")], tools, what="naming a film")
        (folder / f"{name}.en.srt").write_text(text, encoding="utf-8")
    film.unlink()
    return folder


def phrases() -> tuple[str, ...]:
    "What the stand-in finds: what our lexicon finds in the dialogue, as it is said there."
    lexicon = Lexicon.load("en")
    words = {entry.expression.lower() for entry in lexicon.entries}
    text = "\n".join(line.lower() for scene in scenes() for line in scene)
    return tuple(sorted(word for word in words if " " in word and word in text))


def _settings(place: Path, url: str | None, expressions: int, more: dict) -> Settings:
    "Settings of a season that has a folder of its own."
    gemini = {"gemini": {"api_key": "a-key-of-the-stand-in", "endpoint": url, "model": "gemini-2.5-flash", "rpm": RPM}} if url else {"analyzer": "embedded"}
    lessons = {"max_expressions": expressions, **more.get("lessons", {})}
    return load_settings(None, {"paths": {"output": place / "out", "cache": place / "cache"}, **gemini, **more, "lessons": lessons})


def _child(given: dict) -> None:
    "Make a season in this process; print what it took as JSON."
    from langflix.season import Season
    from langflix.season_files import find_season

    settings = _settings(Path(given["place"]), given["url"], given["expressions"], given["more"])
    found = find_season(Path(given["folder"]), settings.languages.source, settings.languages.target)
    began, firsts = time.monotonic(), list[float]()

    def show(label: str, stage: str, done: int, total: int, what: str) -> None:
        if stage == "made":
            firsts.append(time.monotonic() - began)

    result = Season(found, settings, show=show).run()
    times = os.times()
    print(json.dumps({
        "exit_status": result.exit_status, "states": [row.state for row in result.rows], "wall_s": round(result.wall_s, 2), "first_episode_s": round(firsts[0], 2) if firsts else None,
        "python_cpu_s": round(times.user + times.system, 2), "ffmpeg_cpu_s": round(times.children_user + times.children_system, 2),
        "python_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1), "ffmpeg_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1),
    }))  # fmt: skip


def made(**given: object) -> dict:
    "Make a season in a process of its own."
    done = subprocess.run([sys.executable, __file__, "--child", json.dumps(given)], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, f"the season ended with {done.returncode}"
    return json.loads(done.stdout)


def _plain_s(folder: Path, settings: Settings, tools: Tools, seconds: float) -> float:
    "How long it takes to encode so many seconds plainly."
    film = min(folder.glob("*.mp4"))
    with tempfile.TemporaryDirectory() as place:
        began = time.monotonic()
        plain_encode(probe(film, tools), seconds, settings, tools, Path(place) / "plain.mp4")
        return time.monotonic() - began


def _mb(place: Path, pattern: str) -> float:
    "How large files are together."
    return round(sum(path.stat().st_size for path in place.glob(pattern) if path.is_file()) / 1e6, 2)


def _facts(place: Path) -> dict:
    "What the manifests of a season say together."
    manifests = [read_manifest(path.parent) for path in sorted((place / "out").glob("*/manifest.json"))]
    stats = [manifest.stats for manifest in manifests]
    return {
        "episodes": len(manifests), "cues": sum(one.cues for one in stats), "chunks": sum(one.chunks for one in stats), "requests": sum(one.requests for one in stats),
        "expressions": sum(len(manifest.expressions) for manifest in manifests), "lessons": sum(len(manifest.lessons) for manifest in manifests),
        "segments": sum(one.segments.rendered for one in stats), "ffmpeg_runs": sum(one.ffmpeg_runs for one in stats), "failures": sum(len(manifest.failures) for manifest in manifests),
        "tokens": sum(one.tokens for one in stats), "segments_mb": _mb(place, "cache/segments/??/*.mov"), "lessons_mb": _mb(place, "out/*/lessons/**/*.mp4"), "out_mb": _mb(place, "out/*/**/*"), "out_files": sum(path.is_file() for path in place.glob("out/*/**/*")), "catalogue_kb": _mb(place, "out/catalogue.db*") * 1000,
    }  # fmt: skip


def overlap(place: Path, episodes: int, cues: int, expressions: int, more: dict, tools: Tools) -> dict:
    "One season against the stand-in, beside its two bounds; and once more."
    folder = write_season(place / SHOW, episodes, cues, tools)
    with stand_in_process(Script(latency_s=LATENCY_S, rpm=RPM, phrases=phrases())) as server:
        given = {"place": str(place), "folder": str(folder), "url": server.url, "expressions": expressions, "more": more}
        plain = _settings(place, server.url, expressions, more)
        before = _plain_s(folder, plain, tools, _PLAIN_S)
        first = made(**given)
        after = _plain_s(folder, plain, tools, _PLAIN_S)
        facts, refused, asked = _facts(place), sum(one.status == 429 for one in server.asked), len(server.asked)
        again = made(**given)
        asked_again = len(server.asked) - asked
    seconds = sum(probe(path, tools).duration_ms for path in place.glob("cache/segments/??/*.mov")) / 1000
    # A plain encode takes as long as the film is hard; what ffmpeg did takes at least its processor time on all processors.
    quota_s, plain_s, busy_s = asked / (RPM / 60), (before + after) / (2 * _PLAIN_S) * seconds, first["ffmpeg_cpu_s"] / (os.cpu_count() or 1)
    return {
        **facts, **first, "refused_429": refused, "seconds_encoded": round(seconds, 1), "quota_bound_s": round(quota_s, 1), "plain_encode_s": round(plain_s, 1), "encode_bound_s": round(busy_s, 1),
        "ratio": round(first["wall_s"] / max(quota_s, busy_s), 3), "again": {**again, "requests": asked_again, "s_per_episode": round(again["wall_s"] / episodes, 3)},
    }  # fmt: skip


def _worker(machine, scheduler: str, log: Path, environment: dict[str, str]) -> None:
    "Start a worker of a cluster on a machine."
    dask = str(Path(sys.executable).with_name("dask"))
    command = [dask, "worker", scheduler, "--host", machine.address, "--no-nanny", "--nthreads", "2", "--no-dashboard", "--local-directory", str(log / f"{machine.name} scratch")]
    machine.start(command, log / machine.name, {**environment, "PYTHONUNBUFFERED": "1"})


def _wait_for(what: Callable[[], bool]) -> None:
    "Wait until something is so, at most five minutes."
    end = time.monotonic() + 300
    while not what():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


def cluster(place: Path, folder: Path, episodes: int, expressions: int, more: dict, alone: Path) -> dict:
    "The season of a folder on two machines, of which the first is lost as soon as it has made an episode."
    sys.path.insert(0, str(DIALOGUE.parent))
    from namespaces import machines
    from servers import free_port, redis_server
    from test_season_dask import DASK, program, worth

    log = place / "log"
    log.mkdir(parents=True)
    with machines() as network, redis_server() as redis, stand_in_process(Script(latency_s=LATENCY_S, rpm=RPM, phrases=phrases())) as server:
        service = f"http://{network.host}:{network.reach(int(server.url.rpartition(':')[2]))}"
        queue = f"redis://{network.host}:{network.reach(redis.port)}/0"
        port = str(free_port())
        scheduler = f"tcp://{network.host}:{port}"
        secrets = {"GEMINI_API_KEY": "a-key-of-the-stand-in", "LANGFLIX_REDIS__URL": queue}
        with program([DASK, "scheduler", "--host", network.host, "--port", port, "--no-dashboard"], log / "scheduler", {}):
            one, two = network.add(), network.add()
            for machine in (one, two):
                _worker(machine, scheduler, log, secrets)
            _wait_for(lambda: all("Registered to" in (log / machine.name).read_text(errors="replace") for machine in (one, two)))
            given = {"place": str(place), "folder": str(folder), "url": service, "expressions": expressions, "more": {**more, "redis": {"url": queue}, "dask": {"scheduler": scheduler}}}
            child = subprocess.Popen([sys.executable, __file__, "--child", json.dumps(given)], stdout=subprocess.PIPE, text=True)
            _wait_for(lambda: any(place.glob("out/*/report.html")) and one.runs("filter_complex"))
            one.cut_power()
            result = json.loads(child.communicate()[0])
        statuses = [asked.status for asked in server.asked]
    names = [path.parent.name for path in sorted(alone.glob("out/*/manifest.json"))]
    return {
        "machines": "network namespaces" if network.real else "processes", "states": result["states"], "wall_s": result["wall_s"], "python_mb": result["python_mb"], "requests": len(statuses),
        "refused_429": statuses.count(429), "episodes_equal": sum(worth(place / "out" / name) == worth(alone / "out" / name) for name in names), "episodes": episodes,
    }  # fmt: skip


def growth(place: Path, counts: list[int], cues: int, expressions: int, more: dict, tools: Tools) -> list[dict]:
    "Seasons of several lengths, one after the other."
    rows = []
    for count in counts:
        own = place / f"of {count}"
        folder = write_season(own / SHOW, count, cues, tools)
        with stand_in_process(Script(latency_s=0.05, phrases=phrases())) as server:
            row = made(place=str(own), folder=str(folder), url=server.url, expressions=expressions, more=more)
        rows.append({"episodes": count, "s_per_episode": round(row["wall_s"] / count, 2), **{name: row[name] for name in ("wall_s", "python_mb", "python_cpu_s")}})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=12)
    parser.add_argument("--cues", type=int, default=400)
    parser.add_argument("--expressions", type=int, default=6, help="that each episode teaches")
    parser.add_argument("--no-cluster", action="store_true", help="leave the two machines out")
    parser.add_argument("--growth", type=int, nargs="*", default=[2, 10, 40], help="lengths of the seasons whose memory is measured")
    parser.add_argument("--growth-cues", type=int, default=100)
    parser.add_argument("--set", type=json.loads, default={}, help="more settings as JSON")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        _child(given.child)
        return
    tools = find_tools()
    with tempfile.TemporaryDirectory(prefix="langflix-season-") as name:
        place = Path(name)
        result: dict = {"processors": os.cpu_count()}
        if given.episodes:
            result["season"] = overlap(place / "season", given.episodes, given.cues, given.expressions, given.set, tools)
            if not given.no_cluster:
                result["cluster"] = cluster(place / "cluster", place / "season" / SHOW, given.episodes, given.expressions, given.set, place / "season")
        if given.growth:
            quick = {"parallel_processing": {"max_workers": 5}}
            result["growth"] = growth(place, given.growth, given.growth_cues, 1, {**quick, **given.set}, tools)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
