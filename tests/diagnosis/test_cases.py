"""Twelve faults, the right cause first; healthy models, no finding. Times are those of a machine of formulas."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from sparselab.diagnosis import CAUSES, diagnose
from tests.diagnosis.cases import ALSO, STAGED, Case
from tests.diagnosis.healthy import HEALTHY
from tests.diagnosis.machine import seen_of

EVERY = {**STAGED, **ALSO}


@pytest.fixture(autouse=True)
def compiled_by_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.compile without a compiler: what is compiled is seen from the model, and nothing waits for C++."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))


@pytest.mark.parametrize("name", EVERY)
def test_the_right_cause_comes_first(name: str) -> None:
    findings = diagnose(seen_of(EVERY[name]))
    assert [finding.cause for finding in findings][:1] == [EVERY[name].cause]
    assert all(finding.lines and finding.sentence and finding.cure for finding in findings)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta state")
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_model_raises_no_alarm(name: str) -> None:
    assert [finding.sentence for finding in diagnose(seen_of(HEALTHY[name]))] == []


def test_there_are_twelve_of_each_and_every_cause_of_a_fault_is_staged() -> None:
    assert len(STAGED) == 12
    assert len(HEALTHY) >= 12
    assert {case.cause for case in EVERY.values()} <= CAUSES.keys()
    assert all(isinstance(case, Case) for case in EVERY.values())
