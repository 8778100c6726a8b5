"""The mask view as one HTML file: scripts, styles, bits and numbers inside, nothing asked of any network."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from string import Template
from typing import Any

from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.core.version import __version__
from sparselab.display.assets import MOTION, VIEW, bundle, markup, read, styles
from sparselab.display.message import view_message
from sparselab.display.motion_message import why_still
from sparselab.display.numbers import STATUS_HEADLINES, NumberRow, deciding_rows, mask_rows, report_rows
from sparselab.runtime.progress import SILENT, Monitor

PICTURE_HEIGHT = 460
"""Height of a picture in CSS pixels unless another is asked for, as on the Explore page."""

_POLICY = (
    "default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_MOTION = '<details id="motion"><summary>Watch the reordering</summary>{}</details>'
_PACKING_LEVEL = 4  # finer levels cost four times the time for two percent


def mask_document(title: str, mask: Mask, *, height: int = PICTURE_HEIGHT) -> str:
    """Return the page of one mask in natural order, with its numbers."""
    return _document(title, view_message(title, mask), height, deciding=mask_rows(mask))


def layout_document(
    title: str,
    layout: Layout,
    report: Mapping[str, Any],
    *,
    order: str = "reordered",
    height: int = PICTURE_HEIGHT,
    monitor: Monitor = SILENT,
) -> str:
    """Return the page of a layout: the mask before and after, linked, with the numbers of `report` (`Report.as_json`).

    Raises: Cancelled when a cancel has come before it begins.
    """
    monitor.progress("picture")
    headline = STATUS_HEADLINES.get(report["status"])
    return _document(
        title,
        view_message(title, layout.before, layout, order=order),
        height,
        status=f"{headline}: {report['reason']}." if headline else "",
        deciding=deciding_rows(report),
        every=report_rows(report, layout.notes),
        # Only the message of this order holds all that the animation needs.
        moves=order == "reordered" and not why_still(layout),
    )


def _document(
    title: str,
    message: bytes,
    height: int,
    *,
    deciding: Iterable[NumberRow],
    every: Iterable[NumberRow] = (),
    status: str = "",
    moves: bool = False,
) -> str:
    script = f"\n{bundle(*([MOTION] if moves else []), VIEW)}\n{read('page/host.js')}"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # One pass over the page: what is put in is never searched for names itself, whatever a layer is called.
    return Template(read("page/page.html")).substitute(
        policy=_POLICY.format(digest=digest),
        version=__version__,
        title=_safe(title),
        styles="\n".join([read("page/page.css"), styles(VIEW, *([MOTION] if moves else []))]),
        status=f'<p class="status">{_safe(status)}</p>' if status else "",
        deciding="\n".join(
            f'<div title="{_safe(row.meaning)}"><dt>{_safe(row.number)}</dt><dd>{_safe(row.value)}</dd></div>'
            for row in deciding
        ),
        view=markup(VIEW, height),
        motion=_MOTION.format(markup(MOTION, height)) if moves else "",
        all_numbers=_table(list(every)),
        message=base64.b64encode(gzip.compress(message, _PACKING_LEVEL, mtime=0)).decode(),
        script=script,
    )


def _table(rows: list[NumberRow]) -> str:
    if not rows:
        return ""
    cells = "\n".join(
        f'<tr><th scope="row">{_safe(row.number)}</th><td>{_safe(row.value)}</td><td>{_safe(row.meaning)}</td></tr>'
        for row in rows
    )
    head = '<tr><th scope="col">number</th><th scope="col">value</th><th scope="col">meaning</th></tr>'
    return f"<details open><summary>All numbers</summary><table><thead>{head}</thead><tbody>{cells}</tbody></table></details>"


def _safe(text: str) -> str:
    """Text for HTML and for its attributes; what no file can hold (half a surrogate pair) becomes a question mark."""
    return escape(text.encode("utf-8", "replace").decode("utf-8"))
