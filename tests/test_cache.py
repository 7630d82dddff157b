"The store under several processes, and the cache: cap, use, clearing, `langflix cache`."

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from langflix import cache
from langflix.core import FfmpegError
from langflix.segments import SegmentStore, needed, using


@dataclass(frozen=True)
class Named:
    key: str


def kept(folder: Path, name: str, size: int = 100, used: float | None = None, joined: bool = False) -> Path:
    root = folder / "segments"
    store = SegmentStore(root / "joined", ".mp4") if joined else SegmentStore(root)
    made = store.get(Named(name), lambda part: part.write_bytes(bytes(size)))
    if used is not None:
        os.utime(made, (used, used))
    return made


def keys(folder: Path) -> list[str]:
    return [entry.key for entry in cache.entries(folder)]


# ---- once, whoever asks


def _write_slowly(root: Path, gate: object, report: object) -> None:
    store = SegmentStore(root)

    def render(part: Path) -> None:
        report.put("rendered")  # type: ignore[attr-defined]
        for _ in range(200):
            part.write_bytes(b"same" * 100_000)

    gate.wait()  # type: ignore[attr-defined]
    path = store.get(Named("ab12"), render)
    report.put(f"{path.stat().st_size}")  # type: ignore[attr-defined]


def test_two_processes_render_a_segment_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    gate, report = context.Barrier(2), context.Queue()
    children = [context.Process(target=_write_slowly, args=(tmp_path, gate, report)) for _ in range(2)]
    for child in children:
        child.start()
    said = sorted(report.get(timeout=60) for _ in range(3))
    for child in children:
        child.join()
    assert said == ["400000", "400000", "rendered"]


def test_many_threads_render_a_segment_once(tmp_path: Path) -> None:
    store, rendered = SegmentStore(tmp_path), []
    gate = threading.Barrier(6)

    def ask() -> None:
        gate.wait()
        store.get(Named("ab12"), lambda part: rendered.append(part.write_bytes(b"x")))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rendered) == 1
    assert dict(store.counts) == {"rendered": 1, "reused": 5}


HOLDER = """
import sys
from pathlib import Path
from dataclasses import make_dataclass
from langflix.segments import SegmentStore, using
def render(part):
    part.write_bytes(b"half")
    print("at work", flush=True)
    sys.stdin.read()
named = make_dataclass("Named", ["key"])("ab12")
with using(Path(sys.argv[1]), [named]):
    SegmentStore(sys.argv[1]).get(named, render)
"""


def test_the_dead_hold_nothing(tmp_path: Path) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], **pipes) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"at work\n"
        assert needed(tmp_path) == {"ab12"}
        child.send_signal(signal.SIGKILL)
    assert needed(tmp_path) == set()
    assert not list((tmp_path / "runs").iterdir())
    store = SegmentStore(tmp_path)
    made = store.get(Named("ab12"), lambda part: part.write_bytes(b"whole"))
    assert made.read_bytes() == b"whole"
    assert dict(store.counts) == {"rendered": 1}


def test_a_failure_frees_the_key_for_the_next(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path)

    def fail(part: Path) -> None:
        part.write_bytes(b"half")
        raise FfmpegError("crashed")

    with pytest.raises(FfmpegError):
        store.get(Named("ab12"), fail)
    assert store.get(Named("ab12"), lambda part: part.write_bytes(b"whole")).read_bytes() == b"whole"


# ---- use, cap, clearing


def test_reading_counts_as_use_and_leaves_the_time_of_change(tmp_path: Path) -> None:
    old = kept(tmp_path, "aa1", used=1_000_000)
    kept(tmp_path, "bb2", used=2_000_000)
    assert keys(tmp_path) == ["aa1", "bb2"]
    assert kept(tmp_path, "aa1") == old
    assert keys(tmp_path) == ["bb2", "aa1"]
    assert old.stat().st_mtime == 1_000_000


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    for age, name in enumerate(["aa1", "bb2", "cc3", "dd4"]):
        kept(tmp_path, name, used=1_000_000 + age, joined=name == "bb2")
    assert cache.evict(tmp_path, 400) == []
    assert [entry.key for entry in cache.evict(tmp_path, 250)] == ["aa1", "bb2"]
    assert keys(tmp_path) == ["cc3", "dd4"]


def test_a_running_render_keeps_what_it_needs(tmp_path: Path) -> None:
    for age, name in enumerate(["aa1", "bb2", "cc3"]):
        kept(tmp_path, name, used=1_000_000 + age)
    with using(tmp_path / "segments", [Named("aa1"), Named("ff9")]):
        assert [entry.key for entry in cache.evict(tmp_path, 150)] == ["bb2", "cc3"]
        assert cache.evict(tmp_path, 1) == []
        assert cache.clear(tmp_path) == []
    assert [entry.key for entry in cache.clear(tmp_path)] == ["aa1"]


def test_clearing_spares_what_is_young_and_what_was_paid_for(tmp_path: Path) -> None:
    kept(tmp_path, "aa1", used=1_000_000)
    kept(tmp_path, "bb2")
    answer = tmp_path / "answers" / "cc" / "cc3.json"
    answer.parent.mkdir(parents=True)
    answer.write_text("{}")
    os.utime(answer, (1_000_000, 1_000_000))
    assert [entry.key for entry in cache.clear(tmp_path, older_than_days=1)] == ["aa1"]
    assert [entry.key for entry in cache.clear(tmp_path)] == ["bb2"]
    assert [entry.key for entry in cache.clear(tmp_path, older_than_days=1, answers=True)] == ["cc3"]


def test_half_made_files_are_no_entries(tmp_path: Path) -> None:
    made = kept(tmp_path, "aa1")
    made.with_name(".part-1.mov").write_bytes(b"half")
    assert keys(tmp_path) == ["aa1"]
    assert cache.summary([])["segments"] == {"count": 0, "bytes": 0, "oldest_use": None, "newest_use": None}


# ---- the command


def langflix(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LANGFLIX_PATHS__CACHE": str(folder), "LANGFLIX_CACHE__MAX_GB": "0.5"}
    return subprocess.run([sys.executable, "-c", "from langflix.cli import main; main()", "cache", *words], capture_output=True, text=True, env=environment)


def test_the_command_shows_and_clears(tmp_path: Path) -> None:
    kept(tmp_path, "aa1", used=1_000_000)
    kept(tmp_path, "bb2", joined=True)
    shown = json.loads(langflix(tmp_path, "--json").stdout)
    assert shown["max_bytes"] == 500_000_000
    assert shown["kept"]["segments"] == {"count": 1, "bytes": 100, "oldest_use": "1970-01-12T13:46:40+00:00", "newest_use": "1970-01-12T13:46:40+00:00"}
    cleared = json.loads(langflix(tmp_path, "--clear", "--older-than", "30", "--json").stdout)
    assert (cleared["removed"]["segments"]["count"], cleared["kept"]["lessons"]["count"]) == (1, 1)
    assert "removed: 1 files" in langflix(tmp_path, "--clear").stdout


def test_a_choice_without_clearing_is_a_mistake(tmp_path: Path) -> None:
    result = langflix(tmp_path, "--older-than", "3")
    assert result.returncode == 2
    assert "Add --clear" in result.stderr
