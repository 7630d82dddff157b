"""A run from outside: how it stands, what it says when it ends, and that it can be ended."""

import threading
from pathlib import Path

import pytest

from langflix.config import load_settings
from langflix.core import Cue, InputError
from langflix.export import Failure, Manifest
from langflix.gemini import Tokens
from langflix.groups import group_expressions
from langflix.parallel import Snapshot
from langflix.pipeline import LangFlixPipeline, sample_episode
from langflix.timing import verify
from langflix.prompts import Item
from langflix.watching import Cancelled, RunModel, Step, facts, headline, in_words, note_result, quota_today

SAMPLE = sample_episode()


class Clock:
    s = 0.0

    def __call__(self):
        return self.s


def test_steps_figures_and_time():
    clock = Clock()
    run = RunModel("e", now=clock, quota=lambda: (120, 1500))
    assert (run.state, run.elapsed_s, headline(run)) == ("waiting", 0, "Not begun")
    run("analyze", 0, 8, "")
    clock.s = 65.0
    run.see(Snapshot(done=3, failed=1, waiting=2, why="quota", tokens=Tokens(1000, 200, 34), cost_usd=0.0123, left_s=90.0, total=8))
    assert (run.state, run.steps["analyze"], headline(run)) == ("running", Step(3, 8, ""), "Running: find expressions")
    assert dict(facts(run)) == {
        "Time": "1:05", "Left": "about 1:30", "Waiting": "2 for the quota", "Failed": "1 chunk", "Tokens": "1,234", "Cost": "$0.0123", "Requests today": "120 of 1,500",
    }  # fmt: skip
    run("render", 1, 4, "clip long")
    assert list(run.steps) == ["analyze", "render"]
    assert "Left" not in dict(facts(run))


@pytest.mark.parametrize(("status", "state"), [(0, "done"), (1, "failed"), (2, "failed"), (3, "in part"), (130, "cancelled")])
def test_a_job_ends_as_its_exit_status_says(status, state):
    clock = Clock()
    run = RunModel(now=clock)
    run.feed({"event": "start", "pid": 5})
    run.feed({"event": "progress", "stage": "render", "done": 1, "total": 2, "what": "", "new": "unknown"})
    run.feed({"event": "end", "exit_status": status, "error": "no such file" if status == 2 else None, "hint": "Check it.", "cost_usd": None})
    clock.s = 50.0
    assert (run.state, run.over, run.elapsed_s, run.can_cancel) == (state, True, 0.0, False)
    assert run.problems == (["no such file Check it."] if status == 2 else [])


def test_a_cost_that_is_not_known_is_not_nothing():
    run = RunModel()
    run.feed({"tokens": 500})
    assert dict(facts(run))["Cost"] == "not known"


def test_the_run_elsewhere_is_told_to_end_once():
    told = []
    run = RunModel(on_cancel=lambda: told.append(1))
    run("analyze", 1, 8, "")
    run.cancel()
    assert (run.state, told) == ("stopping", [1])
    run("analyze", 2, 8, "")
    assert run.state == "stopping"
    with pytest.raises(InputError):
        run.cancel()
    run.feed({"state": "cancelled"})
    assert run.state == "cancelled"


class Held(RunModel):
    "A run whose step is held up just before it writes its state, and that tells who comes for its lock."

    def __init__(self, **options):
        self._kept, self.held, self.moved, self.go = "waiting", threading.Event(), threading.Event(), threading.Event()
        super().__init__(**options)
        mine, moved = self._mine, self.moved

        class Lock:
            def __enter__(self):
                if threading.current_thread().name == "who cancels":
                    moved.set()
                return mine.__enter__()

            def __exit__(self, *error):
                return mine.__exit__(*error)

        self._mine = Lock()

    @property
    def state(self):
        return self._kept

    @state.setter
    def state(self, state):
        if threading.current_thread().name == "who works":
            self.held.set()
            self.go.wait(60)
        self._kept = state


@pytest.mark.parametrize(("event", "after"), [({"stage": "analyze", "done": 2}, "stopping"), ({"state": "done"}, "done")], ids=["a step", "the end"])
def test_who_cancels_in_the_middle_of_a_step_neither_loses_the_word_nor_wakes_what_is_over(event, after):
    run, refused = Held(on_cancel=lambda: None), []
    run("analyze", 1, 2, "")

    def cancel():
        try:
            run.cancel()
        except InputError as error:
            refused.append(error.message)
        run.moved.set()

    worker = threading.Thread(target=run.feed, args=(event,), name="who works")
    canceller = threading.Thread(target=cancel, name="who cancels")
    worker.start()
    assert run.held.wait(60)
    canceller.start()
    assert run.moved.wait(60)
    run.go.set()
    worker.join(60)
    canceller.join(60)
    assert (run.state, refused) == (after, [] if after == "stopping" else ["the run is done"])


def test_a_run_that_nobody_can_end_has_no_such_button():
    run = RunModel()
    run("analyze", 1, 8, "")
    assert not run.can_cancel
    with pytest.raises(InputError, match="the run is running"):
        run.cancel()


def test_a_pipeline_is_watched_and_its_manifest_kept(tmp_path):
    run = RunModel()
    seen = []
    run.listen(lambda: seen.append((run.state, run.stage)))
    run.start(lambda model: LangFlixPipeline(progress=model, watch=model.see).analyze(SAMPLE.subs, out=tmp_path)).join()
    assert (run.state, run.problems) == ("done", [])
    assert list(run.steps) == ["analyze", "write"]
    assert run.result.groups
    assert seen[-1] == ("done", "write")


def test_a_run_in_a_thread_is_broken_off_at_its_next_step_and_tidies_up(tmp_path):
    run, tidied, begun = RunModel(), threading.Event(), threading.Event()

    def work(progress):
        try:
            for step in range(10**9):
                progress("render", step, 10**9, "")
                begun.set()
        finally:
            tidied.set()

    thread = run.start(work)
    begun.wait(60)
    with pytest.raises(InputError, match="running already"):
        run.start(work)
    run.cancel()
    thread.join(60)
    assert tidied.is_set()
    assert (run.state, run.problems) == ("cancelled", [])


def test_only_the_runs_own_thread_is_broken_off():
    run = RunModel(on_cancel=lambda: None)
    run("analyze", 1, 2, "")
    run.cancel()
    run("analyze", 2, 2, "")  # another thread only tells


def test_a_real_run_is_cancelled_with_what_it_has_on_the_disk(tmp_path):
    run = RunModel()

    def work(model):
        def progress(stage, done, total, what):
            if stage == "write":
                model.cancel()
            model(stage, done, total, what)

        return LangFlixPipeline(progress=progress).analyze(SAMPLE.subs, out=tmp_path)

    run.start(work).join()
    assert run.state == "cancelled"
    assert not (tmp_path / "sample" / "manifest.json").exists()
    assert LangFlixPipeline().analyze(SAMPLE.subs, out=tmp_path).groups  # the folder is free again


def test_an_error_is_told_with_its_way_out():
    run = RunModel()
    run.start(lambda model: LangFlixPipeline(progress=model).analyze("nowhere.srt")).join()
    assert run.state == "failed"
    assert "nowhere.srt" in run.problems[0]


def test_a_manifest_with_failures_is_done_in_part():
    cues = [Cue(1, 0, 1000, "Hang in there.")]
    item = Item(expression="hang in there", cue_start=1, cue_end=1, context_start=1, context_end=1, translation="t", level="B1", kind="idiom", score=0.5)
    groups = tuple(group_expressions(verify([item], cues, "gemini")[0]))
    run = RunModel()
    note_result(run, Manifest(episode="e", groups=groups, failures=(Failure(cue_start=5, cue_end=9, reason="quota", message="not asked"),)))
    assert (run.state, run.problems) == ("in part", ["quota (cues 5 to 9): not asked"])


def test_listeners_come_and_go():
    run, heard = RunModel(), []

    def listener():
        heard.append(run.stage)

    run.listen(listener)
    run("analyze", 1, 2, "")
    run.forget(listener)
    run("render", 1, 2, "")
    assert heard == ["analyze"]


def test_the_quota_of_the_day(tmp_path: Path):
    paths = {"paths": {"cache": str(tmp_path)}}
    assert quota_today(load_settings(None, paths)) is None
    assert quota_today(load_settings(None, {**paths, "gemini": {"rpd": 250, "api_key": "x"}})) == (0, 250)


def test_cancelled_is_an_error_that_says_how_to_go_on():
    assert "Run again" in str(Cancelled("cancelled", "Run again to go on: what is done is kept."))


@pytest.mark.parametrize(("what", "words"), [
    ("context long, context short, clip long", "scene (wide), scene (tall), clip (wide)"), ("repeat short, card short", "repetition (tall), card (tall)"), ("001-hang-in-there", "hang in there"),
    ("2 waiting for the quota", "2 waiting for the quota"), ("manifest.json", "manifest.json"), ("", ""), ("lessons/long/001-a.mp4", "lessons/long/001-a.mp4"), ("012-정말-그래", "정말 그래"),
])  # fmt: skip
def test_people_are_told_in_their_own_words(what, words):
    assert in_words(what) == words
