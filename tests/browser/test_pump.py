"""The pump alone: order, errors, the end."""

import asyncio
import logging

import pytest

from huggingchat_agent.browser.cdp import Refused, make_refusal
from huggingchat_agent.browser.pump import STREAM, Pump, make_filter
from huggingchat_agent.errors import BrowserClosed, BrowserError
from huggingchat_agent.exchange import Ended
from huggingchat_agent.wire.tap import Command


def ended(name):
    return Ended(exchange_id=name, page="p", at=0.0)


class Cdp:
    """Gives scripted answers, and notes the commands."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    async def send(self, method, params=None):
        self.sent.append(method)
        if method == STREAM and params == {"requestId": ""}:
            raise Refused(method, "Request with the provided ID does not exists")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, asyncio.Future):
            return await answer
        return answer


class Tap:
    """Returns the value "gives" of an event's parameters."""

    def __init__(self):
        self.fed = []

    def take_everything(self):
        raise AssertionError

    def make_opening_commands(self):
        return [Command(1, "Network.enable", {}), Command(2, "Page.enable", {})]

    def take_event(self, method, params, at):
        self.fed.append(method)
        return params.get("gives", [])

    def take_answer(self, command_id, result, error, at):
        self.fed.append((command_id, result, error))
        return []

    def close(self, at):
        return [ended("closed")]


async def test_pump_reaches_the_sink_within_the_call():
    seen: list[object] = []
    pump = Pump(Cdp(), Tap(), seen.append)
    pump.take_event("x", {"gives": [ended("one"), ended("two")]})
    assert seen == [ended("one"), ended("two")]


async def test_pump_opens_before_it_returns():
    cdp, tap = Cdp({}, {}), Tap()
    await Pump(cdp, tap, print).open()
    assert cdp.sent == [STREAM, "Network.enable", "Page.enable"]
    assert tap.fed == [(1, {}, ""), (2, {}, "")]


async def test_pump_names_the_version_when_the_browser_is_too_old():
    class Old(Cdp):
        async def send(self, method, params=None):
            raise Refused(method, f"'{method}' wasn't found")

    with pytest.raises(BrowserError, match="Chromium 122") as caught:
        await Pump(Old(), Tap(), print).open()
    assert caught.value.__context__ is None


async def test_pump_does_not_wait_for_a_command():
    answer = asyncio.get_running_loop().create_future()
    tap = Tap()
    pump = Pump(Cdp(answer), tap, print)
    pump.take_event("one", {"gives": [Command(7, "Network.getResponseBody", {})]})
    await asyncio.sleep(0)
    pump.take_event("two", {})
    answer.set_result({"body": ""})
    await asyncio.sleep(0.01)
    assert tap.fed == ["one", "two", (7, {"body": ""}, "")]


async def test_pump_hands_over_a_refusal_as_an_error():
    tap = Tap()
    pump = Pump(Cdp(Refused("x", "No data found")), tap, print)
    pump.take_event("one", {"gives": [Command(7, "x", {})]})
    await asyncio.sleep(0.01)
    assert tap.fed[-1] == (7, None, "No data found")


async def test_pump_is_quiet_when_the_tab_goes_under_a_command():
    tap = Tap()
    pump = Pump(Cdp(BrowserClosed("gone")), tap, print)
    pump.take_event("one", {"gives": [Command(7, "x", {})]})
    await asyncio.sleep(0.01)
    assert len(tap.fed) == 1


async def test_pump_reports_the_end_once_and_nothing_after_it():
    seen: list[object] = []
    tap = Tap()
    pump = Pump(Cdp(asyncio.get_running_loop().create_future()), tap, seen.append)
    pump.take_event("one", {"gives": [Command(7, "x", {})]})
    await asyncio.sleep(0)
    pump.close()
    pump.close()
    pump.take_event("two", {"gives": [ended("two")]})
    await pump.wait_closed()
    assert seen == [ended("closed")]
    assert len(tap.fed) == 1
    assert len(asyncio.all_tasks()) == 1


async def test_pump_logs_what_a_sink_raises_and_goes_on(caplog):
    seen: list[object] = []

    def sink(event):
        seen.append(event)
        if len(seen) == 1:
            raise RuntimeError("a bug")

    pump = Pump(Cdp(), Tap(), sink)
    with caplog.at_level(logging.ERROR):
        pump.take_event("one", {"gives": [ended("one"), ended("two")]})
    assert seen == [ended("one"), ended("two")]
    assert "a bug" in caplog.text


@pytest.mark.parametrize(
    ("base_url", "url", "inside"),
    [
        ("https://huggingface.co/chat", "https://huggingface.co/chat/conversation", True),
        ("https://huggingface.co/chat", "https://huggingface.co/oauth/authorize?code=1", True),
        ("https://huggingface.co:443/chat", "https://huggingface.co/chat/", True),
        ("http://LocalHost:80", "http://localhost/api", True),
        ("http://localhost:3000", "http://localhost:3000/", True),
        ("http://[::1]:3000", "http://[::1]:3000/", True),
        ("https://huggingface.co/chat", "https://huggingface.co.example.org/chat/", False),
        ("https://huggingface.co/chat", "http://huggingface.co/chat/", False),
        ("http://localhost:3000", "http://localhost:30001/", False),
        ("https://huggingface.co/chat", "blob:https://huggingface.co/1234", False),
    ],
)
def test_within_is_the_same_origin(base_url, url, inside):
    assert make_filter(base_url)(url) is inside


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Target page, context or browser has been closed", BrowserClosed),
        ("Internal server error, session closed.", BrowserClosed),
        ("Session with given id not found.", BrowserClosed),
        ("Page crashed.", BrowserClosed),
        ("Inspected target navigated or closed", Refused),
        ("No data found for resource with given identifier", Refused),
    ],
)
def test_refusal_knows_a_tab_that_is_gone(said, kind):
    assert type(make_refusal("Some.method", said)) is kind


def test_refusal_does_not_show_what_addresses_carry():
    error = make_refusal("Page.navigate", "Cannot navigate to https://example.org/callback?code=1234")
    assert "1234" not in str(error)
