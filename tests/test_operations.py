"""What whoever runs the service relies on: the way in by name, figures and their dashboard, alerts, logs, and the manual's own lines."""

import json
import os
import re
import sqlite3
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from runs import KEY
from service import QUICK, SHOW, TOKENS, Service, ended
from stand_in import stand_in

from langflix.board import Board
from langflix.client import HttpJobs
from langflix.config import Settings, load_settings
from langflix.job_log import JobLog, last_error, log_text, read_log

pytestmark = pytest.mark.media
DOCS = Path(__file__).parent.parent / "docs"
MANUAL = (DOCS / "operations.md").read_text(encoding="utf-8")


# By its name


def test_a_name_that_is_refused_is_let_in_by_the_line_that_the_refusal_gives(tmp_path, made, monkeypatch):
    service = made(tmp_path, jobs={"slots": 0}).start()
    called = {"host": f"NAS.local:{service.port}"}
    with service.http() as client:
        refused = client.get("/api/v1/jobs", headers=called)
        assert refused.status_code == 421
        assert "nas.local" in refused.json()["detail"]
        strange = client.get("/api/v1/jobs", headers={"host": "<b>"}).json()
        assert "<b>" not in strange["detail"] + strange["hint"]
    hint = refused.json()["hint"]
    line = hint.partition("`")[2].partition("`")[0]
    written = yaml.safe_load(service.config.read_text())
    written["api"] |= yaml.safe_load(line)
    service.config.write_text(yaml.safe_dump(written))
    service.end()
    service.start()
    with service.http() as client:
        assert client.get("/api/v1/jobs", headers=called).status_code == 200
        assert client.get("/api/v1/jobs", headers={"host": "other.local"}).status_code == 421
    name, _, value = next(word for word in hint.replace(";", " ").split() if word.startswith("LANGFLIX_")).partition("=")
    monkeypatch.setenv(name, value)
    assert load_settings(service.config).api.names == ("nas.local",)


# A service with a job that is done and one that failed


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    with stand_in() as model:
        place = tmp_path_factory.mktemp("busy")
        service = Service(place, analyzer="gemini", gemini={"endpoint": model.url, "api_key": KEY})
        service.add_episode()
        (service.media / "Broken.S01E02.mp4").write_bytes(b"\0" * 5000)
        try:
            service.start()
            with service.http() as client:
                asked = {name: value for name, value in QUICK.items() if name != "analyzer"}
                service.jobs = [client.post("/api/v1/jobs", json={"parameters": {**asked, "video": f"{name}.mp4"}}).json()["id"] for name in (SHOW, "Broken.S01E02")]
                service.ends = [ended(client, job) for job in service.jobs]
                service.figures = client.get("/metrics").text
            yield service
        finally:
            service.end()


@pytest.fixture(scope="module")
def figures(busy):
    "Every figure of a running service: its name, and the names and values of its labels."
    assert [job["state"] for job in busy.ends] == ["done", "failed"], busy.ends
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(busy.figures):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for name, value in sample.labels.items():
                labels.setdefault(name, set()).add(value)
    return found


# Figures, their dashboard and the alarms

_FUNCTIONS = {"sum", "max", "min", "by", "rate", "increase", "histogram_quantile", "absent", "predict_linear", "or", "and", "unless", "on", "le"}
_GIVEN = {"up", "job", "instance"}  # by Prometheus itself


def asked_for(query):
    "The figures of a query, each with its labels and what they must be; and the labels it is grouped by."
    text = re.sub(r"\$\w+", "any", query)
    pairs = [(name, re.findall(r'(\w+)\s*(=~|=|!=)\s*"([^"]*)"', inside or "")) for name, inside in re.findall(r"(?<![\w:])([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?", re.sub(r"by \([^)]*\)", "", re.sub(r"\[[^]]*\]", "", text)))]
    grouped = {label.strip() for inside in re.findall(r"by \(([^)]*)\)", text) for label in inside.split(",")}
    return [(name, wanted) for name, wanted in pairs if name not in _FUNCTIONS], grouped


def check_query(query, figures):
    "Every figure and label of a query is there, and has such a value."
    named, grouped = asked_for(query)
    assert named, query
    for name, wanted in named:
        if name in _GIVEN:
            continue
        assert name in figures, f"{name} of {query}"
        for label, how, value in wanted:
            if label in _GIVEN:
                continue
            assert label in figures[name], f"{label} of {query}"
            assert how == "!=" or any(re.fullmatch(value if how == "=~" else re.escape(value), there) for there in figures[name][label]), f"{label}={value} of {query}"
        assert grouped <= set(figures[name]) | {"le"}, query


def panels(board):
    "All panels that show something."
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def test_the_dashboard_can_be_imported():
    board = json.loads((DOCS / "grafana.json").read_text())
    assert board["schemaVersion"] >= 36
    assert board["id"] is None
    assert "__inputs" not in board  # the data source is chosen at the top, not at the import
    chosen = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert (chosen["datasource"]["type"], chosen["datasource"]["query"]) == ("datasource", "prometheus")
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    for panel in panels(board):
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["targets"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_every_query_of_the_dashboard_asks_for_what_is_there(figures):
    board = json.loads((DOCS / "grafana.json").read_text())
    for panel in panels(board):
        for target in panel["targets"]:
            assert target["expr"].count("(") == target["expr"].count(")")
            check_query(target["expr"], figures)
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= {label for name, _ in asked_for(target["expr"])[0] for label in figures[name]}
    shown = {name for panel in panels(board) for target in panel["targets"] for name, _ in asked_for(target["expr"])[0]}
    for needed in ("langflix_jobs", "langflix_job_wait_seconds_bucket", "langflix_stage_seconds_sum", "langflix_gemini_rate_limited_total", "langflix_gemini_cost_usd_total", "langflix_segments_reused_total", "langflix_disk_free_bytes"):
        assert needed in shown


def test_the_alarms_are_rules_about_what_is_there(figures):
    (group,) = yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"]
    assert set(group) == {"name", "rules"}
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names)) >= 8
    for rule in group["rules"]:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"LangFlix\w+", rule["alert"])
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "1m"))
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["expr"].count("(") == rule["expr"].count(")")
        check_query(rule["expr"], figures)


def test_the_manual_names_every_figure_and_no_other(figures):
    plain = {re.sub(r"_(bucket|count|sum|created)$", "", name) if not name.startswith(("process_", "python_")) else name for name in figures}
    named = set(re.findall(r"`((?:langflix|process|python)_\w+)`", MANUAL))
    assert plain - named == set()
    assert named - plain == set()
    for name, labels in figures.items():
        if not name.startswith(("process_", "python_")):
            assert {label for label in labels if label != "le"} <= set(re.findall(r"`(\w+)`", MANUAL)), name


def test_the_figures_have_what_a_box_needs(figures, busy):
    assert figures["langflix_disk_free_bytes"]["folder"] == {"output", "cache", "media"}
    assert figures["langflix_part_state"]["part"] >= {"jobs", "queue", "runner", "catalogue", "output", "cache", "ffmpeg", "analyzer"}
    for part in figures["langflix_part_state"]["part"]:
        assert f"`{part}`" in MANUAL


# Logs


def test_every_line_of_the_service_and_of_its_jobs_is_an_object_without_secrets(busy):
    lines = [json.loads(line) for line in busy.log.read_text().splitlines()]
    assert all({"at", "level", "from", "says"} <= set(line) for line in lines)
    for job, end in zip(busy.jobs, busy.ends, strict=True):
        about = [line["says"] for line in lines if line.get("job") == job]
        assert any("start 1" in says for says in about)
        assert any(end["state"] in says for says in about)
        said = (busy.out / ".jobs" / job / "log.jsonl").read_text()
        told = [json.loads(line) for line in said.splitlines()]
        assert told
        assert {(line["job"], line["attempt"], line["from"]) for line in told} == {(job, 1, "langflix.job")}
        assert all({"at", "level", "says"} <= set(line) for line in told)
        with busy.http("reader") as client:
            assert client.get(f"/api/v1/jobs/{job}/log").text == said
    everything = busy.log.read_text() + "".join(path.read_text() for path in (busy.out / ".jobs").glob("*/log.jsonl"))
    assert not [secret for secret in (KEY, *TOKENS.values()) if secret in everything]
    broken = read_log(busy.out / ".jobs" / busy.jobs[1] / "log.jsonl")
    assert "is not a video" in last_error(busy.out / ".jobs" / busy.jobs[1] / "log.jsonl")[0]
    assert "error" in {line["level"] for line in broken}


def test_people_read_a_jobs_log_from_near_and_from_afar(busy):
    from langflix.jobs import open_jobs

    settings = Settings(paths={"output": busy.out, "media": busy.media})
    near, afar = open_jobs(settings), HttpJobs(busy.url, TOKENS["reader"])
    shown = [Board(settings, store).log_tail(busy.jobs[1]) for store in (near, afar)]
    assert shown[0] == shown[1]
    assert "is not a video" in shown[0]
    assert not shown[0].startswith("{")
    near.close()
    afar.close()


def test_a_service_that_cannot_start_says_so_in_one_object(tmp_path):
    service = Service(tmp_path, tokens=False, api={"host": "0.0.0.0"})
    service.launch()
    assert service.process.wait(60) == 2
    (line,) = service.log.read_text().splitlines()
    told = json.loads(line)
    assert told["level"] == "critical"
    assert "there is no token" in told["says"]
    assert "--new-token" in told["hint"]


def test_whatever_a_job_prints_becomes_lines_without_keys(tmp_path):
    path = tmp_path / "log.jsonl"
    log = JobLog(path, "0193", 2)
    into = log.open()
    script = f"printf 'half a line'; printf '\\377\\000 bytes\\n\\n'; echo 'POST https://x.example/v1?key={KEY}&a=b'; head -c 20000 /dev/zero | tr '\\0' x; echo; echo 'error: no'; echo '  Do.'"
    subprocess.run(["bash", "-c", script], stdout=into, stderr=into, check=True)
    os.close(into)
    log.close(10)
    told = read_log(path)
    assert KEY not in path.read_text()
    assert "[redacted]" in path.read_text()
    assert {(line["job"], line["attempt"]) for line in told} == {("0193", 2)}
    assert sum(line["says"].count("x") for line in told) >= 20_000
    assert last_error(path) == ("no", "Do.")
    assert log_text(told).endswith("  Do.")


# The manual's own lines


def test_the_lines_of_the_manual_do_what_they_say(busy, tmp_path):
    script = "set -euo pipefail\n" + "\n".join(re.findall(r"```bash\n(.*?)```", MANUAL, re.DOTALL))
    given = {"URL": busy.url, "TOKEN": TOKENS["runner"], "OUTPUT": str(busy.out), "BACKUP": str(tmp_path)}
    run = subprocess.run(["bash", "-c", script], cwd=tmp_path, env={**os.environ, **given}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stderr == ""
    assert "Broken.S01E02.mp4 is not a video" in run.stdout
    assert f"{busy.jobs[1]} | Broken.S01E02 | run" in run.stdout
    assert re.search(r"^process_resident_memory_bytes \d+ MB$", run.stdout, re.MULTILINE)
    assert "langflix_part_state" in run.stdout
    with sqlite3.connect(tmp_path / "jobs.db") as kept:
        assert kept.execute("SELECT count(*) FROM jobs").fetchone() == (2,)
    with sqlite3.connect(tmp_path / "catalogue.db") as kept:
        assert kept.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    with busy.http() as client:
        assert ended(client, busy.jobs[1])["attempt"] == 2


def test_the_manual_tells_the_settings_as_they_are():
    settings = Settings()
    assert f"`cache.max_gb` ({settings.cache.max_gb:g})" in MANUAL
    assert f"`jobs.keep_days` ({settings.jobs.keep_days:g})" in MANUAL
    known = {f"{section}.{name}" for section, field in Settings.model_fields.items() for name in getattr(field.annotation, "model_fields", {})}
    files = {"api.md", "alerts.yml", "grafana.json", "langflix.yaml", "prometheus.yml", "jobs.db", "docker.md", "nas.local", "manifest.json", "log.jsonl", "events.jsonl", "parameters.json", "run.ipynb"}
    for name in set(re.findall(r"`([a-z]+\.[a-z_]+)`", MANUAL)) - files:
        assert name in known, name
