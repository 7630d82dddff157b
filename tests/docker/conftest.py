"Containers are tested where an engine answers; where none does, nothing is pretended."

import os

import pytest
from engine import ROOT, TARGETS, checkout, docker, has_engine, run, say


def pytest_sessionstart(session):
    version, problem = has_engine()
    if not version:
        pytest.exit(f"No Docker engine answers: {problem}\nStart one, or let DOCKER_HOST name it, and run `make docker-test` again.", returncode=2)
    say(f"engine {version}")


@pytest.fixture(scope="session")
def images():
    "All images, built from this checkout."
    if not os.environ.get("IMAGES_ARE_THERE"):
        run("make", "images", cwd=ROOT, timeout=3000)
    return {target: f"langflix:{target}" for target in TARGETS}


@pytest.fixture(scope="session")
def clone(tmp_path_factory, images):
    "Makes a clean checkout in a folder that containers can reach."
    places = []

    def make(name):
        place = tmp_path_factory.mktemp(name) / "langflix"
        places.append(place)
        return checkout(place)

    yield make
    for place in places:  # what containers wrote belongs to other users
        docker("run", "--rm", "--user", "0", "--entrypoint", "sh", "-v", f"{place}:/place", "langflix:cli", "-c", "rm -rf /place/data /place/uploads /place/redis /place/postgres", check=False)
