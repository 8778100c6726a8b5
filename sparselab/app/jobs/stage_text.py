"""What a visitor reads of the stages of work; their names stay the keys of the report's seconds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.runtime.progress import Progress

_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "similarity": "comparing the rows",
        "grouping": "grouping the rows",
        "refine": "refining the groups",
        "selection": "choosing weights",
        "permutation": "permuting the channels",
    }
)


def stage_text(progress: Progress | None, ahead: int | None = None) -> str:
    """Return where work stands; `ahead`: how many others come before it, None once it has begun.

    Example: >>> stage_text(Progress("refine", 1000, 2000)), stage_text(None, 2)
             ('refining the groups: 1,000 of 2,000', 'waiting: 2 before you')
    """
    if ahead is not None:
        return f"waiting: {ahead:,} before you" if ahead else "waiting: you are next"
    if progress is None:
        return "starting"
    stage = _TEXTS.get(progress.stage, progress.stage)
    return f"{stage}: {progress.done:,} of {progress.total:,}" if progress.total else stage
