"""What moves in a place: each function draws into `frame` for frame `n`; `close` says that the camera is near."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from figures import cat
from pen import HEIGHT, WIDTH, Pen, Sprite, glow, lay, sprite
from PIL import ImageFilter
from scenes import LIGHT, folds, kitchen_front, pancake

Move = Callable[[np.ndarray, int, bool], None]


@lru_cache
def drop(length: int) -> Sprite:
    """One falling drop."""
    pen = Pen(12, length + 6)
    pen.line([(8, 3), (4, length)], 2.2, (190, 208, 240, 120))
    return sprite(pen.done())


def rain(frame: np.ndarray, n: int, close: bool) -> None:
    """Drops that fall past the picture, drawn on every second frame as cartoons are: it halves their size."""
    n, rng, count = n // 2 * 2, np.random.default_rng(4), 18 if close else 34
    starts = zip(rng.integers(0, WIDTH, count), rng.integers(0, 800, count), rng.integers(20, 30, count), strict=True)
    for x, y, speed in starts:
        lay(frame, drop(26 if speed < 25 else 36), int((x - 4 * n) % WIDTH), int((y + speed * n) % 800) - 60)


@lru_cache
def passing_light() -> Sprite:
    """The light of a car on the wet street."""
    return sprite(glow(150, (255, 236, 190), 0.5).resize((520, 90)))


def street_moves(frame: np.ndarray, n: int, close: bool) -> None:
    """Cars now and then."""
    x = n * 9 % 2600 - 600
    if not close and x < WIDTH:
        lay(frame, passing_light(), x, 606)


@lru_cache
def puff(step: int) -> Sprite:
    """Steam that fades as it rises; `step` 0..11."""
    return sprite(glow(26 + 4 * step, (255, 255, 255), 0.42 * (1 - step / 12)))


def steam(frame: np.ndarray, n: int, close: bool) -> None:
    """The pancake is hot."""
    for i, x in enumerate((560, 640, 720)):
        step = (n // 6 + 4 * i) % 12
        if not close:
            sway, rise = round(6 * np.sin(n / 14 + i)), 10 * step + n % 6 * 10 // 6
            lay(frame, puff(step), x - 26 - 4 * step + sway, 570 - rise)


@lru_cache
def cloud() -> Sprite:
    """A thin cloud."""
    pen = Pen(420, 120)
    for x, y, r in [(90, 70, 36), (160, 52, 46), (240, 60, 42), (310, 74, 32)]:
        pen.oval(x, y, r, r * 0.7, (120, 126, 180, 110))
    return sprite(pen.done().filter(ImageFilter.GaussianBlur(6)))


def clouds(frame: np.ndarray, n: int, close: bool) -> None:
    """Two clouds on their way past the moon."""
    for start, y, pace in [(700, 60, 3), (100, 130, 4)]:
        if not close:
            lay(frame, cloud(), (start + n // pace) % (WIDTH + 420) - 420, y)


@lru_cache
def bulb(on: bool) -> Sprite:
    """One bulb of the sign."""
    pen = Pen(24, 24)
    pen.oval(12, 12, 8, 8, "#ffeeb0" if on else "#a8743f")
    return sprite(pen.done())


def bulbs(frame: np.ndarray, n: int, close: bool) -> None:
    """Bulbs that run around the sign."""
    for i in range(0 if close else 22):
        on = (i + n // 12) % 3 != 0
        lay(frame, bulb(on), 234 + round(i * 37.6), 146)
        lay(frame, bulb(on), 270 + round(i * 34.2), 28)


def cat_at(x: int, y: int, place: str) -> Move:
    """The cat, sitting at (x, y), tail moving."""
    def draw(frame: np.ndarray, n: int, close: bool) -> None:
        if not close:
            lay(frame, cat(round(np.sin(n / 9)), n % 90 < 4, LIGHT[place], 1.0), x, y)
    return draw


@lru_cache
def mote() -> Sprite:
    """A grain of dust in the light."""
    return sprite(glow(5, (255, 232, 190), 0.7))


def dust(frame: np.ndarray, n: int, close: bool) -> None:
    """Dust that sinks through the beam from the stage."""
    rng = np.random.default_rng(31)
    grains = zip(rng.integers(560, 1000, 16), rng.integers(0, HEIGHT, 16), rng.uniform(0, 6, 16), strict=True)
    for x, y, phase in grains:
        lay(frame, mote(), int(x + 14 * np.sin(n / 40 + phase)), int((y + n // 2) % HEIGHT))


MOVES: dict[str, list[Move]] = {
    "title": [], "backstage": [cat_at(1105, 278, "backstage")], "street": [street_moves], "kitchen": [],
    "rooftop": [clouds], "wings": [dust], "stage": [], "marquee": [bulbs, cat_at(1130, 596, "marquee")]}


@lru_cache
def audience() -> Sprite:
    """The backs of twelve heads."""
    pen, rng = Pen(WIDTH, 110), np.random.default_rng(12)
    for i in range(12):
        x, y, r = 60 + i * 105 + rng.uniform(-14, 14), 62 + rng.uniform(-10, 12), rng.uniform(30, 38)
        pen.oval(x, y, r, r * 1.1, "#140d1c")
        pen.blob([(x - 58, 130), (x - 40, y + 36), (x + 40, y + 36), (x + 58, 130)], "#140d1c")
        if i % 4 == 1:
            pen.oval(x, y - r, 16, 14, "#140d1c")
    return sprite(pen.done())


@lru_cache
def drape() -> Sprite:
    """One half of the closed curtain."""
    pen = Pen(660, HEIGHT)
    folds(pen, 0, 660, "#8c1d35", "#ab2a45", 690)
    pen.box(0, 676, 660, 18, "#e0b04a", 6)
    return sprite(pen.done())


def cat_alone(frame: np.ndarray, n: int) -> None:
    """The cat as large as the picture, beside what is left of the moon."""
    lay(frame, leftovers(), 0, 0)
    lay(frame, cat(round(np.sin(n / 9)), n % 48 > 8, LIGHT["marquee"], 4.2), 330, 150)


@lru_cache
def leftovers() -> Sprite:
    """A plate with a bitten pancake."""
    pen = Pen(WIDTH, HEIGHT)
    pancake(pen, 900, 500, 170, bitten=True)
    pen.box(0, 660, WIDTH, 60, "#3d3a52")
    return sprite(pen.done())


@lru_cache
def table() -> Sprite:
    """The kitchen's table, drawn once."""
    return kitchen_front()


def in_front(frame: np.ndarray, place: str, n: int, close: bool, opening: float, merry: bool) -> None:
    """What stands between the camera and the people; `opening` 0..1 is how far the curtain is open."""
    if place == "street":
        rain(frame, n, close)
    if place == "kitchen" and not close:
        lay(frame, table(), 0, 0)
        steam(frame, n, close)
    if place == "stage" and not close:
        if opening < 1:
            lay(frame, drape(), round(-20 - 660 * opening), 0)
            lay(frame, drape(), round(640 + 660 * opening), 0)
        lay(frame, audience(), 0, 622 + (round(4 * np.sin(n / 2.2)) if merry else 0))
