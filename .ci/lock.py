"""Write .ci/locks: the exact packages of each image, with the hashes of their files.

`all.txt` is in every image. The others hold what an image has beyond it, so that images share their largest layer.
`build.txt` is what the builder needs and no image keeps.
"""

import os
import re
import subprocess
import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / ".ci" / "locks"

# An extra of settings.ini, or one requirement of an extra. Every image can share its quota through Redis, keep its
# catalogue in PostgreSQL and use Google's newer library.
EVERYWHERE = ("genai", "postgres", "api:redis")
IMAGES = {
    "cli": (*EVERYWHERE, "dask"),  # seasons are made with it, on its own machine or on many
    "api": (*EVERYWHERE, "api"),
    "dashboard": (*EVERYWHERE, "dashboard"),
    "lab": (*EVERYWHERE, "notebook"),
}
# IPython completes names by itself where jedi with its 35 MB is not there, ipykernel runs without a debugger, and jsonschema
# takes durations and international addresses on trust.
LEFT_OUT = ("debugpy", "jedi", "parso", "isoduration", "arrow", "rfc3987-syntax", "lark")
BUILD = ("fonttools", "uharfbuzz", "setuptools", "wheel")
FONTS = ("noto-cjk-sans-jp-regular", "noto-cjk-sans-jp-bold", "manimgx-fonts")
FOR = ("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28", "--no-config", "--no-header", "--quiet")


def name_of(requirement: str) -> str:
    "The package that a requirement asks for, as package indexes write it."
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~;\s]", requirement, maxsplit=1)[0]).lower()


def project() -> dict[str, list[str]]:
    "The project's requirements, by extra; what it always needs is under an empty name."
    config = ConfigParser(delimiters=["="])
    config.read(ROOT / "settings.ini", encoding="utf-8")
    facts = config["DEFAULT"]
    return {"": facts["requirements"].split(), **{extra: facts[f"{extra}_requirements"].split() for extra in facts["extras"].split()}}


def wanted(image: str) -> list[str]:
    "What settings.ini asks for in an image; in `all` of them."
    known, found = project(), list(project()[""])
    for extra, _, name in (entry.partition(":") for entry in IMAGES.get(image, EVERYWHERE)):
        found += [one for one in known[extra] if not name or name_of(one) == name]
    return list(dict.fromkeys(found))


def wanted_by_builder() -> list[str]:
    "What the builder needs: fonts, and what cuts them and packs LangFlix."
    return [one for one in project()["media"] if name_of(one) in FONTS] + list(BUILD)


def pinned(lock: Path) -> dict[str, str]:
    "The packages in a lock: name and version."
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s\\;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def resolve(uv: str, requirements: list[str], *options: str) -> str:
    "Exact versions for some requirements."
    env = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    done = subprocess.run([uv, "pip", "compile", "-", *FOR, *options], input="\n".join(requirements), env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def write(uv: str, lock: str, requirements: list[str], versions: Path, left_out: list[str]) -> None:
    "Write one lock."
    without = [f"--no-emit-package={name}" for name in left_out]
    found = resolve(uv, requirements, "--generate-hashes", "--no-annotate", "--constraint", str(versions), *without)
    (LOCKS / f"{lock}.txt").write_text("# Made by `make locks` from settings.ini.\n" + found, encoding="utf-8")


def main(uv: str) -> None:
    "Write all locks; one version of each package serves all images."
    with tempfile.TemporaryDirectory() as folder:
        versions = Path(folder) / "versions.txt"
        everything = [one for image in IMAGES for one in wanted(image)] + wanted_by_builder()
        versions.write_text(resolve(uv, list(dict.fromkeys(everything)), "--no-annotate"), encoding="utf-8")
        LOCKS.mkdir(exist_ok=True)
        write(uv, "build", wanted_by_builder(), versions, [])
        write(uv, "all", wanted("all"), versions, [])
        shared = list(pinned(LOCKS / "all.txt"))
        for image in IMAGES:
            write(uv, image, wanted(image), versions, [*shared, *LEFT_OUT])


if __name__ == "__main__":
    main(sys.argv[1])
