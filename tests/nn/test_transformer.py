"""torch's encoder reads the weights of its layers in inference and calls none of them, unless the blocks are to run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparselab.core.layout import Layout
from sparselab.nn import convert, masked
from sparselab.nn.block_module import BlockModule
from tests.nn.networks import block_layout, matrix_shape


def feed_forward(model: nn.Module) -> dict[str, Layout]:
    rng = np.random.default_rng(5)
    names = [name for name, _ in model.named_modules() if name.endswith(("linear1", "linear2"))]
    return {name: block_layout(matrix_shape(model.get_submodule(name)), rng) for name in names}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("layers", [0, 2])
def test_the_blocks_run_and_the_answer_is_the_masked_models(
    layers: int, batch_first: bool, padded: bool, grad: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = nn.TransformerEncoderLayer(24, 4, 48, batch_first=batch_first)
    model = nn.TransformerEncoder(layer, layers, enable_nested_tensor=batch_first) if layers else layer
    model = model.eval()
    layouts = feed_forward(model)
    done, reference = convert(model, layouts, strict=True), masked(model, layouts)
    assert len(done.slow_path) == max(1, layers)
    ran: list[str] = []
    for name, part in done.model.named_modules():
        if isinstance(part, BlockModule):
            # Not a hook: with one, torch's fast path is off whatever we do.
            call = part.forward
            monkeypatch.setattr(part, "forward", lambda x, name=name, call=call: ran.append(name) or call(x))
    x = torch.randn((2, 5, 24) if batch_first else (5, 2, 24))
    hidden = torch.tensor([[False] * 5, [False] * 3 + [True] * 2]) if padded else None
    with torch.set_grad_enabled(grad):
        mine, theirs = (each(x, src_key_padding_mask=hidden) for each in (done.model, reference))
    assert sorted(ran) == sorted(layouts)
    assert torch.allclose(seen(mine, hidden, batch_first), seen(theirs, hidden, batch_first), atol=1e-4)


def seen(y: Tensor, hidden: Tensor | None, batch_first: bool) -> Tensor:
    """The outputs at the positions that no padding mask hides."""
    y = y if batch_first else y.transpose(0, 1)
    return y if hidden is None else y[~hidden]


def test_attention_keeps_its_weights_masked_and_says_why() -> None:
    model = nn.TransformerEncoderLayer(24, 4, 48, batch_first=True).eval()
    rng = np.random.default_rng(0)
    names = {"self_attn.in_proj_weight": (72, 24), "self_attn.out_proj.weight": (24, 24)}
    layouts = {name: block_layout(shape, rng) for name, shape in names.items()}
    done = convert(model, layouts)
    assert done.stayed.keys() == names.keys()
    assert "itself" in done.stayed["self_attn.in_proj_weight"]
    assert "never calls it" in done.stayed["self_attn.out_proj.weight"]
    assert not done.slow_path
    with torch.no_grad():
        x = torch.randn(2, 5, 24)
        assert torch.equal(done.model(x), masked(model, layouts)(x))
        assert torch.equal(
            done.model.self_attn.in_proj_weight != 0, torch.tensor(layouts["self_attn.in_proj_weight"].after.kept)
        )
