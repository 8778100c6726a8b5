"""A server for a room: whom it answers, and what it leaves out because its visitors are strangers to each other."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

ROOM_VARIABLE = "SPARSELAB_ROOM"
"""The environment variable by which `sparselab app --class` tells the app the address that the room was given."""

ROOM_UPLOAD_MEGABYTES = 64
"""The largest file that a visitor of a room may upload: forty of them fit into a laptop's memory."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """address: what visitors type or scan.

    What is off in a room: files of this machine by path (they are the teacher's), starting trainings (one takes the processor for
    minutes), other visitors' measurements, and the list of this machine's runs: one is shown to who follows its link.
    """

    address: str


def room() -> Room | None:
    """Return the room that this server is for; None for a server of its own user alone."""
    address = os.environ.get(ROOM_VARIABLE)
    return Room(address=address) if address else None


def room_hosts(host: str) -> tuple[str, ...]:
    """Return the names under which a room's server answers: the one it was given, this machine's own, and the local ones.

    Example: >>> room_hosts("192.168.0.7")[0], "localhost" in room_hosts("192.168.0.7")
             ('192.168.0.7', True)
    """
    name = socket.gethostname()
    return tuple(dict.fromkeys((host, name, f"{name}.local", "localhost", "127.0.0.1")))


def address_in_network() -> str:
    """Return this machine's address in the network it is in, as far as the system tells; "127.0.0.1" without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for examples: nothing is sent, a route is looked up
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
