"""Lists that the app sent by itself: inlined in a page that it served, or fetched by a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from huggingchat_agent.errors import AgentError
from huggingchat_agent.exchange import Chunk, Ended, Responded
from huggingchat_agent.log_records import log
from huggingchat_agent.origin import path_is_within
from huggingchat_agent.wire import failures, purposes, routes
from huggingchat_agent.wire.inlined_responses import parse_inlined
from huggingchat_agent.wire.models import Model, parse_models
from huggingchat_agent.wire.tools import ToolServer, parse_servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from huggingchat_agent.exchange import ExchangeEvent, Started
    from huggingchat_agent.session.drifts import Drifts


Source = Literal["inlined", "request", "call"]


class Models(list[Model]):
    """The models, in the app's order. `source` says where they came from: "inlined" in a page of the app, a
    "request" of its page, or a "call" of our own.
    """

    source: Source = "call"

    def __init__(self, entries: Iterable[Model] = (), source: Source = "call") -> None:
        super().__init__(entries)
        self.source = source


class Tools(list[ToolServer]):
    """The tool servers, in the app's order. `source` as for Models.

    `missing` says why the app has none, if it does not know of tools at all.
    """

    source: Source = "call"
    missing: str = ""

    def __init__(
        self, entries: Iterable[ToolServer] = (), source: Source = "call", missing: str = ""
    ) -> None:
        super().__init__(entries)
        self.source = source
        self.missing = missing


class PageData:
    """Watches exchanges for model lists and tool servers, and keeps the last of each.

    `drifts` gets what differs in the lists that the app sent by itself.
    """

    def __init__(self, base_path: str, drifts: Drifts | None = None) -> None:
        self.models: Models | None = None
        self.tools: Tools | None = None
        self._base_path, self._drifts = base_path, drifts
        self._bodies: dict[str, tuple[type[purposes.Purpose], bytearray]] = {}
        self._learners: dict[type[purposes.Purpose], Callable[[bytes, Source], None]] = {
            purposes.ListModels: self.learn_models,
            purposes.McpServers: self.learn_tools,
        }

    def follow(self, started: Started, purpose: purposes.Purpose) -> Callable[[ExchangeEvent], None] | None:
        """Read an exchange that may hold one of the lists. A reader of `Traffic`."""
        if started.method != "GET":
            return None
        kind = type(purpose)
        if kind not in self._learners:
            if started.kind != "document" or not path_is_within(urlsplit(started.url).path, self._base_path):
                return None
            kind = purposes.Document
        body, refused = bytearray(), False

        def take(event: ExchangeEvent) -> None:
            nonlocal refused
            if isinstance(event, Chunk):
                body.extend(event.data)
            elif isinstance(event, Responded):
                refused = event.status != 200 or (
                    kind is not purposes.Document and failures.is_unknown_route(event.status, event.mime)
                )
            elif isinstance(event, Ended) and not refused:
                self._take(kind, bytes(body))

        return take

    def learn_models(self, body: bytes, source: Source) -> None:
        """Keep the models of an answer. Raises PageChanged if it has none."""
        self.models = Models(parse_models(body), source)

    def learn_tools(self, body: bytes, source: Source) -> None:
        """Keep the tool servers of an answer. Raises PageChanged if it has none."""
        self.tools = Tools(parse_servers(body), source)

    def learn_no_tools(self, why: str) -> None:
        """Keep that the app does not know of tools."""
        self.tools = Tools(missing=why)

    def _take(self, purpose: type[purposes.Purpose], body: bytes) -> None:
        if purpose is not purposes.Document:
            return self._try(purpose, body, "request")
        for answer in parse_inlined(body).values():
            kind = type(routes.classify("GET", answer.url, self._base_path))
            if kind in self._learners and answer.status == 200:
                self._try(kind, answer.body, "inlined")

    def _try(self, purpose: type[purposes.Purpose], body: bytes, source: Source) -> None:
        if self._drifts is not None:
            self._drifts.see(purpose, body)
        try:
            self._learners[purpose](body, source)
        except AgentError as error:
            log.warning("A list of the app could not be read: %s", error)
