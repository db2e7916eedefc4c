"""Every recorded request of the app, sent to the stand-in: the answers differ only as is said here."""

from __future__ import annotations

import json
import math
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.site.client import open_signed_in, open_visit
from tests.site.replay import FOLDER, Replay, load, read_exchanges
from tests.site.shapes import differences, shape

BEFORE = {"reload-conversation": ["two-turns"], "retry": ["two-turns"]}
"""What must have been said before a scenario, in the same session."""
SIGNED_OUT = ("signed-out-home",)
ON_THEIR_OWN = ("login", "endpoints", "endpoints-signed-out", "cookies")
SCENARIOS = sorted(path.stem for path in FOLDER.glob("*.json") if path.stem not in ON_THEIR_OWN)


class Allowed(NamedTuple):
    """A difference that is meant to be, found in each of these scenarios, and why."""

    scenarios: tuple[str, ...]
    pattern: str
    why: str


ALLOWED = [
    Allowed(
        ("two-turns", "retry", "reasoning", "tool-call", "upload", "query-parameter"),
        r".* update (.*)\[history=(\d+) path=[0-9a-f]{8}\](.*) instead of \1\[history=\2\]\3",
        "an echo ends in a hash of what the model was given too, so that a lost or forked turn shows",
    ),
]


def list_unexplained(scenario: str, found: list[str]) -> list[str]:
    """Differences that no entry allows, and entries that allow nothing any more."""
    entries = [entry for entry in ALLOWED if scenario in entry.scenarios]
    unmet = [one for one in found if not any(re.fullmatch(entry.pattern, one) for entry in entries)]
    stale = [entry for entry in entries if not any(re.fullmatch(entry.pattern, one) for one in found)]
    return unmet + [f"no longer differs: {entry.pattern}" for entry in stale]


def test_recordings_are_all_replayed():
    assert {path.stem for path in FOLDER.glob("*.json")} == {*SCENARIOS, *ON_THEIR_OWN}
    assert {name for entry in ALLOWED for name in entry.scenarios} <= set(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_requests_are_answered_as_recorded(open_site, scenario):
    # Slow enough for what went on at once in the recording to do so here.
    site = open_site(live_tick=math.inf, echo_pause=0.03)
    async with open_visit(site) if scenario in SIGNED_OUT else open_signed_in(site) as client:
        replay = Replay(client)
        for earlier in BEFORE.get(scenario, []):
            await replay.run(read_exchanges(earlier))
        replay.found.clear()
        await replay.run(read_exchanges(scenario))
    assert list_unexplained(scenario, replay.found) == []


async def test_endpoints_answer_as_recorded(site):
    async with open_signed_in(site) as client:
        replay = Replay(client)
        await replay.run(read_exchanges("welcome-modal"))
        conversation_id, _ = await client.ask("short one")
        conversation = load("endpoints")["conversation"]["body"]
        answered = await client.get(f"/api/v2/conversations/{conversation_id}")
        replay.learn(json.loads(conversation), answered)
        for name, entry in load("endpoints").items():
            init = entry["init"] or {}
            # The recorder could not write down the form that was sent to a conversation that is not.
            body = init.get("body") if isinstance(init.get("body"), str) else None
            opened = await replay.request(
                init.get("method", "GET"), f"/chat/{entry['url']}", "Fetch", _titled(init), body
            )
            async with opened as response:
                text = await response.text()
                assert (name, response.status) == (name, entry["status"])
                assert (name, response.content_type) == (name, entry["type"])
            if entry["type"] == "application/json":
                found = list(differences(shape(json.loads(text)), shape(json.loads(entry["body"]))))
                assert (name, found) == (name, [])
                if entry["body"].startswith('{"message"'):
                    assert text == entry["body"]


def _titled(init: dict[str, dict[str, str]]) -> dict[str, str]:
    return {key.title(): value for key, value in init.get("headers", {}).items()}


async def test_endpoints_answer_as_recorded_when_signed_out(site):
    async with open_visit(site) as client:
        for name, entry in load("endpoints-signed-out").items():
            url = f"{site.url}/{entry['url']}"
            # How these were called is not in the recording: a create is a POST, the rest are reads.
            call = client.http.post(url, json={"model": "x"}) if name == "create" else client.http.get(url)
            async with call as response:
                text = await response.text()
                assert (name, response.status) == (name, entry["status"])
                assert (name, response.headers["content-type"]) == (name, entry["type"])
                assert (name, bool(response.history)) == (name, entry["redirected"])
                assert response.url.path == urlsplit(entry["final"]).path
            if entry["body"].endswith("}"):
                assert shape(json.loads(text)) == shape(json.loads(entry["body"]))
            elif entry["type"] == "application/json":
                # The recording is cut short; the first model is whole.
                theirs, _ = json.JSONDecoder().raw_decode(entry["body"].removeprefix('{"json":['))
                assert list(differences(shape(json.loads(text)["json"][0]), shape(theirs))) == []
            else:
                assert '<form action="/login" method="post"' in text


async def test_login_goes_as_recorded(site):
    recorded = read_exchanges("login")
    forms = [each for each in recorded if each["type"] == "Document"]
    async with open_visit(site) as client:
        replay = Replay(client)
        url, location = forms[0]["url"], ""
        for exchange in forms:
            body = exchange["body"]
            if exchange["url"] == "/login":
                fields = dict(parse_qsl(body)) | {"next": dict(parse_qsl(urlsplit(url).query))["next"]}
                url, body = "/login", urlencode(fields)
            elif location:
                url = location
            answer = await replay.say({**exchange, "url": url, "body": body})
            replay.compare(exchange, answer)
            # A page is answered by its form, to the same address; a redirect is followed.
            parts = urlsplit(answer.location) if answer.location else None
            location = f"{parts.path}?{parts.query}" if parts else ""
        await replay.run([each for each in recorded if each["type"] != "Document"])
        assert replay.found == []
        assert (await client.get("/api/user"))["username"] == "ada"


async def test_cookies_have_the_recorded_attributes(site):
    async with open_signed_in(site) as client:
        morsels = {morsel.key: morsel for morsel in client.http.cookie_jar}
    assert {
        name: {
            "path": morsel["path"],
            "httpOnly": bool(morsel["httponly"]),
            "secure": bool(morsel["secure"]),
            "sameSite": morsel["samesite"],
        }
        for name, morsel in morsels.items()
    } == {each.pop("name"): each for each in json.loads(json.dumps(load("cookies")))}


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"type": "title", "title": "x"}, "lines"),
        ({"type": "stream", "token": "other"}, "update"),
        ({"type": "status", "status": "finished", "more": 1}, "update"),
    ],
)
async def test_a_stream_that_differs_is_noticed(site, changed, finding):
    recorded = next(each for each in read_exchanges("unicode") if each.get("mime") == "application/jsonl")
    body = "".join(text for _, text in recorded["chunks"])
    lines = body.split("\n")
    at = {"title": -2, "stream": 3, "status": -2}[changed["type"]]
    lines[at] = json.dumps(changed)
    async with open_visit(site) as client:
        found = Replay(client).stream_differences("\n".join(lines).encode(), body.encode(), cut=False)
    assert any(each.startswith(finding) for each in found)


def test_shapes_tell_missing_and_added_keys_apart():
    ours, theirs = {"a": [{"b": 1}], "c": None}, {"a": [{"b": 1, "d": ""}], "c": "x"}
    assert sorted(differences(shape(ours), shape(theirs))) == ["- .a[].d", ".c: null instead of str"]
