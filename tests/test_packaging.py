"""What ships is what was tested: a wheel from a clean checkout works in an empty environment, away from the repository."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.packaging


def call(*command, cwd, **options):
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    "A wheel built from the files that git knows, and no others."
    checkout = tmp_path_factory.mktemp("checkout")
    listed = call("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            target = checkout / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", checkout / "dist", cwd=checkout)
    (built,) = (checkout / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    "The programs of an empty environment with only the wheel, its requirements and the media extra."
    place = tmp_path_factory.mktemp("elsewhere")
    call(sys.executable, "-m", "venv", place / "venv", cwd=place)
    call(place / "venv/bin/python", "-m", "pip", "install", "--quiet", f"{wheel}[media]", cwd=place)
    return place


def test_the_wheel_holds_package_data_and_licence_and_no_development_files(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("langflix/data/sample/sample.mp4", "langflix/data/lexicon/en/idioms.jsonl", "langflix/data/migrations/env.py", "langflix/data/migrations/versions/0001_catalogue.py", "langflix/data/apps/episode.ipynb", "langflix/py.typed"):
        assert needed in names
    assert {name.rsplit("/", 1)[1] for name in names if "/licenses/" in name} >= {"LICENSE", "NOTICE"}
    assert not [name for name in names if name.startswith(("tests/", "nbs/", "benchmarks/")) or (name.endswith(".ipynb") and not name.startswith("langflix/data/apps/"))]


def test_development_and_notebook_packages_are_not_required(installed):
    listed = call(installed / "venv/bin/python", "-m", "pip", "list", "--format=json", cwd=installed).stdout
    names = {package["name"].lower() for package in json.loads(listed)}
    assert not names & {"nbdev", "fastcore", "jupyterlab", "voila", "papermill", "ipywidgets", "pytest", "google-genai"}
    call(installed / "venv/bin/python", "-m", "pip", "check", cwd=installed)


def test_the_installed_program_makes_lessons_outside_the_repository(installed, tmp_path):
    done = call(
        installed / "venv/bin/langflix", "demo", "--max-expressions", "1", "--json", "--out", tmp_path / "out", cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANGFLIX_LESSONS__PRESET": "ultrafast"},
    )  # fmt: skip
    result = json.loads(done.stdout)
    assert result["exit_status"] == 0
    for path in (*result["lessons"], result["manifest"], result["report"], result["deck"]):
        assert Path(path).stat().st_size > 0
    assert len(result["lessons"]) == 1


def test_the_installed_program_runs_in_its_notebook_outside_the_repository(installed, tmp_path):
    "First it says what is missing; with papermill there, the notebook of the package is executed."
    program = [installed / "venv/bin/langflix", "run", "sample.mp4", "--notebook", "--max-expressions", "1", "--analyzer", "embedded", "--out", "out", "--json"]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANGFLIX_LESSONS__PRESET": "ultrafast"}
    for file in (ROOT / "langflix" / "data" / "sample").glob("sample.*"):
        shutil.copy(file, tmp_path)
    without = subprocess.run([str(word) for word in program], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert without.returncode == 2
    assert "langflix[notebook]" in json.loads(without.stdout)["hint"]
    call(installed / "venv/bin/python", "-m", "pip", "install", "--quiet", "papermill>=2.6,<3", "ipykernel>=6.29,<8", cwd=installed)
    result = json.loads(call(*program, cwd=tmp_path, env=env).stdout)
    assert (result["exit_status"], len(result["lessons"])) == (0, 1)
    record = json.loads((tmp_path / result["record"]).read_text())
    assert str(installed / "venv") in record["metadata"]["papermill"]["input_path"]
