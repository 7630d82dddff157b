"""The service's process: how it uses memory while many ask at once."""

import platform
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from service import Service

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
