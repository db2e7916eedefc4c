"""A handler that ends the program has the chat close first."""

import asyncio

import pytest

from huggingchat_agent.chat.leaving import Leaving


@pytest.mark.parametrize("end", [SystemExit(7), KeyboardInterrupt()], ids=["exit", "interrupt"])
async def test_task_that_opened_the_chat_leaves_it_and_then_the_program_ends(end):
    leaving, opened, left = Leaving(), asyncio.Event(), []

    async def own():
        leaving.enter()
        opened.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            leaving.close()
            try:
                leaving.leave()
            except (SystemExit, KeyboardInterrupt) as error:
                left.append(error)

    task = asyncio.create_task(own())
    await opened.wait()
    leaving.end_program(end)
    with pytest.raises(KeyboardInterrupt):  # another Ctrl-C meanwhile ends it at once
        leaving.end_program(KeyboardInterrupt())
    await task
    assert left == [end]


async def test_ctrl_c_while_the_task_is_cancelled_already_ends_the_program_at_once():
    leaving, opened = Leaving(), asyncio.Event()

    async def own():
        leaving.enter()
        opened.set()
        try:
            await asyncio.Event().wait()
        finally:
            leaving.leave()

    task = asyncio.create_task(own())
    await opened.wait()
    task.cancel()
    with pytest.raises(KeyboardInterrupt):
        leaving.end_program(KeyboardInterrupt())
    await asyncio.gather(task, return_exceptions=True)
