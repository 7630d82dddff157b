"""The dashboard as people meet it: a real server, real runs, a real Chromium; and as a stranger meets it: refused everywhere."""

import json
import re
import shutil
import signal
import time
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from browser import violations
from dashboard import PASSWORD, ask, dashboard, log_in

SAMPLE = Path(str(files("langflix") / "data" / "sample"))
MOON, BROKEN = "The.Paper.Moon.S01E01", "Broken.Film"
SHOTS = Path(__file__).parent.parent / "screenshots"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    "A dashboard behind a path, with an episode, and a film that is none."
    home = tmp_path_factory.mktemp("home")
    media = home / "media" / "Show"
    media.mkdir(parents=True)
    shutil.copy(SAMPLE / "sample.mp4", media / f"{MOON}.mp4")
    shutil.copy(SAMPLE / "sample.en.srt", media / f"{MOON}.en.srt")
    (media / f"{BROKEN}.mkv").write_text("this is no film")
    shutil.copy(SAMPLE / "sample.en.srt", media / f"{BROKEN}.en.srt")
    with dashboard(home, base_url="/tv/", LANGFLIX_JOBS__SLOTS="2") as running:
        yield running


@pytest.fixture(scope="module")
def cookie(server):
    return log_in(server)


class Tab:
    "A page of a browser that is logged in, and what went wrong in it."

    def __init__(self, chromium, server, cookie, path="", width=1440, dark=False):
        self.server, self.problems, self.requests = server, [], []
        self.context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce")
        name, _, value = (cookie or "=").partition("=")
        if cookie:
            self.context.add_cookies([{"name": name, "value": value, "url": server.url}])
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.goto(server.url + path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def go(self, *parts):
        self.page.evaluate("place => location.hash = '#/' + place", "/".join(parts))

    def ready(self):
        self.page.wait_for_selector(".lb-card")
        return self

    def shot(self, name):
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"dashboard-{name}.png")

    def state(self, name):
        "The state of an episode's newest job, when the page shows one."
        found = self.page.locator(".lb-job", has_text=name)
        return found.first.get_attribute("data-state") if found.count() else None


def start(tab, name, most=1):
    "Start a run as a person does."
    tab.page.locator(".lb-card", has_text=name).get_by_role("button", name="Make lessons").click()
    tab.page.fill("dialog input[name=max]", str(most))
    tab.page.locator("dialog").get_by_role("button", name="Make lessons").click()
    tab.page.wait_for_selector(".lb-toast")


@pytest.fixture(scope="module")
def runs(chromium, server, cookie):
    "Two runs started in one tab, with all that a second tab saw of them."
    with Tab(chromium, server, cookie) as first, Tab(chromium, server, cookie, "#/jobs") as second:
        first.ready()
        second.page.wait_for_selector("h1:has-text('Jobs')")
        start(first, "The Paper Moon")
        start(first, "Broken Film")
        seen, steps, end = {"The Paper Moon": [], "Broken Film": []}, set(), time.monotonic() + 180
        taken = False
        while not (seen["The Paper Moon"][-1:] == ["ready"] and seen["Broken Film"][-1:] == ["failed"]):
            assert time.monotonic() < end, (seen, server.log)
            for name, states in seen.items():
                if (state := second.state(name)) and state not in states[-1:]:
                    states.append(state)
            steps |= {text for text in second.page.locator(".lb-steps .on").all_inner_texts() if text}
            if not taken and any("Render lessons" in step for step in steps):
                second.shot("running")
                taken = True
            second.page.wait_for_timeout(250)
        first.page.wait_for_selector(".lb-card:has-text('1 lesson')", timeout=60_000)
        yield {"seen": seen, "steps": steps, "problems": first.problems + second.problems, "failed": second.page.locator(".lb-job[data-state=failed]").inner_text()}


def test_a_stranger_gets_the_login_and_nothing_else(chromium, server):
    with Tab(chromium, server, None) as tab:
        assert urlsplit(tab.page.url).path == "/tv/login"
        tab.page.fill("#password", "a wrong password")
        tab.page.keyboard.press("Enter")
        assert "not the password" in tab.page.inner_text("[role=alert]")
        assert violations(tab.page) == []
        tab.page.fill("#password", PASSWORD)
        tab.page.keyboard.press("Enter")
        tab.ready()
        (kept,) = tab.context.cookies()
        assert (kept["httpOnly"], kept["sameSite"], kept["path"]) == (True, "Lax", "/tv/")
        tab.page.get_by_role("button", name="Log out").click()
        tab.page.wait_for_selector("#password")
        assert ask(server.url, Cookie=f"{kept['name']}={kept['value']}")[0] == 302, "the cookie is worth nothing after the logout"


def test_a_job_started_in_one_tab_is_followed_in_the_other(runs):
    assert [state for state in runs["seen"]["The Paper Moon"] if state != "waiting"] == ["running", "ready"]
    assert any(step.startswith("Render lessons") for step in runs["steps"])
    assert runs["problems"] == []


def test_a_failed_run_says_what_was_wrong_and_what_to_do(runs, server):
    assert runs["seen"]["Broken Film"][-1] == "failed"
    assert "is not a video" in runs["failed"]
    assert "Try again" in runs["failed"]
    assert str(server.home) not in runs["failed"]
    assert "Traceback" not in runs["failed"]


def test_a_lesson_plays(chromium, server, cookie, runs):
    with Tab(chromium, server, cookie) as tab:
        tab.ready().page.locator(".lb-card", has_text="The Paper Moon").get_by_role("link", name="Watch").click()
        tab.page.wait_for_selector("video")
        tab.page.evaluate("document.querySelector('video').muted = true; document.querySelector('video').play()")
        tab.page.wait_for_function("document.querySelector('video').currentTime > 0.5")
        before = tab.page.evaluate("document.querySelector('video').currentTime")
        tab.page.wait_for_function("before => document.querySelector('video').currentTime > before + 0.5", arg=before)
        tab.page.evaluate("document.querySelector('video').currentTime = 8")
        tab.page.wait_for_function("document.querySelector('video').currentTime > 8.2")
        tab.page.wait_for_timeout(1500)  # the page asks for news meanwhile, and must leave the film alone
        assert tab.page.evaluate("document.querySelector('video').currentTime") > 9
        assert tab.page.locator(".lb-taught h2").count() == 1
        tab.shot("watch")
        assert tab.problems == []


def test_the_review_opens_and_decides(chromium, server, cookie, runs):
    with Tab(chromium, server, cookie, f"#/episode/{MOON}/review") as tab:
        drop = tab.page.locator(".lb-stage").get_by_role("button", name="Drop").first
        drop.wait_for()
        tab.shot("review")
        drop.click()
        tab.go("episode", MOON)
        tab.page.wait_for_selector("video")
        tab.go("episode", MOON, "review")  # what was decided is still there
        tab.page.locator(".lb-stage").get_by_role("button", name="Save").click()
        deadline = time.monotonic() + 60
        while not (server.out / MOON / "review.csv").exists():
            assert time.monotonic() < deadline
            tab.page.wait_for_timeout(100)
        assert tab.problems == []


@pytest.mark.parametrize("width", [390, 1280])
def test_the_review_can_be_read_in_the_dark(chromium, server, cookie, runs, width):
    with Tab(chromium, server, cookie, f"#/episode/{MOON}/review", width, dark=True) as tab:
        tab.page.wait_for_selector(".lb-stage .lf-lines mark")
        assert violations(tab.page, ("moderate", "serious", "critical")) == []
        assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_episode_without_lessons_and_one_that_is_not_there_lead_on(chromium, server, cookie, runs):
    with Tab(chromium, server, cookie, "#/episode/Gone.S01E01") as tab:
        tab.page.get_by_role("link", name="To the library", exact=True).click()
        tab.page.wait_for_selector(".lb-card")
        tab.go("episode", BROKEN)
        tab.page.wait_for_selector(".lb-note >> text=nothing was made")


def test_a_click_far_down_opens_at_the_top_and_a_dialog_gives_the_focus_back(chromium, server, cookie, runs):
    with Tab(chromium, server, cookie, width=390) as tab:
        tab.ready().page.evaluate("scrollTo(0, document.body.scrollHeight)")
        tab.page.locator(".lb-card", has_text="The Paper Moon").get_by_role("link", name="Watch").click()
        tab.page.wait_for_selector("video")
        tab.page.wait_for_function("scrollY === 0")
        again = tab.page.get_by_role("button", name="Make again")
        again.click()
        tab.page.locator("dialog label", has_text="Wide").click()
        tab.page.locator("dialog").get_by_role("button", name="Make lessons").click()
        assert "wide, tall or both" in tab.page.evaluate("document.querySelector('dialog input[name=formats]').validationMessage")
        tab.page.get_by_role("button", name="Not now").click()
        assert again.evaluate("button => button === document.activeElement")


def test_files_are_offered_and_the_report_opens(chromium, server, cookie, runs):
    with Tab(chromium, server, cookie, f"#/episode/{MOON}/files") as tab:
        tab.page.wait_for_selector(".lb-files a")
        found = {link.inner_text().split("\n")[0]: link.get_attribute("href") for link in tab.page.locator(".lb-files a").all()}
        assert {"Report", "Anki deck"} <= set(found)
        root = f"http://127.0.0.1:{server.port}"
        status, headers, body = ask(root + found["Anki deck"], Cookie=cookie)
        assert (status, body[:2], "attachment" in headers["Content-Disposition"]) == (200, b"PK", True)
        report = tab.context.new_page()
        report.on("pageerror", lambda error: tab.problems.append(str(error)))
        report.goto(root + found["Report"])
        assert report.locator(".card").count() == 1
        assert tab.problems == []


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_pages_fit_the_screen_and_axe_finds_nothing_serious(chromium, server, cookie, runs, width, dark):
    with Tab(chromium, server, cookie, width=width, dark=dark) as tab:
        tab.ready()
        for place, there in (("", ".lb-card"), ("jobs", ".lb-job"), (f"episode/{MOON}", "video"), (f"episode/{MOON}/files", ".lb-files")):
            tab.go(place)
            tab.page.wait_for_selector(there)
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, place
            assert violations(tab.page) == [], place
            tab.shot(f"{(place.split('/')[0] or 'library')}{'-files' if 'files' in place else ''}-{width}-{'dark' if dark else 'light'}")
        assert tab.problems == []


@pytest.fixture(scope="module")
def served(chromium, server, cookie, runs):
    "Every address that a page of the dashboard asks for, in all its views."
    with Tab(chromium, server, cookie) as tab:
        tab.ready()
        for place, there in (("jobs", ".lb-job"), (f"episode/{MOON}", "video"), (f"episode/{MOON}/files", ".lb-files"), (f"episode/{MOON}/review", ".lb-stage button")):
            tab.go(place)
            tab.page.wait_for_selector(there)
        tab.page.wait_for_timeout(500)
        links = tab.page.evaluate("[...document.querySelectorAll('[src], [href]')].map(one => one.src || one.href)")
        found = {url.split("#")[0] for url in [*tab.requests, *links] if isinstance(url, str)}
        yield sorted(url for url in found if urlsplit(url).scheme in ("http", "ws"))


FORGED = ("", "langflix-8866=x.99999999999.00")
ALSO = (
    "", "files/lessons/.jobs/jobs.db", f"files/lessons/{MOON}/manifest.json", f"files/lessons/{MOON}/deck.apkg", f"files/media/Show/{MOON}.mp4", "files/sample/sample.mp4", "logout",
    "voila/templates/langflix/static/board.css", "voila/static/voila.js", "voila/labextensions/anywidget/package.json", "nothing",
    # what Jupyter and Voila have elsewhere
    "api", "api/kernels", "api/contents", "api/contents/x", "api/sessions", "api/terminals", "api/kernelspecs", "api/status", "api/me", "api/config/x", "terminals/1", "lab", "tree",
    "files/x.mp4", "voila/files/dashboard.ipynb", "voila/render/dashboard.ipynb", "voila/tree", "voila/api/contents", "voila/api/themes/x", "dashboard.ipynb", "metrics", "static/x.js",
)  # fmt: skip


def test_without_the_password_every_address_refuses(server, served, cookie):
    kinds = {urlsplit(url).path.split("/")[2] for url in served} | {urlsplit(url).scheme for url in served}
    assert {"api", "voila", "files", "ws"} <= kinds, "the crawl saw pages, static files, films, the kernel and its WebSocket"
    assert len(served) > 60
    urls = [*served, *(server.url + path for path in ALSO)]
    name = cookie.partition("=")[0]
    for url in urls:
        plain = url.replace("ws://", "http://")
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": server.url[:-4]} if url.startswith("ws") else {}
        for headers in ({}, {"Cookie": f"{name}=x.99999999999.00"}, {"Authorization": f"token {PASSWORD}"}, {"X_Forwarded_For": "127.0.0.1", "X_Forwarded_Host": "localhost"}):
            status, answered, body = ask(plain, **headers, **upgrade)
            login = status == 302 and answered["Location"].startswith("/tv/login")
            assert (status == 403 and b"This is not for you" in body) or (login and urlsplit(url).path == "/tv/"), (url, headers, status)
    for url in (server.url + path for path in ALSO):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
            assert ask(url, method)[0] in (403, 405), (url, method)
    print(f"{len(urls)} addresses refuse")


def test_the_password_opens_no_more_than_the_page_needs(server, cookie, runs):
    opens = {path: ask(server.url + path, Cookie=cookie)[0] for path in ALSO}
    assert {path for path, status in opens.items() if status == 200} == {
        "", f"files/lessons/{MOON}/manifest.json", f"files/lessons/{MOON}/deck.apkg", f"files/media/Show/{MOON}.mp4", "files/sample/sample.mp4",
        "voila/templates/langflix/static/board.css", "voila/static/voila.js", "voila/labextensions/anywidget/package.json",
    }  # fmt: skip
    assert {status for status in opens.values() if status != 200} == {404, 405}


@pytest.mark.parametrize("path", ["../../home/log", "%2e%2e/%2e%2e/log", "..%2f..%2flog", "/etc/passwd", "%2fetc%2fpasswd", ".jobs/jobs.db", "%00.mp4", "....//log", "..\\log", "outside.mp4"])
def test_nothing_outside_the_folders_is_given(server, cookie, path):
    (server.out / "outside.mp4").unlink(missing_ok=True)
    server.out.mkdir(exist_ok=True)
    (server.out / "outside.mp4").symlink_to("/etc/hostname")
    assert ask(f"{server.url}files/lessons/{path}", Cookie=cookie)[0] in (400, 403, 404)


def test_films_come_in_ranges(server, cookie):
    url = f"{server.url}files/media/Show/{MOON}.mp4"
    size = (SAMPLE / "sample.mp4").stat().st_size
    status, headers, body = ask(url, Cookie=cookie, Range="bytes=100-199")
    assert (status, headers["Content-Range"], body) == (206, f"bytes 100-199/{size}", (SAMPLE / "sample.mp4").read_bytes()[100:200])
    assert headers["Content-Type"] == "video/mp4"
    assert ask(url, Cookie=cookie, Range=f"bytes={size}-")[0] == 416
    status, headers, _ = ask(url, "HEAD", Cookie=cookie)
    assert (status, int(headers["Content-Length"])) == (200, size)
    assert ask(url, Cookie=cookie, If_None_Match=headers["Etag"])[0] == 304


def test_other_sites_and_other_names_change_nothing(server, cookie):
    own = f"http://127.0.0.1:{server.port}"
    for origin in ("http://evil.example", "null", f"{own}.evil.example", f"http://127.0.0.1:{server.port + 1}"):
        assert ask(server.url + "logout", "POST", b"", Cookie=cookie, Origin=origin)[0] == 403
        assert ask(server.url + "login", "POST", b"password=x", Origin=origin)[0] == 403
    assert ask(server.url + "voila/api/shutdown/00000000-0000-0000-0000-000000000000", "POST", b"", Cookie=cookie, Origin=own)[0] == 204


def kernel_of(server, cookie):
    page = ask(server.url, Cookie=cookie)[2].decode()
    return re.search(r'"kernelId": "([\w-]+)"', page).group(1)


def message(kind, **content):
    header = {"msg_id": f"m-{kind}", "msg_type": kind, "session": "s", "username": "u", "version": "5.3", "date": "2026-01-01T00:00:00Z"}
    return json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell", "buffers": []})


def test_the_websocket_runs_no_code(server, cookie):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    kernel, own = kernel_of(server, cookie), f"http://127.0.0.1:{server.port}"
    url = f"{server.url.replace('http', 'ws')}api/kernels/{kernel}/channels?session_id=s"
    for headers, origin in (({}, own), ({"Cookie": cookie}, "http://evil.example"), ({"Cookie": cookie}, "null")):
        with pytest.raises(InvalidStatus, match="403"):
            connect(url, origin=origin, additional_headers=headers).close()
    target = server.home / "written"
    with connect(url, origin=own, additional_headers={"Cookie": cookie}) as socket:
        socket.send(message("execute_request", code=f"open({str(target)!r}, 'w').close()", silent=False, store_history=False, user_expressions={}, allow_stdin=False))
        socket.send(message("kernel_info_request"))
        kinds = []
        while "kernel_info_reply" not in kinds[1:] and len(kinds) < 20:
            told = json.loads(socket.recv(timeout=60))
            kinds.append(told["msg_type"] if told["parent_header"].get("msg_id", "").startswith("m-") else "")
    assert "kernel_info_reply" in kinds
    assert "execute_reply" not in kinds
    assert not target.exists()
    assert ask(f"{server.url}api/kernels/{kernel}", "DELETE", Cookie=cookie)[0] == 405


def test_sources_and_tracebacks_are_not_on_the_page(server, cookie):
    page = ask(server.url, Cookie=cookie)[2].decode()
    assert "langflix.page" not in page
    assert str(server.home) not in page


def test_a_kernel_that_waited_long_is_not_taken_for_one_whose_page_is_gone():
    from langflix.dashboard import _left, note_pages

    long_ago = datetime.now(UTC) - timedelta(hours=1)
    kernels = {name: SimpleNamespace(last_activity=long_ago) for name in ("left", "just given")}
    manager = SimpleNamespace(_pools={}, list_kernel_ids=lambda: list(kernels), get_kernel=kernels.get, _kernel_connections={})
    note_pages(manager, before=["left"])
    assert (_left(manager, "left"), _left(manager, "just given")) == (True, False)


def test_pages_beyond_the_limit_get_a_kind_message_and_kernels_come_back(tmp_path, chromium):
    with dashboard(tmp_path / "home", LANGFLIX_DASHBOARD__MAX_PAGES="2") as small:
        key, tabs = log_in(small), []
        for _ in range(2):
            tabs.append(Tab(chromium, small, key))
            tabs[-1].page.wait_for_selector(".lb-empty")
        status, headers, body = ask(small.url, Cookie=key)
        assert (status, headers["Retry-After"], b"opens by itself" in body) == (503, "5", True)
        for tab in tabs[:1] * 4:  # a reload ends the kernel of the page before
            tab.page.reload()
            tab.page.wait_for_selector(".lb-empty")
        for tab in tabs:
            tab.page.goto("about:blank")
        end = time.monotonic() + 20
        while len(small.kernels()) > 1:
            assert time.monotonic() < end, small.kernels()
            time.sleep(0.2)
        for tab in tabs:
            tab.context.close()


def test_after_a_restart_the_page_finds_its_way_back(tmp_path, chromium):
    with dashboard(tmp_path / "home") as one, Tab(chromium, one, log_in(one), "#/jobs") as tab:
        tab.page.wait_for_selector("h1:has-text('Jobs')")
        one.stop(signal.SIGKILL)
        tab.page.wait_for_selector(".lb-banner", timeout=60_000)
        one.start()
        tab.page.wait_for_selector(".lb-banner", state="detached", timeout=60_000)
        tab.page.wait_for_selector("h1:has-text('Jobs')")
        assert urlsplit(tab.page.url).path == "/", "still logged in"


@pytest.mark.parametrize(
    ("options", "says"),
    [(["--host", "0.0.0.0"], "without a password"), (["--trust-proxy"], "without a password"), (["--port", "1"], ""), (["--base-url", "a b"], "base_url")],
)  # fmt: skip
def test_a_start_that_would_not_be_safe_is_refused(tmp_path, options, says, monkeypatch):
    from typer.testing import CliRunner

    from langflix.cli import app

    monkeypatch.chdir(tmp_path)
    if options == ["--port", "1"]:
        import socket

        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            done = CliRunner().invoke(app, ["dashboard", "--port", str(taken.getsockname()[1])])
            says = "cannot listen"
    else:
        done = CliRunner().invoke(app, ["dashboard", *options])
    assert done.exit_code == 2
    assert says in done.output


def test_what_was_reviewed_is_rendered(chromium, tmp_path):
    "A run that stops for a look, a decision in the browser that is not saved by hand, and lessons without what was dropped."
    home = tmp_path / "home"
    (home / "media").mkdir(parents=True)
    shutil.copy(SAMPLE / "sample.mp4", home / "media" / f"{MOON}.mp4")
    shutil.copy(SAMPLE / "sample.en.srt", home / "media" / f"{MOON}.en.srt")
    with dashboard(home, password=None) as server, Tab(chromium, server, None) as tab:
        tab.ready().page.get_by_role("button", name="Make lessons").click()
        tab.page.fill("dialog input[name=max]", "2")
        tab.page.check("dialog input[name=review]")
        tab.page.locator("dialog").get_by_role("button", name="Make lessons").click()
        tab.page.locator(".lb-card").get_by_role("link", name="Review").click(timeout=60_000)
        tab.page.locator(".lb-stage").get_by_role("button", name="Drop").first.click()
        tab.page.get_by_role("button", name="Make lessons as reviewed").click()
        tab.page.wait_for_selector(".lb-job[data-state=ready] >> text=1 lesson", timeout=60_000)
        manifest = json.loads((server.out / MOON / "manifest.json").read_text())
        assert len(manifest["lessons"]) == 1
        assert any(one["reason"] == "review" for one in manifest["dropped"])
        assert tab.problems == []
