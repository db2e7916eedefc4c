"""Reads the files that a failure left behind."""

from huggingchat_agent.errors import AgentError


def read_picture(error: AgentError) -> bytes:
    """The screenshot an error carries; a PNG."""
    assert error.screenshot is not None
    return error.screenshot.read_bytes()


def read_tree(error: AgentError) -> str:
    """The accessibility tree an error carries."""
    assert error.snapshot is not None
    return error.snapshot.read_text()
