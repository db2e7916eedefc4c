"""Files that the app holds, and how to read their bytes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from huggingchat_agent.errors import UsageError
from huggingchat_agent.wire import purposes, requests

if TYPE_CHECKING:
    from huggingchat_agent.answer import File
    from huggingchat_agent.turn.app_protocol import App


def bind(file: File, app: App, conversation_id: str) -> File:
    """The file with the means to download it, in the running event loop.

    A file that holds its bytes is returned unchanged.
    """
    if file._held is not None:
        return file
    home = asyncio.get_running_loop()

    async def fetch() -> bytes:
        if asyncio.get_running_loop() is not home:
            raise UsageError(
                f"{file.name!r} belongs to another event loop. Without asyncio, read it by "
                "`conversation.file(...)`."
            )
        request = requests.build(purposes.ReadFile(conversation_id, file.sha))
        return await app.ask(request, conversation_id=conversation_id)

    return file._bind(fetch)
