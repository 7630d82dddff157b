"""What the widgets do when a person acts, without a browser: messages in, state out; and nothing of it is kept in notebooks."""

import json
import shutil
import threading
from pathlib import Path

import pytest
from test_browsing import analyzed, episode, folder  # noqa: F401

from langflix.browsing import open_browser
from langflix.core import InputError
from langflix.links import FolderLinks
from langflix.pipeline import sample_episode
from langflix.watching import RunModel
from langflix.widgets import ClipPlayer, GroupBrowser, RunMonitor, Timeline

ROOT = Path(__file__).parent.parent
SAMPLE = sample_episode()
LINKS = FolderLinks({SAMPLE.video.parent: "/files"})


@pytest.fixture
def browser():
    opened = GroupBrowser(episode(), LINKS)
    yield opened
    opened.close()


def test_a_message_does_what_the_model_does_and_the_view_sees_it(browser):
    first, second = browser.view["visible"][:2]
    browser.hear({"do": "drop", "id": first})
    assert (browser.decisions["rows"][first]["keep"], browser.decisions["kept"], browser.decisions["dirty"]) == (False, 11, True)
    browser.hear({"do": "select", "id": second})
    browser.hear({"do": "edit", "id": second, "translation": "다른 말"})
    browser.hear({"do": "move", "id": second, "end": 1})
    assert (browser.decisions["rows"][second]["translation"], browser.decisions["rows"][second]["high"], browser.view["selected"]) == ("다른 말", 4, second)
    for _ in range(3):
        browser.hear({"do": "undo"})
    assert (browser.decisions["dirty"], browser.decisions["can_redo"]) == (False, True)
    browser.hear({"do": "redo"})
    assert browser.decisions["kept"] == 11
    browser.hear({"do": "filter", "levels": ["B1"], "kinds": [], "text": "", "kept": "all"})
    browser.hear({"do": "step", "by": 1})
    assert browser.view["selected"] in browser.view["visible"]
    browser.hear({"do": "play", "speed": 0.75, "loop": True, "shown": []})
    assert (browser.choice["speed"], browser.choice["loop"], browser.choice["shown"]) == (0.75, True, [])


@pytest.mark.parametrize(
    "message",
    [
        {"do": "drop", "id": "nobody"}, {"do": "select", "id": "nobody"}, {"do": "edit", "id": "x0001-figure-out", "keep": "no"}, {"do": "save"},
        {"do": "move", "id": "x0001-figure-out", "start": -1}, {"do": "filter", "levels": ["D9"], "kinds": [], "text": "", "kept": "all"}, {"do": "play", "speed": 9},
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_changes_nothing(browser, message):
    before = browser.model.review
    browser.hear(message)
    assert browser.said["bad"]
    assert browser.said["text"]
    assert browser.model.review == before
    browser.hear({"do": "step", "by": 1})
    assert browser.said["text"] == ""


def test_what_is_unknown_does_nothing(browser):
    browser.hear({"do": "dance"})
    browser.hear({})
    assert not browser.model.can_undo


def test_a_table_changed_elsewhere_is_asked_about(folder):
    browser = GroupBrowser(open_browser(folder, video=SAMPLE.video), LINKS)
    other = open_browser(folder)
    other.keep(other.selected, False)
    other.save()
    browser.hear({"do": "save"})
    assert browser.said["bad"] == "changed"
    browser.hear({"do": "reload"})
    assert browser.decisions["kept"] == len(browser.cards) - 1
    browser.hear({"do": "save", "overwrite": True})
    assert browser.said == {"text": "Saved in review.csv.", "bad": False}


def test_a_cell_may_change_the_model_and_show_it(browser):
    browser.model.keep(browser.model.selected, False)
    assert browser.decisions["kept"] == 12
    browser.refresh()
    assert browser.decisions["kept"] == 11


def test_pictures_and_films_are_links(folder):
    model = open_browser(folder, video=SAMPLE.video)
    model.pictures = {model.manifest.groups[0].id: SAMPLE.video}
    browser = GroupBrowser(model, LINKS)
    assert browser.media["sources"][0]["url"] == "/files/sample.mp4"
    assert list(browser.pictures.values()) == ["/files/sample.mp4"]
    before = browser.media["mark"]
    browser.hear({"do": "links"})
    assert browser.media["mark"] != before
    assert len(json.dumps(browser.get_state(), default=str)) < 250_000  # no bytes of a film


def test_a_player_and_a_timeline_belong_together():
    model = episode()
    player = ClipPlayer(model.player, LINKS)
    chosen = []
    timeline = Timeline(model.timeline, player, chosen.append)
    scene = model.timeline.scenes[2]
    timeline.hear({"do": "select", "id": scene.id})
    assert (timeline.selected, chosen) == (scene.id, [scene.id])
    assert [player.choice["start_s"], player.choice["end_s"]] == list(model.player.grid.span(scene.start_ms, scene.end_ms))
    timeline.hear({"do": "seek", "ms": model.timeline.scenes[0].start_ms + 5})
    assert timeline.selected == model.timeline.scenes[0].id
    timeline.hear({"do": "seek", "ms": 10**9})
    assert timeline.selected == model.timeline.scenes[0].id
    with pytest.raises(InputError):
        timeline.select("nothing")
    one = model.manifest.expressions[0]
    player.show_line(one)
    assert player.choice["label"] == one.text
    player.hear({"do": "play", "loop": True})
    assert player.choice["loop"]


def test_a_monitor_escapes_what_it_shows_and_ends_with_the_run():
    run = RunModel("<b>", on_cancel=lambda: None)
    monitor = RunMonitor(run)
    run("analyze", 1, 2, "<script>alert(1)</script>")
    monitor.draw()
    shown = monitor._head.value + monitor._body.value
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert not monitor._button.disabled
    monitor._button.click()
    assert run.state == "stopping"
    assert monitor._button.disabled
    run.feed({"state": "cancelled"})
    assert "Cancelled" in monitor._head.value
    monitor.close()
    assert run._listeners == []


def test_a_run_that_ends_while_its_cancelling_is_drawn_is_shown_as_it_ended():
    over, begun, go = threading.Event(), threading.Event(), threading.Event()

    def quota():  # asked for in the middle of a drawing
        if run.state == "stopping" and threading.current_thread() is threading.main_thread():
            go.set()
            assert over.wait(60)

    run = RunModel(quota=quota)
    run.listen(lambda: over.set() if run.over else None)
    monitor = RunMonitor(run, every_s=60)

    def work(progress):
        progress("analyze", 1, 2, "")
        begun.set()
        go.wait(60)
        progress("analyze", 2, 2, "")

    thread = run.start(work)
    assert begun.wait(60)
    monitor._button.click()
    thread.join(60)
    assert "Cancelled" in monitor._head.value
    assert monitor._button.layout.display == "none"
    monitor.close()


def test_a_stage_that_begins_while_the_monitor_is_drawn_does_no_harm():
    class Stage(str):
        def capitalize(self):  # asked for in the middle of a drawing
            run.feed({"stage": f"stage {len(run.steps)}", "done": 0, "total": 1})
            return "Tidy"

    run = RunModel(on_cancel=lambda: None)
    monitor = RunMonitor(run, every_s=60)
    run.feed({"stage": Stage("tidy"), "done": 1, "total": 2})
    monitor.draw()
    assert "Tidy" in monitor._body.value
    monitor.close()


def test_scripts_and_styles_load_nothing_from_elsewhere():
    for path in (ROOT / "langflix/data/widgets").iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text
        assert "import(" not in text


@pytest.mark.skipif(not shutil.which("node"), reason="no node to read the scripts with")
def test_scripts_are_valid(tmp_path):
    import subprocess

    for kind in (GroupBrowser, ClipPlayer, Timeline):
        (tmp_path / "a.mjs").write_text(str(kind._esm), encoding="utf-8")
        subprocess.run(["node", "--check", tmp_path / "a.mjs"], check=True)


def test_notebooks_hold_no_widgets_and_pictures_are_small():
    for path in (ROOT / "nbs").rglob("*.ipynb"):
        if ".ipynb_checkpoints" not in path.parts:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            assert "widgets" not in notebook["metadata"], path.name
            assert "jupyter.widget" not in json.dumps([cell.get("outputs") for cell in notebook["cells"]]), path.name
    assert all(path.stat().st_size < 50_000 for path in (ROOT / "nbs/images").iterdir())
