"""A disk that is soon full: a small file system in memory, which only root, or a user with sudo, may mount."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest


def as_root(*command: str | Path) -> str:
    "Run a command with root's rights; why it did not run, or nothing."
    rights = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if gone := next((name for name in (*rights[:1], command[0]) if not shutil.which(name)), ""):
        return f"there is no {gone}"
    done = subprocess.run([*rights, *command], capture_output=True, text=True)
    return done.stderr.strip() or f"{command[0]} ended with {done.returncode}" if done.returncode else ""


@contextmanager
def small_file_system(place: Path, megabytes: int):
    "A new folder that is a file system of its own; the test is skipped where none may be mounted."
    place.mkdir()
    if why := as_root("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=1777", "tmpfs", place):
        pytest.skip(f"only root, or a user with sudo, may mount a small disk: {why}")
    try:
        yield place
    finally:
        assert as_root("umount", "-l", place) == ""


def fill(place: Path) -> Path:
    "Take all the room that is left, to the last page; the file that took it."
    filler = place / "filler"
    for size in (1 << 22, 1 << 12):
        try:
            with filler.open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(size))
        except OSError:
            pass
    return filler
