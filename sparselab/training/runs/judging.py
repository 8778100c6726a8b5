"""How good a network became, as results and events keep it: accuracies under their own names, any other metric under its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparselab.training.tasks import ACCURACY, Metric

_ACCURACIES = ("test_accuracy", "validation_accuracy")


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A metric's values on the validation and on the test examples."""

    metric: str
    higher_is_better: bool
    validation: float
    test: float


def judged(metric: Metric, **values: float) -> dict[str, Any]:
    """Return what a record says of values on splits: `validation_accuracy`, or `metric`, `higher_is_better` and `validation`.

    Example: >>> judged(ACCURACY, validation=0.5)
             {'validation_accuracy': 0.5}
    """
    if (metric.name, metric.higher_is_better) == (ACCURACY.name, ACCURACY.higher_is_better):
        return {f"{split}_accuracy": value for split, value in values.items()}
    return {"metric": metric.name, "higher_is_better": metric.higher_is_better, **values}


def judgement_of(entry: Mapping[str, Any]) -> Judgement:
    """Return what a result says. Raises: KeyError where it says nothing.

    Example: >>> judgement_of({"validation_accuracy": 0.5, "test_accuracy": 0.4}).test
             0.4
    """
    if "metric" not in entry:
        return Judgement(
            metric=ACCURACY.name,
            higher_is_better=True,
            validation=entry["validation_accuracy"],
            test=entry["test_accuracy"],
        )
    return Judgement(
        metric=entry["metric"],
        higher_is_better=entry["higher_is_better"],
        validation=entry["validation"],
        test=entry["test"],
    )


def judgement_text(metric: str, value: float) -> str:
    """Return a value for people: an accuracy in percent, another metric with four digits.

    Example: >>> judgement_text("accuracy", 0.912), judgement_text("perplexity", 8.12345)
             ('91.2 %', '8.123')
    """
    return f"{100 * value:.1f} %" if metric == ACCURACY.name else f"{value:.4g}"


def judgement_fields(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a result that says how good its network is, as it stands there. Raises: KeyError."""
    names = ("metric", "higher_is_better", "validation", "test") if "metric" in entry else _ACCURACIES
    return {name: entry[name] for name in names}
