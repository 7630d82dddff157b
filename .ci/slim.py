"""Take from an environment what is never read at run time, and compile what is, for the images.

    python .ci/slim.py ENVIRONMENT MODULE...

An image's root is read-only, so Python could not keep what it compiles. Compiling everything would take 60 MB more, so
only what importing the named modules loads is compiled here. All files get one date, so that two builds make the same
layer.
"""

import os
import py_compile
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
    "widgetsnbextension/static", "langflix/_modidx.py", "langflix/__pycache__/_modidx.*",
)  # fmt: skip
LOCALES = ("root", "en", "en_US", "en_001")  # JupyterLab's pages are in English
# Dictionaries of languages that `languages.source` does not know.
NOT_LEARNT = frozenset("ast cy enm eo ga gd gl grc gv hy ka la lb mk ml se sq sw tl".split())
# Under the LGPL: exactly as they were published.
UNTOUCHED = ("frozendict", "psycopg", "psycopg_binary", "psycopg_binary.libs")
SOURCES = ("*.c", "*.h", "*.pyx", "*.pxd", "*.pyi", "*.a", "*.map")  # of what is compiled already, or for type checkers
NOT_SENT = ("*.map", "*.eot", "static/[0-9a-f]*.svg")  # to a browser of these ten years: they ask for WOFF2
PYTHON = Path("/opt/langflix/bin/python")


def may_change(packages: Path, path: Path) -> bool:
    "Whether a package's licence lets us hand it on without some of its files."
    return path.relative_to(packages).parts[0] not in UNTOUCHED


def remove_unread(packages: Path) -> None:
    "Remove tests, sources of compiled modules, and what only other programs read."
    unread = [path for pattern in NEVER_READ for path in packages.glob(pattern)]
    unread += [path for path in packages.glob("simplemma/strategies/dictionaries/data/*.plzma") if path.stem in NOT_LEARNT]
    unread += [path for name in ("tests", "test") for path in packages.rglob(name) if (path / "__init__.py").exists()]
    unread += [path for path in packages.glob("babel/locale-data/*.dat") if path.stem not in LOCALES]
    unread += [path for pattern in SOURCES for path in packages.rglob(pattern)]
    for path in filter(partial(may_change, packages), unread):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def strip_symbols(packages: Path) -> None:
    "Take the names of functions from compiled modules."
    for path in packages.rglob("*.so*"):
        bundled = path.parent.name.endswith(".libs")  # their tables were moved when they were bundled; strip would break them
        if path.is_file() and not path.is_symlink() and not bundled and may_change(packages, path):
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=True)


def compile_loaded(packages: Path, modules: list[str]) -> None:
    "Compile what importing some modules loads from these packages."
    listing = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    listing += "print(*(found for module in list(sys.modules.values()) if (found := getattr(module, '__file__', None))), sep='\\n')"
    env = {**os.environ, "PYTHONPATH": str(packages), "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"}
    loaded = subprocess.run([PYTHON, "-c", listing, *modules], env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    for path in sorted(map(Path, loaded.splitlines())):
        if path.suffix == ".py" and path.is_relative_to(packages):
            py_compile.compile(str(path), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def main(environment: Path, modules: list[str]) -> None:
    "Do all of it."
    packages = environment / "lib/python3.11/site-packages"
    shutil.rmtree(environment / "share/man", ignore_errors=True)
    shutil.rmtree(environment / "share/jupyter/nbextensions", ignore_errors=True)  # for the notebook that JupyterLab replaced
    for pattern in NOT_SENT:
        for path in environment.glob(f"share/**/{pattern}"):
            path.unlink()
    remove_unread(packages)
    strip_symbols(packages)
    compile_loaded(packages, modules)
    for path in (environment, *environment.rglob("*")):
        os.utime(path, (0, 0), follow_symlinks=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
