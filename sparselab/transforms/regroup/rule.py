"""What a rule of Regroup is: how the groups of a layer get their columns, round by round."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, ClassVar

from sparselab.core.layer import Layer
from sparselab.core.layout import Block, paint
from sparselab.core.mask import BoolMatrix, Mask
from sparselab.grouping import Groups
from sparselab.grouping.refine import Budget

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Selection:
    """The blocks chosen for a layer so far, one tuple a round, and what they leave to choose from."""

    layer: Layer
    rounds: tuple[tuple[Block, ...], ...] = ()

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(chain.from_iterable(self.rounds))

    @cached_property
    def covered(self) -> Mask:
        """Every weight inside a block, kept before or not."""
        return paint(self.blocks, self.layer.mask.shape)

    @cached_property
    def left(self) -> Layer:
        """The layer without the kept weights that lie in a block."""
        if not self.blocks:
            return self.layer
        return Layer(self.layer.name, self.layer.mask - self.covered, weight=self.layer.weight)

    def with_round(self, blocks: tuple[Block, ...]) -> Selection:
        """Return the selection after one more round."""
        return Selection(self.layer, (*self.rounds, blocks))


@dataclass(frozen=True)
class Rule(ABC):
    """Chooses columns for groups of rows. Its fields are the settings of Regroup that it reads, with range and meaning."""

    meaning: ClassVar[str]
    """One line, shown beside the rule's name."""
    rows_per_group: ClassVar[int | None] = 32
    group_count: ClassVar[int | None] = None
    """Height or number of groups where the settings give neither; exactly one of the two."""
    spends_density: ClassVar[bool] = False
    """Whether it spends a given number of weights, so that groups can be refined for it."""
    orders_by_group: ClassVar[bool] = True
    """Whether rows are shown in the order of the first round's groups, else in that of the blocks."""

    def goes_on(self, selection: Selection) -> bool:
        """Return whether another round follows; by default there is one."""
        return not selection.rounds

    @abstractmethod
    def select(self, selection: Selection, groups: Groups, device: torch.device) -> tuple[Block, ...]:
        """Return the blocks of one round for given groups; none holds a weight of an earlier block.

        Raises: SettingError when the layer lacks what the settings need.
        """

    @abstractmethod
    def why_none(self, layer: Layer, groups: Groups) -> str:
        """Return why no block was found, given the groups of the first round (empty: there was none)."""

    def for_any_groups(self, layer: Layer, device: torch.device) -> Callable[[Groups], BoolMatrix] | None:
        """Return which columns each group takes in the only round (groups x cols), as a function that computes all else once.

        None where there are more rounds, or nothing to share. Raises: as `select`.
        """
        return None

    def objective(
        self, selection: Selection, groups: Groups, device: torch.device
    ) -> tuple[torch.Tensor, Budget] | None:
        """Return what refinement raises, the worth of every weight and the budget; None for a rule that spends none."""
        return None

    def notes(self, selection: Selection) -> Mapping[str, str]:
        """Return what the layout should say of the rounds."""
        return {}
