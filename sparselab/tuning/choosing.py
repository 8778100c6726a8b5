"""Which transform a tuning trains: the one it was told, or the best of those that there is time to try."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from sparselab.core.errors import SettingError
from sparselab.tuning.forecast import CANDIDATES, Forecast, best_of, refusal
from sparselab.tuning.request import AUTO, TuneRequest

Try = Callable[[str], Forecast]
"""Times what a transform comes to on the checkpoint."""


class Refused(SettingError):
    """A tuning that is not worth its minutes, or does not fit into them: nothing of it is kept."""


def choose(
    request: TuneRequest,
    try_one: Try,
    known: Mapping[str, Forecast],
    *,
    seconds: float,
    keep: Callable[[Forecast], None],
    anyway: bool,
) -> tuple[Forecast, tuple[str, ...]]:
    """Return what the transform to train comes to, and in words what there was no time to try.

    known: what was tried before, and is not tried again. seconds: after which no other transform is tried. keep: hears every new one.

    Raises: Refused where it cannot pay, unless `anyway`.
    """
    begun, done, new = time.perf_counter(), dict(known), 0

    def tried(transforms: Iterable[str]) -> list[Forecast]:
        nonlocal new
        wanted = list(dict.fromkeys(transforms))
        for transform in wanted:
            spent = time.perf_counter() - begun
            if transform in done or (new and spent * (1 + 1 / new) > seconds):
                continue
            keep(each := try_one(transform))
            done[transform], new = each, new + 1
        return [done[transform] for transform in wanted if transform in done]

    is_open = request.transform == AUTO
    others = tried(CANDIDATES if is_open else (request.transform,))
    found = best_of(others)
    if found.cannot_pay and not anyway:
        others = others if is_open else tried((request.transform, *CANDIDATES))
        raise Refused(refusal(found, request.minutes, [each for each in others if each is not found]))
    left = [each for each in CANDIDATES if is_open and each not in {other.transform for other in others}]
    return found, tuple(f"not tried, for want of time: {each}" for each in left)
