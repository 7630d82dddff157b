"""The service's process: how it uses memory while many ask at once."""

import platform
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from servers import free_port
from service import Service, clean_environment

from langflix.listening import use_few_heaps


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have one heap")
def test_threads_share_their_heaps(tmp_path):
    assert use_few_heaps()
    service = Service(tmp_path, jobs={"slots": 0}).start()
    try:
        with service.http() as http, ThreadPoolExecutor(16) as many:
            assert {answer.status_code for answer in many.map(lambda _: http.get("/api/v1/jobs"), range(200))} == {200}
        maps = Path(f"/proc/{service.process.pid}/maps").read_text()
        reserved = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) ---p 00000000 00:00 0 *$", maps, re.MULTILINE)
        heaps = [1 for first, last in reserved if (int(last, 16) & 0x3FFFFFF) == 0 and int(last, 16) - int(first, 16) > 1 << 24]  # a heap of a thread takes 64 MB of addresses
        assert len(heaps) <= 2
    finally:
        service.end()


ASKED = """
import gc, sys, threading, time
import httpx
from langflix.config import Settings
from langflix.listening import make_server

server = make_server(Settings(paths={"output": sys.argv[1], "media": sys.argv[1]}, jobs={"slots": 0}, api={"port": int(sys.argv[2])}))
serving = threading.Thread(target=server.run)
serving.start()
while not server.started:
    assert serving.is_alive()
    time.sleep(0.02)
with httpx.Client(base_url=f"http://127.0.0.1:{sys.argv[2]}", timeout=60, trust_env=False) as http:
    http.get("/health")
    kept = gc.get_freeze_count()
    for path in ("/health/detailed", "/metrics", "/api/v1/jobs", "/api/v1/expressions?q=go") * 5:
        assert http.get(path).status_code == 200
print(kept, len(gc.get_objects()))
server.should_exit = True
serving.join()
"""


def test_a_look_for_garbage_does_not_go_through_what_was_there_at_the_start(tmp_path):
    words = [sys.executable, "-c", ASKED, str(tmp_path), str(free_port())]
    done = subprocess.run(words, env=clean_environment(), cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    kept, looked_at = map(int, done.stdout.split())
    assert kept > 50_000
    assert looked_at < kept / 2
