"""The weights of a layout's blocks as one parameter, and the lists that say where they belong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SparselabError
from sparselab.core.layout import Layout
from sparselab.core.mask import IntVector
from sparselab.kernels.support.panels import blocks_unsupported_reason, panels


@dataclass(frozen=True, eq=False)
class PanelIndices:
    """Where the weights of all panels lie: panel after panel, within a panel row after row.

    heights and widths: rows and columns of each panel; rows and cols: their indices, all panels in turn.
    """

    heights: IntVector
    widths: IntVector
    rows: IntVector
    cols: IntVector

    @property
    def flat(self) -> tuple[IntVector, IntVector]:
        """Row and column of every weight."""
        rows = np.split(self.rows, np.cumsum(self.heights)[:-1]) if self.heights.size else []
        cols = np.split(self.cols, np.cumsum(self.widths)[:-1]) if self.widths.size else []
        none = np.zeros(0, np.int64)
        return (
            np.concatenate([none, *(np.repeat(r, c.size) for r, c in zip(rows, cols, strict=True))]),
            np.concatenate([none, *(np.tile(c, r.size) for r, c in zip(rows, cols, strict=True))]),
        )

    def gather(self, weight: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return the weights of a matrix that lie in panels, in their order."""
        return weight[self.flat]


def panel_indices_of(layout: Layout, *, any_mask: bool = False) -> PanelIndices:
    """Return where the weights of a layout lie; with `any_mask`, of one without blocks too: every row is a panel then.

    Raises: SparselabError for another layout that keeps weights outside blocks.
    """
    if any_mask and not layout.blocks:
        rows, cols = np.nonzero(layout.after.kept)
        found, widths = np.unique(rows, return_counts=True)
        return PanelIndices(heights=np.ones_like(widths), widths=widths, rows=found, cols=cols)
    if why := blocks_unsupported_reason(layout):
        raise SparselabError(f"expected a layout of blocks; {why}")
    parts = panels(layout)
    none = np.zeros(0, np.int64)
    return PanelIndices(
        heights=np.array([part.rows.size for part in parts], np.int64),
        widths=np.array([part.cols.size for part in parts], np.int64),
        rows=np.concatenate([none, *(part.rows for part in parts)]),
        cols=np.concatenate([none, *(part.cols for part in parts)]),
    )
