"""Make the lessons of one episode by papermill; what it is told comes from the environment: `make episode VIDEO=...`.

The executed notebook stays as OUT/<episode>/run.ipynb, beside the lessons, also when a cell failed. Names and numbers
are checked by the notebook itself; here only where files are, since a workflow's input may come from anyone who may start it.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

FILES = ("video", "subs", "subs_target")
TEXTS = ("analyzer", "source_lang", "target_lang", "level", "mode", "formats")
NUMBERS = {"max_expressions": int, "max_cost": float}


class Refused(SystemExit):
    "Something that was given cannot be used; Python prints why and ends with status 1."


def file_inside(name: str, given: str, root: Path) -> str:
    "The path of a file below a folder."
    if not given.isprintable() or not (root / given).resolve().is_relative_to(root.resolve()):
        raise Refused(f"{name.upper()}={given!r} is not below {root.resolve().name}: name a file of the repository.")
    return given


def parameters(env: Mapping[str, str]) -> dict[str, object]:
    "The notebook's parameters."
    given: dict[str, object] = {"video": "sample", "out": env.get("OUT") or "lessons"}
    for name in (*FILES, *TEXTS, *NUMBERS):
        if not (value := env.get(name.upper(), "")):
            continue
        if name in NUMBERS:
            try:
                given[name] = NUMBERS[name](value)
            except ValueError:
                raise Refused(f"{name.upper()}={value!r} is not a number.") from None
        else:
            given[name] = value
    if within := env.get("EPISODE_WITHIN"):  # a workflow may only use what was checked out
        for name in FILES:
            if name in given and given[name] != "sample":
                file_inside(name, str(given[name]), Path(within))
    if given["video"] != "sample" and not Path(str(given["video"])).is_file():
        raise Refused(f"VIDEO={given['video']!r} is not a file; without VIDEO the sample is used.")
    return given


def main() -> int:
    "Execute the notebook; the status is that of the run."
    from langflix.core import LangFlixError
    from langflix.episode_run import check_parameters
    from langflix.notebook_run import run_notebook
    from langflix.progress import Lines

    try:
        result = run_notebook(check_parameters(parameters(os.environ)), progress=Lines(sys.stderr))
    except LangFlixError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    if result.end.get("error"):
        print(f"error: {result.end['error']}\n  {result.end.get('hint', '')}", file=sys.stderr)
    print(f"record: {result.record}")
    return result.exit_status


if __name__ == "__main__":
    sys.exit(main())
