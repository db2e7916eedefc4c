"""An event loop in its own thread, and work that it posts back to the threads that wait."""

from __future__ import annotations

import asyncio
import collections
import os
import queue
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from huggingchat_agent import forks
from huggingchat_agent.errors import UsageError
from huggingchat_agent.sync import deadlock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

# Windows does not wake a waiting main thread for Ctrl-C, so it looks up now and then.
_LOOK_UP = 0.2 if sys.platform == "win32" else None

# Seconds that a job gets to clean up after a Ctrl-C.
CANCEL_PATIENCE = 12.0

JOIN_PATIENCE = 5.0


def ends_program(error: BaseException | None) -> bool:
    """Whether a block is left because the program ends. No more handlers are called then."""
    return isinstance(error, KeyboardInterrupt | SystemExit)


class Job(Generic[T]):
    """A coroutine that runs in the loop. `done` and the outcome may be read from any thread."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.coroutine = coroutine
        self.task: asyncio.Task[T] | None = None
        self.done = False
        # How much work had been posted when it was done. All of it runs before the job counts as done.
        self.posted = 0

    def result(self) -> T:
        """What the coroutine returned; raises what it raised."""
        assert self.task is not None
        return self.task.result()

    def start(self, finished: Callable[[Job[T]], None]) -> None:
        """In the loop: run it, and call `finished` when it is done."""
        if not self.done:
            self.task = asyncio.get_running_loop().create_task(self.coroutine)
            self.task.add_done_callback(lambda _: finished(self))

    def cancel(self, finished: Callable[[Job[T]], None]) -> None:
        """In the loop: end it, even if an interrupt came before it was started."""
        if self.task is not None:
            self.task.cancel()
        elif not self.done:
            self.coroutine.close()
            finished(self)


class LoopThread:
    """Runs coroutines for threads that have no event loop, or a busy one.

    `post` keeps work for the callers. A thread that waits in `wait` or `run` does it, in order, one piece
    at a time; the loop's thread never does. While a piece of work itself waits, no other work is done. If a
    piece of work waits for a thread that waits here, that thread's wait raises UsageError.

    In a forked child process there is no such thread. Everything raises UsageError there.
    """

    def __init__(self, name: str) -> None:
        self._lock = threading.Lock()
        self._work: collections.deque[Callable[[], Any]] = collections.deque()
        self._worker: int | None = None  # the thread that is doing posted work
        self._posted = 0
        self._waiters: set[queue.SimpleQueue[None]] = set()
        self._finished = False
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run_loop, name=name, daemon=True)
        self._thread.start()
        self._wait(lambda: self._loop is not None or self.over, None)

    def run(self, coroutine: Coroutine[Any, Any, T], *, timeout: float | None = None, work: bool = True) -> T:
        """Run a coroutine in the loop, do posted work meanwhile (or none), and return its result.

        If the wait is interrupted (by Ctrl-C, or by an exception from posted work), the coroutine is
        cancelled and awaited first. Raises TimeoutError after `timeout` seconds; the coroutine is then
        cancelled and not awaited.
        """
        job = Job(coroutine)
        try:
            self._start(job)
            in_time = (
                self.wait(job, timeout=timeout)
                if work
                else self._wait(lambda: job.done or self.over, timeout, work=False)
            )
        except BaseException:
            self._cancel(job)
            self._wait(lambda: job.done or self.over, CANCEL_PATIENCE, work=False)
            raise
        if not in_time:
            self._cancel(job)
            raise TimeoutError
        if not job.done:
            raise self._make_closed_error()
        return job.result()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Job[T]:
        """Start a coroutine in the loop. Raises UsageError when the loop has ended."""
        job = Job(coroutine)
        self._start(job)
        return job

    def wait(self, job: Job[Any], *, timeout: float | None = None) -> bool:
        """Wait for a job, and for all work posted before it was done. False if the time was over first."""
        nested = self._worker == threading.get_ident()
        return self.wait_until(lambda: job.done and (nested or self._has_done(job.posted)), timeout=timeout)

    def wait_until(self, condition: Callable[[], bool], *, timeout: float | None = None) -> bool:
        """Do posted work until the condition holds; False if the time was over first.

        It checks the condition after each piece of work, and when a job is done. Raises UsageError when
        the loop has ended and the condition does not hold.
        """
        met = self._wait(lambda: condition() or self._ended, timeout)
        if met and not condition():
            raise self._make_closed_error()
        return met

    def post(self, work: Callable[[], Any]) -> None:
        """Keep work for the threads that wait. For the loop's thread."""
        with self._lock:
            self._posted += 1
            self._work.append(work)
        self._wake()

    def call_soon(self, function: Callable[[], object]) -> bool:
        """Have the loop call a function soon, without waiting. False when the loop has ended."""
        if self._loop is None or self.over:
            return False
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:  # it closed just now
            return False
        return True

    def stop(self) -> None:
        """End the loop and cancel what still runs there. Stopping twice is fine."""
        if self.call_soon(self._stop.set):
            self._thread.join(JOIN_PATIENCE)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop itself, for callers that wait in a loop of their own. It may have ended."""
        assert self._loop is not None
        return self._loop

    @property
    def over(self) -> bool:
        """Whether the loop has ended, or is that of the parent process."""
        return self._finished or self._forked

    @property
    def _forked(self) -> bool:
        return os.getpid() != self._process

    @property
    def _ended(self) -> bool:
        return self.over and (self._forked or not self._work)

    def _has_done(self, count: int) -> bool:
        """Whether the first `count` pieces of posted work are done."""
        return self._worker is None and self._posted - len(self._work) >= count

    def _wait(self, condition: Callable[[], bool], timeout: float | None, *, work: bool = True) -> bool:
        if self._forked:  # a thread that is not here may hold the lock
            return True
        me = threading.get_ident()
        work = work and self._worker != me
        handlers = deadlock.Watch()
        end = None if timeout is None else time.monotonic() + timeout
        # A queue rather than a condition variable: interrupting its `get` leaves no lock half held.
        waiter: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._waiters.add(waiter)
        try:
            while True:
                with self._lock:
                    if condition():
                        return True
                    todo = None
                    if work and self._work and self._worker is None:
                        self._worker, todo = me, self._work.popleft()
                if todo is not None:
                    todo()
                    self._release(me)
                    continue
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return False
                handling = self._worker
                blocked = work and handling not in (None, me)
                limits = (left, _LOOK_UP, deadlock.LOOK_SECONDS if blocked else None)
                try:
                    waiter.get(timeout=min((each for each in limits if each is not None), default=None))
                except queue.Empty:
                    if blocked and handling is not None and handling == self._worker:
                        handlers.look(handling)
        finally:
            self._waiters.discard(waiter)
            if work:
                self._release(me)

    def _release(self, me: int) -> None:
        """Let another thread do posted work, if this one did it."""
        with self._lock:
            if self._worker == me:
                self._worker = None
        self._wake()

    def _wake(self) -> None:
        for waiter in tuple(self._waiters):
            waiter.put(None)

    def _start(self, job: Job[Any]) -> None:
        if not self.call_soon(lambda: job.start(self._finish)):
            job.coroutine.close()
            raise self._make_closed_error()

    def _finish(self, job: Job[Any]) -> None:
        with self._lock:
            job.posted = self._posted
            job.done = True
        self._wake()

    def _cancel(self, job: Job[Any]) -> None:
        self.call_soon(lambda: job.cancel(self._finish))

    def _run_loop(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._finished = True
            self._wake()

    def _make_closed_error(self) -> UsageError:
        if self._forked:
            return UsageError(forks.OTHER_PROCESS)
        return UsageError("This HuggingChat is closed. Make a new one.")

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        helpers = _Helpers()
        self._loop.set_default_executor(helpers)
        # asyncio starts a thread to end them, which Python 3.12 refuses while the interpreter ends.
        self._loop.shutdown_default_executor = helpers.end  # type: ignore[method-assign]
        self._wake()
        await self._stop.wait()


class _Helpers(ThreadPoolExecutor):
    """Threads for blocking calls. An interpreter that ends gives no threads: then the loop makes the calls.

    Some objects are closed only then, and a browser has files to remove.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            future: Future[T] = Future()
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # for the caller, as from a thread
                future.set_exception(error)
            return future

    async def end(self, timeout: float | None = None) -> None:
        """Wait for the threads; the loop has nothing else to do by then."""
        self.shutdown()
