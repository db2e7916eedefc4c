"""`ask`: one question, one answer."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huggingchat_agent import events
from huggingchat_agent.choices import Via
from huggingchat_agent.cli import attachments, console, excerpts, stdin
from huggingchat_agent.cli.commands.tools import NoTools, OwnServer, OwnServers, Tool, WebSearch, choose_tools
from huggingchat_agent.cli.opening import open_signed_in
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.show import show
from huggingchat_agent.cli.taping import Full, Hide, HideUsername, RecordTo, make_record
from huggingchat_agent.errors import ChatError, UsageError
from huggingchat_agent.setting_values import Deadlines
from huggingchat_agent.user_text import require_text

if TYPE_CHECKING:
    from huggingchat_agent.answer import Answer
    from huggingchat_agent.cli.warm import Answering, App, Talk

Model = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", metavar="MODEL", help="Id, name, or an unambiguous part. Default: the account's."
    ),
]
System = Annotated[
    str | None, typer.Option("--system", "-s", metavar="TEXT", help="System prompt of the new conversation.")
]
Continue = Annotated[
    str | None,
    typer.Option(
        "--conversation",
        "-c",
        metavar="ID",
        help="Continue this conversation: its id, its address, or `last` for the most recent one.",
    ),
]
Last = Annotated[bool, typer.Option("--last", help="The same as -c last.")]
HowToSend = Annotated[
    Via | None,
    typer.Option(
        help="ui types into the page; page makes the same request inside it; auto uses ui, "
        "or page for a very long prompt, or if it cannot type into the page (HUGGINGCHAT_VIA)."
    ),
]
Temporary = Annotated[
    bool, typer.Option("--temporary", "-t", help="Delete the conversation on the server when done.")
]
Plain = Annotated[bool, typer.Option("--plain", help="Print the raw text of the answer, even at a terminal.")]


# Instead of an id: the conversation that changed last.
LAST = "last"


def ask(
    options: Options,
    prompt: Annotated[
        str | None,
        typer.Argument(
            metavar="PROMPT", help="What to ask; - reads it from stdin, and so does a pipe without PROMPT."
        ),
    ] = None,
    no_stdin: Annotated[
        bool, typer.Option("--no-stdin", help="Send the prompt alone, whatever stdin holds.")
    ] = False,
    model: Model = None,
    system: System = None,
    conversation: Continue = None,
    last: Last = False,
    via: HowToSend = None,
    temporary: Temporary = False,
    tool: Tool = None,
    no_tools: NoTools = False,
    web_search: WebSearch = False,
    tool_server: OwnServer = None,
    tool_servers: OwnServers = None,
    file: attachments.Files = None,
    attach: attachments.Attach = None,
    voice: attachments.Voice = None,
    save_files: attachments.SaveFiles = None,
    save_artifacts: attachments.SaveArtifacts = None,
    show_reasoning: attachments.ShowReasoning = False,
    plain: Plain = False,
    extract: Annotated[
        bool, typer.Option("--extract", "-x", help="Print only the first code block of the answer.")
    ] = False,
    schema: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Ask for JSON that fits the JSON schema in this file, and print it. If the answer does not "
            "fit, the model is asked once more.",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print every event of the turn as one line of JSON.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="How long the answer may take. Default: 900.")
    ] = None,
    record: RecordTo = None,
    full: Full = False,
    hide: Hide = None,
    hide_username: HideUsername = False,
) -> None:
    """Ask one question, and print the answer as it arrives.

    The answer goes to stdout. A terminal shows rendered Markdown; a pipe gets the raw text, token by token.
    Everything else goes to stderr. Ctrl-C stops the answer on the server too.

    Text from a pipe is added to the prompt, after a blank line. A pipe that is silent for a second is
    ignored, and so is a file that was already read in part. In a loop that reads from a pipe, give
    </dev/null or --no-stdin; otherwise the first question reads the lines of all the others.
    """
    conversation = choose_conversation(conversation, last)
    check_start(model, system, conversation, temporary)
    if extract + json + (schema is not None) > 1:
        raise UsageError("--extract, --schema and --json exclude each other.")
    form = None if schema is None else excerpts.read_form(schema)
    files, folder = attachments.read_files(file), attachments.make_folder(save_files)
    recording = attachments.read_voice(voice)
    pages = attachments.make_folder(save_artifacts, "--save-artifacts")
    tape = make_record(record, full, hide, hide_username)
    tools = choose_tools(tool, no_tools, tool_server, tool_servers)
    deadlines = read_deadlines(timeout)
    if prompt == "-":
        prompt = stdin.read_all()
    elif prompt is None:
        prompt = "" if no_stdin else stdin.read_piped_text()
    elif prompt.strip() and not no_stdin:
        prompt = stdin.add_piped_text(prompt)
    if not require_text("The prompt", prompt).strip() and recording is None:
        raise UsageError(
            "The prompt is empty. Give it as the argument PROMPT, or on stdin. See `huggingchat ask --help`."
        )
    with open_signed_in(options, via=via, deadlines=deadlines, record=tape) as chat:
        files = (*files, *attachments.fetch_files(chat, attach))
        if recording is not None:
            prompt = f"{prompt} {attachments.transcribe(chat, recording)}".strip()
        with open_conversation(chat, model, system, conversation, temporary) as talk:

            def send(text: str) -> "Answering":
                return talk.send(text, tools=tools, web_search=web_search)

            reply = talk.send(
                prompt if form is None else prompt + form.instructions,
                files=files,
                tools=tools,
                web_search=web_search,
            )
            if json:
                answer = _print_lines(reply, talk)
            elif form is not None:
                answer = excerpts.show_json(reply, talk, form, send, reasoning=show_reasoning)
            elif extract:
                answer = excerpts.show_code(reply, talk, reasoning=show_reasoning)
            else:
                answer = show(reply, talk, reasoning=show_reasoning, plain=plain)
            attachments.save_files(talk, answer, folder)
            attachments.save_artifacts(answer.artifacts, pages)
            _print_ending(talk, answer)


def choose_conversation(conversation: str | None, last: bool) -> str | None:
    """What -c and --last name. Raises UsageError for both."""
    if last and conversation not in (None, LAST):
        raise UsageError("--last and --conversation name two conversations. Give one of them.")
    return LAST if last else conversation


def check_start(model: str | None, system: str | None, conversation: str | None, temporary: bool) -> None:
    """Raise UsageError for options that exclude each other or are not text, before a browser starts."""
    for name, value in (("--model", model), ("--system", system), ("--conversation", conversation)):
        require_text(name, value or "")
    if conversation and (model or system or temporary):
        raise UsageError(
            "--conversation continues a conversation as it is. --model, --system and --temporary are for new "
            "ones."
        )


@contextlib.contextmanager
def open_conversation(
    chat: "App", model: str | None, system: str | None, conversation: str | None, temporary: bool
) -> Iterator["Talk"]:
    """Start a conversation, or open the named one."""
    if conversation:
        yield chat.conversation(_find_last(chat) if conversation == LAST else conversation)
        return
    with console.show_progress("Starting a conversation"):
        talk = chat.new_conversation(model, system_prompt=system, temporary=temporary)
    with talk:
        yield talk


def _find_last(chat: "App") -> str:
    with console.show_progress("Looking for the last conversation"):
        newest = next(iter(chat.conversations()), None)
    if newest is None:
        raise ChatError("There is no conversation yet to continue. Leave out -c.")
    console.note(f"Continuing: {newest.title} ({newest.id})")
    return newest.id


def read_deadlines(timeout: float | None) -> Deadlines | None:
    """The deadlines of --timeout; None without it. Raises UsageError."""
    if timeout is None:
        return None
    if not timeout > 0:
        raise UsageError(f"--timeout must be a number of seconds above 0, not {timeout:g}.")
    return Deadlines(first_update=timeout, idle=timeout, total=timeout)


def _print_lines(reply: "Answering", talk: "Talk") -> "Answer":
    rest: Answering | None = None

    def print_line(event: events.Event) -> None:
        console.write_line(events.to_json(event))

    for name in events.AGENT_NAMES:
        reply.on(name, print_line)
    with reply:
        for event in reply:
            print_line(event)
            if isinstance(event, events.ElicitationRequested):
                from huggingchat_agent.cli.tool_questions import settle

                rest = settle(talk, event)
        answer = reply.result()
    return _print_lines(rest, talk) if rest is not None else answer


def _print_ending(talk: "Talk", answer: "Answer") -> None:
    if answer.interrupted:
        console.warn("the answer stopped before its end.")
    if not talk.temporary:
        console.note(f"To continue: huggingchat ask --conversation {talk.id} PROMPT")
