"""The parts of the Compare page."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from sparselab.app.charts import Curve, curves_figure
from sparselab.app.inputs.source import Source
from sparselab.app.jobs.list_progress import run_calls
from sparselab.app.shell.escape import literal
from sparselab.app.shell.faults import fault_text
from sparselab.app.shell.url_state import linked_select
from sparselab.core.csv_text import rows_csv
from sparselab.runtime.pool import Call, WorkerPool
from sparselab.transforms.contender import Contender
from sparselab.workflows.compare import compare_row, contenders, curve_contenders, curve_row

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
    race = _Race(density, contenders(density), curve_contenders())
    where = (source.path, layer)
    sparsest, densest = max(density / 4, 0.005), min(1.0, max(density * 4, 0.02))
    densities = sorted({*np.geomspace(sparsest, densest, _CURVE_POINTS).tolist(), density})
    calls: list[Call] = [(compare_row, (*where, asdict(item), seed, source.options)) for item in race.entrants]
    calls += [(curve_row, (*where, asdict(item), densities, seed, source.options)) for item in race.drawn]
    digest = next(item["digest"] for item in source.card["layers"] if item["name"] == layer)
    key = json.dumps(["compare", *where, digest, density, seed, asdict(source.options)])
    run_calls(
        key,
        calls,
        partial=lambda pool, slot: _partial(race.entries(pool), slot),
        final=lambda pool: _show(race, pool),
        what="contenders",
    )


@dataclass(frozen=True)
class Entry:
    """A contender and what is known of it: its row of the table, or the error that stands in its place."""

    contender: Contender
    row: dict[str, Any]
    error: Exception | None = None

    @property
    def worth(self) -> float:
        """What is kept: of the energy where there are weights, of the kept weights otherwise; -1 where nothing was found."""
        found = (self.row[name] for name in ("energy", "coverage") if self.row[name] is not None)
        return float(next(found, -1.0))


@dataclass(frozen=True)
class _Race:
    """Who runs: a call each for the table, then one each for the curves."""

    density: float
    entrants: Sequence[Contender]
    drawn: Sequence[Contender]

    def entries(self, pool: WorkerPool) -> list[Entry]:
        """What is there of the table, in its order."""
        places = enumerate(self.entrants)
        done = [(item, pool.results[place]) for place, item in places if place in pool.results]
        return [
            Entry(item, _row(item, result), result if isinstance(result, Exception) else None) for item, result in done
        ]

    def curves(self, pool: WorkerPool) -> list[Curve]:
        places = enumerate(self.drawn, start=len(self.entrants))
        done = [(item.title, pool.results.get(place)) for place, item in places]
        return [(title, result["points"]) for title, result in done if isinstance(result, dict)]


def _partial(entries: Sequence[Entry], slot: DeltaGenerator) -> None:
    if entries:
        with slot.container():
            _table([entry.row for entry in entries], drop=("difference", "budget there"), key=None)


def _show(race: _Race, pool: WorkerPool) -> None:
    entries = race.entries(pool)
    if all(entry.row["coverage"] is None for entry in entries):
        return
    if answer := verdict(entries):
        st.success(answer, icon=":material/trophy:")
    baseline = _choose_baseline(race.entrants)
    base = next((entry.row["coverage"] for entry in entries if entry.contender.name == baseline), None)
    for entry in entries:
        row = entry.row
        row["difference"] = None if base is None or row["coverage"] is None else row["coverage"] - base
    at_budget = [entry.row for entry in entries if entry.contender.at_budget]
    own = [entry.row for entry in entries if not entry.contender.at_budget]
    st.markdown(f"**At one budget** ({100 * race.density:.2f} % of the weights)")
    _table(at_budget, drop=("at budget", "budget there"), key="_at_budget")
    if own:
        st.markdown("**At a density of their own**, beside what the budget rule keeps there")
        _table(own, drop=("at budget", "difference"), key="_own")
        st.caption("2:4 saves half of the products, whatever the density, and only on NVIDIA's sparse tensor cores.")
    for entry in entries:
        if entry.error is not None:
            st.caption(f"{entry.contender.title}: {literal(fault_text(entry.error))}")
    rows = [entry.row for entry in entries]
    st.download_button(
        "Table (.csv)", data=_csv(rows), file_name="compare.csv", on_click="ignore", icon=":material/download:"
    )
    if curves := race.curves(pool):
        points = [
            (row["contender"], row["density_after"], row["coverage"]) for row in own if row["coverage"] is not None
        ]
        st.plotly_chart(curves_figure(curves, points, race.density), key="_curves")


def _choose_baseline(entrants: Sequence[Contender]) -> str:
    """Show the picker; return the name of the contender that every coverage is compared with."""
    titles = {item.name: item.title for item in entrants}
    return linked_select(
        "Baseline",
        list(titles),
        "baseline",
        default=next(item.name for item in entrants if item.by_chance),
        label_of=titles.__getitem__,
        help="Every coverage is compared with this one's.",
        renamed={title: name for name, title in titles.items()},  # links held the title before contenders had names
    )


def verdict(entries: Sequence[Entry]) -> str:
    """Answer the question a visitor came with, in one sentence; "" where no candidate found a structure."""
    racing = [entry for entry in entries if entry.contender.at_budget and entry.row["coverage"] is not None]
    winner = max(
        (each for each in racing if each.contender.role == "candidate"), key=lambda each: each.worth, default=None
    )
    if winner is None:
        return ""
    best = winner.row
    control = max(
        (each for each in racing if each.contender.role == "control"), key=lambda each: each.worth, default=winner
    )
    by_chance = [entry.row for entry in racing if entry.contender.by_chance and entry.row["block height"]]
    # Narrow groups alone gain much, so chance is asked at the same height.
    chance = min(by_chance, key=lambda row: abs(row["block height"] - (best["block height"] or 0)), default=None)
    place = "is the best candidate" if control.worth > winner.worth else "keeps most"
    text = f"**{best['contender']}** {place} at this budget: {100 * best['coverage']:.1f} % of the kept weights"
    if best["energy"] is not None:
        text += f", {100 * best['energy']:.1f} % of their energy"
    if control.worth > winner.worth:
        text += f"; {control.contender.title}, a control, keeps {100 * control.row['coverage']:.1f} %"
    if chance is not None:
        text += f". Groups of {chance['block height']:.0f} rows by chance keep {100 * chance['coverage']:.1f} %"
    return text + "."


def _row(contender: Contender, result: Any) -> dict[str, Any]:
    if isinstance(result, Exception):
        return {"contender": contender.title, "at budget": contender.at_budget, "coverage": None, "energy": None}
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
        "contender": contender.title,
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
    return rows_csv(fields, [{name: row.get(name) for name in fields} for row in rows])
