"""What `tune` says of accuracies: a difference, a tie, and nothing where no network knows anything."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sparselab.cli.tune import accuracy_verdicts
from sparselab.tuning.intervals import accuracy_interval, difference_interval

EXAMPLES = 200
ACCURACIES = st.integers(0, EXAMPLES).map(lambda right: right / EXAMPLES)


def result(after: dict[str, float], constant: float | None) -> dict[str, Any]:
    forms = [
        {
            "form": form,
            "after": value,
            "examples": EXAMPLES,
            "after_interval": accuracy_interval(value, EXAMPLES),
            "over_masked": None if form == "masked" else difference_interval(value, after["masked"], EXAMPLES),
        }
        for form, value in after.items()
    ]
    return {"forms": forms} | ({} if constant is None else {"constant": constant})


@given(st.tuples(ACCURACIES, ACCURACIES, ACCURACIES), ACCURACIES)
def test_a_verdict_is_said_of_every_form_or_of_none(values: tuple[float, ...], constant: float) -> None:
    after = dict(zip(("dense", "masked", "structured"), values, strict=True))
    told = accuracy_verdicts(result(after, constant))
    if max(after.values()) <= constant:
        (text,) = told
        assert "say nothing of the structure" in text
        assert f"{100 * constant:.1f} %" in text
    if len(told) > 1:
        assert told == accuracy_verdicts(result(after, None)), "as older results, which do not know"
        assert [text.split(" ", 1)[0] for text in told] == ["dense", "structured"]
        assert all(text.endswith(("a tie", "better", "worse")) for text in told)
    if accuracy_interval(max(after.values()), EXAMPLES)[0] > constant:
        assert len(told) == 2
