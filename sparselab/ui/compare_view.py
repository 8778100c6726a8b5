"""The parts of the Compare page."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from sparselab.compare import Contender, compare_row, contenders, curve_contenders, curve_row
from sparselab.crew import Call, Crew
from sparselab.ui.charts import Curve, curves_figure
from sparselab.ui.crew_view import run_calls
from sparselab.ui.faults import fault_text
from sparselab.ui.linked import linked_select
from sparselab.ui.source import Source
from sparselab.ui.text import literal

_CURVE_POINTS = 8
_PERCENT = (
    "coverage",
    "difference",
    "energy",
    "density_after",
    "block_density",
    "fill_in",
    "flops_ratio",
    "padding_waste",
    "budget there",
)
_HELP = {
    "before": "the mask before, in natural order: every picture on one scale, dark = kept",
    "after": "the mask after, reordered",
    "coverage": "kept weights that stay / kept weights before",
    "difference": "coverage minus the baseline's",
    "energy": "sum of w squared that stays / before",
    "budget there": "for who chooses a density of their own: what the budget rule keeps at that density",
    "padding_waste": "share of the 16 x 16 tiles a kernel computes that holds no weight",
}


def show_comparison(source: Source, layer: str, density: float, seed: int) -> None:
    """Run and show every contender on one layer, and coverage against density as curves."""
    fighters = contenders(density)
    quick = curve_contenders()
    where = (source.path, layer)
    sparsest, densest = max(density / 4, 0.005), min(1.0, max(density * 4, 0.02))
    densities = sorted({*np.geomspace(sparsest, densest, _CURVE_POINTS).tolist(), density})
    calls: list[Call] = [(compare_row, (*where, asdict(item), seed, source.options)) for item in fighters]
    calls += [(curve_row, (*where, asdict(item), densities, seed, source.options)) for item in quick]
    digest = next(item["digest"] for item in source.card["layers"] if item["name"] == layer)
    key = json.dumps(["compare", *where, digest, density, seed, asdict(source.options)])
    run_calls(
        key,
        calls,
        partial=lambda crew, slot: _partial(crew, fighters, slot),
        final=lambda crew: _show(crew, fighters, quick, density),
        what="contenders",
    )


def _partial(crew: Crew, fighters: Sequence[Contender], slot: DeltaGenerator) -> None:
    rows = [_row(item, crew.results[index]) for index, item in enumerate(fighters) if index in crew.results]
    if rows:
        with slot.container():
            _table(rows, drop=("difference", "budget there"), key=None)


def _show(crew: Crew, fighters: Sequence[Contender], quick: Sequence[Contender], density: float) -> None:
    rows = [_row(item, crew.results[index]) for index, item in enumerate(fighters) if index in crew.results]
    labels = [row["contender"] for row in rows if row["coverage"] is not None]
    if not labels:
        return
    _verdict(rows)
    preferred = "regroup, random"
    baseline = linked_select(
        "Baseline",
        [item.label for item in fighters],
        "baseline",
        default=preferred,
        label_of=str,
        help="Every coverage is compared with this one's.",
    )
    base = next((row["coverage"] for row in rows if row["contender"] == baseline), None)
    for row in rows:
        row["difference"] = None if base is None or row["coverage"] is None else row["coverage"] - base
    at_budget = [row for row in rows if row["at budget"]]
    own = [row for row in rows if not row["at budget"]]
    st.markdown(f"**At one budget** ({100 * density:.2f} % of the weights)")
    _table(at_budget, drop=("at budget", "budget there"), key="_at_budget")
    if own:
        st.markdown("**At a density of their own**, beside what the budget rule keeps there")
        _table(own, drop=("at budget", "difference"), key="_own")
        st.caption("2:4 saves half of the products, whatever the density, and only on NVIDIA's sparse tensor cores.")
    for index, item in enumerate(fighters):
        if isinstance(crew.results.get(index), Exception):
            st.caption(f"{item.label}: {literal(fault_text(crew.results[index]))}")
    st.download_button(
        "Table (.csv)", data=_csv(rows), file_name="compare.csv", on_click="ignore", icon=":material/download:"
    )
    curves: list[Curve] = [
        (item.label, crew.results[len(fighters) + index]["points"])
        for index, item in enumerate(quick)
        if isinstance(crew.results.get(len(fighters) + index), dict)
    ]
    if curves:
        points = [
            (row["contender"], row["density_after"], row["coverage"]) for row in own if row["coverage"] is not None
        ]
        st.plotly_chart(curves_figure(curves, points, density), key="_curves")


def _verdict(rows: Sequence[dict[str, Any]]) -> None:
    """Answer the question a visitor came with, in one sentence."""
    racing = [
        row for row in rows if row["at budget"] and row["coverage"] is not None and row["contender"] != "unstructured"
    ]
    if not racing:
        return
    best = max(racing, key=lambda row: row["energy"] if row["energy"] is not None else row["coverage"])
    by_chance = [row for row in racing if row["contender"].startswith("regroup, random") and row["block height"]]
    # Narrow groups alone gain much, so chance is asked at the same height.
    chance = min(by_chance, key=lambda row: abs(row["block height"] - (best["block height"] or 0)), default=None)
    text = f"**{best['contender']}** keeps most at this budget: {100 * best['coverage']:.1f} % of the kept weights"
    if best["energy"] is not None:
        text += f", {100 * best['energy']:.1f} % of their energy"
    if chance is not None and chance is not best:
        text += f". Groups of {chance['block height']:.0f} rows by chance keep {100 * chance['coverage']:.1f} %"
    st.success(text + ".", icon=":material/trophy:")


def _row(contender: Contender, result: Any) -> dict[str, Any]:
    if isinstance(result, Exception):
        return {"contender": contender.label, "at budget": contender.at_budget, "coverage": None, "energy": None}
    report = result["report"]
    before, after = result["picture"]
    names = (
        "coverage",
        "energy",
        "density_after",
        "block_density",
        "fill_in",
        "flops_ratio",
        "padding_waste",
        "blocks",
    )
    return {
        "contender": contender.label,
        "at budget": contender.at_budget,
        "before": _png(before),
        "after": _png(after),
        "difference": None,
        **{name: report[name] for name in names},
        "block height": report["rows_per_block_mean"],
        "block width": report["cols_per_block_mean"],
        "seconds": sum(report["seconds"].values()),
        "budget there": result["rival"],
        "status": report["status"],
    }


def _table(rows: Sequence[dict[str, Any]], *, drop: Sequence[str], key: str | None) -> None:
    shown = [{name: value for name, value in row.items() if name not in drop} for row in rows if "before" in row]
    if not shown:
        return
    config: dict[str, Any] = {
        name: st.column_config.ImageColumn(help=_HELP[name], width="small") for name in ("before", "after")
    }
    for name in _PERCENT:
        config[name] = st.column_config.NumberColumn(name.replace("_", " "), format="percent", help=_HELP.get(name))
    config["coverage"] = st.column_config.ProgressColumn(
        format="percent", min_value=0.0, max_value=1.0, help=_HELP["coverage"]
    )
    for name in ("block height", "block width"):
        config[name] = st.column_config.NumberColumn(format="%.0f", help="mean over the blocks")
    config["seconds"] = st.column_config.NumberColumn(format="%.2f s")
    first = ["contender", "before", "after", "coverage", "difference", "energy", "budget there"]
    order = first + [name for name in shown[0] if name not in first]
    st.dataframe(
        shown,
        hide_index=True,
        column_config=config,
        column_order=order,
        row_height=56,
        height=44 + 56 * len(shown),
        key=key,
    )


def _png(picture: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(255 - picture).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    fields = [name for name in rows[0] if name not in ("before", "after")]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=fields, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
