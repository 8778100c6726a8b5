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

    Interactive requests before lists; nobody's second while somebody waits for a first; among lists the owner served longest
    ago first, and all else in the order of asking. served: by owner, a count that grows with every beginning.
    """
    at_work = Counter(work.request.owner for work in running)

    def key(work: Computation) -> tuple[int, int, int, int]:
        owner = work.request.owner
        has_waited_long = now - work.asked_at > PATIENCE_SECONDS
        rank = Rank.INTERACTIVE if has_waited_long else work.request.rank
        turn = served.get(owner, 0) if work.request.rank is Rank.LIST else 0
        return rank, at_work[owner], turn, work.number

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
    """
    if any(work.request.is_alone for work in running):
        return None
    for work in in_order(waiting, running, served, now):
        if work.request.is_alone:
            return None if running else work  # once its turn has come nothing else begins before it
        if len(running) >= slots:
            return None
        lists = sum(other.request.rank is Rank.LIST for other in running)
        if work.request.rank is Rank.LIST and is_crowded and 0 < slots - 1 <= lists:
            continue
        return work
    return None
