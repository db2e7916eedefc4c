import json

import pytest

from huggingchat_agent.errors import PageChanged, UsageError
from huggingchat_agent.wire.tools import choose_servers, parse_servers
from tests.wire.recordings import read_exchanges

EXA = {"id": "base-Web Search (Exa)", "name": "Web Search (Exa)", "url": "https://mcp.exa.ai/mcp"}
HUB = {"id": "base-Hugging Face", "name": "Hugging Face", "url": "https://hf.co/mcp?login"}
FACES = {"id": "base-Faces", "name": "Faces", "url": "https://faces.example.org/mcp"}


def make_servers(*raw):
    return parse_servers(json.dumps(raw).encode())


ALL = make_servers(EXA, HUB, FACES)


def list_names(chosen):
    return [server.name for server in chosen]


def test_recorded_servers_are_read():
    bodies = [
        each.body for each in read_exchanges() if each.raw["url"].endswith("/api/mcp/servers") and each.body
    ]
    assert bodies
    (server,) = parse_servers(bodies[0])
    assert (server.id, server.name, server.type) == ("base-Mock", "Mock", "base")
    assert (server.is_locked, server.extra) == (False, {})


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'["x"]', b'[{"id":"1"}]'])
def test_what_is_no_list_of_servers_is_a_changed_page(body):
    with pytest.raises(PageChanged):
        parse_servers(body)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, ["Web Search (Exa)", "Hugging Face", "Faces"]),
        ([], []),
        (["base-Faces"], ["Faces"]),
        (["faces"], ["Faces"]),
        (["exa"], ["Web Search (Exa)"]),
        (["hugging", "EXA", "exa"], ["Web Search (Exa)", "Hugging Face"]),
    ],
)
def test_servers_are_chosen_by_what_a_person_calls_them(wanted, chosen):
    assert list_names(choose_servers(ALL, wanted)) == chosen


@pytest.mark.parametrize(
    ("offered", "wanted", "says"),
    [
        (ALL, "fce", r"no tool server 'fce'. The closest are: Faces, Hugging Face"),
        (ALL, "face", r"could be any of these tool servers: Hugging Face, Faces"),
        (ALL, " ", "no tool server ' '"),
        ([], "echo", "offers no tool servers, so there is no 'echo'"),
    ],
)
def test_server_that_is_not_clear_names_those_it_could_be(offered, wanted, says):
    with pytest.raises(UsageError, match=says):
        choose_servers(offered, [wanted])


@pytest.mark.parametrize(
    ("offered", "wanted", "chosen"),
    [
        (ALL, None, ["Web Search (Exa)", "Hugging Face", "Faces"]),
        (ALL, [], ["Web Search (Exa)"]),
        (ALL, ["faces"], ["Web Search (Exa)", "Faces"]),
        (make_servers(HUB, {"id": "b", "name": "Brave Search"}), [], ["Brave Search"]),
        (
            make_servers(HUB, {"id": "b", "name": "exa", "url": "https://x.org/?tools=web_search_exa"}),
            [],
            ["exa"],
        ),
    ],
)
def test_web_search_is_among_the_chosen(offered, wanted, chosen):
    assert list_names(choose_servers(offered, wanted, web_search=True)) == chosen


@pytest.mark.parametrize(
    ("offered", "says"),
    [(make_servers(HUB, FACES), "only Hugging Face, Faces"), ([], "no tool servers at all")],
)
def test_web_search_that_nobody_offers_is_said(offered, says):
    with pytest.raises(UsageError, match=says):
        choose_servers(offered, None, web_search=True)
    with pytest.raises(UsageError, match=says):
        choose_servers(offered, [], web_search=True)
