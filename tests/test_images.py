"What images are made of: exact packages that settings.ini allows, and an ffmpeg with every filter that we name."

import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / ".ci"))

import healthy  # noqa: E402
import lock  # noqa: E402
import slim  # noqa: E402

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def held(image: str) -> dict[str, str]:
    "All packages of an image, with their versions."
    return lock.pinned(lock.LOCKS / "all.txt") | lock.pinned(lock.LOCKS / f"{image}.txt")


@pytest.mark.parametrize("image", lock.IMAGES)
def test_an_image_holds_what_settings_ini_asks_for(image):
    packages = held(image)
    for wanted in map(Requirement, lock.wanted(image)):
        assert wanted.specifier.contains(packages[lock.name_of(wanted.name)], prereleases=True), wanted


@pytest.mark.parametrize("image", lock.IMAGES)
def test_no_image_holds_a_package_twice(image):
    assert not lock.pinned(lock.LOCKS / "all.txt").keys() & lock.pinned(lock.LOCKS / f"{image}.txt").keys()


def test_one_version_of_each_package_serves_all_images():
    versions: dict[str, set[str]] = {}
    for image in lock.IMAGES:
        for name, version in held(image).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("path", sorted(lock.LOCKS.glob("*.txt")), ids=lambda path: path.stem)
def test_every_package_of_a_lock_is_exact_and_has_hashes(path):
    text = re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8"))
    rows = [row for row in text.splitlines() if row and not row.startswith("#")]
    assert rows
    for row in rows:
        assert re.fullmatch(r"[a-z0-9-]+==[^\s;]+( ; [^-]+)?( ?--hash=sha256:[0-9a-f]{64})+", row), row[:80]


def test_no_dictionary_of_a_language_that_is_learnt_is_left_out():
    from langflix.config import LANGUAGES

    assert not slim.NOT_LEARNT & set(LANGUAGES)


def test_the_builder_has_the_fonts():
    packages = lock.pinned(lock.LOCKS / "build.txt")
    for wanted in map(Requirement, lock.wanted_by_builder()):
        assert wanted.specifier.contains(Version(packages[wanted.name])), wanted


@pytest.mark.parametrize("image", lock.IMAGES)
def test_kernels_have_no_debugger_and_no_stubs(image):
    assert not set(lock.LEFT_OUT) & held(image).keys()


def test_every_filter_that_we_name_is_in_the_ffmpeg_of_the_images():
    enabled = {name for names in re.findall(r"--enable-filter=(\S+)", DOCKERFILE) for name in names.split(",")}
    named = {name for path in (ROOT / "langflix").glob("*.py") for name in re.findall(r"""\.filter(?:_multi_output)?\("(\w+)\"""", path.read_text(encoding="utf-8"))}
    from langflix.media import NEEDED_FILTERS, TONE_MAPPING

    assert named | {*NEEDED_FILTERS, *TONE_MAPPING} <= enabled
    assert len(named) > 20


def test_every_encoder_that_we_need_is_in_the_ffmpeg_of_the_images():
    from langflix.media import NEEDED_ENCODERS

    enabled = {name for names in re.findall(r"--enable-encoder=(\S+)", DOCKERFILE) for name in names.split(",")}
    assert set(NEEDED_ENCODERS) <= enabled


def test_the_ffmpeg_of_the_images_reaches_no_network():
    protocols = set(re.findall(r"--enable-protocol=(\S+)", DOCKERFILE)[0].split(","))
    assert "--disable-network" in DOCKERFILE
    assert not protocols & {"http", "https", "tcp", "udp", "ftp", "rtmp", "concat", "subfile"}


def test_ffmpeg_and_its_source_are_of_the_same_release():
    stage = DOCKERFILE.partition(" AS ffmpeg\n")[2].partition("\nFROM ")[0]
    releases = set(re.findall(r"\b(?:trixie|forky|sid)\b", stage))
    assert releases == {"trixie"}
    assert "Debian 13 (trixie)" in (ROOT / "NOTICE").read_text(encoding="utf-8")


class Page(BaseHTTPRequestHandler):
    "Is well at one address."

    def do_GET(self):
        self.send_response(200 if self.path == "/lessons/health" else 404)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def test_the_probe_asks_where_the_settings_say(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("LANGFLIX_DASHBOARD__PORT", str(server.server_port))
    monkeypatch.setenv("LANGFLIX_API__PORT", str(server.server_port))
    monkeypatch.setenv("LANGFLIX_DASHBOARD__BASE_URL", "/lessons/")
    assert healthy.status(*healthy.place("dashboard")) == 200
    assert healthy.status(*healthy.place("api")) == 404
    server.shutdown()
    server.server_close()
    with pytest.raises(ConnectionError):
        healthy.status(*healthy.place("api"))


def test_every_server_has_a_probe():
    assert re.findall(r'^HEALTHCHECK .* CMD \["healthy", "(\w+)"\]$', DOCKERFILE, re.MULTILINE) == ["api", "dashboard", "lab"]


def test_bases_are_named_by_a_tag_that_any_engine_resolves():
    bases = {base for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) if ":" in base}
    assert bases == {"debian:bookworm-slim", "python:3.11-slim-bookworm"}
    assert "@sha256" not in DOCKERFILE
    assert not DOCKERFILE.startswith("# syntax")


def test_the_last_stage_is_the_command_line():
    stages = re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE, re.MULTILINE)
    assert stages[-1] == "cli"
    assert {"ffmpeg", "builder", "runtime", "api", "dashboard", "lab"} <= set(stages)


def test_no_stage_that_is_an_image_runs_as_root():
    assert re.search(r"^USER 568:568$", DOCKERFILE, re.MULTILINE)
    assert "USER root" not in DOCKERFILE
    assert not re.search(r"^(ARG|ENV) .*(KEY|TOKEN|PASSWORD|SECRET)", DOCKERFILE, re.MULTILINE)


def test_only_named_files_enter_a_build():
    rows = [row for row in IGNORED if row and not row.startswith("#")]
    allowed = [row for row in rows if row.startswith("!")]
    assert rows[0] == "*"
    assert not [row for row in allowed if re.search(r"env|secret|key|token|\*", row)]
    assert {"**/.env*", "**/secrets", "**/*.key"} <= set(rows[rows.index(allowed[-1]) :])
