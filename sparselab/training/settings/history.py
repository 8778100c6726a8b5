"""Settings that came later: what runs without them did, so that they keep their names and their meaning."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sparselab.core.settings import Setting, settings_of
from sparselab.training.before import BEFORE


def digest_of(settings: Any) -> str:
    """Return the name of a run: 16 hexadecimal digits of the SHA-256 of its settings' JSON.

    A setting that came later counts where it is not what runs before it had, so that those keep their names, and where the run
    has a use for it.
    """
    values = dataclasses.asdict(settings)
    later = [setting for setting in settings_of(type(settings)) if setting.name in BEFORE]
    untold = {each.name for each in later if values[each.name] == BEFORE[each.name] or _is_idle(each, values)}
    told = {name: value for name, value in values.items() if name not in untold}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def with_those_before(values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return values that a run wrote down, with what it does by settings that were not there then and count for it."""
    settings = settings_of(kind)
    whole = {**{setting.name: setting.default for setting in settings}, **values}
    missing = [each for each in settings if each.name in BEFORE and each.name not in values]
    return {**values, **{each.name: BEFORE[each.name] for each in missing if not _is_idle(each, whole)}}


def _is_idle(setting: Setting, values: dict[str, Any]) -> bool:
    """Whether a run has no use for a setting: no transform weighs anything, or it is of other methods and at its default."""
    if setting.name == "weigh":
        return not values["then"]
    return bool(values[setting.name] == setting.default) and not setting.counts(values)
