"""Films and subtitles that point elsewhere: whatever opens them, nothing outside is read, called or written."""

import os
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from films import make_film, numbers

from langflix.card_media import cut_lines, small_clip
from langflix.core import FfmpegError, InputError, LangFlixError, MediaError
from langflix.discovery import VIDEO_EXTENSIONS, find_subtitles, read_embedded, subtitle_streams
from langflix.export import Manifest
from langflix.fonts import check_fonts
from langflix.lessons import join_lesson
from langflix.media import find_tools, fingerprint, probe, run_ffmpeg
from langflix.plans import LessonPlan
from langflix.playlists import write_chaptered_film
from langflix.segments import layout_for, render_segment, segment_spec
from langflix.shown import small_pictures
from langflix.subtitles import load_cues

pytestmark = pytest.mark.media
TOOLS = find_tools()
LONG_AGO = 1_000_000_000
SRT = "1\n00:00:00,500 --> 00:00:02,000\nHang in there.\n"
MANIFEST = {"episode": "e", "video": None, "subtitles": "e.srt", "analyzer": "embedded", "languages": {"source": "en", "target": "ko"}, "groups": []}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    "A film of four seconds with subtitles inside."
    place = tmp_path_factory.mktemp("film")
    (place / "e.srt").write_text(SRT)
    make_film(place / "plain.mp4", TOOLS, 96)
    run_ffmpeg(["-i", f"file:{place / 'plain.mp4'}", "-i", f"file:{place / 'e.srt'}", "-map", "0", "-map", "1", "-c", "copy", "-metadata:s:s:0", "language=eng", f"file:{place / 'e.mkv'}"], TOOLS)
    return place / "e.mkv"


@pytest.fixture(scope="module")
def canary(tmp_path_factory, film):
    "A film outside. Reading it would move its time of reading."
    path = tmp_path_factory.mktemp("outside") / "canary.mp4"
    path.write_bytes((film.parent / "plain.mp4").read_bytes())
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


@pytest.fixture(autouse=True)
def nothing_outside_is_touched(canary, trap):
    yield
    assert (canary.stat().st_atime, canary.stat().st_mtime) == (LONG_AGO, LONG_AGO)
    assert [one.name for one in canary.parent.iterdir()] == ["canary.mp4"]
    assert trap.called == []


def listings(canary, trap):
    "Texts that ffmpeg, asked without care, would follow."
    there = f"file://{canary}"
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{canary}\n#EXT-X-ENDLIST\n",
        "hls-net": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-KEY:METHOD=AES-128,URI=\"{trap}/key\"\n#EXTINF:9,\n{trap}/x.ts\n#EXT-X-ENDLIST\n",
        "ffconcat": f"ffconcat version 1.0\nfile '{canary}'\n",
        "ffconcat-net": f"ffconcat version 1.0\nfile {trap}/a.mp4\n",
        "dash": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="video/mp4">'
                f'<Representation id="1" bandwidth="1"><BaseURL>{there}</BaseURL></Representation></AdaptationSet></Period></MPD>',
        "imf": f'<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><Id>{there}</Id></CompositionPlaylist>',
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "asx": f'<asx version="3.0"><entry><ref href="{trap}/x.wmv"/></entry></asx>',
        "reference": f"[Reference]\nRef1={trap}/x.wmv\n",
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="{there}"/></svg>',
        "ffmetadata": f";FFMETADATA1\nfile={canary}\n",
        "avisynth": f'AviSource("{canary}")\n',
    }  # fmt: skip


def spec_of(film, path, **more):
    "A piece of a film that lies elsewhere."
    info = probe(film, TOOLS)
    spec = segment_spec("clip", info, fingerprint(film), (0, 400), layout_for("long", info), audio=info.audio[0].index, preset="ultrafast", **more)
    return replace(spec, path=path)


def openers(film, place):
    "Everything that opens a film somebody gave, and what it raises for one that is none."
    return {
        "probe": lambda path: probe(path, TOOLS),
        "streams": lambda path: subtitle_streams(path, ffprobe=TOOLS.ffprobe),
        "embedded": lambda path: read_embedded(path, "en", ffmpeg=TOOLS.ffmpeg, ffprobe=TOOLS.ffprobe),
        "segment": lambda path: render_segment(spec_of(film, path), place / "segment.mov", TOOLS),
        "chapters": lambda path: write_chaptered_film(Manifest.model_validate(MANIFEST), place, path, 4000, TOOLS),
        "join": lambda path: join_lesson(plan_of(film, path), [path], place / "joined.mp4", lambda args, what: run_ffmpeg(args, TOOLS, what=what), place / "small.jpg"),
        "card": lambda path: cut_lines(path, {(0, 500): place / "line.m4a"}, TOOLS),
        "small": lambda path: small_clip(path, place, TOOLS),
    }


def plan_of(film, path):
    spec = spec_of(film, path)
    return LessonPlan("lesson", spec.layout, "separate", "g", ("hang in there",), (spec,))


# Lists under a film's name


@pytest.mark.parametrize("kind", ["hls", "hls-net", "ffconcat", "ffconcat-net", "dash", "imf", "sdp", "asx", "reference", "svg", "ffmetadata", "avisynth"])
def test_a_list_is_refused_under_every_name_a_film_may_have(kind, canary, trap, tmp_path):
    text = listings(canary, trap)[kind]
    for ending in sorted(VIDEO_EXTENSIONS):
        trick = tmp_path / f"trick{ending}"
        trick.write_text(text)
        with pytest.raises(MediaError, match=f"trick{ending}"):
            probe(trick, TOOLS)


@pytest.mark.parametrize("opener", ["streams", "embedded", "segment", "chapters", "join", "card", "small"])
def test_nothing_that_opens_films_follows_a_list(opener, film, canary, trap, tmp_path):
    endings = cycle(sorted(VIDEO_EXTENSIONS))
    for kind, text in listings(canary, trap).items():
        if opener in ("chapters", "join", "card", "small") and kind not in ("hls", "hls-net", "ffconcat", "ffconcat-net", "dash"):
            continue
        trick = tmp_path / f"trick-{kind}{next(endings)}"
        trick.write_text(text)
        with pytest.raises(LangFlixError):
            openers(film, tmp_path)[opener](trick)
        assert not (tmp_path / "segment.mov").exists() or opener != "segment"


@pytest.mark.parametrize("name", ["film%03d.mp4", "film%d.mkv", "film*.mp4", "film[0-9].mp4"])
def test_a_name_is_no_pattern(name, film, canary, tmp_path):
    for sign in ("%03d", "%d", "*", "[0-9]"):
        for number in ("000", "001", "0", "1"):
            if sign in name:
                (tmp_path / name.replace(sign, number)).symlink_to(canary)
    odd = tmp_path / name
    odd.unlink(missing_ok=True)
    odd.write_bytes(film.read_bytes())
    assert probe(odd, TOOLS).duration_ms >= 3900
    render_segment(spec_of(film, odd), tmp_path / "segment.mov", TOOLS)
    assert numbers(tmp_path / "segment.mov", TOOLS, limit=1) == [0]


def test_a_picture_whose_folder_looks_like_a_pattern_is_itself(film, tmp_path):
    folder = tmp_path / "100%d [x] -i file:y"
    folder.mkdir()
    run_ffmpeg(["-i", f"file:{film}", "-frames:v", "1", f"file:{tmp_path / 'p.jpg'}"], TOOLS)
    (tmp_path / "p.jpg").rename(folder / "p.jpg")
    (tmp_path / "1000 [x] -i file:y").mkdir()
    assert small_pictures({"a": folder / "p.jpg"}, TOOLS)["a"].startswith(b"\xff\xd8")


# Containers that name other files


def mov_elsewhere(film, canary, path):
    "A MOV whose frames are said to be in another file."
    run_ffmpeg(["-i", f"file:{film}", "-map", "0:v", "-map", "0:a", "-c", "copy", f"file:{path}"], TOOLS)
    data = path.read_bytes()
    at = data.index(b"dref")
    where = f"file://{canary}".encode() + b"\0"
    path.write_bytes(data[: at + 20] + b"\0\0\0\0" + where + data[at + 24 + len(where) :])
    return path


def ebml(name, data):
    "An element of Matroska."
    size = bytes([0x80 | len(data)]) if len(data) < 127 else (0x4000 | len(data)).to_bytes(2, "big")
    return name + size + data


def mkv_linked(film, canary, path):
    "A Matroska that says: the story goes on in another file."
    where = str(canary).encode()
    filler = b"x" * (len(where) + 1)
    run_ffmpeg(["-i", f"file:{film}", "-map", "0", "-c", "copy", "-metadata", f"title={filler.decode()}", f"file:{path}"], TOOLS)
    title, link = ebml(b"\x7b\xa9", filler), ebml(b"\x3e\x83\xbb", where)
    data = path.read_bytes()
    assert data.count(title) == 1
    assert len(title) == len(link)
    path.write_bytes(data.replace(title, link))
    return path


def mkv_attached(film, canary, path):
    "A Matroska that brings a large file with a name that leads out, and a font."
    large = path.with_suffix(".bin")
    large.write_bytes(b"\0" * 8_000_000)
    attach = [word for number, name in enumerate(("../../../evil.sh", str(canary))) for word in ("-attach", str(large), f"-metadata:s:t:{number}", f"filename={name}", f"-metadata:s:t:{number}", "mimetype=font/ttf")]
    run_ffmpeg(["-i", f"file:{film}", *attach, "-map", "0", "-c", "copy", f"file:{path}"], TOOLS)
    large.unlink()
    return path


@pytest.mark.parametrize(("make", "name"), [(mov_elsewhere, "e.mov"), (mov_elsewhere, "e.mp4"), (mkv_linked, "e.mkv"), (mkv_attached, "e.mkv")])
def test_a_container_gets_no_file_that_it_names(make, name, film, canary, tmp_path):
    place = tmp_path / "work"
    place.mkdir()
    trick = make(film, canary, tmp_path / name)
    for opener in openers(film, place).values():
        with suppress(LangFlixError):
            opener(trick)
    made = {"segment.mov", "joined.mp4", "small.jpg", "line.m4a", f"e.chapters{trick.suffix}", "segments"}
    assert {path.name for path in place.iterdir()} <= made
    assert {path.name for path in tmp_path.iterdir()} == {"work", name}
    if trick.suffix == ".mkv":
        assert [cue.text for cue in read_embedded(trick, "en", ffmpeg=TOOLS.ffmpeg, ffprobe=TOOLS.ffprobe).cues] == ["Hang in there."]


# Names that would be words of a program or of a filter


@pytest.mark.parametrize("name", ["-i.mkv", "--help.mkv", "pipe:0.mkv", "http:x.mkv", "concat:a|b.mkv"])
def test_a_name_is_no_option_and_no_address(name, film, canary, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    odd = Path(name)
    odd.write_bytes(film.read_bytes())
    assert probe(odd, TOOLS).duration_ms >= 3900
    assert len(read_embedded(odd, "en", ffmpeg=TOOLS.ffmpeg, ffprobe=TOOLS.ffprobe).cues) == 1
    render_segment(spec_of(film, odd), Path("-segment.mov"), TOOLS)
    assert write_chaptered_film(Manifest.model_validate(MANIFEST), "-out", odd, 4000, TOOLS).stat().st_size
    assert {path.name for path in tmp_path.iterdir()} == {name, "-segment.mov", "-out"}


@pytest.mark.parametrize("odd", [
    "a';movie={canary},'b", '[0:v]movie={canary}";[in]x[out];"', "line\nfile {canary}\n#x", "a:b,c;d=e\\'f\\:g %{{eif:1:d}}", "$(touch evil) `touch evil`",
])  # fmt: skip
def test_a_name_reaches_no_filter_and_no_list(odd, film, canary, tmp_path):
    folder = tmp_path / odd.format(canary=canary).replace("/", "\u2215")
    folder.mkdir()
    video, said = folder / "e';movie=x,'.mkv", folder / "e';movie=x,'.en.ass"
    video.write_bytes(film.read_bytes())
    said.write_text("[Script Info]\nVideo File: %s\nAudio URI: %s\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
                    "Dialogue: 0,0:00:00.50,0:00:02.00,Default,,0,0,0,,{\\fn%s}movie=%s,subtitles=%s\n" % ((canary,) * 5), encoding="utf-8")  # fmt: skip
    (found,) = find_subtitles(video, "en")
    (cue,) = load_cues(found.path, "en")
    face = check_fonts({"en": [cue.text]})["en"]
    text = f"[Script Info]\nPlayResX: 1920\nPlayResY: 1080\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: D,{face.fonts[0].family},60\n\n[Events]\nFormat: Start, End, Style, Text\nDialogue: 0:00:00.00,0:00:02.00,D,{cue.text}\n"
    segment = folder / "segment.mov"
    render_segment(spec_of(film, video, ass=text, fonts=tuple(font.path for font in face.fonts)), segment, TOOLS)
    join_lesson(plan_of(film, video), [segment], folder / "joined.mp4", lambda args, what: run_ffmpeg(args, TOOLS, what=what), folder / "small.jpg")
    assert write_chaptered_film(Manifest.model_validate(MANIFEST), folder / "out", video, 4000, TOOLS).stat().st_size
    assert not (tmp_path / "evil").exists()
    assert {path.name for path in folder.iterdir()} == {video.name, said.name, "segment.mov", "joined.mp4", "small.jpg", "out"}


def test_a_list_may_not_hide_in_the_store(film, canary, tmp_path):
    "A join reads lists itself; a list in place of a segment is refused all the same."
    inner = tmp_path / "inner.mp4"
    inner.symlink_to(canary)
    trick = tmp_path / "segment.mov"
    for text in ("ffconcat version 1.0\nfile inner.mp4\n", f"#EXTM3U\n#EXTINF:9,\n{canary}\n#EXT-X-ENDLIST\n"):
        trick.write_text(text)
        with pytest.raises(FfmpegError):
            openers(film, tmp_path)["join"](trick)


# Subtitles that point elsewhere


@pytest.mark.parametrize(("name", "text"), [
    ("e.ttml", '<?xml version="1.0"?><!DOCTYPE t SYSTEM "{trap}/x.dtd" [<!ENTITY e SYSTEM "file://{canary}">]><tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="1s" end="2s">Hi &e;</p></div></body></tt>'),
    ("e.ttml", '<?xml version="1.0"?><?xml-stylesheet href="{trap}/x.xsl"?><tt xmlns="http://www.w3.org/ns/ttml" xmlns:xi="http://www.w3.org/2001/XInclude"><body><div><p begin="1s" end="2s">Hi<xi:include href="{canary}"/></p></div></body></tt>'),
    ("e.smi", '<SAMI><HEAD><LINK REL=stylesheet HREF="{trap}/x.css"></HEAD><BODY><SYNC Start=1000><P><IMG SRC="{trap}/x.png">Hi<SYNC Start=2000><P>&nbsp;</BODY></SAMI>'),
    ("e.vtt", "WEBVTT\n\nSTYLE\n::cue {{ background: url({trap}/x.png) }} @import '{trap}/x.css';\n\n00:01.000 --> 00:02.000\n<img src={trap}/x.png>Hi\n"),
    ("e.srt", '1\n00:00:01,000 --> 00:00:02,000\n<font face="{canary}"><img src="{trap}/x">Hi</font>\n'),
])  # fmt: skip
def test_subtitles_fetch_nothing(name, text, canary, trap, tmp_path):
    path = tmp_path / name
    path.write_text(text.format(trap=trap, canary=canary))
    with suppress(InputError):
        assert all("ftyp" not in cue.text for cue in load_cues(path, "en"))
