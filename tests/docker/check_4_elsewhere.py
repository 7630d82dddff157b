"""The same stack for another user, on TrueNAS, and after an update from the version before."""

import json

import pytest
from engine import MOON, ROOT, SEA, Stack, as_root, bash_block, checkout, docker, done, films, give, inspect, run, say, submit


def made(stack):
    "The jobs of a service, and how often each was started."
    with stack.http() as http:
        return {job["id"]: (job["state"], job["attempt"]) for job in http.get("/api/v1/jobs").json()["items"]}


def before():
    "The revision to update from: the last release, else the last commit that changed the package, else none."
    tag = run("git", "describe", "--tags", "--abbrev=0", cwd=ROOT, check=False).stdout.strip()
    commits = run("git", "log", "-2", "--format=%H", "--", "langflix", cwd=ROOT).stdout.split()
    return tag or (commits[1] if len(commits) == 2 else "")


@pytest.fixture(scope="module")
def older(images, tmp_path_factory):
    "Images with the package of the version before in today's surroundings, and the name of that version."
    revision, place = before(), tmp_path_factory.mktemp("older") / "langflix"
    checkout(place, revision or None)
    package = "/opt/langflix/lib/python3.11/site-packages/langflix"
    for target in ("api", "dashboard"):
        (place / "Dockerfile.older").write_text(f"FROM langflix:{target}\nCOPY langflix {package}\nRUN [\"python\", \"-c\", \"import langflix.startup\"]\n")
        (place / "Dockerfile.older.dockerignore").write_text("*\n!langflix\n")
        docker("build", "--quiet", "--file", place / "Dockerfile.older", "--tag", f"lftest-older:{target}", place)
    yield revision
    docker("image", "rm", "lftest-older:api", "lftest-older:dashboard", check=False)


def test_an_update_loses_nothing(clone, older):
    "As user 1000: a job in the version before, then the manual's lines for an update, then the same work again."
    place = clone("update")
    films(place / "films", MOON)
    for folder in ("data", "uploads"):
        give(place / folder, 1000)
    (place / "older.yml").write_text(json.dumps({"services": {name: {"image": f"lftest-older:{name}"} for name in ("api", "dashboard")}}))
    with Stack(place, "update", MEDIA="./films", DATA="./data", UPLOADS="./uploads", PUID="1000", PGID="1000") as stack:
        stack.shell("\n".join(line for line in bash_block("docker.md", "## Start the stack").splitlines() if not line.startswith("docker")))
        stack.compose("-f", "docker-compose.yml", "-f", "older.yml", "up", "--detach", "--wait", "--no-build")
        with stack.http() as http:
            first = done(http, submit(http, f"library/The.Paper.Moon/{MOON}.mp4", analyzer="embedded"))
        jobs, image = made(stack), inspect(stack.container("api"))["Image"]
        stack.shell(bash_block("docker.md", "## Update"), timeout=3000)
        assert inspect(stack.container("api"))["Image"] != image or not older
        assert made(stack) == jobs
        with stack.http() as http:
            again = done(http, http.post(f"/api/v1/jobs/{first['id']}/retry").json()["id"])
        manifest = json.loads((place / "data" / "lessons" / MOON / "manifest.json").read_text())
        lessons = {path.relative_to(place / "data" / "lessons" / MOON).as_posix() for path in (place / "data" / "lessons" / MOON).rglob("*.mp4")}
        owners = {(place / "data" / "lessons" / MOON / "manifest.json").stat().st_uid, (place / "data" / "cache").stat().st_uid}
    say(f"\nupdated from {older[:12] or 'nothing older: this is a shallow clone'}: {len(jobs)} job kept; made again at start {again['attempt']} with {manifest['stats']['segments']}; files belong to {owners}")
    assert owners == {1000}
    assert sum(manifest["stats"]["segments"].values()) > 0, "what was rendered is used again, unless the newer version renders otherwise"
    assert all(lesson["path"] in lessons for lesson in manifest["lessons"])


def test_the_file_for_truenas_works_as_its_manual_says(clone):
    "With folders made by the manual's lines, and PostgreSQL."
    place = clone("truenas")
    pool = place / "tank"
    films(pool / "media", SEA)
    (pool / "langflix").mkdir()
    postgres = docker("run", "--rm", "--entrypoint", "id", "postgres:15-bookworm", "-u")

    def here(text):
        return text.replace("/mnt/POOL", str(pool)).replace("999:999", f"{postgres}:{postgres}")

    for heading in ("## 2. Passwords and owners", "## PostgreSQL"):
        as_root(here(bash_block("truenas.md", heading)), cwd=pool)
    stack = Stack(place, "truenas", file=place / "truenas.yaml")
    text = here((place / "docs" / "truenas.yaml").read_text()).replace("ghcr.io/langflix/langflix:0.1.0-", "langflix:")
    for port, name in ((8000, "API_PORT"), (8866, "DASHBOARD_PORT")):
        text = text.replace(f'"{port}:{port}"', f'"127.0.0.1:{stack.ports[name]}:{port}"')
    for name in ("database_url", "database_password"):
        text = text.replace(f"/dev/null # or {pool}/langflix/secrets/{name}", f"{pool}/langflix/secrets/{name}")
    assert "/POOL" not in text
    (place / "truenas.yaml").write_text(text)
    stack.place, secrets = place, pool / "langflix" / "secrets"
    (place / "secrets").symlink_to(secrets)
    with stack:
        stack.compose("--profile", "db", "up", "--detach", "--wait", "--no-build")
        with stack.http() as http:
            job = done(http, submit(http, f"library/The.Glass.Sea/{SEA}.mp4", analyzer="embedded"))
            found = http.get("/api/v1/expressions").json()["items"]
            health = http.get("/health/detailed").json()
        user = stack.inside("api", "import os; print(os.getuid(), os.getgid(), sorted(os.getgroups()))")
    say(f"\nTrueNAS file as {user}: job {job['state']}, {len(found)} expression(s) in PostgreSQL, health {health['status']}")
    assert user == "568 568 [568]"
    assert found
    assert (pool / "langflix" / "data" / "lessons" / SEA / "manifest.json").stat().st_uid == 568
