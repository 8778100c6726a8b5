"""The tab Plan a sweep: transforms and values clicked together, shown as the command that runs them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import streamlit as st

from sparselab.app.shell.faults import show_fault
from sparselab.core.errors import SettingError
from sparselab.core.settings import Setting, settings_of
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.sweeps.command import command_of
from sparselab.workflows.sweeps.plan import combinations

_FIRST = "regroup"
_BUDGETS = ("0.05", "0.1", "0.2")
_SEED = "0"


def show_planning() -> None:
    """Show the controls of a plan, and the command."""
    st.caption(
        "Every combination of the values is a point, and every point is computed for every layer. Nothing is run here: copy the command into "
        "a terminal. It can be stopped and goes on where it was; several machines can share it."
    )
    left, right = st.columns(2)
    file = left.text_input("File or folder", "model.safetensors", key="_plan_file")
    layers = right.text_input(
        "Layers", "", key="_plan_layers", placeholder="all", help="Names or patterns such as features.*, with commas."
    )
    names = st.multiselect(
        "Transforms",
        list(TRANSFORMS),
        [_FIRST],
        format_func=lambda name: TRANSFORMS[name].title,
        key="_plan_transforms",
    )
    if not names:
        st.info("Choose at least one transform.", icon=":material/tune:")
        return
    try:
        chosen = _choose_values(names)
        counts = {name: len(combinations(name, values)[0]) for name, values in chosen.items()}
    except SettingError as error:
        show_fault(error)
        return
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        seeds = st.text_input("Seeds", _SEED, key="_plan_seeds", width=120)
        chance = st.toggle("Random groups beside each point", key="_plan_chance")
    wanted = [each for each in map(str.strip, layers.split(",")) if each]
    command = command_of(file, wanted, chosen, seeds, chance=chance)
    many = len([seed for seed in seeds.split(",") if seed.strip()])
    st.code(command, language="bash", wrap_lines=True)
    st.caption(
        f"{sum(counts.values()) * max(1, many):,} points a layer. Add `--shard 1/4` to `--shard 4/4` for four machines that share the folder, "
        "or `--scheduler ADDRESS` for a Dask cluster."
    )


def _choose_values(names: Sequence[str]) -> dict[str, dict[str, list[Any]]]:
    """Show a choice for every setting that some of the transforms has; return the values chosen, transform by transform."""
    owners: dict[str, list[tuple[str, Setting]]] = {}
    for name in names:
        for setting in settings_of(TRANSFORMS[name]):
            if not setting.stops_by_clock:
                owners.setdefault(setting.name, []).append((name, setting))
    front = [
        key
        for key, owned in owners.items()
        if any(setting.ladder or _is_budget(name, setting) for name, setting in owned)
    ]
    found: dict[str, dict[str, list[Any]]] = {name: {} for name in names}
    first = st.container(horizontal=True, gap="small")
    more = st.expander("More settings", icon=":material/tune:").container(horizontal=True, gap="small")
    for key, owned in owners.items():
        place = first if key in front else more
        with place:
            texts = _choose(key, owned)
        for name, setting in owned:
            if texts:
                found[name][key] = [setting.parse(text) for text in texts]
    return {
        name: values for name, values in found.items() if prod(map(len, values.values())) <= 10_000 or _too_many(name)
    }


def _choose(key: str, owned: Sequence[tuple[str, Setting]]) -> list[str]:
    """Show one setting's values; return them as texts. Whatever a flag takes can be typed in too."""
    setting = owned[0][1]
    options = [
        str(value) for value in setting.ladder or setting.choices or (("true", "false") if setting.kind is bool else ())
    ]
    default = list(_BUDGETS) if _is_budget(*owned[0]) else options[1:3] if key == "rows_per_group" else []
    return list(
        st.multiselect(
            setting.label,
            list(dict.fromkeys([*default, *options])),
            default,
            accept_new_options=not setting.choices,
            placeholder=f"default: {setting.default_text}",
            help=setting.help[0],
            key=f"_plan_{key}",
            width=330,
        )
    )


def _is_budget(name: str, setting: Setting) -> bool:
    return setting.name in TRANSFORMS[name].spending(1.0)


def _too_many(name: str) -> bool:
    raise SettingError(f"{name}: expected at most 10000 combinations; got more: choose fewer values")
