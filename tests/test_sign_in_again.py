"""When to sign in again, and when no more."""

import asyncio

import pytest

from huggingchat_agent.errors import (
    AgentError,
    ChallengePresented,
    CredentialsRejected,
    LoginError,
    SecondFactorExpired,
    SessionRejected,
)
from huggingchat_agent.session.sign_in_again import SignInAgain

LOST = SessionRejected("It is lost.")


async def unknown():
    return False


class SignIns:
    """A way to sign in with these outcomes. `count` is the number of tries."""

    def __init__(self, *outcomes):
        self.count = 0
        self._outcomes = list(outcomes)

    async def __call__(self, anyway):
        self.count += 1
        outcome = self._outcomes.pop(0)
        if outcome is not None:
            raise outcome


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [
        (LoginError("Sign-in did not finish."), 2),
        (SessionRejected("The app still shows nobody as signed in."), 2),
        (CredentialsRejected("Wrong."), 1),
        (SecondFactorExpired("Too late."), 1),
        (ChallengePresented("Are you human?"), 1),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
async def test_sign_in_that_failed_is_tried_later_unless_it_was_refused_for_good(failure, attempts):
    again, recover = SignIns(failure, None), SignInAgain(pause=0.0)
    recover.arm(again, unknown)
    for _ in range(2):
        try:
            await recover.recover(LOST, 0)
        except SessionRejected:
            assert recover.count == 0
    assert again.count == attempts
    assert recover.count == attempts - 1


async def test_sign_in_that_failed_is_not_said_to_have_been_done():
    again, recover = SignIns(LoginError("Sign-in did not finish.")), SignInAgain()
    recover.arm(again, unknown)
    with pytest.raises(SessionRejected, match="did not finish"):
        await recover.recover(LOST, 0)
    with pytest.raises(SessionRejected, match="last new sign-in was 0 s ago"):
        await recover.recover(LOST, 0)
    assert again.count == 1


async def test_pause_between_sign_ins_is_said_once_where_one_guard_is_around_another():
    recover = SignInAgain()
    recover.arm(SignIns(None), unknown)
    await recover.recover(LOST, 0)

    async def refuse():
        raise LOST

    async def inner():
        return await recover.guard(refuse)

    with pytest.raises(SessionRejected) as refused:
        await recover.guard(inner)
    assert refused.value.message.count("The last new sign-in") == 1


async def test_sign_in_that_was_cancelled_is_taken_over_by_who_waits():
    count, begun = 0, asyncio.Event()

    async def again(anyway):
        nonlocal count
        count += 1
        if count == 1:
            begun.set()
            await asyncio.Event().wait()

    recover = SignInAgain()
    recover.arm(again, unknown)
    first, second = [asyncio.create_task(recover.recover(LOST, 0)) for _ in range(2)]
    await begun.wait()
    first.cancel()
    await second
    assert first.cancelled()
    assert (count, recover.count) == (2, 1)


async def test_what_is_done_again_after_a_sign_in_is_noted():
    seen: list[AgentError] = []
    recover = SignInAgain(note=seen.append, pause=0.0)
    recover.arm(SignIns(None), unknown)
    outcomes = [LOST, "done"]

    async def action():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert (await recover.guard(action), seen) == ("done", [LOST])
