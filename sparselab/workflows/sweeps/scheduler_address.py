"""Which address of a Dask scheduler is taken, and what answers there: strangers must not reach it, for it runs what it is sent."""

from __future__ import annotations

import contextlib
import socket
import ssl
from ipaddress import ip_address
from urllib.parse import urlsplit

from sparselab.core.errors import SettingError, UnavailableError

_LOOK_SECONDS = 1.0
_RECORDS, _VERSIONS = (0x15, 0x16), (1, 2, 3, 4)
"""What a TLS record begins with: an alert or a handshake, the byte 3, and one of these."""


def check_address(address: str) -> None:
    """Raises: SettingError unless an address is one of TLS, or of this machine alone: a scheduler runs what anybody sends it.

    Example: >>> check_address("tls://head:8786"), check_address("tcp://127.0.0.1:8786")
             (None, None)
    """
    try:
        parts = urlsplit(address)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        scheme, host, port = "", "", None
    if port and host and (scheme == "tls" or (scheme == "tcp" and _is_here(host))):
        return
    raise SettingError(
        f"--scheduler: expected tls://HOST:PORT, or tcp://127.0.0.1:PORT on this machine alone; got {address[:100]!r}: a Dask scheduler "
        "runs whatever it is sent by anybody who reaches it, so use TLS or an SSH tunnel"
    )


def check_certificates() -> None:
    """Raises: SettingError unless Dask's configuration names certificates that can be read: said at once, not after a minute's wait."""
    from distributed import Security

    try:
        found = Security().get_connection_args("client")["ssl_context"]
        told = "none" if found is None else ""
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError, and names no file
        told = f"files that cannot be read as such ({error})"
    if told:
        raise SettingError(
            "--scheduler: expected the certificates of the cluster in Dask's configuration, distributed.comm.tls: ca-file, client.cert and "
            f"client.key; got {told}: set DASK_CONFIG to the tls.yaml that the scheduler was started with"
        )


def check_protocol(address: str) -> None:
    """Raises: UnavailableError where what answers there speaks TLS and the address has none, or the other way about: no wait mends it.

    What is silent or not there may be slow, or only starting, and passes.
    """
    parts = urlsplit(address)
    speaks = speaks_tls(parts.hostname or "", parts.port or 0)
    if parts.scheme == "tcp" and speaks is True:
        raise UnavailableError(
            f"expected at {address} a Dask scheduler without TLS; got one that speaks TLS: try tls://{parts.netloc}, with DASK_CONFIG set "
            "to the tls.yaml that it was started with"
        )
    if parts.scheme == "tls" and speaks is False:
        tcp = f", or try tcp://{parts.netloc}" if _is_here(parts.hostname or "") else ""
        raise UnavailableError(
            f"expected at {address} a Dask scheduler with TLS; got an answer without: start it with --host tls://HOST and certificates{tcp}"
        )


def speaks_tls(host: str, port: int) -> bool | None:
    """Return whether what listens there answers a greeting of TLS by TLS, be it a refusal; None where nothing answers within a second."""
    wants, greeting = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # nothing is sent to it but the greeting
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(wants, greeting).do_handshake()
    answer = b""
    with contextlib.suppress(OSError), socket.create_connection((host, port), _LOOK_SECONDS) as connection:
        connection.settimeout(_LOOK_SECONDS)
        connection.sendall(greeting.read())
        answer = connection.recv(3)
    if not answer:
        return None
    return len(answer) == 3 and answer[0] in _RECORDS and answer[1] == 3 and answer[2] in _VERSIONS


def answers(address: str) -> bool:
    """Whether anything takes a connection there."""
    parts = urlsplit(address)
    with (
        contextlib.suppress(OSError),
        socket.create_connection((parts.hostname or "", parts.port or 0), _LOOK_SECONDS),
    ):
        return True
    return False


def _is_here(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"
