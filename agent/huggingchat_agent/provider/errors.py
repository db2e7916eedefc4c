"""The errors of the provider, by the names its programs know; the agent's own is the cause of each."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from huggingchat_agent.errors import AgentError, BrowserMissing, LoginError, PageChanged, SettingsError
from huggingchat_agent.provider.g4f_classes import kin

if TYPE_CHECKING:
    from collections.abc import Iterator


class MissingAuthError(AgentError):
    """Nobody is signed in, or the app does not take the session it was given."""


class ResponseError(AgentError):
    """The app, or the browser, said no; the message holds its sentence."""


class MissingRequirementsError(AgentError):
    """Something has to be installed or set first; the message says what."""


# What each of the agent's errors is here; the closest base class counts.
_KINDS: dict[type, type[AgentError]] = {
    AgentError: ResponseError,
    LoginError: MissingAuthError,
    BrowserMissing: MissingRequirementsError,
    SettingsError: MissingRequirementsError,
}


def missing_auth(message: str) -> MissingAuthError:
    return kin(MissingAuthError)(message)


def refused(message: str) -> ResponseError:
    return kin(ResponseError)(message)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the agent's errors into the provider's. Nothing else is touched."""
    try:
        yield
    except (MissingAuthError, ResponseError, MissingRequirementsError):
        raise
    except AgentError as error:
        ours = next(_KINDS[each] for each in type(error).__mro__ if each in _KINDS)
        raise kin(ours)(str(error)) from error


@contextmanager
def ids_readable() -> Iterator[None]:
    """Turn a shape on the wire that is not known into the RuntimeError of an id that cannot be read."""
    try:
        yield
    except PageChanged as error:
        raise RuntimeError(str(error)) from error
