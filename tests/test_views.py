"""What the service takes and gives: parameters that mean what they say and no more, and jobs without this machine's paths."""

import json
import math
import os

import pytest

from langflix.config import Settings
from langflix.core import InputError
from langflix.job import Event, Progress, Worker, claimed, finished, new_job
from langflix.views import JobRequest, inside, run_parameters, sse, view_of


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "media" / "Show").mkdir(parents=True)
    (tmp_path / "media" / "Show" / "a.mkv").write_bytes(b"x")
    (tmp_path / "media" / "Show" / "a.en.srt").write_text("")
    (tmp_path / "secret.mkv").write_bytes(b"x")
    return Settings(paths={"media": tmp_path / "media", "output": tmp_path / "out"})


def job(settings, **parameters):
    return new_job(parameters, now=0.0)


# What is taken


@pytest.mark.parametrize("name", ["Show/a.mkv", "./Show/a.mkv", "Show/../Show/a.mkv"])
def test_a_path_is_found_inside(settings, name):
    assert inside(settings.paths.media, name) == (settings.paths.media / "Show" / "a.mkv").resolve()


@pytest.mark.parametrize("name", ["", "\0", "a\0b", "../secret.mkv", "Show/../../secret.mkv", "/etc/passwd", "Show/none.mkv", "x" * 5000, "Show/a.mkv/b", "~/x", "Show/\udcff"])
def test_what_is_not_inside_is_refused(settings, name):
    with pytest.raises(InputError, match="not in the media folder"):
        inside(settings.paths.media, name)


def test_a_link_is_followed_before_it_is_judged(settings):
    media = settings.paths.media
    (media / "out.mkv").symlink_to(media.parent / "secret.mkv")
    (media / "in.mkv").symlink_to("Show/a.mkv")
    (media / "loop.mkv").symlink_to("loop.mkv")
    (media / ".hidden").mkdir()
    (media / ".hidden" / "b.mkv").write_bytes(b"x")
    (media / "seen.mkv").symlink_to(".hidden/b.mkv")
    assert inside(media, "in.mkv").name == "a.mkv"
    for name in ("out.mkv", "loop.mkv", ".hidden/b.mkv", "seen.mkv"):
        with pytest.raises(InputError):
            inside(media, name)


def test_paths_become_those_of_this_machine_and_defaults_are_left_out(settings):
    made = run_parameters({"video": "Show/a.mkv", "subs": "Show/a.en.srt", "level": None, "max_expressions": 3}, settings)
    root = settings.paths.media.resolve()
    assert (made["video"], made["subs"], made["max_expressions"]) == (str(root / "Show/a.mkv"), str(root / "Show/a.en.srt"), 3)
    assert "level" not in made


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**60, "a\x00b", "x" * 5000, "\ud800", [[[[[[[[1]]]]]]]], {str(n): 1 for n in range(300)}])
def test_a_value_that_no_parameter_can_have_is_refused_wherever_it_hides(settings, value):
    for given in ({"video": "sample", "level": value}, {"video": "sample", "settings": {"lessons": {"speed": value}}}, {"video": "sample", "settings": {"lessons": {"a": [value]}}}):
        with pytest.raises(InputError):
            run_parameters(given, settings)


@pytest.mark.parametrize(("more", "said"), [
    ({"out": "/tmp"}, "parameters.out"), ({"config": "x"}, "parameters.config"), ({"settings": {"paths": {}}}, "settings.paths"), ({"settings": {"lessons": {"theme": "x"}}}, "settings.lessons.theme"),
    ({"settings": {"lessons": []}}, "settings.lessons"), ({"settings": {"lessons": {"crf": "low"}}}, "settings.lessons.crf"), ({"video": "Show/a.en.srt"}, "is not a video"), ({"video": "Show"}, "is not a video"),
])  # fmt: skip
def test_what_is_refused_is_named(settings, more, said):
    with pytest.raises(InputError) as caught:
        run_parameters({"video": "sample", **more}, settings)
    assert said in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("priority", [-101, 101, 1.5, "high"])
def test_a_priority_is_a_small_whole_number(priority):
    with pytest.raises(ValueError, match="priority"):
        JobRequest(parameters={}, priority=priority)


# What is given


def test_a_job_is_told_without_this_machines_paths(settings):
    media, out = settings.paths.media, settings.paths.output
    waiting = job(settings, video=str(media.resolve() / "Show" / "a.mkv"), subs=str(media / "Show" / "a.en.srt"))
    running = claimed(waiting, Worker(host="h", pid=1, started="s"), now=1.0, log=str(out / "log.txt"))
    told = view_of(finished(running, 1, "done", 2.0, {"folder": str(out / "a"), "files": [str(out / "a" / "manifest.json")], "exit_status": 0}), settings)
    assert (told.episode, told.parameters["video"], told.parameters["subs"]) == ("a", "Show/a.mkv", "Show/a.en.srt")
    assert told.result == {"folder": "a", "files": ["a/manifest.json"], "exit_status": 0}
    text = told.model_dump_json()
    assert str(media.parent) not in text
    assert not {"worker", "log", "key", "idempotency_key", "losses"} & set(json.loads(text))


def test_a_folder_that_only_begins_alike_is_not_ours(settings):
    other = f"{settings.paths.media.resolve()}-other/a.mkv"
    assert view_of(job(settings, video=other), settings).parameters["video"] == other


def test_a_folder_behind_a_link_is_known_by_both_names(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "media").symlink_to("disk")
    linked = Settings(paths={"media": tmp_path / "media", "output": tmp_path / "out"})
    for root in (tmp_path / "media", tmp_path / "disk"):
        assert view_of(job(linked, video=str(root / "a.mkv")), linked).parameters["video"] == "a.mkv"


def test_folders_are_those_of_the_settings_and_of_the_place_where_one_is(tmp_path, monkeypatch):
    here = Settings(paths={"media": "media", "output": "out"})
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert view_of(job(here, video=os.path.abspath("media/a.mkv")), here).parameters["video"] == "a.mkv"


def test_moments_are_in_utc(settings):
    told = json.loads(view_of(job(settings, video="sample"), settings).model_dump_json())
    assert (told["created_at"], told["started_at"]) == ("1970-01-01T00:00:00Z", None)


@pytest.mark.parametrize(("state", "name"), [("queued", "progress"), ("running", "progress"), ("done", "end"), ("failed", "end"), ("cancelled", "end")])
def test_an_event_is_one_block_whatever_it_holds(state, name):
    text = sse(Event(id=7, at=1.0, state=state, progress=Progress(stage="render", what="two\nlines\r\n\ndata: x")))
    assert text.startswith(f"id: 7\nevent: {name}\ndata: {{")
    assert text.endswith("}\n\n")
    assert text.count("\n") == 4
    assert Event.model_validate_json(text.splitlines()[2].removeprefix("data: ")).progress.what == "two\nlines\r\n\ndata: x"
