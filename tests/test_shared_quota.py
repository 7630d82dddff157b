"""One quota for all processes that use the same project."""

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from runs import asking, make
from servers import redis_server
from stand_in import Script, exhausted, stand_in, stand_in_process

from langflix.core import LangFlixError
from langflix.shared_quota import FileAccount, Rates, RedisAccount, _draw, _Levels, open_account

WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from runs import make
from killed import PlainTransport
from langflix.config import Settings
from langflix.gemini import GeminiAnalyzer
from langflix.parallel import ExpressionBatchProcessor
from langflix.shared_quota import Rates, open_account
_, here, url, folder, redis, number = sys.argv
account = open_account("project", Rates(rpm=600), Path(folder), redis or None)
chunks = make(30 * 4)[30 * int(number):][:30]
processor = ExpressionBatchProcessor(GeminiAnalyzer(PlainTransport(url), Settings()), max_workers=8, shared=account)
outcomes = processor.analyze_expression_chunks(chunks)
print(sum(not outcome.failures for outcome in outcomes), processor.report.rate_limited)
"""


@pytest.fixture(params=["file", "redis"])
def account(request, tmp_path):
    "Opens the same account again and again."
    url = request.getfixturevalue("redis").url if request.param == "redis" else None
    return lambda name=request.node.name, **rates: open_account(name, Rates(**rates), tmp_path, url)


def test_what_one_takes_the_other_lacks(account):
    one, other = account(rpm=60), account(rpm=60)
    assert one.take(0) == ("", 0)
    assert other.take(0) == ("", 0)  # the burst is for both together
    cause, wait_s = one.take(0)
    assert cause == "quota"
    assert 0 < wait_s <= 60 / 54


def test_tokens_are_corrected_for_all(account):
    one, other = account(tpm=6000), account(tpm=6000)
    assert one.take(600)[0] == ""
    assert other.take(300)[0] == "quota"
    one.correct(500)
    assert other.take(300)[0] == ""


def test_a_refusal_that_one_sees_stops_all(account):
    one, other = account(rpm=600), account(rpm=600)
    one.close(30)
    cause, wait_s = other.take(0)
    assert cause == "gate"
    assert 10 < wait_s <= 30


def test_the_day_is_counted_for_all(account):
    one, other = account(rpd=2), account(rpd=2)
    assert [each.take(0)[0] for each in (one, other, one)] == ["", "", "day"]


def test_a_clock_that_is_behind_begins_no_day_anew():
    levels, rates = _Levels(), Rates(rpd=2)
    said = [_draw(levels, rates, 0, now_s, day)[0] for now_s, day in ((10, "2026-03-05"), (8, "2026-03-04"), (11, "2026-03-05"), (30, "2026-03-06"))]
    assert said == ["", "", "day", ""]


def test_the_file_never_gives_more_than_the_quota():
    dice = random.Random(1)
    levels, rates, now_s, taken = _Levels(), Rates(rpm=300, tpm=30_000), 0.0, []
    for _ in range(4000):
        now_s += dice.random() / 10
        tokens = dice.randrange(400)
        if not _draw(levels, rates, tokens, now_s, "day")[0]:
            taken.append((now_s, tokens))
    for start, _ in taken[:: len(taken) // 50]:
        minute = [tokens for moment, tokens in taken if start <= moment < start + 60]
        assert len(minute) <= 300
        assert sum(minute) <= 30_000


@pytest.mark.parametrize("shared", ["file", "redis"])
def test_four_processes_keep_one_quota(shared, request, tmp_path):
    url = request.getfixturevalue("redis").url if shared == "redis" else ""
    # We count a request when it is drawn, a service when it arrives, and a loaded machine has been seen to take more than half a second
    # in between. So the stand-in lets a second of the quota come at once; four quotas of their own would ask for nearly four.
    with stand_in_process(Script(rpm=600, rpm_burst=10, latency_s=0.3)) as server:
        command = [sys.executable, "-c", WORKER, str(Path(__file__).parent), server.url, str(tmp_path), url]
        children = [subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True) for number in range(4)]
        said = [tuple(map(int, child.communicate(timeout=240)[0].split())) for child in children]
        statuses = Counter(asked.status for asked in server.asked)
    assert sum(answered for answered, _ in said) == 120
    assert statuses[429] <= 0.01 * sum(statuses.values())
    assert statuses[200] == 120


def test_a_run_that_is_refused_closes_the_gate_of_others(tmp_path):
    replies = iter([exhausted("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", 10, 20.0)])
    with stand_in(lambda asked: next(replies)) as server:
        asking(server, shared=FileAccount(tmp_path, "p", Rates(rpm=600)), max_workers=1, deadline_s=1).analyze_expression_chunks(make(1))
    assert FileAccount(tmp_path, "p", Rates(rpm=600)).take(0)[0] == "gate"


def test_a_redis_that_does_not_answer_ends_the_run_with_a_reason():
    with redis_server() as server:
        account = RedisAccount(server.url, "p", Rates(rpm=600))
        assert account.take(1)[0] == ""
    with pytest.raises(LangFlixError, match="does not answer"):
        account.take(1)
    with stand_in(Script()) as service:
        outcomes = asking(service, shared=account, max_workers=2).analyze_expression_chunks(make(3))
    assert {failure.reason for outcome in outcomes for failure in outcome.failures} == {"quota_store"}
    assert service.asked == []
