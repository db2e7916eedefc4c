"""`serve`."""

import asyncio
import contextlib
import importlib.util
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import msgspec
import typer

from huggingchat_agent import redact
from huggingchat_agent.cli import console, warm
from huggingchat_agent.cli.fault_options import Cut, InMessage, Stall, Status, choose_faults
from huggingchat_agent.cli.options import Options
from huggingchat_agent.errors import UsageError
from huggingchat_agent.files import explain_failure
from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.serve.journal import Asked, Journal
from huggingchat_agent.serve.keys import load_key

_TAPE = "A tape as the endpoint"
_WARM = "Warm session, for the commands of this shell"
OverLimit = Literal["wait", "refuse"]

INTERRUPTED = 130  # exit code where answers were broken off


def serve(
    options: Options,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 for any free port.")] = 8977,
    host: Annotated[
        str, typer.Option(help="The address to listen on. One that others can reach needs --expose.")
    ] = "127.0.0.1",
    expose: Annotated[
        bool, typer.Option("--expose", help="Listen on an address that other machines can reach.")
    ] = False,
    new_key: Annotated[
        bool,
        typer.Option(
            "--new-key", help="Make another key. The old one stops working, and its chats are not continued."
        ),
    ] = False,
    lenient: Annotated[
        bool,
        typer.Option(
            "--lenient",
            help="Ignore parameters that have no effect here. The header X-Huggingchat-Ignored names them.",
        ),
    ] = False,
    tool_emulation: Annotated[
        bool,
        typer.Option(
            "--tool-emulation/--no-tool-emulation",
            help="Describe the tools of a client to the model in its prompt, or refuse them with status 400.",
        ),
    ] = True,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep all conversations. By default those of one turn are deleted.")
    ] = False,
    concurrency: Annotated[
        int, typer.Option("--concurrency", "-n", metavar="COUNT", min=1, help="How many answers at a time.")
    ] = 4,
    queue: Annotated[
        int, typer.Option(metavar="COUNT", min=0, help="How many more may wait. Any more get status 429.")
    ] = 32,
    rate_limit: Annotated[
        str | None, typer.Option(metavar="N/min", help="How many answers may begin in a minute.")
    ] = None,
    over_limit: Annotated[
        OverLimit,
        typer.Option("--over-limit", help="Above --rate-limit: wait, or answer with status 429 at once."),
    ] = "wait",
    replay: Annotated[
        Path | None,
        typer.Option(metavar="TAPE", rich_help_panel=_TAPE, help="Let a tape answer instead of a browser."),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            metavar="X", rich_help_panel=_TAPE, help="1 is the recorded speed, 2 twice that, 0 takes no time."
        ),
    ] = 1.0,
    cut: Cut = None,
    stall: Stall = None,
    status: Status = None,
    message: InMessage = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write each request to this file, as a line of JSON, without keys."
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the address, and a new key, as one line of JSON.")
    ] = False,
    background: Annotated[
        bool,
        typer.Option(
            "--background",
            rich_help_panel=_WARM,
            help="Start a warm session: a browser that stays open for the commands of this profile. It opens "
            "no port, and ends by itself.",
        ),
    ] = False,
    idle: Annotated[
        float | None,
        typer.Option(
            "--idle",
            metavar="MINUTES",
            rich_help_panel=_WARM,
            help="With --background: end after this time without a command. Default: 30 "
            "(HUGGINGCHAT_WARM_IDLE).",
        ),
    ] = None,
    stop: Annotated[
        bool, typer.Option("--stop", rich_help_panel=_WARM, help="End the warm session of this profile.")
    ] = False,
) -> None:
    """Answer programs that speak OpenAI's or Anthropic's protocol, through one signed-in browser.

    Clients need the key. It is printed once, when it is made; the state folder has only its hash.
    docs/doors.md says what each client needs, and what the endpoint does not do.

    The first Ctrl-C waits for running answers; the second one ends at once.

    --background starts a warm session instead: a browser for this profile that stays open and signed in.
    `ask`, `chat`, `models` and other commands then use it. With HUGGINGCHAT_WARM=1 the first command starts
    one by itself; with HUGGINGCHAT_WARM=0 a command uses none.
    """
    if background or stop or idle is not None:
        return warm.serve(options.to_settings(), background=background, stop=stop, idle=idle, json=json)
    _require_server()
    from huggingchat_agent.origin import is_loopback
    from huggingchat_agent.serve.recorded import RecordedChat
    from huggingchat_agent.serve.running import listen

    if not is_loopback(host) and not expose:
        raise UsageError(
            f"Other machines could reach {host}. Add --expose if they should: anyone who has the key can "
            "then use your account."
        )
    faults = choose_faults(cut, stall, status, message)
    if replay is not None:
        chat: HuggingChat = RecordedChat(
            **options.to_settings() | {"replay": replay, "faults": faults}, speed=speed
        )
    elif faults or speed != 1.0:
        raise UsageError("--speed and faults need a tape. Name one with --replay.")
    else:
        chat = HuggingChat(**options.to_settings())
    given: dict[str, Any] = {"lenient": lenient, "keep": keep, "limit": concurrency, "queue": queue}
    given["tool_emulation"] = tool_emulation
    given |= {"per_minute": _parse_rate(rate_limit), "waits": over_limit == "wait"}
    with contextlib.ExitStack() as stack:
        if journal is not None:
            given["journal"] = Journal(_write_to(stack.enter_context(_open_journal(journal))))
        listening = stack.enter_context(listen(host, port))
        if not is_loopback(host):
            console.warn(
                f"Other machines can reach {host}, and the connection is not encrypted. Put a server with "
                "TLS in front of it."
            )
        work = _serve(chat, listening, host, given, new_key=new_key, json=json)
        if not asyncio.run(work):
            raise SystemExit(INTERRUPTED)


def _open_journal(path: Path) -> BinaryIO:
    with explain_failure(UsageError, f"Cannot write {path}"):
        return path.open("ab", buffering=0)


def _write_to(file: BinaryIO) -> Callable[[Asked], None]:
    def write(asked: Asked) -> None:
        file.write(msgspec.json.encode(asked) + b"\n")

    return write


def _require_server() -> None:
    for name in ("starlette", "uvicorn", "httpcore"):
        if importlib.util.find_spec(name) is None:
            raise UsageError(
                f"`huggingchat serve` needs {name}. Install it: pip install 'huggingchat-agent[server]'."
            )


def _parse_rate(given: str | None) -> int | None:
    if given is None:
        return None
    number, _, unit = given.partition("/")
    if not number.isdecimal() or int(number) < 1 or unit not in ("", "min"):
        raise UsageError(f"--rate-limit is a number of requests a minute, such as 20/min, not {given!r}.")
    return int(number)


async def _serve(
    chat: HuggingChat,
    listening: socket.socket,
    host: str,
    given: dict[str, Any],
    *,
    new_key: bool,
    json: bool,
) -> bool:
    """Serve until Ctrl-C. False if answers were broken off."""
    from huggingchat_agent.serve.running import EndpointServer, handle_signals

    tape = chat.settings.replay
    where = f"the tape {tape}" if tape else redact.address(chat.settings.base_url)
    with console.show_progress(f"Opening {where}") as progress:
        async with chat:
            await chat.login()
            key, text = load_key(chat.settings.profile_folder, new=new_key)
            running = EndpointServer(chat, key, listening, host=host, **given)
            progress.stop()
            with handle_signals(running, console.say):
                _say_ready(running.url, text, where, json=json)
                await running.serve()
            return not running.aborted


def _say_ready(url: str, key: str | None, where: str, *, json: bool) -> None:
    """The address, and a key that was made now, on stdout; the rest on stderr."""
    if json:
        console.write_line(msgspec.json.encode({"url": url, "key": key}))  # one line: the command goes on
    else:
        console.print_facts([("Base URL", url), *([("API key", key)] if key else [])])
    if key:
        console.say("Keep the key: it is not shown again. `huggingchat serve --new-key` makes another one.")
    console.say(f"{where} answers. Ctrl-C waits for running answers, and ends.")
