"""`sparselab.sweep`: a sweep asked for in Python, and its table."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sparselab.core.errors import SettingError
from sparselab.core.settings import settings_of
from sparselab.core.ticket import Ticket
from sparselab.formats import ReadOptions, write_own
from sparselab.formats.opening import Source, open_ticket
from sparselab.formats.reading import read_ticket
from sparselab.runtime.results import ResultStore
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.sweeps.executors import EXECUTORS
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.kinds import USUAL
from sparselab.workflows.sweeps.outline import Outline, files_at, plan_of
from sparselab.workflows.sweeps.plan import Plan, refusal_of
from sparselab.workflows.sweeps.plan_file import read_whole_plan
from sparselab.workflows.sweeps.running import run_sweep, standing_of
from sparselab.workflows.sweeps.standing import Origins, Standing
from sparselab.workflows.sweeps.table import Row, columns_of, rows_in, swept_settings
from sparselab.workflows.tasks import results_folder

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]


_SAID: Mapping[str, str] = MappingProxyType(
    {
        "density_after": "weights spent, share of all",
        "coverage": "weights kept, share of those before",
        "energy": "energy kept, share of that before",
        "kept": "kept, by what layouts are compared by",
        "groups": "groups",
        "line": "settings",
    }
)
"""What axes and legend say, by column."""


@dataclass(frozen=True, eq=False, repr=False)
class SweepTable:
    """What a sweep found. notes: what was left out, a sentence each. origins: how many points were computed, found in the cache, or
    done before.
    """

    plan: Plan
    rows: Sequence[Row]
    notes: tuple[str, ...] = ()
    origins: Origins = field(default_factory=Origins)

    def __repr__(self) -> str:
        failed = sum(row.get("error") is not None for row in self.rows)
        origins = f"; points: {self.origins}" if str(self.origins) else ""
        return f"SweepTable({len(self.rows)} rows{f', {failed} without a result' * bool(failed)}{origins}; .table, .plot())"

    @property
    def table(self) -> pd.DataFrame:
        """Return a row a layer and point: file, layer, the settings swept, the seed, then the numbers of its report; shares as fractions.

        `kept` is the share by which layouts are compared, `random_mean` and `gain` are there with `chance=True`, `error` says why a
        point has no result. The same columns stand in the CSV of `sparselab sweep --collect`.
        """
        import pandas as pd

        return pd.DataFrame(self.rows, columns=list(columns_of(self.plan)))

    def plot(self, *, y: str = "coverage") -> Any:
        """Return a Plotly figure, a chart a layer: a column of the table, by default the weights kept, against the density that is spent.

        Lines are the other settings that vary; what random groups keep is dotted, where it was drawn and `y` is what layouts are
        compared by. Raises: SettingError for a column that the table has not, and for a sweep of anything but transforms.
        """
        import pandas as pd

        if self.plan.kind != USUAL:
            raise SettingError(
                f"plot: expected a sweep of transforms; got one of the kind {self.plan.kind}: draw .table"
            )
        if y not in columns_of(self.plan):
            raise SettingError(f"y: expected a column of the table; got {y!r}")
        table = self.table[self.table["error"].isna()]
        told = [name for name in ("transform", *swept_settings(self.plan), "seed") if name != "density"]
        varying = [name for name in told if table[name].nunique(dropna=False) > 1]
        lines = table[varying].apply(_label, axis=1) if varying else "all"
        drawn = table.assign(line=lines, groups="found")
        chance = drawn[drawn["random_mean"].notna() & ((drawn["measure"] == y) | (y == "kept"))]
        drawn = pd.concat([drawn, chance.assign(groups="random", **{y: chance["random_mean"]})])
        chart = {
            "x": "density_after",
            "y": y,
            "color": "line",
            "markers": True,
            "facet_col": "layer",
            "facet_col_wrap": 3,
            "category_orders": {"layer": list(dict.fromkeys(self.table["layer"]))},
            "labels": dict(_SAID),
        }
        if not chance.empty:
            chart |= {"line_dash": "groups", "line_dash_map": {"found": "solid", "random": "dot"}}
        return drawn.sort_values(["line", "density_after"]).plot(kind="line", backend="plotly", **chart)


def sweep(
    source: Source | None = None,
    *,
    transforms: str | Sequence[str] = "regroup",
    layers: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    chance: bool = False,
    out: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    device: str = "auto",
    **settings: Any,
) -> SweepTable:
    """Run transforms over lists of settings on the layers of a source, in worker processes, and return what is found as a table.

    source: a file, a folder of files or of a model, or what `sparselab.open` takes; without one, the table of the sweep that lies in
    `out`, as far as it is, and nothing is run. layers: names or patterns; all by default.
    settings: of the transforms, each a value or a list of them; a transform takes those that it has, and every combination is a
    point. chance: whether random groups are drawn beside each point. out: a folder for plan and results, with which the same call
    goes on where it was stopped; without one, answers that were computed before are found in the user's cache folder alone.
    jobs: processes, as many as there are processors by default. scheduler: a Dask scheduler's address in place of them.
    What a scheduler is waited for, such as workers, is said as a warning.
    Searches end by their steps, never by the clock, so that the table is the same wherever it is computed.

    Raises: SettingError for settings that cannot be swept, FileError for a source that cannot be read.
    Example: >>> mask = np.arange(64) % 2 == np.arange(32)[:, None] % 2
             >>> found = sweep(mask, rows_per_group=[4, 8], density=0.5, jobs=1)
             >>> found.table[["rows_per_group", "coverage"]].values.tolist()
             [[4.0, 1.0], [8.0, 1.0]]
    """
    if source is None:
        if out is None:
            raise SettingError("expected a source, or out with the folder of a sweep; got neither")
        lying = SweepFolder(Path(out))
        whole = read_whole_plan(lying.plan_path)
        return SweepTable(whole, rows_in(whole, lying), origins=standing_of(whole, lying).origins)
    names = (transforms,) if isinstance(transforms, str) else tuple(transforms)
    notes: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="sparselab-")))
        files = files_at(_file(source, folder), ReadOptions(), tuple(layers))
        outline = Outline(files, _listed(names, settings), tuple(seeds), chance, device)
        plan = plan_of(outline, _open, notes.append)
        executor = EXECUTORS["embedded"](str(jobs or "auto")) if scheduler is None else EXECUTORS["dask"](scheduler)
        found = SweepFolder(folder / "sweep" if out is None else Path(out))
        standing = run_sweep(plan, found, executor, store=ResultStore(results_folder()), report=_Warner())
        return SweepTable(plan, rows_in(plan, found), tuple(notes), standing.origins)


class _Warner:
    """Warns, once a reason, of what a run waits for."""

    def __init__(self) -> None:
        self._waits = ""

    def __call__(self, standing: Standing) -> None:
        if standing.waits and standing.waits != self._waits:
            warnings.warn(standing.waits, stacklevel=2)
        self._waits = standing.waits


def _file(source: Source, folder: Path) -> Path:
    """Return the file of a source: its own, or one that holds what was in memory."""
    if isinstance(source, str | os.PathLike):
        return Path(source)
    path = folder / "layers.safetensors"
    write_own(open_ticket(source), path)
    return path


def _open(path: Path, options: ReadOptions) -> Ticket:
    return read_ticket(path, options)


def _listed(names: Sequence[str], settings: Mapping[str, Any]) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Return for each transform the values of those settings that it has. Raises: SettingError for a setting that none has."""
    found: dict[str, dict[str, tuple[Any, ...]]] = {}
    for name in names:
        known = {each.name: each for each in settings_of(TRANSFORMS[name])} if name in TRANSFORMS else {}
        if late := next((known[key] for key in settings if key in known and known[key].stops_by_clock), None):
            raise SettingError(refusal_of(name, late))
        found[name] = {key: _values(value) for key, value in settings.items() if key in known}
    if none := next((key for key in settings if names and not any(key in each for each in found.values())), None):
        raise SettingError(f"{none}: expected a setting of {', '.join(names)}; got one that none of them has")
    return found


def _values(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple | range) else (value,)


def _label(row: Any) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value:g}" if isinstance(value, float) else f"{name.replace('_', ' ')} {value}"
        for name, value in row.items()
        if value is not None and value == value
    )
