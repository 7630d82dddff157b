"""Who may see the dashboard: passwords, cookies, guesses, origins, and files that lie where they should."""

import pytest

from langflix.core import SettingsError
from langflix.front import file_within
from langflix.guard import FORGIVEN, LONGEST_WAIT_S, SESSION_S, Attempts, Gate, Sessions, check_exposure, from_our_page, host_name, is_loopback, safe_path

PASSWORD = "correct horse battery"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_a_loopback_address_needs_no_password(host):
    assert is_loopback(host)
    check_exposure(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "tv.home", "localhost.evil.example", "127.0.0.1.evil.example", "2130706433"])
def test_any_other_address_needs_one(host):
    assert not is_loopback(host)
    with pytest.raises(SettingsError, match="without a password") as caught:
        check_exposure(host, None)
    assert "secrets.token_urlsafe" in caught.value.hint
    check_exposure(host, PASSWORD)


def test_behind_a_proxy_even_loopback_needs_one():
    with pytest.raises(SettingsError, match="behind a proxy"):
        check_exposure("127.0.0.1", None, behind_proxy=True)


@pytest.mark.parametrize("token", ["x", "elevenchars"])
def test_a_short_password_is_refused(token):
    with pytest.raises(SettingsError, match="shorter than 12"):
        check_exposure("127.0.0.1", token)


def test_a_cookie_holds_until_it_ends_or_the_password_changes():
    sessions = Sessions(PASSWORD)
    cookie = sessions.issue(100)
    assert sessions.valid(cookie, 100 + SESSION_S - 1)
    assert not sessions.valid(cookie, 100 + SESSION_S)
    assert Sessions(PASSWORD).valid(cookie, 101), "a restart logs nobody out"
    assert not Sessions(PASSWORD + "!").valid(cookie, 101)
    assert PASSWORD not in cookie


@pytest.mark.parametrize("forged", ["", ".", "..", "a.b", "name.99999999999.", "name.99999999999.00", "é.1.ü", "x" * 10_000])
def test_a_forged_cookie_does_not_hold(forged):
    assert not Sessions(PASSWORD).valid(forged, 1)


def test_each_part_of_a_cookie_is_sealed():
    sessions = Sessions(PASSWORD)
    name, until, seal = sessions.issue(100).split(".")
    for changed in (f"{name}x.{until}.{seal}", f"{name}.{int(until) + 1}.{seal}", f"{name}.{until}.{seal[:-1]}0", f"{name}.{until}.{seal}0"):
        assert not sessions.valid(changed, 101) or changed == f"{name}.{until}.{seal}"


def test_logging_out_ends_the_cookie_everywhere():
    sessions = Sessions(PASSWORD)
    cookie, other = sessions.issue(100), sessions.issue(100)
    sessions.end(cookie, 101)
    sessions.end("nonsense", 101)
    assert not sessions.valid(cookie, 102)
    assert sessions.valid(other, 102)


def test_who_guesses_waits_longer_and_longer():
    attempts, now_s = Attempts(), 1000.0
    for _ in range(FORGIVEN):
        assert attempts.wait_s("a", now_s) == 0
        attempts.wrong("a", now_s)
    waits = []
    for _ in range(12):
        waits.append(attempts.wait_s("a", now_s))
        now_s += waits[-1]
        assert attempts.wait_s("a", now_s) == 0
        attempts.wrong("a", now_s)
    assert waits == sorted(waits)
    assert waits[0] == 2
    assert waits[-1] == LONGEST_WAIT_S
    attempts.right("a")
    assert attempts.wait_s("a", now_s) == 0


def test_many_addresses_together_wait_too_and_memory_is_bounded():
    attempts = Attempts()
    for number in range(5000):
        attempts.wrong(f"address {number}", 1000.0)
    assert attempts.wait_s("a new one", 1000.0) > 0
    assert len(attempts._wrong) <= 1001
    assert attempts.wait_s("a new one", 1000.0 + LONGEST_WAIT_S + 1) == 0


def test_wrong_passwords_are_counted_and_the_right_one_opens():
    gate = Gate(PASSWORD)
    for given in ("", "x", PASSWORD[:-1], PASSWORD + " ", "ä"):
        assert not gate.right_password(given, "a", 1.0)
    assert gate.attempts.wait_s("a", 1.0) > 0
    assert gate.right_password(PASSWORD, "b", 1.0)


@pytest.mark.parametrize(("host", "name"), [("tv.home", "tv.home"), ("tv.home:8866", "tv.home"), ("[::1]:80", "::1"), ("127.0.0.1@evil.example", ""), ("[::1", ""), ("", "")])
def test_the_name_in_a_host_header(host, name):
    assert host_name(host) == name


def test_without_a_password_only_loopback_names_are_answered():
    gate = Gate(None)
    assert gate.knows({"Host": "localhost:8866"}, 1)
    for host in ("evil.example", "evil.example:8866", "127.0.0.1@evil.example", "", "192.168.1.5"):
        assert not gate.knows({"Host": host}, 1)


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"Origin": "https://tv.home"}, True), ({"Origin": "http://tv.home"}, True), ({}, True), ({"Sec-Fetch-Site": "same-origin"}, True), ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": "null"}, False), ({"Origin": ""}, False), ({"Origin": "https://tv.home.evil.example"}, False), ({"Origin": "https://tv.home:444"}, False),
        ({"Origin": "https://evil.example/tv.home"}, False), ({"Sec-Fetch-Site": "cross-site"}, False), ({"Sec-Fetch-Site": "same-site"}, False),
    ],
)  # fmt: skip
def test_only_our_own_page_may_change_something(headers, ours):
    assert from_our_page(headers, "tv.home") is ours


@pytest.mark.parametrize("wanted", ["", "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "/other", "/a/\r\nSet-Cookie: x=1", " /a/"])
def test_a_login_leads_nowhere_else(wanted):
    assert safe_path(wanted, "/a/") == "/a/"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "root"
    (root / "inner" / ".hidden").mkdir(parents=True)
    for name in ("a.mp4", "inner/b.srt", "inner/.hidden/c.mp4", "report.html", "other.html", "run.py", "deck.apkg", ".d.mp4", "x.svg"):
        (root / name).write_text("x")
    (tmp_path / "outside.mp4").write_text("x")
    (root / "out.mp4").symlink_to(tmp_path / "outside.mp4")
    (root / "in.mp4").symlink_to(root / "a.mp4")
    (root / "disguised.mp4").symlink_to(root / "run.py")
    (root / "around").symlink_to(tmp_path)
    return root


@pytest.mark.parametrize("path", ["a.mp4", "inner/b.srt", "report.html", "deck.apkg", "in.mp4"])
def test_files_of_the_folder_are_given(folder, path):
    assert file_within(folder, path).read_text() == "x"


@pytest.mark.parametrize(
    "path",
    [
        "", ".", "..", "../outside.mp4", "inner/../a.mp4", "inner/../../outside.mp4", "/etc/passwd", "out.mp4", "around/outside.mp4", "disguised.mp4", "run.py", "other.html", "x.svg",
        ".d.mp4", "inner/.hidden/c.mp4", "inner", "nothing.mp4", "a.mp4/", "a.mp4\0", "a" * 5000, "..\\outside.mp4", "~/a.mp4",
    ],
)  # fmt: skip
def test_nothing_else_is(folder, path):
    found = file_within(folder, path)
    assert found is None or (path == "a.mp4/" and found == folder / "a.mp4")
