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


def stage_text(progress: Progress | None) -> str:
    """Return where work stands.

    Example: >>> stage_text(Progress("refine", 1000, 2000))
             'refining the groups: 1,000 of 2,000'
    """
    if progress is None:
        return "starting"
    stage = _TEXTS.get(progress.stage, progress.stage)
    return f"{stage}: {progress.done:,} of {progress.total:,}" if progress.total else stage
