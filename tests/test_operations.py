"""What whoever runs the service relies on: the way in by name, figures and their dashboard, alerts, logs, and the manual's own lines."""

import pytest
import yaml
from service import Service

from langflix.config import load_settings

pytestmark = pytest.mark.media


@pytest.fixture
def made():
    services = []
    yield lambda *args, **more: services.append(Service(*args, **more)) or services[-1]
    for service in services:
        service.end()


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
