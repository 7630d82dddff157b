"""What the dashboard shows, from files and job records: no browser, no server."""

import json
import shutil
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import pytest

from langflix.board import Board, Library, episode_details, episode_rows, fraction, job_row, shown_state, today
from langflix.config import Settings
from langflix.core import LangFlixError
from langflix.export import ClipRecord, Failure, LessonRecord, Manifest, Stats, write_manifest
from langflix.groups import group_expressions
from langflix.job import JobStoreError, Problem, Progress, Worker
from langflix.jobs import open_jobs
from langflix.timing import Expression

SAMPLE = Path(str(files("langflix") / "data" / "sample"))
HERE = Worker(host="here", pid=1, started="0")


def expression(text="hang in there", cue=1, **more):
    facts = {
        "expression": text, "start_ms": cue * 1000, "end_ms": cue * 1000 + 900, "cue_start": cue, "cue_end": cue, "context_start_ms": cue * 1000, "context_end_ms": cue * 1000 + 900,
        "context_cue_start": cue, "context_cue_end": cue, "text": f"{text}!", "spans": ((cue, 0, 5),), "translation": "버텨", "definition": "do not give up", "context_translation": (),
        "example": "", "similar": (), "level": "B1", "kind": "idiom", "score": 0.5, "source": "embedded",
    }  # fmt: skip
    return Expression(**{**facts, **more})


@pytest.fixture
def place(tmp_path):
    "A media folder with an episode, an output folder, and a board."
    settings = Settings(paths={"media": tmp_path / "media", "output": tmp_path / "out", "cache": tmp_path / "cache"})
    (tmp_path / "media" / "Show").mkdir(parents=True)
    shutil.copy(SAMPLE / "sample.mp4", tmp_path / "media" / "Show" / "Show.S01E02.mp4")
    shutil.copy(SAMPLE / "sample.en.srt", tmp_path / "media" / "Show" / "Show.S01E02.en.srt")
    return settings, open_jobs(settings)


def made(settings, name="Show.S01E02", lessons=1, **facts):
    "Results of a run, as files."
    folder = settings.paths.output / name
    groups = tuple(group_expressions([expression()]))
    for inner in ("lessons/long/001.mp4", "lessons/long/001.jpg", "clips/a.mp4", "clips/a.jpg", "report.html", "deck.apkg"):
        (folder / inner).parent.mkdir(parents=True, exist_ok=True)
        (folder / inner).write_text("x")
    records = [LessonRecord(path="lessons/long/001.mp4", layout="long", mode="separate", group_id=groups[0].id, expression="hang in there", duration_ms=22_000, thumbnail="lessons/long/001.jpg")]
    facts = {"groups": groups, "lessons": tuple(records[:lessons]), "clips": (ClipRecord(path="clips/a.mp4", group_id=groups[0].id),), **facts}
    write_manifest(Manifest(episode=name, **facts), folder / "manifest.json")
    return folder


def rows(settings, store):
    return {row.name: row for row in episode_rows(Library(settings), store.list().items)}


def test_a_film_is_new_with_its_subtitles(place):
    row = rows(*place)["Show.S01E02"]
    assert (row.state, row.title, row.place, row.folder, row.subtitles) == ("new", "Show", "S01E02", "Show", ("en",))


def test_hidden_files_and_broken_links_are_no_films(place):
    media = place[0].paths.media
    (media / ".hidden.mp4").write_bytes(b"")
    (media / ".trash").mkdir()
    (media / ".trash" / "a.mp4").write_bytes(b"")
    (media / "gone.mp4").symlink_to(media / "nothing")
    assert list(rows(*place)) == ["Show.S01E02"]


@pytest.mark.parametrize("output", ["lessons", "."], ids=["below the films", "among the films"])
def test_what_was_made_beside_the_films_is_no_film(place, output):
    settings, store = place
    media = settings.paths.media
    settings = settings.model_copy(update={"paths": settings.paths.model_copy(update={"output": media / output})})
    made(settings)
    begun = settings.paths.output / "lessons" / "long" / "002.mp4"  # of a run that has no manifest yet
    if output != ".":
        begun.parent.mkdir(parents=True)
        begun.write_text("x")
    assert [film.path.name for film in Library(settings).films()] == ["Show.S01E02.mp4"]
    assert rows(settings, store)["Show.S01E02"].state == "ready"


def test_an_episode_goes_from_new_to_ready(place):
    settings, store = place
    board = Board(settings, store)
    answer = board.do({"do": "start", "parameters": {"video": "Show.S01E02", "level": "", "max_expressions": 2}})
    assert answer["ok"]
    assert answer["new"]
    assert rows(*place)["Show.S01E02"].state == "waiting"
    job = store.claim(HERE)
    assert job.parameters == {"video": str(settings.paths.media / "Show" / "Show.S01E02.mp4"), "max_expressions": 2}
    store.beat(job.id, job.attempt, Progress(stage="render", done=1, total=3))
    row = rows(*place)["Show.S01E02"]
    assert (row.state, row.says, row.fraction) == ("running", "Render lessons", 0.45)
    made(settings)
    store.finish(job.id, job.attempt, "done", {"exit_status": 0, "lessons": 1})
    row = rows(*place)["Show.S01E02"]
    assert (row.state, row.lessons, row.picture) == ("ready", 1, "/files/lessons/Show.S01E02/clips/a.jpg")


def test_the_same_wish_twice_is_one_job(place):
    board = Board(*place)
    first, second = (board.do({"do": "start", "parameters": {"video": "Show.S01E02"}}) for _ in range(2))
    assert (first["id"], first["new"], second["new"]) == (second["id"], True, False)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, "ready"), ({"lessons": 0}, "to review"), ({"groups": (), "lessons": 0, "clips": ()}, "empty"),
        ({"failures": (Failure(cue_start=1, cue_end=2, reason="disk", message="the disk is full"),)}, "in part"),
        ({"groups": (), "lessons": 0, "clips": (), "failures": (Failure(cue_start=1, cue_end=2, reason="key", message="the key is wrong"),)}, "failed"),
    ],
)  # fmt: skip
def test_what_a_manifest_means(place, facts, state):
    made(place[0], **facts)
    assert rows(*place)["Show.S01E02"].state == state


def test_an_unreadable_manifest_is_shown_and_does_no_harm(place):
    settings, store = place
    (settings.paths.output / "Broken").mkdir(parents=True)
    (settings.paths.output / "Broken" / "manifest.json").write_text("{")
    found = rows(settings, store)
    assert found["Broken"].state == "failed"
    assert "manifest.json" in found["Broken"].says
    assert found["Show.S01E02"].state == "new"


def test_a_failed_run_shows_why_until_a_later_one_succeeds(place):
    settings, store = place
    board = Board(settings, store)
    board.do({"do": "start", "parameters": {"video": "Show.S01E02"}})
    job = store.claim(HERE)
    where = settings.paths.media / "Show" / "Show.S01E02.mp4"
    store.finish(job.id, job.attempt, "failed", error=Problem(message=f"{where} is no video", hint="Download it again."))
    (row,) = board.look()["episodes"]
    assert (row["state"], row["says"], row["hint"]) == ("failed", "Show/Show.S01E02.mp4 is no video", "Download it again.")
    assert str(settings.paths.media) not in json.dumps(board.look()["jobs"]).replace(json.dumps(str(settings.paths.media)), "")
    board.do({"do": "retry", "id": job.id})
    assert rows(*place)["Show.S01E02"].state == "waiting"


def test_episodes_whose_film_is_gone_stay(place):
    made(place[0], "Old.S01E01")
    row = rows(*place)["Old.S01E01"]
    assert (row.state, row.video) == ("ready", "")


def test_a_changed_manifest_is_read_again_and_an_unchanged_one_is_not(place):
    settings, _ = place
    library = Library(settings, every_s=0)
    made(settings)
    first = library.manifest("Show.S01E02")
    assert library.manifest("Show.S01E02") is first
    made(settings, notes=("changed",))
    assert library.manifest("Show.S01E02").notes == ("changed",)


def test_the_bar_never_runs_backwards(place):
    store = place[1]
    store.submit({"video": "sample"})
    job = store.claim(HERE)
    steps = [("", 0, 0), *(("analyze", n, 4) for n in range(5)), *(("render", n, 9) for n in range(10)), *(("write", n, 4) for n in range(5))]
    seen = [fraction(store.beat(job.id, job.attempt, Progress(stage=stage, done=done, total=total))) for stage, done, total in steps]
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1


@pytest.mark.parametrize(("end", "shown"), [({"exit_status": 0}, "ready"), ({"exit_status": 3}, "in part")])
def test_a_run_that_ended_in_part_says_so(place, end, shown):
    store = place[1]
    store.submit({"video": "sample"})
    job = store.claim(HERE)
    assert shown_state(store.finish(job.id, job.attempt, "done", {**end, "lessons": 1, "expressions": 2, "cost_usd": 0.01})) == shown
    assert job_row(store.get(job.id)).summary == "1 lesson, 2 expressions, $0.0100"


def test_todays_figures(place):
    settings, store = place
    for number in range(3):
        store.submit({"video": "sample", "max_expressions": number + 1})
    for _ in range(2):
        job = store.claim(HERE)
        done = store.finish(job.id, job.attempt, "done", {"lessons": 2, "cost_usd": 0.25})
    figures = today(settings, store.list().items, done.finished_at)
    assert (figures["cost_usd"], figures["lessons"], figures["runs"], figures["waiting"]) == (0.5, 4, 2, 1)
    assert today(settings, store.list().items, done.finished_at + 3 * 86_400)["lessons"] == 0


def test_details_have_what_is_needed_to_watch(place):
    settings, _ = place
    made(settings, stats=Stats(dropped=3))
    found = episode_details("Show.S01E02", Library(settings, "/tv/"))
    (lesson,) = found["lessons"]
    assert lesson["url"] == "/tv/files/lessons/Show.S01E02/lessons/long/001.mp4"
    assert (lesson["title"], lesson["length"], lesson["teaches"][0]["translation"]) == ("hang in there", "0:22", "버텨")
    assert [file["name"] for file in found["files"]] == ["Report", "Anki deck"]
    json.dumps(found)


@pytest.mark.parametrize("name", ["", ".", "..", "../Show.S01E02", ".jobs", "a/b", "a\\b", "/etc", "nothing"])
def test_a_name_means_no_other_folder(place, name):
    answer = Board(*place).do({"do": "open", "name": name})
    assert not answer["ok"]
    assert answer["hint"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"video": "/etc/passwd"}, {"video": "nothing"}, {"video": "Show.S01E02", "level": "Z9"}, {"video": "Show.S01E02", "unknown": 1},
        {"video": "Show.S01E02", "settings": {"gemini": {"api_key": "x"}}}, {"video": "Show.S01E02", "max_expressions": -1}, {},
    ],
)  # fmt: skip
def test_a_wrong_wish_is_a_sentence_and_no_job(place, parameters):
    board = Board(*place)
    answer = board.do({"do": "start", "parameters": parameters})
    assert not answer["ok"]
    assert answer["message"]
    assert board.store.list().items == ()


def test_unknown_wishes_and_jobs(place):
    board = Board(*place)
    assert not board.do({"do": "everything"})["ok"]
    assert not board.do({})["ok"]
    assert not board.do({"do": "cancel", "id": "nothing"})["ok"]
    assert not board.do({"do": "log", "id": "../../etc/passwd"})["ok"]


def test_a_store_that_is_away_is_shown_and_not_raised(place):
    class Away:
        def list(self, **_):
            raise JobStoreError("the jobs cannot be read", "Start it.")

    assert Board(place[0], Away()).look()["problem"] == {"message": "the jobs cannot be read", "hint": "Start it."}


def test_jobs_that_nobody_runs_are_a_warning(place):
    settings, store = place
    board = Board(settings, store)
    job, _ = store.submit({"video": "sample"})
    assert board.look()["health"][0]["status"] == "ok"
    board._now = lambda: job.queued_at + 61
    (check, _) = board.look()["health"]
    assert (check["status"], "nobody runs them" in check["message"]) == ("warning", True)


def test_a_full_disk_is_why_jobs_wait_and_is_told_instead(place, monkeypatch):
    settings, store = place
    board = Board(settings, store)
    job, _ = store.submit({"video": "sample"})
    board._now = lambda: job.queued_at + 61
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**9, used=10**9, free=0))
    (check,) = board.look()["health"]
    assert (check["name"], check["status"], "no job is started" in check["message"], "begins by itself" in check["hint"]) == ("Disk", "failed", True, True)


def test_a_films_problem_is_told_without_its_path(place):
    settings, store = place
    film = settings.paths.media / "Show" / "Show.S01E02.mp4"
    job, _ = store.submit({"video": str(film)})
    store.finish(job.id, store.claim(HERE).attempt, "failed", error=Problem(message=f"{film}: no subtitles", hint="Put them beside it."))
    board = Board(settings, store)
    assert (board.look()["episodes"][0]["says"], board.look()["jobs"][0]["error"]) == ("no subtitles", "no subtitles")


def test_two_boards_agree(place):
    one, other = Board(*place), Board(*place)
    one.do({"do": "start", "parameters": {"video": "Show.S01E02"}})
    assert one.look() == other.look()


def test_errors_of_ours_never_escape(place, monkeypatch):
    board = Board(*place)
    monkeypatch.setattr(board.store, "submit", lambda *_: (_ for _ in ()).throw(LangFlixError("broken", "mend it")))
    assert board.do({"do": "start", "parameters": {"video": "sample"}}) == {"ok": False, "message": "broken", "hint": "mend it"}
