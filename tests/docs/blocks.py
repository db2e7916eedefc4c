"""The code blocks in README and docs, and those that no test runs, each with the reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(^|\| )([A-Z_]+=\S+ )*huggingchat ")

# A part of a block or of a line of shell, and why it is not run here.
EXCEPTIONS = {
    "from hugchat import hugchat": "another package's program",
    "from openai import OpenAI": "another package's client: tests/serve/test_clients.py runs it",
    "from anthropic import Anthropic": "another package's client: tests/serve/test_clients.py runs it",
    '["my-program"]': "a program that is not here: tests/serve/test_replay.py uses the fixture",
    "huggingchat mcp": "talks to a client until that leaves: tests/serve/test_clients.py",
    "huggingchat serve": "runs until Ctrl-C: tests/serve/test_command.py",
    "from g4f.client": "tests/provider/test_g4f.py runs it, with g4f in an environment of its own",
    "import AuthResult, FinishReason": "tests/provider/test_examples.py runs it",
    "chat.create_conversation(model=models[0])": "tests/provider/test_examples.py runs it",
    "on_tape(": "takes a browser of its own: tests/playback/test_on_tape.py",
    "huggingchat login --username ada": "asks for a password at a terminal: tests/cli/test_account.py",
    "--headed": "opens a window for a person: tests/signin/test_person.py",
    "--dask": "asks the workers of a cluster: tests/batching/test_cluster.py",
    "--bind": "waits for a person: tests/own_browser/test_bind.py",
    "--from-browser": "takes a person's browser: tests/own_browser/test_from_browser.py",
    "--connect auto": "takes a person's running browser: tests/own_browser/test_running.py",
    "huggingchat record": "opens a window for a person: tests/tape/test_person.py",
    "huggingchat chat": "talks at a terminal: tests/cli/test_chat.py",
    "--base-url https://chat.example.org": "a site that is not here",
    "huggingchat doctor": "walks through an app: tests/doctor",
    "huggingchat logout": "ends the session of the others: tests/cli/test_account.py",
    "huggingchat conversations delete --all": "asks at a terminal: tests/cli/test_conversations.py",
    "huggingchat profiles remove work": "a profile that is not here: tests/cli/test_profiles.py",
    "--profile work": "a profile that is not here: tests/cli/test_profiles.py",
    "replay run.tape --browser": "takes a browser of its own: tests/playback/test_on_tape.py",
}


class Block(NamedTuple):
    page: str
    line: int
    language: str
    section: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def excepted(self) -> str | None:
        """The `EXCEPTIONS` in it."""
        return next((part for part in EXCEPTIONS if part in self.text), None)


def blocks(language: str) -> list[Block]:
    """All blocks in that language, page by page."""
    found = []
    for path in PAGES:
        text = path.read_text()
        for match in _FENCE.finditer(text):
            if match[1] == language:
                before = text[: match.start()]
                section = (re.findall(r"^#+ (.*)", before, re.MULTILINE) or [""])[-1]
                line = before.count("\n") + 2
                found.append(Block(path.relative_to(ROOT).as_posix(), line, language, section, match[2]))
    return found


def commands() -> list[Block]:
    """Each line of shell that runs `huggingchat`, once."""
    lines: dict[str, Block] = {}
    for block in blocks("sh"):
        for number, line in enumerate(block.text.splitlines(keepends=True)):
            if _COMMAND.search(line):
                where = block._replace(line=block.line + number, text=line)
                lines.setdefault(re.sub(r"\s+#.*", "", line).strip(), where)
    return list(lines.values())
