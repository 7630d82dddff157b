"Segments: the asked frames, all of them, and exactly as much sound."

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from films import NTSC_FILM, clicks, make_film, numbers, samples

from langflix.core import FfmpegError, MediaError, publish
from langflix.fonts import check_fonts
from langflix.media import Tools, find_tools, first_frame, fingerprint, frame_count, probe, run_ffmpeg, sample_count
from langflix.segments import SegmentSpec, SegmentStore, changing_frames, layout_for, render_segment, render_segments, segment_args, segment_spec, together

pytestmark = pytest.mark.media
FRAMES = 320


@pytest.fixture(scope="module")
def tools() -> Tools:
    return find_tools()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", tools, FRAMES)


def spec_of(film: Path, tools: Tools, window: tuple[int, int], kind: str = "clip", layout: str = "long", **more: object) -> SegmentSpec:
    info = probe(film, tools)
    audio = info.audio[0].index if info.audio else None
    return segment_spec(kind, info, fingerprint(film), window, layout_for(layout, info), **{"audio": audio, "preset": "ultrafast", **more})


def rendered(spec: SegmentSpec, tools: Tools, folder: Path) -> Path:
    target = folder / f"{spec.key}.mov"
    render_segment(spec, target, tools, threads=2)
    return target


# ---- frames


@pytest.mark.parametrize("start_ms", [0, 1, 41, 42, 1001, 4963, 10_427])
def test_the_first_frame_is_the_asked_one_and_none_is_missing(start_ms: int, film: Path, tools: Tools, tmp_path: Path) -> None:
    spec = spec_of(film, tools, (start_ms, start_ms + 700))
    first, count = first_frame(start_ms, NTSC_FILM), frame_count(700, NTSC_FILM)
    assert numbers(rendered(spec, tools, tmp_path), tools) == list(range(first, first + count))


@pytest.mark.parametrize("ending", [".mkv", ".ts", ".mpg", ".avi", ".mov"])
def test_every_container(ending: str, film: Path, tools: Tools, tmp_path: Path) -> None:
    other = tmp_path / f"film{ending}"
    old = {".avi": ("mpeg4", "pcm_s16le"), ".mpg": ("mpeg1video", "mp2")}.get(ending)
    if old:
        make_film(other, tools, FRAMES, NTSC_FILM, "-c:v", old[0], "-bf", "0", "-q:v", "2", "-c:a", old[1])
    else:
        run_ffmpeg(["-i", str(film), "-c", "copy", str(other)], tools)
    info = probe(other, tools)
    for start_ms in (2000, 11_000):
        spec = spec_of(other, tools, (start_ms, start_ms + 500))
        first = first_frame(start_ms, NTSC_FILM, info.first_frame_s)
        got = numbers(rendered(spec, tools, tmp_path), tools)
        assert got == list(range(first, first + 12)), f"{ending} {start_ms} {info.first_frame_s}"
        silent = rendered(replace(spec, audio=None), tools, tmp_path)
        assert numbers(silent, tools, limit=1) == [first]


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_every_rate(fps: Fraction, tools: Tools, tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", tools, 120, fps)
    spec = spec_of(film, tools, (777, 1777))
    first, count = first_frame(777, fps), frame_count(1000, fps)
    made = rendered(spec, tools, tmp_path)
    assert numbers(made, tools) == list(range(first, first + count))
    assert len(samples(made, tools)) == sample_count(count, fps)


def test_kinds_and_layouts_start_at_the_same_frame(film: Path, tools: Tools, tmp_path: Path) -> None:
    for kind in ("context", "repeat"):
        spec = spec_of(film, tools, (3210, 3710), kind)
        assert numbers(rendered(spec, tools, tmp_path), tools, limit=1) == [first_frame(3210, NTSC_FILM)]
    short = spec_of(film, tools, (3210, 3460), layout="short")
    picture = 1080 * 9 / 16 / 1920  # the film's share of the upright picture
    made = rendered(short, tools, tmp_path)
    assert numbers(made, tools, top=(1 - picture) * 0.34, height=picture)[0] == first_frame(3210, NTSC_FILM)


def test_a_card_stands_still_and_silent(film: Path, tools: Tools, tmp_path: Path) -> None:
    spec = spec_of(film, tools, (3210, 3211), "card", hold=23, audio=None)
    made = rendered(spec, tools, tmp_path)
    assert len(numbers(made, tools)) == 24
    assert set(samples(made, tools)) == {0}


# ---- text

SCRIPT = """[Script Info]
ScriptType: v4.00+
PlayResX: 1920
PlayResY: 1080

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, Outline, Shadow, Alignment, Encoding
Style: Plain,{family},90,&H00FFFFFF,&H00000000,&H00000000,0,4,0,7,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.00,0:00:00.41,Plain,,0,0,0,,{{\\an8\\pos(960,900)}}First words
Dialogue: 0,0:00:00.73,0:00:01.50,Plain,,0,0,0,,{{\\an8\\pos(960,900)}}Others, longer than those
Dialogue: 0,0:00:00.96,0:00:02.40,Plain,,0,0,0,,{{\\an7\\pos(90,120)}}{fade}Later
Dialogue: 1,0:00:00.30,0:00:01.10,Plain,,0,0,0,,{{\\an7\\pos(300,930)\\bord0\\1c&H20100B&\\1a&H24&\\p1}}m 0 0 l 400 0 l 400 60 l 0 60{{\\p0}}
"""


def grey(path: Path, tools: Tools, size: tuple[int, int], filters: str = "null", cwd: Path | None = None) -> list[bytes]:
    "All frames of a film, as brightness, half as wide and high."
    width, height = (side // 2 for side in size)
    wanted = ["-vf", f"{filters},scale={width}:{height}:flags=area", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run([tools.ffmpeg, "-v", "error", "-i", path, *wanted], capture_output=True, check=True, cwd=cwd).stdout
    return [raw[at : at + width * height] for at in range(0, len(raw), width * height)]


def furthest(a: bytes, b: bytes) -> int:
    "The largest difference between two pictures."
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def drawn_by_hand(plain: SegmentSpec, words: str, font: Path, tools: Tools, folder: Path) -> list[bytes]:
    "What a segment without text looks like once libass has drawn on each of its frames."
    (folder / "words.ass").write_text(words, encoding="utf-8")
    (folder / "fonts").mkdir()
    (folder / "fonts" / font.name).symlink_to(font)
    return grey(rendered(plain, tools, folder), tools, (plain.layout.width, plain.layout.height), "ass=words.ass:fontsdir=fonts", folder)


@pytest.mark.parametrize("rows", [(), ((880, 1020), (100, 230))])
def test_text_is_laid_over_as_if_each_frame_were_drawn_anew(rows: tuple[tuple[int, int], ...], film: Path, tools: Tools, tmp_path: Path) -> None:
    font = check_fonts({"en": ["abc"]})["en"].main
    words = SCRIPT.format(family=font.family, fade="")
    plain = spec_of(film, tools, (1000, 3500), "context", crf=4)
    wanted = drawn_by_hand(plain, words, font.path, tools, tmp_path)
    got = grey(rendered(replace(plain, ass=words, fonts=(font.path,), rows=rows), tools, tmp_path), tools, (plain.layout.width, plain.layout.height))
    assert len(got) == len(wanted) == plain.total_frames
    assert max(furthest(a, b) for a, b in zip(got, wanted, strict=True)) < 45  # the soft edge of a letter
    bare = grey(rendered(plain, tools, tmp_path), tools, (plain.layout.width, plain.layout.height))
    assert sum(furthest(a, b) > 100 for a, b in zip(got, bare, strict=True)) > 40


def test_the_text_of_a_card_fades_in_and_stays(film: Path, tools: Tools, tmp_path: Path) -> None:
    font = check_fonts({"en": ["abc"]})["en"].main
    words = SCRIPT.format(family=font.family, fade=r"{\fad(300,0)}").replace("0:00:02.40", "0:00:02.50")  # until the card ends
    plain = spec_of(film, tools, (1000, 1001), "card", hold=59, audio=None, crf=4)
    wanted = drawn_by_hand(plain, words, font.path, tools, tmp_path)
    got = grey(rendered(replace(plain, ass=words, fonts=(font.path,)), tools, tmp_path), tools, (plain.layout.width, plain.layout.height))
    assert len(got) == len(wanted) == 60
    assert max(furthest(a, b) for a, b in zip(got, wanted, strict=True)) < 45


def test_only_frames_whose_text_changes_are_drawn() -> None:
    fading = SCRIPT.format(family="", fade=r"{\fad(300,200)}")
    assert changing_frames(fading, Fraction(25), 100) == [0, 1, *range(7, 13), *range(18, 21), *range(23, 34), *range(37, 40), *range(54, 62)]
    assert changing_frames("", Fraction(25), 100) == [0]
    assert changing_frames(fading.replace("fad(300,200)", "move(0,0,90,90)"), Fraction(25), 100) == [0, 1, *range(7, 13), *range(18, 21), *range(23, 62)]


def test_the_band_behind_text_is_even_and_softer_above(film: Path, tools: Tools, tmp_path: Path) -> None:
    pale = tmp_path / "pale.mp4"
    run_ffmpeg(["-f", "lavfi", "-i", "color=0xD0D0D0:s=640x360:r=25:d=2", str(pale)], tools)
    spec = spec_of(pale, tools, (0, 400), "context", shade=(800, 1080), crf=4)
    height = spec.layout.height // 2
    frame = grey(rendered(spec, tools, tmp_path), tools, (spec.layout.width, spec.layout.height))[3]
    column = [frame[row * (len(frame) // height) + 50] for row in range(height)]
    dark, fade = column[round(height * 800 / 1080) + 2 :], column[round(height * 690 / 1080) : round(height * 790 / 1080)]
    assert max(dark) - min(dark) <= 3
    assert max(dark) < 0.6 * column[height // 2]
    assert fade == sorted(fade, reverse=True)
    assert max(column[: height // 2]) - min(column[: height // 2]) <= 2


def test_a_card_is_made_with_the_line_that_it_stands_for(film: Path, tools: Tools, tmp_path: Path) -> None:
    line = spec_of(film, tools, (3000, 4000), "repeat")
    card = spec_of(film, tools, (3500, 3501), "card", hold=20, audio=None, bar="0xFFC24B@0.8")
    elsewhere = spec_of(film, tools, (6000, 6001), "card", hold=20, audio=None)
    assert together([line, card, elsewhere]) == [(line, card), (elsewhere,)]
    parts = [tmp_path / "line.mov", tmp_path / "card.mov"]
    render_segments([line, card], parts, tools, threads=2)
    assert parts[1].read_bytes() == rendered(card, tools, tmp_path).read_bytes()


# ---- sound


def test_sound_is_as_long_as_the_picture_and_in_its_place(film: Path, tools: Tools, tmp_path: Path) -> None:
    spec = spec_of(film, tools, (1900, 4100), hold=6)
    made = rendered(spec, tools, tmp_path)
    sound = samples(made, tools)
    assert len(sound) == sample_count(spec.total_frames, NTSC_FILM)
    clicks_at = [n for n in range(spec.first, spec.first + spec.frames) if n % 24 == 0]
    for number in clicks_at:
        wanted = round((number - spec.first) / NTSC_FILM * 48_000)
        heard = next(place for place in range(max(wanted - 4800, 0), wanted + 4800) if abs(sound[place]) > 5000)
        assert abs(heard - wanted) < 48 * 5
    assert not any(sound[-sample_count(6, NTSC_FILM) + 10 :])


def test_a_silent_film_gets_silence(tools: Tools, tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", tools, 48, silent=True)
    made = rendered(spec_of(film, tools, (0, 1000)), tools, tmp_path)
    assert len(samples(made, tools)) == 24 * 2002


def test_sound_that_starts_late_or_ends_early_is_filled(tools: Tools, tmp_path: Path) -> None:
    film, pcm, late = make_film(tmp_path / "film.mp4", tools, 96, silent=True), tmp_path / "x.pcm", tmp_path / "late.mkv"
    pcm.write_bytes(clicks(24, NTSC_FILM))
    sound = ["-f", "s16le", "-ar", "48000", "-ac", "1", "-i", str(pcm), "-af", "asetpts=PTS+1.5/TB"]
    run_ffmpeg(["-i", str(film), *sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", str(late)], tools)
    made = samples(rendered(spec_of(late, tools, (1000, 3500)), tools, tmp_path), tools)
    assert len(made) == sample_count(60, NTSC_FILM)
    heard = next(place for place, value in enumerate(made) if abs(value) > 5000)
    assert heard / 48 == pytest.approx(500 - 1.0, abs=25)


# ---- the end of a film, damage


def test_a_window_past_the_end_is_cut_there(film: Path, tools: Tools, tmp_path: Path) -> None:
    info = probe(film, tools)
    spec = spec_of(film, tools, (13_000, 60_000))
    got = numbers(rendered(spec, tools, tmp_path), tools)
    assert len(got) == spec.frames == frame_count(info.duration_ms - 13_000, NTSC_FILM)
    assert got[:3] == [312, 313, 314]


def test_a_film_that_breaks_off_is_an_error_not_a_short_segment(film: Path, tools: Tools, tmp_path: Path) -> None:
    cut = tmp_path / "cut.ts"
    run_ffmpeg(["-i", str(film), "-c", "copy", str(cut)], tools)
    spec = replace(spec_of(cut, tools, (9000, 13_000)), path=cut)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    with pytest.raises(FfmpegError, match=r"no more picture|ended with status"):
        rendered(spec, tools, tmp_path)


# ---- keys and the store


def test_a_key_follows_all_that_shapes_a_segment_and_nothing_else(film: Path, tools: Tools, tmp_path: Path) -> None:
    spec = spec_of(film, tools, (1000, 2000))
    changes: list[dict[str, object]] = [
        {"source": "another"}, {"first": 3}, {"frames": 9}, {"hold": 2}, {"ass": "text"}, {"crf": 30}, {"preset": "fast"},
        {"tool": "9"}, {"layout": layout_for("short", probe(film, tools))}, {"audio": None}, {"interlaced": True}, {"kind": "card"},
        {"fps": Fraction(25)}, {"video": 1}, {"offset": Fraction(1, 10)}, {"origin": Fraction(1)}, {"fonts": (film,)},
    ]  # fmt: skip
    keys = {replace(spec, **change).key for change in changes}
    assert len(keys | {spec.key}) == len(changes) + 1
    assert replace(spec, path=tmp_path / "moved.mp4").key == spec.key


def test_the_store_renders_once(film: Path, tools: Tools, tmp_path: Path) -> None:
    spec, store = spec_of(film, tools, (1000, 1500)), SegmentStore(tmp_path)
    for _ in range(3):
        store.get(spec, lambda part: render_segment(spec, part, tools))
    assert dict(store.counts) == {"rendered": 1, "reused": 2}
    assert spec in SegmentStore(tmp_path)


def test_the_picture_ends_by_its_graph(film: Path, tools: Tools) -> None:
    "Before version 6, ffmpeg ended the sound too when `-frames:v` was reached."
    args = segment_args(spec_of(film, tools, (3210, 3910)), "film", "target")
    assert "-frames:v" not in args
    assert any("trim=end_frame=17[" in arg or "trim=end_frame=17;" in arg for arg in args)


def test_one_process_makes_what_several_would(film: Path, tools: Tools, tmp_path: Path) -> None:
    plain = spec_of(film, tools, (3210, 3910))
    batch = (plain, replace(plain, hold=6, shade=(800, 1080)), replace(plain, layout=layout_for("short", probe(film, tools)), audio=None))
    assert together([*batch, replace(plain, first=9), replace(plain, crf=30)]) == [batch, (replace(plain, first=9),), (replace(plain, crf=30),)]
    parts = [tmp_path / f"{number}.mov" for number in range(3)]
    render_segments(batch, parts, tools, threads=2)
    for spec, part in zip(batch, parts, strict=True):
        assert part.read_bytes() == rendered(spec, tools, tmp_path).read_bytes()


def test_what_is_there_is_not_made_again_with_others(tmp_path: Path, film: Path, tools: Tools) -> None:
    first, second = spec_of(film, tools, (0, 300)), spec_of(film, tools, (0, 300), crf=30)
    store, asked = SegmentStore(tmp_path), []

    def render(specs: list[SegmentSpec], parts: list[Path]) -> None:
        asked.append(list(specs))
        for part in parts:
            part.write_bytes(b"whole")

    store.get(first, lambda part: part.write_bytes(b"whole"))
    assert store.get_all([first, second], render) == [store.path(first), store.path(second)]
    assert asked == [[second]]
    assert dict(store.counts) == {"rendered": 2, "reused": 1}


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_segments import spec_of
from langflix.media import find_tools
from langflix.segments import SegmentStore, render_segment
tools = find_tools()
spec = spec_of(Path(sys.argv[1]), tools, (0, 13_000), preset="veryslow")
print(spec.key, flush=True)
SegmentStore(sys.argv[2]).get(spec, lambda part: render_segment(spec, part, tools))
"""


def test_a_killed_render_leaves_nothing_under_a_final_name(film: Path, tools: Tools, tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(film), str(tmp_path), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as child:
        key = child.stdout.readline().strip() if child.stdout else ""
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("*/.part-*")) and time.monotonic() < deadline:
            os.sched_yield()
        os.killpg(child.pid, signal.SIGKILL)
    left = list(tmp_path.rglob("*.mov"))
    assert key
    assert [path.name[:6] for path in left] == [".part-"]
    store = SegmentStore(tmp_path)
    assert store.sweep(older_than_s=-1) == 1
    assert not list(tmp_path.rglob("*.mov"))


def _write(root: Path, number: int, gate: object) -> None:
    gate.wait()  # type: ignore[attr-defined]
    publish(root / "same.bin", lambda part: part.write_bytes(b"same" * 100_000))


def test_two_processes_may_publish_the_same_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(2)
    children = [context.Process(target=_write, args=(tmp_path, number, gate)) for number in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["same.bin"]
    assert (tmp_path / "same.bin").stat().st_size == 400_000


def test_odd_names_of_films_and_folders(film: Path, tools: Tools, tmp_path: Path) -> None:
    odd = tmp_path / "it's: [odd], 100% 한글"
    odd.mkdir()
    moved = odd / "film, 'one': 1.mp4"
    moved.write_bytes(film.read_bytes())
    assert numbers(rendered(spec_of(moved, tools, (1000, 1300)), tools, odd), tools, limit=1) == [24]


def test_a_list_of_films_that_is_named_like_a_film_is_not_followed(film: Path, tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").symlink_to(film)
    trick = tmp_path / "trick.mp4"
    trick.write_text("ffconcat version 1.0\nfile film.mp4\n")
    command = [tools.ffprobe, "-v", "error", "-show_entries", "format=format_name", "-of", "csv=p=0", f"file:{trick}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "concat"  # ffmpeg alone would follow it
    with pytest.raises(MediaError):
        probe(trick, tools)
    spec = replace(spec_of(film, tools, (0, 300)), path=trick)
    with pytest.raises(FfmpegError):
        rendered(spec, tools, tmp_path)
    assert rendered(spec_of(film, tools, (0, 300)), tools, tmp_path).exists()
