"""What an address says: the state of the pages that it stands for, read from it and written to it.

A state holds what was chosen, all else is default. Knobs of a transform are keys as well, under their settings' names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from sparselab.app.shell.address_keys import KEYS, LONGEST_QUOTED, SUBJECT_NAMES, Key
from sparselab.core.errors import SettingError
from sparselab.core.settings import settings_of
from sparselab.transforms import TRANSFORMS


@dataclass(frozen=True)
class AddressState:
    """What was chosen, by slot. What is not in it stands at its default."""

    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def put(self, values: Mapping[str, Any]) -> AddressState:
        """Return the state with these values."""
        return replace(self, values=MappingProxyType({**self.values, **values}))

    def without(self, slots: frozenset[str]) -> AddressState:
        """Return the state with these slots at their defaults."""
        return replace(self, values=MappingProxyType({k: v for k, v in self.values.items() if k not in slots}))


def fixed_keys(page: str) -> dict[str, Key]:
    """Return the keys of a page by name, without knobs."""
    return {key.setting.name: key for key in KEYS if page in key.pages}


def slot_of(page: str, name: str) -> str:
    """Return the slot of a key, or of a knob, of a page. Raises: KeyError for a knob where there is no transform."""
    fixed = fixed_keys(page)
    return fixed[name].slot if name in fixed else _prefix(fixed["transform"]) + name


def _prefix(transform: Key) -> str:
    return transform.slot.removesuffix(transform.setting.name)


def knob_keys(page: str, transform: str | None) -> dict[str, Key]:
    """Return the knobs of a transform as keys of a page, by name; none where the page has no transform."""
    own = fixed_keys(page).get("transform")
    if own is None or transform is None or transform not in TRANSFORMS:
        return {}
    return {each.name: Key(each, own.pages, _prefix(own) + each.name) for each in settings_of(TRANSFORMS[transform])}


def keys_of(page: str, state: AddressState) -> dict[str, Key]:
    """Return every key of a page by name, with the knobs of the transform chosen."""
    fixed = fixed_keys(page)
    own = fixed.get("transform")
    chosen = None if own is None else state.values.get(own.slot, own.setting.default)
    return fixed | knob_keys(page, chosen)


def knob_slots(page: str) -> frozenset[str]:
    """Return the slots of a page's knobs, of every transform."""
    return frozenset(key.slot for name in TRANSFORMS for key in knob_keys(page, name).values())


def subject_slots(page: str) -> frozenset[str]:
    """Return the slots of what a page is about: file, layer, transform and knobs, but not how it is looked at."""
    return knob_slots(page) | {key.slot for name, key in fixed_keys(page).items() if name in SUBJECT_NAMES}


def parse(page: str, query: Mapping[str, str]) -> tuple[AddressState, tuple[str, ...]]:
    """Return what an address says of a page, and a sentence for every part of it that means nothing there."""
    state, problems = AddressState(), []
    fixed = fixed_keys(page)
    # The transform first: it says what the other names mean.
    for name in sorted(query, key=lambda name: name != "transform"):
        key = fixed.get(name) or keys_of(page, state).get(name)
        if key is None:
            problems.append(f"{name[:LONGEST_QUOTED]!r} is no setting of this page and is left out")
            continue
        try:
            value = key.parse(query[name])
            if name == "transform" and value not in (key.setting.default, *TRANSFORMS):
                raise SettingError(
                    f"transform: expected one of {', '.join(TRANSFORMS)}; got {value[:LONGEST_QUOTED]!r}"
                )
            state = state.put({key.slot: value})
        except SettingError as error:
            problems.append(f"{error}; the default is shown")
    return state, tuple(problems)


def query_of(page: str, state: AddressState) -> dict[str, str]:
    """Return the address of a page in a state: every choice that counts there, under its name."""
    fixed = fixed_keys(page)
    values = {name: state.values.get(key.slot, key.setting.default) for name, key in fixed.items()}
    chosen = {name: key for name, key in keys_of(page, state).items() if key.slot in state.values}
    return {
        name: text_of(state.values[key.slot])
        for name, key in chosen.items()
        if name not in fixed or key.setting.counts(values)
    }


def text_of(value: Any) -> str:
    """Return a value as the address has it.

    Example: >>> text_of(True), text_of(None), text_of(0.25), text_of(20.0)
             ('true', 'none', '0.25', '20')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return "none" if value is None else str(value)
