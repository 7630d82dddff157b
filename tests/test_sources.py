"Films as they come: each kind carries its frames' numbers, and a segment has exactly those that were asked for."

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from films import NTSC_FILM, clicks, make_film, numbers, samples, turned

from langflix import media
from langflix.core import FfmpegError, MediaError
from langflix.media import MediaInfo, Tools, choose_audio, find_tools, first_frame, frame_count, probe, run_ffmpeg, sample_count
from langflix.segments import Layout, SegmentSpec, render_segment, segment_spec

pytestmark = pytest.mark.media
FRAMES = 290
SMALL = Layout("long", 320, 180, (1920, 1080), 140, 64)


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find_tools()


def spec_of(info: MediaInfo, window: tuple[int, int], language: str = "en", **more: object) -> SegmentSpec:
    track = choose_audio(info, language)
    return segment_spec("clip", info, "film", window, SMALL, **{"audio": track.index if track else None, "preset": "ultrafast", **more})


def rendered(spec: SegmentSpec, tools: Tools, folder: Path) -> Path:
    target = folder / f"{spec.key}.mov"
    render_segment(spec, target, tools)
    return target


def check(film: Path, tools: Tools, starts: tuple[int, ...] = (0, 1001, 9_990, 10_950), step: int = 1, line: int = 6) -> MediaInfo:
    "The frames of several windows are the asked ones, all of them, with exactly as much sound."
    info = probe(film, tools)
    for start_ms in starts:
        spec = spec_of(info, (start_ms, start_ms + 400))
        first, count = first_frame(start_ms, info.fps, info.first_frame_s), frame_count(400, info.fps)
        made = rendered(spec, tools, film.parent)
        assert numbers(made, tools, line=line) == [number * step for number in range(first, first + count)], f"from {start_ms} ms"
        assert len(samples(made, tools)) == sample_count(count, info.fps)
    return info


# ---- codecs and containers

X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=240:min-keyint=240:bframes=3:pools=1:frame-threads=1")
FAR = ("-g", "240", "-keyint_min", "240", "-sc_threshold", "0")  # key frames ten seconds apart


@dataclass(frozen=True)
class Source:
    name: str
    args: tuple[str, ...]
    codec: str = "h264"
    start: float = 0  # what the container's clock shows at the beginning, seconds


SOURCES = (
    Source("h264.mp4", FAR),
    Source("h264-10bit.mkv", (*FAR, "-pix_fmt", "yuv420p10le")),
    Source("hevc.mp4", (*X265, "-tag:v", "hvc1"), "hevc"),
    Source("hevc-10bit.mkv", (*X265, "-pix_fmt", "yuv420p10le"), "hevc"),
    Source("late.mkv", (*FAR, "-output_ts_offset", "7.3"), start=7.3),
    Source("late.mp4", (*FAR, "-output_ts_offset", "7.3", "-use_editlist", "1"), start=7.3),
    Source("late.ts", (*FAR, "-output_ts_offset", "7.3", "-muxdelay", "0", "-muxpreload", "0"), start=7.3),
    Source("late-hevc.ts", (*X265, "-output_ts_offset", "7.3", "-muxdelay", "0", "-muxpreload", "0"), "hevc", start=7.3),
    Source("open-gop.ts", (*FAR, "-x264-params", "open-gop=1:keyint=48:bframes=3:b-pyramid=normal")),
    Source("mpeg2.ts", ("-c:v", "mpeg2video", "-q:v", "2", "-g", "15", "-bf", "2", "-c:a", "ac3"), "mpeg2video"),
    Source("vp9.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "240", "-c:a", "libopus"), "vp9"),
)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_codecs_and_containers(source: Source, tools: Tools, tmp_path: Path) -> None:
    film = make_film(tmp_path / source.name, tools, FRAMES, NTSC_FILM, *source.args)
    info = check(film, tools)
    assert info.video_codec == source.codec
    assert float(info.start_s) == pytest.approx(source.start, abs=0.1) or source.start == 0


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(50), Fraction(60000, 1001), Fraction(60)])
def test_rates(fps: Fraction, tools: Tools, tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", tools, round(4 * fps), fps)
    assert check(film, tools, (0, 777, 3_333)).fps == fps


# ---- a rate that changes


def _moment_ms(number: int) -> int:
    "When a frame of the uneven film is shown: unsteady, and one of them stands still for half a second."
    return number * 33 + number * 7 % 5 * 5 + (500 if number >= 60 else 0)


def test_a_rate_that_changes(tools: Tools, tmp_path: Path) -> None:
    uneven = "settb=1/1000,setpts=N*33+mod(N*7\\,5)*5+500*gte(N\\,60)"
    film = make_film(
        tmp_path / "film.mkv", tools, 150, Fraction(30), "-fps_mode", "passthrough", "-enc_time_base", "1/1000", silent=True, filters=uneven
    )
    info = probe(film, tools)
    assert info.fps in media.USUAL_RATES
    for start_ms in (0, 1_000, 2_200, 2_310, 4_000):
        spec = spec_of(info, (start_ms, start_ms + 600))
        ticks = [1000 * (info.first_frame_s + (spec.first + number + Fraction(1, 2)) / info.fps) for number in range(spec.frames)]
        wanted = [max(number for number in range(150) if _moment_ms(number) < tick) for tick in ticks]
        assert numbers(rendered(spec, tools, tmp_path), tools) == wanted, f"from {start_ms} ms"


# ---- pictures that are not plain


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_interlaced(order: str, tools: Tools, tmp_path: Path) -> None:
    args = ("-flags", "+ildct+ilme", "-x264-params", f"{order}=1", "-c:a", "mp2")
    film = make_film(tmp_path / "film.ts", tools, 400, Fraction(50), *args, filters=f"interlace=scan={order}:lowpass=off")
    info = check(film, tools, (0, 1_010, 7_000), step=2, line=6 if order == "tff" else 7)  # a line of the first field
    assert info.interlaced
    assert info.fps == 25


def test_wide_pixels(tools: Tools, tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", tools, 60, filters="scale=240:180,setsar=4/3")
    info = check(film, tools, (0, 1_500))
    assert (info.sar, info.width, info.shape) == (Fraction(4, 3), 240, Fraction(16, 9))


@pytest.mark.parametrize(("filters", "degrees"), [("transpose=clock", -90), ("transpose=cclock", 90), ("hflip,vflip", 180)])
def test_rotation(filters: str, degrees: int, tools: Tools, tmp_path: Path) -> None:
    lying = make_film(tmp_path / "lying.mp4", tools, 60, filters=filters)
    info = check(turned(lying, tmp_path / "film.mp4", degrees), tools, (0, 1_500))
    assert (info.width, info.height) == (320, 180)


BRIGHT = ("-color_primaries", "bt2020", "-colorspace", "bt2020nc", "-pix_fmt", "yuv420p10le")


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_bright_films_are_tone_mapped(transfer: str, tools: Tools, tmp_path: Path) -> None:
    tags = f"log-level=error:pools=1:frame-threads=1:colorprim=bt2020:colormatrix=bt2020nc:transfer={transfer}"
    args = ("-c:v", "libx265", "-preset", "ultrafast", *BRIGHT, "-color_trc", transfer, "-x265-params", tags)
    film = make_film(tmp_path / "film.mkv", tools, 60, NTSC_FILM, *args)
    info = check(film, tools, (0, 1_500))
    assert info.hdr
    made = probe(rendered(spec_of(info, (0, 400)), tools, tmp_path), tools)
    assert made.transfer == "bt709"


def test_a_bright_film_is_refused_where_it_cannot_be_tone_mapped(tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = "colorprim=bt2020:colormatrix=bt2020nc:transfer=smpte2084"  # ffmpeg 7.1 gives libx264 those of the frames
    film = make_film(tmp_path / "film.mkv", tools, 24, NTSC_FILM, *BRIGHT, "-x264-params", tags, silent=True)
    assert probe(film, tools).hdr
    monkeypatch.setattr(media, "TONE_MAPPING", ("zscale", "a filter of the future"))
    with pytest.raises(MediaError, match="a filter of the future") as error:
        probe(film, tools)
    assert "film.mkv" in error.value.message
    assert error.value.hint


def test_colours_that_only_one_vendor_decodes_are_refused(tools: Tools, tmp_path: Path) -> None:
    said = {"streams": [], "format": {"duration": "5"}}
    picture = {"index": 0, "width": 64, "height": 36, "side_data_list": [{"side_data_type": "DOVI configuration record", "dv_profile": 5}]}
    with pytest.raises(MediaError, match="Dolby Vision"):
        media._media_info(tmp_path / "film.mp4", said, picture)


# ---- sound


def heard_at(made: Path, tools: Tools) -> float:
    "When the first click is heard, seconds."
    sound = samples(made, tools)
    loud = max(map(abs, sound)) / 2
    return next(place for place, value in enumerate(sound) if abs(value) > loud) / 48_000


@pytest.mark.parametrize(("codec", "layout"), [("aac", "mono"), ("aac", "stereo"), ("ac3", "5.1"), ("aac", "5.1"), ("flac", "stereo")])
def test_channels(codec: str, layout: str, tools: Tools, tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mkv", tools, 96, NTSC_FILM, "-c:a", codec, "-af", f"aformat=channel_layouts={layout}")
    info = check(film, tools, (1_000,))
    assert info.audio[0].channels == {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    made = rendered(spec_of(info, (1_500, 3_000)), tools, tmp_path)
    assert probe(made, tools).audio[0].channels == 2
    wanted = 48 / NTSC_FILM - (first_frame(1_500, NTSC_FILM) / NTSC_FILM)
    assert heard_at(made, tools) == pytest.approx(float(wanted), abs=0.005)


def test_no_sound(tools: Tools, tmp_path: Path) -> None:
    info = check(make_film(tmp_path / "film.mkv", tools, 60, silent=True), tools, (0, 1_500))
    assert info.audio == ()


def test_the_language_chooses_among_tracks(tools: Tools, tmp_path: Path) -> None:
    film, pcm, two = make_film(tmp_path / "film.mkv", tools, 96, NTSC_FILM, "-c:a", "flac"), tmp_path / "korean.pcm", tmp_path / "two.mkv"
    pcm.write_bytes(bytes(2 * 2002 * 10) + clicks(96, NTSC_FILM))  # the Korean clicks come 417 ms later
    korean = ["-f", "s16le", "-ar", "48000", "-ac", "1", "-i", str(pcm)]
    names = ["-metadata:s:a:0", "language=kor", "-disposition:a:0", "default", "-metadata:s:a:1", "language=eng", "-disposition:a:1", "0"]
    run_ffmpeg([*korean, "-i", str(film), "-map", "1:v", "-map", "0:a", "-map", "1:a", "-c:v", "copy", "-c:a", "flac", *names, str(two)], tools)
    info = probe(two, tools)
    heard = [heard_at(rendered(spec_of(info, (1_500, 3_000), language), tools, tmp_path), tools) for language in ("en", "ko")]
    assert heard[1] - heard[0] == pytest.approx(20_020 / 48_000, abs=0.005)


def test_slow_speech_keeps_its_pitch_and_its_place(tools: Tools, tmp_path: Path) -> None:
    info = probe(make_film(tmp_path / "film.mkv", tools, 96), tools)
    spec = spec_of(info, (1_000, 2_500), hold=6, speed=Fraction(3, 4))
    made = rendered(spec, tools, tmp_path)
    shown = numbers(made, tools)
    assert len(shown) == spec.total_frames == round(36 / Fraction(3, 4)) + 6
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == (spec.first, spec.first + 35)
    sound = samples(made, tools)
    assert len(sound) == sample_count(spec.total_frames, info.fps)
    hum = sound[20_000:40_000]
    crossings = sum(before < 0 <= after for before, after in pairwise(hum))
    assert crossings / (len(hum) / 48_000) == pytest.approx(250, rel=0.05)


# ---- films that end before they should


def test_a_source_that_ends_early_fails_where_it_ends_and_nowhere_else(tools: Tools, tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.ts", tools, FRAMES, NTSC_FILM, "-g", "24")
    info = probe(film, tools)
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    early, late = spec_of(info, (1_000, 1_400)), spec_of(info, (11_000, 11_400))
    assert numbers(rendered(early, tools, tmp_path), tools) == list(range(early.first, early.first + early.frames))
    with pytest.raises(FfmpegError, match=r"no more picture|ended with status"):
        rendered(replace(late), tools, tmp_path)
