"""Start a run: from a preset, or from every setting there is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import streamlit as st

from sparselab.app.inputs.path_policy import allowed_roots, resolve_under
from sparselab.app.inputs.setting_widget import setting_widgets
from sparselab.app.shell.escape import literal
from sparselab.app.shell.visit import choose
from sparselab.app.training.run_choice import RUN_TAB, choose_next
from sparselab.core.errors import FileError, SettingError, SparselabError
from sparselab.core.paths import ROOTS_VARIABLE
from sparselab.core.settings import settings_of
from sparselab.runtime.room import room
from sparselab.training.runs.queue import submit
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import TASKS


@dataclass(frozen=True)
class Preset:
    """Settings to start from, and what the run does with them."""

    told: str
    values: Mapping[str, Any]


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "Five-minute demo": Preset(
            "IMP to level 12 on 4,000 images, with Refill and Regroup at three levels: about three and a half minutes on two "
            "cores. The curve is drawn while the run goes on.",
            {
                "method": "imp",
                "levels": 12,
                "then": "refill@4+8+12,regroup@4+8+12",
                "task_settings": "train=4000",
                "epochs": 5.0,
            },
        ),
        "Study of structure": Preset(
            "The study of the tab *Accuracy curves* with one seed: IMP to level 10, transforms at three levels, and N:M of "
            "the dense network; 31 trainings, about a quarter of an hour on one core.",
            {
                "method": "imp",
                "levels": 10,
                "then": "refill@3+6+9,refill-plus@3+6+9:rho=0.25,regroup@3+6+9,"
                "regroup@3+6+9:refine=true,shuffled-blocks@3+6+9,shuffled-blocks@3+6+9:refine=true,"
                "n-m@0:n=2,m=4,n-m@0:n=1,m=4",
                "threads": 1,
            },
        ),
        "Sparse from the start (DSB)": Preset(
            "Shuffled blocks that are pruned and grown during training, at 90 % sparsity: one training, about half a minute, with a film of "
            "its masks.",
            {"method": "dsb", "sparsity": 0.9, "keep_masks": 1},
        ),
        "All settings": Preset("Every setting, with its range and its default.", {}),
    }
)
_FIRST = ("task", "task_settings", "model", "width", "method", "levels", "sparsity", "then", "epochs", "seed")
_COMMAND_LINE = ("from_file", "take")
"""Settings that name a file of this machine."""


def show_start(root: Path) -> None:
    """Show presets and settings, and the button that starts."""
    if room() is not None:
        st.info(
            "New trainings are off while this server serves a room: one takes the processor for minutes. The curves of the study "
            "and of earlier runs are on the other tabs; `sparselab app` on your own machine starts runs.",
            icon=":material/groups:",
        )
        return
    name = st.segmented_control("Preset", list(PRESETS), default=next(iter(PRESETS)), key="preset", required=True)
    preset = PRESETS[name]
    st.caption(preset.told)
    values = dict(preset.values) or _form(name)
    data = _folder_of_data(values["task"]) if "task" in values and TASKS[values["task"]].expects else ""
    if preset.values:
        values["seed"] = int(st.number_input("Seed", 0, 2**31 - 1, 0, key="_train_seed", width=160))
        values.setdefault("threads", os.cpu_count() or 1)
    st.button(
        "Start",
        type="primary",
        icon=":material/play_arrow:",
        key="_train_start",
        on_click=_begin,
        args=(root, values, data),
    )
    if said := st.session_state.pop("_train_said", None):
        st.error(literal(said), icon=":material/block:")
    st.caption(
        f"Runs share the {os.cpu_count() or 1} CPU threads; further runs are queued. A run is a separate process: it goes on "
        "when this page is closed, the address of this page opens it again, and a stopped run can be resumed. Equal settings "
        "give the same run, which is not computed twice."
    )


def _folder_of_data(task: str) -> str:
    """Ask for the folder of a task's images."""
    return st.text_input(
        f"Folder of {TASKS[task].title} on this machine",
        key="_train_data",
        placeholder=", ".join(map(str, allowed_roots()))
        or f"this server allows no folder: its operator can set {ROOTS_VARIABLE}",
        help=f"It holds {literal(TASKS[task].expects)}.",
    )


def _begin(root: Path, values: dict[str, Any], data: str) -> None:
    try:
        settings = TrainSettings(**values)
        if settings.names_own_code or settings.from_file:
            raise SettingError(
                "expected a registered task and network; code and checkpoints of your own: the command line"
            )
        if TASKS[settings.task].expects and not data:
            raise FileError(f"expected the folder of {settings.task}: {TASKS[settings.task].expects}; got none")
        folder = submit(root, settings, resolve_under(data, allowed_roots(), folder=True) if data else None)
    except (SparselabError, OSError) as error:
        st.session_state["_train_said"] = str(error)
        return
    choose_next(folder.name)
    choose({"training_tab": RUN_TAB})


def _form(preset: str) -> dict[str, Any]:
    """Show every setting that counts, the usual ones first; return their values."""
    settings = {setting.name: setting for setting in settings_of(TrainSettings)}

    def shown(names: Iterable[str]) -> dict[str, Any]:
        return setting_widgets(
            [settings[name] for name in names],
            all_settings=tuple(settings.values()),
            key_of=lambda name: f"_train_{preset}_{name}",
            columns=st.columns(3),
        )

    with st.container(border=True):
        first = shown(_FIRST)
    with st.expander("More settings"):
        return first | shown(name for name in settings if name not in (*_FIRST, *_COMMAND_LINE))
