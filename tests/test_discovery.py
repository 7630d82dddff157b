"""Subtitles beside a video under the names people use, and inside it as streams."""

from __future__ import annotations

import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from langflix.core import FfmpegError, MediaError, SubtitleError, ToolError
from langflix.discovery import Candidate, SubtitleStream, choose_stream, find_subtitles, read_embedded, subtitle_streams
from langflix.media import Tools, find_tools
from langflix.subtitles import load_cues

SAMPLE = Path(str(files("langflix") / "data" / "sample"))
ENGLISH = "1\n00:00:01,000 --> 00:00:02,000\nHang in there, buddy.\n"
KOREAN = "1\n00:00:01,000 --> 00:00:02,000\n조금만 참아.\n"


def lay(folder: Path, *names: str, text: str = ENGLISH) -> Path:
    "Put files into a folder; the first is the video."
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / names[0]


def found(folder: Path, *names: str, lang: str | None = "en") -> list[str]:
    return [str(candidate.path.relative_to(folder)) for candidate in find_subtitles(lay(folder, *names), lang)]


NAMES = {  # a subtitle of Show.S01E02.mkv: (language, forced, sdh)
    "Show.S01E02.en.srt": ("en", False, False), "Show.S01E02.eng.srt": ("en", False, False), "Show.S01E02.ko.srt": ("ko", False, False),
    "Show.S01E02.kor.smi": ("ko", False, False), "Show.S01E02_kor.srt": ("ko", False, False), "Show.S01E02 - English.srt": ("en", False, False),
    "Show.S01E02.en.forced.srt": ("en", True, False), "Show.S01E02.forced.en.srt": ("en", True, False), "Show.S01E02.en.sdh.srt": ("en", False, True),
    "Show.S01E02.en.hi.srt": ("en", False, True), "Show.S01E02.hi.srt": ("hi", False, False), "Show.S01E02.en.cc.vtt": ("en", False, True),
    "Show.S01E02.pt-BR.srt": ("pt", False, False), "Show.S01E02.zh-Hans.ass": ("zh", False, False), "SHOW.s01e02.EN.SRT": ("en", False, False),
    "Show.S01E02.srt": (None, False, False), "Show.S01E02[en].srt": ("en", False, False), "Show.S01E02.한국어.srt": ("ko", False, False),
    "Subs/English.srt": ("en", False, False), "Subs/2_English.srt": ("en", False, False), "subtitles/3_Korean.srt": ("ko", False, False),
    "Subs/Show.S01E02/2_English.srt": ("en", False, False), "Subs/Show.S01E02/4_English (SDH).srt": ("en", False, True),
    "Subs/S01E02/English.srt": ("en", False, False), "Subs/Show.S01E02.en.srt": ("en", False, False), "자막/Show.S01E02.ko.smi": ("ko", False, False),
    "Other Rip s01e02 ENG.srt": ("en", False, False), "Show 1x02 Korean.ass": ("ko", False, False), "Show.S01E02/English.srt": ("en", False, False),
    "Show.S01E02.1080p.WEB.en.srt": ("en", False, False), "Show S01E02 Is It You.srt": (None, False, False), "Show.S01E02.full.eng.srt": ("en", False, False),
    "ep.srt": (None, False, False),
}


@pytest.mark.parametrize("name", NAMES)
def test_usual_names(name: str, tmp_path: Path) -> None:
    (candidate,) = find_subtitles(lay(tmp_path, "Show.S01E02.mkv", name))
    assert (candidate.language, candidate.forced, candidate.sdh) == NAMES[name]
    assert candidate.reason


STRANGERS = ["Show.S01E03.en.srt", "Show.S01E021.en.srt", "Show.S01E02.en.txt", "Subs/Show.S01E03/2_English.srt", "Extras/English.srt", "Subs/Show.S01E03.en.srt",
             "Show.S02E02.en.srt"]


@pytest.mark.parametrize("name", STRANGERS)
def test_what_belongs_elsewhere_is_left_alone(name: str, tmp_path: Path) -> None:
    assert found(tmp_path, "Show.S01E02.mkv", "Show.S01E03.mkv", name, lang=None) == []


def test_a_nameless_file_is_of_the_only_video(tmp_path: Path) -> None:
    assert found(tmp_path / "a", "Film.mkv", "Subs/English.srt") == ["Subs/English.srt"]
    assert found(tmp_path / "b", "Film.mkv", "Film 2.mkv", "Subs/English.srt", "Film 2.en.srt", "English.srt") == []
    assert found(tmp_path / "c", "Film 2.mkv", "Film.mkv", "Film 2.en.srt") == ["Film 2.en.srt"]


def test_best_first(tmp_path: Path) -> None:
    names = ["Show.S01E02.en.srt", "Show.S01E02.en.ass", "Show.S01E02.en.sdh.srt", "Subs/Show.S01E02/English.srt", "Rip S01E02 en.srt", "Show.S01E02.srt",
             "Show.S01E02.en.forced.srt"]
    assert found(tmp_path, "Show.S01E02.mkv", *reversed(names), "Show.S01E02.ko.srt", "Show.S01E02.fr.srt") == names


def test_an_odd_name_finds_its_subtitles(tmp_path: Path) -> None:
    assert found(tmp_path, "[Group] Show (2020) *- 01? [1080p].mkv", "[Group] Show (2020) *- 01? [1080p].en.srt") == ["[Group] Show (2020) *- 01? [1080p].en.srt"]
    assert len(find_subtitles(lay(tmp_path / "mac", "Cafe\u0301.mkv", "Café.en.srt"), "en")) == 1


def test_a_name_without_a_language_is_asked_what_is_in_it(tmp_path: Path) -> None:
    video = lay(tmp_path, "Show.S01E02.mkv", "Show.S01E02.srt")
    assert [len(find_subtitles(video, lang)) for lang in ("en", "fr", "ko", "ja", None)] == [1, 1, 0, 0, 1]
    lay(tmp_path, "Show.S01E02.srt", text=KOREAN)
    assert [len(find_subtitles(video, lang)) for lang in ("en", "ko", "ja")] == [0, 1, 0]


def test_a_file_with_two_languages_serves_both(tmp_path: Path) -> None:
    video = lay(tmp_path, "sample.mkv")
    (tmp_path / "sample.smi").write_bytes((SAMPLE / "sample.bilingual.smi").read_bytes())
    assert [len(find_subtitles(video, lang)) for lang in ("en", "ko", "ja")] == [1, 1, 0]


def test_the_sample_finds_its_own() -> None:
    assert find_subtitles(SAMPLE / "sample.mp4", "ko")[0].path.name == "sample.ko.srt"
    assert find_subtitles(SAMPLE / "sample.mp4", "eng")[0].path.name == "sample.en.srt"


def test_wrong_wishes(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no folder"):
        find_subtitles(tmp_path / "none" / "a.mkv", "en")
    with pytest.raises(SubtitleError, match="not a language"):
        find_subtitles(tmp_path / "a.mkv", "klingon")
    assert find_subtitles(tmp_path / "a.mkv", "en") == []


def test_a_candidate_is_a_value() -> None:
    assert Candidate(Path("a"), "en", "x") == Candidate(Path("a"), "en", "x")


# ---- inside the video

ENGLISH_TEXT, KOREAN_TEXT = SubtitleStream(2, "subrip", "en"), SubtitleStream(3, "ass", "ko")
FORCED, SDH = SubtitleStream(4, "subrip", "en", forced=True, default=True), SubtitleStream(5, "subrip", "en", sdh=True)
PICTURES, NAMELESS = SubtitleStream(6, "hdmv_pgs_subtitle", "en"), SubtitleStream(7, "mov_text", None)


@pytest.mark.parametrize(("streams", "lang", "index"), [
    ([FORCED, SDH, ENGLISH_TEXT, KOREAN_TEXT], "en", 2), ([FORCED, SDH], "en", 5), ([PICTURES, SDH], "en", 5), ([FORCED, ENGLISH_TEXT, KOREAN_TEXT], "kor", 3),
    ([NAMELESS, ENGLISH_TEXT], "en", 2), ([NAMELESS, ENGLISH_TEXT], "fr", 7), ([KOREAN_TEXT, ENGLISH_TEXT], None, 2), ([PICTURES, NAMELESS], "en", 7),
])
def test_the_best_stream(streams: list[SubtitleStream], lang: str | None, index: int) -> None:
    assert choose_stream(streams, lang).index == index


@pytest.mark.parametrize(("streams", "lang", "said"), [
    ([PICTURES], "en", "pictures, not text"), ([KOREAN_TEXT], "en", "#3 ko"), ([], "en", "no subtitles in 'en'"), ([], None, "holds no subtitles"), ([KOREAN_TEXT], "xx", "not a language"),
])
def test_no_stream_says_why(streams: list[SubtitleStream], lang: str | None, said: str) -> None:
    with pytest.raises(SubtitleError, match=said) as caught:
        choose_stream(streams, lang, "film.mkv")
    assert caught.value.hint


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find_tools()


@pytest.fixture(scope="module")
def videos(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    "A few seconds of black with subtitles inside, once as MKV and once as MP4."
    folder = tmp_path_factory.mktemp("embedded")
    (folder / "french.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Bonjour.</v>\n", encoding="utf-8")
    segments = [(0x16, bytes((0, 64, 0, 64, 0x10, 0, n, 0x80, 0, 0, 0))) for n in (1, 2)]
    (folder / "disc.sup").write_bytes(b"".join(
        b"PG" + (90_000 * n).to_bytes(4, "big") + bytes(4) + bytes((kind,)) + len(data).to_bytes(2, "big") + data
        for n, segment in enumerate(segments, 1) for kind, data in (segment, (0x80, b""))))
    inputs = ["-f", "lavfi", "-i", "color=s=64x64:r=5:d=8", "-i", SAMPLE / "sample.en.srt", "-i", SAMPLE / "sample.ko.srt", "-i", SAMPLE / "sample.en.ass"]
    marks = ["-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=kor"]
    common = [tools.ffmpeg, "-v", "error", "-y", *inputs]
    in_turn = ["-max_interleave_delta", "0"]  # else ffmpeg 5 writes all the lines before the first picture
    made = {"mkv": folder / "a.mkv", "mp4": folder / "a.mp4", "bare": folder / "bare.mkv", "pictures": folder / "pictures.mkv"}
    for command in (
        [*common, "-i", folder / "french.vtt", *in_turn, "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map", "4", "-c:s", "copy", *marks, "-metadata:s:s:2", "title=Japanese",
         "-metadata:s:s:3", "language=fre", "-disposition:s:2", "default", made["mkv"]],
        [*common, "-map", "0", "-map", "1", "-map", "2", "-c:s", "mov_text", *marks, made["mp4"]],
        [*common, "-map", "0", made["bare"]],
        [*common[:4], *inputs[:4], "-i", folder / "disc.sup", "-map", "0", "-map", "1", "-c:s", "copy", *marks[:2], made["pictures"]],
    ):
        subprocess.run([str(part) for part in command], check=True, stdin=subprocess.DEVNULL)
    return made


@pytest.mark.media
@pytest.mark.parametrize("kind", ["mkv", "mp4"])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_text_streams_give_the_cues_of_the_file(kind: str, lang: str, tools: Tools, videos: dict[str, Path]) -> None:
    got = read_embedded(videos[kind], lang, ffmpeg=tools.ffmpeg, ffprobe=tools.ffprobe)
    expected = load_cues(SAMPLE / f"sample.{lang}.srt")
    assert [cue.text for cue in got.cues] == [cue.text for cue in expected]
    assert all(abs(a.start_ms - b.start_ms) <= 1 for a, b in zip(got.cues, expected, strict=True))
    assert (got.path, got.format) == (videos[kind], "srt")


@pytest.mark.media
def test_streams_are_described(tools: Tools, videos: dict[str, Path]) -> None:
    streams = subtitle_streams(videos["mkv"], ffprobe=tools.ffprobe)
    assert [(stream.index, stream.codec, stream.language) for stream in streams] == [(1, "subrip", "en"), (2, "subrip", "ko"), (3, "ass", "ja"), (4, "webvtt", "fr")]
    assert [stream.default for stream in streams][2]


@pytest.mark.media
def test_ass_and_vtt_streams_keep_their_speakers(tools: Tools, videos: dict[str, Path]) -> None:
    ass = read_embedded(videos["mkv"], "ja", ffmpeg=tools.ffmpeg, ffprobe=tools.ffprobe)
    vtt = read_embedded(videos["mkv"], "fr", ffmpeg=tools.ffmpeg, ffprobe=tools.ffprobe)
    assert (ass.format, [cue.speaker for cue in ass.cues[:2]]) == ("ass", [cue.speaker for cue in load_cues(SAMPLE / "sample.en.ass")[:2]])
    assert (vtt.format, vtt.cues[0].text, vtt.cues[0].speaker) == ("vtt", "Bonjour.", "Ann")


@pytest.mark.media
def test_videos_that_do_not_serve(tools: Tools, videos: dict[str, Path], tmp_path: Path) -> None:
    programs = {"ffmpeg": tools.ffmpeg, "ffprobe": tools.ffprobe}
    with pytest.raises(SubtitleError, match=r"bare\.mkv holds no subtitles"):
        read_embedded(videos["bare"], "en", **programs)
    with pytest.raises(SubtitleError, match=r"are pictures, not text: #1 en \(PGS"):
        read_embedded(videos["pictures"], "en", **programs)
    with pytest.raises(SubtitleError, match="it has #1 en"):
        read_embedded(videos["mkv"], "es", **programs)
    with pytest.raises(MediaError, match="no video"):
        read_embedded(tmp_path / "none.mkv", "en", **programs)
    with pytest.raises(MediaError, match="cannot be read as a video"):
        read_embedded(lay(tmp_path, "text.mkv", text="nothing"), "en", **programs)
    with pytest.raises(ToolError, match="cannot be started"):
        read_embedded(videos["mkv"], "en", ffmpeg="ffmpeg", ffprobe=tmp_path / "no-ffprobe")
    with pytest.raises(FfmpegError, match="cannot be extracted"):
        read_embedded(videos["mkv"], "en", ffmpeg="false", ffprobe=tools.ffprobe)
