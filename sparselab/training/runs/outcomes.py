"""What trainings came to, from runs and from the study that comes with the project, in one form to be drawn."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sparselab.core.csv_text import read_rows
from sparselab.core.data_files import STUDY, STUDY_TICKETS
from sparselab.core.errors import FileError
from sparselab.training.runs.judging import judgement_of
from sparselab.training.runs.views import RunView
from sparselab.training.tasks import ACCURACY

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "imp": "IMP (unstructured)",
        "omp": "One-shot magnitude",
        "random": "Random",
        "snip": "SNIP",
        "grasp": "GraSP",
        "synflow": "SynFlow",
        "l1": "l1",
        "admm": "ADMM",
        "set": "SET",
        "rigl": "RigL",
        "top-kast": "Top-KAST",
        "dsb": "DSB",
        "ssb": "SSB (static blocks)",
        "refill": "Refill",
        "refill-plus": "Refill+",
        "regroup": "Regroup",
        "shuffled-blocks": "Shuffled blocks",
        "n-m": "N:M",
        "prune": "Prune",
    }
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One training: where its mask came from, how much it keeps, how accurate it became.

    `series` names what belongs on one line. `ticket` is the file of its masks, None where it is not here. `study` is true
    for the project's own study. `blocks` None: some layer is not in blocks. Where the task has another `metric` than
    accuracy, `test_accuracy` and `validation_accuracy` hold its values: their names are columns of tables that people keep.
    """

    run: str
    stage: str
    series: str
    method: str
    seed: int
    level: int
    transformed: bool
    kept: int
    size: int
    channels: int
    channels_size: int
    blocks: int | None
    test_accuracy: float
    validation_accuracy: float
    seconds: float
    ticket: Path | None
    study: bool
    metric: str = ACCURACY.name
    higher_is_better: bool = True

    @property
    def is_dense(self) -> bool:
        return not self.transformed and self.kept == self.size

    @property
    def density(self) -> float:
        return self.kept / self.size


def outcomes_of(view: RunView) -> tuple[Outcome, ...]:
    """Return the trainings of a run that are done."""
    settings = view.info.settings
    return tuple(
        Outcome(
            run=view.info.run,
            stage=entry["stage"],
            series=series_of(settings.method, entry["then"]),
            method=settings.method,
            seed=settings.seed,
            level=entry["level"],
            transformed=entry["then"] is not None,
            kept=entry["kept"],
            size=entry["size"],
            channels=entry["channels"],
            channels_size=entry["channels_size"],
            blocks=entry.get("blocks"),
            test_accuracy=judgement.test,
            validation_accuracy=judgement.validation,
            seconds=entry["seconds"],
            ticket=view.ticket(entry["stage"]),
            study=False,
            metric=judgement.metric,
            higher_is_better=judgement.higher_is_better,
        )
        for entry, judgement in ((entry, judgement_of(entry)) for entry in view.stages)
    )


def study_outcomes(path: Path = STUDY) -> tuple[Outcome, ...]:
    """Return the trainings of the study that comes with the project; none where its table is not here.

    Raises: FileError when the table is not what benchmarks/study.py writes.
    """
    if not path.is_file():
        return ()
    try:
        return tuple(_from_row(row) for row in read_rows(path.read_bytes().decode()))
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise FileError(f"expected the table of a study in {path.name}; it is damaged ({error})") from None


def series_of(method: str, then: Mapping[str, Any] | None) -> str:
    """Return the name of the line that a training belongs on: its method, or its transform with what sets it apart.

    Example: >>> series_of("imp", {"transform": "regroup", "settings": {"refine": True}})
             'Regroup, refined'
    """
    if then is None:
        return NAMES.get(method, method)
    if then.get("reinitialised"):
        ticket = {key: value for key, value in then.items() if key != "reinitialised"}
        return f"{series_of(method, ticket if then['transform'] else None)}, re-initialised"
    settings = dict(then["settings"])
    name = NAMES.get(then["transform"], then["transform"])
    if then["transform"] == "n-m":
        return f"N:M {settings.pop('n', 2)}:{settings.pop('m', 4)}"
    refined = settings.pop("refine", False)
    told = [f"{key.replace('_', ' ')} {value}" for key, value in sorted(settings.items()) if key not in _USUAL]
    return ", ".join([name, *(["refined"] if refined else []), *told])


_USUAL = ("rho",)
"""Settings that a line's name need not repeat: the paper's own."""


def _from_row(row: Mapping[str, str]) -> Outcome:
    settings = json.loads(row["settings"]) if row["settings"] else {}
    then = {"transform": row["transform"], "settings": settings} if row["transform"] else None
    ticket = STUDY_TICKETS / row["run"] / f"{row['stage']}.safetensors"
    return Outcome(
        run=row["run"],
        stage=row["stage"],
        series=series_of(row["method"], then),
        method=row["method"],
        seed=int(row["seed"]),
        level=int(row["level"]),
        transformed=then is not None,
        kept=int(row["kept"]),
        size=int(row["size"]),
        channels=int(row["channels"]),
        channels_size=int(row["channels_size"]),
        blocks=int(row["blocks"]) if row["blocks"] else None,
        test_accuracy=float(row["test_accuracy"]),
        validation_accuracy=float(row["validation_accuracy"]),
        seconds=float(row["seconds"]),
        ticket=ticket if ticket.is_file() else None,
        study=True,
    )
