"""Nothing of one visitor reaches another: the small version of `python -m benchmarks.foreign_tokens`."""

from __future__ import annotations

import pytest

from benchmarks.foreign_tokens import ACTS, MUST_MEET, compare, measure
from tests.browsing import with_own_loop


@pytest.mark.timeout(600)
def test_two_visitors_never_hear_of_each_other() -> None:
    acts = {act: often for act, often in ACTS.items() if act is not compare}
    persons = with_own_loop(measure, 24, seed=0, acts=acts)
    for person in persons:
        assert not person.foreign.total(), person.foreign
        unmet = {kind for kind in MUST_MEET if not person.met[kind]} - {"compare"}
        assert not unmet, "what is never met was not looked at"
