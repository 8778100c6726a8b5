"""docs/why_not_faster.md holds what the registry and the cases hold."""

from __future__ import annotations

import re

from benchmarks.doctor_cases import DOCUMENT, EVERY, causes_table, replaced
from sparselab.diagnosis import CAUSES

TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_the_table_of_causes_is_the_registry() -> None:
    assert replaced(TEXT, {"causes": causes_table()}) == TEXT, "run: python -m benchmarks.doctor_cases none"
    assert all(f"`{name}`" in TEXT for name in CAUSES)


def test_every_case_stands_there_with_what_was_printed() -> None:
    found = dict(re.findall(r"<!-- made: ([\w-]+) -->\n(.*?)<!-- end -->", TEXT, flags=re.DOTALL))
    assert found.keys() == EVERY.keys() | {"causes", "healthy"}
    for name, case in EVERY.items():
        first = re.search(r"^1\. (.*?)(?: \(at most.*)? \[", found[name], flags=re.MULTILINE)
        assert first is not None, name
        assert first[1] == CAUSES[case.cause].title
    assert found["healthy"].count("| none |") == found["healthy"].count("\n") - 2
