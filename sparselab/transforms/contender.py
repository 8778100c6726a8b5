"""Who takes part when transforms are compared at one budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sparselab.core.errors import SparselabError

ROLES: Mapping[str, str] = MappingProxyType(
    {
        "bound": "the largest weights, in any place: no structure keeps more at the same density",
        "candidate": "a structure to choose from",
        "control": "groups formed without looking at the mask: a candidate should keep more",
    }
)


@dataclass(frozen=True)
class Contender:
    """One way to give a layer a structure.

    name: a short key that links and files may rely on; it begins with the transform's. title: what is shown.
    transform, settings: the name of a transform and what its settings are. role: one of `ROLES`.
    at_budget: it spends the weights it is told to, no more. by_chance: its rows are put together at random.
    on_curve: quick enough to be run at every density of a curve. per_layer: it is among those of which the best is sought, for a
    layer and for every layer of a network; the others show what else there is.
    """

    name: str
    title: str
    transform: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    role: str = "candidate"
    at_budget: bool = True
    by_chance: bool = False
    on_curve: bool = False
    per_layer: bool = False

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise SparselabError(f"{self.name}: expected a role of {', '.join(ROLES)}; got {self.role!r}")
