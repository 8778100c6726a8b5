"""Compare with a moment's work, where who competes is not the matter."""

from __future__ import annotations

import pytest

from sparselab.workflows.compare import contenders


def few_contenders(patch: pytest.MonkeyPatch) -> None:
    """Let Compare take a moment: who competes is not the matter here."""
    patch.setattr(
        "sparselab.app.compare.view.contenders",
        lambda density: [c for c in contenders(density) if c.by_chance or c.name == "regroup-natural"],
    )
    patch.setattr("sparselab.app.compare.view.curve_contenders", tuple)
