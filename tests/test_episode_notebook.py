"""The episode's notebook under papermill: twice, with wrong parameters, with an analyzer that refuses, stopped, killed and resumed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from langflix.core import ToolError
from langflix.export import read_manifest
from langflix.notebook_run import command, notebook, run_notebook
from langflix.episode_run import check_parameters
from langflix.pipeline import sample_episode
from langflix.progress import read_events
from langflix.stand_in import Script, stand_in

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
KEY = "AIza" + "SyInventedInventedInvented00000000000"
FAST = {"LANGFLIX_LESSONS__PRESET": "ultrafast", "LANGFLIX_LESSONS__REPEAT_COUNT": "1"}


class Desk:
    "A place for runs that share a cache."

    def __init__(self, place: Path, **env: str) -> None:
        self.place, self.out, self.record, self.events = place, place / "out", place / "run.ipynb", place / "events.jsonl"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LANGFLIX_", "GEMINI_"))}
        self.env = {**clean, **FAST, "LANGFLIX_PATHS__CACHE": str(place / "cache"), "LANGFLIX_EVENTS": str(self.events), **env}

    def given(self, **more) -> dict:
        return {"video": "sample", "analyzer": "embedded", "max_expressions": 2, "out": str(self.out), **more}

    def papermill(self, **parameters) -> subprocess.CompletedProcess:
        "Papermill's own program."
        words = [word for name, value in parameters.items() for word in ("-p", name, str(value))]
        return subprocess.run([BIN / "papermill", notebook(), self.record, "--no-progress-bar", "--log-output", *words], env=self.env, cwd=self.place, capture_output=True, text=True)

    def start(self, **parameters) -> subprocess.Popen:
        "A run in a process of its own, as the service starts it."
        file = self.place / "parameters.json"
        file.write_text(json.dumps(parameters))
        return subprocess.Popen(command(file, self.record), env=self.env, cwd=self.place, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def run(self, **parameters) -> tuple[int, str]:
        "A whole run: its status, and what it said."
        child = self.start(**parameters)
        _, errors = child.communicate(timeout=300)
        return child.returncode, errors

    def told(self) -> list[dict]:
        return read_events(self.events)[0]

    def shown(self) -> str:
        "Everything that the record shows."
        cells = nbformat.read(self.record, as_version=4).cells
        return "\n".join(str(dict(output)) for cell in cells if cell.cell_type == "code" for output in cell.outputs)

    def segments(self) -> set[str]:
        "The finished segments in the store."
        return {path.name for path in (self.place / "cache").rglob("*.mov") if not path.name.startswith(".part-")}

    def stats(self):
        return read_manifest(self.out / "sample").stats

    def wait_for(self, stage: str, done: int = 1) -> int:
        "Wait until a stage is so far; gives the kernel's process id."
        end_s = time.monotonic() + 120
        while time.monotonic() < end_s:
            told = self.told()
            if any(event["event"] == "progress" and event["stage"] == stage and event["done"] >= done for event in told):
                return next(event["pid"] for event in told if event["event"] == "start")
            time.sleep(0.02)
        raise AssertionError(f"{stage} was never so far: {self.told()}")


def alive(group: int) -> list[str]:
    "The processes of a group that are at work."
    rows = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout.splitlines()
    return [row for row in rows if int(row.split()[0]) == group and not row.split()[1].startswith("Z")]


def gone_within(group: int, seconds: float) -> bool:
    "Whether a group ends in time."
    end_s = time.monotonic() + seconds
    while alive(group) and time.monotonic() < end_s:
        time.sleep(0.05)
    return not alive(group)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_the_package_carries_the_notebooks_as_they_are():
    for source in (ROOT / "nbs" / "apps").glob("*.ipynb"):
        assert notebook(source.stem).read_bytes() == source.read_bytes()


def test_the_second_run_renders_nothing_and_both_records_tell_everything(desk):
    first = desk.papermill(**desk.given())
    assert first.returncode == 0, first.stderr
    assert desk.stats().segments.rendered > 0
    lines = [line for line in first.stderr.splitlines() if " of " in line]
    assert 8 < len(lines) < 40  # told in lines, and in few
    assert "\r" not in first.stderr
    second = desk.papermill(**desk.given())
    assert second.returncode == 0, second.stderr
    assert (desk.stats().segments.rendered, desk.stats().ffmpeg_runs) == (0, 0)
    shown = desk.shown()
    assert shown.count("data:image/jpeg;base64") == len(read_manifest(desk.out / "sample").groups)
    for word in ("2 lessons", "segments that were there already", "0.0000 USD", "Done: 2 lessons"):
        assert word in shown
    assert desk.record.stat().st_size < 200_000
    assert [event["exit_status"] for event in desk.told() if event["event"] == "end"] == [0, 0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"max_expresions": 2}, "Did you mean max_expressions"),
        ({"max_expressions": "two"}, "max_expressions: input should be a valid integer"),
        ({"gemini_api_key": "x"}, "looks like a secret"),
        ({"video": "gone.mkv"}, "gone.mkv"),
    ],
)
def test_a_wrong_parameter_ends_the_run_and_the_record_says_the_way_out(desk, wrong, says):
    done = desk.papermill(**desk.given() | wrong)
    assert done.returncode != 0
    assert says in done.stderr
    assert says in desk.shown()
    assert "site-packages" not in desk.shown()  # a message, not a traceback
    assert not (desk.out / "sample").exists()
    assert desk.told()[-1]["exit_status"] == 2


def test_a_secret_never_reaches_a_record(desk):
    status, errors = desk.run(**desk.given(settings={"gemini": {"api_key": KEY}}))
    assert status == 2
    assert "settings.gemini.api_key: this looks like a secret" in errors
    assert KEY not in errors
    assert not desk.record.exists()


def test_an_analyzer_that_refuses_all_is_a_failure_with_its_record(tmp_path):
    with stand_in(Script(faults={"key": 1.0})) as server:
        desk = Desk(tmp_path, GEMINI_API_KEY=KEY, LANGFLIX_GEMINI__ENDPOINT=server.url)
        status, errors = desk.run(**desk.given(analyzer="gemini"))
    assert status == 1
    assert "nothing usable was made" in errors
    shown = desk.shown()
    assert "Set GEMINI_API_KEY to a valid key" in shown
    assert "what happened, and what mends it" in shown
    assert KEY not in desk.record.read_text() + desk.events.read_text() + errors
    assert desk.told()[-1]["failures"] > 0


def test_a_part_that_fails_is_status_three_and_the_rest_is_there(tmp_path):
    with stand_in(Script(refused=(9,), phrases=("hang in there", "the last straw", "under the weather", "by the way"))) as server:
        desk = Desk(tmp_path, GEMINI_API_KEY=KEY, LANGFLIX_GEMINI__ENDPOINT=server.url)
        status, errors = desk.run(**desk.given(analyzer="gemini"))
        asked = len(server.asked)
        assert (status, "a part is missing" in errors) == (3, True), errors
        manifest = read_manifest(desk.out / "sample")
        assert manifest.lessons
        assert "refused" in desk.shown()
        assert "tokens" in desk.shown()
        assert desk.run(**desk.given(analyzer="gemini"))[0] == 3
        assert len(server.asked) == asked  # nothing is asked twice, not even what was refused


def test_a_killed_run_is_resumed_and_nothing_is_asked_or_rendered_twice(tmp_path):
    with stand_in(Script(phrases=("hang in there", "the last straw", "under the weather", "by the way"))) as server:
        desk = Desk(tmp_path, GEMINI_API_KEY=KEY, LANGFLIX_GEMINI__ENDPOINT=server.url)
        given = desk.given(analyzer="gemini", max_expressions=3)
        child = desk.start(**given)
        kernel = desk.wait_for("render", 1)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        assert gone_within(kernel, 60), alive(kernel)
        assert nbformat.read(desk.record, as_version=4).cells  # how far it came
        assert not (desk.out / "sample" / "manifest.json").exists()
        asked, there = len(server.asked), desk.segments()
        assert asked
        assert there
        status, errors = desk.run(**given)
        assert status == 0, errors
        assert len(server.asked) == asked
        assert desk.stats().segments.rendered == len(desk.segments() - there)
        assert desk.stats().reused_answers > 0


def test_a_killed_kernel_is_an_error_and_leaves_no_ffmpeg(desk):
    child = desk.start(**desk.given(max_expressions=4))
    kernel = desk.wait_for("render", 1)
    os.kill(kernel, signal.SIGKILL)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 128 + signal.SIGKILL
    assert "the kernel died" in errors
    assert gone_within(kernel, 60), alive(kernel)
    assert "Executing" not in errors
    assert desk.record.is_file()


@pytest.mark.parametrize("polite", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_asked_to_stop_stops(desk, polite):
    child = desk.start(**desk.given(max_expressions=4))
    kernel = desk.wait_for("render", 1)
    child.send_signal(polite)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130, errors
    assert "goes on where it was" in errors
    assert gone_within(kernel, 60), alive(kernel)
    assert desk.record.is_file()


def langflix(desk: Desk, *words) -> tuple[int, dict, str]:
    "The program: its status, what it printed as JSON, and its error stream."
    done = subprocess.run([BIN / "langflix", "run", *map(str, words), "--notebook", "--json"], env=desk.env, cwd=desk.place, capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout), done.stderr


def test_the_program_runs_in_a_notebook_with_the_same_result(desk):
    known = desk.place / "known.txt"
    known.write_text("the last straw\n")
    video, options = sample_episode().video, ("--analyzer", "embedded", "--max-expressions", "2", "--out", "made", "--known", known)
    status, said, errors = langflix(desk, video, *options)
    assert status == said["exit_status"] == 0, errors
    assert said["record"] == "made/sample/run.ipynb"
    assert len(said["lessons"]) == 2
    assert "the last straw" not in said["expressions"]
    assert all((desk.place / path).is_file() for path in (said["record"], said["manifest"], *said["lessons"]))
    assert "render: " in errors
    assert "Traceback" not in errors


def test_the_program_tells_an_error_of_the_notebook_with_its_record(desk):
    status, said, errors = langflix(desk, "gone.mkv", "--out", "made")
    assert status == said["exit_status"] == 2
    assert "gone.mkv" in said["error"]
    assert said["hint"]
    assert (desk.place / said["record"]).is_file()
    assert "Traceback" not in errors


def test_two_runs_never_write_one_record(desk):
    child = desk.start(**desk.given())
    desk.wait_for("analyze", 0)
    status, errors = desk.run(**desk.given())
    assert status == 2
    assert "another run is writing it" in errors
    child.communicate(timeout=120)
    assert child.returncode == 0


def test_an_episode_may_have_braces_in_its_name(desk, monkeypatch):
    for name, value in desk.env.items():
        monkeypatch.setenv(name, value)
    sample, heard = sample_episode(), []
    video = desk.place / "Show {1080p} & more.mp4"
    shutil.copy(sample.video, video)
    given = desk.given(video=str(video), subs=str(sample.subs), max_expressions=1)
    result = run_notebook(check_parameters(given), progress=lambda stage, done, total, what: heard.append(stage))
    assert (result.exit_status, result.record) == (0, desk.out / video.stem / "run.ipynb")
    assert result.record.is_file()
    assert list(dict.fromkeys(heard)) == ["analyze", "render", "write"]
    assert result.end["lessons"] == 1


def test_a_machine_without_papermill_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT)])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    for name in ("papermill", "ipykernel"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(ToolError, match="papermill and ipykernel") as caught:
        run_notebook(check_parameters({"video": "sample"}))
    assert "langflix[notebook]" in caught.value.hint
