"""The toys that the page of these tests shows, one a mode."""

from __future__ import annotations

from typing import Any

from sparselab.analysis.toy import Toy

ROWS = ("##..#.##.", "..##.#...", "##..#.#..", "..####...", "##....##.", "...#.#..#")
KERNELS = ("#####....", "#.#.#.##.", ".......##", "####.....", "...#.#..#")

TOYS: dict[str, dict[str, Any]] = {
    "count": {"lines": ROWS, "groups": ((0, 2, 4), (1, 3, 5))},
    "rows": {"lines": ROWS, "groups": ((0, 2, 4), (1, 3, 5))},
    "pair": {"lines": KERNELS, "pair": (0, 1)},
    "toggle": {"lines": ROWS},
}


def toy_of(mode: Any) -> Toy:
    return Toy.from_lines(mode=mode, **TOYS[mode])
