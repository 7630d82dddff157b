"""Uploads: names that stay names, files that are looked at before they get one, and nothing left of those that fail."""

import asyncio
import unicodedata

import pytest
from disks import as_root
from service import SAMPLE, Service
from starlette.requests import ClientDisconnect

from langflix import uploads
from langflix.core import InputError, LangFlixError, MediaError
from langflix.problems import NoRoom
from langflix.uploads import receive, safe_name, sweep

DISK_MB = 8
LINES = b"1\n00:00:01,000 --> 00:00:02,000\nHang in there.\n"


async def stream(*parts):
    "A body; an error among its parts is raised in its place."
    for part in parts:
        if isinstance(part, BaseException):
            raise part
        yield part


def upload(folder, name, *parts):
    return asyncio.run(receive(stream(*parts), folder, name))


# Names


@pytest.mark.parametrize(("name", "kept"), [
    ("a.mkv", "a.mkv"), (" a b.mp4 ", "a b.mp4"), ("A.SRT", "A.SRT"), ("a..mp4", "a..mp4"), ("Show.S01E02 – “Pilot”.mkv", "Show.S01E02 – “Pilot”.mkv"),
    (unicodedata.normalize("NFD", "빈센조.mkv"), "빈센조.mkv"), ("conan.mp4", "conan.mp4"), ("com10.srt", "com10.srt"), ("é" * 98 + ".mp4", "é" * 98 + ".mp4"),
])  # fmt: skip
def test_a_name_is_kept_in_one_form(name, kept):
    assert safe_name(name) == kept


@pytest.mark.parametrize("name", [
    "", " ", ".", "..", ".mp4", "../a.mp4", "a/b.mp4", "a\\b.mp4", "a.mp4.", "a", "a.exe", "a.mp4.exe", "CON.mp4", "lpt1.srt", "a\n.mp4", "a\0.mp4", "a\u202e4pm.exe", "a\u200b.mp4",
    "a:b.mp4", "a*.mp4", "a?.mp4", '"a".mp4', "<a>.mp4", "a|b.mp4", "é" * 99 + ".mp4", "a.m3u8", "a.yaml", "\ud800.mp4",
])  # fmt: skip
def test_what_is_no_name_is_refused_with_a_way_out(name):
    with pytest.raises((InputError, UnicodeEncodeError)) as caught:
        safe_name(name)
    assert isinstance(caught.value, UnicodeEncodeError) or caught.value.hint


# Files


def test_a_file_that_comes_in_pieces_is_kept_whole(tmp_path):
    path = upload(tmp_path / "new", "a.srt", LINES[:7], b"", LINES[7:])
    assert (path, path.read_bytes(), [one.name for one in path.parent.iterdir()]) == (tmp_path / "new" / "a.srt", LINES, ["a.srt"])


@pytest.mark.media
def test_a_video_is_looked_at(tmp_path):
    data = (SAMPLE / "sample.mp4").read_bytes()
    assert upload(tmp_path, "a.mp4", data).read_bytes() == data
    with pytest.raises(MediaError) as caught:
        upload(tmp_path, "b.mp4", b"no video at all")
    assert "b.mp4" in caught.value.message
    assert str(tmp_path) not in caught.value.message
    assert [one.name for one in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02" * 1000])
def test_what_is_no_subtitles_is_refused_by_its_own_name(tmp_path, content):
    with pytest.raises(InputError) as caught:
        upload(tmp_path, "a.srt", content)
    assert "a.srt" in caught.value.message
    assert ".part-" not in caught.value.message
    assert not list(tmp_path.iterdir())


def test_a_second_upload_replaces_the_first_only_when_it_is_good(tmp_path):
    upload(tmp_path, "a.srt", LINES)
    with pytest.raises(LangFlixError):
        upload(tmp_path, "a.srt", b"")
    assert (tmp_path / "a.srt").read_bytes() == LINES
    upload(tmp_path, "a.srt", LINES.replace(b"Hang", b"Stay"))
    assert b"Stay" in (tmp_path / "a.srt").read_bytes()


@pytest.mark.parametrize("error", [ClientDisconnect(), asyncio.CancelledError(), ValueError("refused")])
def test_an_upload_that_is_cut_off_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)):
        upload(tmp_path, "a.srt", LINES, error)
    assert not list(tmp_path.iterdir())


def test_two_uploads_of_one_name_do_not_mix(tmp_path):
    async def both():
        other = LINES.replace(b"Hang", b"Stay")
        return await asyncio.gather(receive(stream(*(bytes([byte]) for byte in LINES)), tmp_path, "a.srt"), receive(stream(*(bytes([byte]) for byte in other)), tmp_path, "a.srt"))

    asyncio.run(both())
    assert (tmp_path / "a.srt").read_bytes() in (LINES, LINES.replace(b"Hang", b"Stay"))
    assert len(list(tmp_path.iterdir())) == 1


def test_what_the_end_of_the_service_cut_off_is_swept_away(tmp_path):
    for name in (".part-0123.mp4", ".part-", "a.mp4", "x.part-1"):
        (tmp_path / name).touch()
    sweep(tmp_path)
    sweep(tmp_path / "none")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "x.part-1"]


# Room


def test_a_disk_that_fills_up_during_an_upload_is_told_and_nothing_is_left(small_disk, monkeypatch):
    monkeypatch.setattr(uploads, "_KEEP_FREE", -(1 << 40))  # so that the disk itself says it
    with pytest.raises(NoRoom, match="full"):
        upload(small_disk / "uploads", "a.srt", *[bytes(1 << 20)] * 9)
    assert not list((small_disk / "uploads").iterdir())
    assert upload(small_disk / "uploads", "a.srt", LINES).read_bytes() == LINES


def test_some_room_is_left_for_others(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "_KEEP_FREE", 1 << 60)
    with pytest.raises(NoRoom, match="nearly full"):
        upload(tmp_path, "a.srt", LINES)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_may_not_be_written_is_told(small_disk):
    assert as_root("mount", "-o", "remount,ro", small_disk) == ""  # root may write everywhere else
    with pytest.raises(NoRoom, match="cannot be kept"):
        upload(small_disk, "a.srt", LINES)


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "uploads").touch()
    with pytest.raises(NoRoom, match="cannot be kept"):
        upload(tmp_path / "uploads", "a.srt", LINES)


def test_the_service_answers_507_for_a_full_disk_and_leaves_no_part(tmp_path, small_disk):
    service = Service(tmp_path / "service", jobs={"slots": 0}, paths={"media": str(small_disk)})
    service.start()
    try:
        with service.http() as http:
            answer = http.put("/api/v1/uploads/a.mp4", content=iter([bytes(1 << 20)] * 12))
            assert (answer.status_code, answer.json()["type"]) == (507, "/problems/no-room")
            assert answer.json()["hint"]
            assert not list(small_disk.rglob("*.mp4"))
            assert http.get("/health").status_code == 200
    finally:
        service.end()
