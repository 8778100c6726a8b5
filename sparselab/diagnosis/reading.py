"""A report that `sparselab doctor --json` wrote, read back as a stranger's file: bounded, and of what is shown alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sparselab.core.errors import FileError
from sparselab.diagnosis.evidence import OpTime
from sparselab.diagnosis.report import SCHEMA, Tried
from sparselab.formats.parsing.bounded_json import parse_json

MOST_BYTES = 4 * 2**20
_MOST_VALUES = 200_000
_MOST_ITEMS, _MOST_LAYERS = 60, 2000
_LONGEST_NAME, _LONGEST_TEXT = 120, 2000
_MOST_NUMBER = 1e15

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ShownFinding:
    """A finding as it is drawn."""

    title: str
    sentence: str
    lines: tuple[str, ...]
    cure: str
    basis: str
    gain: float | None


@dataclass(frozen=True, kw_only=True)
class ShownLayer:
    """A layer as it is listed."""

    name: str
    shape: tuple[int, int]
    density: float
    positions: int
    ms: float
    dtype: str
    runs: str


@dataclass(frozen=True, kw_only=True)
class ShownReport:
    """What of a report is drawn. share: of the operations' time, in the pruned layers; 0 where nothing was timed."""

    target: str
    paragraph: str
    device: str
    total_ms: float
    share: float
    threads: int | None
    is_busy: bool
    findings: tuple[ShownFinding, ...]
    tried: tuple[Tried, ...]
    kernels: tuple[OpTime, ...]
    layers: tuple[ShownLayer, ...]


def read_report(content: bytes, label: str = "the report") -> ShownReport:
    """Return a report for drawing; texts are cut, lists are bounded, nothing but numbers and texts is taken.

    Raises: FileError for more than 4 MiB, for what is no such report, or one of a later schema.
    """
    if len(content) > MOST_BYTES:
        raise FileError(f"{label}: expected a report of at most 4 MiB; got {len(content):,} bytes")
    document = parse_json(content, label, _MOST_VALUES, "a report")
    try:
        if document.get("command", "doctor") != "doctor" or not isinstance(document["findings"], list):
            raise ValueError("it is of another command")
        if _whole(document["schema"]) > SCHEMA:
            raise ValueError(f"its schema {document['schema']} is of a later version")
        return _report(document, document["evidence"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        told = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise FileError(f"{label}: expected a report of `sparselab doctor --json`; {_text(told, 200)}") from None


def _report(document: Mapping[str, Any], evidence: Mapping[str, Any]) -> ShownReport:
    threads = evidence.get("threads")
    return ShownReport(
        target=_text(document["target"], _LONGEST_NAME),
        paragraph=_text(document["paragraph"]),
        device=_text(evidence.get("device", ""), _LONGEST_NAME),
        total_ms=_number(evidence["total_ms"]),
        share=min(1.0, _number(evidence["share"])),
        threads=None if threads is None else _whole(threads["used"]),
        is_busy=evidence.get("is_busy") is True,
        findings=_each(document["findings"], _finding),
        tried=_each(document["tried"], _tried),
        kernels=_each(evidence["kernels"], _kernel),
        layers=_each(evidence["layers"], _layer, _MOST_LAYERS),
    )


def _finding(told: Mapping[str, Any]) -> ShownFinding:
    return ShownFinding(
        title=_text(told["title"], _LONGEST_NAME),
        sentence=_text(told["sentence"]),
        lines=_each(told["lines"], _text),
        cure=_text(told["cure"]),
        basis=_text(told["basis"], _LONGEST_NAME),
        gain=_optional(told["gain"]),
    )


def _tried(told: Mapping[str, Any]) -> Tried:
    names = ("before_ms", "after_ms", "speedup", "low", "high", "difference")
    texts = {name: _text(told[name], _LONGEST_NAME) for name in ("name", "title")}
    numbers = {name: _optional(told[name]) for name in names}
    ratio = [numbers[name] for name in ("low", "high", "speedup")]
    if any(value is not None and not value > 1 / _MOST_NUMBER for value in ratio):
        raise ValueError("a ratio that is none")
    return Tried(**texts, **numbers, rounds=_whole(told["rounds"]), obstacle=_text(told["obstacle"], 300))  # type: ignore[arg-type]


def _kernel(told: Mapping[str, Any]) -> OpTime:
    return OpTime(name=_text(told["name"], _LONGEST_NAME), ms=_number(told["ms"]), calls=_whole(told["calls"]))


def _layer(told: Mapping[str, Any]) -> ShownLayer:
    rows, cols = told["shape"]
    return ShownLayer(
        name=_text(told["name"], _LONGEST_NAME),
        shape=(_whole(rows), _whole(cols)),
        density=min(1.0, _number(told["density"])),
        positions=_whole(told["positions"]),
        ms=_number(told["ms"]),
        dtype=_text(told["dtype"], _LONGEST_NAME),
        runs=_text(told["runs"], _LONGEST_NAME),
    )


def _each(told: Any, read: Callable[[Any], T], most: int = _MOST_ITEMS) -> tuple[T, ...]:
    if not isinstance(told, list):
        raise TypeError("a list that is none")
    return tuple(map(read, told[:most]))


def _text(told: Any, longest: int = _LONGEST_TEXT) -> str:
    if not isinstance(told, str):
        raise TypeError("a text that is none")
    return "".join(c if c.isprintable() else " " for c in told[:longest])


def _number(told: Any) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= _MOST_NUMBER:
        raise ValueError("a number that is none, or below 0")
    return float(told)


def _whole(told: Any) -> int:
    found = _number(told)
    if not math.isfinite(found) or found != int(found):
        raise ValueError("a count that is none")
    return int(found)


def _optional(told: Any) -> float | None:
    return None if told is None else _number(told)
