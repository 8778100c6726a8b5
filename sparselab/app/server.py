"""The server of the app: Streamlit, told not to ask anybody outside for this machine's address."""

from __future__ import annotations

from streamlit import net_util
from streamlit.web.cli import main


def _no_address() -> None:
    return None


def serve() -> None:
    """Run Streamlit's command line.

    A connection with a foreign Origin makes Streamlit compare it with this machine's outer address, which it asks of a service on
    the internet: a stranger's page could make this machine call out. Nobody reaches the app under that address unless an operator
    says so, and then `server.corsAllowedOrigins` names it.
    """
    net_util.get_external_ip = _no_address
    main(prog_name="streamlit")


if __name__ == "__main__":
    serve()
