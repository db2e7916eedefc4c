"""Retries after temporary failures, by the rules of `wire/retry_rules.py`. All retries go through here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    retry_if_result,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from huggingchat_agent import events
from huggingchat_agent.wire.retry_rules import explain, find_wait, may_pass

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from huggingchat_agent.wire.retry_rules import Rule


class Failure(NamedTuple):
    """An attempt that failed. Another one, the `attempt`th, follows `delay` seconds later."""

    error: BaseException
    attempt: int
    delay: float

    def describe(self, request: str, conversation_id: str) -> events.Retrying:
        """The event of the new attempt. `request` is its route."""
        return events.Retrying(
            conversation_id=conversation_id,
            request=request,
            attempt=self.attempt,
            delay=self.delay,
            reason=explain(self.error),
        )


def attempts(
    rule: Rule,
    note: Callable[[Failure], object],
    *,
    passes: Callable[[BaseException], bool] = may_pass,
    again: Callable[[Any], bool] = lambda result: False,
    failures: Callable[[], int] | None = None,
    over: Callable[[], bool] = lambda: False,
    otherwise: Callable[[RetryCallState], Any] | None = None,
) -> AsyncRetrying:
    """The attempts: `async for attempt in ...: with attempt: ...`, or `await attempts(...)(action)`.

    `note` gets each failure that another attempt follows. Errors that will not pass are raised, and so is the
    last error. A wait that the app asks for is not shortened: if it is too long, there is no further attempt.

    For an action that is repeated until it is done: `again` says of its result that it is not, `failures`
    counts those since it last got further, and `over` ends it with the result of `otherwise`.
    """
    backoff = wait_random_exponential(multiplier=rule.pause, min=rule.pause / 2, max=rule.longest)

    limits = stop_after_attempt(rule.attempts) | stop_before_delay(rule.seconds)

    def wait(state: RetryCallState) -> float:
        if failures is not None:
            state.attempt_number = max(failures(), 1)
        return find_wait(_find_error(state)) + backoff(state)

    def report(state: RetryCallState) -> None:
        if (error := _find_error(state)) is not None:
            note(Failure(error, state.attempt_number + 1, state.upcoming_sleep))

    return AsyncRetrying(
        retry=retry_if_exception(passes) | retry_if_result(again),
        stop=lambda state: over() or limits(state),
        wait=wait,
        before_sleep=report,
        retry_error_callback=otherwise,
        reraise=True,
    )


def _find_error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
