"""Which requests are made again, and when: a property of the route."""

import time
from typing import Any

import pytest

from huggingchat_agent import events
from huggingchat_agent.errors import BrowserClosed, ChatError, RateLimited, SiteError
from huggingchat_agent.session.app_calls import AppCalls
from huggingchat_agent.session.sign_in_again import SignInAgain
from huggingchat_agent.site.calls import CallResult, make_no_answer_error
from huggingchat_agent.wire import purposes, requests, retry_rules, routes

READ = requests.build(purposes.ReadConversation("c"))
WRITE = requests.rename_conversation("c", "title")
NEVER = requests.create_conversation("model")
DOWN = make_no_answer_error("https://chat.test", READ, "Failed to fetch")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    rules = {
        kind: retry_rules.Rule(attempts=rule.attempts, seconds=rule.seconds, pause=0.01)
        for kind, rule in retry_rules.RULES.items()
    }
    monkeypatch.setattr("huggingchat_agent.session.app_calls.RULES", rules)


class App:
    """Gives these answers, one after the other: a status, or an error. A status may have headers."""

    page_id, closed = "p", False

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0
        self.retries: list[events.Retrying] = []

    async def call(self, request, *, timeout):
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return CallResult(
            status=status,
            mime="application/json",
            redirected=False,
            headers=headers,
            body='{"message": "so"}',
        )

    def calls(self, *, on_tape=False):
        async def opener():
            return self

        note = None if on_tape else self.retries.append
        return AppCalls(opener, SignInAgain(), timeout=1.0, note=note)


def test_every_route_has_a_rule_and_what_would_be_two_is_never_repeated():
    rules = {route.purpose: route.rule for route in routes.ROUTES if route.body is not None}
    assert {purpose for purpose, rule in rules.items() if rule == "never"} == {
        purposes.SendMessage,
        purposes.CreateConversation,
        purposes.AnswerElicitation,
        purposes.ShareConversation,
        purposes.DeploySpace,
    }
    reads = {route.rule for route in routes.ROUTES if route.method == "GET"}
    assert reads == {"read"}
    assert retry_rules.RULES["never"].attempts == 1


@pytest.mark.parametrize("trouble", [DOWN, 502, 503, 504, BrowserClosed("Gone.")], ids=str)
@pytest.mark.parametrize("request_", [READ, WRITE], ids=lambda each: each.method)
async def test_what_may_be_repeated_is_repeated_and_seen(request_, trouble):
    app = App(trouble, trouble, 200)
    await app.calls().ask(request_, conversation_id="c")
    assert [each.attempt for each in app.retries] == [2, 3]
    for each in app.retries:
        assert (each.request, each.conversation_id) == (request_.route, "c")
        assert each.delay > 0 and each.reason
    assert events.plain(app.retries[0])["event"] == "retrying"


@pytest.mark.parametrize("trouble", [DOWN, 502, BrowserClosed("Gone.")], ids=str)
async def test_what_would_be_two_is_not_repeated(trouble):
    app = App(trouble, 200)
    with pytest.raises((SiteError, ChatError, BrowserClosed)):
        await app.calls().ask(NEVER)
    assert (app.asked, app.retries) == (1, [])


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413])
async def test_refusal_is_not_asked_again(status):
    app = App(status)
    with pytest.raises(ChatError):
        await app.calls().ask(READ)
    assert app.retries == []


async def test_last_failure_is_raised_as_it_is():
    app = App(*[DOWN] * 4)
    with pytest.raises(SiteError) as caught:
        await app.calls().ask(READ)
    assert caught.value is DOWN and app.asked == 4
    assert caught.value.__cause__ is None and caught.value.__context__ is None


async def test_wait_that_the_app_asks_for_is_kept():
    app = App((429, {"retry-after": "1"}), 200)
    began = time.monotonic()
    await app.calls().ask(READ)
    assert time.monotonic() - began >= 1
    assert app.retries[0].delay >= 1


async def test_wait_that_is_too_long_is_left_to_the_caller():
    app = App((429, {"retry-after": "60"}))
    with pytest.raises(RateLimited) as caught:
        await app.calls().ask(READ)
    assert caught.value.retry_after == 60 and app.retries == []


async def test_deletion_whose_answer_was_lost_is_done():
    app = App(DOWN, 404)
    assert await app.calls().ask(requests.build(purposes.DeleteConversation("c"))) == b""
    with pytest.raises(ChatError):
        await App(404).calls().ask(requests.build(purposes.DeleteConversation("c")))


async def test_what_is_not_on_a_tape_is_not_asked_again():
    app = App(DOWN)
    with pytest.raises(SiteError):
        await app.calls(on_tape=True).ask(READ)


async def test_session_is_saved_once_after_the_next_write():
    app, saved = App(200, 200, 200, 200), [0]
    calls = app.calls()

    async def save():
        saved[0] += 1

    calls.call_after_write(save)
    counts: list[Any] = []
    for request in (READ, NEVER, WRITE):
        await calls.ask(request)
        counts.append(saved[0])
    assert counts == [0, 1, 1]
