"""Signing in and out, the coupling of the cookies, and what a signed-out visitor gets."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.site.client import open_signed_in, open_visit


async def read_user(client):
    return (await client.get("/api/v2/user"))["json"]


async def request_once(client, method, url, **options):
    """One request, redirects not followed."""
    url = url if url.startswith("http") else client.site.url + url
    async with client.http.request(method, url, allow_redirects=False, **options) as response:
        await response.read()
        return response


async def test_wrong_password_shows_the_form_again(site):
    async with open_visit(site) as client:
        status, address = await client.sign_in("wrong")
        assert (status, urlsplit(address).path) == (400, "/login")
        page = await client.page("POST", f"{site.origin}/login", data={"username": "ada", "password": "x"})
        assert "Invalid username or password" in page.text
        assert await read_user(client) is None
    assert site.control.logins == 0


async def test_login_gives_a_new_session_each_time(site):
    async with open_signed_in(site) as client:
        before = client.cookies()["hf-chat"]
        assert (await client.sign_in())[1] == f"{site.url}/"
        assert client.cookies()["hf-chat"] != before
        assert len((await read_user(client))["id"]) == 24
    assert site.control.logins == 2


async def test_login_goes_on_to_where_it_was_asked_from(site):
    async with open_visit(site) as client:
        answer = await client.page("GET", f"{site.url}/models")
        assert urlsplit(answer.address).path == "/login"
        fields = answer.form.fields | {"username": "ada@example.org", "password": "correct horse"}
        answer = await client.page("POST", answer.form.action, data=fields)
        answer = await client.page("POST", answer.form.action, data=answer.form.fields)
        assert answer.address == f"{site.url}/models"
        elsewhere = await request_once(client, "GET", "/login?next=//evil.example/")
        assert "evil" not in elsewhere.headers["location"]


@pytest.mark.parametrize("way", ["once", "always", "never"])
async def test_consent_is_asked_as_often_as_it_is_switched_to(open_site, way):
    site = open_site(consent=way)
    async with open_signed_in(site) as client:
        await client.sign_in()
    asked = site.control.count("POST", "^/oauth/authorize")
    assert asked == {"once": 1, "always": 2, "never": 0}[way]


async def test_cancelling_the_consent_is_reported_to_the_app(site):
    async with open_visit(site) as client:
        answer = await client.page("GET", f"{site.url}/login")
        fields = answer.form.fields | {"username": "ada", "password": "correct horse"}
        answer = await client.page("POST", answer.form.action, data=fields)
        answer = await client.page("POST", answer.form.action, data={"cancel": "1"})
    assert answer.status == 400
    assert "access_denied: The user denied the request" in answer.text


async def test_second_factor_stands_between_password_and_session(open_site):
    site = open_site(second_factor=True, consent="never")
    async with open_visit(site) as client:
        answer = await client.page("GET", f"{site.url}/login")
        fields = answer.form.fields | {"username": "ada", "password": "correct horse"}
        answer = await client.page("POST", answer.form.action, data=fields)
        assert 'autocomplete="one-time-code"' in answer.text
        answer = await client.page("POST", answer.form.action, data={"code": "000000"})
        assert (answer.status, "Invalid code" in answer.text) == (400, True)
        answer = await client.page("POST", answer.form.action, data={"code": "123456"})
        assert answer.address == f"{site.url}/"
        assert (await read_user(client))["username"] == "ada"


async def test_challenge_takes_the_place_of_the_form(open_site):
    site = open_site(challenge=True)
    async with open_visit(site) as client:
        page = await client.page("GET", f"{site.url}/login")
    assert page.status == 405
    assert "captcha-container" in page.text and not page.has_form


@pytest.mark.parametrize(("field", "shown"), [("disabled", "disabled name"), ("missing", "")])
async def test_password_field_can_be_out_of_order(open_site, field, shown):
    site = open_site(password_field=field)
    async with open_visit(site) as client:
        page = await client.page("GET", f"{site.url}/login")
    assert ('name="password"' in page.text) is bool(shown)
    assert shown in page.text


@pytest.mark.parametrize("coupled", [True, False])
async def test_session_lives_only_with_the_hub_cookie_it_was_made_with(open_site, coupled):
    site = open_site(coupled=coupled)
    async with open_signed_in(site) as client:
        cookies = client.cookies()
        async with open_visit(site) as other:
            other.http.cookie_jar.update_cookies(cookies | {"token": "changed"})
            assert (await read_user(other) is None) is coupled
        async with open_visit(site) as other:
            other.http.cookie_jar.update_cookies({"hf-chat": cookies["hf-chat"]})
            assert (await read_user(other) is None) is coupled
        assert await read_user(client) is not None


async def test_session_cookie_rolls_on_posts_and_not_on_reads(site):
    async with open_signed_in(site) as client:
        read = await request_once(client, "GET", "/api/v2/user")
        written = await request_once(client, "POST", "/settings", json={"welcomeModalSeen": True})
    assert "hf-chat" not in read.cookies
    morsel = written.cookies["hf-chat"]
    assert (morsel["path"], morsel["httponly"], morsel["samesite"]) == ("/", True, "Lax")
    assert morsel["expires"]


async def test_state_of_another_session_is_refused_the_second_time(site):
    async with open_visit(site) as client, open_visit(site) as thief:
        answer = await request_once(client, "GET", "/login")
        state = parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]
        stolen = {"params": {"code": "x", "state": state}}
        first = await request_once(thief, "GET", "/login/callback", **stolen)
        assert (first.status, first.headers["location"]) == (302, "/chat/login")
        assert first.cookies["hfChat-loginRetry"]["max-age"] == "300"
        second = await request_once(thief, "GET", "/login/callback", **stolen)
        assert second.status == 403


async def test_logout_ends_the_session_and_leaves_the_hub_alone(site):
    async with open_signed_in(site) as client:
        hub = client.cookies()["token"]
        answer = await request_once(client, "POST", "/logout", headers={"Origin": site.origin})
        assert (answer.status, answer.headers["location"]) == (302, "/chat/")
        assert "hf-chat" not in client.cookies()
        assert client.cookies()["token"] == hub
        assert await read_user(client) is None
        assert await client.sign_in() == (200, f"{site.url}/"), "the hub still knows the user"
    assert site.control.count("POST", "^/login") == 1


async def test_sign_out_by_the_control_plane_drops_every_session(site):
    async with open_signed_in(site) as client:
        site.control.sign_out()
        assert await read_user(client) is None
        status, _ = await client.post("/conversation", {"model": "x"})
        assert status == 200  # the page of the login, after a redirect


SIGNED_OUT: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("POST", "/conversation", {"json": {}}, 302, ""),
    ("POST", "/logout", {}, 302, ""),
    ("GET", "/models", {}, 302, ""),
    ("GET", "/settings/application", {}, 302, ""),
    ("GET", "/nowhere", {}, 302, ""),
    ("GET", "/conversation/" + "0" * 24, {}, 405, "application/octet-stream"),
    ("POST", "/conversation/" + "0" * 24, {"json": {}}, 401, "application/json"),
    ("DELETE", "/conversation/" + "0" * 24, {}, 401, "text/plain"),
    ("POST", "/api/v2/user/settings", {"json": {}}, 401, "application/json"),
    ("GET", "/api/user", {}, 401, "application/json"),
    ("GET", "/api/v2/models", {}, 200, "application/json"),
    ("GET", "/api/conversations", {}, 200, "application/json"),
    ("GET", "/api/v2/conversations/" + "0" * 24, {}, 404, "application/json"),
]


@pytest.mark.parametrize(("method", "path", "options", "status", "content_type"), SIGNED_OUT)
async def test_signed_out_requests(site, method, path, options, status, content_type):
    async with open_visit(site) as client:
        answer = await request_once(client, method, path, **options)
    assert answer.status == status
    if status == 302:
        assert answer.headers["location"].startswith(f"{site.origin}/oauth/authorize?client_id=")
        assert "hfChat-codeVerifier" in answer.cookies
    else:
        assert answer.content_type == content_type


async def test_settings_post_is_redirected_in_json_when_signed_out(site):
    async with open_visit(site) as client, client.http.post(f"{site.url}/settings", json={}) as answer:
        body = await answer.json()
    assert (body["type"], body["status"]) == ("redirect", 302)
    assert body["location"].startswith(f"{site.origin}/oauth/authorize?")


async def test_forms_need_an_origin_of_this_host(site):
    async with open_visit(site) as client:
        path, texts = "/conversation/" + "0" * 24, []
        for origin in (None, "http://evil.example", site.origin):
            headers = {"Content-Type": "text/plain"} | ({"Origin": origin} if origin else {})
            async with client.http.post(site.url + path, data=b"x", headers=headers) as answer:
                texts.append((answer.status, answer.content_type, await answer.text()))
    assert texts == [
        (403, "text/plain", "Non-JSON form requests need to have an origin"),
        (403, "text/plain", "Invalid referer for POST request"),
        (401, "text/plain", "You have to be logged in."),
    ]


async def test_app_without_login_keeps_conversations_by_session(open_site):
    site = open_site(login=False)
    async with open_visit(site) as client, open_visit(site) as other:
        assert (await client.get("/api/v2/feature-flags"))["json"]["loginEnabled"] is False
        assert await read_user(client) is None
        assert (await request_once(client, "GET", "/login")).status == 404
        _, turn = await client.ask("hello")
        assert turn.complete
        assert len((await client.get("/api/v2/conversations"))["json"]["conversations"]) == 1
        assert (await other.get("/api/v2/conversations"))["json"]["conversations"] == []
        assert 'role="dialog"' in (await client.page("GET", f"{site.url}/")).text


async def test_app_at_the_root_has_its_hub_elsewhere(open_site):
    site = open_site("")
    assert site.url == site.origin
    async with open_signed_in(site) as client:
        assert (await read_user(client))["username"] == "ada"
        _, turn = await client.ask("hello")
        assert turn.complete
        answer = await request_once(client, "GET", "/login")
    hub = urlsplit(answer.headers["location"])
    assert hub.path == "/oauth/authorize"
    assert hub.netloc != urlsplit(site.origin).netloc


async def test_settings_left_out_go_back_to_their_defaults(site):
    async with open_signed_in(site) as client:
        chosen = {"activeModel": "deepseek-ai/DeepSeek-R1", "directPaste": True, "welcomeModalSeen": True}
        await client.post("/settings", chosen)
        body = (await client.get("/api/v2/user/settings"))["json"]
        assert {key: body[key] for key in chosen} == chosen
        await client.post("/settings", {"activeModel": "no/such"})
        body = (await client.get("/api/v2/user/settings"))["json"]
    assert body["directPaste"] is False
    assert body["activeModel"] == "meta-llama/Llama-3.3-70B-Instruct"
    assert body["welcomeModalSeen"] is True


async def test_foreign_conversations_cannot_be_read(site):
    async with open_visit(site) as stranger, open_signed_in(site) as client:
        conversation_id, _ = await client.ask("hello")
        async with stranger.http.get(f"{site.url}/api/v2/conversations/{conversation_id}") as answer:
            assert answer.status == 403
            assert (await answer.json())["message"].startswith("You don't have access")
        page = await stranger.page("GET", f"{site.url}/conversation/{conversation_id}")
        assert page.address == f"{site.url}/"


async def test_shared_conversation_becomes_a_copy_of_ones_own(site):
    async with open_signed_in(site) as client:
        conversation_id, _ = await client.ask("hello")
        _, body = await client.post(f"/conversation/{conversation_id}/share")
        share_id = json.loads(body)["shareId"]
        _, body = await client.post("/api/v2/conversations/import-share", {"shareId": share_id})
        copy_id = json.loads(body)["json"]["conversationId"]
        _, body = await client.post("/api/v2/conversations/import-share", {"shareId": share_id})
        assert json.loads(body)["json"]["conversationId"] == copy_id != conversation_id
        mine, copy = await client.read(conversation_id), await client.read(copy_id)
        opened = await client.page("GET", f"{site.url}/r/{share_id}")
    assert len(share_id) == 7
    assert [each["content"] for each in copy["messages"]] == [each["content"] for each in mine["messages"]]
    assert opened.address.startswith(f"{site.url}/conversation/{copy_id}?leafId=&fromShare=")


async def test_conversations_are_changed_and_deleted(site):
    async with open_signed_in(site) as client:
        conversation_id, _ = await client.ask("one")
        path = f"/api/v2/conversations/{conversation_id}"
        body = (await client.read(conversation_id))["messages"]
        async with client.http.patch(site.url + path, json={"model": "no/such"}) as answer:
            assert (answer.status, await answer.json()) == (400, {"message": "Invalid model ID"})
        async with client.http.patch(site.url + path, json={"model": "deepseek-ai/DeepSeek-R1"}) as answer:
            assert await answer.json() == {"json": {"success": True}}
        async with client.http.delete(f"{site.url}{path}/message/{body[1]['id']}") as answer:
            assert await answer.json() == {"json": {"success": True}}
        left = await client.read(conversation_id)
        assert (left["model"], [each["children"] for each in left["messages"]]) == (
            "deepseek-ai/DeepSeek-R1",
            [[]],
        )
        await client.ask("two")
        async with client.http.delete(f"{site.url}/api/v2/conversations") as answer:
            assert await answer.json() == {"json": 2}
    assert site.control.conversations() == []


async def test_conversations_are_listed_thirty_a_page(site):
    async with open_signed_in(site) as client:
        made = [(await client.create())[0] for _ in range(31)]
        first, second = [(await client.get(f"/api/v2/conversations?p={page}"))["json"] for page in (0, 1)]
    assert [each["id"] for each in first["conversations"] + second["conversations"]] == made[::-1]
    assert (len(first["conversations"]), first["hasMore"], second["hasMore"]) == (30, True, False)
