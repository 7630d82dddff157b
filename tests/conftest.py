"What tests of several rooms share: real servers, a real browser, a disk that is soon full, and stores of jobs that are new and empty."

import os
import signal

import hypothesis
import pytest
from browser import browser
from disks import small_file_system
from jobs_at_work import opened
from servers import postgres, redis_server
from service import Service
from trap import open_trap

# Tests take no settings, and no key that costs money, from whoever runs them; nor do they ask a proxy for servers of this machine.
for name in [name for name in os.environ if name.startswith(("LANGFLIX_", "GEMINI_"))]:
    del os.environ[name]
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

# A shell that starts tests in the background has them ignore Ctrl-C, and so would the programs that they start and send it to.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes tells of the machine, not of the code.
hypothesis.settings.register_profile("any machine", hypothesis.settings(), deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("any machine")


# Files whose tests take minutes together; they begin first, so that no processor idles while the last of them ends.
_LONGEST = ("kills", "runner_episode", "survival", "dashboard", "service_disk", "widgets_page", "cli", "episode_notebook", "season", "packaging", "season_dask", "cli_gemini")


def pytest_collection_modifyitems(items):
    "Put the files that take longest first, each in its own order."
    place = {f"test_{name}": at for at, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.fixture(scope="module")
def redis():
    "A Redis of our own."
    with redis_server() as running:
        yield running


@pytest.fixture(scope="module")
def postgresql():
    "A PostgreSQL of our own."
    with postgres() as running:
        yield running


@pytest.fixture
def made():
    "Makes services, each in a folder of its own, and ends them."
    services = []
    yield lambda *args, **more: services.append(Service(*args, **more)) or services[-1]
    for service in services:
        service.end()


@pytest.fixture(params=["local", "redis"])
def address(request, tmp_path):
    "Where a new, empty store of jobs is, of each kind."
    if request.param == "local":
        return str(tmp_path / "jobs.db")
    url = request.getfixturevalue("redis").url
    store = opened(url)
    store._client.flushall()
    store.close()
    return url


@pytest.fixture
def jobs(address):
    "A new, empty store of jobs, of each kind."
    store = opened(address)
    yield store
    store.close()


@pytest.fixture(scope="module")
def chromium():
    "A real Chromium."
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def trap():
    "A server that nobody may call."
    with open_trap() as running:
        yield running
        assert running.called == []


@pytest.fixture
def small_disk(request, tmp_path):
    "A file system of its own, of as many megabytes as the test's module says."
    with small_file_system(tmp_path / "disk", request.module.DISK_MB) as place:
        yield place
