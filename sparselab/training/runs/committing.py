"""What a stage ends with: model, ticket, then the result that makes both count."""

from __future__ import annotations

from typing import Any

from sparselab.core.errors import SparselabError
from sparselab.core.ticket import ticket_of
from sparselab.formats.ticket_file import write_own
from sparselab.training.engine.checkpoint import write_checkpoint
from sparselab.training.engine.mask_measures import mask_measures
from sparselab.training.network import Masks, State, layers_of, mask_of
from sparselab.training.runs.context import RunContext
from sparselab.training.runs.judging import judged
from sparselab.training.runs.stages import ANEW, REWIND, Stage
from sparselab.training.runs.underway import Underway
from sparselab.training.tasks.fewer import judged_examples


def commit(run: RunContext, work: Underway) -> None:
    """Measure a stage that has ended, write its files and its result, and remove its checkpoints.

    Raises: SparselabError when a weight outside the masks is not 0: a defect of ours.
    """
    stage, seconds = work.stage, work.seconds
    work.trainer.updater.finish()
    if work.film is not None:
        work.film.end(stage.stop)
    state, masks = run.network.capture(), work.trainer.updater.current()
    entry: dict[str, Any] = {"stage": stage.name, "level": stage.level}
    if stage.name != REWIND:
        entry |= _measured(run, work, state, masks)
    if not run.processes.writes:
        return
    write_checkpoint(run.paths.model(stage.name), {"model": state, "mask": masks}, {"stage": stage.name})
    if stage.name != REWIND:
        rewound = run.drawn_anew(stage.level) if stage.masks_of else run.model(REWIND)[0]
        layers = layers_of(run.network, masks, state=state, rewound=rewound)
        write_own(ticket_of(layers), run.paths.ticket(stage.name))
    run.events.sync()
    run.results.add({**entry, "seconds": seconds, "events": run.events.position})
    run.remove_checkpoints(stage.name)


def _measured(run: RunContext, work: Underway, state: State, masks: Masks) -> dict[str, Any]:
    for name, mask in masks.items():
        if state[f"{name}.weight"][~mask].count_nonzero():
            raise SparselabError(f"expected weights outside the mask of {name} to be 0; some are not")
    found = {name: mask_of(mask) for name, mask in masks.items()}
    return {
        "then": _then(work.stage),
        **judged(run.data.metric, validation=run.evaluate(run.data.validation), test=run.evaluate(run.data.test)),
        **judged_examples(run.data),
        **mask_measures(found, work.told),
    }


def _then(stage: Stage) -> dict[str, Any] | None:
    """Return what became of a level's ticket: the transform with its settings, and whether its weights were drawn anew."""
    item = stage.then
    told: dict[str, Any] | None = (
        None if item is None else {"label": item.label, "transform": item.name, "settings": item.values()}
    )
    if not stage.masks_of:
        return told
    told = told or {"label": "", "transform": None, "settings": {}}
    return {**told, "label": f"{told['label']}-{ANEW}".lstrip("-"), "reinitialised": True}
