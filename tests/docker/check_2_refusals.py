"""What is not ready does not start, and says why, to people who have only its log."""

import json

import pytest
from engine import MARK, Stack, films, give, run, say


@pytest.fixture(scope="module")
def place(clone):
    "A checkout with passwords and films."
    place = clone("refusals")
    (place / "secrets").mkdir(mode=0o700)
    for name in ("api_token", "dashboard_token"):
        (place / "secrets" / name).write_text(MARK * 2)
    films(place / "films", "Show.S01E01")
    (place / ".env").write_text((place / ".env.example").read_text())
    return place


def start(place, service="api", *options, **environment):
    "Start one container of the stack and let it end; its status and what it said."
    with Stack(place, "refusals", MEDIA="./films", DATA="./data", UPLOADS="./uploads", **environment) as stack:
        done = stack.compose("run", "--rm", "--no-deps", "-T", *options, service, check=False)
        said = done.stdout + done.stderr
    say("    " + "\n    ".join(line for line in said.splitlines() if "Network" not in line and "Volume" not in line and "Container" not in line))
    assert MARK not in said
    assert "Traceback" not in said
    return done.returncode, said


@pytest.mark.parametrize("service", ["api", "dashboard"])
def test_a_folder_of_root_is_refused_with_the_command_that_mends_it(place, service):
    give(place / "data", 0)
    status, said = start(place, service)
    assert status == 2
    assert f"/data/lessons ({place}/data/lessons on the host) cannot be written by 568:568; /data belongs to 0:0" in said
    assert f"As root on the host: chown -R 568:568 {place}/data" in said
    assert (place / "data").stat().st_uid == 0, "nothing was changed"


def test_a_folder_of_root_is_refused_for_another_user_too(place):
    give(place / "data", 0)
    status, said = start(place, "cli", PUID="1000", PGID="1000")
    assert status == 0, "help needs no folder"
    status, said = start(place, "api", PUID="1000", PGID="1000")
    assert (status, f"chown -R 1000:1000 {place}/data" in said) == (2, True)


def test_a_service_without_a_token_and_a_dashboard_without_a_password_do_not_start(place):
    give(place / "data", 568)
    give(place / "uploads", 568)
    for service, name in (("api", "api_token"), ("dashboard", "dashboard_token")):
        status, said = start(place, service, **{f"{name.upper()}_FILE": "/dev/null"})
        assert status == 2
        assert f"mkdir -p -m 700 secrets && openssl rand -hex 24 > secrets/{name}" in said
        (place / "empty").touch()
        status, said = start(place, service, **{f"{name.upper()}_FILE": "./empty"})
        assert (status, f"openssl rand -hex 24 > {place}/empty" in said) == (2, True)


def test_jupyterlab_without_a_password_does_not_start(place):
    give(place / "data", 568)
    status, said = start(place, "lab", DASHBOARD_TOKEN_FILE="/dev/null")
    assert (status, "JupyterLab has no password" in said) == (2, True)


def test_root_is_refused(place):
    give(place / "data", 568)
    give(place / "uploads", 568)
    status, said = start(place, "api", "--user", "0:0")
    assert (status, "LangFlix does not run as root" in said) == (2, True)


def test_a_secret_that_nobody_may_read_is_refused(place):
    give(place / "data", 568)
    give(place / "uploads", 568)
    (place / "closed").write_text(MARK)
    (place / "closed").chmod(0o600)
    status, said = start(place, "api", GEMINI_API_KEY_FILE="./closed")
    assert (status, f"chmod a+r {place}/closed" in said) == (2, True)


def test_a_stack_without_any_settings_says_what_is_missing(clone):
    "The start of somebody who read nothing."
    place = clone("nothing")
    with Stack(place, "nothing") as stack:
        done = stack.compose("up", "--detach", "--wait", "--no-build", check=False)
        assert done.returncode != 0
        said = stack.compose("logs", "api").stdout
        assert "the service has no token" in said
        assert "openssl rand -hex 24 > secrets/api_token" in said


def test_what_compose_asks_for_is_what_the_manuals_say(place):
    "Both files are valid, and no service of ours may do more than it needs."
    for more in ((), ("-f", place / "docs" / "truenas.yaml")):
        found = run("docker", "compose", *more, "--profile", "*", "config", "--format", "json", cwd=place).stdout
        for name, service in json.loads(found)["services"].items():
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            assert service["user"] not in ("", "0", "root", "0:0"), name
            assert "privileged" not in service, name
            assert "environment" not in service or not any("TOKEN" in key and "FILE" not in key for key in service["environment"]), name
            limits = service["deploy"]["resources"]["limits"]
            assert all(limits[kind] for kind in ("memory", "cpus", "pids")), name
            for volume in service.get("volumes", ()):
                assert "docker.sock" not in str(volume), name
                if volume["target"].startswith("/media/library"):
                    assert volume["read_only"] is True, name
