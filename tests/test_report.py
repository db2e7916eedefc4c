"""What a failure leaves behind, and that leaving it does no harm."""

import errno
import logging
import os
from typing import Any

import pytest

from huggingchat_agent.browser.protocols import Snapshot
from huggingchat_agent.errors import BrowserClosed, PageChanged
from huggingchat_agent.redact import Secret
from huggingchat_agent.session import error_report


class Page:
    """A page of which only a snapshot is taken."""

    closed = False

    def __init__(self, tree='- button "Send"', fails=None):
        self.tree, self.fails = tree, fails

    async def take_snapshot(self):
        if self.fails:
            raise self.fails
        return Snapshot(b"a picture", self.tree)


def error():
    return PageChanged("The composer is not there.")


async def leave(failure, page: Any, folder):
    await error_report.leave_report(failure, page, folder)


async def test_report_leaves_picture_and_tree_and_says_where(tmp_path):
    Secret("horse-battery-7")
    failure = error()
    await leave(failure, Page("- text: horse-battery-7 \ud800"), tmp_path / "reports")
    assert failure.screenshot.read_bytes() == b"a picture"
    assert failure.snapshot.read_text() == "- text: [redacted] ?"
    assert str(failure.screenshot) in failure.__notes__[0]
    assert sorted((tmp_path / "reports").iterdir()) == sorted([failure.screenshot, failure.snapshot])


@pytest.mark.parametrize(
    "trouble", [BrowserClosed("gone"), OSError("no"), KeyError("data"), RuntimeError("token=abcdef")]
)
async def test_report_is_not_left_when_the_page_gives_no_picture(tmp_path, caplog, trouble):
    caplog.set_level(logging.WARNING)
    failure = error()
    await leave(failure, Page(fails=trouble), tmp_path)
    assert failure.screenshot is None
    assert type(trouble).__name__ in caplog.text
    assert "abcdef" not in caplog.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("whole", [0, 1])
async def test_report_leaves_no_half_of_it_when_the_disk_is_full(tmp_path, monkeypatch, whole):
    flush = os.fsync
    flushed: list[int] = []

    def fill_up(descriptor):
        if len(flushed) == whole:
            raise OSError(errno.ENOSPC, "No space left on device")
        flushed.append(descriptor)
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fill_up)
    failure = error()
    await leave(failure, Page(), tmp_path)
    assert failure.screenshot is None
    assert failure.snapshot is None
    assert list(tmp_path.iterdir()) == []


async def test_report_leaves_no_half_of_it_when_a_name_cannot_be_given(tmp_path, monkeypatch):
    replace = os.replace

    def refuse(source, target):
        if str(target).endswith(".txt"):
            raise PermissionError(target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    failure = error()
    await leave(failure, Page(), tmp_path)
    assert failure.screenshot is None
    assert list(tmp_path.iterdir()) == []


async def test_report_is_not_left_when_the_folder_is_a_file(tmp_path):
    (tmp_path / "reports").write_text("")
    await leave(error(), Page(), tmp_path / "reports")
    assert (tmp_path / "reports").read_text() == ""


async def test_report_makes_the_oldest_give_way(tmp_path, monkeypatch):
    monkeypatch.setattr(error_report, "KEPT", 3)
    (tmp_path / "mine.png").write_text("not a report")
    (tmp_path / ".20200101-000000-000000-PageChanged.png.part").write_text("of a killed program")
    failures = [error() for _ in range(5)]
    for failure in failures:
        await leave(failure, Page(), tmp_path)
    expected = {tmp_path / "mine.png"}
    expected |= {path for failure in failures[2:] for path in (failure.screenshot, failure.snapshot)}
    assert set(tmp_path.iterdir()) == expected
