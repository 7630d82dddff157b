"""Take from an environment what is never read at run time, and compile what is, for the images.

    python .ci/slim.py ENVIRONMENT MODULE...

An image's root is read-only, so Python could not keep what it compiles. Compiling everything would take 60 MB more, so
only what importing the named modules loads is compiled here. All files get one date, so that two builds make the same
layer.
"""

import os
import py_compile
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

NEVER_READ = (
    "googleapiclient/discovery_cache/documents",  # every Google service's description
    "google/ai/generativelanguage_v1", "google/ai/generativelanguage_v1alpha",  # google-generativeai uses v1beta
    "google/ai/generativelanguage_v1beta2", "google/ai/generativelanguage_v1beta3",
    "tzdata/zoneinfo",  # Debian's are read
    "sqlalchemy/testing", "alembic/testing", "alembic/templates",
    "jupyterlab/static",  # share/jupyter/lab/static again
    "jupyterlab/galata", "jupyter_builder/yarn.js",  # for those who build JupyterLab
    "matplotlib/mpl-data/sample_data", "matplotlib/mpl-data/fonts/afm", "matplotlib/mpl-data/fonts/pdfcorefonts",
    "matplotlib/mpl-data/fonts/ttf/DejaVuSerif*", "matplotlib/mpl-data/fonts/ttf/DejaVuSansMono*",  # ours has one face
    "numpy/_core/*_tests*.so", "numpy/_core/_simd*.so",  # for numpy's tests
    "PIL/_avif*.so", "pillow.libs/libavif*",  # a format of pictures that we do not show
    "numpy/distutils", "numpy/f2py", "jsonschema/benchmarks",
    "matplotlib/backends/backend_gtk*", "matplotlib/backends/backend_wx*", "matplotlib/backends/backend_macosx.py",  # no screen
    "matplotlib/backends/*tk*", "matplotlib/backends/backend_qt*", "matplotlib/backends/qt*",
    "wcwidth/_wcwidth_c*.so",  # its Python does the same
    "zstandard/_cffi*.so", "zstandard/backend_cffi.py",  # for PyPy
    "future/backports", "future/moves", "libfuturize", "libpasteurize",  # for Python 2; ffmpeg-python asks for the rest
    *(f"fontTools/{name}" for name in ("cu2qu", "merge", "mtiLib", "qu2cu", "svgLib", "ufoLib", "voltLib")),  # these make fonts
    "platformdirs-*.dist-info/sboms", "filelock-*.dist-info/sboms",  # half a megabyte each about packages of plain Python
    "voila/labextensions",  # share/jupyter/voila/labextensions again
    "widgetsnbextension/static", "langflix/_modidx.py", "langflix/__pycache__/_modidx.*",
)  # fmt: skip
LOCALES = ("root", "en", "en_US", "en_001")  # JupyterLab's pages are in English
# Dictionaries of languages that `languages.source` does not know.
NOT_LEARNT = frozenset("ast cy enm eo ga gd gl grc gv hy ka la lb mk ml se sq sw tl".split())
# Under the LGPL: exactly as they were published.
UNTOUCHED = ("frozendict", "psycopg", "psycopg_binary", "psycopg_binary.libs")
# Pygments colours these, and shows others as they are written. Extensions of other packages ask for agile and web.
COLOURED = "agile web configs console css data diff html javascript markup perl python ruby shell special sql text".split()
SOURCES = ("*.c", "*.h", "*.pyx", "*.pxd", "*.pyi", "*.a", "*.map")  # of what is compiled already, or for type checkers
NOT_SENT = ("*.map", "*.eot", "static/[0-9a-f]*.svg", "static/[0-9a-f]*.ttf")  # to a browser of these ten years: they ask for WOFF2
NEVER_SHARED = ("share/man", "share/jupyter/nbextensions", "share/jupyter/voila/labextensions/@voila-dashboards/widgets-manager7")  # for what is older
PYTHON = Path("/opt/langflix/bin/python")


def may_change(packages: Path, path: Path) -> bool:
    "Whether a package's licence lets us hand it on without some of its files."
    return path.relative_to(packages).parts[0] not in UNTOUCHED


def remove_unread(packages: Path) -> None:
    "Remove tests, sources of compiled modules, and what only other programs read."
    unread = [path for pattern in NEVER_READ for path in packages.glob(pattern)]
    unread += [path for path in packages.glob("simplemma/strategies/dictionaries/data/*.plzma") if path.stem in NOT_LEARNT]
    unread += [path for name in ("tests", "test") for path in packages.rglob(name) if (path / "__init__.py").exists() or any(path.glob("test_*.py"))]
    unread += [path for path in packages.glob("babel/locale-data/*.dat") if path.stem not in LOCALES]
    unread += [path for pattern in SOURCES for path in packages.rglob(pattern)]
    for path in filter(partial(may_change, packages), unread):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def forget_lexers(packages: Path) -> None:
    "Leave Pygments the languages that are shown here, and what these need; of others it says that it does not know them."
    lexers = packages / "pygments/lexers"
    if not lexers.exists():
        return
    listing = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module('pygments.lexers.' + name)\nprint(*sys.modules)"
    names = _says(packages, listing, "_mapping", *COLOURED).split()
    kept = {name for name in names if name.startswith("pygments.lexers.")}
    kept |= {found for name in kept for found in re.findall(r"pygments\.lexers\._\w+", (lexers / f"{name.rpartition('.')[2]}.py").read_text(encoding="utf-8"))}
    for path in lexers.glob("*.py"):
        if path.name != "__init__.py" and f"pygments.lexers.{path.stem}" not in kept:
            path.unlink()
    mapping = lexers / "_mapping.py"
    rows = mapping.read_text(encoding="utf-8").splitlines(keepends=True)
    mapping.write_text("".join(row for row in rows if not (named := re.search(r"\('(pygments\.lexers\.\w+)'", row)) or named[1] in kept), encoding="utf-8")


def strip_symbols(packages: Path) -> None:
    "Take the names of functions from compiled modules."
    for path in packages.rglob("*.so*"):
        bundled = path.parent.name.endswith(".libs")  # their tables were moved when they were bundled; strip would break them
        if path.is_file() and not path.is_symlink() and not bundled and may_change(packages, path):
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=True)


def _says(packages: Path, code: str, *arguments: str) -> str:
    "What some Python prints that can import these packages."
    env = {**os.environ, "PYTHONPATH": str(packages), "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([PYTHON, "-c", code, *arguments], env=env, check=True, stdout=subprocess.PIPE, text=True).stdout


def compile_loaded(packages: Path, modules: list[str]) -> None:
    "Compile what importing some modules loads from these packages."
    listing = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    listing += "print(*(found for module in list(sys.modules.values()) if (found := getattr(module, '__file__', None))), sep='\\n')"
    for path in sorted(map(Path, _says(packages, listing, *modules).splitlines())):
        if path.suffix == ".py" and path.is_relative_to(packages):
            py_compile.compile(str(path), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def main(environment: Path, modules: list[str]) -> None:
    "Do all of it."
    packages = environment / "lib/python3.11/site-packages"
    for name in NEVER_SHARED:
        shutil.rmtree(environment / name, ignore_errors=True)
    for pattern in NOT_SENT:
        for path in environment.glob(f"share/**/{pattern}"):
            path.unlink()
    remove_unread(packages)
    forget_lexers(packages)
    strip_symbols(packages)
    compile_loaded(packages, modules)
    for path in (environment, *environment.rglob("*")):
        os.utime(path, (0, 0), follow_symlinks=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
