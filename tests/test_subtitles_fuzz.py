"""Whatever bytes a file holds, reading it ends soon, with cues or with a `SubtitleError`."""

from __future__ import annotations

import random
import time
from importlib.resources import files
from pathlib import Path

import pytest

from langflix.core import LangFlixError, SubtitleError
from langflix.subtitles import SubtitleFile, parse_subtitles

SAMPLE = Path(str(files("langflix") / "data" / "sample"))
TTML = ('<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><head><styling><style xml:id="s" tts:fontStyle="italic"/></styling></head><body><div>\n'
        + "\n".join(f'<p begin="00:00:{n:02}.000" end="00:00:{n:02}.900" style="s">Line <span tts:fontStyle="italic">{n}</span>,<br/>R&amp;B 안녕</p>' for n in range(60))
        + "\n</div></body></tt>")
SEEDS = {name: (SAMPLE / name).read_bytes() for name in ("sample.en.srt", "sample.ko.srt", "sample.en.vtt", "sample.en.ass", "sample.bilingual.smi")}
SEEDS["sample.ttml"] = TTML.encode()
SCRAPS = [b"<", b">", b"{", b"[", b"(", b"-->", b":", b"\\", b"&", b"\0", b"\xff\xfe", b"00:00:01,000", b"99:99:99,999", b"-1", b"9" * 400, b"\n", b"\r",
          b" ", b"&#999999999;", b"&#xD800;", "♪".encode(), b"<SYNC Start=", b"Dialogue: ", b"{\\i1", b"{\\p1}", b"JOHN:", b"<i><v ", b"#", "\u2028".encode(),
          b"\t", b"Class=", b"<!--", b"{1}{2}", b"WEBVTT", b"[Events]", b"<tt ", b"Format: Text\n", b"</p>", b"&nbsp;", "안녕".encode("cp949"), "é".encode("cp1252")]
ENCODINGS = ("utf-16", "utf-16-be", "cp949", "cp932", "gb18030", "cp1252", "mac_roman")


def cut(data: bytes, at: int, rng: random.Random) -> bytes:
    return rng.choice((data[:at], data[at:], data[:at] + data[at + rng.randint(1, 200):]))


def flip(data: bytes, at: int, rng: random.Random) -> bytes:
    return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1:]


def insert(data: bytes, at: int, rng: random.Random) -> bytes:
    return data[:at] + rng.choice(SCRAPS) * rng.choice((1, 1, 1, 30)) + data[at:]


def repeat(data: bytes, at: int, rng: random.Random) -> bytes:
    return data[:at] + data[rng.randrange(len(data)):][:rng.randint(1, 400)] + data[at:]


def noise(data: bytes, at: int, rng: random.Random) -> bytes:
    return data[:at] + rng.randbytes(60) + data[at + 60:]


def reencode(data: bytes, at: int, rng: random.Random) -> bytes:
    return data[:at] + data[at:].decode("utf-8", "ignore").encode(rng.choice(ENCODINGS), "ignore")


def absurd_times(data: bytes, at: int, rng: random.Random) -> bytes:
    return data.replace(rng.choice((b"00:0", b'Start=', b"0:00:")), rng.choice((b"99:9", b"-0:0", b"0:0x", b"Start=-9", b"Start=999999999", b"00:00:0")))


def long_line(data: bytes, at: int, rng: random.Random) -> bytes:
    return data[:at] + rng.choice(SCRAPS) * rng.choice((1000, 20_000)) + data[at:] if rng.random() < 0.1 else data


MUTATIONS = (cut, flip, flip, flip, insert, insert, repeat, noise, reencode, absurd_times, long_line)


def mutate(data: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.randint(1, 12)):
        data = rng.choice(MUTATIONS)(data, rng.randrange(len(data)), rng) if data else data
    return data


def read_safely(data: bytes, name: str, lang: str | None) -> SubtitleFile | None:
    "Cues that hold to the contract, or None for a clear error; anything else fails."
    try:
        found = parse_subtitles(data, name, lang)
    except SubtitleError as error:
        if name not in error.message or not error.hint:
            raise AssertionError(f"this error does not help: {error}") from error
        return None
    assert [cue.index for cue in found.cues] == list(range(1, len(found.cues) + 1))
    assert all(0 <= cue.start_ms < cue.end_ms for cue in found.cues)
    assert all(a.start_ms <= b.start_ms for a, b in zip(found.cues, found.cues[1:], strict=False))
    assert not any(char in cue.text for cue in found.cues for char in "\0\r\u2028")
    return found


@pytest.mark.parametrize("part", range(10))
def test_five_thousand_mutated_files(part: int) -> None:
    rng = random.Random(20_240_601 + part)
    read = 0
    for number in range(500):
        name = rng.choice(list(SEEDS))
        data = mutate(SEEDS[name], rng)
        start = time.process_time()
        try:
            read += read_safely(data, name, rng.choice((None, "en", "ko", "ja"))) is not None
        except Exception as error:
            raise AssertionError(f"mutation {number} of part {part} ({name}): {error!r}") from error
        assert time.process_time() - start < 5, f"mutation {number} of part {part} ({name}) is slow"
    assert read > 150  # damage in places leaves a file that can be used


UNITS = ["<", "{", "[", "(", "-->", "&", "♪ a", "A: ", "{\\", "{\\i1}", "<i", "<i> <", " ", "0", "00:00:01,000 ", "00:00:01,000 --> ", "<!--", "<SYNC Start=",
         "<P ", "[a", "# ", "--> \n", "\n", "1\n", "JOHN: x\n", "<p begin='1s'>", "é", "- \n", "http", "{\\k1}"]
FRAMES = {
    "a.srt": ("1\n00:00:01,000 --> 00:00:02,000\nHi\n\n2\n00:00:03,000 --> 00:00:04,000\n", "\n\n3\n00:00:05,000 --> 00:00:06,000\nBye\n"),
    "a.vtt": ("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHi\n\n00:00:03.000 --> 00:00:04.000\n", "\n\n00:00:05.000 --> 00:00:06.000\nBye\n"),
    "a.ass": ("[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Hi\nDialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,",
              "\nDialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,Bye"),
    "a.smi": ("<SAMI><BODY><SYNC Start=1000><P Class=ENCC>Hi<SYNC Start=3000><P Class=ENCC>", "<SYNC Start=5000><P Class=ENCC>Bye"),
    "a.ttml": ('<tt><body><div><p begin="1s" end="2s">Hi</p><p begin="3s" end="4s">', '</p><p begin="5s" end="6s">Bye</p></div></body></tt>'),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_megabyte_of_anything_takes_no_time(name: str) -> None:
    for unit in UNITS:
        data = (FRAMES[name][0] + unit * ((1 << 20) // len(unit)) + FRAMES[name][1]).encode()
        start = time.process_time()
        found = read_safely(data, name, None)
        assert time.process_time() - start < 4, f"a megabyte of {unit!r} is slow"
        assert found is None or found.cues[0].text == "Hi" or unit == "<!--"


@pytest.mark.parametrize("name", FRAMES)
def test_a_cue_as_long_as_allowed_takes_no_time(name: str) -> None:
    head, tail = FRAMES[name]
    start = time.process_time()
    for unit in UNITS:
        read_safely((head + unit * (4900 // len(unit)) + tail).encode(), name, "en")
    assert time.process_time() - start < 5


def test_random_bytes() -> None:
    rng = random.Random(5)
    for size in (1, 2, 3, 10, 100, 1000, 100_000):
        for _ in range(20):
            assert read_safely(rng.randbytes(size), "a.srt", None) is None


def test_errors_can_be_sent_between_processes() -> None:
    import pickle

    with pytest.raises(LangFlixError) as caught:
        parse_subtitles(b"nothing", "a.srt")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.details) == (str(caught.value), caught.value.details)
