"""The images: how large they are and of what, who they run as, and what is not in them."""

import json

import pytest
from engine import MARK, TARGETS, USER, docker, inspect, megabytes, run, say

MOST_MB = {"cli": 420, "api": 420, "dashboard": 420, "lab": 490}  # room for what Debian and the locks bring in a year
LOCKED = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none"]


def layers(image):
    "Each layer of an image: its size and what made it."
    lines = docker("history", "--no-trunc", "--format", "{{.Size}}\t{{.CreatedBy}}", image).splitlines()
    return sorted(((megabytes(size), made) for size, _, made in (line.partition("\t") for line in lines)), reverse=True)


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_is_small(images, target):
    size_mb = inspect(images[target])["Size"] / 1e6
    say(f"\n{images[target]:20} {size_mb:6.1f} MB")
    for layer_mb, made in layers(images[target])[:5]:
        say(f"    {layer_mb:6.1f}  {' '.join(made.split())[:110]}")
    assert size_mb < MOST_MB[target]


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_says_what_it_is_and_runs_as_nobody_special(images, target):
    found = inspect(images[target])
    config = found["Config"]
    assert config["User"] == "568:568"
    assert "LANGFLIX_CONTAINER=1" in config["Env"]
    assert "snapshot.debian.org" in docker("run", "--rm", "--entrypoint", "cat", images[target], "/usr/local/share/doc/ffmpeg/SOURCE")
    assert config["Labels"]["io.langflix.ffmpeg.source"]
    assert (config.get("Healthcheck") is None) == (target == "cli")


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_in_an_image_builds_or_fetches(images, target):
    found = "for name in gcc cc make git curl wget npm; do command -v $name; done; ls /opt/langflix/bin | grep pip; python -c 'import pip' 2> /dev/null && echo pip; true"
    assert docker("run", "--rm", "--entrypoint", "sh", images[target], "-c", found) == ""
    protocols = docker("run", "--rm", "--entrypoint", "ffmpeg", images[target], "-hide_banner", "-protocols").split()
    assert not {"http", "https", "tcp", "udp", "rtmp", "ftp", "tls"} & set(protocols)


def test_what_lies_beside_the_sources_is_in_no_layer(images, clone):
    "Secrets, settings and films do not get into an image: it is the same with and without them."
    place = clone("secrets")
    build = ("docker", "build", "--quiet", "--build-arg", "SOURCE_DATE_EPOCH=1", "--target", "api", place)
    image = run(*build).stdout.strip()
    (place / "secrets").mkdir()
    for name in ("secrets/api_token", ".env", "langflix.yaml", "film.mkv", "langflix.env", "backup.tgz"):
        (place / name).write_text(MARK)
    assert run(*build).stdout.strip() == image
    assert MARK not in docker("history", "--no-trunc", image) + json.dumps(inspect(image))
    found = run("docker", "run", "--rm", "--user", "0", "--entrypoint", "grep", image, "--recursive", "--files-with-matches", "--fixed-strings", "--devices=skip", MARK, "/data", "/home", "/media", "/opt", "/root", "/src", "/srv", "/usr", "/var", "/etc", check=False)
    assert found.stdout == ""


@pytest.mark.parametrize("user", ["568:568", "1000:1000"])
def test_lessons_are_made_by_any_user_without_a_network_or_rights(images, tmp_path, user):
    made = json.loads(docker("run", "--rm", "--user", user, *LOCKED, "--tmpfs", "/data:mode=1777", images["cli"], "demo", "--max-expressions", "1", "--json"))
    assert (made["exit_status"], len(made["lessons"])) == (0, 1)
    say(f"demo as {user}: {made['lessons'][0]} in {made['stats']['wall_s']:.1f} s")


def test_doctor_finds_every_font(images):
    told = json.loads(docker("run", "--rm", *USER, *LOCKED, "--tmpfs", "/data:mode=1777", images["cli"], "doctor", "--json"))
    fonts = [check for check in told["checks"] if check["name"].startswith("font")]
    assert told["exit_status"] == 0
    assert len(fonts) > 10
    assert {check["status"] for check in fonts} == {"ok"}, fonts


@pytest.mark.parametrize("target", ["dashboard", "lab"])
def test_a_language_that_is_not_coloured_is_said_to_be_unknown(images, target):
    "Not told as a module that is missing: notebooks then show it as it is written."
    code = "import pygments.lexers as p; print(p.get_lexer_by_name('ipython3').name)\ntry: p.get_lexer_by_name('cobol')\nexcept p.ClassNotFound: print('unknown')"
    assert docker("run", "--rm", "--entrypoint", "python", images[target], "-c", code).split() == ["IPython", "unknown"]
