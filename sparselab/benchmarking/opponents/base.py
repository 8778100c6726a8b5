"""What an opponent is: the same dense product in another arithmetic, or by another library, timed beside a structure."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sparselab.kernels.base import PRODUCTS, Work

if TYPE_CHECKING:
    import torch

Product = Callable[[], "torch.Tensor"]
"""A prepared product on one input: Y at every call, laid out as the work asks, in the opponent's own type."""

_TRIALS = 3


@dataclass(frozen=True, eq=False)
class PreparedOpponent:
    """A product on one input, and in words which of several ways it is."""

    product: Product
    told: str

    def __call__(self, _x: torch.Tensor) -> torch.Tensor:
        """Return Y of the input it was prepared for; the argument is that input, and is not looked at."""
        return self.product()


@dataclass(frozen=True)
class DenseOpponent(ABC):
    """The dense product of the masked weight as a user would run it who left the mask alone, zeros and all.

    It is given the input in its own arithmetic and order, because a network that runs in it hands its values on so: what that costs
    once is in no time. What it does to its input at every run is.
    """

    title: ClassVar[str]
    """What its rows are called."""
    in_words: ClassVar[str]
    """What a verdict calls it."""
    source: ClassVar[str]
    arithmetic: ClassVar[str]
    """Its arithmetic; one that is not float32 has another rounding, and a row says so."""
    tolerance: ClassVar[float]
    """Largest `max_error` against the product in float64 at which it is right."""
    products: ClassVar[tuple[str, ...]] = PRODUCTS
    is_usual: ClassVar[bool] = True
    """Whether it is timed without being asked for by name."""

    @property
    def facts(self) -> Mapping[str, str | float]:
        """What a session says of it, for readers who do not have it: title, in_words, arithmetic, tolerance, source."""
        names = ("title", "in_words", "arithmetic", "tolerance", "source")
        return {name: getattr(self, name) for name in names}

    def unavailable(self, work: Work) -> str | None:
        """Return why it cannot stand beside `work` here, in words; None when it can."""
        if work.on_cuda:
            return "it is run on the CPU; on CUDA measure the session itself in bfloat16 or float16"
        if work.dtype != "float32":
            return f"it stands beside products in float32; this one is in {work.dtype}"
        if work.product not in self.products:
            return f"it has no {work.product}, only {' and '.join(self.products)} products"
        return self.missing()

    @abstractmethod
    def missing(self) -> str | None:
        """Return what the installed libraries lack for it; None when nothing."""

    @abstractmethod
    def ways(self, work: Work, x: torch.Tensor) -> Mapping[str, Product]:
        """Return the products to choose from, by what is told of each: the quickest is the opponent. Only where available."""

    def prepare(self, work: Work, x: torch.Tensor) -> PreparedOpponent:
        """Return the quickest of its ways on `x`, tried in turns."""
        return quickest_way(self.ways(work, x))


def quickest_way(ways: Mapping[str, Product]) -> PreparedOpponent:
    """Return the way with the shortest of a few times, taken in turns after one run that does not count."""
    times = dict.fromkeys(ways, float("inf"))
    for trial in range(_TRIALS + 1 if len(ways) > 1 else 0):
        for name, product in ways.items():
            start = time.perf_counter()
            product()
            if trial:
                times[name] = min(times[name], time.perf_counter() - start)
    name = min(times, key=times.__getitem__)
    return PreparedOpponent(ways[name], name)
