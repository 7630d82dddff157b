"""The frame counter in the picture's corner: a row of black and white cells that a program can read exactly.

At 1280x720 the row begins with a white cell and ends with a black one, so a reader knows both levels whatever was
done to the picture. Between them stand 16 cells, the most significant bit first; white is 1. The number is that of
the frame, from 0. All of it lies on a black plate. Scale `GEOMETRY` with the picture, take the mean of the middle
half of each cell and compare it with the mean of the two border cells: see `read_counter`.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CELL = 12  # pixels at 720p
CELLS = 16
X, Y = 28, 12  # top left of the first bit

GEOMETRY = {
    "width": 1280, "height": 720, "x": X, "y": Y, "cell": CELL, "cells": CELLS, "first_frame": 0,
    "order": "most significant bit first, white is 1",
    "white_cell": {"x": X - CELL, "y": Y}, "black_cell": {"x": X + CELLS * CELL, "y": Y}}


def plate() -> np.ndarray:
    """The black plate with its white border cell, shape (height, width, 3)."""
    picture = Image.new("RGB", ((CELLS + 2) * CELL + 8 + 46, CELL + 8))
    ImageDraw.Draw(picture).rectangle((4, 4, 3 + CELL, 3 + CELL), fill="white")
    return np.asarray(picture).copy()


PLATE, FONT = plate(), ImageFont.load_default(12)


def stamp(frame: np.ndarray, number: int) -> None:
    """Draw `number` into `frame` (720x1280x3, changed in place)."""
    box = PLATE.copy()
    for bit in range(CELLS):
        if number >> (CELLS - 1 - bit) & 1:
            left = 4 + (bit + 1) * CELL
            box[4 : 4 + CELL, left : left + CELL] = 255
    digits = Image.fromarray(box)
    ImageDraw.Draw(digits).text(((CELLS + 2) * CELL + 8, 3), f"{number:05}", fill=(150, 150, 150), font=FONT)
    top, left = Y - 4, X - CELL - 4
    frame[top : top + box.shape[0], left : left + box.shape[1]] = np.asarray(digits)


def level(frame: np.ndarray, x: float, y: float, scale: float) -> float:
    """The mean brightness of the middle half of the cell whose corner is (x, y) at 720p."""
    low, high = CELL * 0.25 * scale, CELL * 0.75 * scale
    rows = slice(round(y * scale + low), max(round(y * scale + high), round(y * scale + low) + 1))
    columns = slice(round(x * scale + low), max(round(x * scale + high), round(x * scale + low) + 1))
    return float(frame[rows, columns].mean())


def read_counter(frame: np.ndarray) -> int:
    """The number shown in a whole picture of any size (grey or colour); its width sets the scale."""
    scale = frame.shape[1] / GEOMETRY["width"]
    middle = (level(frame, X - CELL, Y, scale) + level(frame, X + CELLS * CELL, Y, scale)) / 2
    bits = (level(frame, X + bit * CELL, Y, scale) > middle for bit in range(CELLS))
    return sum(1 << (CELLS - 1 - i) for i, bit in enumerate(bits) if bit)
