"""What the server answers to whom."""

from __future__ import annotations

import base64
import http.client
import subprocess
from urllib.parse import urlsplit

import pytest

from sparselab.runtime.child import python_command, python_environment

pytestmark = pytest.mark.browser


def connecting(server: str, host: str, origin: str | None = None) -> int:
    """Return the status with which the server answers who opens a WebSocket under the name `host`."""
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=60)
    connection.putrequest("GET", "/_stcore/stream", skip_host=True)
    for name, value in {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        **({"Origin": origin} if origin else {}),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_only_this_machines_names_are_answered(server: str) -> None:
    """A page whose name is made to lead here (DNS rebinding) comes with its own name."""
    port = urlsplit(server).port
    assert connecting(server, f"localhost:{port}", server) == 101
    assert connecting(server, f"127.0.0.1:{port}") == 101
    assert connecting(server, f"evil.example:{port}", f"http://evil.example:{port}") == 403
    assert connecting(server, f"localhost:{port}", "http://evil.example") == 403


def test_a_foreign_origin_makes_nobody_look_up_an_address() -> None:
    code = (
        "import requests, streamlit.web.cli\n"
        "def asked(*_, **__): raise SystemExit('somebody outside was asked')\n"
        "requests.get = asked\n"
        "from streamlit.web.server.server_util import is_url_from_allowed_origins\n"
        "streamlit.web.cli.main = lambda **_: None\n"
        "import sparselab.app.server as server\n"
        "server.main = lambda **_: None\n"
        "server.serve()\n"
        "assert not is_url_from_allowed_origins('http://evil.example')\n"
    )
    done = subprocess.run(
        python_command("-c", code), env=python_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
