"""The places of the play: each a still background and the light that falls on people there."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from pen import HEIGHT, WIDTH, Colour, Pen, Sprite, glow, gradient, sprite
from PIL import Image, ImageFilter, ImageFont

Tint = tuple[float, float, float]
LIGHT: dict[str, Tint] = {
    "title": (1, 1, 1), "backstage": (1, 0.96, 0.9), "street": (0.88, 0.9, 1), "kitchen": (1, 0.98, 0.93),
    "rooftop": (0.9, 0.89, 1), "wings": (0.95, 0.88, 0.88), "stage": (1, 0.99, 0.94), "marquee": (0.97, 0.92, 0.9)}


def sheet() -> Pen:
    """A pen for a whole picture."""
    return Pen(WIDTH, HEIGHT)


def onto(base: Image.Image, *layers: tuple[Image.Image, int, int]) -> Image.Image:
    """`base` with each layer laid over it at (x, y)."""
    picture = base.convert("RGBA")
    for layer, x, y in layers:
        picture.alpha_composite(layer, (max(x, 0), max(y, 0)), (max(-x, 0), max(-y, 0)))
    return picture


def lamp(pen: Pen, x: float, y: float) -> None:
    """A hanging lamp whose bulb is at (x, y)."""
    pen.line([(x, 0), (x, y - 50)], 4, "#1c1420")
    pen.shape([(x - 46, y), (x - 16, y - 48), (x + 16, y - 48), (x + 46, y)], "#2f6f73")
    pen.oval(x, y + 2, 16, 14, "#ffe9b0")


def bricks(pen: Pen, colour: Colour, top: float = 0, bottom: float = HEIGHT) -> None:
    """A few bricks here and there: enough to say wall."""
    rng = np.random.default_rng(7)
    for _ in range(60):
        row, column = int(rng.integers(0, int(bottom - top) // 34)), int(rng.integers(0, 20))
        pen.box(column * 68 + row % 2 * 34, top + row * 34, 62, 28, colour, 4)


def crate(pen: Pen, x: float, y: float, w: float, h: float) -> None:
    """A wooden box."""
    pen.box(x, y, w, h, "#7d5233", 4)
    pen.box(x + 10, y + 10, w - 20, h - 20, "#936440", 3)
    pen.line([(x + 16, y + 16), (x + w - 16, y + h - 16)], 11, "#7d5233")


def dress_rail(pen: Pen, x: float, y: float) -> None:
    """Costumes in a row."""
    pen.line([(x, y), (x + 270, y)], 8, "#c0a068")
    for side in (10, 260):
        pen.line([(x + side, y), (x + side, HEIGHT)], 8, "#c0a068")
    for i, colour in enumerate(["#b5473f", "#d9a441", "#3f7d8c", "#6a4b8a", "#4c8a5b"]):
        left = x + 26 + i * 44
        hem = y + 250 - 18 * (i % 2)
        pen.blob([(left, y + 14), (left + 40, y + 14), (left + 52, hem), (left - 10, hem)], colour)


def broken_moon(pen: Pen, x: float, y: float) -> None:
    """The old stage moon: a crescent of painted wood with a spring coming out."""
    outer = [(x + 110 * np.cos(a), y + 110 * np.sin(a)) for a in np.linspace(0.6, 5.2, 30)]
    inner = [(x + 38 + 84 * np.cos(a), y + 8 + 84 * np.sin(a)) for a in np.linspace(4.9, 0.9, 30)]
    pen.shape(outer + inner, "#e9d9a0")
    pen.oval(x - 62, y - 20, 13, 13, "#d3bf80")
    pen.oval(x - 50, y + 40, 9, 9, "#d3bf80")
    pen.line([(x - 96 + 12 * (i % 2), y - 70 - 9 * i) for i in range(7)], 4, "#9aa3ad")


def backstage() -> Image.Image:
    """Ropes, crates, costumes, and a moon that should hang higher."""
    pen = sheet()
    bricks(pen, "#4c3148")
    dress_rail(pen, 40, 250)
    for x in (410, 452, 900):
        pen.line([(x, 0), (x, 720)], 7, "#a88657")
    for x, y in [(410, 150), (452, 230), (900, 190)]:
        pen.blob([(x, y), (x + 26, y + 40), (x + 22, y + 84), (x - 22, y + 84), (x - 26, y + 40)], "#8b7355")
    pen.box(0, 640, WIDTH, 80, "#3a2531")
    broken_moon(pen, 640, 500)
    crate(pen, 1050, 520, 190, 150)
    crate(pen, 1110, 400, 130, 120)
    lamp(pen, 640, 130)
    return onto(gradient("#40293f", "#5d3b4a"), (pen.done(), 0, 0), (glow(420, (255, 214, 140), 0.5), 220, -290))


def windows(pen: Pen, x: float, y: float, columns: int, rows: int, seed: int) -> None:
    """Lit and dark windows of a house."""
    rng = np.random.default_rng(seed)
    for i in range(columns * rows):
        colour = "#f7cf7a" if rng.random() < 0.38 else "#22304e"
        pen.box(x + i % columns * 46, y + i // columns * 62, 26, 38, colour, 3)


def street() -> Image.Image:
    """A wet street, a bus stop, a lamp."""
    pen = sheet()
    houses = [(0, 150, 240, "#2b3a5c"), (250, 90, 220, "#31416a"),
              (860, 60, 230, "#2d3c62"), (1100, 140, 200, "#28365a")]
    for i, (x, top, w, colour) in enumerate(houses):
        pen.box(x, top, w, 480, colour)
        windows(pen, x + 30, top + 34, (w - 40) // 46, 6, i)
    pen.box(0, 590, WIDTH, 130, "#39435f")
    pen.box(0, 590, WIDTH, 12, "#55607d")
    for x, y, rx in [(300, 660, 170), (820, 690, 210), (1130, 640, 110)]:
        pen.oval(x, y, rx, 20, "#52658f")
        pen.oval(x + 20, y + 3, rx * 0.5, 8, "#7c8fb5")
    shelter(pen)
    pen.line([(1010, 600), (1010, 170), (1060, 140)], 12, "#151c30")
    pen.oval(1072, 146, 24, 16, "#ffe7ae")
    return onto(gradient("#141d38", "#33456d"), (pen.done(), 0, 0), (glow(330, (255, 222, 150), 0.55), 742, -184))


def shelter(pen: Pen) -> None:
    """The bus stop Theo hides under."""
    for x in (190, 560):
        pen.line([(x, 190), (x, 620)], 11, "#1b2440")
    pen.shape([(150, 170), (600, 150), (610, 186), (150, 200)], "#c5524a")
    pen.box(205, 215, 340, 300, (150, 185, 220, 46), 6)
    pen.box(300, 230, 150, 66, "#f2e6d2", 6)
    for i in range(3):
        pen.line([(318, 246 + 16 * i), (430 - 26 * i, 246 + 16 * i)], 5, "#8c96a8")


def pancake(pen: Pen, x: float, y: float, r: float, bitten: bool = False) -> None:
    """The new moon, seen from above; `bitten` after Theo met it."""
    around = np.linspace(0, 6.2, 26)
    edge = [(x + (r + 4 * np.sin(5 * a)) * np.cos(a), y + (r + 5 * np.cos(4 * a)) * np.sin(a)) for a in around]
    pen.blob(edge, "#c98a35")
    pen.oval(x, y, r * 0.92, r * 0.92, "#eebc5b")
    pen.oval(x - r * 0.08, y - r * 0.1, r * 0.78, r * 0.76, "#f6cf78")
    for a, b, c in [(-0.35, -0.3, 0.15), (0.3, 0.15, 0.19), (-0.2, 0.4, 0.12), (0.35, -0.42, 0.09)]:
        pen.oval(x + a * r, y + b * r, c * r, c * r, "#dfa347")
    if bitten:
        for a, b in [(0.86, -0.5), (0.98, -0.2), (0.74, -0.76)]:
            pen.oval(x + a * r, y + b * r, 0.27 * r, 0.27 * r, (0, 0, 0, 0))  # a hole: give it its own sheet


def kitchen() -> Image.Image:
    """A small kitchen behind the stage, warm and full of pans."""
    pen = sheet()
    for x in range(0, WIDTH, 64):
        pen.line([(x, 0), (x, 470)], 2, "#ecd3a8")
    for y in range(22, 470, 64):
        pen.line([(0, y), (WIDTH, y)], 2, "#ecd3a8")
    pen.box(470, 70, 250, 200, "#f9f1de", 8)
    pen.box(484, 84, 222, 172, "#27365c")
    pen.line([(595, 84), (595, 256)], 8, "#f9f1de")
    for x, y in [(520, 120), (560, 200), (640, 140), (684, 220), (655, 105)]:
        pen.oval(x, y, 3, 3, "#fff4cf")
    pen.box(60, 190, 330, 16, "#a8643c", 4)
    for i, colour in enumerate(["#d8574a", "#3f8a86", "#e0a93b", "#5b6fa8"]):
        pen.box(80 + 78 * i, 130 - 10 * (i % 2), 54, 60 + 10 * (i % 2), colour, 8)
    pans(pen)
    pen.box(0, 470, WIDTH, 250, "#b9744a")
    pen.box(0, 470, WIDTH, 18, "#d08d5e")
    lamp(pen, 860, 110)
    return onto(gradient("#f7e3bd", "#efcf9c"), (pen.done(), 0, 0), (glow(380, (255, 246, 214), 0.6), 480, -270))


def pans(pen: Pen) -> None:
    """Pans on the wall."""
    pen.line([(940, 120), (1240, 120)], 7, "#7d4a30")
    for x, r in [(980, 38), (1080, 50), (1190, 34)]:
        pen.line([(x, 120), (x, 190)], 8, "#3d4653")
        pen.oval(x, 190 + r, r, r, "#4d5968")
        pen.oval(x, 190 + r, r * 0.74, r * 0.74, "#616f80")


def kitchen_front() -> Sprite:
    """The table with the pancake, in front of everybody."""
    pen = sheet()
    pen.box(0, 652, WIDTH, 90, "#8d5433")
    pen.box(0, 652, WIDTH, 12, "#a96a43")
    pen.shape([(440, 650), (840, 650), (800, 668), (480, 668)], "#dfe5ec")
    rim = [(452, 646), (500, 618), (640, 608), (780, 618), (828, 646), (780, 656), (640, 660), (500, 656)]
    pen.blob(rim, "#c98a35")
    pen.blob([(462, 640), (510, 616), (640, 606), (770, 616), (818, 640), (640, 650)], "#f4c96e")
    pen.oval(560, 628, 26, 6, "#dfa347")
    pen.oval(700, 630, 34, 7, "#dfa347")
    pen.box(612, 600, 52, 16, "#fff3b8", 5)
    return sprite(pen.done())


def skyline(pen: Pen, base: float, colour: Colour, seed: int, lit: bool) -> None:
    """Roofs against the sky."""
    rng, x = np.random.default_rng(seed), -20
    while x < WIDTH:
        w, h = int(rng.integers(70, 150)), int(rng.integers(60, 210))
        pen.box(x, base - h, w, h + 300, colour)
        for wx in range(x + 14, x + w - 18, 26):
            for wy in range(int(base - h + 16), int(base), 34):
                if lit and rng.random() < 0.33:
                    pen.box(wx, wy, 10, 15, "#f2c56b", 2)
        x += w + 6


def stars(pen: Pen, count: int, bottom: float, seed: int = 3) -> None:
    """A clear night."""
    rng = np.random.default_rng(seed)
    places = zip(rng.uniform(0, WIDTH, count), rng.uniform(0, bottom, count), rng.uniform(1, 2.6, count), strict=True)
    for x, y, r in places:
        pen.oval(x, y, r, r, "#fdf3d0")


def rooftop() -> Image.Image:
    """The roof after the rain, with the real moon."""
    pen = sheet()
    stars(pen, 90, 420)
    pen.oval(980, 170, 84, 84, "#fbf1cd")
    for x, y, r in [(950, 140, 17), (1010, 190, 23), (965, 215, 11)]:
        pen.oval(x, y, r, r, "#eadfb4")
    skyline(pen, 560, "#26305a", 5, False)
    skyline(pen, 620, "#1d254a", 9, True)
    pen.box(0, 612, WIDTH, 110, "#3b3350")
    pen.box(0, 604, WIDTH, 18, "#564a6d")
    pen.line([(1150, 610), (1150, 500)], 8, "#17142b")
    pen.line([(1236, 610), (1236, 500)], 8, "#17142b")
    pen.box(1122, 380, 142, 130, "#2c2743", 6)
    pen.shape([(1110, 382), (1194, 320), (1276, 382)], "#3a3357")
    return onto(gradient("#101738", "#4a4a86"), (pen.done(), 0, 0), (glow(300, (250, 240, 205), 0.5), 680, -130))


def folds(pen: Pen, left: float, right: float, dark: Colour, light: Colour, bottom: float = HEIGHT) -> None:
    """A curtain in folds."""
    pen.box(left, 0, right - left, bottom, dark)
    x = left + 8
    while x < right - 20:
        pen.box(x, 0, 24, bottom, light, 12)
        x += 56


def wings() -> Image.Image:
    """The side of the stage, with light coming through."""
    pen = sheet()
    for x in (520, 640, 700):
        pen.line([(x, 0), (x, 620)], 6, "#7d6448")
    pen.box(480, 430, 260, 26, "#4a3540", 5)
    for x in (520, 640, 700):
        pen.line([(x - 14, 410), (x + 14, 474)], 10, "#c9a063")
    pen.box(0, 630, WIDTH, 90, "#3b2630")
    folds(pen, 0, 250, "#5c1326", "#7a1c33")
    folds(pen, 1010, 1280, "#6a172b", "#8c2440")
    beam = Pen(WIDTH, HEIGHT)
    beam.shape([(1040, 0), (1010, 640), (560, 720), (900, 720), (1010, 700)], (255, 225, 160, 46))
    return onto(gradient("#251a30", "#3d2740"), (pen.done(), 0, 0), (beam.done(), 0, 0),
                (glow(330, (255, 214, 150), 0.6), 800, 90))


def stage() -> Image.Image:
    """Painted hills, a painted night and a moon that smells wonderful."""
    pen = sheet()
    stars(pen, 34, 300, 8)
    far = [(-60, 560), (200, 400), (460, 520), (760, 380), (1000, 480), (1340, 400), (1340, 760), (-60, 760)]
    pen.blob(far, "#33608a")
    pen.blob([(-60, 600), (300, 500), (640, 570), (980, 480), (1340, 560), (1340, 760), (-60, 760)], "#2b7a78")
    moon = sheet()
    moon.line([(885, 0), (885, 110)], 4, "#d9c7a0")
    pancake(moon, 885, 210, 108, bitten=True)
    pen.box(0, 600, WIDTH, 120, "#8a5636")
    for x in range(-100, WIDTH + 200, 120):
        pen.line([(640 + (x - 640) * 0.8, 600), (x, 720)], 3, "#774829")
    folds(pen, 0, 150, "#8c1d35", "#ab2a45")
    folds(pen, 1130, 1280, "#8c1d35", "#ab2a45")
    return onto(gradient("#243663", "#4f6fa5"), (pen.done(), 0, 0), (glow(440, (255, 244, 205), 0.55), 200, -100),
                (glow(230, (255, 226, 150), 0.5), 655, -20), (moon.done(), 0, 0), (valance(), 0, 0))


def valance() -> Image.Image:
    """The cloth along the top of the stage."""
    pen = sheet()
    for x in range(-40, WIDTH, 160):
        pen.oval(x + 80, 0, 92, 64, "#ab2a45")
        pen.oval(x + 80, 0, 92, 52, "#8c1d35")
    return pen.done()


def letters(text: str, size: int, colour: Colour) -> Image.Image:
    """A word for a sign."""
    font = ImageFont.load_default(size)
    box = font.getbbox(text)
    pen = Pen(box[2] + 8, box[3] + 8)
    pen.draw.text((4 * 3, 4 * 3), text, fill=colour, font=ImageFont.load_default(size * 3))
    return pen.done()


def marquee() -> Image.Image:
    """The front of the theatre after the show."""
    pen = sheet()
    stars(pen, 40, 150, 21)
    pen.box(110, 70, 1060, 650, "#6b2f3f")
    bricks(pen, "#783949", 100, 640)
    pen.box(0, 100, 110, 640, "#20264a")
    pen.box(1170, 60, 110, 680, "#20264a")
    pen.box(440, 240, 400, 490, "#331a2b", 10)
    for x in (462, 650):
        pen.box(x, 262, 168, 470, "#c98f4a", 6)
        pen.box(x + 20, 290, 128, 260, "#ffe2a0", 6)
    for x in (124, 1006):
        pen.box(x, 250, 150, 220, "#f0d9a8", 6)
        pen.box(x + 10, 260, 130, 200, "#27365c", 4)
        pancake(pen, x + 75, 335, 44)
        pen.line([(x + 36, 420), (x + 114, 420)], 8, "#f0d9a8")
        pen.line([(x + 54, 440), (x + 96, 440)], 6, "#f0d9a8")
    pen.box(0, 640, WIDTH, 80, "#3d3a52")
    pen.shape([(270, 34), (1010, 34), (1060, 146), (220, 146)], "#f6e7c4")
    pen.shape([(220, 146), (1060, 146), (1044, 170), (236, 170)], "#c0473f")
    sign = letters("LANTERN  THEATER", 66, "#b23a3a")
    return onto(gradient("#12183a", "#343563"), (pen.done(), 0, 0), (sign, 640 - sign.width // 2, 54),
                (glow(420, (255, 214, 150), 0.4), 220, 60))


def title_card() -> Image.Image:
    """The first picture: a moon with butter on it."""
    pen = sheet()
    stars(pen, 110, 720, 17)
    pancake(pen, 640, 300, 190)
    pen.shape([(610, 236), (672, 226), (690, 272), (626, 284)], "#fff3b8")
    pen.shape([(626, 284), (690, 272), (690, 286), (628, 298)], "#ecd886")
    word = letters("The Pancake Moon", 74, "#fdf3d0")
    return onto(gradient("#101738", "#3d4a86"), (glow(430, (255, 226, 160), 0.5), 210, -130), (pen.done(), 0, 0),
                (word, 640 - word.width // 2, 555))


PAINTERS: dict[str, Callable[[], Image.Image]] = {
    "title": title_card, "backstage": backstage, "street": street, "kitchen": kitchen, "rooftop": rooftop,
    "wings": wings, "stage": stage, "marquee": marquee}


@lru_cache
def background(place: str) -> np.ndarray:
    """A place without people, (720, 1280, 3) uint16."""
    return np.asarray(PAINTERS[place]().convert("RGB")).astype(np.uint16)


@lru_cache
def near(place: str, x: int) -> np.ndarray:
    """What is behind somebody at `x` in a close shot: larger and out of focus."""
    picture = Image.fromarray(background(place).astype(np.uint8))
    w, h = 800, 450
    left, top = min(max(x - w // 2, 0), WIDTH - w), 120
    crop = picture.crop((left, top, left + w, top + h)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(crop.filter(ImageFilter.GaussianBlur(7))).astype(np.uint16)


SCALE = {"marquee": 0.98, "kitchen": 1.06, "wings": 1.06}  # pixels a unit where people stand a little further away
