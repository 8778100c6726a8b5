"""What a page asks about one layer under one transform: everything the answer depends on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sparselab.app.inputs.source import Source


@dataclass(frozen=True)
class ExploreRequest:
    """What Explore asks of a worker: everything the answer depends on."""

    source: Source
    layer: str
    transform: str
    settings: dict[str, Any]
    seed: int

    @property
    def digest(self) -> str:
        """The digest of the layer."""
        found: str = next(item["digest"] for item in self.source.card["layers"] if item["name"] == self.layer)
        return found

    @property
    def has_weights(self) -> bool:
        """Whether the file has the layer's values, not its mask alone."""
        return any(item["has_weight"] for item in self.source.card["layers"] if item["name"] == self.layer)

    @property
    def key(self) -> str:
        """An exact name for the answer: the layer's digest, not a sample of it, and every setting."""
        parts = [
            self.source.path,
            asdict(self.source.options),
            self.layer,
            self.digest,
            self.transform,
            self.settings,
            self.seed,
        ]
        return json.dumps(parts, sort_keys=True)
