"""How the lines and points of a chart look, one unlike the other in colour and without it."""

from __future__ import annotations

from typing import NamedTuple

GREY = "#7F7F7F"
_COLOURS = (GREY, "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito's, after grey
_DASHES = ("dot", "solid", "dash", "dashdot", "longdash", "longdashdot")
_SYMBOLS = (
    *("diamond", "circle", "square", "star", "cross", "triangle-up"),
    *("hexagon", "x", "pentagon", "hourglass", "triangle-down"),
)
_FILLS = ("", "-open")


class Look(NamedTuple):
    """Colour, dash and symbol of a line."""

    colour: str
    dash: str
    symbol: str


def line_look(place: int) -> Look:
    """Return the look of the line at a place, from 0: the grey dotted one, for what bounds the others.

    The three lists' lengths have no factor in common: 42 lines differ in colour and dash, 66 in dash and symbol.

    Example:
        >>> line_look(1)
        Look(colour='#0072B2', dash='solid', symbol='circle')
    """
    return Look(*(each[place % len(each)] for each in (_COLOURS, _DASHES, _SYMBOLS)))


def point_symbol(place: int) -> str:
    """Return the symbol of the point at a place, from 0: 22 differ without colour.

    Example:
        >>> point_symbol(1)
        'circle-open'
    """
    return _SYMBOLS[place % len(_SYMBOLS)] + _FILLS[place % len(_FILLS)]
