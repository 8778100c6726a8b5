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
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.grids import grid
from sparselab.lessons.views.layers import DEVICE, check_layer, layout_of, sample_layer, transform_of
from sparselab.lessons.views.mask import Knobs, Seed
from sparselab.lessons.words import Fact, Facts

_MOST_WRITTEN = 8


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
