"""What the app told by itself: lists inlined in a page it served, or fetched by a page."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from huggingchat_agent.errors import AgentError
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded, Started
from huggingchat_agent.origin import path_is_within
from huggingchat_agent.wire import purposes, routes
from huggingchat_agent.wire.inlined_responses import parse_inlined
from huggingchat_agent.wire.models import Model, parse_models
from huggingchat_agent.wire.tools import ToolServer, parse_servers

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.exchange import ExchangeEvent

log = logging.getLogger("huggingchat_agent")

Source = Literal["inlined", "request", "call"]


class Models(list[Model]):
    """The models, in the app's order. `source` says how they were learned: "inlined" in a page the
    app served, from a "request" its page made, or by a "call" of our own.
    """

    source: Source = "call"


class Tools(list[ToolServer]):
    """The tool servers, in the app's order. `source` as for Models."""

    source: Source = "call"


class PageData:
    """Watches exchanges for model lists and tool servers, and keeps the last of each."""

    def __init__(self, base_path: str) -> None:
        self.models: Models | None = None
        self.tools: Tools | None = None
        self._base_path = base_path
        self._bodies: dict[str, tuple[type[purposes.Purpose], bytearray]] = {}
        self._learners: dict[type[purposes.Purpose], Callable[[bytes, Source], None]] = {
            purposes.ListModels: self.learn_models,
            purposes.McpServers: self.learn_tools,
        }

    def feed(self, event: ExchangeEvent) -> None:
        if isinstance(event, Started):
            if event.method != "GET":
                return
            purpose = type(routes.classify(event.method, event.url, self._base_path))
            if purpose in self._learners:
                self._bodies[event.exchange_id] = (purpose, bytearray())
            elif event.kind == "document" and path_is_within(urlsplit(event.url).path, self._base_path):
                self._bodies[event.exchange_id] = (purposes.Document, bytearray())
        elif event.exchange_id not in self._bodies:
            return
        elif isinstance(event, Chunk):
            self._bodies[event.exchange_id][1].extend(event.data)
        elif isinstance(event, Failed) or (isinstance(event, Responded) and event.status != 200):
            del self._bodies[event.exchange_id]
        elif isinstance(event, Ended):
            purpose, body = self._bodies.pop(event.exchange_id)
            self._take(purpose, bytes(body))

    def learn_models(self, body: bytes, source: Source) -> None:
        """Keep the models of an answer. Raises PageChanged if it has none."""
        models = Models(parse_models(body))
        models.source = source
        self.models = models

    def learn_tools(self, body: bytes, source: Source) -> None:
        """Keep the tool servers of an answer. Raises PageChanged if it has none."""
        tools = Tools(parse_servers(body))
        tools.source = source
        self.tools = tools

    def _take(self, purpose: type[purposes.Purpose], body: bytes) -> None:
        if purpose is not purposes.Document:
            return self._try(self._learners[purpose], body, "request")
        for answer in parse_inlined(body).values():
            learn = self._learners.get(type(routes.classify("GET", answer.url, self._base_path)))
            if learn is not None and answer.status == 200:
                self._try(learn, answer.body, "inlined")

    def _try(self, learn: Callable[[bytes, Source], None], body: bytes, source: Source) -> None:
        try:
            learn(body, source)
        except AgentError as error:
            log.warning("A list of the app could not be read: %s", error)
