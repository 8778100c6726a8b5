"""Files that Explore offers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from sparselab.analysis.metrics import report
from sparselab.app.explore import downloads
from sparselab.app.inputs.source import Original, Source
from sparselab.app.jobs import export
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.display import show
from sparselab.formats import ReadOptions, read_ticket, read_untrusted
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
    there = downloads.run_once
    monkeypatch.setattr(downloads, "_HERE_UP_TO", here_up_to)
    monkeypatch.setattr(downloads, "run_once", lambda *args, **kwargs: called.append("there") or there(*args, **kwargs))
    assert downloads._picture(view, request).decode() == show((layer, layout)).html
    assert called == (["there"] if here_up_to == 0 else [])


@pytest.mark.parametrize("format", ["torch", "safetensors"])
def test_an_upload_is_written_back_from_what_came(format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    weight = torch.randn(16, 8) * (torch.rand(16, 8) < 0.4)
    torch.save({"module.a.weight": weight, "module.a.bias": torch.arange(16.0)}, tmp_path / "old.pt")
    card = read_untrusted(tmp_path / "old.pt", tmp_path / "parsed.safetensors")
    layer = read_ticket(tmp_path / "parsed.safetensors")["a.weight"]
    layout = Regroup(rows_per_group=4)(layer)
    original = Original(str(tmp_path / "old.pt"), ReadOptions())
    source = Source(str(tmp_path / "parsed.safetensors"), "old.pt", ReadOptions(), card, original=original)
    session: Any = SimpleNamespace(folder=tmp_path)
    monkeypatch.setattr(export, "session", lambda: session)
    (tmp_path / "new").write_bytes(export.exported(source, lambda: {"a.weight": layout.pack()}, format, "pairs"))
    assert read_ticket(tmp_path / "new")["a.weight"].mask == layout.after
    if format == "torch":
        state = torch.load(tmp_path / "new", weights_only=True)
        assert list(state) == ["module.a.weight_orig", "module.a.weight_mask", "module.a.bias"]
        assert torch.equal(state["module.a.bias"], torch.arange(16.0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old.pt", "parsed.safetensors"]
