"""What a release needs to know, from settings.ini, CHANGELOG.md and docs/truenas.yaml.

`python .ci/release.py notes VERSION` prints the changelog's section; `python .ci/release.py check TAG` refuses a tag
that the project does not agree with. Only the standard library: it runs before anything is installed.
"""

import os
import re
import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parent.parent
TAG = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+((a|b|rc)[0-9]+)?")
HEADING = re.compile(r"^## (?P<version>\S+)(?: \((?P<day>[^)]*)\))?[ \t]*$", re.MULTILINE)


class Refused(SystemExit):
    "A release that must not be made, and why; Python prints it and ends with status 1."


def fact(name: str, root: Path = ROOT) -> str:
    "A fact in settings.ini."
    config = ConfigParser(delimiters=["="])
    config.read(root / "settings.ini", encoding="utf-8")
    return config["DEFAULT"][name]


def version(root: Path = ROOT) -> str:
    "The version of the project."
    return fact("version", root)


def section(wanted: str, root: Path = ROOT) -> tuple[str, str]:
    "The day and the text of a version's section of CHANGELOG.md."
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = list(HEADING.finditer(text))
    found = [place for place, heading in enumerate(headings) if heading["version"] == wanted]
    if not found:
        known = ", ".join(heading["version"] for heading in headings) or "no version at all"
        raise Refused(f"CHANGELOG.md has no section for {wanted!r}; it has {known}. Add '## {wanted} (YYYY-MM-DD)' and what users notice.")
    begin, end = headings[found[0]], headings[found[0] + 1].start() if found[0] + 1 < len(headings) else len(text)
    told = text[begin.end() : end].strip()
    if not told:
        raise Refused(f"CHANGELOG.md says nothing about {wanted}: write what users notice.")
    return begin["day"] or "", told


def published(root: Path = ROOT) -> list[str]:
    "The versions of our images that docs/truenas.yaml installs."
    text = (root / "docs" / "truenas.yaml").read_text(encoding="utf-8")
    return re.findall(r"^ +image: ghcr\.io/\S+/langflix:(\S+)-[a-z]+$", text, re.MULTILINE)


def check(tag: str, root: Path = ROOT) -> str:
    "What is released; refuses a tag of another version, and a version whose section has no day."
    if not TAG.fullmatch(tag):
        raise Refused(f"{tag!r} is no tag of a release: it is v and the version, such as v0.1.0.")
    if tag != f"v{version(root)}":
        raise Refused(f"The tag is {tag} and settings.ini says version = {version(root)}: change one of them.")
    day, _ = section(tag[1:], root)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        raise Refused(f"CHANGELOG.md says {tag[1:]} ({day or 'no day'}): write the day of the release, as in '## {tag[1:]} (2026-01-31)'.")
    if other := [named for named in published(root) if named != tag[1:]]:
        raise Refused(f"docs/truenas.yaml installs {other[0]}: let its images be those of {tag[1:]}.")
    return f"{tag}: settings.ini, CHANGELOG.md and docs/truenas.yaml agree."


def main(words: list[str]) -> None:
    "Print what was asked for."
    match words:
        case ["notes", wanted] if wanted:
            print(section(wanted)[1])
        case ["check", tag] if tag:
            print(check(tag))
            if told := os.environ.get("GITHUB_OUTPUT"):
                with Path(told).open("a", encoding="utf-8") as file:
                    file.write(f"version={version()}\n")
        case ["version"]:
            print(version())
        case ["extras"]:
            print(",".join(extra for extra in fact("extras").split() if extra != "dev"))
        case _:
            raise Refused("Say: make release-notes VERSION=0.1.0, or make release-check TAG=v0.1.0.")


if __name__ == "__main__":
    main(sys.argv[1:])
