"""What a model is to training: a name, a builder, and the layers a mask may cover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.errors import SettingError
from sparselab.core.plugins import expect_instance, expect_texts
from sparselab.core.settings import check_declared, check_settings

if TYPE_CHECKING:
    from torch import nn


Builder = Callable[..., "nn.Module"]
"""From classes, channels, size (side of the images) and width, and a value of the model's `settings` where it has any, to the network."""


@dataclass(frozen=True)
class DropoutSettings:
    """How much a network drops at random while it trains."""

    dropout: Annotated[float, Interval(ge=0.0, le=0.95), Doc("share of values dropped inside every block")] = 0.0


@dataclass(frozen=True)
class Model:
    """A network by name. `smallest` is the least side of an image it can take; `settings` declares what can be chosen, if anything."""

    title: str
    source: str
    builder: Builder
    smallest: int = 4
    settings: type | None = None

    def build(self, classes: int, channels: int, size: int, width: float = 1.0, settings: Any = None) -> nn.Module:
        """Return the network with fresh weights from torch's global generator.

        Convolutions: Kaiming normal, fan out, gain of ReLU (He et al., ICCV 2015). BatchNorm: scale 1, shift 0. Linear: as
        torch initialises it.

        Args: classes: outputs. channels, size: of the images. width: every number of channels times this, rounded, at least 2.
            settings: a value of `self.settings` (default: its defaults).
        Raises: SettingError when the images are too small for the network, or a number makes no sense.
        """
        if classes < 2 or channels < 1 or not 0 < width <= 8:
            raise SettingError(
                f"{self.title}: expected at least 2 classes, 1 channel and a width up to 8; "
                f"got {classes}, {channels} and {width:g}"
            )
        if size < self.smallest:
            raise SettingError(f"{self.title}: expected images of {self.smallest} pixels or more; got {size}")
        if self.settings is None:
            return self.builder(classes, channels, size, width)
        chosen = self.settings() if settings is None else settings
        check_settings(chosen)
        return self.builder(classes, channels, size, width, chosen)


def check_model(name: str, model: Any) -> None:
    """Raises: SettingError unless what a plug-in brings is a model whose settings can be given as text."""
    expect_instance(model, Model)
    expect_texts(model, "title", "source")
    if model.settings is not None:
        check_declared(model.settings)


def prunable(model: nn.Module, *, first: bool = True, head: bool = False) -> tuple[str, ...]:
    """Return the names of the modules that masks may cover: every Conv1d, Conv2d and Linear, in the order of registration.

    Found by type, so that any network will do. Depthwise convolutions count like others. Left out are those whose weight is
    no parameter of theirs (it is computed), is not trained, or is that of a module before: a mask would not hold there.

    Args: first: with the first convolution. head: with the last Linear, which is the classifier.
    """
    from torch import nn

    convolutions = [name for name, part in model.named_modules() if isinstance(part, nn.Conv1d | nn.Conv2d)]
    linears = [name for name, part in model.named_modules() if isinstance(part, nn.Linear)]
    left_out = set() if first else set(convolutions[:1])
    if not head:
        left_out |= set(linears[-1:])
    both = {*convolutions, *linears} - left_out
    found: dict[int, str] = {}
    for name, part in model.named_modules():
        weight = dict(part.named_parameters(recurse=False)).get("weight")
        if name in both and weight is not None and weight.requires_grad:
            found.setdefault(id(weight), name)
    return tuple(found.values())
