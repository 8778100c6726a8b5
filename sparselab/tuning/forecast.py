"""Whether the structure can pay, measured before anything is trained: times do not depend on what the weights become."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparselab.benchmarking.statistics import Ratio
from sparselab.benchmarking.verdicts import Verdict, verdict_of
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.training.engine.initial import initial
from sparselab.training.engine.stage_start import transformed_layouts
from sparselab.training.network import Masks, Network, tensor_of
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import Data
from sparselab.tuning.forms import one_batch, ready_forms, time_forms

CANDIDATES = tuple(f"regroup:rows_per_group={height}" for height in (32, 16, 64))
"""What `auto` chooses from, in the order in which they are tried as long as there is time: at equal numbers of weights lower groups keep more of the old ones, higher groups run faster."""

_AS_FAST = 1.05
"""Times closer than this count as equal, and the lower groups win."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What one transform comes to on this machine, at the checkpoint's weights. Times are milliseconds of a batch.

    retained: the share of the kept weights that stay. exact, structured: dense time / theirs. over: the time of `rival` (dense or exact,
    whichever is faster) / the structured time. rounds: of the turns in which all were timed. transform_s, ready_s: the seconds that
    the transform took, and the making of the forms.
    """

    transform: str
    retained: float
    dense_ms: float
    exact: Ratio
    structured: Ratio
    structured_ms: float
    rival: str
    over: Ratio
    rounds: int
    transform_s: float = 0.0
    ready_s: float = 0.0

    @property
    def pays(self) -> bool:
        """Whether the structure was shown to be faster than the best that drops nothing."""
        return verdict_of(self.over, self.rounds) is Verdict.FASTER

    @property
    def cannot_pay(self) -> bool:
        """Whether it was shown to be slower, or as fast at most."""
        return verdict_of(self.over, self.rounds) is Verdict.SLOWER or (
            verdict_of(self.over, self.rounds) is Verdict.NO_DIFFERENCE and self.over.high <= _AS_FAST
        )

    @property
    def told(self) -> str:
        """In words: "regroup:rows_per_group=32 3.10x, the exact product 2.10x as fast as dense, with nothing dropped"."""
        return (
            f"{self.transform} runs {self.structured.value:.2f}x as fast as dense ({self.structured.low:.2f} to "
            f"{self.structured.high:.2f}) and keeps {100 * self.retained:.0f} % of the weights; the exact product "
            f"{self.exact.value:.2f}x ({self.exact.low:.2f} to {self.exact.high:.2f}) with nothing dropped"
        )

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        ratios = {
            name: (each.value, each.low, each.high) for name, each in (("exact", self.exact), ("over", self.over))
        }
        return {
            "transform": self.transform,
            "retained": self.retained,
            "dense_ms": self.dense_ms,
            "structured_ms": self.structured_ms,
            "structured": (self.structured.value, self.structured.low, self.structured.high),
            "rival": self.rival,
            "rounds": self.rounds,
            "transform_s": self.transform_s,
            "ready_s": self.ready_s,
            **ratios,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Forecast:
        """Return what `as_json` described."""
        return cls(**{**told, **{name: Ratio(*told[name]) for name in ("exact", "structured", "over")}})


def forecast(
    settings: TrainSettings, network: Network, data: Data, *, seconds: float, examples: int, monitor: Monitor = SILENT
) -> Forecast:
    """Return what the one transform of `settings` comes to on the checkpoint, all forms timed in turns for `seconds`, on
    a batch of `examples`."""
    (item,) = settings.follow_ups
    start = initial(settings, network, lambda _text: None)
    monitor.progress(f"trying {item.label}")
    begun = time.perf_counter()
    layers = transformed_layouts(
        settings, network, data, item=item, rewound=start.state, ticket=(start.state, start.masks), monitor=monitor
    )
    transformed = time.perf_counter()
    layouts = {layer.name: layout for layer, layout in layers}
    after: Masks = {
        name: tensor_of(layout.after, start.masks[name]).to(start.masks[name].dtype) for name, layout in layouts.items()
    }
    forms = {"dense": network.full, "masked": start.masks, "structured": after}
    batch = one_batch(network, data, examples)
    ready = ready_forms(network, batch, {name: (start.state, masks) for name, masks in forms.items()}, layouts)
    timed = ("dense", "exact", "structured")
    ended = time.perf_counter()
    times = time_forms(ready, batch, seed=settings.seed, seconds=seconds, monitor=monitor, forms=timed)
    rival = min(("dense", "exact"), key=times.ms)
    kept = sum(layout.before.count for layout in layouts.values())
    return Forecast(
        transform=settings.then,
        retained=sum(layout.covered.count for layout in layouts.values()) / max(kept, 1),
        dense_ms=times.ms("dense"),
        exact=times.ratio("exact"),
        structured=times.ratio("structured"),
        structured_ms=times.ms("structured"),
        rival=rival,
        over=times.ratio("structured", rival),
        rounds=times.rounds,
        transform_s=transformed - begun,
        ready_s=ended - transformed,
    )


def best_of(forecasts: Sequence[Forecast]) -> Forecast:
    """Return the transform to take: of those within 5 % of the fastest the one that keeps most of the weights; times are shares of
    each one's own dense time, taken in the same turns."""
    fastest = max(each.structured.value for each in forecasts)
    return max(
        (each for each in forecasts if each.structured.value * _AS_FAST >= fastest), key=lambda each: each.retained
    )


def refusal(found: Forecast, minutes: float, others: Sequence[Forecast]) -> str:
    """Return in one sentence that a training is not worth its minutes, and what would be. others: what else was tried."""
    rival = "the exact product" if found.rival == "exact" else "the dense product"
    now = f"sparselab.convert(model) gives {found.exact.value:.2f}x now, with nothing dropped"
    better = [each for each in others if each.pays]
    if better:
        best = best_of(better)
        cure = f"--transform {best.transform} pays here: {best.told}"
    else:
        tried = ", ".join(f"{each.transform} {each.structured.value:.2f}x" for each in others)
        cure = (f"of others tried none pays either ({tried}); " if tried else "") + (
            now if found.exact.low > 1 else "prune further, or larger layers, or more positions in a call"
        )
    return (
        f"transform: expected a structure that is faster here than {rival}, measured at the checkpoint's weights; would train "
        f"{minutes:g} minutes for {found.over.value:.2f}x of it ({found.over.low:.2f} to {found.over.high:.2f}): {found.told}: "
        f"{cure}; --anyway trains all the same"
    )
