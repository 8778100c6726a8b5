"""Open Explore with a file, a layer, a transform and its knobs: the one way by which other pages do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol
from urllib.parse import urlencode

import streamlit as st

from sparselab.app.shell.address import AddressState, fixed_keys, knob_keys, query_of, slot_of
from sparselab.app.shell.address_keys import PATH
from sparselab.app.shell.navigation import page_called
from sparselab.app.shell.visit import open_next


class Addressed(Protocol):
    """A file that an address can name; `address` has its keys: source, and sample, path, or an upload's file and digest."""

    @property
    def address(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class AtPath:
    """A file of this machine, by its path."""

    path: Path

    @property
    def address(self) -> Mapping[str, Any]:
        return {"source": PATH, "path": str(self.path)}


def open_in_explore(
    source: Addressed,
    layer: str,
    transform: str | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> NoReturn:
    """Leave for Explore, which then shows this layer of this file; to be called where a button was pressed, not in its callback.

    Args:
        source: the file, such as a `Source` or `AtPath`.
        layer: its name in the file.
        transform: its name in the registry; None: the one that Explore starts with.
        settings: its knobs; those at their defaults need not be named.
        seed: None: Explore's default.
    """
    open_in("explore", source, layer, transform, settings, seed)


def open_in(
    page: str,
    source: Addressed,
    layer: str,
    transform: str | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> NoReturn:
    """Leave for a page that shows one layer: Explore, Compare or Latency. Arguments: those of `open_in_explore`."""
    open_next(_values(source, layer, transform, settings, seed), page)
    # The address of this page is left as it is: a change would be an entry of the history, to which Back would then return.
    st.switch_page(page_called(page), query_params=st.query_params.to_dict())


def explore_link(
    source: Addressed,
    layer: str,
    transform: str | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> str:
    """Return the address of what `open_in_explore` opens, from the app's root. Arguments: the same.

    Example: >>> explore_link(AtPath(Path("a.npz")), "fc", "n-m", {"n": 1})
             '/?source=Path&path=a.npz&layer=fc&transform=n-m&n=1'
    """
    values = _values(source, layer, transform, settings, seed)
    state = AddressState({slot_of("explore", name): value for name, value in values.items() if value is not None})
    return "/?" + urlencode(query_of("explore", state))


def _values(
    source: Addressed, layer: str, transform: str | None, settings: Mapping[str, Any] | None, seed: int | None
) -> dict[str, Any]:
    values = {**source.address, "layer": layer, "transform": transform, **(settings or {}), "seed": seed}
    keys = fixed_keys("explore")
    keys |= knob_keys("explore", transform or keys["transform"].setting.default)
    return {name: value for name, value in values.items() if value is None or value != keys[name].setting.default}
