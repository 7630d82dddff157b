"""The three people and the cat, drawn with one face for every state of eyes, mouth and mood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from pen import Pen, Sprite, dimmed, sprite

SHEET_W, SHEET_H = 460, 600  # units; (0, 0) of a figure is the middle of the sheet's lower edge
DARK = "#2a1a1f"
MOUTHS = [(0, 0), (9, 4), (12, 9), (13, 14)]  # half width and height by how open it is


@dataclass(frozen=True)
class Pose:
    """All that changes about a figure."""

    mouth: int = 0  # 0 closed .. 3 wide open
    mood: str = "calm"  # calm, happy, worried, sad, shocked
    blink: bool = False
    look: int = 0  # -1 left, 0 ahead, 1 right
    hand: bool = False  # one hand raised


@dataclass(frozen=True)
class Skin:
    """The colours of a face."""

    base: str
    shade: str
    blush: str
    brow: str


MAYA = Skin("#a86f4c", "#8c5839", "#bd7354", "#2b1b17")
THEO = Skin("#f6cfae", "#e3b08c", "#f0a58c", "#a4491f")
OPAL = Skin("#eec3a2", "#d8a27f", "#e8947f", "#9aa0ab")


def mirrored(half: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """An outline from its right half, whose first point lies in the middle."""
    return half + [(-x, y) for x, y in half[:0:-1]]


def limb(pen: Pen, points: list[tuple[float, float]], width: float, sleeve: str, skin: Skin) -> None:
    """An arm with its hand at the last point."""
    pen.line([points[0], points[1], points[2]], width, sleeve)
    pen.oval(*points[1], width / 2, width / 2, sleeve)
    pen.oval(points[2][0], points[2][1], width * 0.52, width * 0.52, skin.base)


def arms(pen: Pen, shoulder_x: float, shoulder_y: float, width: float, sleeve: str, skin: Skin, hand: bool) -> None:
    """Both arms; the right one is up when `hand` is."""
    s, y = shoulder_x, shoulder_y
    limb(pen, [(-s, y), (-s - 26, y + 110), (-s - 12, y + 205)], width, sleeve, skin)
    raised = [(s, y), (s + 46, y + 78), (s + 70, y - 22)]
    limb(pen, raised if hand else [(s, y), (s + 26, y + 110), (s + 12, y + 205)], width, sleeve, skin)


def eyes(pen: Pen, x: float, y: float, apart: float, pose: Pose, skin: Skin) -> None:
    """Two eyes, open or closed."""
    tall = 15 if pose.mood == "shocked" else 12
    for side in (-1, 1):
        ex = x + side * apart
        if pose.blink:
            pen.arc(ex, y - 2, 10, 8, 20, 160, 3.2, DARK)
            continue
        pen.oval(ex, y, 11, tall, "#fffaf2")
        pen.oval(ex + 4 * pose.look, y + 1, 6, 7, DARK)
        pen.oval(ex + 4 * pose.look + 2, y - 2, 2, 2, "#ffffff")
        if pose.mood == "sad":
            pen.arc(ex, y - 1, 12, tall, 190, 350, 5, skin.shade)


def brows(pen: Pen, x: float, y: float, apart: float, pose: Pose, skin: Skin) -> None:
    """Eyebrows: their height and slant carry most of the mood."""
    lift = {"calm": 0, "happy": -3, "worried": -4, "sad": 0, "shocked": -11}[pose.mood]
    slant = {"calm": 0, "happy": -1, "worried": 6, "sad": 8, "shocked": 1}[pose.mood]
    for side in (-1, 1):
        inner, outer = x + side * (apart - 11), x + side * (apart + 12)
        pen.line([(inner, y + lift - slant / 2), (outer, y + lift + slant / 2)], 5, skin.brow)


def mouth(pen: Pen, x: float, y: float, pose: Pose) -> None:
    """The mouth: a line when closed, teeth and tongue when open."""
    if pose.mouth == 0:
        curve = {"happy": 12, "calm": 5, "worried": -4, "sad": -8, "shocked": 0}[pose.mood]
        if pose.mood == "shocked":
            pen.oval(x, y, 5, 6, "#6d2230")
        elif curve > 0:
            pen.arc(x, y - curve, 17, curve + 3, 20, 160, 4, DARK)
        else:
            pen.arc(x, y - curve, 14, 3 - curve, 205, 335, 4, DARK)
        return
    rx, ry = MOUTHS[pose.mouth]
    wide = rx + (5 if pose.mood == "happy" else 0)
    pen.oval(x, y, wide, ry, "#6d2230")
    if pose.mouth > 1:
        pen.oval(x, y + ry * 0.55, wide * 0.6, ry * 0.4, "#d9626b")
        pen.box(x - wide * 0.62, y - ry * 0.92, wide * 1.24, ry * 0.42, "#fffaf2", 2)


def face(pen: Pen, x: float, y: float, pose: Pose, skin: Skin, apart: float = 25) -> None:
    """Everything between the hair and the chin."""
    pen.oval(x - apart - 14, y + 22, 12, 8, skin.blush)
    pen.oval(x + apart + 14, y + 22, 12, 8, skin.blush)
    eyes(pen, x, y - 4, apart, pose, skin)
    brows(pen, x, y - 28, apart, pose, skin)
    pen.arc(x + 1, y + 12, 7, 7, 20, 160, 3.4, skin.shade)
    mouth(pen, x, y + 38, pose)


def maya(pen: Pen, pose: Pose) -> None:
    """The director: curls, round glasses, headset, clipboard."""
    x, y = 0, -392
    pen.oval(x, y - 92, 40, 40, "#2b1b17")
    for cx, cy, r in [(50, -50, 42), (66, 4, 34), (58, 46, 28)]:
        pen.oval(x - cx, y + cy, r, r, "#2b1b17")
        pen.oval(x + cx, y + cy, r, r, "#2b1b17")
    pen.line([(-30, y - 112), (34, y - 84)], 7, "#f2b632")
    pen.shape([(34, y - 88), (45, y - 79), (31, y - 80)], "#f3d9b1")
    pen.box(-22, y + 50, 44, 50, MAYA.shade, 14)
    pen.blob(mirrored([(0, -318), (62, -300), (98, -262), (104, -120), (100, 20)]), "#e0a526")
    pen.box(-34, y + 76, 68, 30, "#cc931b", 14)
    pen.oval(x, y, 62, 72, MAYA.base)
    for cx, cy, r in [(-34, -60, 24), (0, -68, 25), (34, -60, 24), (-56, -32, 17), (56, -32, 17)]:
        pen.oval(x + cx, y + cy, r, r, "#2b1b17")
    face(pen, x, y + 6, pose, MAYA)
    for side in (-1, 1):
        pen.ring(x + side * 25, y + 2, 21, 21, 3.6, "#f4e7cf")
    pen.line([(-5, y - 1), (5, y - 1)], 3.6, "#f4e7cf")
    headset(pen, x, y)
    arms(pen, 84, -262, 42, "#cf961f", MAYA, pose.hand)
    clipboard(pen)


def headset(pen: Pen, x: float, y: float) -> None:
    """A band over the hair and a microphone."""
    pen.arc(x, y - 14, 72, 78, 190, 350, 7, "#3d4653")
    pen.oval(x + 66, y + 4, 14, 20, "#3d4653")
    pen.oval(x + 66, y + 4, 8, 13, "#e4574f")
    pen.arc(x + 34, y + 18, 34, 36, 10, 100, 4, "#3d4653")
    pen.oval(x + 27, y + 54, 7, 5, "#3d4653")


def clipboard(pen: Pen) -> None:
    """Maya's plan for the evening, under her arm."""
    pen.shape([(-120, -150), (-38, -138), (-52, -24), (-134, -36)], "#8a5a35")
    pen.shape([(-112, -138), (-48, -129), (-59, -36), (-123, -45)], "#fdf6e6")
    for i in range(4):
        pen.line([(-104 - 2 * i, -120 + 20 * i), (-60 - 2 * i, -114 + 20 * i)], 3, "#b9b2a3")
    pen.oval(-98, -62, 21, 19, MAYA.base)


def theo(pen: Pen, pose: Pose) -> None:
    """The actor: a paper crown, a velvet prince, a brave face at most."""
    x, y = 0, -430
    pen.blob([(-80, -330), (80, -330), (150, -120), (158, 30), (-158, 30), (-150, -120)], "#4b2a63")
    pen.oval(x, y - 66, 36, 36, "#c8602b")
    for cx, cy, r in [(54, -14, 30), (58, 26, 24), (40, -56, 32)]:
        pen.oval(x - cx, y + cy, r, r, "#c8602b")
        pen.oval(x + cx, y + cy, r, r, "#c8602b")
    pen.box(-20, y + 56, 40, 50, THEO.shade, 14)
    pen.blob(mirrored([(0, -342), (58, -330), (88, -296), (86, -130), (92, 20)]), "#8e2440")
    pen.line([(0, -320), (0, 0)], 5, "#6d1730")
    for i in range(5):
        pen.oval(0, -290 + 62 * i, 8, 8, "#f0c04a")
    for i in range(-3, 4):
        pen.oval(i * 17, -334 + abs(i) * 3, 15, 17, "#fbf3e4" if i % 2 else "#efe3cd")
    pen.oval(x, y, 56, 78, THEO.base)
    fringe = [(-30, -60, 26, 20), (4, -66, 28, 20), (34, -56, 24, 20), (-52, -34, 12, 22), (52, -34, 12, 22)]
    for cx, cy, rx, ry in fringe:
        pen.oval(x + cx, y + cy, rx, ry, "#d96f35")
    face(pen, x, y + 6, pose, THEO, apart=24)
    crown(pen, x, y)
    arms(pen, 78, -296, 40, "#a52f4e", THEO, pose.hand)


def crown(pen: Pen, x: float, y: float) -> None:
    """A crown of gold paper, a little crooked."""
    points = [(-46, -66), (-52, -122), (-26, -94), (-4, -134), (18, -98), (46, -128), (46, -70)]
    pen.shape([(x + a, y + b) for a, b in points], "#f3c64b")
    pen.shape([(x - 47, y - 80), (x + 46, y - 84), (x + 46, y - 68), (x - 46, y - 64)], "#dda728")
    for a, b in [(-52, -122), (-4, -134), (46, -128)]:
        pen.oval(x + a, y + b, 6, 6, "#e4574f")


def opal(pen: Pen, pose: Pose) -> None:
    """The stagehand: silver hair, red bandana, overalls with a wrench."""
    x, y = 0, -338
    pen.blob(mirrored([(0, y - 88), (40, y - 78), (72, y - 20), (80, y + 50), (52, y + 70)]), "#c3c8d1")
    pen.box(-24, y + 52, 48, 44, OPAL.shade, 14)
    pen.blob(mirrored([(0, -266), (66, -250), (106, -210), (112, -100), (112, 20)]), "#f2e6d2")
    for i in range(5):
        pen.line([(-102, -214 + 46 * i), (102, -214 + 46 * i)], 9, "#c8553d")
    overalls(pen)
    pen.oval(x, y, 64, 68, OPAL.base)
    pen.blob([(-66, y - 2), (-66, y - 40), (-30, y - 74), (20, y - 66), (-20, y - 46), (-50, y - 22)], "#dde1e7")
    pen.blob([(66, y - 2), (66, y - 40), (40, y - 70), (0, y - 68), (30, y - 44), (52, y - 20)], "#dde1e7")
    pen.blob(mirrored([(0, y - 94), (40, y - 84), (68, y - 36), (30, y - 60)]), "#d8433b")
    for a, b in [(-34, -70), (-6, -80), (24, -74), (48, -58), (-54, -54)]:
        pen.oval(a, y + b, 4, 4, "#fbe9d8")
    face(pen, x, y + 8, pose, OPAL, apart=26)
    for side in (-1, 1):
        pen.arc(x + side * 44, y + 6, 10, 8, 20 if side > 0 else 110, 70 if side > 0 else 160, 2.4, OPAL.shade)
    arms(pen, 92, -212, 44, "#e3d2b6", OPAL, pose.hand)


def overalls(pen: Pen) -> None:
    """Teal, with two straps and a pocket for the wrench."""
    pen.box(-66, -176, 132, 200, "#2d7f86", 14)
    pen.box(-110, -66, 220, 90, "#2d7f86", 20)
    for side in (-1, 1):
        pen.line([(side * 52, -160), (side * 66, -252)], 18, "#2d7f86")
        pen.oval(side * 52, -162, 7, 7, "#f0c04a")
    pen.line([(22, -150), (22, -90)], 10, "#b8bfc9")
    pen.ring(22, -158, 13, 13, 7, "#b8bfc9")
    pen.box(-38, -122, 76, 66, "#24686e", 8)


PEOPLE: dict[str, Callable[[Pen, Pose], None]] = {"maya": maya, "theo": theo, "opal": opal}
HEAD_Y = {"maya": -392, "theo": -430, "opal": -338}  # units above the sheet's lower edge


@lru_cache(maxsize=160)
def figure(name: str, pose: Pose, scale: float, tint: tuple[float, float, float]) -> Sprite:
    """A person as a sprite, `scale` pixels a unit."""
    pen = Pen(SHEET_W, SHEET_H, (SHEET_W / 2, SHEET_H), scale)
    PEOPLE[name](pen, pose)
    return sprite(pen.done(), tint)


@lru_cache(maxsize=160)
def lit_figure(name: str, pose: Pose, scale: float, tint: tuple[float, float, float], light: float) -> Sprite:
    """A person in more or less light."""
    return dimmed(figure(name, pose, scale, tint), light)


@lru_cache(maxsize=8)
def cat(tail: int, blink: bool, tint: tuple[float, float, float], scale: float) -> Sprite:
    """The cat, 150x130 units; `tail` -1..1 is where its tip points."""
    pen = Pen(150, 130, (65, 125), scale)
    pen.line([(28, -8), (58, -14), (64, -34), (60 + 9 * tail, -54)], 11, "#d98432")
    pen.blob([(-34, 0), (-32, -34), (-10, -58), (16, -50), (36, -20), (36, 0)], "#e8963f")
    pen.blob([(-18, 0), (-16, -26), (0, -30), (8, 0)], "#fbe6c8")
    pen.shape([(-40, -80), (-44, -112), (-20, -96)], "#e8963f")
    pen.shape([(18, -80), (24, -112), (-2, -96)], "#e8963f")
    pen.oval(-10, -74, 34, 28, "#e8963f")
    for side in (-1, 1):
        if blink:
            pen.arc(-10 + side * 14, -78, 6, 5, 20, 160, 2.6, DARK)
        else:
            pen.oval(-10 + side * 14, -78, 6, 7, "#dff0a0")
            pen.oval(-10 + side * 14, -78, 2.4, 6, DARK)
    pen.shape([(-14, -66), (-6, -66), (-10, -61)], "#c2506a")
    pen.arc(-15, -61, 5, 4, 10, 170, 2, DARK)
    pen.arc(-5, -61, 5, 4, 10, 170, 2, DARK)
    return sprite(pen.done(), tint)
