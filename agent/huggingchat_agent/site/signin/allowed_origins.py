"""The origins at which a sign-in may type."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeAlias

from huggingchat_agent.one_time_password import run_in_daemon_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

# Asks a person whether they sign in at this origin.
ConfirmOrigin: TypeAlias = "Callable[[str], bool] | Callable[[str], Awaitable[bool]]"


class AllowedOrigins:
    """The origins of one sign-in at which secrets may be typed: the known ones, and those that `confirm`
    accepts. It is asked once for each.

    A `confirm` that is not a coroutine function runs in a thread of its own, because it waits for a person.
    """

    def __init__(self, known: Iterable[str], confirm: ConfirmOrigin | None = None) -> None:
        self._known, self._confirm = frozenset(known), confirm
        self._answers: dict[str, bool] = {}
        self.used: set[str] = set()
        """Where it was allowed to type."""

    async def allow(self, origin: str) -> bool:
        """Whether secrets may be typed at this origin."""
        if origin in self._known:
            allowed = True
        else:
            if origin not in self._answers:
                self._answers[origin] = await self._ask(origin)
            allowed = self._answers[origin]
        if allowed:
            self.used.add(origin)
        return allowed

    async def _ask(self, origin: str) -> bool:
        confirm: Any = self._confirm
        if confirm is None or "://" not in origin:  # a document without an origin is nobody's
            return False
        if inspect.iscoroutinefunction(confirm):
            return bool(await confirm(origin))
        answer = await run_in_daemon_thread(lambda: confirm(origin))
        return bool(await answer if inspect.isawaitable(answer) else answer)
