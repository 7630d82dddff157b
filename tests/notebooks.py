"""A real JupyterLab and a real Voila on free ports of loopback, each with directories of its own, and notebooks to open in them."""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from servers import free_port

LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Light", "adaptive-theme": True, "preferred-light-theme": "JupyterLab Light", "preferred-dark-theme": "JupyterLab Dark"},
}


def write_notebook(path: Path, *cells: str) -> Path:
    "A notebook of some cells of code."
    made = [{"cell_type": "code", "id": f"c{number}", "metadata": {}, "execution_count": None, "outputs": [], "source": source} for number, source in enumerate(cells)]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    path.write_text(json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path


def _environment(home: Path) -> dict[str, str]:
    "Directories of its own, so that nothing of this machine's user is read or written."
    places = {f"JUPYTER_{name}_DIR": home / name.lower() for name in ("CONFIG", "RUNTIME", "DATA")}
    places |= {f"JUPYTERLAB_{name}_DIR": home / f"lab-{name.lower()}" for name in ("SETTINGS", "WORKSPACES")}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    for name, values in LAB_SETTINGS.items():
        extension, _, plugin = name.partition(":")
        file = places["JUPYTERLAB_SETTINGS_DIR"] / extension / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY_", "LANGFLIX_", "VOILA_"))}
    return kept | {name: str(place) for name, place in places.items()} | {"HOME": str(home), "IPYTHONDIR": str(home / "ipython"), "JUPYTER_PLATFORM_DIRS": "1"}


@contextmanager
def _running(command: list[str], home: Path, address: str):
    "A server that answers; it and its kernels end with the block."
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=home, env=_environment(home), stdout=log, stderr=log, start_new_session=True)
    try:
        end = time.monotonic() + 60
        while True:
            assert process.poll() is None, (home / "log").read_text()
            assert time.monotonic() < end, (home / "log").read_text()
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def jupyterlab(root: Path, home: Path):
    "JupyterLab in a folder; gives a function from a notebook's name to the address that opens it alone on the page."
    port, token = free_port(), secrets.token_hex(16)
    options = [f"--ServerApp.root_dir={root}", f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", "--no-browser", "--allow-root"]
    command = [sys.executable, "-m", "jupyterlab", *options, "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly", "--LabApp.news_url=None"]
    with _running(command, home, f"http://127.0.0.1:{port}/api"):
        yield lambda name: f"http://127.0.0.1:{port}/doc/tree/{name}?token={token}&reset"


@contextmanager
def voila(notebook: Path, home: Path):
    "Voila with one notebook; gives its address."
    port = free_port()
    command = [sys.executable, "-m", "voila", str(notebook), f"--port={port}", "--no-browser", "--Voila.ip=127.0.0.1", "--Voila.port_retries=0"]
    with _running(command, home, f"http://127.0.0.1:{port}/voila/static/none"):
        yield f"http://127.0.0.1:{port}/"


def run_all(opened) -> None:
    "Run the notebook that is open in JupyterLab."
    opened.wait_for_function("window.jupyterapp?.shell?.currentWidget?.content?.widgets?.length && jupyterapp.shell.currentWidget.sessionContext?.session?.kernel?.status === 'idle'", timeout=60_000)
    opened.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
