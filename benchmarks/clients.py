"""Many clients of the service in one cheap process: some poll, some play a film. It ends when its input ends, and prints what they saw as one JSON object."""

import asyncio
import json
import socket
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PIECE = 64 * 1024  # bytes that a player reads at once


@dataclass
class Seen:
    "What all clients saw."

    times_s: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    bytes_played: int = 0
    films: int = 0

    def wrong(self, what: str) -> None:
        self.errors[what] = self.errors.get(what, 0) + 1


class Wire:
    "A connection that is kept."

    def __init__(self, url: str, token: str = "") -> None:
        place = urlsplit(url)
        self.host, self.port = place.hostname, place.port
        self._lines = f"host: {self.host}:{self.port}\r\n" + (f"authorization: Bearer {token}\r\n" if token else "")
        self.reader = self.writer = None

    async def open(self) -> None:
        wire = socket.socket()
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)  # so that a player's pace is felt at the other end
        wire.setblocking(False)
        await asyncio.get_running_loop().sock_connect(wire, (self.host, self.port))
        self.reader, self.writer = await asyncio.open_connection(sock=wire, limit=PIECE)

    async def ask(self, path: str, **headers: str) -> tuple[int, dict[str, str]]:
        "Send a request; its status and headers. The body is still to be read."
        if self.writer is None:
            await self.open()
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.writer.write(f"GET {path} HTTP/1.1\r\n{self._lines}{more}\r\n".encode())
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        return int(first.split(" ", 2)[1]), {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    async def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        "A whole answer: its status and its body."
        status, told = await self.ask(path, **headers)
        return status, await self.reader.readexactly(int(told["content-length"]))

    def close(self) -> None:
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


async def poll(wire: Wire, paths: dict[str, str], first_s: float, each_s: float, seen: Seen) -> None:
    "Ask for all paths now and then; each client begins at a moment of its own and keeps to its beat."
    beat = time.perf_counter() + first_s
    while True:
        await asyncio.sleep(max(beat - time.perf_counter(), 0))
        for name, path in paths.items():
            began = time.perf_counter()
            try:
                status, _ = await wire.get(path)
            except (OSError, asyncio.IncompleteReadError) as error:
                seen.wrong(type(error).__name__)
                wire.close()
                continue
            seen.times_s.setdefault(name, []).append(time.perf_counter() - began)
            if status != 200:
                seen.wrong(f"{name} {status}")
        beat += each_s


async def play(wire: Wire, path: str, first_s: float, bytes_per_s: int, seen: Seen) -> None:
    "Read a film at the pace of a player, and begin again."
    await asyncio.sleep(first_s)
    while True:
        try:
            status, told = await wire.ask(path, range="bytes=0-")
            if status != 206:
                seen.wrong(f"film {status}")
            left, due = int(told["content-length"]), time.perf_counter()
            while left:
                piece = await wire.reader.readexactly(min(PIECE, left))
                left -= len(piece)
                seen.bytes_played += len(piece)
                due += len(piece) / bytes_per_s
                await asyncio.sleep(max(due - time.perf_counter(), 0))
            seen.films += 1
        except (OSError, asyncio.IncompleteReadError) as error:
            seen.wrong(f"film {type(error).__name__}")
            wire.close()


async def main() -> None:
    orders, seen = json.loads(sys.argv[1]), Seen()
    url, token, each_s, polling, playing = (orders[name] for name in ("url", "token", "each_s", "polling", "playing"))
    clients = [poll(Wire(url, token), orders["paths"], each_s * n / polling, each_s, seen) for n in range(polling)]
    clients += [play(Wire(url), orders["film"], n / playing, orders["bytes_per_s"], seen) for n in range(playing)]
    tasks = [asyncio.create_task(client) for client in clients]
    began = time.perf_counter()
    await asyncio.to_thread(sys.stdin.read)
    seconds = time.perf_counter() - began
    for task in tasks:
        task.cancel()
    fell = [one for one in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(one, Exception)]
    for error in fell:
        seen.wrong(f"client {error!r}")
    print(json.dumps({"seconds": seconds, "times_s": seen.times_s, "errors": seen.errors, "bytes_played": seen.bytes_played, "films": seen.films, "client_cpu_s": time.process_time()}))


if __name__ == "__main__":
    asyncio.run(main())
