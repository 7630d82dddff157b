"""A folder of episodes in, all their lessons out."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import zipfile
from concurrent.futures import Future

import pytest
from films import make_film
from stand_in import Script, stand_in

from langflix.analysis import Answers
from langflix.chunks import make_chunks
from langflix.config import load_settings
from langflix.core import SettingsError, format_ms
from langflix.export import read_manifest
from langflix.gemini import Tokens
from langflix.media import find_tools
from langflix.parallel import ChunkOutcome, RunReport
from langflix.policy import Failure
from langflix.season import Season, check_season, encoding_s, lessons_s
from langflix.season_files import find_season
from langflix.season_steps import Asked, Here, open_episode

SAID = {1: ["Hang in there, buddy.", "I will figure out the engine."], 2: ["Hang in there, I said.", "We ran out of bread.", "It was a piece of cake."], 3: ["Never mind the boat.", "By the way, it sank."]}


def srt(lines):
    times = ((600 + 1800 * n, 2200 + 1800 * n) for n in range(len(lines)))
    return "\n".join(f"{n}\n{format_ms(a)} --> {format_ms(b)}\n{line}\n" for n, (line, (a, b)) in enumerate(zip(lines, times, strict=True), 1))


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", find_tools(), frames=170)


def lay(root, film):
    "Three episodes; the film is short."
    folder = root / "Harbour Lights" / "Season 1"
    folder.mkdir(parents=True)
    for number, lines in SAID.items():
        os.link(film, folder / f"Harbour Lights - S01E0{number}.mp4")
        (folder / f"Harbour Lights - S01E0{number}.en.srt").write_text(srt(lines), encoding="utf-8")
    return folder


@pytest.fixture
def library(tmp_path, film):
    return lay(tmp_path, film)


@pytest.fixture(scope="module")
def made(tmp_path_factory, film):
    root = tmp_path_factory.mktemp("made")
    return run(root, lay(root, film))


def settings(tmp_path, url=None, **options):
    gemini = {"gemini": {"api_key": "AIzaTestKeyTestKeyTestKey", "endpoint": url, "model": "gemini-2.5-flash"}} if url else {"analyzer": "embedded"}
    lessons = {"preset": "ultrafast", "repeat_count": 1}
    return load_settings(None, {"paths": {"output": tmp_path / "out", "cache": tmp_path / "cache"}, "lessons": lessons} | gemini | options)


def run(tmp_path, library, url=None, show=lambda *step: None, **options):
    given = settings(tmp_path, url, **options)
    return Season(find_season(library), given, show=show).run()


def taught(tmp_path, number):
    return {one.expression for one in read_manifest(tmp_path / "out" / f"Harbour Lights - S01E0{number}").expressions}


def test_a_season_is_made_once_and_only_what_changed_is_made_again(tmp_path, library):
    with stand_in(Script()) as server:
        steps = []
        first = run(tmp_path, library, server.url, lambda *step: steps.append(step[:2]))
        assert (first.exit_status, [row.state for row in first.rows]) == (0, ["made"] * 3)
        assert "hang in there" in taught(tmp_path, 1)
        assert "hang in there" not in taught(tmp_path, 2)
        assert [name for name, _ in first.rows[1].repeats] == ["hang in there"]
        assert steps.index(("S01E02", "analyze")) < steps.index(("S01E01", "made"))  # asked while the first is made
        asked = len(server.asked)
        again = run(tmp_path, library, server.url)
        assert [row.state for row in again.rows] == ["unchanged"] * 3
        assert len(server.asked) == asked
        (library / "Harbour Lights - S01E01.en.srt").write_text(srt(["It makes sense, buddy.", "I will figure out the engine."]), encoding="utf-8")
        changed = run(tmp_path, library, server.url)
        assert [row.state for row in changed.rows][:2] == ["made", "made"]
        assert "hang in there" in taught(tmp_path, 2)  # no earlier episode teaches it now
        assert len(server.asked) == asked + 1


def test_the_season_has_one_deck_and_one_page(tmp_path, made):
    names = [row.name for row in made.rows if row.expressions]
    with zipfile.ZipFile(made.deck) as package:
        package.extract("collection.anki2", tmp_path)
        media = json.loads(package.read("media"))
        assert len(set(media.values())) == len(media) > 0
    base = sqlite3.connect(tmp_path / "collection.anki2")
    decks = {deck["name"] for deck in json.loads(base.execute("SELECT decks FROM col").fetchone()[0]).values()} - {"Default"}
    assert {"::".join(deck.split("::")[:3]) for deck in decks} == {f"LangFlix::Harbour Lights Season 1::{name}" for name in names}
    notes, cards = (base.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("notes", "cards"))
    assert notes >= 2 * sum(row.expressions for row in made.rows)
    assert cards == base.execute("SELECT count(*) FROM cards WHERE nid IN (SELECT id FROM notes)").fetchone()[0] >= notes
    base.close()
    page = made.page.read_text(encoding="utf-8")
    assert "S01E02" in page
    assert "hang in there" in page
    assert "Harbour%20Lights%20-%20S01E01/report.html" in page


def test_anki_takes_the_deck(tmp_path, made):
    from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest

    collection = Collection(str(tmp_path / "collection.anki2"))
    try:
        for _ in range(2):  # a second import adds nothing
            collection.import_anki_package(ImportAnkiPackageRequest(package_path=str(made.deck), options=ImportAnkiPackageOptions()))
            names = [deck.name for deck in collection.decks.all_names_and_ids()]
            assert "LangFlix::Harbour Lights Season 1" in names
            assert len(collection.find_notes("")) == len(collection.find_notes('"deck:LangFlix::Harbour Lights Season 1"')) > 3
    finally:
        collection.close()


def test_one_bad_episode_stops_nobody(tmp_path, library):
    (library / "Harbour Lights - S01E02.mp4").unlink()
    (library / "Harbour Lights - S01E02.mp4").write_bytes(b"no film")
    found = find_season(library)
    checked = check_season(found, settings(tmp_path), tmp_path / "out")
    assert list(checked.faults) == ["Harbour Lights - S01E02"]
    result = run(tmp_path, library)
    assert (result.exit_status, [row.state for row in result.rows]) == (3, ["made", "failed", "made"])
    assert "not a video" in result.rows[1].failures[0]


def test_nothing_more_is_asked_after_an_answer_that_all_would_get(tmp_path, library):
    with stand_in(Script(faults={"key": 1.0})) as server:
        result = run(tmp_path, library, server.url)
        assert result.exit_status == 1
        assert len(server.asked) == 1
        assert all("key" in row.failures[0].lower() for row in result.rows)


class Deaf(Here):
    "A crew whose questions reach nobody; it counts them."

    asked = 0

    def ask(self, files, settings):
        self.asked += 1
        cues = open_episode(files, settings, find_tools())
        (chunk,) = make_chunks(cues.cues)
        silence = Failure(chunk.cues[0].index, chunk.cues[-1].index, "network", "no answer: ConnectionError")
        report = RunReport(60.0, 0.0, 5, 0, 1, 0, {}, 0.0, 0.0, Tokens(), None, 1, 0)
        answered = Future()
        answered.set_result(Asked(cues, Answers((ChunkOutcome(chunk, failures=(silence,)),), report), 60.0))
        return answered


def test_a_season_without_a_network_ends_after_two_episodes(tmp_path, library):
    given = settings(tmp_path, "http://127.0.0.1:9")
    crew = Deaf(given, tmp_path / "out")
    result = Season(find_season(library), given).run(crew=crew)
    assert (result.exit_status, crew.asked) == (1, 2)
    assert result.rows[2].failures == ("about the 2 episodes before it there was no answer either. Run the same command again to go on.",)


def test_a_missing_key_is_told_before_any_work(tmp_path, library):
    given = settings(tmp_path, analyzer="gemini")
    assert check_season(find_season(library), given, tmp_path / "out").estimate.requests == 3
    with pytest.raises(SettingsError, match="no Gemini key is set"):
        Season(find_season(library), given).run()
    assert not list((tmp_path / "out").glob("Harbour*"))


def test_the_highest_cost_is_that_of_the_season(tmp_path, library):
    with stand_in(Script()) as server:
        result = run(tmp_path, library, server.url, gemini={"api_key": "AIzaTestKeyTestKeyTestKey", "endpoint": server.url, "model": "gemini-2.5-flash", "max_cost_usd": 1e-6})
        assert result.exit_status == 1
        assert server.asked == []


def command(tmp_path, library, *options):
    environment = {**os.environ, "LANGFLIX_PATHS__CACHE": str(tmp_path / "cache"), "LANGFLIX_LESSONS__PRESET": "ultrafast", "LANGFLIX_LESSONS__REPEAT_COUNT": "1"}
    program = [sys.executable, "-c", "from langflix.cli import main; main()", "season", str(library), "--out", str(tmp_path / "out"), "--analyzer", "embedded", *options]
    return subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)  # a terminal of its own


def test_a_season_that_was_killed_goes_on_where_it_was(tmp_path, library, made):
    child = command(tmp_path, library)
    for line in child.stderr:
        if "S01E01: made" in line:
            break
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=120)
    child = command(tmp_path, library, "--json")
    said, _ = child.communicate(timeout=120)
    result = json.loads(said)
    assert (child.returncode, result["exit_status"]) == (0, 0)
    assert [row["state"] for row in result["episodes"]] == ["unchanged", "made", "made"]
    assert [taught(tmp_path, number) for number in SAID] == [taught(made.page.parent.parent, number) for number in SAID]


def test_a_season_that_is_interrupted_leaves_nothing_at_work(tmp_path, library):
    child = command(tmp_path, library)
    for line in child.stderr:
        if "S01E01: render" in line:
            break
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=120)[1]
    assert child.returncode == 130
    assert "Run the same command again" in said


def test_ctrl_c_reaches_all_processes_and_only_one_answers(tmp_path, library):
    child = command(tmp_path, library, "--processes", "2")
    for line in child.stderr:
        if ": render" in line:
            break
    os.killpg(child.pid, signal.SIGINT)
    said = child.communicate(timeout=60)[1]
    assert child.returncode == 130
    assert "Traceback" not in said
    assert "Run the same command again" in said


def test_the_dry_run_says_what_pairs_with_what_and_makes_nothing(tmp_path, library):
    (library / "Harbour Lights - S01E03.en.srt").unlink()
    said, _ = command(tmp_path, library, "--dry-run").communicate(timeout=120)
    assert "en: Harbour Lights - S01E01.en.srt (named like the video)" in said
    assert "MISSING: Harbour Lights - S01E03.mp4 holds no subtitles" in said
    assert not (tmp_path / "out").exists()
    child = command(tmp_path, tmp_path / "gone")
    assert "no such folder" in child.communicate(timeout=120)[1]
    assert child.returncode == 2


def test_twice_the_episodes_or_shapes_are_twice_as_long(tmp_path):
    wide, both, few = (settings(tmp_path, lessons={"formats": formats, **more}) for formats, more in ((["long"], {}), (["long", "short"], {}), (["long"], {"max_expressions": 3})))
    one = lessons_s([400], wide)
    assert one == 51 * (8 + wide.lessons.repeat_count * 3 + 6)
    assert lessons_s([400, 400], wide) == lessons_s([400], both) == 2 * one
    assert lessons_s([400], few) == one / 51 * 3


def test_how_long_the_encoding_takes_is_said_before_it_begins(tmp_path, library):
    found, out = find_season(library), tmp_path / "out"
    given = settings(tmp_path)
    seen = check_season(found, given, out).encode_s
    assert seen > 0
    assert encoding_s([], found.episodes[0].video, given, find_tools()) == 0
    run(tmp_path, library)
    assert check_season(found, given, out).encode_s == 0  # nothing is left to encode, so nothing is tried
