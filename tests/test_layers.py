"""The rooms keep their order: a room imports only those that are read before it, and heavy ones only when needed."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "nbs").glob("[0-9]*.ipynb"))


def module_of(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    exported = re.search(r"^#\| *default_exp +(\S+)", source, re.MULTILINE)
    return exported.group(1) if exported else None  # a page that only shows


ORDER = [module for notebook in NOTEBOOKS if (module := module_of(notebook))]


def imported_rooms(module):
    tree = ast.parse((ROOT / "langflix" / f"{module}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("langflix."):
            yield node.module.split(".")[1]


@pytest.mark.parametrize("module", ORDER)
def test_a_room_imports_only_rooms_before_it(module):
    later = set(ORDER[ORDER.index(module) :])
    assert set(imported_rooms(module)) & later == set()


def test_every_module_comes_from_a_notebook():
    modules = {path.stem for path in (ROOT / "langflix").glob("*.py")} - {"__init__", "_modidx"}
    assert modules == set(ORDER)


def test_no_room_is_a_drawer():
    assert not {"utils", "helpers", "misc", "common"} & set(ORDER)


def modules_after(code):
    "Packages that some code loads in a fresh interpreter; an environment may load bare namespaces such as google by itself."
    script = f"import sys\nbefore = set(sys.modules)\n{code}\nprint(*{{name.partition('.')[0] for name in set(sys.modules) - before}})"
    return set(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split())


HEAVY = {"pydantic", "google", "joblib", "simplemma", "pysubs2", "fontTools", "genanki", "jinja2", "tqdm", "numpy", "ffmpeg"}


def test_importing_the_package_loads_nothing_heavy():
    assert modules_after("import langflix") & (HEAVY | {"typer"}) == set()


def test_the_help_loads_nothing_heavy():
    assert modules_after("import langflix.cli") & HEAVY == set()


def test_the_pipeline_loads_no_google_library():
    assert modules_after("import langflix.pipeline") & {"google", "grpc", "googleapiclient", "genanki", "jinja2"} == set()


def test_the_first_page_names_every_room():
    text = (ROOT / "nbs" / "index.ipynb").read_text(encoding="utf-8")
    rooms = {path.name for path in (ROOT / "nbs").glob("*.ipynb")} - {"index.ipynb"}
    assert sorted(room for room in rooms if f"]({room})" not in text) == []
