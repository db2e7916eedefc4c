"""The commands put together, and one run of them."""

import contextlib
import importlib
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Annotated, Any

import typer

import huggingchat_agent
from huggingchat_agent.cli import console, error_output
from huggingchat_agent.cli.keyboard import keep_mode
from huggingchat_agent.cli.options import Options, add_options, format_examples
from huggingchat_agent.cli.plain_values import Command, Group
from huggingchat_agent.errors import StorageError

# In the order of the help page: the order in which users need them.
COMMANDS: dict[str, tuple[str, ...]] = {
    "login": (
        "huggingchat login --username ada",
        "pass show huggingface | huggingchat login --username ada --password-stdin",
        "huggingchat login --base-url https://chat.example.org --profile work",
        "huggingchat login --headed",
        "huggingchat login --bind office",
        "huggingchat login --cookies cookies.txt",
        "huggingchat login --from-browser chrome",
    ),
    "status": (
        "huggingchat status",
        "huggingchat status -v --profile work",
        "huggingchat status --json | jq -r .username",
    ),
    "refresh": ("huggingchat refresh", "huggingchat refresh --quiet --profile work"),
    "logout": ("huggingchat logout", "huggingchat logout --profile work"),
    "models": ("huggingchat models", "huggingchat models --json | jq -r '.\\[] | select(.multimodal).id'"),
    "tools": ("huggingchat tools", "huggingchat tools --json | jq -r '.\\[].name'"),
    "ask": (
        'huggingchat ask "Why is the sky blue?"',
        'huggingchat ask -m llama -s "Answer in one sentence." "What is a monad?"',
        'git diff | huggingchat ask "Review this change." --temporary > review.txt',
        'huggingchat ask --web-search "What happened today?"',
        "huggingchat ask --json hello | jq -j 'select(.event == \"token\").text'",
        'huggingchat ask --last "Tell me more."',
        'huggingchat ask -x "A shell function that counts words" > words.sh',
        'huggingchat ask --schema city.json "Where is the Louvre?"',
    ),
    "chat": ("huggingchat chat", "huggingchat chat --model llama --temporary"),
    "batch": (
        "huggingchat batch prompts.jsonl -o answers.jsonl",
        "huggingchat batch prompts.jsonl -o answers.jsonl --concurrency 16 --temporary",
        "huggingchat batch prompts.jsonl -o answers.jsonl --model llama --model qwen",
        "huggingchat batch prompts.jsonl -o answers.jsonl --dask tcp://127.0.0.1:8786",
    ),
    "serve": (
        "huggingchat serve",
        "huggingchat serve --port 9000 --concurrency 8 --rate-limit 20/min",
        "huggingchat serve --new-key --json",
    ),
    "mcp": (
        "huggingchat mcp",
        "huggingchat mcp --profile work --folder ~/papers",
        "huggingchat mcp --http --port 9001",
    ),
    "record": ("huggingchat record run.tape", "huggingchat record --full --hide 'ACME-[0-9]+' run.tape"),
    "replay": (
        "huggingchat replay run.tape",
        "huggingchat replay --speed 0 --json run.tape | jq -j 'select(.event == \"token\").text'",
        "huggingchat replay --cut 400 --in 2 run.tape",
        "huggingchat replay --browser --headed run.tape",
    ),
    "doctor": (
        "huggingchat doctor",
        "huggingchat doctor --machine",
        "huggingchat doctor --json | jq '.findings\\[] | select(.state != \"good\")'",
        "huggingchat doctor --save report",
        "huggingchat doctor --fix",
    ),
}
# Their commands are in `COMMANDS` of their modules.
GROUPS = ("conversations", "settings", "profiles", "cookies", "tape")

# The module of a command or a group, where it has another name.
_MODULES = {"login": "account", "status": "account", "logout": "account", "settings": "preferences"}


def load(name: str) -> Any:
    """The module of a command or a group."""
    return importlib.import_module(f"huggingchat_agent.cli.commands.{_MODULES.get(name, name)}")


class _Commands(Mapping[str, Any]):
    """The commands by name. Each loads when it is used, so that none waits for the others."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            if name not in (*COMMANDS, *GROUPS):
                raise KeyError(name)
            self._made[name] = _make_group(name) if name in GROUPS else _make_command(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*COMMANDS, *GROUPS))

    def __len__(self) -> int:
        return len(COMMANDS) + len(GROUPS)


class _Main(Group):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = _Commands()

    def list_commands(self, context: Any) -> list[str]:
        return list(self.commands)


def _make_typer(name: str, **more: Any) -> typer.Typer:
    return typer.Typer(
        name=name,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **more,
    )


def _make_command(name: str) -> Any:
    alone = _make_typer(name, add_completion=False)
    examples = format_examples(*COMMANDS[name])
    alone.command(name, cls=Command, epilog=examples)(add_options(getattr(load(name), name)))
    return typer.main.get_command(alone)


def _make_group(name: str) -> Any:
    module = load(name)
    group = _make_typer(name, cls=Group, add_completion=False, no_args_is_help=True)
    examples = format_examples(*(lines[0] for lines in module.COMMANDS.values()))
    group.callback(epilog=examples)(add_options(getattr(module, name)))
    for function, lines in module.COMMANDS.items():
        below = function.__name__.rstrip("_")
        group.command(below, cls=Command, epilog=format_examples(*lines))(add_options(function))
    return typer.main.get_command(group)


app = _make_typer("huggingchat", cls=_Main)


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

    A headless browser signs in as you would, and asks. Answers are printed as they arrive.
    """


app.callback(
    epilog=format_examples(
        "huggingchat login --username ada",
        'huggingchat ask "Why is the sky blue?"',
        "HUGGINGCHAT_BASE_URL=https://chat.example.org huggingchat chat",
    )
    + "\n\n"
    + error_output.EXIT_CODES
)(add_options(huggingchat))


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
