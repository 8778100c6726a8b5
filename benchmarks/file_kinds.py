"""Write the tables of docs/file-kinds.md from the rules by which files are read: one declaration, and no table that grows old."""

from __future__ import annotations

from pathlib import Path

from sparselab.formats.kinds.rules import STEPS

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "file-kinds.md"
_BEGIN, _END = "<!-- generated: begin -->", "<!-- generated: end -->"


def tables() -> str:
    """Return a table for each step that a file goes through: what is known, what happens, what is said, and why."""
    lines: list[str] = []
    for title, rules in STEPS:
        lines += [f"### {title}", "", "| kind | what happens | what is said | |", "|---|---|---|---|"]
        for rule in rules.values():
            says = rule.says.replace("{}", "...")
            lines.append(f"| {_cell(rule.title)} | {rule.outcome} | *{_cell(says)}* | {_cell(rule.line)} |")
        lines.append("")
    return "\n".join(lines)


def rewritten(text: str) -> str:
    """Return the document with its generated part replaced."""
    head, rest = text.split(_BEGIN)
    _, tail = rest.split(_END)
    return f"{head}{_BEGIN}\n\n{tables()}\n{_END}{tail}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
