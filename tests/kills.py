"""A storm of kills: a real service at work whose processes are killed at random moments, and an account of what came of it.

The plan of a storm, who is killed and when, follows from its seed.
What is counted is seen from outside: requests by the server that was asked, files by the notices of the system.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import struct
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
from notices import Notices, hashed
from servers import RedisServer, place
from service import SAMPLE, Service

from langflix.chunks import make_chunks
from langflix.config import Settings
from langflix.episode import open_subtitles
from langflix.episode_run import check_parameters, settings_of
from langflix.gemini import GeminiAnalyzer
from langflix.job import FINISHED, Job
from langflix.jobs import open_jobs
from langflix.processes import started
from langflix.stand_in import PHRASES, Elsewhere, Script, stand_in_process

MARK = "STORM"  # what all processes of a storm have in their environment
VICTIMS = {"server": 6, "redis": 5, "kernel": 7, "job": 3, "warden": 2, "ffmpeg": 4}  # and how often each is chosen
_SIGNS = {"kernel": "ipykernel_launcher", "job": "langflix.notebook_run", "warden": "langflix.warden"}


@dataclass(frozen=True)
class Blow:
    "One kill of a plan."

    pause_s: float  # after the one before
    victim: str
    choice: float  # which one, when there are several
    away_s: float  # how long a server stays away


def plan(seed: int, kills: int | list[str], victims: dict[str, int], pause_s: float) -> list[Blow]:
    "The kills of a storm: so many with victims that are drawn, or of these; each pause is drawn evenly from nothing to twice the mean."
    dice = random.Random(seed)
    drawn = dice.choices(list(victims), list(victims.values()), k=kills) if isinstance(kills, int) else kills
    return [Blow(dice.uniform(0, 2 * pause_s), victim, dice.random(), dice.uniform(0, 1.5)) for victim in drawn]


# Episodes, each with a film and lines of its own, so that no two share any work

_WORDS = "the our a my some every old green small quiet people dog street window garden morning train letter friend kitchen walks finds keeps sees brings reads likes waits".split()


def _lines(dice: random.Random, count: int) -> list[str]:
    "What is said in an episode; a few of the lines hold an expression."
    lines = [" ".join(dice.choice(_WORDS) for _ in range(8)).capitalize() + "." for _ in range(count)]
    for phrase, at in zip(PHRASES, dice.sample(range(count), len(PHRASES)), strict=True):
        lines[at] = f"{lines[at][:-1]}, {phrase}!"
    return lines


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


def make_episode(media: Path, number: int, seed: int, lines: int) -> dict[str, Any]:
    "Put an episode into the media folder; the parameters of its job."
    name, dice = f"Storm {number:02}.S01E01", random.Random(f"{seed}/{number}")
    cues = [f"{n + 1}\n{_clock(2000 + 900 * n)} --> {_clock(2820 + 900 * n)}\n{line}\n" for n, line in enumerate(_lines(dice, lines))]
    (media / f"{name}.en.srt").write_text("\n".join(cues))
    film = media / f"{name}.mp4"
    shutil.copyfile(SAMPLE / "sample.mp4", film)
    with film.open("ab") as file:
        file.write(struct.pack(">I4s", 8 + 16, b"free") + uuid.UUID(int=dice.getrandbits(128)).bytes)  # another film to whoever compares files
    return {
        "video": film.name, "max_expressions": dice.choice([1, 2]), "level": dice.choice(["A2", "B1"]), "mode": dice.choice(["separate", "combined"]),
        "settings": {"lessons": {"preset": "ultrafast", "repeat_count": dice.choice([1, 2])}},
    }  # fmt: skip


# Processes


def _file(pid: int, name: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def processes(mark: str) -> dict[int, list[str]]:
    "The living processes of a storm, each with its first words."
    wanted, found = f"{MARK}={mark}".encode(), {}
    for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
        if pid != os.getpid() and wanted in _file(pid, "environ").split(b"\0") and started(pid):
            found[pid] = _file(pid, "cmdline").decode("utf-8", "replace").split("\0")[:4]
    return found


def kind_of(words: list[str]) -> str:
    "What a process is, by its command."
    if Path(words[0]).name == "ffmpeg":
        return "ffmpeg"
    return next((kind for kind, sign in _SIGNS.items() if any(sign in word for word in words[1:3])), "other")


# The storm


@dataclass
class Kill:
    "A kill that happened."

    at: float  # seconds since 1970
    victim: str
    pid: int
    wanted: str  # the victim that the plan named


@dataclass
class Storm:
    "A service, the servers that it needs, and those who kill and restart them."

    folder: Path
    seed: int
    store: str  # redis or local
    kills: int | list[str] = 30
    pause_s: float | None = None  # between two kills, on average; by default a third of what a job takes here
    slots: int = 2
    jobs_at_most: int = 40
    lines: int = 230  # of an episode
    compared: int | None = None  # how many jobs are run again in calm weather; by default all
    victims: dict[str, int] = field(default_factory=lambda: dict(VICTIMS))
    tell: Any = lambda *words: None
    done: list[Kill] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)  # what was handed in, by its id
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __enter__(self) -> "Storm":
        if self.store == "local":
            self.victims.pop("redis", None)
        self._held = ExitStack()
        try:
            self._open()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._held.close()

    def _open(self) -> None:
        self.redis = RedisServer(self._held.enter_context(place({}))) if self.store == "redis" else None
        self.stand_in = self._held.enter_context(stand_in_process(Script(latency_s=1.0)))
        self.clock = _clock_of(self.stand_in)
        for name in ("tmp", "media"):
            (self.folder / name).mkdir(parents=True)
        self.service = self.new_service("storm", self.stand_in, self.redis)
        self.calm = self.new_service("calm", self._held.enter_context(stand_in_process(Script())), None)
        self.cache = self.folder / "storm" / "cache"
        self.answers, self.segments, self.joined = (hashed(self.cache / name) for name in ("answers", "segments", "segments/joined"))
        self.notices = Notices(*self.answers, *self.segments, *self.joined)
        self._held.callback(self.notices.close)
        self._held.callback(self._clear)

    def new_service(self, name: str, stand_in: Elsewhere, redis: RedisServer | None) -> Service:
        "A service that asks a stand-in."
        environment = {MARK: self.mark, "GEMINI_API_KEY": "none", "TMPDIR": str(self.folder / "tmp")}
        own = {"redis": {"url": redis.url}} if redis else {}
        return Service(
            self.folder / name, environment=environment, paths={"media": str(self.folder / "media")}, analyzer="gemini", jobs={"slots": self.slots},
            gemini={"endpoint": stand_in.url}, parallel_processing={"max_workers": 2}, **own,
        )  # fmt: skip

    def _clear(self) -> None:
        "Leave nothing of a storm that went wrong."
        if self.redis:
            self.redis.kill()
        while left := processes(self.mark):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for service in (self.service, self.calm):
                if service.process:
                    service.process.wait()
            time.sleep(0.05)

    def measure(self) -> float:
        "Run the first job in calm weather; how long it took."
        ask = make_episode(self.folder / "media", 1, self.seed, self.lines)
        began = time.monotonic()
        self._in_calm([ask])
        return time.monotonic() - began

    def _in_calm(self, asks: list[dict[str, Any]]) -> None:
        "Run jobs where nobody is killed."
        if not asks:
            return
        self.calm.start()
        try:
            with self.calm.http() as http:
                for ask in asks:
                    http.post("/api/v1/jobs", json={"parameters": ask}).raise_for_status()
                self._wait_for("ends in calm", lambda: not self._at_work(http), 1800)
                assert all(job["state"] == "done" for job in http.get("/api/v1/jobs?limit=200").json()["items"])
        finally:
            self.calm.end()

    # Killing and restarting

    def rage(self) -> None:
        "All kills of the plan, while jobs are handed in as long as it lasts."
        if self.redis:
            self.redis.start()
        self.service.start()
        over, self._unanswered = threading.Event(), None
        clients = ThreadPoolExecutor(1)
        handing_in = clients.submit(self._hand_in, over)
        self._back: dict[str, float] = {}  # when a server is started again
        try:
            for blow in plan(self.seed, self.kills, self.victims, self.pause_s or 2.0):
                self._until(time.monotonic() + blow.pause_s)
                self._strike(blow)
            self._until(max(self._back.values(), default=0.0))
            self._revive()
        finally:
            over.set()
            clients.shutdown()
        handing_in.result()
        self._wait_for("answers", self.service.answers, 120)
        if self._unanswered:
            with self.service.http() as http:
                self._wait_for("answer to a request", lambda: self._ask(http, *self._unanswered), 60)

    def _until(self, moment: float) -> None:
        "Wait for a moment, and restart what is due, as a manager of services does."
        while time.monotonic() < moment:
            self._revive()
            time.sleep(0.01)

    def _revive(self) -> None:
        now = time.monotonic()
        if self._back.get("redis", now + 1) <= now:
            del self._back["redis"]
            self.redis.start()
        if self._back.get("server", now + 1) <= now:
            del self._back["server"]
            self.service.launch()

    def _strike(self, blow: Blow, within_s: float = 120) -> None:
        "Kill a victim as soon as there is one; when there is none for long, another one of the job, or the server."
        end = time.monotonic() + within_s
        while not (found := self._victims(blow.victim)):
            late = time.monotonic() > end
            if late and (found := next(filter(None, map(self._victims, ("kernel", "job", "server"))), [])):
                break
            self._until(time.monotonic() + 0.05)
        name, pid = found[int(blow.choice * len(found))]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self.done.append(Kill(time.time(), name, pid, blow.victim))
        self.tell(f"{len(self.done):3} killed {name:7} {pid}")
        if name == "server":
            self.service.process.wait()
            self.service.process = None
        elif name == "redis":
            self.redis.kill()
        if name in ("server", "redis"):
            self._back[name] = time.monotonic() + blow.away_s

    def _victims(self, name: str) -> list[tuple[str, int]]:
        if name == "server":
            process = self.service.process
            if process and process.poll() is not None:
                raise AssertionError(f"the server ended by itself:\n{self.service.log.read_text()[-3000:]}")
            return [(name, process.pid)] if process else []
        if name == "redis":
            return [(name, self.redis._process.pid)] if self.redis._process else []
        return [(name, pid) for pid, words in sorted(processes(self.mark).items()) if kind_of(words) == name]

    # Clients

    def _hand_in(self, over: threading.Event) -> None:
        "Keep a few jobs waiting; each request is repeated until it is answered."
        media = self.folder / "media"
        with self.service.http() as http:
            for number in range(1, self.jobs_at_most + 1):
                ask = make_episode(media, number, self.seed, self.lines)
                while not over.is_set() and not self._handed(http, number, ask):
                    over.wait(0.3)

    def _handed(self, http: httpx.Client, number: int, ask: dict[str, Any]) -> bool:
        "Whether a job is handed in now; not while others wait, or while the service cannot take it."
        with suppress(httpx.HTTPError):
            page = http.get("/api/v1/jobs?state=queued", timeout=5)
            if page.status_code != 200 or len(page.json()["items"]) >= 2:
                return False
            self._unanswered = number, ask
            return self._ask(http, number, ask)
        return False

    def _ask(self, http: httpx.Client, number: int, ask: dict[str, Any]) -> bool:
        "Whether a request was answered."
        answer = http.post("/api/v1/jobs", json={"parameters": ask}, headers={"idempotency-key": f"storm-{number}"}, timeout=5)
        if answer.status_code not in (200, 201):
            assert answer.status_code == 503, answer.text
            return False
        self.jobs[answer.json()["id"]], self._unanswered = ask, None
        return True

    def settle(self, within_s: float = 1200) -> None:
        "Wait until all jobs have ended."
        with self.service.http() as http:
            self._wait_for("ends of all jobs", lambda: not self._at_work(http), within_s)

    def _at_work(self, http: httpx.Client) -> int:
        "How many jobs have not ended."
        counts = http.get("/api/v1/jobs?limit=1").raise_for_status().json()["counts"]
        return counts["queued"] + counts["running"]

    def _wait_for(self, what: str, happened: Any, within_s: float) -> None:
        end = time.monotonic() + within_s
        while not happened():
            assert time.monotonic() < end, f"seed {self.seed}: no {what} in {within_s} s: {processes(self.mark)}\n{self.service.log.read_text()[-3000:]}"
            time.sleep(0.2)

    def mend(self) -> int:
        "Retry the jobs that have not made everything; how many there were."
        with self.service.http() as http:
            found = [http.get(f"/api/v1/jobs/{job_id}").json() for job_id in self.jobs]
            left = [job for job in found if job["state"] == "failed" or (job["result"] or {}).get("exit_status") == 3]
            for job in left:
                http.post(f"/api/v1/jobs/{job['id']}/retry").raise_for_status()
        self.settle()
        return len(left)

    # The account

    def records(self) -> list[tuple[Job, list[Any]]]:
        "All jobs as the store has them, each with what happened to it."
        url = {"redis": {"url": self.redis.url}} if self.redis else {}
        store = open_jobs(Settings(paths={"output": self.service.out}, **url))
        try:
            return [(store.get(job_id), store.events(job_id)) for job_id in self.jobs]
        finally:
            store.close()

    def ends(self) -> dict[str, Any]:
        "How the jobs ended, and how often."
        kept, store = self.records(), Counter[str]()
        for job, events in kept:
            ends = [event for event in events if event.state in FINISHED]
            store["ended_more_than_once"] += len(ends) > 1
            store["not_ended"] += not ends or not job.is_finished
            store["failed_without_a_reason"] += job.state == "failed" and not (job.error and job.error.message)
            store["changes_missing"] += [event.id for event in events] != list(range(1, job.version + 1))
        reasons = Counter(f"{job.error.kind}: {job.error.message}"[:120] for job, _ in kept if job.error)
        return {
            "handed_in": len(kept), **{state: sum(job.state == state for job, _ in kept) for state in ("done", "failed", "cancelled")},
            "in_part": sum((job.result or {}).get("exit_status") == 3 for job, _ in kept), "starts": sum(job.attempt for job, _ in kept),
            **dict(store), "reasons": dict(reasons),
        }  # fmt: skip

    def asked(self) -> dict[str, Any]:
        "What was asked: an answer that is kept may not be asked for again; a request whose sender was killed may."
        questions: dict[str, list[float]] = {}
        for request in self.stand_in.asked:
            if request.lines:
                questions.setdefault(_digest(request.lines), []).append(self.clock + request.at_s)
        keys = self._keys()
        kept = {path.stem: path.stat().st_ctime for folder in self.answers for path in folder.glob("*.json")}
        late = sum(at > kept.get(keys[question], float("inf")) for question, times in questions.items() for at in times)
        again = [(before, at) for times in questions.values() for before, at in pairwise(times)]
        kills = [kill.at for kill in self.done if kill.victim in ("server", "kernel", "job", "warden")]
        return {
            "questions": len(questions), "requests": sum(map(len, questions.values())), "cut_off_and_asked_again": len(again),
            "again_without_a_kill": sum(not any(before - 3 < at < after for at in kills) for before, after in again),
            "asked_although_kept": late, "kept_twice": sum(self.notices.placed[path] > 1 for path in self._placed("answers")),
            "without_an_answer": sum(keys[question] not in kept for question in questions),
        }  # fmt: skip

    def _keys(self) -> dict[str, str]:
        "Under which key the answer to each question is kept."
        found = {}
        for ask in self.jobs.values():
            video = self.folder / "media" / ask["video"]
            settings = settings_of(check_parameters({**ask, "video": str(video), "config": str(self.service.config)}))
            analyzer = GeminiAnalyzer(None, settings)
            for chunk in make_chunks(open_subtitles(video.with_suffix(".en.srt"), None, settings).cues):
                found[_digest([(cue.index, cue.line) for cue in chunk.cues])] = analyzer.key(chunk)
        return found

    def _placed(self, name: str) -> list[Path]:
        return [path for path in self.notices.placed if path.parent.parent == self.cache / name]

    def rendered(self) -> dict[str, Any]:
        "What was rendered: nothing twice; what was cut off by a kill may be begun again."
        def twice(name: str) -> int:
            return sum(self.notices.placed[path] > 1 for path in self._placed(name))

        begun = sum(count for path, count in self.notices.begun.items() if path.parent.parent == self.cache / "segments" and path.name == ".mov")
        return {
            "segments": len(self._placed("segments")), "segments_twice": twice("segments"), "segments_cut_off": begun - len(self._placed("segments")),
            "films_and_pictures": len(self._placed("segments/joined")), "films_and_pictures_twice": twice("segments/joined"), "notices_missed": self.notices.missed,
        }  # fmt: skip

    def left(self) -> dict[str, Any]:
        "What is left of the jobs once they have ended, and of everything once the service has."
        marked = {pid: words for pid, words in processes(self.mark).items() if kind_of(words) != "other" or b"LANGFLIX_JOB=" in _file(pid, "environ")}
        status = self.service.end()
        after = processes(self.mark)
        unfinished = list(self.service.out.rglob(".part-*"))
        return {
            "processes_of_jobs": len(marked), "processes_after_the_end": len(after), "status_of_the_service": status,
            "unfinished_files": len(unfinished), "temporary_folders": len(list((self.folder / "tmp").iterdir())),
        }  # fmt: skip

    def compare(self) -> int:
        "Run all jobs again in calm weather, with nothing kept; how many made something else."
        asks = list(self.jobs.values())[: self.compared]
        self._in_calm([ask for ask in asks if not (self.calm.out / Path(ask["video"]).stem / "manifest.json").exists()])
        unlike = 0
        for name in (Path(ask["video"]).stem for ask in asks):
            one, other = made(self.service.out / name), made(self.calm.out / name)
            for part in (part for part in one if one[part] != other[part]):
                self.tell(f"{name}: {part} is {one[part]}, in calm {other[part]}"[:2000])
            unlike += one != other
        return unlike


def _digest(lines: Any) -> str:
    return hashlib.sha256(json.dumps([list(line) for line in lines]).encode()).hexdigest()


def _clock_of(server: Elsewhere) -> float:
    "When a server began to count, in seconds since 1970."
    before = time.time()
    httpx.post(f"{server.url}/clock", json={}, trust_env=False, timeout=30)
    return before - server.asked[-1].at_s


_OWN = ("created_at", "stats")  # what each run has its own of


def made(folder: Path) -> dict[str, Any]:
    "What an episode's folder holds: its manifest without the run's own figures, and each video and picture as a hash."
    manifest = json.loads((folder / "manifest.json").read_text())
    films = {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.mp4"))}
    notes = [note for note in manifest["notes"] if not note[0].isdigit()]  # without the times that requests took
    return {**{name: value for name, value in manifest.items() if name not in _OWN}, "notes": notes, "films": films}


def storm(storm: Storm) -> dict[str, Any]:
    "The whole of it: kills, the account of them, and the same work in calm weather."
    with storm:
        took = storm.measure()
        storm.pause_s = storm.pause_s or took / 3
        began = time.monotonic()
        storm.rage()
        storm.settle()
        told = {
            "seed": storm.seed, "store": storm.store, "kills": dict(Counter(kill.victim for kill in storm.done)), "jobs": storm.ends(),
            "asked": storm.asked(), "rendered": storm.rendered(),
            "a_job_s": round(took, 1), "pause_s": round(storm.pause_s, 1), "storm_s": round(time.monotonic() - began, 1),
        }  # fmt: skip
        storm.tell(json.dumps(told))  # the rest takes a while
        told["mended"] = storm.mend()
        jobs = storm.ends()
        told["after_mending"] = {"done": jobs["done"], "in_part": jobs["in_part"], "asked": storm.asked(), "rendered": storm.rendered()}
        return {**told, "left": storm.left(), "unlike_in_calm": storm.compare(), "compared": min(storm.compared or len(storm.jobs), len(storm.jobs))}


_NEVER = {
    "ended_more_than_once", "not_ended", "failed_without_a_reason", "changes_missing", "cancelled", "again_without_a_kill", "asked_although_kept", "kept_twice",
    "segments_twice", "films_and_pictures_twice", "notices_missed", "processes_of_jobs", "processes_after_the_end", "status_of_the_service", "unfinished_files", "unlike_in_calm",
}  # fmt: skip


def faults(told: dict[str, Any], where: str = "") -> list[str]:
    "What may not happen in any storm, and did."
    found = [f"{where}{name}: {value}" for name, value in told.items() if name in _NEVER and value]
    return [*found, *(fault for name, value in told.items() if isinstance(value, dict) for fault in faults(value, f"{where}{name}."))]
