"""What becomes of a ticket: transforms to try on it, written in one line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from sparselab.core.errors import SettingError
from sparselab.core.settings import settings_of
from sparselab.training.setting_text import parse_values
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform

_ITEM = re.compile(r"(?P<name>[a-z-]+)(@(?P<levels>\d+(\+\d+)*))?(:(?P<settings>.*))?")
_LEVELS = re.compile(r"\d{1,9}(\+\d{1,9})*", re.ASCII)
_CAPS = ("refine_seconds", "permute_seconds")


@dataclass(frozen=True)
class Branch:
    """One transform of a run's tickets. `label` is unique in its run; `levels` None stands for all that are pruned.

    weigh: what a kept weight counts, where `settings` do not say it.
    """

    label: str
    name: str
    settings: str = ""
    levels: tuple[int, ...] | None = None
    weigh: str | None = None

    def transform(self) -> Transform:
        """Return the transform. Caps on time stand at their highest unless given, so that steps and seed decide the answer.

        Raises: SettingError.
        """
        kind = TRANSFORMS[self.name]
        caps = [s for s in settings_of(kind) if s.name in _CAPS and f"{s.name}=" not in self.settings.replace("-", "_")]
        highest = ",".join(f"{setting.name}={setting.kind(setting.high or 0)}" for setting in caps)
        weighed = any(setting.name == "weigh" for setting in settings_of(kind)) and "weigh=" not in self.settings
        weigh = f"weigh={self.weigh}" if weighed and self.weigh is not None else ""
        run: Transform = parse_values(self.name, kind, ",".join(filter(None, (self.settings, highest, weigh))))
        return run

    def values(self) -> dict[str, Any]:
        """Return the settings by which it differs from the transform's defaults, caps on time and the run's `weigh` aside."""
        run = replace(self, weigh=None).transform()
        chosen = {setting.name: getattr(run, setting.name) for setting in settings_of(type(run))}
        defaults = {setting.name: setting.default for setting in settings_of(type(run))}
        return {name: value for name, value in chosen.items() if value != defaults[name] and name not in _CAPS}


def parse_then(text: str) -> tuple[Branch, ...]:
    """Return the transforms of a line such as refill,regroup@3+6:rows_per_group=16,refine=true,n-m@0.

    A part without a transform's name goes on with the settings of the one before. A name that comes again is numbered.

    Raises: SettingError for an unknown transform or setting, or a line that cannot be read.
    """
    parts: list[str] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        goes_on = "=" in part and ":" not in part
        if goes_on and (not parts or ":" not in parts[-1]):
            raise SettingError(f"then: expected a transform before the setting {part!r}")
        if goes_on:
            parts[-1] += "," + part
        else:
            parts.append(part)
    items: list[Branch] = []
    for part in parts:
        item = _parse(part)
        again = sum(other.name == item.name for other in items)
        items.append(replace(item, label=f"{item.name}-{again + 1}") if again else item)
        items[-1].transform()
    return tuple(items)


def parse_levels(owner: str, text: str) -> tuple[int, ...]:
    """Return the levels of a text such as 3+6, `owner` being its name in errors; none where it is empty. Raises: SettingError.

    Example: >>> parse_levels("reinitialise", "3+6")
             (3, 6)
    """
    if text and not _LEVELS.fullmatch(text):
        raise SettingError(f"{owner}: expected levels such as 3+6; got {text!r}")
    return tuple(int(level) for level in text.split("+")) if text else ()


def _parse(part: str) -> Branch:
    found = _ITEM.fullmatch(part)
    if found is None or found["name"] not in TRANSFORMS:
        raise SettingError(f"then: expected {', '.join(TRANSFORMS)}, or one with @levels and :settings; got {part!r}")
    levels = None if found["levels"] is None else tuple(int(level) for level in found["levels"].split("+"))
    return Branch(found["name"], found["name"], found["settings"] or "", levels)
