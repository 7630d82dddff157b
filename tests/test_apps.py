"""The notebooks of nbs/apps: what they keep, and that the explorer asks Gemini when there is a key."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from langflix.stand_in import Script, stand_in

APPS = Path(__file__).parent.parent / "nbs" / "apps"
PAPERMILL = Path(sys.executable).with_name("papermill")


@pytest.mark.parametrize("notebook", sorted(APPS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_what_a_notebook_keeps_is_small_and_of_no_machine(notebook):
    cells = nbformat.read(notebook, as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    assert notebook.stat().st_size < 250_000
    for output in outputs:
        assert output.output_type != "error"
        assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
        assert len(output.get("data", {}).get("image/png", "")) * 3 / 4 < 50_000
        assert not re.search(r"/(tmp|home|root|work|Users)/", str(dict(output)))


@pytest.mark.parametrize("notebook", sorted(APPS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_holds_no_logic_of_its_own(notebook):
    source = "\n".join(cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code")
    assert not re.search(r"^\s*(def|class|async def) ", source, re.MULTILINE)
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE))
    assert imported - set(sys.stdlib_module_names) <= {"langflix", "IPython"}


def test_the_explorer_asks_gemini_where_there_is_a_key_and_nothing_twice(tmp_path):
    phrases = ("the last straw", "under the weather", "by the way", "piece of cake", "figure out", "kick the bucket")
    with stand_in(Script(phrases=phrases, latency_s=0.05)) as server:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANGFLIX_", "GEMINI_"))}
        env = {**kept, "GEMINI_API_KEY": "AIza" + "SyInventedInventedInvented00000000000", "LANGFLIX_GEMINI__ENDPOINT": server.url}
        env |= {"LANGFLIX_PATHS__CACHE": str(tmp_path / "cache"), "LANGFLIX_LESSONS__REPEAT_COUNT": "1"}
        words = [PAPERMILL, APPS / "explore.ipynb", "run.ipynb", "--no-progress-bar"]
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        bodies = [str(asked.body) for asked in server.asked]
    assert len(bodies) == len(set(bodies)) > 4
    assert any("Prefer idioms" in body for body in bodies)
    text = (tmp_path / "run.ipynb").read_text()
    assert "embedded | everything" in text
    assert env["GEMINI_API_KEY"] not in text
    (lesson,) = (tmp_path / "lessons" / "explored").rglob("long/*.mp4")
    assert lesson.stat().st_size > 0
