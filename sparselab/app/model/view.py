"""The parts of the Model page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.analysis.metrics import labels, meanings
from sparselab.analysis.worth import BEST as DEFINITION
from sparselab.app.inputs.knobs import knobs, reset_knobs
from sparselab.app.inputs.source import Source
from sparselab.app.jobs.export import show_exports
from sparselab.app.jobs.list_progress import run_calls
from sparselab.app.shell.address_keys import BEST
from sparselab.app.shell.escape import literal
from sparselab.app.shell.faults import fault_text
from sparselab.app.shell.open_in import open_in_explore
from sparselab.app.shell.session import broker, session
from sparselab.app.shell.url_state import linked_select
from sparselab.core.errors import SettingError
from sparselab.runtime.broker import Call, JobList
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.contender import Contender
from sparselab.workflows.compare import best_contenders
from sparselab.workflows.model import model_parts
from sparselab.workflows.stored_rows import stored_model_rows
from sparselab.workflows.tasks import results_folder

Parts = Sequence[tuple[str, ...]]
"""The layers of each call, by name."""

Results = dict[str, dict[str, Any]]
"""By layer: a row of `model_rows`."""

_PERCENT = ("density", "density after", "coverage", "energy", "block density", "share of weights")


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
    show = partial(_show, source=source, parts=parts, candidates=candidates, seed=seed)
    if session().jobs.key != key:
        st.button(
            f"Run on all {len(layers)} layers",
            type="primary",
            icon=":material/play_arrow:",
            on_click=lambda: st.session_state.__setitem__("_model_key", key),
        )
    if st.session_state.get("_model_key") == key:
        told = (plan, seed, source.options, str(_store_of(source)))
        calls: list[Call] = [(stored_model_rows, (source.path, part, *told)) for part in parts]
        what = "layers" if len(parts) == len(layers) else "rankings of all layers"
        run_calls(
            key, calls, partial=partial(_partial, source, parts), final=show, what=what, is_public=source.is_public
        )
    else:
        show(JobList(broker(), session().name))


def _store_of(source: Source) -> Path:
    """Return where rows are kept: beside an upload, so that they go with the visit, else with the user's other results."""
    own = session().folder
    return own / "results" if Path(source.path).is_relative_to(own) else results_folder()


def _partial(source: Source, parts: Parts, jobs: JobList, slot: DeltaGenerator) -> None:
    rows = _rows(source, _results(parts, jobs))
    slot.dataframe(rows, hide_index=True, column_config=_columns(), height=_height(rows))


def _show(jobs: JobList, *, source: Source, parts: Parts, candidates: Sequence[Contender], seed: int) -> None:
    layers = source.card["layers"]
    results = _results(parts, jobs)
    rows = _rows(source, results)
    if results:
        _totals(rows, layers)
    event = st.dataframe(
        rows,
        hide_index=True,
        column_config=_columns(),
        key="_model_table",
        on_select="rerun",
        selection_mode="single-row",
        height=_height(rows),
    )
    chosen = event.selection.rows[0] if event.selection.rows else 0
    name = layers[min(chosen, len(layers) - 1)]["name"]
    if st.button(
        f"Open {literal(name)} in Explore", icon=":material/grid_on:", help="Select a row to choose another layer."
    ):
        found = _contender_of(results.get(name), candidates)
        if found is None:
            open_in_explore(source, name, seed=seed)
        open_in_explore(source, name, found.transform, found.settings, seed)
    done = {name: result["layout"] for name, result in results.items() if "layout" in result}
    if done:
        _exports(source, done)


def _contender_of(result: dict[str, Any] | None, candidates: Sequence[Contender]) -> Contender | None:
    """Return the contender that a layer's result comes from; None where there is no result."""
    if result is None or "error" in result:
        return None
    known = candidates or best_contenders(result["report"]["density_before"])
    return next(each for each in known if each.title == result["contender"])


def _rows(source: Source, results: Results) -> list[dict[str, Any]]:
    layers = source.card["layers"]
    whole = sum(layer["shape"][0] * layer["shape"][1] for layer in layers)
    return [_row(layer, whole, results.get(layer["name"])) for layer in layers]


def _results(parts: Parts, jobs: JobList) -> Results:
    """Return what is known of each layer by now."""
    found: Results = {}
    for index, result in jobs.results.items():
        failed = isinstance(result, Exception)
        rows = [{"error": fault_text(result)} for _ in parts[index]] if failed else result
        found |= zip(parts[index], rows, strict=True)
    return found


def _columns() -> dict[str, Any]:
    config: dict[str, Any] = {name: st.column_config.NumberColumn(format="percent") for name in _PERCENT}
    config["density"] = st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0)
    config["status"] = st.column_config.TextColumn(width=90)
    config["seconds"] = st.column_config.NumberColumn(
        format="%.2f s", help="Empty where the layer was done before, in this or an earlier visit."
    )
    label_of, help_of = labels(), meanings()
    for name in ("coverage", "energy", "block_density"):
        config[name.replace("_", " ")] = st.column_config.NumberColumn(
            label_of[name].lower(), help=help_of[name], format="percent"
        )
    return config


def _height(rows: Sequence[object]) -> int:
    return min(38 + 35 * len(rows), 560)


def _row(layer: dict[str, Any], whole: int, result: dict[str, Any] | None) -> dict[str, Any]:
    height, width = layer["shape"]
    row: dict[str, Any] = {
        "layer": layer["name"],
        "shape": f"{height} x {width}",
        "share of weights": height * width / whole,
        "density": layer["density"],
        "status": "",
    }
    if result is not None and "error" in result:
        return row | {"status": "not done", "why": result["error"]}
    if result is not None:
        report = result["report"]
        row |= {
            "density": report["density_before"],
            "status": report["status"],
            "chosen": result["contender"],
            "density after": report["density_after"],
            "coverage": report["coverage"],
            "energy": report["energy"],
            "block density": report["block_density"],
            "blocks": report["blocks"],
            "seconds": sum(report["seconds"].values()) if report["seconds"] else None,
            "why": report["reason"],
        }
    return row


def _totals(rows: Sequence[dict[str, Any]], layers: Sequence[dict[str, Any]]) -> None:
    """Sums over the layers that are done: shares of weights, not means of shares."""
    finished = [(row, layer) for row, layer in zip(rows, layers, strict=True) if row.get("density after") is not None]
    if not finished:
        return
    size = sum(layer["shape"][0] * layer["shape"][1] for _, layer in finished)
    counts = [round(row["density"] * layer["shape"][0] * layer["shape"][1]) for row, layer in finished]
    after = sum(row["density after"] * layer["shape"][0] * layer["shape"][1] for row, layer in finished)
    scored = [
        (row["coverage"], count)
        for (row, _), count in zip(finished, counts, strict=True)
        if row["coverage"] is not None
    ]
    counted = sum(count for _, count in scored)
    with st.container(horizontal=True, gap="medium"):
        st.metric("Layers done", f"{len(finished)} of {len(layers)}", width="content")
        st.metric("Density before", f"{100 * sum(counts) / size:.1f} %", width="content")
        st.metric(
            "Density after", f"{100 * after / size:.1f} %", width="content", help="equals multiply-adds after / dense"
        )
        kept = sum(coverage * count for coverage, count in scored)
        share = f"{100 * kept / counted:.1f} %" if counted else "–"
        st.metric(labels()["coverage"], share, width="content", help=meanings()["coverage"])


def _exports(source: Source, layouts: dict[str, Any]) -> None:
    st.markdown("**Download the file with the new masks** (layers that were not done keep theirs)")
    show_exports(source, lambda: layouts, "ticket")
