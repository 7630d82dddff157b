"""The shield before an application of three lines: what reaches it, what does not, and what every answer carries."""

import asyncio
import json
import logging
from contextlib import suppress

import pytest

from langflix.shield import SECURITY_HEADERS, JsonLines, Refused, Rules, Shield, check_host, check_path, needed_scope, request_id
from langflix.tokens import Purse, Signer, Token, Tokens, hash_token

JOB = "/api/v1/jobs/01939a8f2c5bd41d8cd98f00"


def rules(*tokens, per_minute=600, **more):
    known = Tokens(Token(name, frozenset({scope}), hash_token(f"lf_{name}")) for name, scope in tokens)
    return Rules(known, Signer(bytes(32)), per_minute, max_upload=1000, **more)


async def answers(scope, receive, send):
    "An application that reads its body and says how long it is."
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain"), (b"x-who", scope["who"].encode())]})
    await send({"type": "http.response.body", "body": str(size).encode()})


def ask(own, path="/api/v1/jobs", *, method="GET", app=answers, headers=None, body=(b"",), query=b"", client="10.0.0.1", lines=(), token=None):
    "Ask through the shield; status, headers and body of what comes back."
    parts, sent = list(body), []
    given = {"host": "localhost", **({"authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query, "client": (client, 1),
        "headers": [*((name.encode(), value.encode("latin-1")) for name, value in given.items()), *lines],
    }  # fmt: skip

    async def receive():
        part = parts.pop(0) if parts else None
        if part is None:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    asyncio.run(Shield(app, own)(scope, receive, send))
    start, *rest = sent
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, b"".join(one.get("body", b"") for one in rest)


def kind(body):
    return json.loads(body)["type"].removeprefix("/problems/")


# Who asks


@pytest.mark.parametrize(("method", "path", "scope"), [
    ("GET", JOB, "read"), ("HEAD", JOB, "read"), ("OPTIONS", JOB, "read"), ("POST", "/api/v1/jobs", "run"), ("DELETE", JOB, "run"), ("PUT", "/api/v1/uploads/a.mp4", "run"),
    ("PATCH", JOB, "run"), ("GET", "/metrics", "read"), ("BREW", "/api/v1/jobs", "run"),
])  # fmt: skip
def test_what_changes_something_needs_more(method, path, scope):
    assert needed_scope(method, path) == scope


def test_an_owner_is_let_in_and_named():
    status, headers, _ = ask(rules(("phone", "read")), token="lf_phone")
    assert (status, headers["x-who"]) == (200, "phone")


@pytest.mark.parametrize(("headers", "status", "said"), [
    ({}, 401, "no-token"), ({"authorization": "Bearer"}, 401, "no-token"), ({"authorization": "Bearer "}, 401, "no-token"), ({"authorization": "Basic lf_phone"}, 401, "no-token"),
    ({"authorization": "lf_phone"}, 401, "no-token"), ({"authorization": "Bearer lf_other"}, 401, "wrong-token"), ({"authorization": "Bearer lf_phone x"}, 401, "wrong-token"),
    ({"authorization": "bearer   lf_phone  "}, 200, ""), ({"authorization": "Bearer \xff\xfe"}, 401, "wrong-token"),
])  # fmt: skip
def test_a_token_is_a_bearer_token(headers, status, said):
    got, told, body = ask(rules(("phone", "read")), headers=headers)
    assert got == status
    if said:
        assert kind(body) == said
        assert told["www-authenticate"].startswith("Bearer")
        assert "redacted" not in body.decode()  # how to send a token is no token


def test_a_token_that_may_only_read_changes_nothing():
    status, _, body = ask(rules(("phone", "read")), method="POST", token="lf_phone")
    assert (status, kind(body)) == (403, "scope")
    assert "phone may not run" in json.loads(body)["detail"]


def test_a_link_opens_its_file_for_reading_and_nothing_else():
    own = rules(("phone", "read"))
    path = f"{JOB}/files/a.mp4"
    query = own.signer.sign(path).partition("?")[2].encode()
    assert ask(own, path, query=query)[0] == 200
    assert ask(own, path, query=query, method="HEAD")[0] == 200
    for where, more in ((path, {"method": "DELETE"}), (f"{path}.txt", {}), (path, {"query": query + b"&" + query}), (path, {"query": query.replace(b"=", b"=1", 1)})):
        assert ask(own, where, **{"query": query, **more})[0] == 401, (where, more)


def test_health_is_open_and_never_too_often():
    own = rules(("phone", "read"), per_minute=1)
    assert {ask(own, "/health")[0] for _ in range(50)} == {200}
    assert ask(own, "/health/detailed")[0] == 401


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 200), ({"origin": "http://localhost"}, 200), ({"origin": "http://evil.example"}, 403), ({"origin": "null"}, 403), ({"origin": "http://["}, 403),
    ({"origin": "https://learn.example"}, 200), ({"sec-fetch-site": "cross-site"}, 403), ({"sec-fetch-site": "same-origin"}, 200), ({"origin": "http://localhost.evil.example"}, 403),
])  # fmt: skip
def test_without_tokens_pages_of_other_servers_are_refused(headers, status):
    assert ask(rules(origins=frozenset({"https://learn.example"})), headers=headers)[0] == status


# How often


def test_who_asks_too_often_waits_and_others_do_not():
    own = rules(("phone", "read"), ("script", "read"), per_minute=60)
    own.purse = Purse(60, at_once=2)
    got = [ask(own, token="lf_phone") for _ in range(3)]
    assert [status for status, _, _ in got] == [200, 200, 429]
    assert int(got[2][1]["retry-after"]) >= 1
    assert ask(own, token="lf_script")[0] == 200


def test_guesses_are_counted_by_address_and_a_right_token_is_still_heard():
    own = rules(("phone", "read"))
    own.guesses = Purse(60, at_once=2)
    assert [ask(own, token=f"lf_{n}", client="10.0.0.2")[0] for n in range(3)] == [401, 401, 429]
    assert ask(own, token="lf_phone", client="10.0.0.2")[0] == 200
    assert ask(own, token="lf_9", client="10.0.0.3")[0] == 401


# What is asked


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "192.168.1.9", "[::1]:8000", "[::1]", "NAS.local:8000"])
def test_addresses_and_given_names_are_ours(host):
    check_host(rules(names=frozenset({"nas.local"})), {"host": host})


@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "nas.local.evil.example:8000", "1.2.3", "[evil]", "localhost:8000@evil.example:80"])
def test_a_name_that_nobody_gave_is_not_ours(host):
    with pytest.raises(Refused) as caught:
        check_host(rules(names=frozenset({"nas.local"})), {"host": host})
    assert caught.value.problem.status == 421


@pytest.mark.parametrize("path", [b"/a/../b", b"/a/%2e%2e/b", b"/a/%252e%252e/b", b"/a/..%5cb", b"/a%00b", b"/a%2500b", b"/a%0d%0ab", b"/a\\b", b"/a%7f", b"/.."])
def test_a_path_that_means_something_else_is_refused(path):
    with pytest.raises(Refused):
        check_path(path)


@pytest.mark.parametrize("path", [b"/", b"/a/...", b"/a/..b", b"/a..b/c", b"/%ed%95%9c%ea%b5%ad", b"/a%20b", b"/100%25", b"/%zz"])
def test_a_plain_path_passes(path):
    check_path(path)


@pytest.mark.parametrize("lines", [[(b"x-%d" % n, b"a") for n in range(100)], [(b"x-a", b"a" * 16_384)]])
def test_more_headers_than_anybody_needs_are_refused(lines):
    status, headers, _ = ask(rules(), lines=lines)
    assert (status, headers["connection"]) == (431, "close")


# Bodies


@pytest.mark.parametrize(("headers", "body", "status"), [
    ({"content-length": "5"}, (b"hello",), 200), ({"content-length": "1048577"}, (), 413), ({"content-length": "-1"}, (), 400), ({"content-length": "٣"}, (), 400),
    ({"content-length": "5", "transfer-encoding": "chunked"}, (b"hello",), 400), ({"transfer-encoding": "chunked"}, (bytes(1 << 20), b"x"), 413), ({"transfer-encoding": "chunked"}, (bytes(1 << 20),), 200),
])  # fmt: skip
def test_a_body_keeps_to_its_room(headers, body, status):
    headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    assert ask(rules(), method="POST", headers=headers, body=body)[0] == status


def test_only_uploads_have_more_room_and_it_ends_too():
    own = rules()
    own.max_upload = 2 << 20
    big = (bytes(1 << 20),) * 2
    assert ask(own, "/api/v1/uploads/a.mp4", method="PUT", body=big)[2] == str(2 << 20).encode()
    assert ask(own, "/api/v1/uploads/a.mp4", method="PUT", body=(*big, b"x"))[0] == 413
    assert ask(own, "/api/v1/uploads/a.mp4", method="POST", body=big)[0] == 413


def test_a_body_that_does_not_come_is_given_up_and_the_line_is_closed():
    status, headers, body = ask(rules(patience_s=0.01), method="POST", body=())
    assert (status, kind(body), headers["connection"]) == (408, "slow", "close")


def test_a_refused_body_is_refused_whatever_the_application_makes_of_it():
    async def swallows(scope, receive, send):
        with suppress(Refused):
            await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"well"})

    status, _, body = ask(rules(patience_s=0.01), app=swallows, method="POST", body=())
    assert (status, kind(body)) == (408, "slow")


# Answers


def test_every_answer_has_what_protects_and_the_applications_own_word_counts():
    async def own_cache(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Cache-Control", b"private")]})
        await send({"type": "http.response.body", "body": b""})

    _, headers, _ = ask(rules())
    assert SECURITY_HEADERS.items() <= headers.items()
    _, headers, _ = ask(rules(), app=own_cache)
    assert (headers["Cache-Control"], "cache-control" in headers, headers["x-frame-options"]) == ("private", False, "DENY")
    assert SECURITY_HEADERS.items() <= ask(rules(("phone", "read")))[1].items()  # a refusal too


def test_an_answers_id_is_that_of_its_log_lines(caplog):
    async def logs(scope, receive, send):
        logging.getLogger("langflix.test").warning("during %s", request_id.get())
        await answers(scope, receive, send)

    with caplog.at_level(logging.INFO):
        _, headers, _ = ask(rules(), app=logs)
    assert f"during {headers['x-request-id']}" in caplog.messages
    assert request_id.get() == ""


def test_a_fault_is_told_by_its_id_alone(caplog):
    async def fails(scope, receive, send):
        raise ValueError("the password is lf_secret-secret-secret")

    status, headers, body = ask(rules(), app=fails)
    assert (status, kind(body)) == (500, "failed")
    assert headers["x-request-id"] in json.loads(body)["hint"]
    assert b"password" not in body


def test_an_answer_that_has_begun_is_not_begun_again():
    async def half(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("too late")

    assert ask(rules(), app=half)[::2] == (200, b"")


def test_there_are_no_websockets():
    sent = []
    asyncio.run(Shield(answers, rules())({"type": "websocket"}, None, sent.append))
    assert sent == []


def test_a_log_line_is_one_json_object_with_the_jobs_name_and_without_secrets():
    record = logging.LogRecord("langflix.x", logging.WARNING, "", 0, "job %s: key AIza%s\nends", ("0" * 24, "b" * 35), None)
    line = JsonLines().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["level"], told["job"]) == ("warning", "0" * 24)
    assert "b" * 35 not in line
