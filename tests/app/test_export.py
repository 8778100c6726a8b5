"""What the download buttons give: an upload written back from what came, within the limits of uploads."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sparselab.app.inputs.source import Original, Source
from sparselab.app.jobs import export
from sparselab.formats import ReadOptions, read_ticket, read_untrusted
from sparselab.transforms import Regroup


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
