"""What a converted layer costs: bytes of its weights in their structure, beside their density and what was measured."""

from __future__ import annotations

from dataclasses import dataclass

from sparselab.nn.block_module import BlockModule
from sparselab.nn.choosing import LayerChoice

_INDEX_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class LayerReport:
    """One block layer: what its weight takes dense, and as values and indices; without bias.

    structure: "blocks", or "mask" where the exact kernel runs kept weights that lie anywhere. dtype: of the values, as torch calls it.
    density: values / weights. dense_bytes: weights * bytes of the type; value_bytes: values * bytes of the type.
    index_bytes: 4 for every row and every column of a panel, and 8 a panel for their numbers; a mask's panels are its rows.
    That is what the structure needs stored. A layer in memory holds the row and the column of every value besides (16 bytes
    a value), so that it can train, and the copy that a kernel packed. choice: with `only_if_faster`, what was measured.
    """

    structure: str
    dtype: str
    density: float
    dense_bytes: int
    value_bytes: int
    index_bytes: int
    choice: LayerChoice | None = None

    @property
    def share(self) -> float:
        """Bytes of values and indices / bytes dense."""
        return (self.value_bytes + self.index_bytes) / self.dense_bytes

    def __str__(self) -> str:
        time = "" if self.choice is None else f"; {self.choice}"
        return (
            f"{self.structure} in {self.dtype}: density {self.density:.3f}, {self.value_bytes} bytes of values and "
            f"{self.index_bytes} of indices, {self.dense_bytes} dense{time}"
        )


def layer_report(layer: BlockModule, choice: LayerChoice | None = None) -> LayerReport:
    """Return what a block layer costs."""
    rows, cols = layer.layout.after.shape
    values, of = layer.values, layer.panel_indices
    return LayerReport(
        structure="blocks" if layer.layout.blocks else "mask",
        dtype=str(values.dtype).removeprefix("torch."),
        density=values.numel() / (rows * cols),
        dense_bytes=rows * cols * values.element_size(),
        value_bytes=values.numel() * values.element_size(),
        index_bytes=_INDEX_BYTES * (of.rows.size + of.cols.size + 2 * of.heights.size),
        choice=choice,
    )
