"""What comes from elsewhere is text at the terminal: no escape sequence, no markup, no other order."""

import contextlib
import io
import json
import logging
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from rich.table import Table
from rich.text import Text

from huggingchat_agent.answer import File, Source
from huggingchat_agent.chat.export import Export, ExportedMessage
from huggingchat_agent.cli import console, documents, error_output, show, tables, terminal
from huggingchat_agent.cli.transcript import make_listing, render_transcript
from huggingchat_agent.errors import ChatError
from huggingchat_agent.events import FileProduced, SearchSources, ToolCalled, ToolFailed
from huggingchat_agent.wire.conversations import ConversationSummary

# Sets the clipboard, clears the screen, rings, reports the cursor; the last one in one character.
HOSTILE = "a\x1b]52;c;ZXZpbA==\x07b\x1b[2J\x9b2Jc\x07"
TURN: dict[str, Any] = {"conversation_id": "c", "turn": 1, "seq": 1, "at": 0.0}


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(console.err, "is_interactive", True)  # rich looks when the console is made


@contextlib.contextmanager
def show_both_streams():
    screen = Screen()
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        yield screen


def assert_harmless(screen):
    shown = screen.getvalue()
    assert "\x07" not in shown and "\x9b" not in shown and "\x1b]52" not in shown and "\x1b[2J" not in shown
    assert "]52;c;" in shown, "the text itself is shown"


def show_event(event):
    display = show.Screen(plain=True)
    display.show(event)
    display.end()


def message(**fields):
    plain = {"author": "assistant", "text": "t", "reasoning": "", "error": None}
    nothing = {"parent": None, "created_at": None, "updated_at": None, "router": None, "interrupted": False}
    lists: dict[str, Any] = {name: [] for name in ("children", "files", "sources", "tools")}
    return ExportedMessage(id="m", content="t", active=True, **{**plain, **nothing, **lists, **fields})


def print_transcript():
    export = Export(
        id="c",
        url="u",
        title=HOSTILE,
        model=HOSTILE,
        system_prompt=HOSTILE,
        updated_at=None,
        leaf="m",
        messages=[message(text=HOSTILE, reasoning=HOSTILE), message(author=HOSTILE, error=HOSTILE)],
    )
    for block in render_transcript(export, reasoning=True):
        console.out.print(block)


def print_listing():
    summary = ConversationSummary(id="i", title=HOSTILE, model=HOSTILE, updated_at=datetime.now(UTC))
    console.out.print(make_listing([summary], 200))


def log_warning():
    console.begin(verbose=False)
    logging.getLogger("huggingchat_agent.test").warning("%s", HOSTILE)


def spin():
    shown = console.Progress(HOSTILE)
    shown.start()
    shown.stop()  # which draws a last frame


PLACES = {
    "error": lambda: error_output.tell(ChatError(HOSTILE)),
    "mistake": lambda: error_output.tell(ValueError(HOSTILE)),
    "note": lambda: console.note(HOSTILE),
    "warning": lambda: console.warn(HOSTILE),
    "log": log_warning,
    "sentence": lambda: console.report(HOSTILE),
    "facts": lambda: console.print_facts([("Account", HOSTILE)]),
    "text": lambda: console.write(HOSTILE),
    "JSON": lambda: console.write_line(f'"{HOSTILE}"'.encode()),
    "spinner": spin,
    "tool": lambda: show_event(ToolCalled(**TURN, uuid="u", tool=HOSTILE, parameters={}, arguments="")),
    "tool's error": lambda: show_event(ToolFailed(**TURN, uuid="u", message=HOSTILE)),
    "file": lambda: show_event(FileProduced(**TURN, file=File(name=HOSTILE, sha="s", mime="m"))),
    "source": lambda: show_event(SearchSources(**TURN, sources=[Source(uri="u", title=HOSTILE)])),
    "transcript": print_transcript,
    "listing": print_listing,
}


@pytest.mark.parametrize("place", PLACES)
def test_escape_sequences_from_elsewhere_reach_no_terminal(place):
    with show_both_streams() as screen:
        PLACES[place]()
    assert_harmless(screen)


def test_markup_of_others_is_text():
    table = Table("[b]head[/ops]", show_edge=False)
    table.add_row("[red]cell[/]")
    with show_both_streams() as screen:
        for printed in ("ada [/ops]", "[prod] c.json", ":warning:", table):
            console.out.print(printed)
            console.err.print(printed)
        console.report("Signed in as ada [/ops].")
    shown = screen.getvalue()
    for expected in ("ada [/ops]", "[prod] c.json", ":warning:", "[b]head[/ops]", "[red]cell[/]"):
        assert shown.count(expected) >= 2
    assert "Signed in as ada [/ops].\n" in shown


@pytest.mark.parametrize("code", ["\u202e", "\u2066", "\u202a", "\u2069"])
def test_bidirectional_overrides_are_marked_in_names_and_titles(code):
    name = f"report{code}gpj.exe"
    marked = f"report<U+{ord(code):04X}>gpj.exe"
    with show_both_streams() as screen:
        console.note(f"File: {name}")
        console.report(f"Signed in as {name}.")
        console.print_facts([("Account", name)])
        console.out.print(make_listing([ConversationSummary(id="i", title=name)], 200))
        assert error_output.tell(ChatError(f"{name} is gone.")) == 1
    shown = screen.getvalue()
    assert shown.count(marked) == 5 and code not in shown


def test_answer_keeps_its_characters():
    text = "שלום \u2067x\u2069"
    with show_both_streams() as screen:
        console.write(text)
        console.out.print(Text(text))
    assert screen.getvalue() == f"{text}{text}\n"


HIDING = f"{HOSTILE}\x7f\u202egpj.exe\u200b\U000e0041 שלום"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_json_is_exact_and_controls_no_terminal(is_terminal):
    screen = Screen() if is_terminal else io.StringIO()
    with contextlib.redirect_stdout(screen):
        console.write_line(msgspec.json.encode({"title": HIDING}))
        documents.write_json([HIDING])
    shown = screen.getvalue()
    first, _, second = shown.partition("\n")
    assert (json.loads(first), json.loads(second)) == ({"title": HIDING}, [HIDING])
    assert all(each == "\n" or (each.isprintable() and each != "\u202e") for each in shown)


def test_lines_for_a_pipe_have_no_control_characters():
    with contextlib.redirect_stdout(io.StringIO()) as pipe:
        tables.write_lines([[HOSTILE, "a\tb\nc"]])
    assert pipe.getvalue() == "a]52;c;ZXZpbA==b[2J2Jc\ta b c\n"


def test_one_line_is_one_line():
    assert terminal.to_one_line(" a\nb\u2028c\x85d \x1b[1m") == "a b c d [1m"
