"""Settings written in one line: name=value,name=value."""

from __future__ import annotations

from typing import Any

from sparselab.core.errors import SettingError
from sparselab.core.settings import settings_of


def parse_values(owner: str, kind: type, text: str) -> Any:
    """Return `kind` with the settings of `text`, `owner` being its name in errors.

    Raises: SettingError for an unknown setting or a value out of range.
    Example: >>> from sparselab.transforms import NM
             >>> parse_values("n-m", NM, "n=1,m=4").m
             4
    """
    known = {setting.name: setting for setting in settings_of(kind)}
    values = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        name = name.strip().replace("-", "_")
        if name not in known or not equals:
            some = ", ".join(known) or "no setting at all"
            raise SettingError(f"{owner}: expected name=value with one of {some}; got {part!r}")
        values[name] = known[name].parse(value.strip())
    return kind(**values)
