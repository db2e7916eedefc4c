"""What the app told by itself: the model list, inlined in a page it served or fetched by a page."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from huggingchat_agent.errors import AgentError
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded, Started
from huggingchat_agent.wire import requests
from huggingchat_agent.wire.inlined import inlined
from huggingchat_agent.wire.models import Model, parse_models

if TYPE_CHECKING:
    from huggingchat_agent.exchange import ExchangeEvent

log = logging.getLogger("huggingchat_agent")

Source = Literal["inlined", "request", "call"]


class Models(list[Model]):
    """The models, in the app's order. `source` says how they were learned: "inlined" in a page the
    app served, from a "request" its page made, or by a "call" of our own.
    """

    source: Source = "call"


class PageData:
    """Watches exchanges for model lists and keeps the last one."""

    def __init__(self, base_path: str) -> None:
        self.models: Models | None = None
        self._base_path = base_path
        self._bodies: dict[str, tuple[Source, bytearray]] = {}

    def feed(self, event: ExchangeEvent) -> None:
        if isinstance(event, Started):
            if event.method != "GET":
                return
            purpose = requests.classify(event.method, event.url, self._base_path)
            if isinstance(purpose, requests.ListModels):
                self._bodies[event.exchange_id] = ("request", bytearray())
            elif event.kind == "document" and urlsplit(event.url).path.startswith(self._base_path):
                self._bodies[event.exchange_id] = ("inlined", bytearray())
        elif event.exchange_id not in self._bodies:
            return
        elif isinstance(event, Chunk):
            self._bodies[event.exchange_id][1].extend(event.data)
        elif isinstance(event, Failed) or (isinstance(event, Responded) and event.status != 200):
            del self._bodies[event.exchange_id]
        elif isinstance(event, Ended):
            source, body = self._bodies.pop(event.exchange_id)
            self._learn(source, bytes(body))

    def _learn(self, source: Source, body: bytes) -> None:
        if source == "inlined":
            answer = inlined(body).get(f"{self._base_path}/api/v2/models")
            if answer is None or answer.status != 200:
                return
            body = answer.body
        try:
            self.models = Models(parse_models(body))
        except AgentError as error:
            log.warning("A model list of the app could not be read: %s", error)
            return
        self.models.source = source
