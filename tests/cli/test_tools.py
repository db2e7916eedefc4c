"""`tools`, the options that choose among them, and what tools ask in the middle of an answer."""

import gzip
import json

import pytest

from tests.cli.conftest import TOOLS
from tests.features.tool_server import HEADER, ToolHost

pytestmark = pytest.mark.browser


@pytest.fixture
def offered(stand_in):
    stand_in.control.switch(tool_servers=TOOLS)
    yield
    stand_in.control.switch(tool_servers={"Mock": "https://mcp.example.org/mcp"})


def test_tools_are_a_line_each_through_a_pipe_without_keys(taped):
    done = taped.here("tools")
    assert done.code == 0
    assert [line.split("\t")[0] for line in done.out.splitlines()] == list(TOOLS)
    assert done.out.splitlines()[1].endswith("\tsearch the web")
    assert "s3cret" not in done.out + done.err
    assert done.err.startswith("2 tool servers.")


def test_tools_as_json_and_as_a_table(taped):
    servers = json.loads(taped.here("tools", "--json").out)
    assert [each["name"] for each in servers] == list(TOOLS)
    assert "s3cret" not in json.dumps(servers)
    with taped.terminal("tools") as terminal:
        terminal.expect("Server")
        terminal.expect("Web Search (Exa)")
        assert terminal.code() == 0


@pytest.mark.parametrize(
    ("options", "on"),
    [
        (["--tool", "exa", "--tool", "mock"], list(TOOLS)),
        (["--no-tools", "--web-search"], ["Web Search (Exa)"]),
    ],
)
def test_ask_has_the_tools_on_that_were_chosen(shell, stand_in, offered, options, on):
    done = shell.here("ask", "--via", "page", "--temporary", *options, "hello")
    assert done.code == 0, done.err
    assert stand_in.control.heard[-1]["tools"] == on


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--tool", "mick"], "The closest are: Mock"),
        (["--tool", "mock", "--no-tools"], "exclude each other"),
    ],
)
def test_tools_that_cannot_be_had_are_wrong_usage(shell, options, says):
    done = shell.here("ask", "--via", "page", "--temporary", *options, "hello")
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_server_of_ones_own_is_used_and_its_header_is_nowhere(shell, stand_in, tmp_path):
    key = "k3y-of-the-command-line"
    with ToolHost(key) as host:
        servers = tmp_path / "servers.json"
        servers.write_text(json.dumps({"Shouting": {"url": host.url, "headers": {HEADER: key}}}))
        own = ("--tool-servers", str(servers))
        refused = shell.here("ask", *own, "use my tool loud_echo")
        assert (refused.code, f"chmod 600 {servers}" in refused.err) == (2, True)
        servers.chmod(0o600)
        checks = shell.here("tools", "--check", *own)
        assert (checks.code, checks.out.splitlines()[-1].split("\t")) == (
            0,
            ["Shouting", host.url, "", "loud_echo"],
        )
        tape = tmp_path / "own.tape"
        asked = ("ask", "--temporary", "-v", "--record", str(tape), "--full", *own)
        done = shell.here(*asked, "use my tool loud_echo")
    assert done.code == 0, done.err
    assert "You said: PING" in done.out
    assert (host.heard[-1], stand_in.control.heard[-1]["tools"]) == ("tools/call", ["Shouting"])
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != servers]
    assert tape.is_file() and b"selectedMcpServers" in gzip.decompress(tape.read_bytes())
    for body in (*files, done.out, done.err, checks.out, checks.err):
        text = body if isinstance(body, str) else body.decode("latin-1")
        assert key not in text


@pytest.mark.parametrize("prompt", ["ask me form 60", pytest.param("ask me form", marks=pytest.mark.soak)])
def test_question_of_a_tool_is_declined_through_a_pipe(shell, prompt):
    done = shell.here("ask", "--via", "page", "--temporary", prompt)
    assert done.code == 0
    assert "Mock asks: Who are you? Nobody is at the terminal, so the question is declined." in done.err
    assert "You said: decline" in done.out


def test_question_of_a_tool_is_asked_at_a_terminal(shell):
    with shell.terminal("ask", "--via", "page", "--temporary", "ask me form 60") as terminal:
        terminal.expect("Mock asks: Who are you?")
        terminal.expect("Answer it?")
        terminal.type("y\n")
        terminal.expect("Your name")
        terminal.type("A\n")
        terminal.expect("at least 2 characters")
        terminal.type("Ada\n")
        terminal.expect("mail")
        terminal.type("\n")
        terminal.expect("age")
        terminal.type("36\n")
        terminal.expect("Be quick")
        terminal.type("n\n")
        terminal.expect("colour")
        terminal.type("blue\n")
        terminal.expect("more")
        terminal.type("\n")
        terminal.expect("accept name=Ada age=36 fast=False colour=blue")
        assert terminal.code() == 0


def test_question_is_declined_by_who_does_not_want_to_answer(shell):
    with shell.terminal("chat", "--via", "page", "--temporary") as terminal:
        terminal.expect("›")
        terminal.type("ask me url\n")
        terminal.expect("https://mcp.example.org/allow")
        terminal.type("n\n")
        terminal.expect("You said: decline")
        terminal.expect("›")
        terminal.type("\x04")
        assert terminal.code() == 0
