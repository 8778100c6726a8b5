"""Values of every wrong kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.formats.readers.npy import FORMAT
from sparselab.grouping.base import Grouper
from sparselab.kernels.torch_ops.dense import Dense
from sparselab.transforms.base import Transform

A_TEXT = "no entry of any kind"
A_CLASS = Grouper
DENSE = Dense()
OTHER_NAME = replace(FORMAT, name="other")


@dataclass(frozen=True)
class Fine(Transform):
    """What is wrong with it is its name alone."""

    title: ClassVar[str] = "Fine"
    source: ClassVar[str] = "a test"

    def _run(self, layer: Any, rng: Any, device: str, monitor: Any) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class Abstract(Transform):
    """Cannot be called."""

    title: ClassVar[str] = "Abstract"
    source: ClassVar[str] = "a test"


@dataclass(frozen=True)
class NoRange(Fine):
    """A number without a range: no widget can be made of it."""

    many: Annotated[int, Doc("how many")] = 3


@dataclass(frozen=True)
class TakenName(Fine):
    """A setting called as an option of the command."""

    seed: Annotated[int, Interval(ge=0, le=9), Doc("a seed of its own")] = 3


@dataclass(frozen=True)
class BadDefault(Fine):
    """A default out of its own range."""

    many: Annotated[int, Interval(ge=0, le=9), Doc("how many")] = 30
