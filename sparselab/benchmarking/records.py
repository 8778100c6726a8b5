"""What was measured: a row per kernel, a session of rows, and their plain form for files and pipes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from types import MappingProxyType
from typing import Any

from sparselab.benchmarking.statistics import Ratio
from sparselab.benchmarking.verdicts import (
    Verdict,
    plain_shown,
    ratio_shown,
    ratio_text,
    verdict_of,
    wrong_shown,
    wrong_text,
)
from sparselab.core.errors import SparselabError

ROLES: Mapping[str, str] = MappingProxyType(
    {
        "baseline": "the dense product of the masked weight: what every speedup is a ratio to",
        "full": "the dense product of a weight without zeros: whether zeros alone make the library faster",
        "control": "the baseline prepared a second time: how far two equal kernels differ",
        "kernel": "a kernel that was asked for",
        "exact": "the exact product of the mask before the transform, nothing dropped: what a structure has to beat",
        "opponent": "the dense product of the masked weight in another arithmetic, or by another library, at the same input",
    }
)

CONDITIONS: Mapping[str, str] = MappingProxyType(
    {
        "hot": "runs in succession: weights and inputs may still lie in a cache",
        "cold": "the device's L2 cache emptied before every run",
        "graph": "hot, launched as a CUDA graph: what is left when launching costs nothing",
    }
)


@dataclass(frozen=True)
class Row:
    """One kernel under one condition. Times are None when it could not run, or was wrong.

    median_ms, p20_ms, p80_ms: of one run, over the rounds; `repeats` runs made one sample.
    speedup_vs_dense: median over the rounds of baseline time / this time, under the same condition; `interval` is its 99 %
    bootstrap interval. `verdict` follows from these figures and is written into files, in words, and never read back.
    max_error: largest error of any output / largest output, against the dense product in float64.
    roof_share: time at the measured roofline / median. prepare_ms: packing and tuning, in no other figure. choice: which of
    several ways to run it was the quickest there, in the kernel's words.
    flags: "noisy" (p80 - p20 over 10 % of the median), "busy" (others used the machine), "wrong" (too large an error),
    "control" (the baseline differed from itself). obstacle: why it could not run, or "".
    """

    kernel: str
    role: str = "kernel"
    _: KW_ONLY
    condition: str = "hot"
    median_ms: float | None = None
    p20_ms: float | None = None
    p80_ms: float | None = None
    rounds: int = 0
    repeats: int = 0
    speedup_vs_dense: float | None = None
    interval: tuple[float, float] | None = None
    max_error: float | None = None
    flags: tuple[str, ...] = ()
    roof_share: float | None = None
    prepare_ms: float | None = None
    obstacle: str = ""
    choice: str = ""

    @property
    def ratio(self) -> Ratio | None:
        """The speedup with its interval; None where there is no dense time to compare with."""
        if self.speedup_vs_dense is None or self.interval is None:
            return None
        return Ratio(self.speedup_vs_dense, *self.interval)

    @property
    def compared(self) -> Ratio | None:
        """The speedup where the verdict is about it; None where it is about something else."""
        return None if self.verdict in (Verdict.BASELINE, Verdict.NOT_MEASURED, Verdict.WRONG) else self.ratio

    @property
    def verdict(self) -> Verdict:
        """What the figures say."""
        if self.obstacle:
            return Verdict.NOT_MEASURED
        if "wrong" in self.flags:
            return Verdict.WRONG
        if self.role == "baseline":
            return Verdict.BASELINE
        return Verdict.NOT_COMPARED if self.ratio is None else verdict_of(self.ratio, self.rounds)

    @property
    def label(self) -> str:
        """Its name among all rows of its session: kernel, what it is there for, condition."""
        return self.label_with(self.kernel)

    def label_with(self, kernel: str) -> str:
        """Return its name among all rows of its session where its kernel is called `kernel`."""
        told = {"full": " (no zeros)", "control": " (again)", "exact": " (mask before)"}.get(self.role, "")
        return kernel + told + ("" if self.condition == "hot" else f", {self.condition}")

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Row:
        known = _known(cls, document)
        interval = known.get("interval")
        known["interval"] = None if interval is None else (float(interval[0]), float(interval[1]))
        return cls(**known | {"flags": tuple(known.get("flags", ()))})


_FIELDS = tuple(item.name for item in dataclasses.fields(Row))
_COMPARED = _FIELDS.index("interval") + 1
ROW_KEYS = (*_FIELDS[:_COMPARED], "verdict", "is_faster", *_FIELDS[_COMPARED:])
"""What files hold of a row, in their order: its fields, and after the interval what that says, in words and as yes or no."""


PASS, STEP = "pass", "training step"
"""What a protocol says of sessions that measured more than forward passes, and how."""

CHANNELS_LAST = "dense channels last / dense, input converted beforehand"
"""What `about` says of a dense convolution's other order of memory: its time over the dense time of the session, timed in turns beside it."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """All kernels on one product of one layer, measured in turns on one device.

    shape: rows, columns of the weight. input_shape: n, positions; or N, C, H, W of a convolution. density: of the layout.
    padding_waste: share of 16 x 16 tiles over the blocks that holds no weight. about: where the layout came from (file,
    layer, transform, settings). device, protocol, versions: what a reader needs to believe the figures, or repeat them.
    """

    rows: tuple[Row, ...]
    shape: tuple[int, int]
    input_shape: tuple[int, ...]
    positions: int
    dtype: str
    threads: int
    density: float
    date: str
    conv: Mapping[str, int] | None = None
    flops_dense: float = 0.0
    padding_waste: float | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """A name for the session: 16 hexadecimal digits of the digest of all it holds."""
        text = json.dumps(self.as_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def row(self, *, role: str, condition: str = "hot") -> Row | None:
        """Return the first row of a role under a condition, or None."""
        return next((row for row in self.rows if (row.role, row.condition) == (role, condition)), None)

    def shown(self, row: Row) -> Ratio | None:
        """Return the speedup of a row as people read it beside the two times: the quotient of the medians.

        Its ends are those of `row.ratio`, the median of the rounds' ratios on which every verdict rests, or the quotient itself
        where that lies beyond. None where there is no dense time under the row's condition.
        """
        dense, ratio = self.row(role="baseline", condition=row.condition), row.ratio
        if ratio is None or dense is None or not dense.median_ms or not row.median_ms:
            return ratio
        value = dense.median_ms / row.median_ms
        return Ratio(value, min(ratio.low, value), max(ratio.high, value))

    def arithmetic(self, row: Row) -> str:
        """Return the arithmetic of a row: the session's, or the opponent's own."""
        return str(self._opponent(row).get("arithmetic", self.dtype))

    def _opponent(self, row: Row) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.protocol.get("opponents", {}).get(row.kernel, {})
        return found if row.role == "opponent" else {}

    def _tolerance(self, row: Row) -> float:
        return float(self._opponent(row).get("tolerance") or self.protocol["tolerance"])

    def verdict_text(self, row: Row) -> str:
        """Return the verdict on a row as files hold it. Raises: KeyError for a wrong row where the protocol has no tolerance."""
        if row.verdict is Verdict.WRONG:
            return wrong_text(row.max_error, self._tolerance(row))
        ratio = row.compared
        return str(row.verdict.value) if ratio is None else ratio_text(ratio, row.rounds)

    def verdict_shown(self, row: Row) -> str:
        """Return the verdict on a row as people read it. Raises: as `verdict_text`."""
        if row.verdict is Verdict.WRONG:
            return wrong_shown(row.max_error, self._tolerance(row))
        ratio = None if row.compared is None else self.shown(row)
        return plain_shown(row.verdict) if ratio is None else ratio_shown(ratio, row.rounds)

    @property
    def quickest_dense(self) -> float:
        """Time of the dense product in the quickest order of memory that was timed / dense time of the rows; at most 1."""
        try:
            return min(1.0, float(self.about.get(CHANNELS_LAST, 1.0)))
        except ValueError:
            return 1.0

    @property
    def is_step(self) -> bool:
        """Whether whole training steps were measured, Y, dX and dW; else forward passes."""
        return self.protocol.get(PASS) == STEP

    @property
    def fastest(self) -> Row | None:
        """The kernel with the smallest median among those whose hot verdict is FASTER; None: the dense product stays."""
        ahead = [
            row
            for row in self.rows
            if row.role == "kernel" and row.condition == "hot" and row.verdict is Verdict.FASTER
        ]
        return min(ahead, key=lambda row: row.median_ms or float("inf"), default=None)

    def as_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` turns them back."""
        found = {item.name: _plain(getattr(self, item.name)) for item in dataclasses.fields(self)}
        return found | {"rows": [self._plain_row(row) for row in self.rows]}

    def _plain_row(self, row: Row) -> dict[str, Any]:
        derived = {"verdict": self.verdict_text(row), "is_faster": row.verdict is Verdict.FASTER}
        return {name: derived[name] if name in derived else _plain(getattr(row, name)) for name in ROW_KEYS}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Session:
        """Return the session that `as_json` described. Raises: SparselabError when the parts are not there."""
        try:
            known = _known(cls, document)
            known["rows"] = tuple(Row.from_json(row) for row in document["rows"])
            for name in ("shape", "input_shape"):
                known[name] = tuple(int(size) for size in known[name])
            session = cls(**known)
            for row in session.rows:
                session.verdict_text(row)  # a row whose verdict cannot be told is none
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SparselabError(f"expected a latency session; got something else ({error})") from None
        return session


def _known(cls: type, document: Mapping[str, Any]) -> dict[str, Any]:
    # A newer version may have written more than this one knows.
    names = {item.name for item in dataclasses.fields(cls)}
    return {key: value for key, value in document.items() if key in names}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
