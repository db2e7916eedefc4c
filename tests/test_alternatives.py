"""Which request serves a need: the first one that the app answers."""

import pytest

from huggingchat_agent.errors import ChatError, PageChanged
from huggingchat_agent.session.app_calls import AppCalls
from huggingchat_agent.session.sign_in_again import SignInAgain
from huggingchat_agent.site.calls import CallResult
from huggingchat_agent.wire import purposes, requests
from huggingchat_agent.wire.means import Means

PAGE = "<html><title>HuggingChat</title>" + "<p>Some of the app's own page.</p>" * 20 + "</html>"


class App:
    """Answers the paths it is given; any other path with the app's page, as apps do."""

    page_id, closed = "p", False

    def __init__(self, *paths, status=404, mime="text/html; charset=utf-8", body=PAGE):
        self.paths, self.status, self.mime, self.body = paths, status, mime, body
        self.seen, self.sent = [], []

    async def call(self, request, *, timeout):
        self.seen.append(request.path)
        self.sent.append(request.json)
        found = request.path in self.paths
        return CallResult(
            status=200 if found else self.status,
            mime="application/json" if found else self.mime,
            redirected=False,
            headers={},
            body="[]" if found else self.body,
        )

    def asked(self):
        async def opener():
            return self

        return AppCalls(opener, SignInAgain(), timeout=1.0)


async def test_first_alternative_is_the_only_request():
    app = App("/api/v2/models", "/api/models")
    calls = app.asked()
    assert await calls.ask(requests.build(purposes.ListModels())) == b"[]"
    assert app.seen == ["/api/v2/models"]
    assert calls.alternatives.routes == {purposes.ListModels: "GET /api/v2/models"}


@pytest.mark.parametrize("status", [200, 404])
async def test_alternative_that_was_answered_is_remembered(status):
    app = App("/api/models", status=status)
    calls = app.asked()
    for _ in range(2):
        assert await calls.ask(requests.build(purposes.ListModels())) == b"[]"
    assert app.seen == ["/api/v2/models", "/__data.json", "/api/models", "/api/models"]
    assert calls.alternatives.routes == {purposes.ListModels: "GET /api/models"}


async def test_alternative_that_was_answered_once_is_not_given_up_for_an_error_page():
    app = App("/api/v2/models", "/api/models")
    calls = app.asked()
    await calls.ask(requests.build(purposes.ListModels()))
    app.paths = ("/api/models",)
    with pytest.raises(PageChanged):
        await calls.ask(requests.build(purposes.ListModels()))


async def test_route_that_the_app_does_not_have_is_named_without_the_page():
    app = App()
    with pytest.raises(PageChanged) as caught:
        await app.asked().ask(requests.build(purposes.McpServers()))
    assert caught.value.message == "This app has no /api/mcp/servers (404)."
    with pytest.raises(PageChanged) as caught:
        await app.asked().ask(requests.build(purposes.ListModels()))
    assert caught.value.message == "This app has no /api/v2/models (404)."


EMPTY = '{"type":"data","nodes":[null,null]}\n'


@pytest.mark.parametrize(
    ("status", "mime", "body"),
    [(200, "application/json", EMPTY), (404, "text/plain", "NOT_FOUND"), (200, "text/html", PAGE)],
)
async def test_answers_that_mean_that_the_app_has_no_such_route(status, mime, body):
    app = App("/api/models", status=status, mime=mime, body=body)
    assert await app.asked().ask(requests.build(purposes.ListModels())) == b"[]"
    assert app.seen == ["/api/v2/models", "/__data.json", "/api/models"]


async def test_share_is_imported_by_a_new_conversation_where_there_is_no_other_way():
    app = App("/conversation", status=404)
    await app.asked().ask(requests.import_share("0E921fx", "some/model"))
    assert app.seen == ["/api/v2/conversations/import-share", "/conversation"]
    assert app.sent == [{"shareId": "0E921fx"}, {"model": "some/model", "fromShare": "0E921fx"}]


async def test_unknown_share_is_asked_for_twice_and_nothing_is_learned():
    gone = '{"message":"Conversation not found"}'
    app = App("/never", status=404, mime="application/json", body=gone)
    calls = app.asked()
    for _ in range(2):
        with pytest.raises(ChatError):
            await calls.ask(requests.import_share("0E921fx", "some/model"))
    assert app.seen == ["/api/v2/conversations/import-share", "/conversation"] * 2


async def test_share_is_imported_where_the_app_takes_the_address_for_a_conversation():
    gone = '{"message":"Conversation not found"}'
    app = App("/conversation", status=500, mime="text/plain", body=gone)
    calls = app.asked()
    for _ in range(2):
        await calls.ask(requests.import_share("0E921fx", "some/model"))
    assert app.seen == ["/api/v2/conversations/import-share", "/conversation", "/conversation"]


async def test_means_that_served_a_need_last_are_shown():
    alternatives = App().asked().alternatives
    alternatives.use(Means.REST_BY_STREAM)
    alternatives.use(Means.REST_BY_READS)
    assert alternatives.means == [Means.REST_BY_READS]
    assert alternatives.describe() == ["The rest of a broken answer: from reads of the conversation"]


def test_means_of_a_need_stand_together_in_the_table():
    needs = [each.need for each in Means]
    assert needs == [each.need for first in dict.fromkeys(needs) for each in Means if each.need == first]
