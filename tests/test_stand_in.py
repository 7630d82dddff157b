"""The stand-in is a test tool, so it must do what it says: each fault on the wire, the quota, and the same draw for the same seed."""

import http.client
import json
import time
import urllib.error
import urllib.request

import pytest

from langflix.stand_in import FAULTS, Script, stand_in, stand_in_process

LINES = "[3] Hang in there.\n[4] Never mind."


def post(url, text=LINES, method="generateContent", timeout=60):
    body = json.dumps({"contents": [{"parts": [{"text": text}]}]}).encode()
    request = urllib.request.Request(f"{url}/v1beta/models/m:{method}", body, {"x-goog-api-key": "k"})
    with urllib.request.urlopen(request, timeout=timeout) as response:
        return json.load(response)


def items(reply):
    return [(i["cue_start"], i["expression"]) for i in json.loads(reply["candidates"][0]["content"]["parts"][0]["text"])]


def test_an_honest_answer_depends_on_each_line_alone():
    with stand_in() as server:
        whole = items(post(server.url))
        parts = [i for line in LINES.splitlines() for i in items(post(server.url, line))]
    assert whole == parts == [(3, "hang in there"), (4, "never mind")]
    assert server.asked[0].lines == [(3, "Hang in there."), (4, "Never mind.")]
    assert server.asked[0].key == "k"


STATUS = {"rate": 429, "bare": 429, "day": 429, "key": 400, "model": 404, "busy": 503, "internal": 500, "late": 504}
BROKEN = {"reset": ConnectionResetError, "hang": TimeoutError, "half": http.client.IncompleteRead}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_had_on_demand_and_once(fault):
    with stand_in(Script(first=(fault,), drip_s=0.002)) as server:
        if fault in STATUS:
            with pytest.raises(urllib.error.HTTPError) as caught:
                post(server.url)
            assert caught.value.code == STATUS[fault]
        elif fault in BROKEN:
            with pytest.raises(BROKEN[fault]):
                post(server.url, timeout=0.3)
        elif fault == "drip":
            began = time.monotonic()
            post(server.url, timeout=20)  # every byte comes in time, and yet it takes long
            assert time.monotonic() - began > 0.5
        else:
            assert post(server.url)
        assert items(post(server.url)) == [(3, "hang in there"), (4, "never mind")]


def test_the_quota_grants_what_it_says():
    with stand_in(Script(rpm=60, rpm_burst=3)) as server:
        codes = []
        for _ in range(5):
            try:
                post(server.url)
                codes.append(200)
            except urllib.error.HTTPError as error:
                codes.append(error.code)
                details = {d["@type"].rpartition(".")[2]: d for d in json.load(error)["error"]["details"]}
    assert codes == [200, 200, 200, 429, 429]
    assert details["QuotaFailure"]["violations"][0]["quotaId"].startswith("GenerateRequestsPerMinute")
    assert 0 < float(details["RetryInfo"]["retryDelay"].rstrip("s")) <= 1


def test_lines_can_be_refused_for_good_and_long_requests_cut():
    with stand_in(Script(refused=(4,), longest_lines=1)) as server:
        assert post(server.url)["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT"
        assert items(post(server.url, "[3] Hang in there.")) == [(3, "hang in there")]
        assert post(server.url, "[5] Give up.\n[6] No.")["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_chance_is_the_same_for_the_same_seed_and_share_by_share_as_asked():
    def faults(seed):
        with stand_in(Script(faults={"prose": 0.3, "lie": 0.2}, seed=seed)) as server:
            for number in range(200):
                post(server.url, f"[{number}] Never mind.")
        return [asked.fault for asked in server.asked]

    first = faults(1)
    assert first == faults(1) != faults(2)
    assert 35 <= first.count("prose") <= 85
    assert 20 <= first.count("lie") <= 65


def test_tokens_can_be_counted():
    with stand_in() as server:
        assert post(server.url, method="countTokens")["totalTokens"] > 5


def test_in_a_process_of_its_own_it_answers_the_same_and_ends_with_the_block():
    with stand_in_process(Script(refused=(3,), first=("busy",))) as server:
        with pytest.raises(urllib.error.HTTPError):
            post(server.url)
        assert "promptFeedback" in post(server.url)
        assert [(asked.status, asked.fault) for asked in server.asked] == [(503, "busy"), (200, "blocked")]
        url = server.url
    with pytest.raises(OSError, match="refused"):
        post(url)
