"""Which models llm knows without asking the app: a list in the state folder."""

from __future__ import annotations

import contextlib

import msgspec

from huggingchat_agent.errors import AgentError
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state.storage import write_private

PREFIX = "huggingchat/"
ROUTER = "omni"  # the app's name for its router

_FILE = "llm-models.json"


def read_known() -> list[str]:
    """Their ids, the router first. A list that cannot be read is an empty one: llm starts without it."""
    found: list[str] = []
    with contextlib.suppress(OSError, AgentError, msgspec.MsgspecError):
        found = msgspec.json.decode((make_settings().profile_folder / _FILE).read_bytes(), type=list[str])
    return list(dict.fromkeys([ROUTER, *found]))


def write_known(ids: list[str]) -> None:
    """Keep the list. Raises StorageError."""
    folder = make_settings().profile_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / _FILE, msgspec.json.encode(ids))
