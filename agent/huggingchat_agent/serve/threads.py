"""Remembers across restarts which conversation a list of messages continues. The file holds hashes and ids,
no text. A row stands for the messages up to and including one answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from huggingchat_agent.serve.question import Message
    from huggingchat_agent.serve.tool_format import ToolCall

_SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
  prefix TEXT PRIMARY KEY,
  conversation TEXT NOT NULL,
  answer TEXT NOT NULL,
  follower TEXT NOT NULL DEFAULT '',
  turns INTEGER NOT NULL,
  at REAL NOT NULL
) WITHOUT ROWID
"""
KEPT = 90 * 86400.0  # seconds after which an unused row is deleted


class Thread(msgspec.Struct, frozen=True):
    """The conversation that has some messages, and the id of the answer that they end with.

    `follower` is the id of the user's message after it, "" if there is none yet.
    """

    conversation: str
    answer: str
    follower: str
    turns: int


class Threads:
    """The rows of a file. Without a file, they last until `close`.

    Close it at the end. Raises StorageError if the file cannot be used.
    """

    def __init__(self, path: Path | None) -> None:
        try:
            if path is not None:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._file = sqlite3.connect(path or ":memory:", isolation_level=None)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(_SCHEMA)
            self._file.execute("DELETE FROM threads WHERE at < ?", (time.time() - KEPT,))
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"Cannot use {path}: {error}. Remove it: it only remembers which conversation a client "
                "continues."
            ) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def find(self, prefix: str) -> Thread | None:
        """The thread of messages with this hash."""
        columns = "SELECT conversation, answer, follower, turns FROM threads WHERE prefix = ?"
        row = self._file.execute(columns, (prefix,)).fetchone()
        return Thread(*row) if row else None

    def add(self, prefix: str, conversation: str, answer: str, *, turns: int) -> None:
        """Remember the messages that end with an answer."""
        row = (prefix, conversation, answer, turns, time.time())
        self._file.execute(
            "INSERT OR REPLACE INTO threads (prefix, conversation, answer, turns, at) VALUES (?, ?, ?, ?, ?)",
            row,
        )

    def set_follower(self, prefix: str, message_id: str) -> None:
        """Remember which message came after those."""
        self._file.execute("UPDATE threads SET follower = ? WHERE prefix = ?", (message_id, prefix))

    def forget(self, conversation: str) -> None:
        """Forget a conversation that is gone."""
        self._file.execute("DELETE FROM threads WHERE conversation = ?", (conversation,))

    def find_one_shots(self, age: float) -> list[str]:
        """Conversations of one turn that nobody has continued for `age` seconds."""
        rows = self._file.execute(
            "SELECT conversation FROM threads GROUP BY conversation HAVING max(turns) = 1 AND max(at) < ?",
            (time.time() - age,),
        )
        return [row[0] for row in rows]


def hash_messages(scope: str, messages: Sequence[Message]) -> str:
    """A hash of messages. `scope` is what else must be equal: the key, the app, the model."""
    plain = [
        (
            each.role,
            each.text.strip(),
            [hashlib.sha256(picture.data).hexdigest() for picture in each.pictures],
            *map(_normalize, each.calls),
            *([each.result_of.id] if each.result_of else []),
        )
        for each in messages
    ]
    return hashlib.sha256(msgspec.json.encode((scope, plain))).hexdigest()


def _normalize(call: ToolCall) -> tuple[str, str, str]:
    """A call with its JSON in one fixed form: clients write it in different ways."""
    try:
        return call.id, call.name, json.dumps(json.loads(call.arguments), sort_keys=True)
    except ValueError:
        return call.id, call.name, call.arguments


def split_at_last_answer(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """The messages up to and including the last answer, and those after it."""
    ends = [number for number, each in enumerate(messages, 1) if each.role == "assistant"]
    last = ends[-1] if ends else 0
    return messages[:last], messages[last:]
