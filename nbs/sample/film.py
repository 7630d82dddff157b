"""The picture: every frame is composed from sprites, numbered, and piped into ffmpeg."""

from __future__ import annotations

import subprocess
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import moves
import numpy as np
import scenes
from counter import stamp
from figures import HEAD_Y, SHEET_H, SHEET_W, Pose, lit_figure
from pen import HEIGHT, WIDTH, lay
from timeline import FPS, RATE, Cue, Play, Take, Timeline

WIDE, CLOSE = 1.14, 1.62  # pixels a unit
TITLE_MS = 2900  # how long the title card stays
FADE = 9  # frames to or from black at a change of place
ENCODER = ("-c:v libx264 -profile:v high -pix_fmt yuv420p -preset slow -tune animation -crf {crf} -g 250 -keyint_min 250 "
           "-sc_threshold 0 -bf 3 -threads 4 -color_primaries bt709 -color_trc bt709 -colorspace bt709 "
           "-c:a aac -b:a 80k -ar 48000 -ac 2 -map_metadata -1 -fflags +bitexact -flags:v +bitexact "
           "-flags:a +bitexact -movflags +faststart")
# Where people stand, by how many they are.
STANDS: dict[int, list[int]] = {0: [], 1: [640], 2: [400, 880], 3: [270, 640, 1010]}


@dataclass(frozen=True)
class Moment:
    """All that the picture of one frame depends on."""

    number: int
    place: str
    people: tuple[str, ...]
    speaker: str  # who spoke last; empty before the first word of a scene
    cue: Cue | None  # the cue that is heard or was heard last
    close: bool
    openness: float  # of the speaker's mouth, 0..1
    black: float  # 0 the picture, 1 black
    moods: dict[str, str]  # of those who do not speak, where they are not calm


def ms_of(frame: int) -> float:
    """When a frame is shown."""
    return float(frame * 1000 / FPS)


def envelope(take: Take) -> np.ndarray:
    """Loudness of a take for each frame that it lasts, 0..1."""
    step = float(RATE / FPS)
    count = int(len(take.sound) / step) + 1
    parts = [take.sound[int(i * step) : int((i + 1) * step)] for i in range(count)]
    loud = np.array([np.sqrt(np.mean(p**2)) if len(p) else 0.0 for p in parts])
    return loud / max(loud.max(), 1e-9)


class Script:
    """Answers what happens at a moment of the timeline."""

    def __init__(self, play: Play, time: Timeline):
        self.play, self.time = play, time
        self.starts = [cue.start_ms for cue in time.cues]
        self.takes = [take for cue in time.cues for take in cue.takes]
        self.take_starts = [take.start_ms for take in self.takes]
        self.loud = [envelope(take) for take in self.takes]

    def scene_at(self, ms: float) -> int:
        """The scene whose picture is shown."""
        return bisect_right(self.time.cuts_ms, ms) - 1

    def cue_at(self, ms: float, scene: int) -> Cue | None:
        """The latest cue of the scene that has begun."""
        index = bisect_right(self.starts, ms + 20) - 1
        return self.time.cues[index] if index >= 0 and self.time.cues[index].scene == scene else None

    def voice_at(self, ms: float) -> tuple[Take | None, float]:
        """The latest take and how loud it is now; voices only move a mouth in the picture."""
        index = bisect_right(self.take_starts, ms + 20) - 1
        if index < 0:
            return None, 0.0
        at = int(round(ms - self.take_starts[index]) / 1000 * FPS) // 2 * 2
        loud = self.loud[index]
        return self.takes[index], float(loud[at]) if 0 <= at < len(loud) else 0.0

    def black_at(self, ms: float) -> float:
        """How dark the frame is: around every change of place, at the start and at the end."""
        pairs = zip(self.time.cuts_ms, self.play["scenes"], strict=True)
        longs = [cut for cut, scene in pairs if scene["pause_ms"] >= 5000 or cut == 0]
        edges = [*longs, TITLE_MS, self.time.end_ms]
        near = min(abs(ms - edge) for edge in edges) * float(FPS) / 1000
        return max(0.0, 1 - near / FADE)

    def moment(self, n: int) -> Moment:
        """Everything about frame `n`."""
        ms = ms_of(n)
        index = self.scene_at(ms)
        scene, cue = self.play["scenes"][index], self.cue_at(ms, index)
        take, loud = self.voice_at(ms)
        ended = cue is None or ms > cue.end_ms + 1500
        speaker = take.by if cue and take and not take.unseen and not ended else ""
        place = "title" if ms < TITLE_MS else scene["place"]
        people = () if place == "title" else tuple(scene["people"])
        close = bool(cue and cue.beat.get("shot") == "close" and ms < cue.end_ms + 700)
        moods = dict.fromkeys(people, cue.beat["all"]) if cue and "all" in cue.beat else scene.get("rest", {})
        return Moment(n, place, people, speaker, cue, close, loud, self.black_at(ms), moods)


def pose_of(name: str, moment: Moment, x: int, speaker_x: int) -> Pose:
    """How somebody looks at a moment."""
    blink = (moment.number + 37 * len(name) + ord(name[0]) * 11) % (83 + ord(name[0]) % 7 * 5) < 4
    look = (speaker_x > x) - (speaker_x < x)
    if name != moment.speaker or moment.cue is None:
        return Pose(0, moment.moods.get(name, "calm"), blink, look)
    take = max((t for t in moment.cue.takes if t.start_ms <= ms_of(moment.number) + 20), key=lambda t: t.start_ms)
    talks = take.by == name and "sound" not in moment.cue.beat
    level = int(np.digitize(moment.openness, [0.1, 0.38, 0.7])) if talks else 0
    hand = moment.cue.number % 3 == 0 and not moment.close
    return Pose(level, take.mood, blink, 0 if moment.close else (1 if x < 640 else -1), hand)


class Camera:
    """Composes frames; remembers how bright each person was in the frame before."""

    def __init__(self) -> None:
        self.light: dict[str, float] = {}

    def light_on(self, name: str, moment: Moment) -> float:
        """Brightness of a person: the speaker's rises and the others' falls, a little with each frame."""
        goal = 1.0 if moment.speaker in ("", name) else 0.74
        was = self.light.get(name, goal)
        now = min(goal, was + 0.08) if goal > was else max(goal, was - 0.08)
        self.light[name] = round(now, 2)
        return self.light[name]

    def wide(self, frame: np.ndarray, moment: Moment) -> None:
        """Everybody, the speaker brighter and a little livelier."""
        spots = dict(zip(moment.people, STANDS[len(moment.people)], strict=True))
        for name, x in spots.items():
            pose = pose_of(name, moment, x, spots.get(moment.speaker, x))
            scale = scenes.SCALE.get(moment.place, WIDE)
            figure = lit_figure(name, pose, scale, scenes.LIGHT[moment.place], self.light_on(name, moment))
            bounce = round(3 * moment.openness) if name == moment.speaker else 0
            breath = round(1.4 * np.sin(moment.number / 17 + x))
            lay(frame, figure, x - round(SHEET_W * scale / 2), HEIGHT - round(SHEET_H * scale) + 8 - bounce + breath)

    def near(self, frame: np.ndarray, moment: Moment) -> None:
        """The speaker alone, head and shoulders."""
        stand = STANDS[len(moment.people)][moment.people.index(moment.speaker)]
        x = 560 if stand < 640 else 720 if stand > 640 else 640
        pose = pose_of(moment.speaker, moment, x, x)
        figure = lit_figure(moment.speaker, pose, CLOSE, scenes.LIGHT[moment.place], 1.0)
        top = 330 - round((SHEET_H + HEAD_Y[moment.speaker]) * CLOSE)
        lay(frame, figure, x - round(SHEET_W * CLOSE / 2), top - round(4 * moment.openness))

    def opening(self, moment: Moment) -> float:
        """How far the stage's curtain is open, 0..1."""
        if moment.place != "stage" or moment.cue is None:
            return 0.0
        if moment.cue.beat.get("sound") != "curtain":
            return 1.0
        part = (ms_of(moment.number) - moment.cue.start_ms) / (moment.cue.end_ms - moment.cue.start_ms)
        return float(np.clip(part, 0, 1) ** 2 * (3 - 2 * np.clip(part, 0, 1)))

    def people(self, moment: Moment) -> np.ndarray:
        """The place with the people in it, near or far."""
        close = moment.close and moment.speaker in moment.people
        stands = dict(zip(moment.people, STANDS[len(moment.people)], strict=True))
        back = scenes.near(moment.place, stands[moment.speaker]) if close else scenes.background(moment.place)
        frame: np.ndarray = back.copy()
        for move in moves.MOVES[moment.place]:
            move(frame, moment.number, close)
        (self.near if close else self.wide)(frame, moment)
        merry = bool(moment.cue and moment.cue.beat.get("sound") in ("laugh", "applause"))
        moves.in_front(frame, moment.place, moment.number, close, self.opening(moment), merry)
        return frame

    def take(self, moment: Moment) -> np.ndarray:
        """The finished frame, (720, 1280, 3) uint8."""
        if moment.cue and moment.cue.beat.get("shot") == "cat":
            frame = scenes.near(moment.place, WIDTH // 2).copy()
            moves.cat_alone(frame, moment.number)
        else:
            frame = self.people(moment)
        if moment.black:
            frame = frame * round(256 * (1 - moment.black)) // 256
        done = frame.astype(np.uint8)
        stamp(done, moment.number)
        return done


def frames(play: Play, time: Timeline) -> Iterator[np.ndarray]:
    """Yield every frame of the film in order."""
    script, camera = Script(play, time), Camera()
    for n in range(time.frames):
        yield camera.take(script.moment(n))


def shoot(play: Play, time: Timeline, sound: Path, out: Path, ffmpeg: str, crf: int = 28) -> None:
    """Compose all frames and encode them with the sound into `out`."""
    pixels = f"-f rawvideo -pix_fmt rgb24 -s {WIDTH}x{HEIGHT} -framerate {FPS.numerator}/{FPS.denominator} -i -"
    colours = "-vf scale=out_color_matrix=bt709:out_range=tv,setsar=1"
    command = [ffmpeg, "-v", "error", "-y", *pixels.split(), "-i", str(sound), *colours.split(),
               *ENCODER.format(crf=crf).split(), str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
        assert encoder.stdin is not None
        for frame in frames(play, time):
            encoder.stdin.write(frame.tobytes())
        encoder.stdin.close()
    if encoder.returncode:
        raise RuntimeError(f"ffmpeg ended with status {encoder.returncode}; its message is above")
