"""The report on the page: one sentence, the few numbers that decide, each with its meaning, and all the others on demand."""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from sparselab.analysis.worth import worth_of
from sparselab.app.explore.words import sentence, sentence_before
from sparselab.app.jobs.chance_job import ChanceFound, Failed, say_failed
from sparselab.core.mask import Mask
from sparselab.display.numbers import NumberRow, deciding_rows, report_rows
from sparselab.runtime.broker import Job
from sparselab.workflows.chance import Chance
from sparselab.workflows.explore import View

# Metrics of Streamlit's size would take a fifth of a projector's height away from the picture.
_STYLE = """<style>
.st-key-summary [data-testid=stMetricValue] { font-size: 1.1rem; line-height: 1.3; padding: 0; }
.st-key-summary [data-testid=stMetricLabel] { min-height: 0; }
.st-key-summary [data-testid=stMetricLabel] p { font-size: 0.8rem; }
.st-key-summary [data-testid=stMarkdown] p { font-size: 0.95rem; }
.st-key-order_row [data-testid=stButtonGroup] { display: flex; flex-wrap: wrap; align-items: center; column-gap: 0.75rem; }
</style>"""
_RANDOM = "what groups put together at random keep: as high, at the same budget and by the same rule; the least and the most of {} draws"
_GAIN = (
    "weights kept (of their energy where the layer has weights) beyond the mean of random groups, in percentage points"
)
_SENSELESS = "says something only where rows are put together"


def show_summary(view: View | None, before: Mask, chance: ChanceFound, *, grouped: bool, has_weights: bool) -> None:
    """Say what is seen, and show the deciding numbers; dashes while there are none: the page does not jump when they come.

    chance: what random groups keep, the job that draws them, or why there is no answer. grouped: rows were put together. has_weights: else there is no
    energy to show.
    """
    drawn = chance if isinstance(chance, Chance) else None
    with st.container(gap="xsmall"):
        if view is None:
            st.markdown(sentence_before(before))
        else:
            text = sentence(view.report, grouped=grouped, chance=drawn, is_drawing=isinstance(chance, Job))
            if view.report["status"] == "unblocked":
                st.warning(text, icon=":material/search_off:")
            else:
                st.markdown(text)
        if isinstance(chance, Failed):
            say_failed(chance)
        st.html(_STYLE)
        with st.container(horizontal=True, gap="small"):
            for row in _deciding(view, drawn, has_weights=has_weights):
                st.metric(row.number, row.value, help=row.meaning, width="content")


def show_all_numbers(view: View, chance: Chance | None) -> None:
    """Show every number of the report with its meaning."""
    rows = [asdict(row) for row in (*report_rows(view.report, view.layout.notes), *_chance_rows(view, chance))]
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 500))


def _deciding(view: View | None, chance: Chance | None, *, has_weights: bool) -> list[NumberRow]:
    """The deciding numbers, with chance beside the one that it is measured by."""
    rows = deciding_rows(None if view is None else view.report)
    kept, rest = rows[: 1 + has_weights], rows[2:]
    return [*kept, *_chance_rows(view, chance), *rest]


def _chance_rows(view: View | None, chance: Chance | None) -> list[NumberRow]:
    if view is None or chance is None:
        return [NumberRow("Random groups", "–", _SENSELESS), NumberRow("Gain", "–", _SENSELESS)]
    gain = f"{100 * chance.gain(worth_of(view.report)):+.1f} points"
    spread = f"{100 * chance.low:.1f}–{100 * chance.high:.1f} %"
    return [NumberRow("Random groups", spread, _RANDOM.format(chance.draws)), NumberRow("Gain", gain, _GAIN)]
