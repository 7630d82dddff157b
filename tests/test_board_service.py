"""The same board over HTTP: its jobs are those of a real service."""

import pytest
from service import TOKENS, Service

from langflix.board import Board
from langflix.config import Settings
from langflix.page import open_store


@pytest.fixture
def service(tmp_path):
    running = Service(tmp_path, jobs={"slots": 0})
    running.add_episode()
    yield running.start()
    running.end()


def board_of(service, who="boss"):
    settings = Settings(paths={"media": service.media, "output": service.out}, api={"url": service.url, "token": TOKENS[who]})
    return Board(settings, open_store(settings))


def test_jobs_of_a_service_are_shown_and_changed(service):
    board = board_of(service)
    (new,) = board.look()["episodes"]
    assert (new["name"], new["state"]) == ("Show.S01E01", "new")
    answer = board.do({"do": "start", "parameters": {"video": "Show.S01E01", "max_expressions": 1}})
    assert answer["ok"], answer
    (row,), (job,) = board.look()["episodes"], board.look()["jobs"]
    assert (row["state"], row["job"], job["name"], job["wish"]) == ("waiting", answer["id"], "Show.S01E01", "at most 1 expression")
    assert not board.do({"do": "start", "parameters": {"video": "Show.S01E01", "max_expressions": 1}})["new"]
    assert board_of(service).look()["jobs"] == board.look()["jobs"]
    assert board.do({"do": "cancel", "id": answer["id"]})["ok"]
    assert board.look()["episodes"][0]["state"] == "new"
    assert board.do({"do": "retry", "id": answer["id"]})["ok"]
    assert [check["name"] for check in board.do({"do": "doctor"})["checks"]]


def test_a_token_that_may_only_read_starts_nothing(service):
    answer = board_of(service, "reader").do({"do": "start", "parameters": {"video": "Show.S01E01"}})
    assert not answer["ok"]
    assert answer["message"]
    assert board_of(service).look()["jobs"] == []


def test_a_service_that_is_away_is_shown_and_comes_back(service):
    board = board_of(service)
    assert board.look()["problem"] is None
    service.end()
    assert "does not answer" in board.look()["problem"]["message"]
    assert not board.do({"do": "cancel", "id": "x"})["ok"]
    service.start()
    assert board.look()["problem"] is None
