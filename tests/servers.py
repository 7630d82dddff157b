"""Real servers for tests: each on a free port, with a folder of its own, gone when the test run ends."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

MISSING = "this test needs {}: run `make services`, or install the packages redis-server and postgresql"


def free_port() -> int:
    "A port that nobody listens on."
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name: str) -> str:
    "A server's program; Debian keeps those of PostgreSQL beside each other, away from the path."
    found = shutil.which(name) or next((str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None)
    assert found, MISSING.format(name)
    return found


def unprivileged() -> dict:
    "Options for a process that may not run as root: another user, when we are root."
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _wait(ready, process, log: Path, what: str) -> None:
    "Wait until a server answers."
    end = time.monotonic() + 30
    while not ready():
        assert process.poll() is None, f"{what} ended:\n{log.read_text()}"
        assert time.monotonic() < end, f"{what} does not answer:\n{log.read_text()}"
        time.sleep(0.02)



@contextmanager
def place(user: dict):
    "A folder that the server's user may write; short, since sockets need a short path."
    folder = Path(tempfile.mkdtemp(prefix="lf-"))
    if user:
        os.chown(folder, user["user"], user["group"])
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Postgres:
    "A server of PostgreSQL that can be stopped and started again."

    def __init__(self, folder: Path, user: dict) -> None:
        self.folder, self.port, self._user, self._process = folder, free_port(), user, None
        options = ["-D", "data", "-U", "langflix", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run([program("initdb"), *options], cwd=folder, check=True, capture_output=True, **user)

    def start(self) -> None:
        quick = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}"]
        with (self.folder / "log").open("ab") as log:
            command = [program("postgres"), "-D", "data", "-p", str(self.port), *quick]
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self._user)
        _wait(self._ready, self._process, self.folder / "log", "postgres")

    def _ready(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.address("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def address(self, database: str) -> str:
        return f"postgresql://langflix@127.0.0.1:{self.port}/{database}"

    def new_database(self, name: str) -> str:
        "The address of a new, empty database."
        import psycopg

        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.address(name)


@contextmanager
def postgres():
    "A running server of PostgreSQL."
    user = unprivileged()
    with place(user) as folder:
        server = Postgres(folder, user)
        server.start()
        try:
            yield server
        finally:
            server.stop()


class RedisServer:
    "A server of Redis that can be killed and started again; it keeps what it acknowledged."

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.port, self._options, self._process = folder, free_port(), options, None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program("redis-server"), *options, *self._options], stdout=log, stderr=log)
        _wait(self._ready, self._process, self.folder / "log", "redis-server")

    def _ready(self) -> bool:
        import redis

        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def redis_server(*options: str):
    "A running server of Redis."
    with place({}) as folder:
        server = RedisServer(folder, *options)
        server.start()
        try:
            yield server
        finally:
            server.kill()


PACKAGES = {"redis-server": "redis-server", "initdb": "postgresql", "postgres": "postgresql", "openssl": "openssl"}  # program -> Debian's package
if sys.platform == "linux":
    PACKAGES["ip"] = "iproute2"  # other machines, as network namespaces


def missing() -> list[str]:
    "The packages whose programs are not here."
    def found(name: str) -> bool:
        return bool(shutil.which(name) or list(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))

    return sorted({package for name, package in PACKAGES.items() if not found(name)})


def install() -> None:
    "Install the servers where they are missing, and stop what their packages start: tests start their own."
    packages = missing()
    if not packages:
        return
    if not shutil.which("apt-get"):
        sys.exit(f"The tests need {' and '.join(packages)}, and there is no apt-get here. Install them (macOS: brew install redis postgresql openssl) and try again.")
    rights = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "--quiet"], ["install", "--yes", "--quiet", "--no-install-recommends", *packages]):
        try:
            done = subprocess.run([*rights, "apt-get", *step], env=quiet).returncode == 0
        except FileNotFoundError:
            done = False
        if not done and step[0] == "install":
            sys.exit(f"The tests need {' and '.join(packages)}. Run as root: apt-get install {' '.join(packages)}")
    for package in packages:
        subprocess.run([*rights, "service", package, "stop"], capture_output=True)


if __name__ == "__main__":
    install()
