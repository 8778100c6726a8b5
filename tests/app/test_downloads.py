"""Files that Explore offers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sparselab.analysis.metrics import report
from sparselab.app.explore import downloads
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.display import show
from sparselab.transforms import Regroup


@pytest.mark.parametrize("here_up_to", [0, 10_000])
def test_the_picture_is_the_page_that_show_makes_in_whatever_process(
    here_up_to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    layer = Layer(
        "fc.weight", Mask(rng.random((32, 48)) < 0.2), weight=rng.standard_normal((32, 48)).astype(np.float32)
    )
    layout = Regroup()(layer, rng=rng)
    view: Any = SimpleNamespace(layout=layout, report=report(layout, layer).as_json())
    request: Any = SimpleNamespace(layer=layer.name)
    called: list[str] = []
    there = downloads.run_isolated
    monkeypatch.setattr(downloads, "_HERE_UP_TO", here_up_to)
    monkeypatch.setattr(
        downloads, "run_isolated", lambda *args, **kwargs: called.append("there") or there(*args, **kwargs)
    )
    assert downloads._picture(view, request).decode() == show((layer, layout)).html
    assert called == (["there"] if here_up_to == 0 else [])
