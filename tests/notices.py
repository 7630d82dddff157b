"""Notices of the system about files: what was begun and what was put in place, seen by nobody but the kernel."""

import ctypes
import os
import select
import struct
import threading
from collections import Counter
from pathlib import Path

_CREATE, _MOVED_TO, _OVERFLOW = 0x100, 0x80, 0x4000
_HEAD = struct.Struct("iIII")  # which folder, what happened, a cookie, and how long the name is


class Notices:
    "Counts the files that are begun and put in place in some folders."

    def __init__(self, *folders: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._folders = {libc.inotify_add_watch(self._fd, bytes(folder), _CREATE | _MOVED_TO): folder for folder in folders}
        assert min(self._fd, *self._folders) >= 0, f"no notices of files: {os.strerror(ctypes.get_errno())}"
        self.begun: Counter[Path] = Counter()  # by the folder: unfinished files have names of their own
        self.placed: Counter[Path] = Counter()
        self.missed = False  # more happened than was kept for us
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="notices", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._over.is_set():
            if select.select([self._fd], [], [], 0.2)[0]:
                self._take(os.read(self._fd, 1 << 20))

    def _take(self, data: bytes) -> None:
        while data:
            watch, mask, _, length = _HEAD.unpack_from(data)
            name, data = data[_HEAD.size : _HEAD.size + length].rstrip(b"\0").decode(), data[_HEAD.size + length :]
            self.missed |= bool(mask & _OVERFLOW)
            if mask & _MOVED_TO:
                self.placed[self._folders[watch] / name] += 1
            elif mask & _CREATE and name.startswith(".part-"):
                self.begun[self._folders[watch] / Path(name).suffix] += 1

    def close(self) -> None:
        "Stop listening, after what has come so far."
        self._over.set()
        self._thread.join()
        while select.select([self._fd], [], [], 0)[0]:
            self._take(os.read(self._fd, 1 << 20))
        os.close(self._fd)


def hashed(root: Path) -> list[Path]:
    "The 256 folders of a store that is sorted by the first two digits of its keys, made when they are not there."
    folders = [root / f"{n:02x}" for n in range(256)]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return folders
