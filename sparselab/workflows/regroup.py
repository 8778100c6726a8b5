"""Regroup over all layers of a ticket, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sparselab.analysis.metrics import Report
from sparselab.core.errors import SettingError
from sparselab.core.inputs.generators import Rng
from sparselab.core.layout import Layout
from sparselab.core.settings import settings_of
from sparselab.core.ticket import Skipped
from sparselab.formats import Source, open_ticket
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.transforms import Regroup
from sparselab.workflows.model import Done, NotDone, apply_transform


@dataclass(frozen=True, kw_only=True)
class Regrouped:
    """What Regroup made of a ticket: the layout and the report of every layer, by name, and why a layer has none."""

    layouts: Mapping[str, Layout]
    reports: Mapping[str, Report]
    skipped: tuple[Skipped, ...]


def regroup(
    ticket: Source, *, rng: Rng = None, device: str = "auto", monitor: Monitor = SILENT, **settings: Any
) -> Regrouped:
    """Return what `Regroup(**settings)` makes of every layer of a ticket, or of anything that `open_ticket` takes.

    Every layer starts from the same state of `rng`, so that it comes out as it does alone.

    Raises: SettingError for settings that Regroup does not have or refuses, Cancelled; a layer that fails is in `skipped`.
    Example: >>> regroup({"fc.weight": np.eye(4) / 2}, rows_per_group=1, device="cpu").reports["fc.weight"].coverage
             1.0
    """
    known = [setting.name for setting in settings_of(Regroup)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise SettingError(f"expected settings of Regroup, {', '.join(known)}; got {', '.join(unknown)}")
    opened = open_ticket(ticket)
    outcomes = list(apply_transform(Regroup(**settings), opened, opened.names, rng=rng, device=device, monitor=monitor))
    done = {item.layer.name: item for item in outcomes if isinstance(item, Done)}
    return Regrouped(
        layouts=MappingProxyType({name: item.layout for name, item in done.items()}),
        reports=MappingProxyType({name: item.report for name, item in done.items()}),
        skipped=tuple(Skipped(item.name, str(item.error)) for item in outcomes if isinstance(item, NotDone)),
    )
