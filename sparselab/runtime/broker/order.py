"""Whose turn it is: pure rules over what waits and what runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sparselab.runtime.broker.job import Computation
from sparselab.runtime.broker.request import Rank

PATIENCE_SECONDS = 60.0
"""Who has waited so long goes before everybody's first rank: nothing waits for ever."""


def in_order(
    waiting: Sequence[Computation], running: Sequence[Computation], served: Mapping[str, int], now: float
) -> list[Computation]:
    """Return what waits in the order in which it begins.

    Interactive requests before lists, and what nobody asked for yet last; nobody's second while somebody waits for a first; among
    lists the owner served longest ago first, and all else in the order of asking. Of several askers the one counts whose turn is
    first. served: by owner, a count that grows with every beginning.
    """
    at_work = Counter(owner for work in running for owner in work.askers)

    def key(work: Computation) -> tuple[int, int, int, int]:
        is_late = now - work.asked_at > PATIENCE_SECONDS and work.rank is not Rank.AHEAD
        rank = Rank.INTERACTIVE if is_late else work.rank
        second = min((at_work[owner] for owner in work.askers), default=0)
        turn = min((served.get(owner, 0) for owner in work.askers), default=0) if work.rank is Rank.LIST else 0
        return rank, second, turn, work.number

    return sorted(waiting, key=key)


def next_to_begin(
    waiting: Sequence[Computation],
    running: Sequence[Computation],
    served: Mapping[str, int],
    *,
    slots: int,
    now: float,
    is_crowded: bool,
) -> Computation | None:
    """Return what begins now, or None: at most `slots` at once, and what is to run alone alone.

    is_crowded: others than the owner of a list are about, so that one slot is kept free of lists, for them.
    What nobody asked for yet runs by itself, where nothing else does. It takes a moment, and who comes meanwhile does better to
    wait for its warm worker than to start another.
    """
    if any(work.request.is_alone or work.rank is Rank.AHEAD for work in running):
        return None
    for work in in_order(waiting, running, served, now):
        if work.request.is_alone or work.rank is Rank.AHEAD:
            return None if running else work  # once its turn has come nothing else begins before it
        if len(running) >= slots:
            return None
        lists = sum(other.rank is Rank.LIST for other in running)
        if work.rank is Rank.LIST and is_crowded and 0 < slots - 1 <= lists:
            continue
        return work
    return None
