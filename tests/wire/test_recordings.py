"""Every recorded exchange is known, and every recorded body is read by the decoder that fits it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from huggingchat_agent.wire import devalue, failures, purposes, superjson, updates
from huggingchat_agent.wire.conversations import parse_conversation, parse_list, parse_new_conversation
from huggingchat_agent.wire.models import parse_models
from huggingchat_agent.wire.routes import classify
from tests.wire.recordings import (
    BASE_PATH,
    FOLDER,
    GENERATIONS,
    fold,
    list_files,
    parse_events,
    read_exchanges,
    read_scenario,
    split_lines,
)

# Requests that nothing here has a name for, and why that is right.
NAMELESS = {
    ("GET", "/oauth/authorize"): "a page of the identity provider",
    ("POST", "/oauth/authorize"): "its consent form",
    ("GET", "/login"): "its sign-in page",
    ("POST", "/login"): "its sign-in form",
    ("POST", "/chat/api/v2/models/Qwen/Qwen2.5-VL-7B-Instruct/subscribe"): "a choice made in the page",
}

# Bodies that no decoder takes, and why that is right.
OPAQUE = {
    "image/png": "bytes of a file",
}


def strip_ids(exchange: Any) -> bool:
    path = exchange.raw["url"].partition("?")[0]
    return any(exchange.raw["method"] == method and path.startswith(known) for method, known in NAMELESS)


def classify_exchange(exchange: Any) -> purposes.Purpose:
    raw = exchange.raw
    return classify(raw["method"], f"https://huggingface.co{raw['url']}", BASE_PATH, raw["type"].lower())


def read_stream(body: bytes) -> None:
    _, found = fold(split_lines(body))
    assert found
    assert not [event for event in found if event.name == "unknown"]


def read_reattached(body: bytes) -> None:
    *sent, (last, _) = parse_events(body)
    assert last == "end"
    assert {name for name, _ in sent} == {"update"}
    assert not any(isinstance(updates.decode(data.encode()), updates.Unknown) for _, data in sent)


def read_live(body: bytes) -> None:
    found = parse_events(body)
    assert found
    assert all(isinstance(json.loads(data), dict) for _, data in found)


def read_list(body: bytes) -> None:
    parse_list(body)


def read_conversation(body: bytes) -> None:
    assert parse_conversation(body).messages


def read_created(body: bytes) -> None:
    assert len(parse_new_conversation(body)[0]) == 24


def read_models(body: bytes) -> None:
    assert len(parse_models(body)) == 3


def read_nodes(body: bytes) -> None:
    [models] = [node["models"] for node in devalue.load(body).nodes if node and "models" in node]
    assert len(models) == 3


def read_value(body: bytes) -> None:
    superjson.load(body)


DECODERS: dict[type[purposes.Purpose], Callable[[bytes], None]] = {
    purposes.SendMessage: read_stream,
    purposes.Reattach: read_reattached,
    purposes.Live: read_live,
    purposes.ListConversations: read_list,
    purposes.ReadConversation: read_conversation,
    purposes.CreateConversation: read_created,
    purposes.McpServers: read_value,
    purposes.PageData: read_nodes,
}


@pytest.mark.parametrize("exchange", read_exchanges(), ids=str)
def test_recorded_exchange_is_known_and_its_body_is_read(exchange):
    found = classify_exchange(exchange)
    assert isinstance(found, purposes.Other) == strip_ids(exchange)
    if not exchange.body:
        return  # the recorder got none: redirects, documents, aborted requests
    if exchange.raw["mime"] not in OPAQUE:
        DECODERS[type(found)](exchange.body)


def test_lists_of_exceptions_have_no_entry_too_many():
    for method, path in NAMELESS:
        assert any(
            each.raw["method"] == method and each.raw["url"].partition("?")[0].startswith(path)
            for each in read_exchanges()
        )
    assert {each.raw["mime"] for each in read_exchanges() if each.body} >= set(OPAQUE)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_file_with_traffic_was_read(generation):
    read = {each.scenario for each in read_exchanges() if each.generation == generation}
    silent = {
        "cookies",
        "endpoints",
        "endpoints-signed-out",
    }  # the first holds no traffic, the others are below
    if generation == "2025-04":
        silent.add("welcome-modal")  # the dialog made no request in this generation
    assert {path.stem for path in list_files() if path.parent.name == generation} == read | silent


def test_page_data_in_files_is_what_the_server_sent():
    bodies = [
        each.body.decode()
        for each in read_exchanges()
        if each.raw.get("mime") == "text/sveltekit-data" and each.body
    ]
    assert any("💬 You said: hello there" in body for body in bodies)
    assert not any("ðŸ’¬" in body for body in bodies)


# Each endpoint, called once from inside the page.


def read_refusal(body: bytes) -> None:
    assert json.loads(body)["message"] in str(failures.from_response(404, "application/json", body, {}))


def read_page(body: bytes) -> None:
    assert failures.from_response(200, "text/html", body, {})


def read_empty(body: bytes) -> None:
    assert body == b""


def read_no_nodes(body: bytes) -> None:
    assert devalue.load(body).nodes == [None, None]


SHARED: dict[str, Callable[[bytes], None]] = {
    "models_legacy": read_models,
    "user_legacy": read_value,
    "conversations_legacy": read_list,
    "conversation_legacy": read_conversation,
    "share": read_value,
    "rename": read_empty,
    "stop_idle": read_empty,
    "create_bad_model": read_refusal,
    "create": read_created,
    "post_missing": read_refusal,
    "delete": read_empty,
}
V2 = ("models", "user", "settings", "conversations", "conversation", "feature_flags", "public_config")
ENDPOINTS: dict[str, dict[str, Callable[[bytes], None]]] = {
    "2026-08": {
        **SHARED,
        **dict.fromkeys(("user", "settings", "feature_flags", "public_config"), read_value),
        "models": read_models,
        "conversations": read_list,
        "conversations_after": read_list,
        "conversation": read_conversation,
        **dict.fromkeys(("conversation_data", "conversation_data_all", "home_data"), read_no_nodes),
        "missing_conversation": read_refusal,
    },
    "2025-04": {
        **SHARED,
        **dict.fromkeys(
            (*V2, "missing_conversation", "conversations_after"), read_page
        ),  # no such routes yet
        **dict.fromkeys(("conversation_data", "conversation_data_all"), read_conversation),
        "home_data": read_nodes,
    },
}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_endpoint_is_read(generation):
    recorded = read_scenario(generation, "endpoints")
    assert set(recorded) == set(ENDPOINTS[generation])
    for name, read in ENDPOINTS[generation].items():
        read(recorded[name]["body"].encode())


SIGNED_OUT: dict[str, dict[str, Callable[[bytes], None]]] = {
    "2026-08": {"user": read_value, "conversations": read_list, "create": read_page},
    "2025-04": {"user": read_page, "conversations": read_page, "create": read_value, "models": read_page},
}
CUT = {("2026-08", "models"): "the recorder kept the first 600 characters"}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_endpoint_is_read_when_signed_out(generation):
    recorded = read_scenario(generation, "endpoints-signed-out")
    for name, answer in recorded.items():
        if (generation, name) in CUT:
            assert len(answer["body"]) == 600
        else:
            SIGNED_OUT[generation][name](answer["body"].encode())


def test_recordings_come_with_their_explanation():
    assert (FOLDER / "README.md").is_file()
