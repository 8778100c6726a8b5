"""A package beside sparselab that brings one entry of every kind; pyproject.toml names them as entry points.

torch is imported where it is used, as in sparselab itself: a command that multiplies nothing does not wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import FileError
from sparselab.core.layer import Layer
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import Mask
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, check_shape
from sparselab.formats.options import ReadLimits
from sparselab.grouping.base import Goal, Grouper, Groups, cut
from sparselab.kernels.base import Kernel, Run, Work
from sparselab.kernels.support.input_checks import checked
from sparselab.runtime.progress import Monitor, Stages
from sparselab.training.models.base import Model
from sparselab.training.tasks.base import Data, NoSettings, Task
from sparselab.transforms.base import Transform

if TYPE_CHECKING:
    import torch
    from torch import nn


# A transform: a frozen dataclass whose fields are its settings. The entry point names the class.


@dataclass(frozen=True)
class BestRows(Transform):
    """Keep the rows with the most kept weights, whole, and drop the others."""

    title: ClassVar[str] = "Best rows (example)"
    source: ClassVar[str] = "an example"

    density: Annotated[float, Interval(ge=0.0, le=1.0), Doc("weights to keep / all weights, rounded down to rows")] = (
        0.1
    )

    def _run(self, layer: Layer, rng: np.random.Generator, device: str, monitor: Monitor) -> Layout:
        stages, (rows, cols) = Stages(monitor), layer.mask.shape
        with stages("selection"):
            counts = layer.mask.kept.sum(axis=1)
            best = np.argsort(-counts, kind="stable")[: int(self.density * rows)]
        blocks = [Block(np.sort(best), np.arange(cols))]
        reason = "the density does not pay for one row"
        return Layout.from_blocks(layer.mask, blocks, reason=reason, seconds=stages.seconds)


# A grouper, a kernel, a format, a task and a model: the entry point names an instance.


class FirstColumn(Grouper):
    """Rows in the order of their first kept column."""

    title = "First column (example)"
    meaning = "rows in the order of their first kept column"
    source = "an example"
    finds_planted_groups = False  # no promise: rows of two groups may begin alike

    def _group(self, mask: Mask, goal: Goal, rng: np.random.Generator, device: str, monitor: Monitor) -> Groups:
        return cut(np.argsort(mask.kept.argmax(axis=1), kind="stable"), goal.sizes(mask.rows))


FIRST_COLUMN = FirstColumn()


@dataclass(frozen=True)
class KeptRows(Kernel):
    """Y = W X over the rows that keep a weight; the others are 0."""

    title: ClassVar[str] = "Kept rows (example)"
    source: ClassVar[str] = "an example"
    products: ClassVar[tuple[str, ...]] = ("matrix",)

    def unsupported_reason(self, work: Work) -> str:
        return "" if work.conv is None else "a matrix product; for a convolution take conv2d"

    def prepare(self, work: Work) -> Run:
        import torch

        rows = np.flatnonzero(work.layout.after.kept.any(axis=1))
        weight, index = work.tensor(work.masked_weight[rows]), torch.as_tensor(rows, device=work.device)
        bias = work.bias_tensor

        def run(x: torch.Tensor) -> torch.Tensor:
            y = x.new_zeros(work.output_shape[0], x.shape[1])
            y[index] = weight @ x
            return y if bias is None else y + bias[:, None]

        return checked(run, work)


KEPT_ROWS = KeptRows()

_MAGIC = b"example-grid "


def _open_grid(path: Path, limits: ReadLimits) -> Archive:
    """A line `example-grid ROWS COLS`, then a 0 or 1 for every weight, row by row. Whatever is in the file, nothing runs."""
    header, _, cells = path.read_bytes().partition(b"\n")
    sizes = header.removeprefix(_MAGIC).split()
    if len(header) > 80 or len(sizes) != 2 or not all(size.isdigit() for size in sizes):
        raise FileError(f"{path.name}: expected a first line 'example-grid ROWS COLS'; got something else")
    rows, cols = map(int, sizes)
    check_shape(path.stem, (rows, cols), limits)
    if rows * cols == 0 or len(cells) != rows * cols or cells.translate(None, b"01"):
        raise FileError(
            f"{path.name}: expected {rows * cols} characters 0 or 1, at least one; got {len(cells)} or others"
        )
    kept = np.frombuffer(cells, np.uint8).reshape(rows, cols) == ord("1")
    return Archive((ArchiveEntry(name=path.stem, shape=kept.shape, dtype=kept.dtype, load=lambda: kept, role="mask"),))


def _recognises_grid(head: Head) -> bool:
    return head.start.startswith(_MAGIC)


GRID = Format(
    name="example-grid",  # as the entry point
    title="a grid of 0 and 1",
    suffixes=(".grid",),
    recognises=_recognises_grid,
    open=_open_grid,
    has_shapes=True,
)


def _read_stripes(root: Path | None, settings: Any, seed: int) -> Data:
    """Images of stripes in noise, lying (0) or standing (1); the test is the same for every seed."""
    import torch

    from sparselab.training.tasks.tensors import TensorSplit

    def split(count: int, seed: int) -> TensorSplit:
        rng = torch.Generator().manual_seed(seed)
        labels = torch.randint(2, (count,), generator=rng)
        lying = ((torch.arange(8) % 4 < 2).float()[:, None]).expand(8, 8)
        images = torch.where(labels.view(-1, 1, 1, 1) == 0, lying, lying.T)
        return TensorSplit(images + 0.3 * torch.randn(images.shape, generator=rng), labels, (0.5,), (0.5,))

    return Data(
        train=split(256, 2 * seed + 1),
        validation=split(64, 2 * seed + 2),
        test=split(64, 0),
        classes=2,
        channels=1,
        size=8,
    )


STRIPES = Task(
    "Stripes (example)", "generated", classes=2, channels=1, size=8, reader=_read_stripes, settings=NoSettings
)


def _two_layers(classes: int, channels: int, size: int, width: float) -> nn.Module:
    from torch import nn

    from sparselab.training.models.parts import Classifier, conv, initialised, scaled

    inner, outer = scaled(16, width), scaled(32, width)
    features = nn.Sequential(conv(channels, inner, bias=True), nn.ReLU(), conv(inner, outer, bias=True), nn.ReLU())
    return initialised(Classifier(features, outer, classes))


TWO_LAYERS = Model("Two convolutions (example)", "an example", _two_layers)
