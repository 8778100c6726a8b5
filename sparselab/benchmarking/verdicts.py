"""What a comparison with the dense product came to: as a value, in the words of files, and in those that people read."""

from __future__ import annotations

from enum import Enum

from sparselab.benchmarking.statistics import FEWEST_ROUNDS, MARGIN, Ratio


class Verdict(Enum):
    """A verdict; its value is the text that files hold, with gaps for the figures: it never changes, for digests rest on it."""

    FASTER = "{value}x faster than dense ({low}-{high})"
    SLOWER = "{value}x slower than dense here ({low}-{high})"
    NO_DIFFERENCE = "no difference"
    TOO_FEW_ROUNDS = "too few rounds for a verdict ({rounds} of {fewest})"
    BASELINE = "the baseline"
    NOT_COMPARED = "no dense time under this condition to compare with"
    NOT_MEASURED = "not measured"
    WRONG = "wrong: {error}; up to {tolerance:.0e} is right"


_SHOWN = {
    Verdict.FASTER: "{value}x faster than dense ({low} to {high})",
    Verdict.SLOWER: "{value}x slower than dense ({low} to {high})",
    Verdict.NO_DIFFERENCE: "not decided: {low} to {high} times as fast as dense",
    Verdict.TOO_FEW_ROUNDS: "not decided: {rounds} rounds, of {fewest} that a verdict needs",
    Verdict.BASELINE: "the baseline",
    Verdict.NOT_COMPARED: "not compared: no dense time under this condition",
    Verdict.NOT_MEASURED: "not measured",
    Verdict.WRONG: "wrong: {error}; at most {tolerance:.0e} is right",
}
_EQUAL = "as fast as dense ({low} to {high})"


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
    """Return the verdict on a speedup as files hold it: "2.9x faster than dense (2.7-3.1)", "no difference"."""
    return _filled(verdict_of(ratio, rounds).value, ratio, rounds)


def ratio_shown(ratio: Ratio, rounds: int) -> str:
    """Return the verdict on a speedup as people read it.

    "2.9x faster than dense (2.7 to 3.1)", "1.4x slower than dense (1.3 to 1.5)"; where neither is shown, "as fast as dense"
    if the whole interval lies within `MARGIN` of 1, else "not decided" with the interval.

    Example: >>> ratio_shown(Ratio(1.0, 0.26, 25.9), FEWEST_ROUNDS)
             'not decided: 0.26 to 25.90 times as fast as dense'
    """
    verdict = verdict_of(ratio, rounds)
    is_equal = verdict is Verdict.NO_DIFFERENCE and ratio.low >= 1 / (1 + MARGIN) and ratio.high <= 1 + MARGIN
    return _filled(_EQUAL if is_equal else _SHOWN[verdict], ratio, rounds)


def wrong_text(error: float | None, tolerance: float) -> str:
    """Return what files hold of outputs whose largest relative error is `error`; None: some are no numbers."""
    return Verdict.WRONG.value.format(error=_error_text(error), tolerance=tolerance)


def wrong_shown(error: float | None, tolerance: float) -> str:
    """Return `wrong_text` as people read it."""
    return _SHOWN[Verdict.WRONG].format(error=_error_text(error), tolerance=tolerance)


def plain_shown(verdict: Verdict) -> str:
    """Return a verdict without figures as people read it."""
    return _SHOWN[verdict]


def at_best(density: float, speedup: float | None = None) -> str:
    """Return the speedup of a kernel that multiplies kept weights only, at the rate of the dense product: 1 / density.

    It bounds nothing: a kernel whose rate is higher than that of the library's dense product exceeds it. Where a measured
    `speedup` does, that is said, with the factor between the two rates: speedup x density.

    Example: >>> at_best(0.157)
             'at best 6.4x at the rate of the dense product'
             >>> at_best(0.2, 8.2)
             'over the 5.0x of leaving out the zeros by 1.64x: it multiplies at so much a higher rate than the dense product of this shape'
    """
    if not density:
        return "nothing to multiply"
    if speedup is None or speedup * density <= 1:
        return f"at best {1 / density:.1f}x at the rate of the dense product"
    over = f"over the {1 / density:.1f}x of leaving out the zeros by {speedup * density:.2f}x"
    return f"{over}: it multiplies at so much a higher rate than the dense product of this shape"


def _error_text(error: float | None) -> str:
    return "outputs that are no numbers" if error is None else f"error {error:.1e}"


def _filled(text: str, ratio: Ratio, rounds: int) -> str:
    if verdict_of(ratio, rounds) is Verdict.SLOWER:
        ratio = Ratio(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)
    value, low, high = _figures(ratio.value, ratio.low, ratio.high)
    return text.format(value=value, low=low, high=high, rounds=rounds, fewest=FEWEST_ROUNDS)


def _figures(*values: float) -> list[str]:
    """Return ratios with one decimal: two where one might say 1.0, none above ten."""
    least = min(values)
    digits = 2 if least < 1.1 else 1 if least < 10 else 0
    return [f"{value:.{digits}f}" for value in values]
