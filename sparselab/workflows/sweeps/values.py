"""Lists of values of settings: checked, and multiplied out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from sparselab.core.errors import SettingError
from sparselab.core.settings import settings_of

MOST_POINTS = 1_000_000
"""Points of one plan: beyond, a list of its digests alone takes gigabytes."""


def check_values(what: str, kind: type, values: Mapping[str, Sequence[Any]]) -> None:
    """Raises: SettingError for a setting that `kind`, called `what`, has not, a value out of range, no value at all, a list of too
    many, or values that exclude each other all.
    """
    known = {each.name: each for each in settings_of(kind)}
    for key, listed in values.items():
        if key not in known:
            names = [name for name, each in known.items() if not each.stops_by_clock]
            raise SettingError(f"{what}: expected some of {', '.join(names)}; got {key!r}")
        if not listed:
            raise SettingError(f"{what}: {key}: expected at least one value; got none")
        for value in listed:
            known[key].check(value)
    if (count := prod(map(len, values.values()))) > MOST_POINTS:
        raise SettingError(f"{what}: expected at most {MOST_POINTS} combinations; got {count}")
    taken, why = combinations_of(kind, values)
    if not taken:
        raise SettingError(f"{what}: {why[0]}")


def combinations_of(kind: type, values: Mapping[str, Sequence[Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the whole settings of every combination that `kind` takes, once each, and why the others are left out.

    Settings that do not count beside the others stand at their defaults.
    """
    declared = settings_of(kind)
    found: dict[str, dict[str, Any]] = {}
    refused: list[str] = []
    for each in product(*values.values()):
        whole = {setting.name: setting.default for setting in declared} | dict(zip(values, each, strict=True))
        counting = {
            setting.name: whole[setting.name] if setting.counts(whole) else setting.default for setting in declared
        }
        try:
            kind(**whole)
        except SettingError as error:
            refused.append(str(error))
        else:
            found.setdefault(json.dumps(counting, sort_keys=True), counting)
    return list(found.values()), refused
