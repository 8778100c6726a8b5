"""What a sweep's run says of itself: how far it is, where its results come from, what it waits for."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Origins:
    """Where results come from. computed: for this sweep. cached: found among the answers that pages and other sweeps computed before.

    before: they lay in the sweep's folder when this run began.
    Example: >>> str(Origins(computed=30, cached=10)), str(Origins(before=40)), str(Origins())
             ('30 computed, 10 from the cache', '0 computed, 40 done before', '')
    """

    computed: int = 0
    cached: int = 0
    before: int = 0

    def __str__(self) -> str:
        told = [f"{self.computed:,} computed"]
        told += [f"{self.cached:,} from the cache"] * bool(self.cached)
        told += [f"{self.before:,} done before"] * bool(self.before)
        return ", ".join(told) if self != Origins() else ""


@dataclass(frozen=True)
class Standing:
    """How far a sweep is, or a shard of it. failed: of those done, how many have no result. seconds_left: None before it is known.

    origins: of the results, as far as it is known. waits: what nothing goes on without, a sentence; "" where it goes on.
    """

    done: int
    failed: int
    total: int
    seconds_left: float | None = None
    origins: Origins = field(default_factory=Origins)
    waits: str = ""

    @property
    def left(self) -> int:
        return self.total - self.done


@dataclass(frozen=True)
class Waiting:
    """Yielded by an executor, again every few seconds, while it waits for what nothing goes on without; with "" when it goes on."""

    reason: str
