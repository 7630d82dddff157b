"""Counts of the minute and of the day."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from langflix.quota import Bucket, Clock, DayCount, pacific_day, renewal, request_bucket, token_bucket


def starts(bucket, calls, amount=1, late=0.0):
    moments, now = [], 0.0
    for _ in range(calls):
        now += bucket.delay_s(amount, now) + late
        bucket.take(amount)
        moments.append(now)
    return moments


@pytest.mark.parametrize("rpm", [1, 2, 5, 10, 14, 15, 20, 30, 60, 99, 100, 600, 1000, 2000])
def test_no_minute_has_more_requests_than_allowed(rpm):
    moments = starts(request_bucket(rpm), 3 * rpm)
    assert max(sum(begin <= moment < begin + 60 for moment in moments) for begin in moments) <= rpm


def test_no_minute_has_more_tokens_than_allowed():
    moments = starts(token_bucket(10_000), 60, 700)
    assert max(sum(begin <= moment < begin + 60 for moment in moments) * 700 for begin in moments) <= 10_000


def test_workers_that_wake_late_lose_little():
    even, late = (starts(request_bucket(600), 200, late=late)[-1] for late in (0.0, 0.02))
    assert late < 1.02 * even < 1.15 * 20


def test_more_than_a_bucket_holds_can_be_had_when_it_is_full():
    bucket = Bucket(60, 10)
    assert bucket.delay_s(25, 0.0) == 0
    bucket.take(25)
    assert bucket.delay_s(1, 0.0) == pytest.approx(16)
    bucket.give_back(20)
    assert bucket.delay_s(1, 0.0) == 0


@pytest.mark.parametrize(
    ("now", "day", "again"),
    [
        ("2026-11-23T07:59:00", "2026-11-22", "2026-11-23T08:00:00"),
        ("2026-11-23T08:00:00", "2026-11-23", "2026-11-24T08:00:00"),
        ("2026-07-01T06:59:00", "2026-06-30", "2026-07-01T07:00:00"),
        ("2026-03-08T09:00:00", "2026-03-08", "2026-03-09T07:00:00"),  # the clocks go forward
        ("2026-11-01T08:30:00", "2026-11-01", "2026-11-02T08:00:00"),  # the clocks go back
    ],
)
def test_the_day_is_that_of_the_pacific_coast(now, day, again):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert pacific_day(moment) == day
    assert renewal(moment) == datetime.fromisoformat(again).replace(tzinfo=UTC)


def test_processes_count_together(tmp_path):
    code = "import sys; from pathlib import Path; from langflix.quota import *; c = DayCount(Path(sys.argv[1]), 'a', Clock()); print(sum(c.take(50) for _ in range(30)))"
    runs = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(run.communicate(timeout=60)[0]) for run in runs) == 50
    assert DayCount(tmp_path, "a", Clock()).read() == 50
    assert DayCount(tmp_path, "b", Clock()).read() == 0
