"""A child that is forked inside a coroutine, and leaves it: the parent goes on as if nothing had happened."""

import subprocess
import sys
import textwrap

import pytest

from tests.faults.test_ends import site
from tests.faults.test_hung import run_forking

__all__ = ["site"]

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a child has no loop to share")

# The parent waits for a thread, then for what comes through a pipe. Both need what the child has left.
LOOP = """
    import asyncio, os, signal, sys
    from huggingchat_agent import forks

    async def main():
        loop = asyncio.get_running_loop()
        forks.keep_loop(loop)
        out, put = os.pipe()
        reader = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(out, "rb")
        )
        waiting = asyncio.create_task(reader.readline())
        kept = os.open(os.devnull, os.O_RDONLY)
        forks.keep_from_children(kept)
        await asyncio.sleep(0)
        child = os.fork()
        if child == 0:
            other = os.open(os.devnull, os.O_RDONLY)
            assert other != kept  # its number is not used again
            os.write(put, b"line\\n")
            try:
                await asyncio.to_thread(signal.sigtimedwait, [], 0.2)
                assert not waiting.done()  # the line is not for the child
            finally:
                {leave}
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        print(os.waitstatus_to_exitcode(status), await waiting, flush=True)
        transport.close()

    asyncio.run(main())
"""


@linux
@pytest.mark.parametrize(("leave", "code"), [("sys.exit(3)", 3), ("return", 0), ("os._exit(4)", 4)])
def test_child_neither_takes_nor_drops_what_the_loop_waits_for(leave, code):
    program = textwrap.dedent(LOOP).format(leave=leave)
    command = [sys.executable, "-W", "ignore::ResourceWarning", "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (ended.stdout, ended.stderr) == (f"{code} b'line\\n'\n", "")


# The child leaves by this, as its output would mix with the parent's.
CHILD = """
try:
    await chat.models()
except Exception as error:
    sys.exit(3 if "opened in another process" in str(error) else 1)
"""
PARENT = """
print(os.waitstatus_to_exitcode((await asyncio.to_thread(os.waitpid, child, 0))[1]), flush=True)
print(len(await chat.models()) > 0, flush=True)
"""


@linux
@pytest.mark.browser
@pytest.mark.soak
@pytest.mark.parametrize("engine", ["playwright", "nodriver"])
def test_next_call_works_after_a_child_has_left_the_coroutine(site, tmp_path, engine):
    child, parent = textwrap.indent(CHILD, 12 * " "), textwrap.indent(PARENT, 8 * " ")
    with run_forking(site, tmp_path, engine, child.strip(), parent.strip()) as process:
        said, _ = process.communicate(timeout=60)
    assert said.splitlines()[2:] == ["3", "True"]
    assert process.returncode == 0
