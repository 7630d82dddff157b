"""The main job, end to end, on the sample episode with real ffmpeg."""

import json
import re
import subprocess
from fractions import Fraction

import pytest
from stand_in import answer, error, stand_in

from langflix.config import Settings
from langflix.core import FontError, InputError, MediaError, SettingsError, SubtitleError
from langflix.export import read_manifest
from langflix.lexicon import Lexicon
from langflix.media import find_tools, probe, run_ffmpeg
from langflix.pipeline import LangFlixPipeline, choose_source, exit_status, sample_episode
from langflix.subtitles import load_cues

SAMPLE = sample_episode()
CUES = load_cues(SAMPLE.subs, "en")
GOLD = json.loads((SAMPLE.subs.parent / "gold.json").read_text(encoding="utf-8"))


def settings(cache, **more):
    lessons = {"preset": "ultrafast", "crf": 30} | more.pop("lessons", {})
    return Settings(**({"analyzer": "embedded", "paths": {"cache": cache}, "lessons": lessons} | more))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    "A run of the sample that keeps four expressions."
    place = tmp_path_factory.mktemp("made")
    pipeline = LangFlixPipeline(settings(place / "cache", lessons={"max_expressions": 4}))
    return place, pipeline.run(SAMPLE.video, subs=SAMPLE.subs, subs_target=SAMPLE.subs_target, out=place / "out")


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory):
    "The whole sample, analyzed."
    place = tmp_path_factory.mktemp("analyzed")
    manifest = LangFlixPipeline(settings(place / "cache")).analyze(SAMPLE.subs, subs_target=SAMPLE.subs_target, out=place / "out")
    return place / "out" / "sample", manifest


def expressions(manifest):
    return [e for group in manifest.groups for e in group.expressions]


def test_an_episode_becomes_lessons_clips_cards_subtitles_report_and_manifest(made):
    place, manifest = made
    folder = place / "out" / "sample"
    assert exit_status(manifest) == 0
    assert len(manifest.lessons) == len(expressions(manifest)) == 4
    assert len(manifest.clips) == len(manifest.groups)
    for name in [lesson.path for lesson in manifest.lessons] + [clip.path for clip in manifest.clips] + ["report.html", "deck.apkg"]:
        assert (folder / name).stat().st_size > 1000
    for group in manifest.groups:
        assert {path.suffixes[-2] for path in (folder / "subtitles").glob(f"{group.id}*.srt")} == {".en", ".ko"}
    assert read_manifest(folder) == manifest


COUNTER = json.loads((SAMPLE.subs.parent / "counter.json").read_text(encoding="utf-8"))
FPS = Fraction(24000, 1001)


def frames_shown(path, *numbers):
    "The frame numbers of the sample that some frames of a video show, read from the bar code in their corner."
    chosen = "+".join(f"eq(n,{number})" for number in numbers)
    command = [find_tools().ffmpeg, "-v", "error", "-i", path, "-vf", f"select='{chosen}',format=gray", "-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    size = COUNTER["width"] * COUNTER["height"]
    assert len(raw) == size * len(numbers)
    return [_read_counter(raw[i : i + size]) for i in range(0, len(raw), size)]


def _read_counter(gray):
    half = COUNTER["cell"] // 2
    row = (COUNTER["y"] + half) * COUNTER["width"]
    bits = [gray[row + COUNTER["x"] + i * COUNTER["cell"] + half] > 127 for i in range(COUNTER["cells"])]
    return int("".join("01"[bit] for bit in bits), 2)


def first_not_before(ms):
    return -(-ms * FPS // 1000)


def test_every_segment_begins_with_the_frame_that_was_asked_for(made):
    place, manifest = made
    folder = place / "out" / "sample"
    of = {(g.id, e.expression): (g, e) for g in manifest.groups for e in g.expressions}
    for lesson in manifest.lessons:
        group, one = of[lesson.group_id, lesson.expression]
        scene = round(group.duration_ms * FPS / 1000)
        asked = [first_not_before(group.context_start_ms), first_not_before(one.start_ms)]
        assert frames_shown(folder / lesson.path, 0, scene) == asked
    for clip in manifest.clips:
        start_ms = next(g.context_start_ms for g in manifest.groups if g.id == clip.group_id)
        assert frames_shown(folder / clip.path, 0) == [first_not_before(start_ms)]


def test_the_manifest_tells_the_length_of_every_lesson(made):
    place, manifest = made
    for lesson in manifest.lessons:
        info = probe(place / "out" / "sample" / lesson.path, find_tools())
        assert abs(info.duration_ms - lesson.duration_ms) <= 45
        assert (info.width, info.height) == (1280, 720)


def test_a_second_run_renders_nothing_and_says_so(made):
    place, manifest = made
    pipeline = LangFlixPipeline(settings(place / "cache", lessons={"max_expressions": 4}))
    again = pipeline.run(SAMPLE.video, subs=SAMPLE.subs, subs_target=SAMPLE.subs_target, out=place / "out")
    assert (again.stats.segments.rendered, again.stats.ffmpeg_runs) == (0, 0)
    assert again.stats.segments.reused > 0
    assert again.lessons == manifest.lessons


def test_what_a_new_run_does_not_make_does_not_stay_behind(made):
    place, _ = made
    run = LangFlixPipeline(settings(place / "cache", lessons={"max_expressions": 4})).run
    run(SAMPLE.video, subs=SAMPLE.subs, subs_target=SAMPLE.subs_target, out=place / "less")
    own = place / "less" / "sample" / "lessons" / "long" / "my own notes.txt"
    own.write_text("stay")
    run = LangFlixPipeline(settings(place / "cache", lessons={"max_expressions": 1})).run
    manifest = run(SAMPLE.video, subs=SAMPLE.subs, subs_target=SAMPLE.subs_target, out=place / "less")
    left = sorted(path.name for path in own.parent.iterdir())
    assert [name for name in left if name.endswith(".mp4")] == [manifest.lessons[0].path.rsplit("/", 1)[1]]
    assert own.name in left


def test_analyze_writes_the_same_manifest_without_video(made, analyzed):
    folder, manifest = analyzed
    assert read_manifest(folder) == manifest
    assert manifest.lessons == ()
    _, rendered = made
    found = {(e.expression, e.cue_start): e for e in expressions(manifest)}
    assert all(found[e.expression, e.cue_start] == e for e in expressions(rendered))
    assert (folder / "report.html").is_file()
    assert not list(folder.rglob("*.mp4"))


def test_every_gold_expression_is_found_at_its_cue(analyzed):
    _, manifest = analyzed
    found = {(e.expression.lower(), e.cue_start, e.cue_end, e.start_ms, e.end_ms) for e in expressions(manifest)}
    gold = {(g["expression"].lower(), g["cue_start"], g["cue_end"], g["start_ms"], g["end_ms"]) for g in GOLD}
    merged = {(d.expression.lower(), d.cue_start) for d in manifest.dropped if d.reason == "found twice"}
    assert {g for g in gold - found if (g[0], g[1]) not in merged} == set()
    assert len(gold) >= 25


def test_every_expression_of_a_manifest_is_literally_in_its_cues(analyzed):
    _, manifest = analyzed
    heard = {(match.entry.id, match.spans) for match in Lexicon.load().find(CUES)}
    for e in expressions(manifest):
        own = CUES[e.cue_start - 1 : e.cue_end]
        assert (e.sense, e.spans) in heard
        assert e.text == " ".join(cue.line for cue in own)
        assert (e.start_ms, e.end_ms) == (own[0].start_ms, own[-1].end_ms)
        words = [CUES[i - 1].text[a:b] for i, a, b in e.spans]
        assert all(word.strip() == word != "" for word in words)


def test_expressions_of_one_scene_share_a_group(analyzed):
    _, manifest = analyzed
    assert max(len(group.expressions) for group in manifest.groups) >= 3
    contexts = [(group.context_start_ms, group.context_end_ms) for group in manifest.groups]
    assert len(set(contexts)) == len(contexts)


def test_what_the_learner_reads_comes_from_the_translation_and_the_lexicon(analyzed):
    folder, manifest = analyzed
    assert all(re.search("[가-힣]", e.translation) for e in expressions(manifest))
    text = "".join(path.read_text(encoding="utf-8") for path in (folder / "subtitles").glob("*.ko.srt"))
    assert len(re.findall("[가-힣]", text)) > 500


@pytest.mark.parametrize("language", ["ja", "es"])
def test_other_languages_without_a_translation_file(tmp_path, language):
    manifest = LangFlixPipeline(settings(tmp_path / "c", languages={"target": language})).analyze(SAMPLE.subs, out=tmp_path)
    assert all(e.translation for e in expressions(manifest))
    assert manifest.subtitles_target is None


def test_a_language_that_the_lexicon_lacks_is_said(tmp_path):
    manifest = LangFlixPipeline(settings(tmp_path / "c", languages={"target": "fi"})).analyze(SAMPLE.subs, out=tmp_path)
    assert any("no fi translation" in note for note in manifest.notes)


# What can fail early fails before any work.


def run_with(tmp_path, video=SAMPLE.video, **options):
    given = {"subs": SAMPLE.subs, "subs_target": SAMPLE.subs_target} | options
    return LangFlixPipeline(settings(tmp_path / "cache")).run(video, out=tmp_path / "out", **given)


def test_a_missing_video_is_named(tmp_path):
    with pytest.raises(MediaError, match=r"nothing\.mkv"):
        run_with(tmp_path, tmp_path / "nothing.mkv")
    assert not (tmp_path / "out").exists()


def test_a_text_file_is_no_video(tmp_path):
    (tmp_path / "film.mp4").write_text("not a film")
    with pytest.raises(MediaError, match=r"film\.mp4"):
        run_with(tmp_path, tmp_path / "film.mp4")


def test_without_subtitles_the_error_says_how_to_give_them(tmp_path):
    film = tmp_path / "Show.S01E02.mp4"
    film.symlink_to(SAMPLE.video)
    with pytest.raises(SubtitleError, match=r"--subs.*Show\.S01E02\.en\.srt"):
        run_with(tmp_path, film, subs=None, subs_target=None)


def test_subtitles_beside_the_video_are_found_in_both_languages(tmp_path):
    film = tmp_path / "Show.S01E02.mp4"
    film.symlink_to(SAMPLE.video)
    (tmp_path / "Show.S01E02.en.srt").write_bytes(SAMPLE.subs.read_bytes())
    (tmp_path / "Show.S01E02.ko.srt").write_bytes(SAMPLE.subs_target.read_bytes())
    options = settings(tmp_path / "cache", lessons={"max_expressions": 1})
    manifest = LangFlixPipeline(options).run(film, out=tmp_path / "out")
    assert manifest.episode == "Show.S01E02"
    assert manifest.subtitles_target.endswith("Show.S01E02.ko.srt")
    assert len(manifest.lessons) == 1


def test_subtitles_inside_the_video_serve_both_languages(tmp_path):
    tools, film = find_tools(), tmp_path / "Show.S01E03.mkv"
    inputs = [word for path in (SAMPLE.video, SAMPLE.subs, SAMPLE.subs_target) for word in ("-i", str(path))]
    tracks = ["-map", "0:v", "-map", "0:a", "-map", "1", "-map", "2", "-c", "copy", "-c:s", "srt"]
    named = ["-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=kor"]
    run_ffmpeg([*inputs, *tracks, *named, str(film)], tools)
    manifest = LangFlixPipeline(settings(tmp_path / "cache", lessons={"max_expressions": 1})).run(film, out=tmp_path / "out")
    assert manifest.subtitles.endswith("Show.S01E03.mkv")
    assert manifest.subtitles_target.endswith("Show.S01E03.mkv")
    assert list((tmp_path / "out" / "Show.S01E03" / "subtitles").glob("*.ko.srt"))


def test_scenes_without_a_translation_are_said_to_be(tmp_path):
    manifest = LangFlixPipeline(settings(tmp_path / "cache")).analyze(SAMPLE.subs, out=tmp_path)
    assert any("--subs-target" in note for note in manifest.notes)


def test_subtitles_in_which_nobody_speaks_are_refused(tmp_path):
    path = tmp_path / "noise.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\n[door slams]\n")
    with pytest.raises(SubtitleError, match="nobody speaks"):
        LangFlixPipeline(settings(tmp_path)).analyze(path, out=tmp_path)


def test_a_translation_of_another_episode_is_noted(tmp_path):
    path = tmp_path / "other.ko.srt"
    path.write_text("1\n01:00:01,000 --> 01:00:02,000\n다른 이야기.\n", encoding="utf-8")
    manifest = LangFlixPipeline(settings(tmp_path)).analyze(SAMPLE.subs, subs_target=path, out=tmp_path)
    assert any("of the same episode?" in note for note in manifest.notes)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(InputError, match="--out"):
        run_with(tmp_path)


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    from filelock import FileLock

    (tmp_path / "out" / "sample").mkdir(parents=True)
    with FileLock(tmp_path / "out" / "sample" / ".lock"), pytest.raises(InputError, match="another run"):
        run_with(tmp_path)


# Gemini, by a stand-in on this machine.


def find_in(asked, phrase="piece of cake"):
    "An honest answer: one item for each line that holds the phrase."
    first, last = asked.lines[0][0], asked.lines[-1][0]
    return [
        {
            "expression": phrase, "cue_start": i, "cue_end": i, "context_start": max(first, i - 1), "context_end": min(last, i + 1),
            "translation": "식은 죽 먹기", "definition": "something easy", "context_translation": [], "example": "It was a piece of cake.",
            "similar": [], "level": "B1", "kind": "idiom", "score": 0.9,
        }
        for i, line in asked.lines if phrase in line.lower()
    ]  # fmt: skip


def gemini(cache, server, **more):
    return Settings(gemini={"api_key": "AIzaTestKeyTestKeyTestKey", "endpoint": server.url}, paths={"cache": cache}, **more)


def test_with_a_key_auto_asks_gemini_and_its_lies_do_not_pass(tmp_path):
    def answerer(asked):
        lie = {**find_in(asked, asked.lines[0][1].lower())[0], "expression": "kick the bucket"}
        return answer([*true, lie] if (true := find_in(asked)) else [])

    with stand_in(answerer) as server:
        options = gemini(tmp_path / "cache", server)
        assert choose_source(options) == "gemini"
        manifest = LangFlixPipeline(options).analyze(SAMPLE.subs, out=tmp_path, save_output=True)
    assert [e.expression for e in expressions(manifest)] == ["piece of cake"]
    assert {d.reason for d in manifest.dropped} == {"not in its cues"}
    assert manifest.model == "stand-in-001"
    assert manifest.stats.requests == len(server.asked) == manifest.stats.chunks
    assert manifest.stats.tokens == 92 * len(server.asked)
    assert len(list((tmp_path / "sample" / "llm").glob("chunk-*.json"))) == manifest.stats.chunks
    assert "AIza" not in (tmp_path / "sample" / "manifest.json").read_text()


def test_an_answer_that_was_paid_is_not_asked_again(tmp_path):
    with stand_in(lambda asked: answer(find_in(asked))) as server:
        first = LangFlixPipeline(gemini(tmp_path / "cache", server)).analyze(SAMPLE.subs, out=tmp_path)
        asked = len(server.asked)
        second = LangFlixPipeline(gemini(tmp_path / "cache", server)).analyze(SAMPLE.subs, out=tmp_path)
        assert len(server.asked) == asked
    assert second.groups == first.groups
    assert second.stats.reused_answers == second.stats.chunks


def test_a_refused_chunk_is_a_failure_with_its_cues_and_the_rest_is_kept(tmp_path):
    def answerer(asked):
        if asked.lines[0][0] > len(CUES):
            return answer([], "SAFETY")
        return answer(find_in(asked))

    cues = tmp_path / "long.srt"
    text = SAMPLE.subs.read_text(encoding="utf-8")
    later = re.sub(r"^(\d\d):", lambda m: f"{int(m[1]) + 1:02}:", text, flags=re.MULTILINE)
    later = re.sub(r"--> (\d\d):", lambda m: f"--> {int(m[1]) + 1:02}:", later)
    cues.write_text(text + "\n\n" + later, encoding="utf-8")
    with stand_in(answerer) as server:
        manifest = LangFlixPipeline(gemini(tmp_path / "cache", server)).analyze(cues, out=tmp_path)
    assert exit_status(manifest) == 3
    assert {failure.reason for failure in manifest.failures} == {"refused"}
    assert manifest.failures[-1].cue_end == 2 * len(CUES)
    kept = expressions(manifest)
    assert kept
    assert not [e for e in kept for f in manifest.failures if f.cue_start <= e.cue_start <= f.cue_end]


def test_a_wrong_key_ends_with_nothing_usable_and_says_what_to_do(tmp_path):
    with stand_in(lambda asked: error(400, "INVALID_ARGUMENT", "API key not valid.", {"reason": "API_KEY_INVALID"})) as server:
        options = gemini(tmp_path / "cache", server, parallel_processing={"enabled": False})
        manifest = LangFlixPipeline(options).analyze(SAMPLE.subs, out=tmp_path)
    assert len(server.asked) == 1
    assert exit_status(manifest) == 1
    assert "GEMINI_API_KEY" in manifest.failures[0].message


def test_gemini_without_a_key_is_refused_before_any_work(tmp_path):
    with pytest.raises(SettingsError, match="GEMINI_API_KEY"):
        LangFlixPipeline(settings(tmp_path, analyzer="gemini")).analyze(SAMPLE.subs, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_letter_that_no_font_has_is_found_before_anything_is_asked(tmp_path):
    subs = tmp_path / "strange.en.srt"
    subs.write_text("1\n00:00:01,000 --> 00:00:03,000\nA piece of cake \ue123.\n", encoding="utf-8")
    with stand_in(lambda asked: answer(find_in(asked))) as server:
        with pytest.raises(FontError, match="U\\+E123"):
            LangFlixPipeline(gemini(tmp_path / "cache", server)).run(SAMPLE.video, subs=subs, subs_target=SAMPLE.subs_target, out=tmp_path / "out")
        assert server.asked == []
