"""The keys of the address that are meant on the page Why not faster? alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval
from typing_extensions import Doc

from sparselab.core.settings import OneOf, ShownAs
from sparselab.kernels.base import DTYPES


@dataclass(frozen=True)
class WhyKeys:
    """What is open, and the layer that is stated."""

    why_tab: Annotated[str, Doc("the open tab")] = ""
    why_share: Annotated[
        int, Interval(ge=0, le=100), ShownAs("Time in the pruned layers, %"), Doc("share of the model's time")
    ] = 50
    why_file: Annotated[
        bool, ShownAs("Layers of a file"), Doc("the layers of a file instead of one that is stated")
    ] = False
    why_positions: Annotated[
        int,
        Interval(ge=1, le=1_000_000),
        ShownAs("Positions"),
        Doc("output pixels or tokens of one call, all together"),
    ] = 1024
    why_dtype: Annotated[str, OneOf(DTYPES), ShownAs("Arithmetic"), Doc("the numbers' type")] = DTYPES[0]
    why_rows: Annotated[int, Interval(ge=1, le=1_000_000), ShownAs("Rows"), Doc("outputs of the layer")] = 512
    why_cols: Annotated[int, Interval(ge=1, le=1_000_000), ShownAs("Columns"), Doc("inputs times kernel")] = 4608
    why_kept: Annotated[float, Interval(ge=0.1, le=100.0), ShownAs("Kept, %"), Doc("weights kept, of all weights")] = (
        10.0
    )
