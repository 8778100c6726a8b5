"""Where structure pays: the break-even map of random layouts, and a layout against the exact product of the mask as it was."""

from sparselab.benchmarking.break_even.cells import (
    TRANSFORM,
    SyntheticLayout,
    measure_cell,
    measured_cells,
    random_groups,
)
from sparselab.benchmarking.break_even.maps import (
    BreakEvenMap,
    BreakEvenPoint,
    Cell,
    Line,
    Opponent,
    break_even,
    map_of,
    pays_up_to,
    points,
)
from sparselab.benchmarking.break_even.opponents import (
    exact_row,
    opponent_in_words,
    opponent_rows,
    quotient,
    ratio_over,
    structured_row,
)
from sparselab.benchmarking.break_even.structure import (
    Comparison,
    StructureVerdict,
    other_arithmetic,
    structure_shown,
    structure_told,
    structure_verdict,
)

__all__ = [
    "TRANSFORM",
    "BreakEvenMap",
    "BreakEvenPoint",
    "Cell",
    "Comparison",
    "Line",
    "Opponent",
    "StructureVerdict",
    "SyntheticLayout",
    "break_even",
    "exact_row",
    "map_of",
    "measure_cell",
    "measured_cells",
    "opponent_in_words",
    "opponent_rows",
    "other_arithmetic",
    "pays_up_to",
    "points",
    "quotient",
    "random_groups",
    "ratio_over",
    "structure_shown",
    "structure_told",
    "structure_verdict",
    "structured_row",
]
