"""The parts of the Compare page."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sparselab.analysis.metrics import labels
from sparselab.analysis.worth import BEST, Measure, measure_of
from sparselab.app.charts import Curve, curves_figure
from sparselab.app.compare.entries import ROLE_WORDS, Entry, entry_of, ranked, roles, verdict
from sparselab.app.compare.selected import show_selected
from sparselab.app.compare.table import as_csv, show_table
from sparselab.app.inputs.source import Source
from sparselab.app.jobs.as_sweep import SHARED, show_as_sweep
from sparselab.app.jobs.list_progress import run_calls
from sparselab.app.jobs.stored import results_of
from sparselab.app.shell.escape import literal
from sparselab.app.shell.faults import fault_text
from sparselab.app.shell.url_state import linked_select
from sparselab.runtime.broker import Call, JobList
from sparselab.transforms.contender import Contender
from sparselab.workflows.compare import best_contenders, contenders, curve_contenders
from sparselab.workflows.stored_compare import stored_compare_row, stored_curve_row

_CURVE_POINTS = 8


def show_comparison(source: Source, layer: str, density: float, seed: int) -> None:
    """Run and show every contender on one layer, and the weights kept against density as curves."""
    race = _Race(density, contenders(density), curve_contenders())
    where, store = (source.path, layer), str(results_of(source))
    sparsest, densest = max(density / 4, 0.005), min(1.0, max(density * 4, 0.02))
    densities = sorted({*np.geomspace(sparsest, densest, _CURVE_POINTS).tolist(), density})
    calls: list[Call] = [
        (stored_compare_row, (*where, asdict(item), seed, source.options, store)) for item in race.entrants
    ]
    calls += [(stored_curve_row, (*where, asdict(item), densities, seed, source.options, store)) for item in race.drawn]
    digest = next(item["digest"] for item in source.card["layers"] if item["name"] == layer)
    key = json.dumps(["compare", *where, digest, density, seed, asdict(source.options)])

    def final(jobs: JobList) -> None:
        _show(race, jobs, lambda chosen: show_selected(source, layer, chosen, seed, store))
        done = [(each.contender.transform, each.settings) for each in race.entries(jobs) if each.settings is not None]
        show_as_sweep(source, [layer], done, seed, SHARED)

    run_calls(
        key,
        calls,
        partial=lambda jobs, slot: _partial(race.entries(jobs), slot),
        final=final,
        what="contenders",
        is_public=source.is_public,
    )


@dataclass(frozen=True)
class _Race:
    """Who runs: a call each for the table, then one each for the curves."""

    density: float
    entrants: Sequence[Contender]
    drawn: Sequence[Contender]

    def entries(self, jobs: JobList) -> list[Entry]:
        """What is there of the table, in its order."""
        places = enumerate(self.entrants)
        done = [(item, jobs.results[place]) for place, item in places if place in jobs.results]
        return [entry_of(item, result) for item, result in done]

    def curves(self, jobs: JobList) -> list[Curve]:
        places = enumerate(self.drawn, start=len(self.entrants))
        done = [(item.title, jobs.results.get(place)) for place, item in places]
        return [(title, result["points"]) for title, result in done if isinstance(result, dict)]


def _partial(entries: Sequence[Entry], slot: DeltaGenerator) -> None:
    if any(entry.row["coverage"] is not None for entry in entries):
        with slot.container():
            show_table(
                ranked(entries),
                measure=_measure(entries),
                roles={entry.contender.name: ROLE_WORDS.get(entry.contender.role, "") for entry in entries},
                points={},
                drop=("at budget", "difference", "budget there"),
                key=None,
            )


def _measure(entries: Sequence[Entry]) -> Measure:
    return measure_of(max(entries, key=lambda entry: entry.worth).row)


def _show(race: _Race, jobs: JobList, selected: Callable[[Sequence[Entry]], None]) -> None:
    entries = race.entries(jobs)
    if all(entry.row["coverage"] is None for entry in entries):
        return
    if answer := verdict(entries):
        st.success(answer, icon=":material/trophy:")
        st.caption(f"{BEST[:1].upper()}{BEST[1:]}. It is sought among {_among(race.density)}, here as on Model.")
    name = _choose_baseline(race.entrants)
    baseline = next((entry for entry in entries if entry.contender.name == name), None)
    for entry in entries:
        base, kept = baseline and baseline.row["coverage"], entry.row["coverage"]
        entry.row["difference"] = None if base is None or kept is None else kept - base
    measure = _measure(entries)
    at_budget = ranked([entry for entry in entries if entry.contender.at_budget])
    own = ranked([entry for entry in entries if not entry.contender.at_budget])
    table = partial(show_table, measure=measure, roles=roles(entries), points=_points(entries, baseline))
    st.markdown(f"**At one budget** ({100 * race.density:.2f} % of the weights), sorted by {labels()[measure].lower()}")
    chosen = table(at_budget, drop=("at budget", "budget there"), key="_at_budget")
    under = st.container()
    if own:
        st.markdown("**At their own density**, beside the rule “budget” at the same density")
        chosen += table(own, drop=("at budget", "difference"), key="_own")
        st.caption(
            "2:4 saves half of the multiply-adds at every density, on NVIDIA GPUs with sparse tensor cores only."
        )
    with under:
        selected(chosen)
    for entry in entries:
        if entry.error is not None:
            st.caption(f"{entry.contender.title}: {literal(fault_text(entry.error))}")
    rows = [entry.row for entry in entries]
    st.download_button(
        "Table (.csv)",
        data=partial(as_csv, rows),
        file_name="compare.csv",
        on_click="ignore",
        icon=":material/download:",
    )
    if curves := race.curves(jobs):
        points = [
            (entry.row["contender"], entry.row["density_after"], entry.row["coverage"])
            for entry in own
            if entry.row["coverage"] is not None
        ]
        st.plotly_chart(curves_figure(curves, points, race.density), key="_curves")


def _points(entries: Sequence[Entry], baseline: Entry | None) -> dict[str, float]:
    """Return what each contender keeps beyond the baseline, in percentage points of the measure of "best"."""
    if baseline is None or baseline.worth < 0:
        return {}
    return {entry.contender.name: 100 * (entry.worth - baseline.worth) for entry in entries if entry.worth >= 0}


def _among(density: float) -> str:
    *most, last = (each.title for each in best_contenders(density))
    return f"{'; '.join(most)}; and {last}"


def _choose_baseline(entrants: Sequence[Contender]) -> str:
    """Show the picker; return the name of the contender that all others are compared with."""
    titles = {item.name: item.title for item in entrants}
    return linked_select(
        "Baseline",
        list(titles),
        "baseline",
        default=next(item.name for item in entrants if item.by_chance),
        label_of=titles.__getitem__,
        help="The contender from which the column *difference* is counted.",
        renamed={title: name for name, title in titles.items()},  # links held the title before contenders had names
    )
