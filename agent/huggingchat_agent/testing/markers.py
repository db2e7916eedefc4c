"""The choices of a test's marker and of the run's options."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest

from huggingchat_agent.pytest_plugin import MODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.choices import Mode


_TYPES = {
    "tape": (str, Path),
    "mode": (str,),
    "model": (str,),
    "keep": (bool,),
    "faults": (list, tuple),
    "speed": (int, float),
}


class MarkerArgs(NamedTuple):
    """`tape` is a name or a path; None names it after the test. `keep` leaves conversations on the server.

    `faults` (see `playback.faults`) are staged in replay. `speed` is that of `huggingchat_endpoint`.
    """

    mode: Mode
    tape: str | Path | None
    model: str | None
    keep: bool
    faults: tuple[Any, ...]
    speed: float


def read_marker(item: pytest.Item) -> MarkerArgs:
    """The choices for a test. The closest marker beats the command line, which beats the ini file, whose
    default is "replay".

    Several markers (of a module and of a test) are merged. Raises UsageError for an unknown argument.
    """
    __tracebackhide__ = True
    given: dict[str, object] = {}
    for marker in reversed(list(item.iter_markers("huggingchat"))):
        _check_marker(item, marker)
        given |= marker.kwargs
    mode = (
        given.get("mode")
        or item.config.getoption("huggingchat_mode")
        or item.config.getini("huggingchat_mode")
    )
    return MarkerArgs(
        mode=cast("Mode", mode),
        tape=cast("str | Path | None", given.get("tape")),
        model=cast("str | None", given.get("model")),
        faults=tuple(cast("Sequence[Any]", given.get("faults", ()))),
        speed=cast("float", given.get("speed", 1.0)),
        keep=bool(given.get("keep", item.config.getoption("huggingchat_keep"))),
    )


def check_markers(items: Sequence[pytest.Item]) -> None:
    """Raise UsageError with every mistake in the tests' markers, each once."""
    wrong: dict[str, str] = {}
    for item in items:
        try:
            read_marker(item)
        except pytest.UsageError as error:
            wrong.setdefault(str(error).removeprefix(item.nodeid), str(error))
    if wrong:
        raise pytest.UsageError(*wrong.values())


def make_rerun_command(item: pytest.Item, mode: str) -> str:
    """The command that runs this test in another mode."""
    return f"{Path(sys.executable).name} -m pytest {shlex.quote(item.nodeid)} --huggingchat-mode={mode}"


def _check_marker(item: pytest.Item, marker: pytest.Mark) -> None:
    __tracebackhide__ = True
    allowed = ", ".join(f"{name}=" for name in _TYPES)
    if marker.args:
        raise pytest.UsageError(
            f"{item.nodeid}: the marker huggingchat takes no positional arguments, but got {marker.args!r}. "
            f"It takes {allowed}."
        )
    for name, value in marker.kwargs.items():
        if name not in _TYPES:
            raise pytest.UsageError(f"{item.nodeid}: the marker huggingchat takes {allowed}, not {name}=.")
        if not isinstance(value, _TYPES[name]):
            kinds = " or ".join(each.__name__ for each in _TYPES[name])
            raise pytest.UsageError(
                f"{item.nodeid}: huggingchat({name}=...) must be of type {kinds}, not {value!r}."
            )
    mode = marker.kwargs.get("mode")
    if mode is not None and mode not in MODES:
        raise pytest.UsageError(
            f"{item.nodeid}: huggingchat(mode=...) must be one of {', '.join(MODES)}, not {mode!r}."
        )
