"""Where a test's answers come from: its tape, the app, or the app with a recorder."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import pytest

from huggingchat_agent import files
from huggingchat_agent.setting_values import Record
from huggingchat_agent.testing import markers, observations, plugin_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SUFFIX = ".tape"


class Plan(NamedTuple):
    """`tape` is played in "replay", recorded in "record", and None in "live"."""

    does: Literal["replay", "record", "live"]
    tape: Path | None


def plays_tape(item: pytest.Function, folder: Path) -> bool:
    """Whether the test's tape answers it, so that no browser is started."""
    chosen = markers.read_marker(item)
    return chosen.mode == "replay" or (
        chosen.mode == "once" and find_tape(item, chosen.tape, folder).exists()
    )


def make_plan(item: pytest.Function, folder: Path) -> Plan:
    """Decide what to do for a test. Fails the test if its tape is missing."""
    __tracebackhide__ = True
    chosen = markers.read_marker(item)
    if chosen.mode == "live":
        return Plan("live", None)
    tape = find_tape(item, chosen.tape, folder)
    if not plays_tape(item, folder):
        return Plan("record", tape)
    if not tape.exists():
        pytest.fail(
            f"There is no tape of this test: {tape}\n"
            "Replay answers from the tape and never uses the network. Record the tape with:\n"
            f"    {markers.make_rerun_command(item, 'once')}",
            pytrace=False,
        )
    return Plan("replay", tape)


def find_tape(item: pytest.Function, name: str | Path | None, folder: Path) -> Path:
    """The path of a test's tape: by the marker's name or path, else named after the test."""
    if isinstance(name, Path) or (name is not None and ("/" in name or name.endswith(SUFFIX))):
        return item.path.parent / name
    if name is None:
        name = item.nodeid.partition("::")[2].replace("::", ".")
    return folder / f"{plugin_options.make_file_name(name)}{SUFFIX}"


@contextlib.contextmanager
def run_on_tape(
    item: pytest.Function, given: Mapping[str, Any], folder: Path, home: Path
) -> Iterator[dict[str, Any]]:
    """The settings of the test's chat, tape included. Files the tape when the test is over.

    If the test passed, its recorded tape stays. If it failed or was interrupted, the recorded tape goes to
    the output folder and the old one stays unchanged.
    """
    chosen = make_plan(item, folder)
    settings = dict(given)
    settings.pop("record", None)
    faults = markers.read_marker(item).faults
    notes = observations.get_observations(item)
    if chosen.does == "replay":
        notes.tape = chosen.tape
        yield {**settings, "replay": chosen.tape, "faults": faults}
        return
    if faults:
        raise pytest.UsageError(
            f"{item.nodeid}: faults= need a played tape. This test plays none (mode {chosen.does!r})."
        )
    plugin_options.warn_unheeded(item)
    draft = home / "tapes" / f"{plugin_options.make_file_name(item.nodeid)}{SUFFIX}"
    draft.parent.mkdir(parents=True, exist_ok=True)
    left = plugin_options.find_output_folder(item) / f"huggingchat{SUFFIX}"
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
    files.write(target, source.read_bytes(), private=True)  # it may be on another disk
    source.unlink()
