"""Tokens and links: who may ask for what, kept so that nobody reads a token again, and for as long as it should last."""

import os
import stat
from types import SimpleNamespace

import pytest

from langflix.config import Settings
from langflix.core import InputError, SettingsError
from langflix.tokens import LINK_S, SCOPES, Purse, Signer, Token, Tokens, add_token, hash_token, open_signer, open_tokens, read_tokens_file

KEY = bytes(range(32))
PATH = "/api/v1/jobs/01939a8f2c5bd41d8cd98f00/files/lessons/long/001.mp4"


def signed(signer, path=PATH, **more):
    "A link's expiry and signature."
    query = signer.sign(path, **more).partition("?")[2]
    return SimpleNamespace(**dict(part.split("=") for part in query.split("&")))


# Tokens


@pytest.mark.parametrize(("granted", "may"), [("read", {"read"}), ("run", {"read", "run"}), ("admin", set(SCOPES)), ("read,admin", set(SCOPES))])
def test_a_wider_scope_includes_the_narrower_ones(granted, may):
    token = Token("a", frozenset(granted.split(",")), "0" * 64)
    assert {scope for scope in SCOPES if token.may(scope)} == may


def test_a_made_token_opens_and_its_file_does_not_hold_it(tmp_path):
    path = tmp_path / "tokens"
    first, second = add_token(path, "phone", ["read"]), add_token(path, "script", ["run"])
    assert first != second
    assert first not in path.read_text() + second
    owners = Tokens(read_tokens_file(path))
    assert [owners.owner(token).name for token in (first, second)] == ["phone", "script"]
    assert not owners.owner(first).may("run")


@pytest.mark.parametrize("wrong", ["", " ", "lf_", "lf_x\n", "\x00", "é" * 500, "x" * 100_000])
def test_a_wrong_token_has_no_owner(tmp_path, wrong):
    add_token(tmp_path / "tokens", "phone")
    assert Tokens(read_tokens_file(tmp_path / "tokens")).owner(wrong) is None


def test_a_token_is_compared_whole(tmp_path):
    token = add_token(tmp_path / "tokens", "phone")
    owners = Tokens(read_tokens_file(tmp_path / "tokens"))
    for near in (token[:-1], token + "x", token.upper(), f" {token}", hash_token(token)):
        assert owners.owner(near) is None


def test_comments_and_empty_lines_count_for_nothing(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# whose\n\n  phone   read,run  sha256:{'a' * 64}   # lost in May\n")
    (token,) = read_tokens_file(path)
    assert (token.name, token.scopes, token.digest) == ("phone", frozenset({"read", "run"}), "a" * 64)


@pytest.mark.parametrize(("line", "said"), [
    ("phone read", "not a token"), (f"phone read sha256:{'a' * 63}", "not a token"), (f"phone read sha256:{'A' * 64}", "not a token"), (f"ph one read sha256:{'a' * 64}", "not a token"),
    (f"phone root sha256:{'a' * 64}", "root is not a scope"), (f"phone read,root,god sha256:{'a' * 64}", "god, root is not a scope"), ("phone read sha256:lf_my-token-itself", "not a token"),
])  # fmt: skip
def test_a_wrong_line_is_named_and_not_repeated(tmp_path, line, said):
    path = tmp_path / "tokens"
    path.write_text(f"# first\n{line}\n")
    with pytest.raises(SettingsError, match=said) as caught:
        read_tokens_file(path)
    assert "line 2" in caught.value.message
    assert "lf_my-token" not in f"{caught.value.message} {caught.value.hint}"


def test_two_tokens_of_one_name_are_refused(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"a read sha256:{'a' * 64}\na run sha256:{'b' * 64}\n")
    with pytest.raises(SettingsError, match="two tokens named a"):
        read_tokens_file(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_told(tmp_path, content):
    path = tmp_path / "tokens"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_tokens_file(path)


@pytest.mark.parametrize(("name", "scopes"), [("a b", ["read"]), ("", ["read"]), ("a\nb", ["read"]), ("a#b", ["read"]), ("a", ["root"]), ("a", [])])
def test_a_token_that_its_file_could_not_hold_is_not_made(tmp_path, name, scopes):
    with pytest.raises(InputError, match="not a token"):
        add_token(tmp_path / "tokens", name, scopes)
    assert not (tmp_path / "tokens").exists()


def test_a_name_is_given_once_and_the_file_stays_as_it_was(tmp_path):
    path = tmp_path / "tokens"
    add_token(path, "phone")
    before = path.read_text()
    with pytest.raises(InputError, match="named phone"):
        add_token(path, "phone")
    assert path.read_text() == before


def test_the_one_token_of_the_settings_stands_beside_those_of_the_file(tmp_path):
    other = add_token(tmp_path / "tokens", "phone", ["read"])
    tokens = open_tokens(Settings(api={"token": "lf_mine", "tokens_file": str(tmp_path / "tokens")}))
    assert (tokens.owner("lf_mine").may("admin"), tokens.owner(other).may("run")) == (True, False)
    assert not open_tokens(Settings(api={"token": ""}))


# Links


def test_a_link_opens_one_path_until_it_expires():
    signer = Signer(KEY)
    link = signed(signer, now=1000.0)
    assert signer.knows(PATH, link.expires, link.signature, now=1000.0 + LINK_S)
    assert not signer.knows(PATH, link.expires, link.signature, now=1001.0 + LINK_S)
    assert not signer.knows(f"{PATH}x", link.expires, link.signature, now=1000.0)
    assert not Signer(KEY[::-1]).knows(PATH, link.expires, link.signature, now=1000.0)


@pytest.mark.parametrize("expires", ["", "-1", "+99999999999", "9" * 15, "1e12", " 99999999999", "٣" * 11, "99999999999.0", "0x174876e7ff"])
def test_an_expiry_is_a_plain_number(expires):
    signer = Signer(KEY)
    assert not signer.knows(PATH, expires, signed(signer, now=99999999999.0 - LINK_S).signature, now=0.0)


def test_a_links_expiry_cannot_be_moved():
    signer = Signer(KEY)
    link = signed(signer, now=1000.0)
    assert not signer.knows(PATH, str(int(link.expires) + 1), link.signature, now=1000.0)
    for signature in ("", link.signature[:-1], link.signature.upper(), link.signature + "0", "ü" * 64):
        assert not signer.knows(PATH, link.expires, signature, now=1000.0)


def test_the_key_is_kept_for_its_owner_and_used_again(tmp_path):
    path = tmp_path / "deep" / "links.key"
    link = signed(open_signer(path), now=1000.0)
    assert open_signer(path).knows(PATH, link.expires, link.signature, now=1000.0)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.parametrize("broken", [b"", b"short", bytes(33)])
def test_a_key_that_was_cut_off_is_made_anew(tmp_path, broken):
    path = tmp_path / "links.key"
    path.write_bytes(broken)
    open_signer(path)
    assert len(path.read_bytes()) == 32
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


# How often


def test_a_purse_empties_and_fills_again_evenly():
    purse = Purse(60, at_once=3)
    assert [purse.take("a", now=0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert purse.take("a", now=0.0) == pytest.approx(1.0)
    assert purse.take("a", now=0.75) == pytest.approx(0.25)
    assert purse.take("a", now=1.0) == 0.0
    assert purse.take("a", now=1.0) > 0


def test_asking_too_often_does_not_prolong_the_wait():
    purse = Purse(60, at_once=1)
    assert purse.take("a", now=0.0) == 0.0
    for n in range(100):
        purse.take("a", now=n / 1000)
    assert purse.take("a", now=1.0) == 0.0


def test_everybody_has_a_purse_of_his_own():
    purse = Purse(60, at_once=1)
    assert [purse.take(name, now=0.0) for name in "abc"] == [0.0, 0.0, 0.0]
    assert purse.take("a", now=0.0) > 0


def test_a_rest_fills_a_purse_to_its_brim_and_no_further():
    purse = Purse(60, at_once=2)
    purse.take("a", now=0.0)
    assert [purse.take("a", now=1e6) > 0 for _ in range(3)] == [False, False, True]


def test_a_hundred_thousand_strangers_leave_little_behind():
    purse = Purse(60, at_once=1)
    for n in range(100_000):
        purse.take(f"stranger {n}", now=float(n))
    assert len(purse._left) <= 10_001
