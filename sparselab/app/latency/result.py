"""A session on the page: the answer first, then the bars, the figures, and everything needed to believe them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from sparselab.analysis.metrics import labels
from sparselab.app.latency.figures.charts import bars_figure
from sparselab.app.latency.kernel_names import label_of, title_of
from sparselab.app.shell.escape import literal
from sparselab.benchmarking.break_even import structure_shown
from sparselab.benchmarking.csv_table import as_csv
from sparselab.benchmarking.records import CONDITIONS, ROLES, Row, Session
from sparselab.benchmarking.verdicts import Verdict, at_best

_WHY_FLAGGED = {
    "noisy": "**noisy**: the middle 60 % of the times spread over more than 10 % of the median",
    "busy": "**busy**: other programs used the CPU shortly before or during the measurement",
    "control": "**control**: the dense product was measured twice and differed from itself, so differences of that size mean nothing",
    "wrong": "**wrong**: a result was too far from the exact product, and was not timed",
}
_EXACT = "The exact product is that of the mask before the transform, nothing dropped and no zero multiplied: what a structure has to beat."
_HELP = {
    "speedup": "median dense time / median time of this row",
    "interval": "99 % confidence interval: bootstrap over the rounds, of the median of their ratios",
    "arithmetic": "of the product; one that is not the session's rounds more, and counts as another opponent",
    "error": "largest error of an output / largest output, against the product in float64",
    "of roofline": "time at the roofline / median time; the roofline is the measured peak of this machine in multiplying and copying",
    "prepare": "time to pack the weights and tune the kernel, once; not part of any other column",
    "chosen": "the variant of the kernel that was the fastest on this shape",
}


def show_session(session: Session, key: str) -> None:
    """Show one session whole."""
    _answer(session)
    st.plotly_chart(bars_figure(session), key=f"_{key}_bars")
    if structure_shown(session):
        st.caption(_EXACT)
    _warn(session)
    _table(session, key)
    _obstacles(session)
    with st.expander("How this was measured"):
        show_protocol(session)
    with st.container(horizontal=True):
        for label, name, make in (
            ("Table (.csv)", "latency.csv", partial(as_csv, [session])),
            ("Session (.json)", "latency.json", partial(json.dumps, session.as_json(), indent=2)),
        ):
            st.download_button(
                label, data=make, file_name=name, on_click="ignore", icon=":material/download:", key=f"_{key}_{name}"
            )


def _answer(session: Session) -> None:
    """Say whether structure pays on this machine, where that was measured; then what is the fastest, and on which input."""
    best, structure = session.fastest, structure_shown(session)
    first = f"**{structure[0].upper()}{structure[1:]}.** " if structure else ""
    last = f" Input: {input_shown(session)}."
    if best is not None:
        shown = session.shown(best)
        bound = at_best(session.density, None if shown is None else shown.value)
        said = f"{first}{title_of(best.kernel)}: **{session.verdict_shown(best)}**; {bound}, as the density is {100 * session.density:.0f} %.{last}"
        if session.quickest_dense < 1 and shown is not None:
            against = shown.value * session.quickest_dense
            said += f" **Against the dense convolution with everything channels last, its input converted beforehand: {against:.2f}x.**"
            if against < 1:
                st.warning(said, icon=":material/hourglass_empty:")
                return
        if best.flags:
            st.info(f"{said} Flagged as {', '.join(best.flags)}: measure again.", icon=":material/speed:")
        else:
            st.success(said, icon=":material/speed:")
        return
    timed = [row for row in session.rows if row.role == "kernel" and row.median_ms is not None]
    if not timed:
        said = "Only the dense product could run this layout. The reasons are listed below."
        st.info(f"{said}{last}", icon=":material/block:")
        return
    nearest = min(timed, key=lambda row: row.median_ms or float("inf"))
    dense = "The dense product is the fastest on this machine."
    if any(row.verdict is Verdict.NO_DIFFERENCE for row in timed):
        dense = "No kernel was shown to be faster than dense on this machine."
    told = f"Fastest of the others: {title_of(nearest.kernel)}, {session.verdict_shown(nearest)}"
    st.warning(f"{first}**{dense}** {told}.{last}", icon=":material/hourglass_empty:")


def input_shown(session: Session) -> str:
    """Return in words what a layer was given, and whether that is what its network gives it."""
    if told := session.about.get("input"):
        return literal(told)
    taken = " x ".join(map(str, session.input_shape))
    return f"{session.positions:,} positions" if session.conv is None else f"images of {taken}"


def _warn(session: Session) -> None:
    flags = dict.fromkeys(flag for row in session.rows for flag in row.flags)
    if flags:
        st.warning("  \n".join(_WHY_FLAGGED[flag] for flag in flags), icon=":material/warning:")


def _table(session: Session, key: str) -> None:
    rows = [_cells(row, session) for row in session.rows if not row.obstacle]
    config: dict[str, Any] = {
        name: st.column_config.NumberColumn(format="%.4g ms", help=_HELP.get(name))
        for name in ("median", "p20", "p80", "prepare")
    }
    config["speedup"] = st.column_config.NumberColumn("speed-up", format="%.2fx", help=_HELP["speedup"])
    config["of roofline"] = st.column_config.NumberColumn(format="percent", help=_HELP["of roofline"])
    config["error"] = st.column_config.NumberColumn(format="scientific", help=_HELP["error"])
    config["chosen"] = st.column_config.TextColumn(help=_HELP["chosen"])
    config["interval"] = st.column_config.TextColumn(help=_HELP["interval"])
    config["arithmetic"] = st.column_config.TextColumn(help=_HELP["arithmetic"])
    config["kernel"] = st.column_config.TextColumn(pinned=True)
    st.dataframe(rows, hide_index=True, column_config=config, height=38 + 35 * len(rows), key=f"_{key}_table")


def _cells(row: Row, session: Session) -> dict[str, Any]:
    shown, arithmetic = session.shown(row), session.arithmetic(row)
    return {
        "kernel": label_of(row),
        "verdict": session.verdict_shown(row),
        "median": row.median_ms,
        "p20": row.p20_ms,
        "p80": row.p80_ms,
        "speedup": None if shown is None else shown.value,
        "interval": "" if shown is None else f"{shown.low:.2f} to {shown.high:.2f}",
        "arithmetic": arithmetic if arithmetic == session.dtype else f"{arithmetic}, another",
        "error": row.max_error,
        "of roofline": row.roof_share,
        "rounds": row.rounds,
        "prepare": row.prepare_ms,
        "chosen": row.choice,
        "flags": ", ".join(row.flags),
    }


def _obstacles(session: Session) -> None:
    refused = [row for row in session.rows if row.obstacle]
    if refused:
        st.markdown("**Not measured, and why**")
        st.markdown("\n".join(f"- {literal(label_of(row))}: {literal(_why(row))}" for row in refused))


def _why(row: Row) -> str:
    return f"not available: {row.obstacle}" if row.role == "opponent" else row.obstacle


def _in_words(value: object) -> str:
    """Return a value of a session as a table shows it: of a mapping its names."""
    return (", ".join(map(str, value)) or "none") if isinstance(value, Mapping) else str(value)


def show_protocol(session: Session) -> None:
    """Show device, versions and protocol: what a reader needs to believe the figures, or to repeat them."""
    taken = " x ".join(map(str, session.input_shape))
    product = {
        **session.about,
        "weight": f"{session.shape[0]} x {session.shape[1]}",
        "density": f"{session.density:.4f}",
        "input": f"{taken} ({session.positions:,} positions)",
        "arithmetic": session.dtype,
        "threads": str(session.threads),
        "dense multiply-adds": f"{session.flops_dense / 2:,.0f}",
        f"{labels()['padding_waste'].lower()} at 16 x 16": "–"
        if session.padding_waste is None
        else f"{100 * session.padding_waste:.1f} %",
        "date": session.date,
    }
    if session.conv is not None:
        product |= {name.replace("_", " "): str(value) for name, value in session.conv.items()}
    parts: Sequence[tuple[str, Mapping[str, Any]]] = (
        ("Product", product),
        ("Protocol", session.protocol),
        ("Device", session.device),
        ("Versions", session.versions),
    )
    rows = [
        {"part": part, "what": name.replace("_", " "), "value": _in_words(value)}
        for part, values in parts
        for name, value in values.items()
    ]
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 420))
    roles = {row.role for row in session.rows} - {"kernel"}
    told = [f"**{row}**: {ROLES[row]}" for row in ROLES if row in roles]
    told += [f"**{name}**: {CONDITIONS[name]}" for name in CONDITIONS if any(r.condition == name for r in session.rows)]
    st.caption("  \n".join(told))
