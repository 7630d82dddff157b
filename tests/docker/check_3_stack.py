"""The whole stack as people start, use, hurt, save and update it. The tests stand in the order of its life."""

import json
import os
import shlex
import subprocess
import time
from contextlib import contextmanager

import httpx
import pytest
from browser import browser
from dashboard import ask as knock
from dashboard import log_in
from engine import MARK, MOON, ROOT, SAMPLE, SEA, Stack, at_work, bash_block, docker, done, films, give, inspect, run, say, submit
from test_dashboard import Tab
from test_dashboard import start as press

KEY = f"AIza{MARK}"
RESTART = os.environ.get("RESTART_ENGINE", "")  # a command that stops the engine and starts it again


@pytest.fixture(scope="module")
def stack(clone, request):
    "A stack, started in a clean checkout by the lines of the manual; its data folder belongs to 568."
    place = clone("stack")
    films(place / "films", MOON)
    give(place / "data", 568)
    give(place / "uploads", 568)
    (place / "gemini").write_text(KEY)
    with Stack(place, "stack", MEDIA="./films", DATA="./data", UPLOADS="./uploads", GEMINI_API_KEY_FILE="./gemini", COMPOSE_PROFILES="db") as stack:
        lines = bash_block("docker.md", "## Start the stack").splitlines()
        assert lines[-1] == "docker compose up --detach --wait"
        stack.shell("\n".join(lines[:-1]), timeout=3000)
        for name in ("api_token", "dashboard_token"):  # to be known again wherever they may appear
            (place / "secrets" / name).write_text(stack.secret(name) + MARK)
        database = bash_block("docker.md", "## PostgreSQL").splitlines()
        stack.shell("\n".join(line for line in database if not line.startswith(("docker", "echo \"COMPOSE"))).replace("rand -hex 24", f"rand -hex 24 | tr -d '\\n' | sed 's/$/{MARK}/'"))
        began = time.monotonic()
        stack.shell(f"{lines[0]}\n{lines[-1]}")
        stack.ready_s = time.monotonic() - began
        failed = request.session.testsfailed
        yield stack
        if request.session.testsfailed > failed:
            stack.tell()


def test_it_is_healthy_within_a_minute(stack):
    say(f"\nhealthy after {stack.ready_s:.1f} s")
    say(stack.compose("ps", "--format", "table {{.Service}}\t{{.Image}}\t{{.Status}}\t{{.Ports}}").stdout)
    for service in ("api", "dashboard", "redis", "db"):
        state = inspect(stack.container(service))
        assert state["State"]["Health"]["Status"] == "healthy"
        assert state["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert stack.ready_s < 60
    with stack.http() as http:
        health = http.get("/health/detailed").json()
    assert "parts" in health, health
    say("  " + ", ".join(f"{name} {part['state']}" for name, part in health["parts"].items()))
    assert health["parts"]["jobs"]["state"] == health["parts"]["catalogue"]["state"] == "ok"


FACTS = """
import os, json
status = dict(line.split(":\\t", 1) for line in open("/proc/1/status").read().splitlines() if ":\\t" in line)
table = [line.split() for line in open("/proc/self/mountinfo")]
root = next(line for line in table if line[4] == "/")
writable = []
for place, folders, _ in os.walk("/"):
    if place.startswith(("/proc", "/sys", "/dev")):
        folders.clear()
    elif os.access(place, os.W_OK):
        if os.statvfs(place).f_flag & os.ST_RDONLY == 0:
            writable.append(place)
            folders.clear()
print(json.dumps({"uid": status["Uid"].split(), "gid": status["Gid"].split(), "CapEff": status["CapEff"].strip(), "CapBnd": status["CapBnd"].strip(),
    "NoNewPrivs": status["NoNewPrivs"].strip(), "Seccomp": status["Seccomp"].strip(), "root": root[5].split(",")[0], "writable": sorted(writable)}))
"""


@pytest.mark.parametrize(("service", "may"), [("api", {"/data", "/media/uploads", "/tmp"}), ("dashboard", {"/data", "/tmp"})])
def test_from_inside_there_is_little_to_be_done(stack, service, may):
    facts = json.loads(stack.inside(service, FACTS))
    say(f"\n{service}: {facts}")
    assert set(facts["uid"]) == set(facts["gid"]) == {"568"}
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    assert (facts["NoNewPrivs"], facts["root"]) == ("1", "ro")
    assert set(facts["writable"]) == may


@pytest.mark.parametrize("service", ["redis", "db"])
def test_servers_of_others_have_no_rights_either(stack, service):
    status = dict(line.split(":\t", 1) for line in docker("exec", stack.container(service), "cat", "/proc/1/status").splitlines() if ":\t" in line)
    say(f"{service}: uid {status['Uid'].split()[0]}, CapEff {status['CapEff']}, NoNewPrivs {status['NoNewPrivs']}")
    assert status["Uid"].split()[0] != "0"
    assert (int(status["CapEff"], 16), status["NoNewPrivs"]) == (0, "1")
    assert docker("exec", stack.container(service), "sh", "-c", "touch /x 2>&1 || true").endswith("Read-only file system")


def test_what_is_inside_is_not_reached_from_outside_and_does_not_reach_out(stack):
    for service in ("redis", "db"):
        found = inspect(stack.container(service))
        assert not any(found["NetworkSettings"]["Ports"].values())
        assert [name.removeprefix(stack.name + "_") for name in found["NetworkSettings"]["Networks"]] == ["inside"]
    code = "import socket; socket.setdefaulttimeout(3); socket.create_connection(('{}', {}))"
    for host, port in (("redis", 6379), ("db", 5432)):
        stack.inside("api", code.format(host, port))
        assert run("docker", "exec", stack.container("dashboard"), "python", "-c", code.format(host, port), check=False).returncode != 0
    for service, port in (("api", 8000), ("dashboard", 8866)):
        published = inspect(stack.container(service))["NetworkSettings"]["Ports"][f"{port}/tcp"]
        assert [one["HostIp"] for one in published] == ["127.0.0.1"]


@contextmanager
def gemini(stack):
    "A stand-in for Gemini that the service reaches, and the requests that it got."
    code = "from langflix.stand_in import main; main()"
    command = ["docker", "run", "--rm", "--interactive", "--network", f"container:{stack.container('api')}", "--entrypoint", "python", "langflix:api", "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        child.stdin.write("{}\n")
        child.stdin.flush()
        url = child.stdout.readline().strip()
        yield url, lambda: json.loads(stack.inside("api", f"import urllib.request; print(urllib.request.urlopen('{url}/asked').read().decode())"))
        child.stdin.close()


def write_settings(stack, text):
    "The settings of all jobs."
    docker("exec", "--interactive", stack.container("api"), "sh", "-c", f"printf %s {shlex.quote(text)} > /data/langflix.yaml")


def test_an_episode_is_made_through_the_dashboard(stack):
    "By somebody with a browser, who has the password; Gemini is asked with the key from its file."
    with gemini(stack) as (url, asked):
        write_settings(stack, json.dumps({"gemini": {"endpoint": url}, "lessons": {"preset": "ultrafast"}}))
        with browser() as chromium, Tab(chromium, stack, log_in(stack, stack.secret("dashboard_token"))) as tab:
            began = time.monotonic()
            press(tab.ready(), "The Paper Moon")
            tab.page.wait_for_selector(".lb-card:has-text('1 lesson')", timeout=120_000)
            say(f"\nmade through the dashboard in {time.monotonic() - began:.1f} s")
            tab.page.locator(".lb-card", has_text="The Paper Moon").get_by_role("link", name="Watch").click()
            tab.page.wait_for_selector("video")
            tab.page.evaluate("document.querySelector('video').muted = true; document.querySelector('video').play()")
            tab.page.wait_for_function("document.querySelector('video').currentTime > 0.3", timeout=20_000)
            tab.shot("container")
            assert tab.problems == []
        requests = asked()
    assert len(requests) >= 1
    assert {one["key"] for one in requests} == {KEY}


def test_the_dashboard_refuses_whoever_has_no_password(stack):
    assert knock(stack.url)[0] == 302
    assert knock(f"{stack.url}files/media/library/x.mp4")[0] == 403
    with pytest.raises(AssertionError, match="401"):
        log_in(stack, "a wrong password")


def test_an_episode_is_made_through_the_service(stack):
    "The lines of its own manual: an upload into the one writable folder, a job, its events, its files, a search."
    write_settings(stack, "")
    for suffix in ("mp4", "en.srt"):
        (stack.place / f"Show.S01E01.{suffix}").write_bytes((SAMPLE / f"sample.{suffix}").read_bytes())
    script = bash_block("api.md", "## The whole life of a job")
    told = run("bash", "-c", script, cwd=stack.place, env={**stack.env, "URL": f"http://127.0.0.1:{stack.ports['API_PORT']}", "TOKEN": stack.secret("api_token")})
    assert '"state":"done"' in told.stdout
    assert sorted(path.name for path in (stack.place / "uploads").iterdir()) == ["Show.S01E01.en.srt", "Show.S01E01.mp4"]
    with stack.http() as http:
        assert http.get("/api/v1/expressions").json()["items"], "found in PostgreSQL"
        assert httpx.get(f"http://127.0.0.1:{stack.ports['API_PORT']}/api/v1/jobs").status_code == 401
        assert http.put("/api/v1/uploads/../library/x.srt", content=b"x").status_code in (400, 404)


def test_one_command_sees_the_same_folders(stack):
    told = json.loads(stack.compose("run", "--rm", "-T", "cli", "doctor", "--json").stdout)
    checks = {check["name"]: check for check in told["checks"]}
    say("\n" + "\n".join(f"  {check['status']:8}{name}: {check['message']}" for name, check in checks.items() if name in ("user", "media", "output", "cache", "home", "tmp")))
    assert "read-only" in checks["media"]["message"]
    shown = stack.compose("run", "--rm", "-T", "cli", "catalogue", "episodes", check=False)
    assert "Traceback" not in shown.stdout + shown.stderr


def test_a_job_survives_the_death_of_redis_and_of_the_service(stack):
    films(stack.place / "films", SEA)
    with stack.http() as http:
        job = submit(http, f"library/The.Glass.Sea/{SEA}.mp4", analyzer="embedded", max_expressions=3)
        at_work(http, job)
        began = time.monotonic()
        docker("kill", "--signal", "KILL", stack.container("redis"))
        docker("start", stack.container("redis"))
        api = stack.container("api")
        before = inspect(api)["RestartCount"]
        server = "import os; p = next(p for p in os.listdir('/proc') if p.isdigit() and p != '1' and b'serve' in open(f'/proc/{p}/cmdline', 'rb').read()); os.kill(int(p), 9)"
        docker("exec", api, "python", "-c", server)
        job = done(http, job)
    say(f"\nRedis killed and started, the service killed: the job was done {time.monotonic() - began:.1f} s later, at start {job['attempt']}; the engine started the service again {inspect(api)['RestartCount'] - before} time(s)")
    assert inspect(api)["RestartCount"] == before + 1, "by its restart policy"
    assert job["attempt"] >= 2


def kept(stack):
    "All that must not be lost."
    with stack.http() as http:
        jobs = {job["id"]: (job["state"], job["attempt"]) for job in http.get("/api/v1/jobs?limit=200").json()["items"]}
        found = sorted(one["expression"] for one in http.get("/api/v1/expressions?limit=200").json()["items"])
    code = "import hashlib, os, json; print(json.dumps({os.path.join(p, f): hashlib.md5(open(os.path.join(p, f), 'rb').read()).hexdigest() for top in ('/data/lessons', '/media/uploads') for p, _, fs in os.walk(top) for f in fs if '/.jobs' not in p}))"
    return jobs, found, json.loads(stack.inside("api", code))


def test_everything_comes_back_after_the_machine_was_switched_off(stack):
    "With RESTART_ENGINE a real stop and start of the engine; else every container is killed at once."
    before = kept(stack)
    with stack.http() as http:
        job = submit(http, f"library/The.Glass.Sea/{SEA}.mp4", analyzer="embedded", max_expressions=4)
        at_work(http, job)
        if RESTART:
            run("bash", "-c", RESTART, timeout=300)
        else:
            stack.compose("kill", "--signal", "KILL")
            stack.compose("up", "--detach", "--wait", "--no-build")
        done(http, job)
    jobs, found, made = kept(stack)
    say(f"\n{'the engine was restarted' if RESTART else 'all containers were killed'}: {len(jobs)} jobs, {len(found)} expressions, {len(made)} files")
    assert {name: jobs[name] for name in before[0]} == before[0]
    assert {name: made[name] for name in before[2] if SEA not in name} == {name: made[name] for name in before[2] if SEA not in name}
    assert set(before[1]) <= set(found)


def test_a_backup_brings_everything_back(stack):
    stack.shell(bash_block("docker.md", "## Back up"))
    database = (ROOT / "docs" / "docker.md").read_text().partition("## Back up")[2].split("```bash\n")[2].partition("```")[0]
    stack.shell("set -euo pipefail\n" + database)
    before = kept(stack)
    stack.compose("down", "--volumes", "--timeout", "5")
    for folder in ("data", "uploads"):
        docker("run", "--rm", "--user", "0", "--entrypoint", "sh", "-v", f"{stack.place / folder}:/gone", "langflix:api", "-c", "rm -rf /gone/* /gone/.[!.]*")
        assert list((stack.place / folder).iterdir()) == []
    restore = (ROOT / "docs" / "docker.md").read_text().partition("## Restore")[2].split("```bash\n")
    for block in restore[1:3]:
        stack.shell("set -euo pipefail\n" + block.partition("```")[0])
    after = kept(stack)
    say(f"\nrestored: {len(after[0])} jobs, {len(after[1])} expressions, {len(after[2])} files")
    assert before == after


def test_jupyterlab_opens_with_the_password_only(stack):
    stack.up("lab")
    url = f"http://127.0.0.1:{stack.ports['LAB_PORT']}"
    assert httpx.get(f"{url}/api/contents").status_code == 403
    assert httpx.get(f"{url}/lab").status_code == 302
    opened = httpx.get(f"{url}/api/contents", headers={"authorization": f"token {stack.secret('dashboard_token')}"})
    assert opened.status_code == 200
    docker("exec", stack.container("lab"), "python", "-c", "import langflix.widgets")
    say(f"\nlab: {json.loads(stack.inside('lab', FACTS))}")


def test_no_secret_is_anywhere_but_in_its_file(stack):
    "The real keys of this stack are sought where they must not be."
    named = {"api_token": stack.secret("api_token"), "dashboard_token": stack.secret("dashboard_token"), "database_password": stack.secret("database_password"), "gemini": KEY}
    assert all(MARK in value for value in named.values())
    places = {}
    for service in ("api", "dashboard", "redis", "db", "lab"):
        container = stack.container(service)
        places[f"docker inspect {service}"] = json.dumps(inspect(container))
        logs = run("docker", "logs", container)
        places[f"log of {service}"] = logs.stdout + logs.stderr
        places[f"environment of {service}"] = docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/environ 2> /dev/null || true")
        places[f"command lines of {service}"] = docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/cmdline")
    for image in ("langflix:api", "langflix:dashboard", "langflix:lab", "langflix:cli"):
        places[f"docker history {image}"] = docker("history", "--no-trunc", image)
    places["compose config"] = stack.compose("config").stdout
    for place, text in places.items():
        assert MARK not in text, place
    search = "grep --recursive --files-with-matches --devices=skip " + MARK + " /data /media /tmp /etc /opt /usr /var || true"
    for service in ("api", "dashboard", "lab"):
        holding = set(docker("exec", stack.container(service), "sh", "-c", search).split())
        assert {file for file in holding if not file.startswith("/tmp/jupyter/jpserver-")} == set(), service  # JupyterLab's own, in memory, for its own user
    notebooks = docker("exec", stack.container("api"), "sh", "-c", "ls /data/lessons/.jobs/*/run.ipynb").split()
    say(f"\nno secret in {len(places)} places, nor in any file of the containers, among them {len(notebooks)} executed notebooks")
    assert notebooks
    for name, value in named.items():
        readers = {service for service in ("api", "dashboard", "redis", "db", "lab") if value in docker("exec", stack.container(service), "sh", "-c", "cat /run/secrets/* 2> /dev/null || true")}
        say(f"  {name} is known to {', '.join(sorted(readers))}")
        assert readers <= {"api_token": {"api", "dashboard"}, "dashboard_token": {"dashboard", "lab"}, "database_password": {"api", "db"}, "gemini": {"api", "lab"}}[name]


def test_it_stops_quickly_and_leaves_nothing_running(stack):
    began = time.monotonic()
    stack.compose("stop")
    say(f"\nstopped in {time.monotonic() - began:.1f} s")
    codes = {service: inspect(stack.container(service))["State"]["ExitCode"] for service in ("api", "dashboard", "redis", "db")}
    assert codes == {"api": 0, "dashboard": 0, "redis": 0, "db": 0}
