"""The plan of a run: the trainings it is made of, in the order in which they happen."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sparselab.training.branches import Branch
from sparselab.training.schedule import Schedule
from sparselab.training.settings import TrainSettings

REWIND, ANEW = "rewind", "reinitialised"


@dataclass(frozen=True)
class Stage:
    """One training from step `start` to step `stop`; its name is the name of its files.

    The stage called `rewind` makes the weights that all others start from. `then` is set where a level's ticket was
    transformed. `masks_of` is set where the masks are those of another stage, and the weights are drawn anew.
    """

    name: str
    level: int
    start: int
    stop: int
    then: Branch | None = None
    masks_of: str = ""


def stages_of(settings: TrainSettings, schedule: Schedule) -> tuple[Stage, ...]:
    """Return the stages: up to the rewind step, then level by level, each followed by what becomes of its ticket.

    Tickets of `reinitialise` are followed by the same masks on weights drawn anew, which train from step 0 to the end. The dense
    network of level 0 is no ticket.
    """
    found = [Stage(REWIND, settings.first_level, 0, schedule.rewind)]
    again = 0 if settings.rewind == "restart" else schedule.rewind
    for level in range(settings.first_level, settings.last_level + 1):
        start = schedule.rewind if level == 0 else again
        name = level_name(level)
        own = [Stage(name, level, start, schedule.total)]
        items = [item for item in settings.follow_ups if level in follow_levels(item, settings)]
        own += [Stage(f"{name}-{item.label}", level, again, schedule.total, item) for item in items]
        found += own
        if level in settings.reinitialised_levels:
            tickets = own if level else own[1:]
            found += [replace(each, name=f"{each.name}-{ANEW}", start=0, masks_of=each.name) for each in tickets]
    return tuple(found)


def follow_levels(item: Branch, settings: TrainSettings) -> tuple[int, ...]:
    """Return the levels whose tickets `item` transforms: those it names, else all that are pruned, else the dense one."""
    if item.levels is not None:
        return item.levels
    return tuple(range(1, settings.last_level + 1)) or (0,)


def level_name(level: int) -> str:
    """Return the name of a level's stage."""
    return f"level-{level:02}"
