"What the tests of jobs share: a store of each kind, new and empty."

import pytest
from servers import redis_server

from langflix.redis_jobs import RedisJobs


@pytest.fixture(scope="module")
def server():
    "A Redis of our own."
    with redis_server() as running:
        yield running


@pytest.fixture(params=["local", "redis"])
def address(request, tmp_path):
    "Where a new, empty store is."
    if request.param == "local":
        return str(tmp_path / "jobs.db")
    server = request.getfixturevalue("server")
    store = RedisJobs(server.url)
    store._client.flushall()
    store.close()
    return server.url
