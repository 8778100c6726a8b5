"""The parts of the Model page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.analysis.worth import BEST as DEFINITION
from sparselab.app.inputs.knobs import knobs, reset_knobs
from sparselab.app.inputs.source import Source
from sparselab.app.jobs.as_sweep import SHARED, show_as_sweep
from sparselab.app.jobs.export import show_exports
from sparselab.app.jobs.list_progress import run_calls
from sparselab.app.jobs.measured import measured_here, speeds_in_words
from sparselab.app.jobs.stored import results_of
from sparselab.app.model.looks import follow_looks, looks_of
from sparselab.app.model.results import Known, Parts, Rows, by_layer
from sparselab.app.model.table import draw_table, table_rows
from sparselab.app.model.verdict import verdict
from sparselab.app.model.wall import Wall
from sparselab.app.shell.address_keys import BEST, TABLE, WALL
from sparselab.app.shell.escape import literal
from sparselab.app.shell.open_in import open_in_explore
from sparselab.app.shell.session import broker, session
from sparselab.app.shell.url_state import linked_segments, linked_select
from sparselab.core.errors import SettingError, SparselabError
from sparselab.runtime.broker import Call, JobList
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.contender import Contender
from sparselab.workflows.compare import best_contenders
from sparselab.workflows.model import model_parts, transform_of
from sparselab.workflows.stored_rows import stored_model_rows

_OWN_BUDGETS = (
    "Each layer spends as many weights as its mask keeps; `--collect` makes the table in which the best is seen."
)


def choose_candidates() -> list[Contender]:
    """Show the transform picker and its knobs; return one contender, or none for the best per layer."""
    tried = "; ".join(each.title for each in best_contenders(1.0))
    name = linked_select(
        "Transform",
        [BEST, *TRANSFORMS],
        "transform",
        default=BEST,
        label_of=lambda name: BEST if name == BEST else TRANSFORMS[name].title,
        then=reset_knobs,
        help=f"“{BEST}” tries, as Compare does, {tried}; it takes the best. {DEFINITION[:1].upper()}{DEFINITION[1:]}.",
    )
    if name == BEST:
        return []
    return [Contender(name, name, name, knobs(TRANSFORMS[name]))]


def show_model(source: Source, candidates: Sequence[Contender], seed: int) -> None:
    """Show every layer, and once asked run the candidates over all of them."""
    layers = source.card["layers"]
    plan = [asdict(item) for item in candidates]
    key = json.dumps(
        ["model", source.path, asdict(source.options), [x["digest"] for x in layers], source.stamp, plan, seed]
    )
    try:
        parts = model_parts([x["name"] for x in layers], plan)
    except SettingError as error:
        st.error(literal(str(error)), icon=":material/block:")
        return
    # Every part of the page has its place from the start: what is drawn while work goes on stays where it is afterwards.
    top, answer, command, place = (st.container() for _ in range(4))
    with top, st.container(horizontal=True, vertical_alignment="center"):
        action = st.container(width="content")
        shown = linked_segments("Show", {WALL: "Wall", TABLE: "Table"}, "show", default=WALL, shows_label=False)
    page = _Page(source, parts, seed, place, shown, key)
    if session().jobs.key != key:
        action.button(
            f"Run on all {len(layers)} layers",
            type="primary",
            icon=":material/play_arrow:",
            on_click=lambda: st.session_state.__setitem__("_model_key", key),
        )
    if st.session_state.get("_model_key") == key:
        told = (plan, seed, source.options, str(results_of(source)))
        calls: list[Call] = [(stored_model_rows, (source.path, part, *told)) for part in parts]
        what = "layers" if len(parts) == len(layers) else "rankings of all layers"
        with top:
            run_calls(
                key,
                calls,
                partial=lambda jobs, _: page.partial(jobs),
                final=lambda _: None,
                what=what,
                is_public=source.is_public,
            )
        page.final(session().jobs, answer, action)
    else:
        page.final(JobList(broker(), session().name), answer, action)
    with command:
        show_as_sweep(source, [], _runs(candidates), seed, SHARED if candidates else _OWN_BUDGETS)
    follow_looks(source, page.show_looks)


def _runs(candidates: Sequence[Contender]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return what is run on every layer by itself; of those among whom the best is sought, without a budget, which is each layer's own."""
    if candidates:
        return [(each.transform, each.settings) for each in candidates if not transform_of(asdict(each)).is_global]
    tried = best_contenders(1.0)
    budgets = {each.transform: TRANSFORMS[each.transform].spending(1.0).keys() for each in tried}
    return [
        (each.transform, {key: value for key, value in each.settings.items() if key not in budgets[each.transform]})
        for each in tried
    ]


@dataclass
class _Page:
    """The layers of one run of the page, in the view chosen."""

    source: Source
    parts: Parts
    seed: int
    place: DeltaGenerator
    shown: str
    key: str

    def __post_init__(self) -> None:
        self.rows: Rows = {}
        self.speeds: Mapping[str, str] | None = None
        self.wall = Wall(self.place, self.layers, self.key, self.open)
        self.slot = self.place.empty() if self.shown == TABLE else None

    @property
    def layers(self) -> list[dict[str, Any]]:
        layers: list[dict[str, Any]] = self.source.card["layers"]
        return layers

    def partial(self, jobs: JobList) -> None:
        """Show what is there while the rest is worked on."""
        self.rows = by_layer(self.parts, jobs)
        if self.slot is not None:
            draw_table(self.slot, table_rows(self.layers, self.rows))
        else:
            self.wall.show(self._known(looks_of(self.source)))

    def final(self, jobs: JobList, answer: DeltaGenerator, action: DeltaGenerator) -> None:
        """Show what is there, what it comes to, and what to do with it."""
        self.rows = by_layer(self.parts, jobs)
        if said := verdict(self.layers, self.rows):
            answer.success(said, icon=":material/trophy:")
        done = {name: row["layout"] for name, row in self.rows.items() if "layout" in row}
        if done:
            with (
                action,
                st.popover("Download the file with the new masks", icon=":material/download:", type="primary"),
            ):
                st.caption("Layers that were not done keep the masks they have.")
                show_exports(self.source, lambda: done, "ticket")
        if self.slot is None:
            self.wall.show(self._known(looks_of(self.source)))
        else:
            self._table(self.slot)

    def show_looks(self, looks: Rows) -> None:
        """Show layers as they are in the file, as they are read."""
        if self.slot is None:
            self.wall.show(self._known(looks))

    def _known(self, looks: Rows) -> Known:
        if self.rows and self.speeds is None:
            try:
                self.speeds = speeds_in_words(measured_here())
            except SparselabError:  # a damaged database is spoken of on Latency, where it is mended
                self.speeds = {}
        return Known(self.rows, looks, self.speeds or {})

    def open(self, name: str) -> None:
        """Leave for Explore with a layer and the contender that its row comes from."""
        row = self.rows.get(name)
        if row is None or "error" in row:
            open_in_explore(self.source, name, seed=self.seed)
        open_in_explore(self.source, name, **row["opens"], seed=self.seed)

    def _table(self, slot: DeltaGenerator) -> None:
        chosen = draw_table(slot, table_rows(self.layers, self.rows), key="_model_table") or 0
        name = self.layers[min(chosen, len(self.layers) - 1)]["name"]
        label = f"Open {literal(name)} in Explore"
        if self.place.button(label, icon=":material/grid_on:", help="Select a row to choose another layer."):
            self.open(name)
