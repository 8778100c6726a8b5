"""The flags that say how a file is read, and what is said of how it was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from sparselab.core.im2col import COLUMN_ORDERS
from sparselab.core.layer import Layer
from sparselab.core.ticket import Ticket, ticket_of
from sparselab.formats import Card, ReadOptions, write_own
from sparselab.formats.describe import notes_of, skipped_of
from sparselab.formats.limited import read_limited

_FLAGS = (
    click.option(
        "--kernel-shape", metavar="KH,KW", help="Shape of the convolution kernel, where the file does not hold it."
    ),
    click.option(
        "--column-order",
        type=click.Choice(COLUMN_ORDERS),
        default="cin-kh-kw",
        show_default=True,
        help="Order of a convolution's columns, slowest first, where the file does not hold it.",
    ),
    click.option(
        "--axes",
        multiple=True,
        metavar="AXES|NAME=AXES",
        help="Order of a tensor's axes, such as OIHW, HWIO, OI, IO or EIO: of all with as many axes, or of one layer. Repeatable.",
    ),
    click.option("--conv-groups", multiple=True, metavar="NAME=N", help="Groups of the convolution NAME. Repeatable."),
    click.option(
        "--threshold",
        type=float,
        help="What is at most this large counts as pruned: weights by |w|; masks keep what is above.",
    ),
    click.option(
        "--mask",
        type=click.Path(path_type=Path),
        help="A second file: the masks of the weights in FILE, by name and shape.",
    ),
    click.option(
        "--read-all", is_flag=True, help="Read what is left alone too, as weights, or as masks where it is 0 and 1."
    ),
)


def file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags that say how a file is read; the command gets them as one `options`, which `settings_of_reading` prints."""

    @wraps(command)
    def with_options(
        *,
        column_order: str,
        kernel_shape: str | None,
        axes: tuple[str, ...],
        conv_groups: tuple[str, ...],
        threshold: float | None,
        mask: Path | None,
        read_all: bool,
        **others: Any,
    ) -> Any:
        options = ReadOptions(
            column_order=column_order,  # type: ignore[arg-type]
            kernel_shape=_kernel_shape(kernel_shape),
            axes=axes,
            groups=conv_groups,
            threshold=threshold,
            masks=None if mask is None else str(mask),
            read_all=read_all,
        )
        return command(options=options, **others)

    decorated: Callable[..., Any] = with_options
    for flag in _FLAGS:
        decorated = flag(decorated)
    return decorated


def open_file(file: Path, options: ReadOptions) -> Ticket:
    """Return the layers of a file that may be a stranger's, within limits; a folder for it stays until the command ends."""
    return read_limited(file, options, folder=_folder)


def kept_apart(layer: Layer) -> Path:
    """Return a file of ours that holds a layer of a stranger's, for another process to read; it stays until the command ends."""
    path = _folder() / "layer.safetensors"
    write_own(ticket_of([layer]), path)
    return path


def _folder() -> Path:
    return Path(click.get_current_context().with_resource(TemporaryDirectory(prefix="sparselab-")))


def settings_of_reading(options: ReadOptions) -> dict[str, Any]:
    """Return what the flags said, for a document; those of later versions only where they were given."""
    kernel = None if options.kernel_shape is None else ",".join(map(str, options.kernel_shape))
    later = {
        "axes": list(options.axes),
        "conv_groups": list(options.groups),
        "threshold": options.threshold,
        "mask": options.masks,
        "read_all": options.read_all,
    }
    return {"column_order": options.column_order, "kernel_shape": kernel, **later}


def say_notes(card: Card) -> None:
    """Print the notes of a file, and what was left alone in it, on standard error."""
    for note in notes_of(card):
        click.echo(f"note: {note}", err=True)
    for text in skipped_of(card):
        click.echo(f"not a layer: {text}", err=True)


def say_layer_notes(layers: Iterable[tuple[str, Iterable[str]]], notes: Iterable[str]) -> None:
    """Print the notes of a file and of the layers that were read, on standard error."""
    say_notes({"notes": list(notes), "skipped": [], "layers": [{"name": n, "notes": list(t)} for n, t in layers]})


def _kernel_shape(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        shape = tuple(int(part) for part in text.split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise click.BadParameter(f"--kernel-shape: expected numbers such as 3,3; got {text!r}")
    return shape
