"""The provider's errors, with the names that programs know. The agent's own error is the cause of each."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from huggingchat_agent.errors import AgentError, BrowserMissing, LoginError, PageChanged, SettingsError
from huggingchat_agent.provider.g4f_classes import mix_in_g4f

if TYPE_CHECKING:
    from collections.abc import Iterator


class MissingAuthError(AgentError):
    """Nobody is signed in, or the app does not accept the session."""


class ResponseError(AgentError):
    """The app or the browser refused. The message holds its sentence."""


class MissingRequirementsError(AgentError):
    """Something must be installed or set first. The message says what."""


# The provider's class for each of the agent's errors; the closest base class counts.
_KINDS: dict[type, type[AgentError]] = {
    AgentError: ResponseError,
    LoginError: MissingAuthError,
    BrowserMissing: MissingRequirementsError,
    SettingsError: MissingRequirementsError,
}


def make_response_error(message: str) -> ResponseError:
    return mix_in_g4f(ResponseError)(message)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn the agent's errors into the provider's, and nothing else."""
    try:
        yield
    except (MissingAuthError, ResponseError, MissingRequirementsError):
        raise
    except AgentError as error:
        ours = next(_KINDS[each] for each in type(error).__mro__ if each in _KINDS)
        raise mix_in_g4f(ours)(str(error)) from error


@contextmanager
def translate_page_changes() -> Iterator[None]:
    """Turn PageChanged into the RuntimeError that programs expect for an unreadable id."""
    try:
        yield
    except PageChanged as error:
        raise RuntimeError(str(error)) from error
