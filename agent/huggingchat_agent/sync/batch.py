"""Many prompts, without async."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from huggingchat_agent.batching import run
from huggingchat_agent.errors import UsageError
from huggingchat_agent.sync.chat import HuggingChat
from huggingchat_agent.sync.thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable

    from huggingchat_agent.batching.cluster import Cluster
    from huggingchat_agent.batching.items import Item, Result
    from huggingchat_agent.batching.journal import Journal
    from huggingchat_agent.choices import Via


def batch(
    prompts: Iterable[Item | str],
    *,
    chat: HuggingChat | None = None,
    cluster: Cluster | None = None,
    concurrency: int = 4,
    models: Iterable[str] = (),
    via: Via = "page",
    temporary: bool = False,
    journal: Journal | None = None,
    retry_failed: bool = False,
) -> Generator[Result, None, None]:
    """Ask all prompts, each in a conversation of its own, and yield the results as they come.

        from huggingchat_agent.sync import HuggingChat, batch

        with HuggingChat() as chat:
            chat.login()
            for result in batch(["Why is the sky blue?", "And the sea?"], chat=chat):
                print(result.id, result.text)

    It takes the same arguments as `huggingchat_agent.batch`. Items go on while the loop's body runs. Ending
    the iterator, also with `close`, stops those under way.
    """
    with ExitStack() as stack:
        if cluster is not None:
            thread = LoopThread("huggingchat batch")
            stack.callback(thread.stop)
            wait: Callable[[Coroutine[Any, Any, Any]], Any] = thread.run
        else:
            if chat is None:
                chat = stack.enter_context(HuggingChat())
                chat.login()
            wait = chat._run
        results = run.batch(
            prompts,
            chat=chat._inner if chat is not None else None,
            cluster=cluster,
            concurrency=concurrency,
            models=models,
            via=via,
            temporary=temporary,
            journal=journal,
            retry_failed=retry_failed,
        )
        try:
            while (result := wait(_get_next(results))) is not None:
                yield result
        finally:
            with suppress(UsageError):  # the chat was closed meanwhile, and the items ended with it
                wait(results.aclose())


async def _get_next(results: AsyncIterator[Result]) -> Result | None:
    return await anext(results, None)
