"""docs/why_not_faster.md holds what the registry and the cases hold."""

from __future__ import annotations

import re

from benchmarks.doctor_cases import DOCUMENT, EVERY, EXAMPLE, causes_table, replaced
from sparselab.core.data_files import DOCTOR_EXAMPLE
from sparselab.diagnosis import CAUSES
from sparselab.diagnosis.reading import read_report

TEXT = DOCUMENT.read_text(encoding="utf-8")
MADE = dict(re.findall(r"<!-- made: ([\w-]+) -->\n(.*?)<!-- end -->", TEXT, flags=re.DOTALL))


def test_the_table_of_causes_is_the_registry() -> None:
    assert replaced(TEXT, {"causes": causes_table()}) == TEXT, "run: python -m benchmarks.doctor_cases none"
    assert all(f"`{name}`" in TEXT for name in CAUSES)


def test_every_case_stands_there_with_what_was_printed() -> None:
    assert MADE.keys() == EVERY.keys() | {"causes", "healthy", EXAMPLE}
    for name, case in EVERY.items():
        first = re.search(r"^1\. (.*?)(?: \(at most.*)? \[", MADE[name], flags=re.MULTILINE)
        assert first is not None, name
        assert first[1] == CAUSES[case.cause].title
    assert MADE["healthy"].count("| none |") == MADE["healthy"].count("\n") - 2


def test_the_example_of_the_page_is_what_the_document_prints() -> None:
    report, printed = read_report(DOCTOR_EXAMPLE.read_bytes(), DOCTOR_EXAMPLE.name), " ".join(MADE[EXAMPLE].split())
    assert report.findings
    for text in (report.paragraph, *(finding.cure for finding in report.findings)):
        assert " ".join(text.split()) in printed, "run: python -m benchmarks.doctor_cases example"
