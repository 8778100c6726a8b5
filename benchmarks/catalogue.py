"""Write the tables of docs/algorithms.md from the registries: one declaration, and no table that grows old."""

from __future__ import annotations

from pathlib import Path

from sparselab.analysis.metrics import meanings
from sparselab.core.settings import Setting, settings_of
from sparselab.grouping import GROUPERS
from sparselab.transforms import TRANSFORMS

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "algorithms.md"
_BEGIN, _END = "<!-- generated: begin -->", "<!-- generated: end -->"


def tables() -> str:
    """Return the tables of transforms with their settings, of groupers, and of the report's numbers."""
    lines: list[str] = []
    for name, kind in TRANSFORMS.builtin.items():
        lines += [f"### {name}", "", f"{_first_line(kind)} Source: {kind.source}.", ""]
        lines += ["| setting | value | default | meaning |", "|---|---|---|---|"]
        for setting in settings_of(kind):
            lines.append(f"| `{setting.name}` | {setting.expected} | {setting.default_text} | {_meaning(setting)} |")
        lines.append("")
    lines += ["### Groupers", "", "| grouper | what it does | source |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {_cell(grouper.meaning)} | {grouper.source} |" for name, grouper in GROUPERS.builtin.items()
    ]
    lines += ["", "### The report's numbers", "", "| number | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {_cell(meaning)} |" for name, meaning in meanings().items()]
    return "\n".join(lines) + "\n"


def rewritten(text: str) -> str:
    """Return the document with its generated part replaced."""
    head, rest = text.split(_BEGIN)
    _, tail = rest.split(_END)
    return f"{head}{_BEGIN}\n\n{tables()}\n{_END}{tail}"


def _meaning(setting: Setting) -> str:
    doc, *choices = setting.help
    when = f" (with {setting.when.name} {_values(setting.when.values)})" if setting.when else ""
    return "<br>".join([_cell(doc) + when, *map(_cell, choices)])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _values(values: tuple[object, ...]) -> str:
    return ", ".join("not set" if value is None else str(value) for value in values)


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
