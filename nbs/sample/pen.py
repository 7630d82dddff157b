"""Drawing: a pen that works in 720p pixels on a larger sheet, and sprites that are laid over a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 1280, 720
SHARP = 3  # sheet pixels per picture pixel, for smooth edges

Point = tuple[float, float]
Colour = str | tuple[int, ...]


def smooth(points: Sequence[Point], steps: int = 10) -> list[Point]:
    """A closed curve through `points` (Catmull-Rom)."""
    p, n = np.asarray(points, dtype=float), len(points)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    curve = []
    for i in range(n):
        a, b, c, d = p[i - 1], p[i], p[(i + 1) % n], p[(i + 2) % n]
        curve.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return [tuple(q) for q in np.concatenate(curve)]


class Pen:
    """Draws on a transparent sheet; `origin` is the sheet's point for (0, 0), `scale` picture pixels per unit."""

    def __init__(self, width: float, height: float, origin: Point = (0, 0), scale: float = 1.0):
        self.scale, self.origin = scale * SHARP, origin
        self.size = (round(width * scale), round(height * scale))
        self.sheet = Image.new("RGBA", (self.size[0] * SHARP, self.size[1] * SHARP))
        self.draw = ImageDraw.Draw(self.sheet)

    def at(self, x: float, y: float) -> Point:
        """The sheet's pixel for a point."""
        return (x + self.origin[0]) * self.scale, (y + self.origin[1]) * self.scale

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """An ellipse around (x, y)."""
        self.draw.ellipse((*self.at(x - rx, y - ry), *self.at(x + rx, y + ry)), fill=fill)

    def ring(self, x: float, y: float, rx: float, ry: float, width: float, colour: Colour) -> None:
        """The outline of an ellipse."""
        box = (*self.at(x - rx, y - ry), *self.at(x + rx, y + ry))
        self.draw.ellipse(box, outline=colour, width=round(width * self.scale))

    def box(self, x: float, y: float, w: float, h: float, fill: Colour, round_: float = 0) -> None:
        """A rectangle with its top left at (x, y)."""
        corners = (*self.at(x, y), *self.at(x + w, y + h))
        self.draw.rounded_rectangle(corners, round_ * self.scale, fill=fill)

    def shape(self, points: Sequence[Point], fill: Colour) -> None:
        """A polygon."""
        self.draw.polygon([self.at(*p) for p in points], fill=fill)

    def blob(self, points: Sequence[Point], fill: Colour) -> None:
        """A smooth closed shape through `points`."""
        self.shape(smooth(points), fill)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A line with round joints and ends."""
        self.draw.line([self.at(*p) for p in points], fill=colour, width=round(width * self.scale), joint="curve")
        for x, y in (points[0], points[-1]):
            self.oval(x, y, width / 2, width / 2, colour)

    def arc(self, x: float, y: float, rx: float, ry: float, start: int, end: int, width: float, colour: Colour) -> None:
        """A part of an ellipse's outline; degrees clockwise from the right."""
        box = (*self.at(x - rx, y - ry), *self.at(x + rx, y + ry))
        self.draw.arc(box, start, end, fill=colour, width=round(width * self.scale))

    def done(self) -> Image.Image:
        """The sheet at its final size."""
        return self.sheet.resize(self.size, Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class Sprite:
    """A cut-out: colours already multiplied by the alpha, both 0..255."""

    colour: np.ndarray  # (h, w, 3) uint16
    alpha: np.ndarray  # (h, w, 1) uint16
    x: int = 0  # where its top left lies relative to the sheet's
    y: int = 0


def sprite(picture: Image.Image, tint: tuple[float, float, float] = (1, 1, 1)) -> Sprite:
    """`picture` as a sprite, cut to what is visible and coloured by the light of `tint`."""
    box = picture.getbbox() or (0, 0, 1, 1)
    data = np.asarray(picture.crop(box)).astype(np.float32)
    alpha = data[..., 3:]
    colour = data[..., :3] * np.array(tint, dtype=np.float32) * alpha / 255
    return Sprite(np.clip(colour, 0, 255).astype(np.uint16), alpha.astype(np.uint16), box[0], box[1])


def dimmed(source: Sprite, light: float) -> Sprite:
    """`source` with `light` (0..1) of its brightness."""
    return Sprite((source.colour * np.float32(light)).astype(np.uint16), source.alpha, source.x, source.y)


def lay(frame: np.ndarray, what: Sprite, x: int, y: int) -> None:
    """Lay a sprite over `frame` with its sheet's top left at (x, y); what is outside is left out."""
    x, y = x + what.x, y + what.y
    h, w = what.alpha.shape[:2]
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, frame.shape[1]), min(y + h, frame.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
    under = frame[y0:y1, x0:x1]
    under[...] = what.colour[part] + under * (255 - what.alpha[part]) // 255


def gradient(top: Colour, bottom: Colour, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """A vertical run from one colour to another."""
    ends = [np.array(Image.new("RGB", (1, 1), c).getpixel((0, 0)), dtype=float) for c in (top, bottom)]
    t = np.linspace(0, 1, height)[:, None, None]
    rows = np.broadcast_to(ends[0] + (ends[1] - ends[0]) * t, (height, width, 3))
    return Image.fromarray(rows.round().astype("uint8"))


def glow(radius: int, colour: tuple[int, int, int], strength: float = 1.0) -> Image.Image:
    """A round light that fades to nothing."""
    axis = np.linspace(-1, 1, 2 * radius)
    light = np.clip(1 - np.hypot(axis[:, None], axis[None]), 0, 1) ** 1.8 * 255 * strength
    picture = np.empty((2 * radius, 2 * radius, 4), dtype=np.uint8)
    picture[..., :3], picture[..., 3] = colour, light
    return Image.fromarray(picture)
