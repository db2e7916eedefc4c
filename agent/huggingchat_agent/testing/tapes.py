"""Where the answers of a test come from: its tape, the app, or the app with a tape running."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import pytest

from huggingchat_agent.settings import Record
from huggingchat_agent.testing import markers, observations, plugin_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SUFFIX = ".tape"


class Plan(NamedTuple):
    """`tape` is played in "replay", made in "record", and None in "live"."""

    does: Literal["replay", "record", "live"]
    tape: Path | None


def played(item: pytest.Function, folder: Path) -> bool:
    """Whether a test is answered by its tape, and no browser started."""
    chosen = markers.of(item)
    return chosen.mode == "replay" or (chosen.mode == "once" and path_of(item, chosen.tape, folder).exists())


def plan(item: pytest.Function, folder: Path) -> Plan:
    """What is to be done for a test. Fails it where its tape is missing."""
    __tracebackhide__ = True
    chosen = markers.of(item)
    if chosen.mode == "live":
        return Plan("live", None)
    tape = path_of(item, chosen.tape, folder)
    if not played(item, folder):
        return Plan("record", tape)
    if not tape.exists():
        pytest.fail(
            f"There is no tape of this test: {tape}\n"
            "Without one nothing can be answered in replay, which never uses the network. Record it with:\n"
            f"    {markers.command(item, 'once')}",
            pytrace=False,
        )
    return Plan("replay", tape)


def path_of(item: pytest.Function, name: str | Path | None, folder: Path) -> Path:
    """The tape of a test: by the marker's name or path, else called as the test is."""
    if isinstance(name, Path) or (name is not None and ("/" in name or name.endswith(SUFFIX))):
        return item.path.parent / name
    if name is None:
        name = item.nodeid.partition("::")[2].replace("::", ".")
    return folder / f"{plugin_options.file_name(name)}{SUFFIX}"


@contextlib.contextmanager
def running(
    item: pytest.Function, given: Mapping[str, Any], folder: Path, home: Path
) -> Iterator[dict[str, Any]]:
    """The settings of a chat for this test, its tape included, and the tape put away after it.

    A tape is kept when the test passed. What one that failed, or was interrupted, has recorded goes to the
    output folder, and the tape of before stays as it was.
    """
    chosen = plan(item, folder)
    settings = dict(given)
    settings.pop("record", None)
    faults = markers.of(item).faults
    notes = observations.of(item)
    if chosen.does == "replay":
        notes.tape = chosen.tape
        yield {**settings, "replay": chosen.tape, "faults": faults}
        return
    if faults:
        raise pytest.UsageError(
            f"{item.nodeid}: faults= go wrong on a tape, and this test runs without (mode {chosen.does!r})."
        )
    plugin_options.tell_unheeded(item)
    draft = home / "tapes" / f"{plugin_options.file_name(item.nodeid)}{SUFFIX}"
    draft.parent.mkdir(parents=True, exist_ok=True)
    left = plugin_options.output_folder(item) / f"huggingchat{SUFFIX}"
    notes.tape = left
    wanted = given.get("record")
    record = wanted if isinstance(wanted, Record) else Record(draft, pictures=chosen.does == "record")
    try:
        yield {**settings, "record": msgspec.structs.replace(record, path=draft)}
    finally:
        if draft.exists():
            if not notes.passed:
                _move(draft, left)
            elif chosen.tape is not None:
                _move(draft, chosen.tape)
            else:
                draft.unlink()


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")  # beside it, for the two may be on different disks
    shutil.move(source, part)
    part.replace(target)
