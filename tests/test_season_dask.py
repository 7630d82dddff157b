"""A season on a Dask cluster: real schedulers and workers, on machines of their own where the system lets us."""

import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from films import make_film
from namespaces import machines
from servers import free_port, redis_server
from stand_in import Script, stand_in_process

import langflix
from langflix.cluster import _PIECE, Cluster, _submit, bring_home
from langflix.config import Dask, load_settings
from langflix.core import LangFlixError, SettingsError, format_ms
from langflix.errands import AwayFile, Errand, Made, code_digest, digest_of, mapped, read_piece, travelling
from langflix.export import Manifest, read_manifest
from langflix.media import find_tools
from langflix.season import Season
from langflix.season_files import find_season
from langflix.stand_in import PHRASES

KEY, SHOW, EPISODES, CUES = "AIzaTheKeyThatMustNotTravel", "Harbour Lights", 4, 60
DASK = str(Path(sys.executable).with_name("dask"))
QUIET = {"DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "100", "PYTHONUNBUFFERED": "1"}
TALK = "the men of the harbour talked long about nets and ropes and lamps and the price of tar in the northern towns"


def subtitles(number: int) -> str:
    "Long lines, so that an episode needs many requests; a few say something worth learning."
    rows = []
    for cue in range(1, CUES + 1):
        phrase = PHRASES[(number + cue) % len(PHRASES)] if cue % 15 == 3 else "nothing at all"
        rows.append(f"{cue}\n{format_ms(cue * 600)} --> {format_ms(cue * 600 + 500)}\nIn year {number}, {cue}, {phrase}, said she; {TALK}.\n")
    return "\n".join(rows)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    "A season whose films another machine has under another name."
    root = tmp_path_factory.mktemp("season")
    folder, disk = root / "films" / SHOW, root / "disk" / SHOW
    folder.mkdir(parents=True)
    disk.mkdir(parents=True)
    film = make_film(root / "film.mp4", find_tools(), frames=900)
    for number in range(1, EPISODES + 1):
        for place in (folder, disk):
            os.link(film, place / f"{SHOW} - S01E{number:02}.mp4")
        (folder / f"{SHOW} - S01E{number:02}.en.srt").write_text(subtitles(number), encoding="utf-8")
    return folder


LESSONS = {"preset": "ultrafast", "repeat_count": 1, "max_expressions": 1}


def settings(place: Path, url: str | None = None, **more):
    gemini = {"gemini": {"api_key": KEY, "endpoint": url, "model": "gemini-2.5-flash", **more.pop("gemini", {})}} if url else {"analyzer": "embedded"}
    return load_settings(None, {"paths": {"output": place / "out", "cache": place / "cache"}, "lessons": LESSONS, **gemini, **more})


@contextmanager
def program(command: list[str], log: Path, environment: dict[str, str]):
    "A program that runs beside the test."
    with log.open("ab") as file:
        child = subprocess.Popen(command, stdout=file, stderr=file, env={**os.environ, **QUIET, **environment})
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def wait_for(what, seconds: float = 120.0, why: str = "") -> None:
    "Wait until something is so."
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"waited too long: {why}"
        threading.Event().wait(0.05)


def said(log: Path, words: str) -> bool:
    return log.is_file() and words in log.read_text(errors="replace")


def worth(folder: Path) -> dict:
    "All of an episode but times and what a run cost."
    manifest = read_manifest(folder)
    stats = {name: getattr(manifest.stats, name) for name in ("cues", "chunks", "answered", "failed", "dropped")}
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name not in (".lock", "made.json"))
    return {**manifest.model_dump(mode="json", exclude={"created_at", "notes", "stats"}), "stats": stats, "files": files}


def test_a_season_on_two_machines_is_that_of_one_though_a_machine_is_lost(tmp_path, films):
    with stand_in_process(Script(latency_s=0.05)) as service:
        alone = Season(find_season(films), settings(tmp_path / "alone", service.url)).run()
    assert [row.state for row in alone.rows] == ["made"] * EPISODES
    out, cache, log = tmp_path / "out", tmp_path / "cache", tmp_path / "log"
    for folder in (out, cache, log):
        folder.mkdir()
    # On a loaded machine a request arrives later than it was counted; tests/test_shared_quota.py says more.
    with machines() as network, redis_server() as redis, stand_in_process(Script(latency_s=0.3, rpm=600, rpm_burst=10)) as service:
        urls = {"redis": f"redis://{network.host}:{network.reach(redis.port)}/0", "service": f"http://{network.host}:{network.reach(int(service.url.rpartition(':')[2]))}"}
        scheduler = f"tcp://{network.host}:{free_port()}"
        secrets = {"GEMINI_API_KEY": KEY, "LANGFLIX_REDIS__URL": urls["redis"]}
        elsewhere = {str(films.parent): str(films.parent.parent / "disk")} | ({} if network.real else {str(out): "/nowhere/out", str(cache): "/nowhere/cache"})
        own = {"LANGFLIX_DASK__PATHS": json.dumps(elsewhere), "LANGFLIX_PATHS__CACHE": str(tmp_path / "cache of two")}
        one, two = network.add(), network.add()
        with program([DASK, "scheduler", "--host", network.host, "--port", scheduler.rpartition(":")[2], "--no-dashboard"], log / "scheduler", {}):
            for machine, more, hidden in ((one, {}, []), (two, own, [films.parent, out, cache])):
                worker = [DASK, "worker", scheduler, "--host", machine.address, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path / machine.name)]
                machine.start(worker, log / machine.name, {**QUIET, **secrets, **more}, hidden)
            wait_for(lambda: all(said(log / machine.name, "Registered to") for machine in (one, two)), why="workers")
            lines, child, listener = start_season(films, out, cache, scheduler, urls, secrets)
            wait_for(lambda: any(cache.glob("segments/??/*.mov")), why="a segment of the first machine; the other one has a cache of its own")
            one.cut_power()
            result = json.loads(child.communicate(timeout=240)[0])
            listener.join(60)
        asked = service.asked
    told = "\n".join(lines)
    assert (child.returncode, [row["state"] for row in result["episodes"]]) == (0, ["made"] * EPISODES), told
    assert "is gone; its work goes to others" in told
    assert "1 with storage of its own" in told
    assert ": bring" in told
    for row in alone.rows:
        assert worth(out / row.name) == worth(tmp_path / "alone" / "out" / row.name)
    statuses = Counter(one.status for one in asked)
    assert statuses[429] <= 0.01 * len(asked)
    assert len({one.body["contents"][0]["parts"][0]["text"] for one in asked if one.status == 200}) == EPISODES * 4
    assert len([*cache.glob("answers/??/*.json")]) == EPISODES * 4  # also those that the other machine was told
    assert not [*out.glob(".langflix-*"), *cache.glob(".langflix-*"), *(tmp_path / "cache of two").glob("away/*/*")]
    for path in (*log.iterdir(), *(tmp_path / "out").glob("*.season.json")):
        assert KEY not in path.read_text(errors="replace")
    assert KEY not in told


def start_season(films, out, cache, scheduler, urls, secrets):
    "The command; what it tells people is gathered as it runs."
    given = {
        "LANGFLIX_PATHS__CACHE": str(cache), "LANGFLIX_GEMINI__ENDPOINT": urls["service"], "LANGFLIX_GEMINI__MODEL": "gemini-2.5-flash", "LANGFLIX_GEMINI__RPM": "600",
        "LANGFLIX_LESSONS__PRESET": "ultrafast", "LANGFLIX_LESSONS__REPEAT_COUNT": "1", "LANGFLIX_LESSONS__MAX_EXPRESSIONS": "1",
    }  # fmt: skip
    command = [sys.executable, "-c", "from langflix.cli import main; main()", "season", str(films), "--out", str(out), "--scheduler", scheduler, "--json"]
    child = subprocess.Popen(command, env={**os.environ, **QUIET, **secrets, **given}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines: list[str] = []
    listener = threading.Thread(target=lambda stream=child.stderr: lines.extend(iter(stream.readline, "")), daemon=True)
    listener.start()
    child.stderr = None
    return lines, child, listener


# What a coordinator refuses to begin with


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    "An authority and a certificate, made as the manual says."
    folder = tmp_path_factory.mktemp("certificates")
    manual = (Path(__file__).parent.parent / "docs" / "cluster.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```sh\n(.*?)```", manual, re.DOTALL)
    for authority in ("ours", "another"):
        (folder / authority).mkdir()
        subprocess.run(["sh", "-e", "-c", script], cwd=folder / authority, check=True, capture_output=True)
    return folder


def tls(folder: Path) -> list[str]:
    return [f"--tls-{kind}={folder / name}.pem" for kind, name in (("ca-file", "ca"), ("cert", "cert"), ("key", "key"))]


def options(folder: Path) -> dict:
    return {f"tls_{name}": folder / f"{name}.pem" for name in ("ca", "cert", "key")}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, certificates):
    "A scheduler and a worker that speak TLS; the worker has no key. Gives the address, and the folder of logs."
    log, port, ours = tmp_path_factory.mktemp("log"), free_port(), certificates / "ours"
    address = f"tls://127.0.0.1:{port}"
    bare = {"GEMINI_API_KEY": "", "LANGFLIX_PATHS__CACHE": str(log / "cache")}
    command = [DASK, "scheduler", "--host", "127.0.0.1", "--protocol", "tls", "--port", str(port), "--no-dashboard", *tls(ours)]
    worker = [DASK, "worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(log / "scratch"), *tls(ours)]
    with program(command, log / "scheduler", {}), program(worker, log / "worker", bare):
        wait_for(lambda: said(log / "worker", "Registered to"), why="a worker")
        yield address, log


def refusal(given, films) -> str:
    "What is said to settings with which no season can begin, before Dask itself gives up, which takes it 30 seconds."
    began = time.monotonic()
    with pytest.raises(SettingsError) as caught:
        Cluster(films, given, given.paths.output).close()
    assert time.monotonic() - began < 25
    assert caught.value.exit_status == 2
    assert not list(given.paths.output.glob(".langflix-*"))
    return str(caught.value)


def test_a_season_is_made_over_tls(tmp_path, films, cluster, certificates):
    given = settings(tmp_path, dask={"scheduler": cluster[0], **options(certificates / "ours")})
    found, steps = find_season(films), []
    first = type(found)(found.root, found.episodes[:1])
    result = Season(first, given, show=lambda *step: steps.append(step[:2])).run()
    assert (result.exit_status, [row.state for row in result.rows]) == (0, ["made"])
    assert ("S01E01", "render") in steps  # told by the worker
    assert [row.state for row in Season(first, given).run().rows] == ["unchanged"]


def test_an_unsafe_or_strange_address_is_refused(tmp_path, films, cluster, certificates):
    plain = cluster[0].replace("tls", "tcp")
    assert "does not talk as a Dask scheduler" in refusal(settings(tmp_path, dask={"scheduler": plain}), films)
    assert "authority" in refusal(settings(tmp_path, dask={"scheduler": cluster[0], **options(certificates / "another")}), films)
    assert "dask.tls_ca: a tls:// address needs it" in refusal(settings(tmp_path, dask={"scheduler": cluster[0]}), films)
    assert "no scheduler listens" in refusal(settings(tmp_path, dask={"scheduler": f"tcp://127.0.0.1:{free_port()}"}), films)


def test_the_command_ends_at_once_where_no_scheduler_is(tmp_path, films):
    command = [sys.executable, "-c", "from langflix.cli import main; main()", "season", str(films), "--out", str(tmp_path), "--scheduler", f"tcp://127.0.0.1:{free_port()}"]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    assert time.monotonic() - began < 25
    assert done.returncode == 2
    assert "no scheduler listens at" in done.stderr
    assert "dask scheduler" in done.stderr


def test_processes_of_one_machine_make_a_season_and_leave_nothing(tmp_path, films):
    found = find_season(films)
    result = Season(type(found)(found.root, found.episodes[:2]), settings(tmp_path, dask={"processes": 2})).run()
    assert [row.state for row in result.rows] == ["made", "made"]
    assert not [*tmp_path.glob("*/.langflix-*"), *tmp_path.glob("cache/away/*")]


def wait_a_second(errand, files):
    "Work for a worker: leaves a sign that it has begun; answers with its process."
    files.sign.with_suffix(f".{os.getpid()}").touch()
    threading.Event().wait(1.0)
    return os.getpid()


def test_work_of_a_lost_worker_waits_for_the_next_one(tmp_path, films):
    cluster = Cluster(films, settings(tmp_path, dask={"processes": 1}), tmp_path / "out")
    try:
        done = _submit(cluster.tasks, "make", wait_a_second, cluster.errand, SimpleNamespace(label="S01E01", sign=tmp_path / "sign"))
        wait_for(lambda: [*tmp_path.glob("sign.*")], why="the first worker")
        first = int(next(tmp_path.glob("sign.*")).suffix[1:])
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: cluster.room() and done.done(), why="the next worker")
        assert done.result() != first
    finally:
        cluster.close()


def test_a_worker_without_a_key_or_without_films_is_named(tmp_path, films, cluster, certificates):
    dask = {"scheduler": cluster[0], **options(certificates / "ours")}
    keyless = refusal(settings(tmp_path, "http://127.0.0.1:9", dask=dask), films)
    assert re.search(r"worker tls://127.0.0.1:\d+ \(.+\): it has no Gemini key", keyless)
    assert "GEMINI_API_KEY" in keyless
    lost = refusal(settings(tmp_path, dask={**dask, "paths": {str(films): "/mnt/nowhere"}}), films)
    assert f"there is no folder /mnt/nowhere (the coordinator's {films})" in lost


def test_a_worker_of_another_version_is_named_with_both_versions(tmp_path, films, cluster, certificates):
    address, log = cluster
    facts = tmp_path / "other" / "langflix-0.0.9.dist-info" / "METADATA"
    facts.parent.mkdir(parents=True)
    facts.write_text("Metadata-Version: 2.1\nName: langflix\nVersion: 0.0.9\n")
    worker = [DASK, "worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(log / "scratch"), *tls(certificates / "ours")]
    with program(worker, log / "old", {"PYTHONPATH": str(facts.parent.parent)}):
        wait_for(lambda: said(log / "old", "Registered to"), why="the old worker")
        told = refusal(settings(tmp_path, dask={"scheduler": address, **options(certificates / "ours")}), films)
    assert re.search(r"worker tls://127.0.0.1:\d+ has langflix 0.0.9, this machine 0.1.0", told)


def test_a_worker_with_other_code_under_the_same_version_is_named(tmp_path, films, cluster, certificates):
    address, log = cluster
    copy = shutil.copytree(Path(langflix.__file__).parent, tmp_path / "other" / "langflix", ignore=shutil.ignore_patterns("__pycache__", "sample"))
    with (copy / "choice.py").open("a") as file:
        file.write("# another rule\n")
    worker = [DASK, "worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(log / "scratch"), *tls(certificates / "ours")]
    with program(worker, log / "other", {"PYTHONPATH": str(copy.parent)}):
        wait_for(lambda: said(log / "other", "Registered to"), why="the other worker")
        told = refusal(settings(tmp_path, dask={"scheduler": address, **options(certificates / "ours")}), films)
    assert re.search(r"worker tls://127.0.0.1:\d+ \(.+\): its langflix 0.1.0 is not the same program", told)
    assert "the same commit" in told


def test_the_digest_of_a_package_is_that_of_what_decides(tmp_path):
    for number in (1, 2):
        (tmp_path / f"{number}" / "data").mkdir(parents=True)
        (tmp_path / f"{number}" / "rules.py").write_text("pass\n")
        (tmp_path / f"{number}" / "data" / "words.tsv").write_text("hang in there\n")
    one, two = tmp_path / "1", tmp_path / "2"
    (two / "__pycache__").mkdir()
    (two / "__pycache__" / "rules.pyc").write_bytes(b"compiled")
    assert code_digest(one) == code_digest(two)
    (two / "data" / "words.tsv").write_text("hang on\n")
    assert code_digest(one) != code_digest(two)


def test_what_travels_holds_no_secret(tmp_path):
    given = settings(tmp_path, "http://proxy:8080", redis={"url": "redis://:redis-password@there/0"}, database={"url": "postgresql://u:database-password@there/x"})
    errand = Errand("run", travelling(given), {}, tmp_path, tmp_path, tmp_path, redis=True)
    sent = pickle.dumps(errand)
    assert b"gemini-2.5-flash" in sent
    for secret in (KEY, "redis-password", "database-password"):
        assert secret.encode() not in sent
    with pytest.raises(SettingsError, match="must not travel"):
        travelling(settings(tmp_path, "http://user:word@proxy:8080"))


def test_the_longest_name_of_a_folder_wins():
    names = {"/films": "/mnt/nas", "/films/new": "/mnt/ssd"}
    assert [str(mapped(Path(path), names)) for path in ("/films/a/1.mkv", "/films/new/2.mkv", "/filmstar/3.mkv")] == ["/mnt/nas/a/1.mkv", "/mnt/ssd/2.mkv", "/filmstar/3.mkv"]


# Lessons on their way home


def away(folder: Path, names: dict[str, bytes], manifest) -> Made:
    for name, data in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return Made(manifest, "tcp://there", str(folder), tuple(AwayFile(name, len(data), digest_of(folder / name)) for name, data in names.items()))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return Manifest(episode="E")


def test_files_come_in_pieces_and_only_where_they_are_new(tmp_path, manifest):
    made = away(tmp_path / "there", {"lessons/long/1.mp4": os.urandom(2 * _PIECE + 5), "report.html": b"x", "manifest.json": manifest.model_dump_json().encode()}, manifest)
    read, pieces = [], []

    def piece(folder, name, offset, size):
        data = read_piece(folder, name, offset, size)
        read.append(name)
        pieces.append(len(data))
        return data

    home = tmp_path / "home" / "E"
    bring_home(made, home, piece)
    assert read == ["lessons/long/1.mp4"] * 3 + ["report.html", "manifest.json"]  # the manifest comes last
    assert max(pieces) == _PIECE
    assert (home / "lessons/long/1.mp4").read_bytes() == (tmp_path / "there/lessons/long/1.mp4").read_bytes()
    read.clear()
    bring_home(made, home, piece)
    assert read == []


def test_a_damaged_or_straying_file_is_refused(tmp_path, manifest):
    made = away(tmp_path / "there", {"report.html": b"right"}, manifest)
    with pytest.raises(LangFlixError, match="came damaged"):
        bring_home(made, tmp_path / "home", lambda *where: b"wrong")
    assert not (tmp_path / "home" / "report.html").exists()
    straying = Made(manifest, "tcp://there", str(tmp_path), (AwayFile("../outside", 1, ""),))
    with pytest.raises(LangFlixError, match="outside its folder"):
        bring_home(straying, tmp_path / "home", lambda *where: b"x")


def test_episodes_go_to_one_place():
    with pytest.raises(ValueError, match="not both"):
        Dask(scheduler="tcp://x:1", processes=2)
