"""The commands put together, and one run of them."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Annotated

import typer

import huggingchat_agent
from huggingchat_agent.cli import console, error_output
from huggingchat_agent.cli.commands import conversations, cookies, preferences, profiles, tape
from huggingchat_agent.cli.commands.account import login, logout, status
from huggingchat_agent.cli.commands.ask import ask
from huggingchat_agent.cli.commands.batch import batch
from huggingchat_agent.cli.commands.chat import chat
from huggingchat_agent.cli.commands.doctor import doctor
from huggingchat_agent.cli.commands.models import models
from huggingchat_agent.cli.commands.record import record
from huggingchat_agent.cli.commands.replay import replay
from huggingchat_agent.cli.commands.serve import serve
from huggingchat_agent.cli.commands.tools import tools
from huggingchat_agent.cli.keyboard import keep_mode
from huggingchat_agent.cli.options import Options, add_options, format_examples
from huggingchat_agent.errors import StorageError

# In the order of the help page: the order in which users need them.
COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    login: (
        "huggingchat login --username ada",
        "pass show huggingface | huggingchat login --username ada --password-stdin",
        "huggingchat login --base-url https://chat.example.org --profile work",
        "huggingchat login --headed",
        "huggingchat login --cookies cookies.txt",
    ),
    status: (
        "huggingchat status",
        "huggingchat status -v --profile work",
        "huggingchat status --json | jq -r .username",
    ),
    logout: ("huggingchat logout", "huggingchat logout --profile work"),
    models: ("huggingchat models", "huggingchat models --json | jq -r '.\\[] | select(.multimodal).id'"),
    tools: ("huggingchat tools", "huggingchat tools --json | jq -r '.\\[].name'"),
    ask: (
        'huggingchat ask "Why is the sky blue?"',
        'huggingchat ask -m llama -s "Answer in one sentence." "What is a monad?"',
        'git diff | huggingchat ask "Review this change." --temporary > review.txt',
        'huggingchat ask --web-search "What happened today?"',
        "huggingchat ask --json hello | jq -j 'select(.event == \"token\").text'",
        'huggingchat ask --conversation 66b0c0ffee66b0c0ffee66b0 "Tell me more."',
    ),
    chat: ("huggingchat chat", "huggingchat chat --model llama --temporary"),
    batch: (
        "huggingchat batch prompts.jsonl -o answers.jsonl",
        "huggingchat batch prompts.jsonl -o answers.jsonl --concurrency 16 --temporary",
        "huggingchat batch prompts.jsonl -o answers.jsonl --model llama --model qwen",
    ),
    serve: (
        "huggingchat serve",
        "huggingchat serve --port 9000 --concurrency 8 --rate-limit 20/min",
        "huggingchat serve --new-key --json",
    ),
    record: ("huggingchat record run.tape", "huggingchat record --full --hide 'ACME-[0-9]+' run.tape"),
    replay: (
        "huggingchat replay run.tape",
        "huggingchat replay --speed 0 --json run.tape | jq -j 'select(.event == \"token\").text'",
        "huggingchat replay --cut 400 --in 2 run.tape",
        "huggingchat replay --browser --headed run.tape",
    ),
    doctor: (
        "huggingchat doctor",
        "huggingchat doctor --machine",
        "huggingchat doctor --json | jq '.findings\\[] | select(.state != \"good\")'",
        "huggingchat doctor --save report",
        "huggingchat doctor --fix",
    ),
}
# Groups: the function with the group's help, and its commands.
GROUPS = {
    conversations.conversations: conversations.COMMANDS,
    preferences.settings: preferences.COMMANDS,
    profiles.profiles: profiles.COMMANDS,
    cookies.cookies: cookies.COMMANDS,
    tape.tape: tape.COMMANDS,
}


def _make_typer(name: str) -> typer.Typer:
    return typer.Typer(
        name=name,
        no_args_is_help=name != "huggingchat",
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


app = _make_typer("huggingchat")


def _print_version(wanted: bool) -> None:
    if wanted:
        console.write(f"huggingchat-agent {huggingchat_agent.__version__}\n")
        raise typer.Exit


def huggingchat(
    options: Options,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Drive HuggingChat, or any chat-ui, in a real browser, from the shell.

    A browser without a window signs in as you would and asks; answers are printed while they come.
    """


app.callback(
    epilog=format_examples(
        "huggingchat login --username ada",
        'huggingchat ask "Why is the sky blue?"',
        "HUGGINGCHAT_BASE_URL=https://chat.example.org huggingchat chat",
    )
    + "\n\n"
    + error_output.EXIT_CODES,
)(add_options(huggingchat))
for function, lines in COMMANDS.items():
    app.command(epilog=format_examples(*lines))(add_options(function))
for about, commands in GROUPS.items():
    group = _make_typer(about.__name__)
    group.callback(epilog=format_examples(*(lines[0] for lines in commands.values())))(add_options(about))
    for function, lines in commands.items():
        name = function.__name__.rstrip("_")
        group.command(name, epilog=format_examples(*lines))(add_options(function))
    app.add_typer(group)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Reports errors on stderr, and never raises."""
    if "stdout" in console.prepare_streams():
        return error_output.tell(
            StorageError("stdout is closed. Send the output somewhere, such as to a file.")
        )
    try:
        with keep_mode(), _exit_on_signals():
            # typer returns a code if it exits by itself: --version, Ctrl-C before the command.
            code = app(args=list(arguments) or ["--help"], prog_name="huggingchat", standalone_mode=False)
            sys.stdout.flush()
    except BaseException as error:
        return error_output.tell(error)
    return code or (error_output.DONE if arguments else error_output.WRONG_USAGE)


@contextlib.contextmanager
def _exit_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the command as an exit does: it stops answers and closes the browser."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    names = ("SIGTERM", "SIGHUP")
    before = {
        number: signal.signal(number, leave) for name in names if (number := getattr(signal, name, None))
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
