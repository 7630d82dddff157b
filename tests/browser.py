"""A real Chromium for pages that people look at: the system's own where there is one. `python tests/browser.py` installs one."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find():
    "The browser of this machine; nothing lets Playwright look for the one it installed itself."
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install():
    "Install a browser where none is found: by the system's packages where we may, else by Playwright."
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        if find() or os.path.exists(p.chromium.executable_path):
            return
    if shutil.which("apt-get"):
        rights = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
        steps = (["apt-get", "update", "--quiet"], ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "chromium"])
        if all(subprocess.run([*rights, *step], check=False).returncode == 0 for step in steps):
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


@contextmanager
def browser():
    "A running browser."
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=find(), args=[*options, "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"])
        yield chromium
        chromium.close()


@contextmanager
def page(chromium, address, width=1280, dark=False, **options):
    "A page of a size and a colour scheme; what goes wrong in it is in `page.problems`."
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce", **options)
    opened = context.new_page()
    opened.problems = []
    opened.on("console", lambda message: opened.problems.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: opened.problems.append(str(error)))
    opened.goto(address)
    yield opened
    context.close()


def violations(opened, impacts=("serious", "critical")):
    "What axe finds on a page, as lines to read."
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(opened).response["violations"]
    return [f"{one['impact']} {one['id']}: {node['target']} {node['failureSummary']}" for one in found if one["impact"] in impacts for node in one["nodes"]]


if __name__ == "__main__":
    install()
