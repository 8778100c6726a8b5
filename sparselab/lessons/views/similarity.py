"""How alike kernels are: each pair of a few written rows, or of all rows of a layer of a sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from sparselab.analysis.expected import expected_jaccard
from sparselab.analysis.similarity import SIMILARITIES, similarity_tensor
from sparselab.core.errors import SettingError
from sparselab.core.mask import Mask
from sparselab.core.settings import OneOf
from sparselab.lessons import svg
from sparselab.lessons.phrases import phrase
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.grids import grid
from sparselab.lessons.views.layers import DEVICE, check_layer, layout_of, sample_layer, transform_of
from sparselab.lessons.views.mask import Knobs, Seed
from sparselab.lessons.words import Fact, Facts

_MOST_WRITTEN = 8
_CELL, _MARGIN, _SIDE = 26, 70, 360


@dataclass(frozen=True)
class SimilarityView(LessonView):
    """The similarity of every two kernels.

    Facts of written kernels: rows, cols, kept_1, ..., and of every pair, such as 1 and 2: shared_1_2 (columns that both keep),
    either_1_2 (columns that either keeps), similarity_1_2. Of a sample: rows, cols, mean (of all pairs of rows), expected (what
    chance gives for rows that keep as many columns), most (of any pair).
    """

    kind: ClassVar[str] = "similarity"

    kernels: Annotated[tuple[str, ...], Doc("two to eight rows of # and ., one a kernel")] = ()
    sample: Annotated[str, Doc("a sample by its name, in place of kernels")] = ""
    layer: Annotated[str, Doc("a layer of it by its name")] = ""
    transform: Annotated[str, Doc("a transform whose groups order the rows; empty: as in the file")] = ""
    settings: Knobs = field(default_factory=dict)
    seed: Seed = 0
    measure: Annotated[str, OneOf(tuple(SIMILARITIES)), Doc("the measure of likeness")] = "jaccard"

    def __post_init__(self) -> None:
        if bool(self.kernels) == bool(self.sample):
            raise SettingError("expected kernels, or a sample with its layer; got both or neither")
        if self.kernels:
            grid(self.kernels)
            if not 2 <= len(self.kernels) <= _MOST_WRITTEN:
                raise SettingError(f"kernels: expected 2 to {_MOST_WRITTEN} rows; got {len(self.kernels)}")
            return
        check_layer(self.sample, self.layer)
        if self.transform:
            transform_of(self.transform, self.settings)

    @property
    def mask(self) -> Mask:
        """The rows that are compared, in the order in which they are shown."""
        if self.kernels:
            return grid(self.kernels)
        if not self.transform:
            return sample_layer(self.sample, self.layer).mask
        _, layout = layout_of(self.sample, self.layer, self.transform, self.settings, self.seed)
        return Mask(layout.before.kept[layout.row_order.order])

    @property
    def matrix(self) -> NDArray[np.float32]:
        """The similarity of every two rows of `mask`."""
        found: NDArray[np.float32] = similarity_tensor(self.mask, self.measure, DEVICE).numpy()
        return found

    @property
    def is_quick(self) -> bool:
        return bool(self.kernels)

    @property
    def controls(self) -> Mapping[str, str]:
        return {} if self.kernels else {"sample": "another sample mask"}

    def facts(self) -> Facts:
        mask, matrix = self.mask, self.matrix
        found: dict[str, Fact] = {"rows": mask.rows, "cols": mask.cols}
        if not self.kernels:
            pairs = np.triu_indices(mask.rows, 1)
            counts = mask.kept.sum(axis=1)
            found |= {"mean": float(matrix[pairs].mean()), "most": float(matrix[pairs].max())}
            if self.measure == "jaccard":
                found["expected"] = float(expected_jaccard(counts, counts, mask.cols)[pairs].mean())
            return found
        found |= {f"kept_{row + 1}": int(mask.kept[row].sum()) for row in range(mask.rows)}
        for one, other in combinations(range(mask.rows), 2):
            a, b, pair = mask.kept[one], mask.kept[other], f"{one + 1}_{other + 1}"
            found |= {f"shared_{pair}": int((a & b).sum()), f"either_{pair}": int((a | b).sum())}
            found[f"similarity_{pair}"] = round(float(matrix[one, other]), 6)
        return found

    def drawing(self, alt: str, *, covered: bool = False, language: str = "en") -> str:
        if self.kernels:
            return _kernels_drawing(self.mask, None if covered else self.matrix, alt, language)
        if covered:
            is_grouped, shown = False, self._in_file_order()
        else:
            is_grouped, shown = bool(self.transform), self.matrix
        words = "rows in the order of the groups" if is_grouped else "rows as in the file"
        parts = [
            svg.text(0, 14, phrase(words, language)),
            svg.pixels(1, 22, _SIDE - 2, _SIDE, [(_pooled(shown), svg.BLUE)]),
            svg.text(0, _SIDE + 42, f"0: {phrase('not alike', language)}", size=12),
            *(
                svg.box(110 + 14 * tenth, _SIDE + 31, 14, 14, fill=svg.BLUE, line="currentColor", opacity=tenth / 10)
                for tenth in range(11)
            ),
            svg.text(272, _SIDE + 42, f"1: {phrase('alike', language)}", size=12),
        ]
        return svg.picture(_SIDE, _SIDE + 50, parts, alt)

    def _in_file_order(self) -> NDArray[np.float32]:
        found: NDArray[np.float32] = similarity_tensor(
            sample_layer(self.sample, self.layer).mask, self.measure, DEVICE
        ).numpy()
        return found


def _pooled(matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the means of equal areas, at most as many as the picture has pixels; 1 on the diagonal: every row is like itself."""
    step = -(-len(matrix) // _SIDE)
    starts = np.arange(0, len(matrix), step)
    values = matrix.astype(np.float64)
    heights = np.diff(np.append(starts, len(matrix)))
    sums = np.add.reduceat(np.add.reduceat(values, starts, axis=0), starts, axis=1)
    found: NDArray[np.float64] = sums / np.outer(heights, heights)
    np.fill_diagonal(found, 1.0)
    return found


def _kernels_drawing(mask: Mask, matrix: NDArray[np.float32] | None, alt: str, language: str) -> str:
    """Return the kernels as rows of cells; with a matrix, of two the columns that they share are marked, of more the matrix is below."""
    parts, kept = [], mask.kept
    for row in range(mask.rows):
        y = row * (_CELL + 4)
        parts.append(svg.text(0, y + 18, f"{phrase('kernel', language)} {row + 1}"))
        for col in range(mask.cols):
            fill = svg.BLUE if kept[row, col] else "none"
            parts.append(svg.box(_MARGIN + col * _CELL, y + 1, _CELL - 2, _CELL - 2, fill=fill, line="currentColor"))
    width, bottom = _MARGIN + mask.cols * _CELL, mask.rows * (_CELL + 4)
    if matrix is not None and mask.rows == 2:
        for col in range(mask.cols):
            if kept[:, col].any():
                both = bool(kept[:, col].all())
                x = _MARGIN + col * _CELL + _CELL / 2 - 1
                parts.append(svg.dot(x, bottom + 12, radius=6, fill="currentColor" if both else "none"))
        parts.append(svg.dot(8, bottom + 38, radius=6))
        parts.append(svg.text(22, bottom + 43, f"{phrase('kept by both', language)}: {int(kept.all(axis=0).sum())}"))
        parts.append(svg.dot(8, bottom + 62, radius=6, fill="none"))
        one = int(kept.any(axis=0).sum() - kept.all(axis=0).sum())
        parts.append(svg.text(22, bottom + 67, f"{phrase('kept by one', language)}: {one}"))
        bottom += 76
    elif matrix is not None:
        parts += _matrix_parts(matrix, bottom + 14)
        width, bottom = max(width, _MARGIN + 52 * mask.rows), bottom + 44 + 40 * mask.rows
    return svg.picture(width, bottom, parts, alt)


def _matrix_parts(matrix: NDArray[np.float32], top: float) -> list[str]:
    parts, side = [], len(matrix)
    for row in range(side):
        parts.append(svg.text(_MARGIN + 52 * row + 25, top + 12, str(row + 1), anchor="middle"))
        parts.append(svg.text(_MARGIN - 14, top + 40 * row + 45, str(row + 1), anchor="end"))
        for col in range(side):
            x, y, value = _MARGIN + 52 * col, top + 20 + 40 * row, float(matrix[row, col])
            # As dark as alike, and never so dark that the number on it is not read.
            parts.append(svg.box(x, y, 50, 38, fill=svg.SKY, line="currentColor", opacity=0.6 * value))
            parts.append(svg.text(x + 25, y + 24, f"{value:.2f}", anchor="middle"))
    return parts
