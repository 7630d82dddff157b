"""The widgets in a real JupyterLab and a real Voila: a review is worked through, films play what they should, and two browsers share nothing."""

import shutil
from fractions import Fraction
from pathlib import Path

import pytest
from browser import page
from notebooks import jupyterlab, run_all, voila, write_notebook

from langflix.config import load_settings
from langflix.media import find_tools, run_ffmpeg
from langflix.pipeline import LangFlixPipeline, sample_episode
from langflix.playing import FrameGrid
from langflix.review import read_review
from langflix.export import read_manifest

pytestmark = pytest.mark.media
SAMPLE = sample_episode()
GRID = FrameGrid(Fraction(24000, 1001))
SHOTS = Path(__file__).parent.parent / "screenshots"
VOILAS_OWN = ("Failed to load resource: net::", "shared singleton module", "shared module @", "jupyterlab-jupytext", "getter for the shared module", "ProgressEvent")  # its template wants a content network, and other versions of JupyterLab's parts


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    "An analysis to copy, and the sample as a film that every Chromium plays."
    folder = tmp_path_factory.mktemp("made")
    LangFlixPipeline(load_settings(None, {"database": {"enabled": False}})).analyze(SAMPLE.subs, subs_target=SAMPLE.subs_target, out=folder, review=True)
    small = ["-i", str(SAMPLE.video), "-vf", "scale=320:180", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16", "-b:v", "300k", "-g", "48", "-c:a", "libopus", "-b:a", "32k"]
    run_ffmpeg([*small, "-t", "70", str(folder / "film.webm")], find_tools())
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def lab(root, tmp_path_factory):
    with jupyterlab(root, tmp_path_factory.mktemp("home")) as address:
        yield address


@pytest.fixture
def episode(made, root, request):
    "A folder of its own below JupyterLab's root, with a film beside it."
    folder = root / request.node.name.partition("[")[0]
    shutil.copytree(made / "sample", folder / "sample")
    shutil.copy(made / "film.webm", folder / "film.webm")
    yield folder
    shutil.rmtree(folder)


def opening(name, folder, film):
    return f"{name} = GroupBrowser(open_browser({str(folder / 'sample')!r}, video={str(film)!r}))"


IMPORTS = "from langflix.browsing import open_browser\nfrom langflix.widgets import ClipPlayer, GroupBrowser, RunMonitor, Timeline"


def lab_page(chromium, lab, episode, *cells, **options):
    "A notebook of these cells, all run."
    write_notebook(episode / "note.ipynb", IMPORTS, *cells)
    opened = page(chromium, lab(f"{episode.name}/note.ipynb"), **options)
    return opened


def until(opened, condition, timeout=60_000):
    opened.wait_for_function(condition, timeout=timeout)


def shoot(opened, name):
    SHOTS.mkdir(exist_ok=True)
    opened.screenshot(path=SHOTS / f"{name}.png")


WATCH = """(selector) => { const video = document.querySelector(selector + ' video'); window.seen = []; window.marks = [];
  const look = (now, meta) => { window.seen.push(meta.mediaTime); video.requestVideoFrameCallback(look); }; video.requestVideoFrameCallback(look);
  for (const type of ['play', 'pause']) video.addEventListener(type, () => window.marks.push([type, video.currentTime])); }"""


def film_ready(opened, selector=".lf-browser"):
    until(opened, f"document.querySelector('{selector} video')?.readyState >= 2 && !document.querySelector('{selector} video').seeking")


def assert_played(opened, start_s, end_s, frame_s):
    "The film was played from the first frame to the last, and nothing else of it was shown."
    until(opened, "window.marks.some(([type]) => type === 'pause')")
    until(opened, "!document.querySelector('video').seeking")
    seen = opened.evaluate("window.seen")
    assert min(seen) >= start_s - frame_s / 2, (seen[:5], start_s)
    assert min(seen) < start_s + 3 * frame_s
    assert max(seen) < end_s + 1.5 * frame_s, (seen[-5:], end_s)  # a browser may be a frame late
    assert max(seen) >= end_s - 4 * frame_s
    assert seen[-1] < end_s  # it rests on the last frame


def test_a_review_in_jupyterlab(chromium, lab, episode):
    opened_browser = opening("browser", episode, episode / "film.webm")
    with lab_page(chromium, lab, episode, f"{opened_browser}\nbrowser", width=1440) as opened:
        run_all(opened)
        opened.wait_for_selector(".lf-row")
        count = opened.locator(".lf-row").count()
        manifest = read_manifest(episode / "sample" / "analysis.json")
        assert count == len(manifest.expressions) > 20
        film_ready(opened)
        assert "/files/" in opened.get_attribute(".lf-browser video", "src")
        shoot(opened, "browser-lab-1440-light")
        assert violations_in(opened) == []
        names = [row.id for row in read_review(episode / "sample" / "review.csv", manifest)[0].rows]
        visible = "[...document.querySelectorAll('.lf-row')].filter(row => row.checkVisibility()).map(row => row.dataset.id)"

        opened.fill(".lf-search", "broke")
        until(opened, f"{visible}.length < {count}")
        assert opened.evaluate(visible)[0] == names[0]
        opened.keyboard.press("Escape")
        until(opened, f"{visible}.length === {count}")
        opened.click(".lf-chip[data-level=B2]")
        until(opened, f"{visible}.length < {count}")
        assert opened.evaluate("[...document.querySelectorAll('.lf-row')].filter(row => row.checkVisibility()).every(row => row.innerText.includes('B2'))")
        opened.click(".lf-chip[data-level=B2]")
        until(opened, f"{visible}.length === {count}")

        opened.focus(".lf-list")
        opened.keyboard.press("d")
        opened.keyboard.press("d")  # in JupyterLab this deletes a cell
        until(opened, "document.querySelectorAll('.lf-dropped').length === 1")
        assert opened.locator(".jp-Cell").count() == 2
        chosen = "document.querySelector('.lf-row[aria-selected=true]')?.dataset.id"
        opened.keyboard.press("ArrowDown")
        until(opened, f"{chosen} === {names[1]!r}")
        opened.keyboard.press("e")
        opened.keyboard.type("새 번역")
        opened.keyboard.press("Enter")
        until(opened, f"document.querySelector('[data-id={names[1]}] .lf-meaning').textContent === '새 번역'")
        lines = opened.locator(".lf-lines li").count()
        opened.keyboard.press("}")
        until(opened, f"document.querySelectorAll('.lf-lines li').length === {lines + 1}")
        shown_end = float(opened.locator(".lf-lines li").last.get_attribute("data-end"))
        until(opened, f"document.querySelector('.lf-browser video').currentTime > {shown_end - 0.5}")  # the new last line is seen at once
        opened.keyboard.press("}")
        until(opened, f"document.querySelectorAll('.lf-lines li').length === {lines + 2}")
        opened.keyboard.press("u")
        until(opened, f"document.querySelectorAll('.lf-lines li').length === {lines + 1}")
        opened.keyboard.press("s")
        until(opened, "document.querySelector('.lf-said')?.textContent.includes('Saved')")
        review, _ = read_review(episode / "sample" / "review.csv", manifest)
        assert [row.id for row in review.rows if not row.keep] == names[:1]
        assert (review.row(names[1]).translation, review.row(names[1]).shift_end_cues) == ("새 번역", 1)

        opened.click("[aria-label^='Scene at']:nth-of-type(4)")
        until(opened, f"{chosen} !== {names[1]!r}")
        assert opened.problems == []


def violations_in(opened):
    "What axe finds in our part of the page."
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(opened, context=".lf").response["violations"]
    return [f"{one['impact']} {one['id']}: {node['target']} {node['failureSummary']}" for one in found if one["impact"] in ("serious", "critical") for node in one["nodes"]]


def test_two_browsers_in_one_notebook_share_nothing(chromium, lab, episode, made, tmp_path):
    shutil.copytree(made / "sample", tmp_path / "sample")
    one, other = opening("one", episode, episode / "film.webm"), opening("other", tmp_path, made / "film.webm")
    with lab_page(chromium, lab, episode, f"{one}\n{other}\none", "other", width=1440, dark=True) as opened:
        run_all(opened)
        until(opened, "document.querySelectorAll('.lf-browser').length === 2", 60_000)
        first, second = opened.locator(".lf-browser").nth(0), opened.locator(".lf-browser").nth(1)
        first.locator(".lf-search").fill("zzz")
        first.locator(".lf-none").wait_for(state="visible")
        second.locator(".lf-list").focus()
        opened.keyboard.press("d")
        second.locator(".lf-dropped").wait_for()
        assert second.locator(".lf-row:visible").count() > 20
        assert first.locator(".lf-dropped").count() == 0
        assert first.locator(".lf-save").inner_text() == "Saved"
        second.locator(".lf-save").click()
        second.locator(".lf-said").wait_for()
        assert "no" in {row.split(",")[1].strip('"') for row in (tmp_path / "sample/review.csv").read_text("utf-8-sig").splitlines()[1:]}
        assert (episode / "sample/review.csv").read_bytes() == (made / "sample/review.csv").read_bytes()
        sources = opened.evaluate("[...document.querySelectorAll('.lf-browser')].map(one => one.querySelector('video').src)")
        assert "/files/" in sources[0]
        assert sources[1].startswith("http://127.0.0.1:")
        assert "sig=" in sources[1]  # outside the root: our own server
        until(opened, "[...document.querySelectorAll('.lf-browser video')].every(video => video.readyState >= 2)")
        ids = opened.evaluate("[...document.querySelectorAll('.lf [id]')].map(one => one.id)")
        assert len(set(ids)) == len(ids)
        shoot(opened, "browser-lab-1440-dark")
        assert violations_in(opened) == []
        assert opened.problems == []


PLAYING = """
from langflix.links import MediaServer
browser = GroupBrowser(open_browser({folder!r}, video={film!r}))
one = browser.model.expressions[{name!r}]
links = MediaServer()
player = ClipPlayer(browser.model.player, links)
timeline = Timeline(browser.model.timeline, player)
player.show_line(one)
player"""


def test_a_player_plays_the_line_and_not_a_frame_more(chromium, lab, episode):
    manifest = read_manifest(episode / "sample" / "analysis.json")
    one = min((one for one in manifest.expressions if one.end_ms < 55_000), key=lambda one: one.end_ms - one.start_ms)
    name = next(row.id for row, other in zip(read_review(episode / "sample" / "review.csv", manifest)[0].rows, manifest.expressions, strict=True) if other == one)
    cell = PLAYING.format(folder=str(episode / "sample"), film=str(episode / "film.webm"), name=name)
    with lab_page(chromium, lab, episode, cell, "timeline", width=1440) as opened:
        until(opened, "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'", 60_000)
        for number in range(3):
            opened.evaluate(f"(() => {{ const notebook = jupyterapp.shell.currentWidget.content; notebook.activeCellIndex = {number}; return jupyterapp.commands.execute('notebook:run-cell'); }})()")
        film_ready(opened, ".lf-player")
        start_s, end_s = GRID.span(one.start_ms, one.end_ms)
        opened.evaluate(WATCH, ".lf-player")
        opened.click("[aria-label=Play]")
        assert_played(opened, start_s, end_s, GRID.frame_s)

        opened.click("[aria-label=Repeat]")
        opened.click("text=0.75×")
        opened.evaluate("window.seen = []; window.marks = []")
        opened.click("[aria-label=Play]")
        until(opened, f"window.seen.filter((time, place) => place && time < window.seen[place - 1] - {(end_s - start_s) / 2}).length >= 2")  # from the start again, twice
        assert opened.evaluate("[document.querySelector('video').playbackRate, document.querySelector('video').preservesPitch]") == [0.75, True]
        opened.click("[aria-label=Pause]")
        opened.click("[aria-label=Repeat]")
        tracks = "Object.fromEntries([...document.querySelector('video').textTracks].map(track => [track.language, track.mode]))"
        assert opened.evaluate(tracks) == {"en": "showing", "ko": "hidden"}
        opened.click("[aria-label='Subtitles: Korean']")
        opened.click("[aria-label='Subtitles: English']")
        until(opened, f"({tracks}).ko === 'showing' && ({tracks}).en === 'hidden'")
        assert opened.evaluate("[...document.querySelector('video').textTracks].map(track => track.cues.length > 50)") == [True, True]

        # a link that is not good any more is asked for again, and the film goes on where it was
        link, place = opened.evaluate("[document.querySelector('video').src, document.querySelector('video').currentTime]")
        opened.evaluate("document.querySelector('video').src += '0'")
        until(opened, f"(video => video.src === {link!r} && video.readyState >= 2 && Math.abs(video.currentTime - {place}) < 0.2)(document.querySelector('video'))")

        opened.locator(".lf-scene").nth(2).click()
        until(opened, f"document.querySelectorAll('.lf-scene')[2].ariaPressed === 'true' && Math.abs(document.querySelector('video').currentTime - {place}) > 1")
        opened.keyboard.press("ArrowRight")
        opened.keyboard.press("Enter")
        until(opened, "document.querySelectorAll('.lf-scene')[3].ariaPressed === 'true'")
        shoot(opened, "player-lab-1440-light")
        assert [problem for problem in opened.problems if "403" not in problem] == []


RUNNING = """
import threading
from langflix.watching import RunModel
run = RunModel('The Paper Moon', quota=lambda: (120, 1500))
monitor = RunMonitor(run)
def work(progress):
    progress.feed({'stage': 'analyze', 'done': 3, 'total': 8, 'what': '2 waiting for the quota', 'waiting': 2, 'why': 'quota', 'tokens': 12345, 'cost_usd': 0.0123, 'left_s': 75, 'error': 'quota (cues 5 to 9): not asked'})
    while True:
        progress('analyze', 3, 8, '2 waiting for the quota')
        threading.Event().wait(0.02)
run.start(work)
monitor"""


def test_a_run_is_seen_and_cancelled(chromium, lab, episode):
    with lab_page(chromium, lab, episode, RUNNING, width=390) as opened:
        run_all(opened)
        opened.wait_for_selector(".lf-run progress")
        text = opened.inner_text(".jupyter-widgets.widget-vbox")
        for part in ("Running: find expressions", "3 of 8", "2 for the quota", "12,345", "$0.0123", "120 of 1,500", "about 1:15", "cues 5 to 9"):
            assert part in text, text
        shoot(opened, "monitor-lab-390-light")
        opened.click("button:has-text('Cancel')")
        until(opened, "document.querySelector('.lf-run h3').textContent.includes('Cancelled')")
        opened.locator("button:has-text('Cancel')").wait_for(state="hidden")
        assert violations_in(opened) == []
        assert opened.problems == []


@pytest.fixture(scope="module")
def voila_page(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("voila")
    shutil.copytree(made / "sample", folder / "sample")
    notebook = write_notebook(folder / "note.ipynb", IMPORTS, f"{opening('browser', folder, made / 'film.webm')}\nbrowser")
    with voila(notebook, tmp_path_factory.mktemp("voila-home")) as address:
        yield address, folder


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)], ids=["wide", "narrow-dark"])
def test_the_browser_in_voila(chromium, voila_page, width, dark):
    address, folder = voila_page
    with page(chromium, address + ("?theme=dark" if dark else ""), width, dark) as opened:
        opened.wait_for_selector(".lf-row", timeout=60_000)
        film_ready(opened)
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        shoot(opened, f"browser-voila-{width}-{'dark' if dark else 'light'}")
        assert violations_in(opened) == []
        opened.evaluate(WATCH, ".lf-browser")
        one = read_manifest(folder / "sample" / "analysis.json").expressions[0]
        start_s, end_s = GRID.span(one.start_ms, one.end_ms)
        opened.focus(".lf-list")
        opened.keyboard.press("l")
        assert_played(opened, start_s, end_s, GRID.frame_s)
        opened.keyboard.press("d")
        opened.wait_for_selector(".lf-dropped")
        opened.keyboard.press("Control+s")
        until(opened, "!document.querySelector('.lf-said').hidden")
        dropped = (folder / "sample/review.csv").read_text("utf-8-sig").splitlines()[1].split(",")[1]
        assert dropped.strip('"') == "no"
        opened.focus(".lf-list")
        opened.keyboard.press("k")
        opened.keyboard.press("s")
        until(opened, "document.querySelector('.lf-save').textContent === 'Saved' && !document.querySelector('.lf-dropped')")
        assert [problem for problem in opened.problems if not any(own in problem for own in VOILAS_OWN)] == []
