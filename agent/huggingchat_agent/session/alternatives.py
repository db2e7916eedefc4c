"""Remembers which alternative serves a need: the request that the app answers, or other means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.wire import content, failures, routes

if TYPE_CHECKING:
    from huggingchat_agent.site.calls import CallResult, Calls
    from huggingchat_agent.wire.means import Means
    from huggingchat_agent.wire.purposes import Purpose
    from huggingchat_agent.wire.requests import Call


class Alternatives:
    """Remembers, for a session, the first alternative that the app answered.

    An app that answers the first one never gets an extra request. The agent does not ask for a version.
    """

    def __init__(self) -> None:
        self._routes: dict[type[Purpose], str] = {}
        self._means: dict[str, Means] = {}

    @property
    def routes(self) -> dict[type[Purpose], str]:
        """The route that serves each purpose, as "GET /api/v2/models", of those asked so far."""
        return dict(self._routes)

    @property
    def means(self) -> list[Means]:
        """What served each need that takes more than a request, of those met so far; the last one of each."""
        return list(self._means.values())

    def use(self, means: Means) -> None:
        """Note that these means served their need."""
        self._means[means.need] = means

    def uses(self, means: Means) -> bool:
        """Whether these means served their need the last time."""
        return self._means.get(means.need) is means

    def describe(self) -> list[str]:
        """For a person: each need met so far that has alternatives, and what served it."""
        by_request = [
            f"{(purpose.__doc__ or '').rstrip('.')}: {route}"
            for purpose, route in self._routes.items()
            if len(routes.list_alternatives(purpose)) > 1
        ]
        return by_request + [f"{each.need}: {each.way}" for each in self.means]

    def order(self, request: Call) -> list[Call]:
        """The request and its alternatives, or the only one that was answered before."""
        known = request.purpose and self._routes.get(request.purpose)
        calls = [request, *request.others]
        return [each for each in calls if each.route == known] or calls

    def remember(self, request: Call) -> None:
        """Note that the app has the route of that request."""
        if request.purpose is not None:
            self._routes[request.purpose] = request.route

    async def call(self, calls: Calls, request: Call, *, timeout: float) -> tuple[CallResult, Call | None]:
        """The answer to the first alternative that the app has, and that alternative.

        If it has none: the answer to `request` itself, and None.
        """
        first: CallResult | None = None
        unsure = False
        for each in self.order(request):
            answer = await calls.call(each, timeout=timeout)
            mistaken = _is_mistaken(answer, each)
            if not mistaken and not _is_missing(answer):
                if answer.status < 400 or not unsure:
                    self.remember(each)
                return answer, each
            unsure = unsure or mistaken
            if each is request or first is None:
                first = answer
        assert first is not None
        return first, None


def _is_mistaken(answer: CallResult, request: Call) -> bool:
    """Whether the app may have taken the request for another one, because it lacks the route."""
    return bool(request.mistaken) and answer.status >= 400 and request.mistaken in answer.body


def _is_missing(answer: CallResult) -> bool:
    """Whether the app says that it has no such route, or has nothing behind it any more."""
    unknown = failures.is_unknown_route(answer.status, answer.mime, answer.body)
    return unknown or content.is_empty_page_data(answer.body)
