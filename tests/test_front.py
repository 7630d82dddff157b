"""The server in front of the dashboard, over real HTTP: login, guesses, proxies, headers, errors that tell nothing."""

import logging

import pytest
from tornado.testing import AsyncHTTPTestCase
from tornado.web import RequestHandler

from langflix.front import PAGE_POLICY, Front, Quiet
from langflix.guard import Gate

PASSWORD = "correct horse battery"


class Broken(Quiet):
    def get(self):
        raise RuntimeError("the secret inside")


class Plain(RequestHandler):
    def get(self):
        self.write("x" * 5000)


class Base(AsyncHTTPTestCase):
    trust_proxy = False

    def get_app(self):
        front = Front(Gate(PASSWORD), "/tv/", self.trust_proxy)
        front.add_handlers(".*$", [("/tv/broken", Broken), ("/tv/", Plain), ("/tv/voila/static@1/x.js", Plain), ("/tv/files/x", Plain)])
        return front

    def get_httpserver_options(self):
        return {"xheaders": self.trust_proxy}

    def ask(self, path, method="GET", body=None, **headers):
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.fetch(path, method=method, body=body, headers=names, follow_redirects=False, allow_nonstandard_methods=True, decompress_response=False)

    def log_in(self, password=PASSWORD, **headers):
        return self.ask("/tv/login", "POST", f"password={password}&next=/tv/files/x", **headers)

    def cookie(self):
        return self.log_in().headers["Set-Cookie"].split(";")[0]


class TestFront(Base):
    def test_the_login_leads_where_one_wanted_to_go(self):
        assert self.ask("/tv/?a=1").headers["Location"] == "/tv/login?next=/tv/%3Fa%3D1"
        done = self.log_in()
        assert (done.code, done.headers["Location"]) == (303, "/tv/files/x")
        assert self.ask("/tv/login", Cookie=self.cookie()).code == 302

    def test_guesses_are_slowed_down_and_the_right_password_waits_too(self):
        codes = [self.log_in("wrong").code for _ in range(6)]
        assert codes == [401] * 5 + [429]
        late = self.log_in()
        assert late.code == 429
        assert int(late.headers["Retry-After"]) >= 1

    def test_a_made_up_sender_does_not_help_who_guesses(self):
        assert [self.log_in("wrong", X_Forwarded_For=f"203.0.113.{n}", X_Real_Ip=f"203.0.113.{n}").code for n in range(6)][-1] == 429

    def test_an_error_tells_nothing(self):
        with self.assertLogs("tornado.application", logging.ERROR) as logged:
            answer = self.ask("/tv/broken", Cookie=self.cookie())
        assert answer.code == 500
        assert b"secret inside" not in answer.body
        assert b"Traceback" not in answer.body
        assert "secret inside" in "".join(logged.output)

    def test_every_answer_has_the_headers(self):
        for path, cookie in (("/tv/", self.cookie()), ("/tv/", ""), ("/tv/login", ""), ("/nothing", ""), ("/tv/health", "")):
            headers = self.ask(path, Cookie=cookie).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Content-Security-Policy"] == PAGE_POLICY
            assert headers["Cache-Control"] in ("no-store", "no-cache")
            assert "Server" not in headers

    def test_what_is_named_by_its_version_is_kept_and_films_are_not_compressed(self):
        cookie = self.cookie()
        static = self.ask("/tv/voila/static@1/x.js", Cookie=cookie, Accept_Encoding="gzip")
        assert "immutable" in static.headers["Cache-Control"]
        assert static.headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in self.ask("/tv/files/x", Cookie=cookie, Accept_Encoding="gzip").headers

    def test_the_cookie_is_for_https_where_there_is_https_and_not_believed_otherwise(self):
        assert "Secure" not in self.log_in(X_Forwarded_Proto="https").headers["Set-Cookie"]

    def test_odd_requests_do_no_harm(self):
        cookie = self.cookie()
        for path in ("/", "//", "/tv", "/tv//", "/tv/../tv/", "/tv/%2e%2e/", "/tv/\u00e4", "/TV/"):
            assert self.ask(path).code in (302, 400, 403, 404), path
            assert self.ask(path, Cookie=cookie).code in (200, 302, 400, 403, 404), path
        for bad in ("a=b; langflix", "langflix=\"", "\x01", "langflix=" + "x" * 9000, "=;=;", "langflix=a.b.c.d"):
            assert self.ask("/tv/files/x", Cookie=bad).code in (400, 403)
        assert self.ask("/tv/login", "POST", "password=%ff%fe").code in (400, 401)
        assert self.ask("/tv/login", "POST", None).code == 401
        assert self.ask("/tv/health", "DELETE").code == 405


class TestBehindAProxy(Base):
    trust_proxy = True

    def test_the_proxy_is_believed(self):
        host = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "tv.example", "Origin": "https://tv.example"}
        done = self.log_in(**host)
        assert done.code == 303
        assert "Secure" in done.headers["Set-Cookie"]
        assert self.log_in(**{**host, "Origin": "https://evil.example"}).code == 403

    def test_each_sender_waits_for_himself(self):
        for _ in range(6):
            self.log_in("wrong", X_Forwarded_For="203.0.113.9")
        assert self.log_in(X_Forwarded_For="203.0.113.9").code == 429
        assert self.log_in(X_Forwarded_For="203.0.113.10").code == 303


class TestWithoutAPassword(Base):
    def get_app(self):
        front = Front(Gate(None), "/tv/")
        front.add_handlers(".*$", [("/tv/", Plain)])
        return front

    def test_this_machine_comes_in_and_other_names_do_not(self):
        assert self.ask("/tv/").code == 200
        for host in ("evil.example", "127.0.0.1.evil.example"):
            assert self.ask("/tv/", Host=host).code == 403
        assert self.ask("/tv/login").code == 302
        assert self.ask("/tv/logout", "POST", "", Origin="http://evil.example").code == 403


del Base
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
