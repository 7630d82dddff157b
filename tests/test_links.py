"""URLs for a browser: what lies below a server's root, what is signed, and a loopback server that gives out nothing else."""

import http.client
import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from langflix.core import InputError
from langflix.links import FolderLinks, MediaServer, byte_range, check_signature, jupyter_server, sign

DATA = bytes(range(256)) * 4096  # 1 MiB


class Clock:
    now_s = 1_000_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "the film #1 ü.mp4"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server(clock):
    opened = MediaServer(lifetime_s=60, now=clock)
    yield opened
    opened.close()


def ask(server, address, method="GET", **headers):
    "The status, the headers and the body of an answer."
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    parts = urlsplit(address)
    connection.request(method, f"{parts.path}?{parts.query}", headers=headers)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def test_a_server_shows_what_lies_below_its_root_and_is_not_hidden(tmp_path, film):
    links = FolderLinks({tmp_path: "/user/m/files/"})
    assert links.url(film) == "/user/m/files/the%20film%20%231%20%C3%BC.mp4"
    hidden = tmp_path / ".cache" / "a.mp4"
    hidden.parent.mkdir()
    hidden.write_bytes(b"x")
    assert not links.holds(hidden)
    with pytest.raises(InputError, match="not in a folder"):
        FolderLinks({tmp_path / ".cache": "/"}).url(film)
    with pytest.raises(InputError, match="no such file"):
        links.url(tmp_path / "gone.mp4")


def test_a_link_out_of_the_root_is_seen_through(tmp_path, film):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a.mp4").symlink_to(film)
    with pytest.raises(InputError):
        FolderLinks({tmp_path / "root": "/"}).url(tmp_path / "root" / "a.mp4")


def test_the_first_folder_that_holds_a_file_names_it(tmp_path, film):
    links = FolderLinks({tmp_path / "lessons": "/files/lessons", tmp_path: "/files/media"})
    assert links.url(film).startswith("/files/media/the")
    (tmp_path / "lessons").mkdir()
    film.rename(tmp_path / "lessons" / "a b.mp4")
    assert links.url(tmp_path / "lessons" / "a b.mp4") == "/files/lessons/a%20b.mp4"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None), ("bytes=0-", (0, 100)), ("bytes=0-0", (0, 1)), ("bytes=99-", (99, 100)), ("bytes=-1", (99, 100)), ("bytes=-500", (0, 100)),
        ("bytes=5-900", (5, 100)), ("bytes=9-5", None), ("bytes=0-1,5-6", None), ("bytes=a-b", None), ("bytes=-", None), ("items=0-5", None), ("bytes=٣-٤", None),
    ],
)  # fmt: skip
def test_ranges(header, wanted):
    assert byte_range(header, 100) == wanted


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_ranges_that_are_not_there(header):
    with pytest.raises(IndexError):
        byte_range(header, 100)


def test_whole_and_in_parts(server, film):
    address = server.url(film)
    status, headers, body = ask(server, address)
    assert (status, body, headers["Content-Type"], headers["Accept-Ranges"]) == (200, DATA, "video/mp4", "bytes")
    status, headers, body = ask(server, address, Range="bytes=1000-1999")
    assert (status, body, headers["Content-Range"]) == (206, DATA[1000:2000], f"bytes 1000-1999/{len(DATA)}")
    status, headers, body = ask(server, address, "HEAD", Range="bytes=-10")
    assert (status, body, headers["Content-Length"]) == (206, b"", "10")
    status, headers, _ = ask(server, address, Range=f"bytes={len(DATA)}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")
    assert ask(server, address, "POST")[0] == 501


def test_nothing_without_a_signature_for_that_file_and_that_time(server, film, clock, tmp_path):
    other = tmp_path / "other.mp4"
    other.write_bytes(b"other")
    address, second = urlsplit(server.url(film)), urlsplit(server.url(other))
    assert str(tmp_path) not in address.geturl()
    for wrong in (address.path, f"{address.path}?", f"{second.path}?{address.query}", f"{address.path}?{address.query}0", "/", "/etc/passwd", "/../../etc/passwd", f"/%2e%2e/etc/passwd?{address.query}"):
        assert ask(server, wrong)[0] == 403
    assert ask(server, address.geturl())[0] == 200
    clock.now_s += 200
    assert ask(server, address.geturl())[0] == 403
    assert ask(server, server.url(film))[0] == 200


def test_another_name_for_loopback_is_refused(server, film):
    assert ask(server, server.url(film), Host="evil.example")[0] == 403
    assert ask(server, server.url(film), Host=f"localhost:{server.server_port}")[0] == 200


def test_a_file_that_is_gone_or_is_no_film(server, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<script>")
    picture = tmp_path / "a.svg"
    picture.write_text("<svg/>")
    for path in (page, picture):
        assert ask(server, server.url(path))[1]["Content-Type"] == "application/octet-stream"
    address = server.url(page)
    page.unlink()
    assert ask(server, address)[0] == 404


def test_many_at_once_and_only_on_loopback(server, film):
    assert server.server_address[0] == "127.0.0.1"
    address = server.url(film)
    starts = range(0, 1_000_000, 50_000)
    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda start: ask(server, address, Range=f"bytes={start}-{start + 9}")[2], starts))
    assert bodies == [DATA[start : start + 10] for start in starts]


def test_a_url_stays_the_same_for_a_while_and_always_lasts_its_time(server, film, clock):
    first = server.url(film)
    clock.now_s += 1
    assert server.url(film) == first or int(server.url(film).split("until=")[1].split("&")[0]) >= clock.now_s + 60
    for _ in range(100):
        clock.now_s += 7
        assert clock.now_s + 60 <= int(server.url(film).split("until=")[1].split("&")[0]) <= clock.now_s + 76


def test_a_signature_is_good_for_its_name_and_its_time_alone(clock):
    until, sig = "1000060", sign(b"secret", "a.mp4", 1_000_060)
    assert check_signature(b"secret", "a.mp4", until, sig, clock())
    assert not check_signature(b"other", "a.mp4", until, sig, clock())
    assert not check_signature(b"secret", "a.mp4", until, sig, 1_000_060)
    for bad in ("", "x", "-5", "9" * 40, "١٢٣"):
        assert not check_signature(b"secret", "a.mp4", bad, sig, clock())
    assert not check_signature(b"secret", "a.mp4", until, "ü", clock())
    assert sign(b"secret", "a", 1) != sign(b"secret", "1\na", 1)


def test_a_kernel_knows_whose_it_is(tmp_path):
    lab = {"pid": os.getpid(), "root_dir": str(tmp_path), "base_url": "/"}
    mine = {"JPY_PARENT_PID": str(os.getpid())}
    assert jupyter_server(mine, [{**lab, "pid": 1}, lab]) is not None
    assert jupyter_server(mine, []) is None
    assert jupyter_server({}, [lab]) is None
    assert jupyter_server({**mine, "SERVER_SOFTWARE": "voila/0.5.13"}, [lab]) is None
