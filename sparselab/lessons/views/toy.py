"""The toy: a layer of a few rows in which every weight is seen, counted and moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, ClassVar, get_args

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.analysis.toy import (
    MOST_COLS,
    MOST_ROWS,
    Mode,
    Toy,
    blocks_of,
    either_columns,
    jaccard,
    permuted_product,
    product,
    shared_columns,
    sorted_by_groups,
)
from sparselab.analysis.toy_steps import PRODUCTS, count
from sparselab.core.errors import SettingError
from sparselab.core.mask import Mask
from sparselab.core.settings import OneOf
from sparselab.lessons import svg
from sparselab.lessons.phrases import phrase
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.grids import grid
from sparselab.lessons.views.mask import Seed
from sparselab.lessons.words import Fact, Facts

_CELL, _MARGIN = 26, 34


@dataclass(frozen=True)
class ToyView(LessonView):
    """A small layer that is written as rows of # and ., or drawn at random; rows and columns are numbered from 0, as it shows them.

    Facts: rows, cols, weights, kept, density; of each way to multiply, such as csr: steps_csr, multiplications_csr, zeros_csr, reads_csr
    (blocks where it has groups, and sorted_blocks for the order of the groups); blocks; of the pair, and with five rows or fewer of every
    pair: shared_0_1, either_0_1, jaccard_0_1; outputs_equal: how many outputs of the rows as they are shown are those of the file's order.
    """

    kind: ClassVar[str] = "toy"

    mode: Annotated[str, OneOf(get_args(Mode)), Doc("what can be done with it")] = "toggle"
    mask: Annotated[tuple[str, ...], Doc("rows of # (kept) and .")] = ()
    rows: Annotated[int, Interval(ge=1, le=MOST_ROWS), Doc("rows of a mask drawn at random")] = 8
    cols: Annotated[int, Interval(ge=1, le=MOST_COLS), Doc("its columns")] = 12
    kept: Annotated[float, Interval(ge=0.001, le=1.0), Doc("share of its weights that are kept")] = 0.25
    seed: Seed = 0
    groups: Annotated[tuple[str, ...], Doc('the rows of each group, such as "0 2"')] = ()
    pair: Annotated[str, Doc('two rows, such as "0 1"')] = ""
    sorted: Annotated[bool, Doc("shown in the order of its groups")] = False

    def __post_init__(self) -> None:
        assert self.toy is not None  # it can be made

    @property
    def toy(self) -> Toy:
        """The toy as it is shown first. Raises: SparselabError."""
        if self.mask:
            kept = grid(self.mask)
        else:
            drawn = np.random.default_rng(self.seed).permutation(self.rows * self.cols).reshape(self.rows, self.cols)
            kept = Mask(drawn < round(self.kept * self.rows * self.cols))
        pair = _numbers("pair", self.pair) if self.pair else None
        if pair is not None and len(pair) != 2:
            raise SettingError(f"pair: expected two rows, such as 0 1; got {self.pair[:60]!r}")
        groups = tuple(_numbers("groups", rows) for rows in self.groups)
        toy = Toy(mask=kept, mode=self.mode, groups=groups, pair=None if pair is None else (pair[0], pair[1]))  # type: ignore[arg-type]
        return sorted_by_groups(toy) if self.sorted else toy

    @property
    def controls(self) -> Mapping[str, str]:
        return {} if self.mask else {"kept": "share of the weights that are kept"}

    def facts(self) -> Facts:
        toy = self.toy
        rows, cols = toy.mask.shape
        found: dict[str, Fact] = {"rows": rows, "cols": cols, "weights": rows * cols, "kept": toy.mask.count}
        found |= {"density": toy.mask.density, "blocks": len(blocks_of(toy))}
        ways = {name: toy for name in PRODUCTS if name != "blocks" or toy.groups}
        for name, shown in (ways | ({"sorted_blocks": sorted_by_groups(toy)} if toy.groups else {})).items():
            told = count(shown, name.removeprefix("sorted_"))
            found |= {f"steps_{name}": told.steps, f"multiplications_{name}": told.multiplications}
            found |= {f"zeros_{name}": told.zeros, f"reads_{name}": told.reads}
        pairs = list(combinations(range(rows), 2)) if rows <= 5 else []
        for one, other in [*pairs, *([toy.pair] if toy.pair and toy.pair not in pairs else [])]:
            found[f"shared_{one}_{other}"] = len(shared_columns(toy, one, other))
            found[f"either_{one}_{other}"] = len(either_columns(toy, one, other))
            found[f"jaccard_{one}_{other}"] = float(jaccard(toy, one, other))
        moved = np.array(product(toy))[list(toy.row_order)]
        return found | {"outputs_equal": int((moved == np.array(permuted_product(toy))).sum())}

    def drawing(self, alt: str, *, covered: bool = False, language: str = "en") -> str:
        toy, parts = self.toy, []
        for place, row in enumerate(toy.row_order):
            y = place * _CELL
            parts.append(svg.text(_MARGIN - 10, y + 18, str(row), anchor="end", size=12))
            for across, col in enumerate(toy.column_order):
                fill = svg.BLUE if toy.mask.kept[row, col] else "none"
                parts.append(
                    svg.box(_MARGIN + across * _CELL, y + 1, _CELL - 2, _CELL - 2, fill=fill, line="currentColor")
                )
        bottom = toy.mask.rows * _CELL
        if not covered and self.mode == "count":
            for name in PRODUCTS:
                if name != "blocks" or toy.groups:
                    bottom += 22
                    steps = f"{phrase(name, language)}: {count(toy, name).steps} {phrase('steps', language)}"
                    parts.append(svg.text(_MARGIN, bottom, steps))
        return svg.picture(max(_MARGIN + toy.mask.cols * _CELL, 220), bottom + 8, parts, alt)


def _numbers(name: str, text: str) -> tuple[int, ...]:
    parts = text.split()
    if not parts or not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts):
        raise SettingError(f"{name}: expected numbers of rows, such as 0 2; got {text[:60]!r}")
    return tuple(map(int, parts))
