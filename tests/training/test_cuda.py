"""Training on a CUDA device: half precision, channels last, every method; stopped and resumed it ends with the same bits."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparselab.core.errors import Cancelled
from sparselab.runtime.progress import Monitor
from sparselab.training.runs.run import train
from sparselab.training.runs.views import read_run
from tests.training.kills import fingerprint
from tests.training.tiny import tiny

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("amp", [False, True])
@pytest.mark.parametrize("model", ["vgg-small", "resnet20"])
def test_levels_keep_what_they_should(model: str, amp: bool, channels_last: bool, tmp_path: Path) -> None:
    train(
        tiny(model=model, device="cuda", amp=amp, channels_last=channels_last, levels=2, then="refill,regroup@2"),
        tmp_path / "run",
    )
    view = read_run(tmp_path / "run")
    levels = [entry for entry in view.stages if entry["then"] is None]
    assert [entry["kept"] for entry in levels] == [round(0.8**k * levels[0]["size"]) for k in range(3)]
    assert view.info.status == "finished"


@pytest.mark.parametrize("method", ["set", "rigl", "dsb", "ssb", "top-kast", "snip", "grasp", "synflow", "l1"])
def test_every_method(method: str, tmp_path: Path) -> None:
    train(tiny(method=method, sparsity=0.5, device="cuda", amp=True, then=""), tmp_path / "run")
    assert read_run(tmp_path / "run").info.status == "finished"


@pytest.mark.parametrize("method", ["imp", "dsb"])
def test_stopped_and_resumed_ends_with_the_same_bits(method: str, tmp_path: Path) -> None:
    settings = tiny(method=method, sparsity=0.5, device="cuda", amp=True, epochs=3, then="")
    train(settings, tmp_path / "whole")
    looks: list[int] = []

    def asked() -> bool:
        looks.append(1)
        return len(looks) == 8

    with pytest.raises(Cancelled):
        train(settings, tmp_path / "stopped", monitor=Monitor(cancelled=asked))
    train(settings, tmp_path / "stopped", resume=True)
    assert fingerprint(tmp_path / "stopped") == fingerprint(tmp_path / "whole")
