"""A visitor of the app without a browser: it speaks Streamlit's own protocol over a WebSocket.

A visitor sends `rerun_script` messages (address, widgets' states, digests of the messages it keeps) and reads the elements
that come back, as the page's script in a browser does.
"""

from __future__ import annotations

import asyncio
import time
import urllib.request
import uuid
from collections.abc import Callable
from types import TracebackType

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sparselab.app.mask_view import MASK_VIEW
from sparselab.runtime import messages

_CANCELLED = "Cancelled"
_STOPPED = "stopped from outside"
_UNKNOWN = "–"
_VALUES = {
    "number_input": "double_value",
    "text_input": "string_value",
    "selectbox": "string_value",
    "button_group": "string_array_value",
    "button": "trigger_value",
    "file_uploader": "file_uploader_state_value",
}
"""The field of a widget's state that holds its value, by its kind."""


class PageError(Exception):
    """The page showed an error, or gave up what was asked of it."""


class EvictedError(PageError):
    """What the visitor asked for was taken away without the visitor's doing."""


class Visitor:
    """One session with the app; `async with` connects and disconnects it."""

    def __init__(
        self, address: str, query: str, page: str = "", heard: Callable[[bytes], None] = lambda _message: None
    ) -> None:
        """heard: is told every message as it comes."""
        self._address = address
        self._heard = heard
        self._session_id = ""
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

    async def turn(self, label: str, value: float | str | list[str] | bool, timeout: float) -> float:
        """Put the widget called `label` to `value` (a button: True); return the seconds until the page stood whole again."""
        identity, field = self._widgets[label]
        state = WidgetState(id=identity)
        if isinstance(value, list):
            state.string_array_value.data.extend(value)
        else:
            setattr(state, field, value)
        return await self._run(timeout, state)

    def shows(self, label: str) -> bool:
        """Whether the page that stands has a widget of that name."""
        return label in self._widgets

    async def go(self, page: str, timeout: float) -> float:
        """Choose a page of the menu; return the seconds until it stood whole."""
        self._page, self._page_hash = page, ""
        return await self._run(timeout)

    async def upload(self, label: str, name: str, content: bytes, timeout: float) -> float:
        """Put a file into the uploader called `label`; return the seconds until the page stood whole again."""
        assert self._connection is not None
        request = BackMsg()
        request.file_urls_request.request_id = name
        request.file_urls_request.session_id = self._session_id
        request.file_urls_request.file_names.append(name)
        async with asyncio.timeout(timeout):
            await self._connection.send(request.SerializeToString())
            while True:
                forward = ForwardMsg.FromString(await self._receive())
                if forward.WhichOneof("type") == "file_urls_response":
                    break
        (place,) = forward.file_urls_response.file_urls
        await asyncio.to_thread(put_file, self._address, place.upload_url, name, content)
        state = WidgetState(id=self._widgets[label][0])
        state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(content), file_id=place.file_id, file_urls=place
        )
        return await self._run(timeout, state)

    @property
    def has_picture(self) -> bool:
        """Whether the page that stands shows the mask after, and its numbers."""
        return self._has_after and bool(self._metrics) and any(value != _UNKNOWN for value in self._metrics)

    def offers(self, download: str) -> bool:
        """Whether the page that stands has a download button of that name, as it has once a list is done."""
        return download in self._downloads

    async def _receive(self) -> bytes:
        assert self._connection is not None
        message = await self._connection.recv(decode=False)
        self._heard(message)
        return message

    async def _run(self, timeout: float, changed: WidgetState | None = None) -> float:
        assert self._connection is not None
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name, state.page_script_hash = self._query, self._page, self._page_hash
        state.cached_message_hashes.extend(self._kept)
        if changed is not None:
            state.widget_states.widgets.append(changed)
        began = time.perf_counter()
        async with asyncio.timeout(timeout):
            await self._connection.send(message.SerializeToString())
            has_begun = False  # what still comes of an earlier run is not the answer
            while True:
                forward = ForwardMsg.FromString(await self._receive())
                kind = forward.WhichOneof("type")
                if kind == "new_session":
                    has_begun = True
                    self._page_hash = forward.new_session.page_script_hash
                    self._session_id = forward.new_session.initialize.session_id
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
        self._widgets: dict[str, tuple[str, str]] = {}
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
        if kind == "bidi_component" and element.bidi_component.component_name.startswith(MASK_VIEW):
            self._has_after = messages.load(element.bidi_component.bytes)["right"] is not None
        elif kind == "metric":
            self._metrics.append(element.metric.body)
        elif kind in _VALUES:
            widget = getattr(element, kind)
            self._widgets[widget.label] = widget.id, _VALUES[kind]
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


def put_file(address: str, path: str, name: str, content: bytes) -> None:
    """Send a file to where the server wants it, as the page's script does."""
    with urllib.request.urlopen(f"{address}/_stcore/health") as answer:
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Cookie": cookie,
        "X-Xsrftoken": cookie.partition("=")[2].strip('"'),
    }
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    urllib.request.urlopen(urllib.request.Request(address + path, body, headers, method="PUT")).close()
