"""The kinds of view that a step may name, each in a file of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sparselab.core.errors import SettingError, SparselabError
from sparselab.core.settings import Setting, settings_of
from sparselab.lessons.reading import Table, shown
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.blind import BlindView
from sparselab.lessons.views.curves import CurvesView
from sparselab.lessons.views.film import FilmOfRun
from sparselab.lessons.views.latency import LatencyView
from sparselab.lessons.views.mask import MaskView
from sparselab.lessons.views.motion import MotionView
from sparselab.lessons.views.similarity import SimilarityView
from sparselab.lessons.views.text import TextView
from sparselab.lessons.views.toy import ToyView

VIEWS: Mapping[str, type[LessonView]] = MappingProxyType(
    {
        kind.kind: kind
        for kind in (
            ToyView,
            MaskView,
            SimilarityView,
            BlindView,
            MotionView,
            LatencyView,
            CurvesView,
            FilmOfRun,
            TextView,
        )
    }
)
"""Every kind by its name."""


def read_view(table: Table) -> LessonView:
    """Return the view that a step's `[view]` describes. Raises: FileError that names file and key."""
    kind = table.text("kind")
    if kind not in VIEWS:
        raise table.error("kind", f"expected one of {', '.join(VIEWS)}; got {shown(kind)}")
    settings = {each.name: each for each in settings_of(VIEWS[kind])}
    values = {name: _value(table, each) for name, each in settings.items() if name in table.values}
    table.end()
    for field in dataclasses.fields(VIEWS[kind]):  # type: ignore[arg-type]
        if field.name not in values and field.default is field.default_factory is dataclasses.MISSING:
            raise table.error(field.name, "expected a value; got nothing")
    try:
        return VIEWS[kind](**values)
    except SparselabError as error:
        raise table.error("view", str(error)) from None


def _value(table: Table, setting: Setting) -> Any:
    """Return a field's value: a plain one checked against its declaration; a list as a tuple, a table as it is."""
    if setting.kind in (bool, int, float, str):
        value = table.get(setting.name, setting.kind)
        try:
            setting.check(value)
        except SettingError as error:
            raise table.error(setting.name, str(error).partition(": ")[2]) from None
        return value
    if getattr(setting.kind, "__origin__", None) is tuple:
        return table.texts(setting.name, most=256)
    return table.get(setting.name, dict)
