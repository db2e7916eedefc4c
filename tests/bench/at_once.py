"""Many conversations at the same time in one session, beside an HTTP client that has them all.

`python -m tests.bench.at_once ROUNDS ENGINE` prints it alone. Every answer has 50 tokens, 20 ms apart. By
page all of them come through one tab, by ui each has a tab of its own. The stand-in speaks HTTP/2 here.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import httpx
from rich.console import Console
from rich.progress import Progress

from huggingchat_agent import HuggingChat
from tests.bench.processes import megabytes, spent
from tests.bench.standin import open_site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from huggingchat_agent.choices import EngineName, Via

    # Sends a message, calls back with each token, and returns after the answer.
    Sender = Callable[[Callable[[str], None]], Awaitable[None]]

COUNTS: dict[Via, tuple[int, ...]] = {"page": (1, 8, 32, 64), "ui": (1, 4, 8)}
TOKENS, PACE_MS = 50, 20
STEP = 120.0  # seconds for a page: several load at the same time
LOOK = 0.5  # seconds after the first token, when the memory is measured


class Batch(NamedTuple):
    """Some answers at the same time."""

    seconds: float  # from the first call of send to the last token of all
    late: float  # seconds from the site to the handler, at p99
    fairness: float  # the first answer's time to its end, divided by the last one's
    cpu: float  # seconds of all processes, the site's too

    @property
    def per_second(self) -> float:
        """Tokens, over the time that the site takes to say them."""
        return TOKENS / self.seconds


class Figures:
    """By way and number of conversations: raw's batches, the agent's, and MB of memory."""

    def __init__(self) -> None:
        self.raw: dict[str, list[Batch]] = {}
        self.agent: dict[str, list[Batch]] = {}
        self.megabytes: dict[str, float] = {}
        self.protocol = "HTTP/2"


class RawClient:
    """The same calls as `tests.raw`, over HTTP/2 if the app speaks it."""

    def __init__(self, base_url: str, cookies: dict[str, str], *, verify: bool) -> None:
        self._origin = "/".join(base_url.split("/")[:3])
        self._base = base_url
        self.protocol = ""
        self.http = httpx.AsyncClient(
            http2=True, verify=verify, cookies=cookies, timeout=60, limits=httpx.Limits(), trust_env=False
        )

    async def create(self, model: str) -> str:
        answer = await self.http.post(f"{self._base}/conversation", json={"model": model})
        self.protocol = answer.http_version
        return str(answer.json()["conversationId"])

    async def read_leaf(self, conversation_id: str) -> str:
        answer = await self.http.get(f"{self._base}/api/v2/conversations/{conversation_id}")
        return str(answer.json()["json"]["messages"][-1]["id"])

    async def send(self, conversation_id: str, prompt: str, on_token: Callable[[str], None]) -> None:
        """As the agent by page: it reads the conversation after the answer."""
        data = {"inputs": prompt, "id": await self.read_leaf(conversation_id), "is_retry": False}
        data |= {"is_continue": False, "generationId": str(uuid.uuid4())}
        url = f"{self._base}/conversation/{conversation_id}"
        async with self.http.stream(
            "POST", url, files={"data": (None, json.dumps(data))}, headers={"Origin": self._origin}
        ) as answer:
            async for line in answer.aiter_lines():
                update = json.loads(line) if line.strip() else {}
                if update.get("type") == "stream":
                    on_token(update["token"].rstrip("\0"))
        await self.read_leaf(conversation_id)


class Sides:
    """Raw and a chat with the same account."""

    def __init__(self, chat: HuggingChat, raw: RawClient, model: str) -> None:
        self.chat, self.raw, self._model = chat, raw, model
        self._made: list[str] = []

    async def make(self, count: int, via: Via | Literal["raw"], tokens: int = TOKENS) -> list[Sender]:
        """What sends a message in a conversation of its own, and returns after the answer."""
        prompt = f"count {tokens} every {PACE_MS}"

        async def by_raw(conversation_id: str, on_token: Callable[[str], None]) -> None:
            await self.raw.send(conversation_id, prompt, on_token)

        async def by_agent(conversation_id: str, on_token: Callable[[str], None]) -> None:
            assert via != "raw"
            reply = self.chat.conversation(conversation_id).send(prompt, via=via)
            reply.on("token", lambda event: on_token(event.text))
            await reply

        made = [await self.raw.create(self._model) for _ in range(count)]
        self._made += made
        return [functools.partial(by_raw if via == "raw" else by_agent, each) for each in made]

    async def delete_made(self) -> None:
        """Delete the conversations: a database may become slower with each, and the account is somebody's."""
        await self.chat.delete_conversations(self._made, confirmed=len(self._made))
        self._made.clear()


@contextlib.asynccontextmanager
async def open_sides(
    base_url: str, engine: EngineName, *, app: bool = False, **more: Any
) -> AsyncIterator[Sides]:
    """Both, signed in. `more` are settings of the chat. With `app` it is not the stand-in, and the account is
    that of the environment."""
    settings: dict[str, Any] = {"engine": engine, "base_url": base_url, "step_timeout": STEP, **more}
    if not app:  # the stand-in's certificate is of its own authority
        settings |= {"username": "ada", "password": "correct horse"}
        settings["browser_args"] = ["--ignore-certificate-errors"]
    with tempfile.TemporaryDirectory() as home:
        async with HuggingChat(**settings, home=Path(home)) as chat:
            await chat.login()
            state = await chat._session.read_state()
            cookies = {each["name"]: each["value"] for each in state["cookies"]}
            raw = RawClient(base_url, cookies, verify=app)
            async with raw.http:
                yield Sides(chat, raw, (await chat.models())[0].id)


async def send_all(
    senders: Sequence[Sender], *, tokens: int = TOKENS, note_first: Callable[[], object] = lambda: None
) -> Batch:
    """Send them all at the same time. Fails if a token is missing or out of order."""
    latencies: list[float] = []
    ends: list[float] = []
    before = spent()
    begun = time.perf_counter()

    async def send(each: Sender) -> None:
        numbers: list[int] = []

        def on_token(text: str) -> None:
            number, _, sent = text.strip().partition("@")
            if not sent:
                return
            latencies.append(time.time() - float(sent))
            numbers.append(int(number))
            if len(numbers) == tokens:
                ends.append(time.perf_counter() - begun)
            note_first()

        await each(on_token)
        assert numbers == [*range(tokens)], numbers

    await asyncio.gather(*map(send, senders))
    late = sorted(latencies)[int(0.99 * len(latencies))]
    return Batch(max(ends), late, min(ends) / max(ends), spent().since(before).every)


async def measure(base_url: str, engine: EngineName, rounds: int, *, app: bool = False) -> Figures:
    """Raw and agent take turns. Each way has a session of its own, so that no tabs of the other are open.

    The first round warms up and does not count.
    """
    figures = Figures()
    work = (rounds + 1) * sum(map(len, COUNTS.values()))
    async with show_progress(f"at once, {engine}", work) as advance:
        for via in COUNTS:
            async with open_sides(base_url, engine, app=app) as sides:
                await _measure_way(figures, sides, via, rounds, advance)
    return figures


async def _measure_way(
    figures: Figures, sides: Sides, via: Via, rounds: int, advance: Callable[[], object]
) -> None:
    for number in range(rounds + 1):
        for count in COUNTS[via]:
            one = await send_all(await sides.make(count, "raw"))
            two = await send_all(await sides.make(count, via))
            advance()
            if number:
                figures.raw.setdefault(f"{via} {count}", []).append(one)
                figures.agent.setdefault(f"{via} {count}", []).append(two)
        await sides.delete_made()
    for count in (COUNTS[via][0], COUNTS[via][-1]):
        figures.megabytes[f"{via} {count}"] = await _weigh(await sides.make(count, via))
    await sides.delete_made()
    figures.protocol = sides.raw.protocol


@contextlib.asynccontextmanager
async def show_progress(what: str, total: int) -> AsyncIterator[Callable[[], object]]:
    """A bar on stderr. Gives what advances it."""
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


async def _weigh(senders: Sequence[Sender]) -> float:
    """The memory of all processes while these answers come in."""
    begun = asyncio.Event()
    sending = asyncio.create_task(send_all(senders, note_first=begun.set))
    await begun.wait()
    await asyncio.sleep(LOOK)  # a moment in the middle of the answers
    found = await asyncio.to_thread(megabytes)
    await sending
    return found


def report(figures: Figures) -> list[str]:
    """Lines of Markdown: medians of the rounds."""
    rounds = len(next(iter(figures.agent.values())))
    lines = [
        f"Over {figures.protocol}, median of {rounds} rounds.",
        "",
        "| at once | raw, s | agent, s | raw, tokens/s | agent, tokens/s | agent / raw | raw p99, ms "
        "| agent p99, ms | first to end / last | raw, CPU s | agent, CPU s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, batches in figures.agent.items():
        via, count = name.split()
        one, two = (_take_median(each) for each in (figures.raw[name], batches))
        p99s = f"{1000 * one.late:.0f} | {1000 * two.late:.0f}"
        speeds = [int(count) * each.per_second for each in (one, two)]
        lines.append(
            f"| {count} by {via} | {one.seconds:.2f} | {two.seconds:.2f} | {speeds[0]:,.0f} "
            f"| {speeds[1]:,.0f} | {speeds[1] / speeds[0]:.2f} | {p99s} "
            f"| {two.fairness:.2f} | {one.cpu:.2f} | {two.cpu:.2f} |"
        )
    lines.append("")
    for via, counts in COUNTS.items():
        few, many = counts[0], counts[-1]
        more = figures.megabytes[f"{via} {many}"] - figures.megabytes[f"{via} {few}"]
        lines.append(
            f"A further conversation by {via} takes {more / (many - few):.1f} MB of all processes (Pss, "
            f"while the answers of {few} and of {many} came in)."
        )
    return lines


def _take_median(batches: list[Batch]) -> Batch:
    return Batch(*(statistics.median(values) for values in zip(*batches, strict=True)))


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    engine: Any = sys.argv[2] if len(sys.argv) > 2 else "playwright"
    with open_site("--tls") as base_url:
        figures = asyncio.run(measure(base_url, engine, rounds))
    sys.stdout.write("\n".join([*report(figures), ""]))


if __name__ == "__main__":
    main()
