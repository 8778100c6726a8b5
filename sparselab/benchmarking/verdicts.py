"""What a comparison with the dense product came to, as a value and in words."""

from __future__ import annotations

from enum import Enum

from sparselab.benchmarking.statistics import FEWEST_ROUNDS, MARGIN, Ratio


class Verdict(Enum):
    """A verdict; its value is the text, with gaps for the figures."""

    FASTER = "{value}x faster than dense ({low}-{high})"
    SLOWER = "{value}x slower than dense here ({low}-{high})"
    NO_DIFFERENCE = "no difference"
    TOO_FEW_ROUNDS = "too few rounds for a verdict ({rounds} of {fewest})"
    BASELINE = "the baseline"
    NOT_COMPARED = "no dense time under this condition to compare with"
    NOT_MEASURED = "not measured"
    WRONG = "wrong: {error}; up to {tolerance:.0e} is right"


def verdict_of(ratio: Ratio, rounds: int) -> Verdict:
    """Return the verdict on a speedup.

    TOO_FEW_ROUNDS below `FEWEST_ROUNDS`; FASTER or SLOWER where the whole interval lies more than `MARGIN` beyond 1;
    NO_DIFFERENCE elsewhere.
    """
    if rounds < FEWEST_ROUNDS:
        return Verdict.TOO_FEW_ROUNDS
    if ratio.low > 1.0 + MARGIN:
        return Verdict.FASTER
    if ratio.high < 1.0 / (1.0 + MARGIN):
        return Verdict.SLOWER
    return Verdict.NO_DIFFERENCE


def ratio_text(ratio: Ratio, rounds: int) -> str:
    """Return the verdict on a speedup in words: "2.9x faster than dense (2.7-3.1)", "1.4x slower than dense here (1.3-1.5)"."""
    verdict = verdict_of(ratio, rounds)
    if verdict is Verdict.SLOWER:
        ratio = Ratio(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)
    value, low, high = _figures(ratio.value, ratio.low, ratio.high)
    return verdict.value.format(value=value, low=low, high=high, rounds=rounds, fewest=FEWEST_ROUNDS)


def wrong_text(error: float | None, tolerance: float) -> str:
    """Return what is said of outputs whose largest relative error is `error`; None: some are no numbers."""
    told = "outputs that are no numbers" if error is None else f"error {error:.1e}"
    return Verdict.WRONG.value.format(error=told, tolerance=tolerance)


def _figures(*values: float) -> list[str]:
    """Return ratios with one decimal: two where one might say 1.0, none above ten."""
    least = min(values)
    digits = 2 if least < 1.1 else 1 if least < 10 else 0
    return [f"{value:.{digits}f}" for value in values]
