"""What a container is told before it starts: real folders, real owners, real file systems, and what has to be done about each."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from langflix.config import Settings, load_settings
from langflix.mounts import Mount, check_read, check_secret, check_written, mount_of, read_mounts, try_writing
from langflix.startup import NotReady, check_passwords, check_user, look, refuse_unless_ready

ROOT = os.geteuid() == 0


def root_only(test):
    "Only root can become somebody else; others let root run these tests, see the last one of this file."
    return test if ROOT else None


DROP = """
import os, sys
from langflix import cli, config, mounts, startup, upkeep, segments, cache
def become(uid, groups=()):
    "Be somebody else from now on; what is imported later may be out of reach."
    os.setgroups(list(groups)); os.setgid(uid); os.setuid(uid)
"""


def as_user(uid, code, *arguments, groups=()):
    "What some code prints when somebody else runs it."
    start = f"{DROP}\nbecome({uid}, {list(groups)})\n"
    done = subprocess.run([sys.executable, "-c", start + code, *map(str, arguments)], capture_output=True, text=True, cwd="/", env={"PATH": os.environ["PATH"], "HOME": "/tmp"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def unshared(script, *arguments):
    "Run a shell script with mounts of its own; what it prints."
    done = subprocess.run(["unshare", "--mount", "sh", "-euc", script, "sh", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def place():
    "A folder that everybody can reach, and in which what is made can be read by everybody, whatever the umask is."
    umask = os.umask(0o022)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)
    os.umask(umask)


WRITTEN = """
import sys, json
from dataclasses import asdict
from pathlib import Path
from langflix.mounts import check_written, read_mounts
print(json.dumps(asdict(check_written("output", Path(sys.argv[1]), read_mounts()))))
"""


@root_only
def test_a_folder_of_root_is_refused_with_the_command_that_gives_it_away(place):
    (place / "data").mkdir()
    found = json.loads(as_user(568, WRITTEN, place / "data" / "lessons"))
    assert found["status"] == "failed"
    assert "cannot be written by 568:568" in found["message"]
    assert f"{place / 'data'} belongs to 0:0" in found["message"]
    assert found["hint"].startswith("As root on the host: chown -R 568:568 /")


@root_only
@pytest.mark.parametrize("uid", [568, 1000])
def test_a_folder_of_ones_own_is_fine_and_stays_as_it_was(place, uid):
    (place / "data").mkdir()
    os.chown(place / "data", uid, uid)
    assert json.loads(as_user(uid, WRITTEN, place / "data" / "lessons"))["status"] in ("ok", "warning")
    assert [path.name for path in (place / "data").rglob("*")] == ["lessons"]
    assert (place / "data" / "lessons").stat().st_uid == uid


@root_only
def test_nothing_is_given_away_by_ourselves(place):
    (place / "data").mkdir()
    as_user(568, WRITTEN, place / "data")
    assert (place / "data").stat().st_uid == 0
    assert list((place / "data").iterdir()) == []


@root_only
def test_a_read_only_mount_is_refused(place):
    (place / "data").mkdir()
    found = json.loads(unshared(f'mount -t tmpfs none "$1"; mount -o remount,ro "$1"; {sys.executable} -c \'{WRITTEN}\' "$1"', place / "data"))
    assert (found["status"], "is mounted read-only" in found["message"]) == ("failed", True)
    assert f"the mount of {place / 'data'} in the compose file" in found["hint"]


@root_only
@pytest.mark.parametrize("left", ["0", "1000k"])
def test_a_full_disk_is_refused(place, left):
    (place / "data").mkdir()
    fill = f'mount -t tmpfs -o size=2m none "$1"; head -c {2_097_152 if left == "0" else 1_000_000} /dev/zero > "$1/film" || true'
    found = json.loads(unshared(f'{fill}; {sys.executable} -c \'{WRITTEN}\' "$1"', place / "data"))
    assert (found["status"], "is full" in found["message"]) == ("failed", True), found


@root_only
def test_a_folder_in_memory_is_worth_a_remark(place):
    (place / "data").mkdir()
    found = json.loads(unshared(f'mount -t tmpfs -o size=4g none "$1"; {sys.executable} -c \'{WRITTEN}\' "$1"', place / "data"))
    assert (found["status"], "empty after the next start" in found["message"]) == ("warning", True)


def test_what_is_tried_leaves_nothing_behind(tmp_path):
    try_writing(tmp_path / "a" / "b")
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b"] or {path.name for path in tmp_path.rglob("*")} == {"a", "b"}


@pytest.mark.parametrize(("kind", "says"), [("overlay", "goes with it"), ("tmpfs", "in memory"), ("nfs4", "network disk"), ("ext4", "")])
def test_what_a_folder_lies_on_is_remarked(tmp_path, kind, says):
    check = check_written("output", tmp_path, [Mount(Path("/"), "/", kind, "x", False)])
    assert check.status == ("warning" if says else "ok")
    assert says in check.message


def test_paths_on_the_host_are_told_as_far_as_they_are_known():
    mounts = [
        Mount(Path("/"), "/", "overlay", "overlay", True), Mount(Path("/data"), "/srv/langflix", "ext4", "/dev/sda1", False),
        Mount(Path("/media/library"), "/", "zfs", "tank/tv", True), Mount(Path("/data"), "/srv/later", "ext4", "/dev/sda1", False),
    ]  # fmt: skip
    where = {path: mount_of(Path(path), mounts).on_host(Path(path)) for path in ("/etc/x", "/data/lessons", "/media/library/Show", "/database")}
    assert where == {"/etc/x": "", "/data/lessons": "/srv/later/lessons", "/media/library/Show": "/mnt/tank/tv/Show", "/database": ""}


def test_this_machines_own_table_is_read():
    mounts = read_mounts()
    assert mount_of(Path("/proc/self"), mounts).kind == "proc"
    assert any(mount.target == Path("/") for mount in mounts)


READ = """
import sys, json
from dataclasses import asdict
from pathlib import Path
from langflix.mounts import Mount, check_read
mounts = [Mount(Path("/"), "/", "overlay", "overlay", True), Mount(Path(sys.argv[1]), "/mnt/tank/tv", "ext4", "/dev/sda1", True)]
print(json.dumps(asdict(check_read("media", Path(sys.argv[1]), mounts))))
"""


@root_only
@pytest.mark.parametrize(("closed", "status"), [("library", "failed"), ("library/Show", "warning"), ("library/Show/a.mkv", "warning"), ("library/.hidden", "ok"), ("", "ok")])
def test_films_that_cannot_be_read_are_found_before_a_run(place, closed, status):
    (place / "library" / "Show").mkdir(parents=True)
    (place / "library" / "Show" / "a.mkv").touch()
    (place / "library" / ".hidden").mkdir()
    if closed:
        (place / closed).chmod(0)
    found = json.loads(as_user(568, READ, place / "library"))
    assert found["status"] == status, found
    if status != "ok":
        assert found["hint"] == "As root on the host: chmod -R a+rX /mnt/tank/tv"


@root_only
def test_films_of_a_group_can_be_read_by_its_members(place):
    (place / "library").mkdir(mode=0o750)
    os.chown(place / "library", 0, 3000)
    assert json.loads(as_user(568, READ, place / "library"))["status"] == "failed"
    assert json.loads(as_user(568, READ, place / "library", groups=[3000]))["status"] == "ok"


def test_films_that_could_be_written_are_worth_a_remark(tmp_path):
    mounts = [Mount(tmp_path, "/mnt/tank/tv", "ext4", "/dev/sda1", False)]
    check = check_read("media", tmp_path, mounts)
    assert (check.status, "mounted writable" in check.message, ":ro" in check.hint) == ("warning", True, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["api_token", "dashboard_token"])
def test_an_empty_secret_names_the_command_that_makes_one(tmp_path, name):
    (file := tmp_path / name).write_text("\n")
    check = check_secret(file, [Mount(file, f"/srv/secrets/{name}", "ext4", "/dev/sda1", True)])
    assert (check.status, check.hint) == ("failed", f"Make one on the host: openssl rand -hex 24 > /srv/secrets/{name}")
    made = subprocess.run(["sh", "-c", check.hint.partition(": ")[2].replace(f"/srv/secrets/{name}", str(file))], check=True)
    assert made.returncode == 0
    assert check_secret(file, read_mounts()).status == "ok"
    assert len(file.read_text().strip()) == 48


def test_a_secret_that_is_a_folder_is_explained(tmp_path):
    (tmp_path / "api_token").mkdir()
    check = check_secret(tmp_path / "api_token", [Mount(tmp_path, "/srv/secrets", "ext4", "/dev/sda1", True)])
    assert check.status == "failed"
    assert check.hint.startswith("On the host: rmdir /srv/secrets/api_token && openssl")


@root_only
def test_a_secret_that_we_may_not_read_is_explained(place):
    (place / "api_token").write_text("x" * 48)
    (place / "api_token").chmod(0o600)
    code = "import sys; from pathlib import Path; from langflix.mounts import *; print(check_secret(Path(sys.argv[1]), [Mount(Path('/'), '/', 'ext4', 'd', False)]).hint)"
    assert as_user(568, code, place / "api_token").strip() == f"On the host: chmod a+r {place / 'api_token'}"


def settings(**environment):
    return load_settings(overrides=environment)


@pytest.mark.parametrize(
    ("command", "given", "missing"),
    [
        ("serve", {}, {"api_token"}), ("serve", {"api": {"token": "x" * 40}}, set()), ("serve", {"api": {"tokens_file": "/data/tokens"}}, set()),
        ("dashboard", {}, {"dashboard_token"}), ("dashboard", {"dashboard": {"token": "x" * 40}}, set()),
        ("dashboard", {"dashboard": {"token": "x" * 40}, "api": {"url": "http://api:8000"}}, {"api_token"}),
        ("dashboard", {"api": {"url": "http://api:8000", "token": "x" * 40}}, {"dashboard_token"}),
        ("lab", {}, {"dashboard_token"}), ("run", {}, set()), ("demo", {}, set()), ("token", {}, set()),
    ],
)  # fmt: skip
def test_passwords_are_asked_for_where_others_could_come_in(command, given, missing):
    checks = check_passwords(command, load_settings(overrides=given, secrets=Path("/nowhere")))
    assert {check.name for check in checks} == missing
    for check in checks:
        assert f"openssl rand -hex 24 > secrets/{check.name}" in check.hint


def test_root_is_refused():
    assert check_user(0).status == "failed"
    assert "--user 568:568" in check_user(0).hint
    assert check_user(1000).status == "ok"


def test_everything_wrong_is_said_at_once_and_each_cure_once(tmp_path):
    checks = [check_user(0), *(check_written(name, Path("/proc/nothing"), [Mount(Path("/"), "/x", "ext4", "d", False)]) for name in ("output", "cache"))]
    with pytest.raises(NotReady) as caught:
        refuse_unless_ready(checks, "serve")
    said = str(caught.value)
    assert all(f"- {name}: " in said for name in ("user", "output", "cache"))
    assert said.count("dmesg") + said.count("chown -R") <= 1
    assert caught.value.exit_status == 2
    assert refuse_unless_ready([check_user(1)], "serve") == ""


def command(place, uid, *arguments, code="cli.main()", **environment):
    "A command as the image starts it."
    env = {"PATH": os.environ["PATH"], "HOME": str(place), "LANGFLIX_CONTAINER": "1"}
    env |= {f"LANGFLIX_PATHS__{name.upper()}": str(place / name) for name in ("media", "output", "cache")} | environment
    start = f"{DROP}\n{f'become({uid})' if uid else ''}\n{code}"
    return subprocess.run([sys.executable, "-c", start, *arguments], env=env, capture_output=True, text=True, cwd="/")


@root_only
def test_a_command_in_a_container_starts_only_when_all_is_well(place):
    (place / "media").mkdir()
    refused = command(place, 568, "serve")
    assert refused.returncode == 2
    assert "`serve` cannot start in this container:" in refused.stderr
    assert "chown -R 568:568" in refused.stderr
    assert "openssl rand -hex 24 > secrets/api_token" in refused.stderr
    assert "Traceback" not in refused.stderr
    os.chown(place, 568, 568)
    shown = command(place, 568, "cache")
    assert shown.returncode == 0, shown.stderr


def test_doctor_looks_at_the_mounts_too(place):
    told = command(place, None, "doctor", "--json")
    names = {check["name"] for check in json.loads(told.stdout)["checks"]}
    assert {"user", "ffmpeg"} <= names
    assert ROOT or {"media", "uploads", "home", "tmp"} <= names, "root is told nothing else"


@root_only
def test_a_command_of_root_is_refused_and_told_as_json(place):
    told = command(place, None, "demo", "--json")
    assert told.returncode == 2
    assert "does not run as root" in json.loads(told.stdout)["error"]


def test_help_and_other_machines_are_not_asked_for_anything(place):
    assert command(place, None, "serve", "--help").returncode == 0
    assert command(place, None, "--version").returncode == 0
    assert command(place, None, "cache", LANGFLIX_CONTAINER="").returncode == 0


@root_only
def test_another_program_is_started_only_when_all_is_well(place):
    (place / "token").write_text("x" * 48)
    os.chown(place, 568, 568)

    def lab(**more):
        return command(place, 568, "echo", "started", code="sys.exit(startup.main(sys.argv[1:]))", **more)

    assert (lab().returncode, "JupyterLab has no password" in lab().stderr) == (2, True)
    assert lab(JUPYTER_TOKEN_FILE="/dev/null").returncode == 2
    assert lab(JUPYTER_TOKEN_FILE=str(place / "token")).stdout == "started\n"


def test_a_settings_file_that_cannot_be_reached_does_not_hide_the_rest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("MEDIA", "OUTPUT", "CACHE"):
        monkeypatch.setenv(f"LANGFLIX_PATHS__{name}", str(tmp_path / name))
    (secrets := tmp_path / "secrets").mkdir()
    (secrets / "gemini_api_key").touch()
    checks = {check.name: check for check in look("serve", secrets=secrets)}
    assert checks["gemini_api_key"].status == "failed"
    assert "api_token" not in checks, "nothing is said of settings while a secret cannot be read"
    assert checks["output"].status in ("ok", "warning")
    assert Settings().api.token is None


if not ROOT:

    def test_what_only_root_can_test():
        done = subprocess.run(["sudo", "--non-interactive", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__], capture_output=True, text=True)
        assert done.returncode == 0, f"run as root: pytest {__file__}\n{done.stdout}{done.stderr}"
