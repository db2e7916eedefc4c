"""Makes a request again by the rule of its route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from huggingchat_agent import events
from huggingchat_agent.wire.retry_rules import explain, find_wait, may_pass

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from huggingchat_agent.wire.requests import Call
    from huggingchat_agent.wire.retry_rules import Rule


def attempts(
    rule: Rule, request: Call, conversation_id: str, note: Callable[[events.Retrying], object]
) -> AsyncRetrying:
    """The attempts for a request: `async for attempt in ...: with attempt: ...`.

    `note` gets the event of each new one. The last failure is raised as it is. A wait that the app asks for
    is kept, and is not shortened to fit: then there is no further attempt.
    """
    backoff = wait_random_exponential(multiplier=rule.pause, min=rule.pause / 2)

    def wait(state: RetryCallState) -> float:
        failed = state.outcome.exception() if state.outcome else None
        return find_wait(failed) + backoff(state)

    def report(state: RetryCallState) -> None:
        failed = state.outcome.exception() if state.outcome else None
        note(
            events.Retrying(
                conversation_id=conversation_id,
                request=request.route,
                attempt=state.attempt_number + 1,
                delay=state.upcoming_sleep,
                reason=explain(failed) if failed else "",
            )
        )

    return AsyncRetrying(
        retry=retry_if_exception(may_pass),
        stop=stop_after_attempt(rule.attempts) | stop_before_delay(rule.seconds),
        wait=wait,
        before_sleep=report,
        reraise=True,
    )
