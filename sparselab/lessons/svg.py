"""Small pictures as SVG: the same on the page, in both themes, and on paper. Text and lines take the colour of what is around."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from sparselab.analysis.pooling import pool
from sparselab.core.mask import Mask

BLUE, ORANGE, GREEN, SKY = "#0072B2", "#E69F00", "#009E73", "#56B4E9"
"""Okabe and Ito's; nothing is told by them alone."""

LINES = (BLUE, "#D55E00", GREEN, "#CC79A7", ORANGE, SKY)
DASHES = ("", "7 4", "2 3", "9 3 2 3", "14 5")
"""As many as have no factor in common with LINES: thirty lines differ."""


def picture(width: float, height: float, parts: Sequence[str], alt: str) -> str:
    """Return a whole picture; `alt` is read to who does not see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(alt)}" '
        f'font-family="sans-serif" font-size="14" fill="currentColor" style="display:block;width:100%;max-width:{width / 16:g}rem;height:auto">'
        f"{''.join(parts)}</svg>"
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", size: float = 14, bold: bool = False) -> str:
    """Return words at a place: x, y is where their base line begins, is in the middle, or ends."""
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size:g}"{weight}>{escape(words)}</text>'


def wrapped(words: str, letters: int) -> list[str]:
    """Return words as lines of at most so many letters, of which a Chinese one takes two; a longer word has a line of its own.

    Example: >>> wrapped("every column that one of them keeps", 20)
             ['every column that', 'one of them keeps']
    """
    lines, room = [""], 0
    # A line may be broken at a space, and before every wide letter.
    for part in re.findall(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+\s*|\s+", words):
        size = 2 if "\u2e80" <= part[0] <= "\uffef" else len(part)
        if lines[-1] and room + len(part.rstrip()) > letters:
            lines.append("")
            room = 0
        lines[-1] += part
        room += size
    return [line.rstrip() for line in lines]


def box(
    x: float, y: float, width: float, height: float, *, fill: str = "none", line: str = "", opacity: float = 1
) -> str:
    """Return a rectangle."""
    stroke = f' stroke="{line}"' if line else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}" fill-opacity="{opacity:.3g}"{stroke}/>'


def line(
    points: Sequence[tuple[float, float]], *, colour: str = "currentColor", width: float = 2, dash: str = ""
) -> str:
    """Return a line through points."""
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashes}/>'


CORNERS = (0, 4, 3)
"""Shapes of points by their corners: round, square on its point, triangle."""


def dot(
    x: float, y: float, *, radius: float = 5, fill: str = "currentColor", line: str = "currentColor", corners: int = 0
) -> str:
    """Return a point: round, or with some of CORNERS."""
    look = f'fill="{fill}" stroke="{line}" stroke-width="2"'
    if not corners:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" {look}/>'
    turns = [2 * math.pi * corner / corners for corner in range(corners)]
    places = " ".join(f"{x + radius * math.sin(turn):.1f},{y - radius * math.cos(turn):.1f}" for turn in turns)
    return f'<polygon points="{places}" {look}/>'


def pixels(x: float, y: float, width: float, height: float, planes: Sequence[tuple[NDArray[np.float64], str]]) -> str:
    """Return an image of shares from 0 to 1, a plane a colour, laid over one another and as opaque as the shares."""
    from PIL import Image

    layers = []
    for shares, colour in planes:
        rgba = np.empty((*shares.shape, 4), dtype=np.uint8)
        rgba[..., :3] = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
        rgba[..., 3] = np.rint(255 * np.clip(shares, 0, 1))
        layers.append(Image.fromarray(rgba, "RGBA"))
    whole = layers[0]
    for layer in layers[1:]:
        whole = Image.alpha_composite(whole, layer)
    file = io.BytesIO()
    whole.save(file, format="PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<image x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
        + box(x, y, width, height, line="currentColor", opacity=0)
    )


def mask_pixels(x: float, y: float, width: float, height: float, before: Mask, after: Mask | None = None) -> str:
    """Return a mask as an image: kept blue; with `after`, what has grown orange and what was dropped light blue. A pixel is the
    density of its area; the densest is of full colour."""
    if after is None:
        kinds = ((before, BLUE),)
    else:
        kinds = ((before - after, SKY), (after - before, ORANGE), (before & after, BLUE))  # type: ignore[assignment]
    levels = [(pool(mask, most_rows=int(height), most_cols=int(width)).density, colour) for mask, colour in kinds]
    top = float(np.sum([level for level, _ in levels], axis=0).max()) or 1.0
    return pixels(x, y, width, height, [(level / top, colour) for level, colour in levels])
