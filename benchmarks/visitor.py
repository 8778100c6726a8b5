"""A visitor of the app without a browser: it speaks Streamlit's own protocol over a WebSocket.

A visitor sends `rerun_script` messages (address, widgets' states, digests of the messages it keeps) and reads the elements
that come back, as the page's script in a browser does.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sparselab.runtime import messages

_CANCELLED = "Cancelled"
_STOPPED = "stopped from outside"
_UNKNOWN = "–"


class PageError(Exception):
    """The page showed an error, or gave up what was asked of it."""


class EvictedError(PageError):
    """What the visitor asked for was taken away without the visitor's doing."""


class Visitor:
    """One session with the app; `async with` connects and disconnects it."""

    def __init__(self, address: str, query: str, page: str = "") -> None:
        self._stream = address.replace("http", "ws", 1) + "/_stcore/stream"
        self._query = query
        self._page = page
        self._connection: ClientConnection | None = None
        self._kept: dict[str, ForwardMsg] = {}
        self._page_hash = ""
        self._forget_page()
        self._followed_at = 0.0

    async def __aenter__(self) -> Visitor:
        self._followed_at = time.perf_counter()
        self._connection = await connect(
            self._stream,
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            open_timeout=60,
            ping_interval=None,
            compression=None,
        )
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._connection is not None
        await self._connection.close()

    async def open(self, timeout: float) -> float:
        """Ask for the page; return the seconds from when the link was followed until it stood whole."""
        await self._run(timeout)
        return time.perf_counter() - self._followed_at

    async def turn(self, label: str, value: float, timeout: float) -> float:
        """Put the number called `label` to `value`; return the seconds until the page stood whole again."""
        return await self._run(timeout, knob=(self._numbers[label], value))

    @property
    def has_picture(self) -> bool:
        """Whether the page that stands shows the mask after, and its numbers."""
        return self._has_after and bool(self._metrics) and any(value != _UNKNOWN for value in self._metrics)

    def offers(self, download: str) -> bool:
        """Whether the page that stands has a download button of that name, as it has once a list is done."""
        return download in self._downloads

    async def _run(self, timeout: float, knob: tuple[str, float] | None = None) -> float:
        assert self._connection is not None
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name, state.page_script_hash = self._query, self._page, self._page_hash
        state.cached_message_hashes.extend(self._kept)
        if knob is not None:
            widget = state.widget_states.widgets.add()
            widget.id, widget.double_value = knob
        began = time.perf_counter()
        async with asyncio.timeout(timeout):
            await self._connection.send(message.SerializeToString())
            has_begun = False  # what still comes of an earlier run is not the answer
            while True:
                data = await self._connection.recv(decode=False)
                forward = ForwardMsg.FromString(data)
                kind = forward.WhichOneof("type")
                if kind == "new_session":
                    has_begun = True
                    self._page_hash = forward.new_session.page_script_hash
                    self._forget_page()
                elif kind == "script_finished" and has_begun:
                    if forward.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                        break
                    if forward.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                        raise PageError("the page's script does not compile")
                elif kind == "navigation":
                    self._page_hash = forward.navigation.page_script_hash
                else:
                    self._read(forward)
        if self._complaint is not None:
            raise self._complaint
        return time.perf_counter() - began

    def _forget_page(self) -> None:
        self._has_after = False
        self._metrics: list[str] = []
        self._numbers: dict[str, str] = {}
        self._downloads: set[str] = set()
        self._complaint: PageError | None = None

    def _read(self, forward: ForwardMsg) -> None:
        if forward.WhichOneof("type") == "ref_hash":
            forward = self._kept[forward.ref_hash]
        elif forward.metadata.cacheable:
            self._kept[forward.hash] = forward
        kind = forward.WhichOneof("type")
        if kind == "page_info_changed":
            self._query = forward.page_info_changed.query_string
        elif kind == "delta" and forward.delta.WhichOneof("type") == "new_element":
            self._read_element(forward.delta.new_element)

    def _read_element(self, element: Element) -> None:
        kind = element.WhichOneof("type")
        if kind == "bidi_component":
            self._has_after = messages.load(element.bidi_component.bytes)["right"] is not None
        elif kind == "metric":
            self._metrics.append(element.metric.body)
        elif kind == "number_input":
            self._numbers[element.number_input.label] = element.number_input.id
        elif kind == "download_button":
            self._downloads.add(element.download_button.label)
        elif kind == "exception":
            self._complaint = PageError(element.exception.message)
        elif kind == "alert":
            text = element.alert.body
            if text.startswith(_CANCELLED) or _STOPPED in text:
                self._complaint = EvictedError(text)
            elif element.alert.format == Alert.ERROR:
                self._complaint = PageError(text)
