"""N:M: at most n of every m neighbouring input channels, after a permutation of the channels if asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.device import resolve_device
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.core.permutation import Permutation
from sparselab.core.settings import InFront, Ladder, OneOf, ShownAs, StopsByClock, When
from sparselab.runtime.progress import SILENT, Monitor, Stages
from sparselab.transforms.base import Transform
from sparselab.transforms.cells import scores
from sparselab.transforms.contender import Contender
from sparselab.transforms.n_m.channel_permutation import FoundPermutation, Limit
from sparselab.transforms.n_m.stripe_search import stripe_search
from sparselab.transforms.n_m.swap_search import swap_search
from sparselab.transforms.n_m.windows import (
    by_channel,
    column_order,
    efficacy,
    keep_in_windows,
    settle,
    unstructured_bound,
    worth_of,
)

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class NM(Transform):
    """Keep at most n of every m input channels, by |w|, in each row and at each kernel position.

    Only kept weights are chosen from. A mask without weights counts each kept weight as 1, and says so. The channels may
    be permuted first, which costs nothing at run time if the layer before is permuted likewise: `swap` swaps the best pair
    of channels until none helps, `stripe` deals a few windows out anew, with escapes. `col_order` lists the columns so that
    every window is a run of them.

    Source: Pool & Yu, NeurIPS 2021.
    """

    title: ClassVar[str] = "N:M"
    source: ClassVar[str] = "Pool & Yu (NeurIPS 2021), channel permutations for N:M sparsity"

    n: Annotated[
        int,
        Interval(ge=1, le=16),
        InFront(),
        ShownAs("Kept in a window (n)"),
        Doc("most weights kept in a window; no more than m"),
    ] = 2
    m: Annotated[
        int,
        Interval(ge=2, le=32),
        InFront(),
        Ladder((2, 4, 8, 16, 32)),
        ShownAs("Channels in a window (m)"),
        Doc("input channels in a window"),
    ] = 4
    permute: Annotated[
        str,
        OneOf(
            {
                "none": "as they are",
                "swap": "swaps the best pair of channels until none helps",
                "stripe": "reassigns the channels of a few windows, again and again; keeps most, and is slower",
            }
        ),
        ShownAs("Order of channels"),
        Doc("how channels are reordered first, so that the pattern keeps more"),
    ] = "none"
    permute_seconds: Annotated[
        int,
        Interval(ge=1, le=600),
        StopsByClock(),
        When("permute", ("swap", "stripe")),
        ShownAs("Order of channels, at most s"),
        Doc("longest time for the permutation"),
    ] = 10
    escapes: Annotated[
        int,
        Interval(ge=0, le=1000),
        When("permute", ("stripe",)),
        Doc("random swaps from which the search starts again when no swap helps"),
    ] = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n > self.m:
            raise SettingError(f"expected n up to m; got {self.n} of {self.m}")

    @classmethod
    def contenders(cls, name: str, density: float | None) -> tuple[Contender, ...]:
        """Return the pattern of NVIDIA's sparse tensor cores, and one of half its weights."""
        patterns = ((2, 4), (1, 4))
        return tuple(
            Contender(f"{name}-{n}-{m}", f"{n}:{m}", name, {"n": n, "m": m}, at_budget=False) for n, m in patterns
        )

    def _run(self, layer: Layer, rng: np.random.Generator, device: str, monitor: Monitor) -> Layout:
        torch_device = resolve_device(device)  # loads torch, which is not a stage of ours
        stages = Stages(monitor)
        weigh = "count" if layer.weight is None else "magnitude"
        values = by_channel(scores(layer, weigh, torch_device).double(), layer)
        found = FoundPermutation(np.arange(values.shape[1]), 0, "")
        if self.permute != "none":
            with stages("permutation"):
                found = self.search(values, rng, monitor)
        with stages("selection"):
            natural, permuted = (
                keep_in_windows(values, order, self.n, self.m)
                for order in (np.arange(values.shape[1]), settle(found.order, self.m))
            )
            bound = unstructured_bound(values, layer.mask.rows, self.n, self.m)
            gained = efficacy(worth_of(values, permuted), worth_of(values, natural), bound)
        return Layout.masked(
            layer.mask,
            Mask(_by_column(permuted, layer)),
            reason=f"{self.n} of every {self.m} input channels is a pattern, not blocks",
            col_order=Permutation(column_order(settle(found.order, self.m), layer)),
            seconds=stages.seconds,
            notes=self._notes(found, weigh),
            figures={} if gained is None else {"efficacy": gained},
        )

    def search(self, values: torch.Tensor, rng: np.random.Generator, monitor: Monitor = SILENT) -> FoundPermutation:
        """Return the channel order that the search named by `permute` finds for `values` (rows x channels)."""
        limit = Limit(self.permute_seconds, monitor)
        if self.permute == "swap":
            return swap_search(values, self.n, self.m, limit)
        return stripe_search(values, self.n, self.m, escapes=self.escapes, rng=rng, limit=limit)

    def _notes(self, found: FoundPermutation, weigh: str) -> dict[str, str]:
        notes = {"weights chosen by": "|w|" if weigh == "magnitude" else "position: the layer has no weights"}
        if self.permute != "none":
            notes |= {"permutation changes": str(found.changes), "permutation ended by": found.stopped}
        return notes


def _by_column(kept: torch.Tensor, layer: Layer) -> np.ndarray:
    """Turn (rows * kernel area) x channels back into the layer's rows x cols."""
    rows, cols = layer.mask.shape
    area = kept.shape[0] // rows
    back: np.ndarray = kept.reshape(rows, area, cols // area).transpose(1, 2).reshape(rows, cols).cpu().numpy()
    return back
