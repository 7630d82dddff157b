"""Measure the group browser in a real Voila: an episode of 400 cues and 80 expressions. Prints JSON.

    python benchmarks/widgets.py
"""

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from browser import browser, page  # noqa: E402
from notebooks import voila, write_notebook  # noqa: E402

CELL = """
import sys, time
sys.path.insert(0, {tests!r})
from test_report_page import many
from langflix.browsing import BrowserModel
from langflix.core import Cue
from langflix.export import Manifest
from langflix.groups import group_expressions
from langflix.widgets import GroupBrowser
cues, found = many(80)
cues += [Cue(n, n * 4000, n * 4000 + 3000, f"Line {{n}}.") for n in range(81, 401)]
manifest = Manifest(episode="Long", groups=tuple(group_expressions(found)))
began = time.perf_counter()
browser = GroupBrowser(BrowserModel(manifest, cues))
made_ms = round((time.perf_counter() - began) * 1000)
import ipywidgets
out, button = ipywidgets.HTML(f"<i id='made'>{{made_ms}}</i>"), ipywidgets.Button(description="show")
box = ipywidgets.VBox([out, button])
button.on_click(lambda _: setattr(box, "children", (out, browser)))
box
"""
OPEN = """() => new Promise(done => { const began = performance.now(); const look = () => document.querySelectorAll('.lf-row').length === 80
  ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))) : requestAnimationFrame(look); document.querySelector('button').click(); look(); })"""
FILTER = """(text) => new Promise(done => { const search = document.querySelector('.lf-search'), count = document.querySelector('.lf-count'), before = count.textContent;
  search.value = text; const began = performance.now(); search.dispatchEvent(new Event('input', {bubbles: true}));
  const look = () => count.textContent !== before ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))) : setTimeout(look, 1); look(); })"""


def main() -> None:
    "Open, filter, and print what it took."
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        note = write_notebook(Path(folder) / "note.ipynb", CELL.format(tests=str(ROOT / "tests")))
        with voila(note, Path(folder)) as address, page(chromium, address, 1440) as opened:
            opened.wait_for_selector("button:has-text('show')", timeout=60_000)
            made_ms = int(opened.inner_text("#made"))
            open_ms = opened.evaluate(OPEN)
            texts = ["hang", "번역 77", "figure", "", "by the way", "zzz", "line 1", "give up", ""]
            filter_ms = sorted(opened.evaluate(FILTER, text) for text in texts)
    print(json.dumps({"made_ms": made_ms, "open_ms": round(open_ms), "filter_ms_median": round(filter_ms[len(filter_ms) // 2]), "filter_ms_worst": round(filter_ms[-1])}))


if __name__ == "__main__":
    main()
