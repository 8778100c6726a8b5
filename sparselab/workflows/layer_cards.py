"""What is shown of a layer on the wall of a whole network, besides its row: small pictures, what chance keeps, and its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sparselab.analysis.small_picture import small_picture, small_pictures
from sparselab.analysis.worth import whole_of
from sparselab.core.errors import Cancelled, SparselabError
from sparselab.core.layout import Layout
from sparselab.formats import ReadOptions, load_layer, read_ticket
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.contender import Contender
from sparselab.workflows.chance import drawn, random_rival
from sparselab.workflows.compare import best_contenders, transform_on


def contender_of(row: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]]) -> Contender:
    """Return the contender that a row of `model_rows` comes from. candidates: those that were run; none for the best per layer."""
    known = [Contender(**each) for each in candidates] or best_contenders(row["report"]["density_before"])
    return next(each for each in known if each.title == row["contender"])


def card_facts(
    path: str,
    row: Mapping[str, Any],
    candidates: Sequence[Mapping[str, Any]],
    options: ReadOptions,
    device: str = "auto",
    *,
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Return what the wall shows of a row of `model_rows`, in a worker; nothing of a row that is an error.

    Returns: {"pictures": `small_pictures`, "chance": a `Chance` as plain values, or None where it says nothing, "whole":
    `whole_of` the layer, "opens": the transform that it comes from and its settings, "after": the digest of the mask after}. Raises: Cancelled, and what reading the layer does.
    """
    if "error" in row:
        return {}
    layer, layout = load_layer(path, row["layer"], options), Layout.unpack(row["layout"])
    contender = contender_of(row, candidates)
    # One candidate is applied as it is; several are held to one budget.
    run = (
        TRANSFORMS[contender.transform](**contender.settings)
        if len(candidates) == 1
        else transform_on(layer, contender)
    )
    random = random_rival(run, layout)
    return {
        "pictures": small_pictures(layout),
        "chance": None if random is None else drawn(layer, random, device=device, monitor=monitor).as_json(),
        "whole": whole_of(layer),
        "opens": {"transform": contender.transform, "settings": asdict(run)},
        "after": layout.after.digest,
    }


def first_looks(
    path: str, layer_names: Sequence[str], options: ReadOptions, *, monitor: Monitor = SILENT
) -> list[dict[str, Any]]:
    """Return for every layer {"picture", "density"} of its mask as it is in the file, or {"error"} in words, in a worker."""
    found: list[dict[str, Any]] = []
    ticket = read_ticket(path, options)
    for name in layer_names:
        monitor.progress("reading the layers", len(found), len(layer_names))
        try:
            mask = ticket[name].mask
        except Cancelled:
            raise
        except SparselabError as error:
            found.append({"error": str(error)})
        else:
            found.append({"picture": small_picture(mask), "density": mask.density})
    return found
