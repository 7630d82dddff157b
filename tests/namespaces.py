"""Other machines, as network namespaces of this one: each has its own address and a cable (a veth pair) to a common switch, and all of it is gone at the end."""

import asyncio
import os
import shutil
import signal
import subprocess
import threading
import uuid
from contextlib import contextmanager
from pathlib import Path

MISSING = "machines need network namespaces: run as root or with sudo, with the package iproute2 (`make services`)"


def _rights() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]


def _root(*command: str) -> str:
    "Do something as root. Raises `CalledProcessError` with what was said."
    done = subprocess.run([*_rights(), *command], capture_output=True, text=True)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout


class Relay:
    "Passes connections from the switch on to a port of the loopback."

    def __init__(self, host: str, port: int) -> None:
        self._loop, self._to = asyncio.new_event_loop(), port
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._server = self._do(asyncio.start_server(self._pass_on, host, 0))
        self.port = self._server.sockets[0].getsockname()[1]

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _pass_on(self, reader, writer):
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))

    async def _copy(self, reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)


def _command(pid: str) -> bytes:
    "The command of a process; nothing when it is gone."
    try:
        return Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return b""


class Machine:
    "A namespace with an address of its own."

    def __init__(self, name: str, address: str, inside: list[str]) -> None:
        self.name, self.address, self._inside = name, address, inside
        self._started: list[subprocess.Popen] = []

    def start(self, command: list[str], log: Path, environment: dict[str, str], hidden: list[Path] = ()) -> subprocess.Popen:
        "Start a program there; folders that are hidden are empty for it."
        hide = "".join(f"mount -t tmpfs -o mode=1777 none '{folder}' && " for folder in hidden) if self._inside else ""
        user = f"setpriv --reuid {os.getuid()} --regid {os.getgid()} --clear-groups " if self._inside and os.getuid() else ""
        plain = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment}
        script = f'{hide}exec {user}env -i "$@"'
        with log.open("ab") as file:
            child = subprocess.Popen([*self._inside, "sh", "-c", script, "sh", *(f"{name}={value}" for name, value in plain.items()), *command], stdout=file, stderr=file)
        self._started.append(child)
        return child

    def runs(self, word: str) -> bool:
        "Whether a program with a word in its command runs there."
        pids = _root("ip", "netns", "pids", self.name).split() if self._inside else [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]
        return any(word.encode() in _command(pid) for pid in pids)

    def cut_power(self) -> None:
        "Kill everything that runs there, at once."
        if self._inside:
            for pid in _root("ip", "netns", "pids", self.name).split():
                subprocess.run([*_rights(), "kill", "-KILL", pid], capture_output=True)
        for child in self._started:
            if child.poll() is None and not _rights():
                child.send_signal(signal.SIGKILL)
            child.wait(60)
        self._started.clear()


class Machines:
    "Machines at one switch; `host` is this machine's address there."

    def __init__(self, real: bool) -> None:
        self.real, self._mark = real, uuid.uuid4().hex[:6]
        self._switch, self._net = f"lf{self._mark}", f"10.{64 + int(self._mark[:2], 16) % 128}.{int(self._mark[2:4], 16)}"
        self.host = f"{self._net}.1" if real else "127.0.0.1"
        self._machines: list[Machine] = []
        self._relays: list[Relay] = []

    def open(self) -> None:
        if self.real:
            _root("ip", "link", "add", self._switch, "type", "bridge")
            _root("ip", "address", "add", f"{self.host}/24", "dev", self._switch)
            _root("ip", "link", "set", self._switch, "up")

    def add(self) -> Machine:
        "A new machine."
        number = len(self._machines) + 2
        name, address = f"{self._switch}-{number}", f"{self._net}.{number}" if self.real else "127.0.0.1"
        machine = Machine(name, address, [*_rights(), "ip", "netns", "exec", name] if self.real else [])
        self._machines.append(machine)
        if self.real:
            near, far = f"{self._switch}n{number}", f"{self._switch}f{number}"
            _root("ip", "netns", "add", name)
            _root("ip", "link", "add", near, "type", "veth", "peer", "name", far)
            _root("ip", "link", "set", near, "master", self._switch, "up")
            _root("ip", "link", "set", far, "netns", name, "name", "eth0")
            for words in (["address", "add", f"{address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
                _root("ip", "-n", name, *words)
        return machine

    def reach(self, port: int) -> int:
        "Let machines reach a port of this one's loopback: the port at `host`."
        self._relays.append(Relay(self.host, port))
        return self._relays[-1].port

    def close(self) -> None:
        for relay in self._relays:
            relay.close()
        for machine in self._machines:
            machine.cut_power()
            if self.real:
                subprocess.run([*_rights(), "ip", "netns", "delete", machine.name], capture_output=True)
        if self.real:
            subprocess.run([*_rights(), "ip", "link", "delete", self._switch], capture_output=True)


def _possible() -> bool:
    "Whether this machine lets us make namespaces."
    name = f"lf-try-{uuid.uuid4().hex[:6]}"
    if not shutil.which("ip") or (_rights() and not shutil.which("sudo")):
        return False
    try:
        _root("ip", "netns", "add", name)
        _root("ip", "netns", "exec", name, "true")
    except subprocess.CalledProcessError:
        return False
    finally:
        subprocess.run([*_rights(), "ip", "netns", "delete", name], capture_output=True)
    return True


@contextmanager
def machines():
    "A switch to add machines to. In a container without rights they are plain processes; on a server that checks our work that is an error."
    real = _possible()
    assert real or not os.environ.get("CI"), MISSING
    found = Machines(real)
    try:
        found.open()
        yield found
    finally:
        found.close()
