"""`app`: open the pages in a browser."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import threading
import time
import tomllib
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from sparselab.core.data_files import APP_CONFIG, APP_FOLDER, APP_SCRIPT
from sparselab.core.errors import FileError, SettingError
from sparselab.core.paths import CACHE_VARIABLE, DATA_VARIABLE, OPENED_VARIABLE, ROOTS_VARIABLE
from sparselab.lessons.loading import LESSON_FILE
from sparselab.runtime.child import python_command, python_environment
from sparselab.runtime.room import ROOM_UPLOAD_MEGABYTES, ROOM_VARIABLE, address_in_network, room_hosts

PORT = 8501
"""Where the app answers unless told otherwise."""

_GRACE_SECONDS = 5.0


class _WithServerOptions(click.Command):
    """A command that hands what stands after `--` to Streamlit."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        ctx.obj = tuple(args[end + 1 :])
        return super().parse_args(ctx, args[:end])


@click.command(
    cls=_WithServerOptions,
    options_metavar="[OPTIONS]",
    short_help="Open the app in a browser.",
    epilog="Options of Streamlit stand after --, such as: sparselab app -- --server.maxUploadSize 4096",
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Where the app answers.")
@click.option(
    "--class",
    "for_class",
    is_flag=True,
    help="Serve a room: everybody in this network. Paths of this machine and new trainings are off, uploads are capped.",
)
@click.option(
    "--host", help="With --class: the name or address that visitors use; this machine's in its network if not given."
)
@click.option("--no-browser", is_flag=True, help="Only serve the app; open no browser.")
@click.pass_context
def app(
    context: click.Context, file: Path | None, port: int, for_class: bool, host: str | None, no_browser: bool
) -> None:
    """Serve the app to this machine alone and open it, on FILE if one is given.

    FILE may be the folder of a model, or of a lesson, which opens on Learn. It, or the folder of FILE, may then be read in the app, beside those that may be read
    anyway. With --class the whole network is answered: the address is printed with a code to scan.
    """
    if file is not None and for_class:
        raise SettingError(
            "--class: expected no FILE, because a room reads no files of this machine; upload it in the app"
        )
    if host is not None and not for_class:
        raise SettingError("--host: expected together with --class; without it this machine alone is answered")
    if file is not None and not (file.is_file() or file.is_dir()):
        raise FileError(f"expected a file or a folder; there is none at {file}")
    if _answers(port):
        raise SettingError(f"--port: expected one that is free; something answers at {port} already")
    hosts = room_hosts(host or address_in_network()) if for_class else ()
    room_address = f"http://{hosts[0]}:{port}/" if hosts else ""
    server = subprocess.Popen(  # noqa: S603 - our own interpreter and our own script
        # In the app's folder and not in the user's, whose .streamlit/config.toml belongs to another app.
        server_command(port, (*room_options(hosts), *context.obj)),
        cwd=APP_FOLDER,
        env=server_environment(file) | ({ROOM_VARIABLE: room_address} if for_class else {}),
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _end(server))
    link = address(port, file)
    click.echo(f"sparselab opens at {link}  (Ctrl-C ends it)", err=True)
    if room_address:
        click.echo(room_text(room_address), err=True)
    while server.poll() is None and not _answers(port):
        time.sleep(0.1)
    if server.poll() is None and not no_browser:
        webbrowser.open(link)
    context.exit(server.wait())


def server_command(port: int, options: tuple[str, ...] = ()) -> list[str]:
    """Return the command that serves the app: with its own settings, whatever the environment says, and then `options`."""
    settings = server_flags(tomllib.loads(APP_CONFIG.read_text(encoding="utf-8")))
    own = [
        *settings,
        f"--server.port={port}",
        "--server.headless=true",
        "--logger.hideWelcomeMessage=true",
    ]  # headless: it is we who open the browser
    return python_command("-m", "sparselab.app.server", "run", str(APP_SCRIPT), *own, *options)


def room_options(hosts: Sequence[str]) -> tuple[str, ...]:
    """Return the options of a server that answers a room under `hosts`; none without hosts."""
    if not hosts:
        return ()
    names = (f"--server.allowedHosts={host}" for host in hosts)
    return ("--server.address=0.0.0.0", f"--server.maxUploadSize={ROOM_UPLOAD_MEGABYTES}", *names)


def room_text(link: str) -> str:
    """Return what a terminal shows of a room: its address, as a code to scan too, and what is off."""
    import segno

    code = io.StringIO()
    segno.make(link, micro=False).terminal(out=code, compact=True)
    return (
        f"\nFor everybody in this network: {link}\n{code.getvalue()}\n"
        f"Off in a room: files of this machine by path, starting trainings, the list of runs, other visitors' measurements; "
        f"uploads up to {ROOM_UPLOAD_MEGABYTES} MB."
    )


def server_flags(settings: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the settings of a config.toml as flags of Streamlit.

    Example: >>> list(server_flags({"server": {"address": "localhost"}, "theme": {"light": {"showSidebarBorder": True}}}))
             ['--server.address=localhost', '--theme.light.showSidebarBorder=true']
    """
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from server_flags(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield from (f"--{prefix}{name}={item}" for item in value)
        else:
            yield f"--{prefix}{name}={str(value).lower() if isinstance(value, bool) else value}"


def server_environment(file: Path | None) -> dict[str, str]:
    """Return the environment of the server, which works in another folder: paths are absolute. `file` may be read."""
    environment = python_environment()
    for name in (DATA_VARIABLE, CACHE_VARIABLE):
        if environment.get(name):
            environment[name] = _absolute(environment[name])
    if ROOTS_VARIABLE in environment:
        roots = environment[ROOTS_VARIABLE].split(os.pathsep)
        environment[ROOTS_VARIABLE] = os.pathsep.join(_absolute(root) for root in roots if root)
    return environment if file is None else {**environment, OPENED_VARIABLE: str(file.absolute())}


def address(port: int, file: Path | None = None) -> str:
    """Return the address of the app, or of Explore on `file`; of Learn where that is the folder of a lesson.

    Example: >>> address(8501)
             'http://localhost:8501/'
    """
    if file is None:
        return f"http://localhost:{port}/"
    if (file / LESSON_FILE).is_file():
        return f"http://localhost:{port}/learn?" + urlencode({"path": file.absolute()})
    return f"http://localhost:{port}/?" + urlencode({"source": "Path", "path": file.absolute()})


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    # Streamlit can wait for ever for a visitor who left in that moment; the workers end with their server.
    timer = threading.Timer(_GRACE_SECONDS, server.kill)
    timer.daemon = True
    timer.start()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("localhost", port), timeout=1.0):
            return True
    except OSError:
        return False
