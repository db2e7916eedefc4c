"""Asks the items of a batch on the workers of a Dask cluster. The journal stays here.

An item is two tasks: one makes its conversation, and one sends. Between them the journal notes the
conversation. So whatever happens to a worker, the next task for the item knows where to look first.
"""

from __future__ import annotations

import importlib.util
import uuid
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent import environment, redact
from huggingchat_agent.batching import cluster_worker
from huggingchat_agent.batching.asking import Begun, make_result
from huggingchat_agent.error_values import make_error
from huggingchat_agent.errors import AgentError, BrowserClosed, BrowserError, UsageError
from huggingchat_agent.origin import is_loopback
from huggingchat_agent.settings import make_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self, Unpack

    from huggingchat_agent.batching.cluster_worker import Reply
    from huggingchat_agent.batching.items import Item, Result
    from huggingchat_agent.choices import Via
    from huggingchat_agent.settings import Given

OWN_SETTINGS = {"base_url", "deadlines", "insecure"}

CONNECT_SECONDS = 10.0
WORKERS_SECONDS = 30.0  # until there is a worker


class Cluster:
    """The workers behind a Dask scheduler, each with a browser of its own. `batch` opens it, or `async with`.

    `address` is `tls://HOST:PORT`, with the certificates of Dask's own configuration, or `tcp://HOST:PORT` on
    this machine. `insecure=True` allows `tcp://` elsewhere. Anyone on the network there reads all prompts and
    answers, and can run programs on the workers.

    Of the settings it takes `base_url`, `deadlines` and `insecure`. The workers take all others, such as
    profile and session, from their own environment. Raises UsageError, and BrowserError if no scheduler or no
    worker answers.
    """

    def __init__(self, address: str, **given: Unpack[Given]) -> None:
        for name in sorted(given.keys() - OWN_SETTINGS):
            variable = environment.name_variable(name)
            raise UsageError(f"Each worker chooses {name} itself. Set {variable} where the workers start.")
        self.settings = make_settings(**given)
        self.address = _check_address(address, insecure=self.settings.insecure)
        if importlib.util.find_spec("distributed") is None:
            raise UsageError(
                "A cluster needs Dask. Install it: pip install 'huggingchat-agent[cluster]', here and on "
                "all workers."
            )
        self._client: Any = None
        self._stack = AsyncExitStack()

    def __repr__(self) -> str:
        return f"<Cluster {self.address}{'' if self.opened else ', not open'}>"

    @property
    def opened(self) -> bool:
        """Whether it is open."""
        return self._client is not None

    async def __aenter__(self) -> Self:
        from distributed import Client

        security = _make_security(self.address)
        try:
            client = Client(
                self.address,
                asynchronous=True,
                timeout=CONNECT_SECONDS,
                set_as_default=False,
                security=security,
            )
            self._client = await self._stack.enter_async_context(client)
        except (OSError, TimeoutError, ValueError) as error:
            why = redact.text(str(error)).rstrip(".")
            raise BrowserError(
                f"No Dask scheduler answers at {self.address}: {why}.",
                hint="Start one with `dask scheduler`.",
            ) from None
        try:
            await self._client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError:
            await self.__aexit__()
            raise BrowserError(
                f"The scheduler at {self.address} has no worker.",
                hint=f"Start some with `dask worker {self.address} --nthreads 4`.",
            ) from None
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client = None
        await self._stack.aclose()

    def make_asker(self, via: Via) -> ClusterAsker:
        """What asks on the workers."""
        if self._client is None:
            raise UsageError("This Cluster is not open. Use `async with Cluster(...) as cluster:`.")
        options = cluster_worker.Options(self.settings.base_url, via, self.settings.deadlines)
        return ClusterAsker(self._client, msgspec.json.encode(options))


class ClusterAsker:
    """Implements `asking.Asker`."""

    def __init__(self, client: Any, options: bytes) -> None:
        self._client, self._options = client, options
        self._makers: dict[str, str] = {}  # the worker of each conversation

    async def begin(self, item: Item) -> Begun | Result:
        try:
            reply = await self._run(cluster_worker.begin, msgspec.json.encode(item))
        except BrowserClosed as error:
            return make_result(item, error=error)
        if isinstance(reply, cluster_worker.Begun):
            self._makers[reply.conversation_id] = reply.worker
            return Begun(reply.conversation_id, reply.attempts)
        return reply.result

    async def answer(self, item: Item, conversation_id: str, *, earlier: bool) -> Result:
        maker = self._makers.pop(conversation_id, "")
        try:
            reply = await self._run(
                cluster_worker.answer, msgspec.json.encode(item), conversation_id, worker=maker
            )
        except BrowserClosed as error:
            return make_result(item, conversation_id, error=error)
        # Only now: as long as a task may be on its way, the scheduler must know its lease.
        await self._client.scheduler.semaphore_close(name=cluster_worker.name_lease(conversation_id))
        assert isinstance(reply, cluster_worker.Finished)
        return reply.result

    async def delete(self, conversation_id: str) -> None:
        await self._run(cluster_worker.delete, conversation_id)

    async def _run(
        self, step: Callable[..., Awaitable[bytes]], *arguments: bytes | str, worker: str = ""
    ) -> cluster_worker.Begun | cluster_worker.Finished:
        """Run a step on a worker, on the given one if it lives. Raises BrowserClosed if it killed workers."""
        from distributed import CancelledError, KilledWorker

        future = self._client.submit(
            step,
            self._options,
            *arguments,
            key=f"huggingchat-{step.__name__}-{uuid.uuid4().hex}",
            workers=[worker] if worker else None,
            allow_other_workers=bool(worker),
            retries=0,  # the rule is in the step itself
            pure=False,
        )
        why = ""
        try:
            written = await future
        except KilledWorker as killed:
            why = f"The workers that had it died, {killed.allowed_failures + 1} in all."
        except (CancelledError, OSError) as lost:
            raise BrowserError(f"The scheduler is gone: {redact.text(str(lost))}") from None
        finally:
            future.release()
        if why:
            raise BrowserClosed(why)
        reply: Reply = msgspec.json.decode(written, type=cluster_worker.Reply)
        if isinstance(reply, cluster_worker.Broken):
            error = make_error(reply.fault)
            if not isinstance(error, AgentError):
                error = BrowserError(f"A step failed: {reply.fault.message}")
            error.message = f"Worker {reply.worker}: {error.message}"
            raise error
        return reply


def _make_security(address: str) -> Any:
    """The certificates of Dask's configuration. Raises UsageError if tls:// has none that can be read."""
    from distributed import Security

    security, why = Security(), "none is configured"
    if address.startswith("tcp:"):
        return security
    try:
        if security.get_connection_args("client").get("ssl_context") is not None:
            return security
    except OSError as error:  # ssl.SSLError too
        why = redact.text(str(error)).rstrip(".")
    raise UsageError(
        f"{address} needs Dask's certificates: {why}.",
        hint="Set DASK_DISTRIBUTED__COMM__TLS__CA_FILE, and CERT and KEY under ..._TLS__CLIENT__.",
    )


def _check_address(address: str, *, insecure: bool) -> str:
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("tcp", "tls") and parts.hostname and parts.port
    except ValueError:
        good = False
    if not good:
        raise UsageError(
            f"{address!r} is not the address of a Dask scheduler. Give it like tcp://127.0.0.1:8786."
        )
    if parts.scheme == "tcp" and not is_loopback(parts.hostname or "") and not insecure:
        raise UsageError(
            f"{address} is on another machine, and tcp:// is not encrypted. Use tls:// with certificates.",
            hint="If you trust the network, set insecure=True.",
            shell_hint="If you trust the network, add --insecure.",
        )
    return address
