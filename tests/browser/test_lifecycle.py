"""Starting, losing and closing browsers: every failure is reported, and nothing stays behind."""

import asyncio
import os
import signal
import tempfile
import time
from pathlib import Path

import msgspec
import pytest

from huggingchat_agent.browser import process_tag
from huggingchat_agent.browser.protocols import Control
from huggingchat_agent.errors import BrowserClosed, BrowserError, BrowserMissing, BrowserTimeout, SiteError
from huggingchat_agent.exchange import Failed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not Path("/proc").exists(), reason="processes are counted by /proc"),
]


@pytest.fixture
def temporary(monkeypatch):
    """A folder that drivers and browsers take for the temporary one; its path short, as they need it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


@pytest.fixture
def next_tag(monkeypatch):
    """The tag that the next browser gets."""
    known = process_tag.make_tag()
    monkeypatch.setattr(process_tag, "make_tag", lambda: known)
    return known


def get_group(browser):
    return browser._group if hasattr(browser, "_group") else browser._launched._group


async def wait_until_gone(known, seconds=5.0):
    """Wait until no process has the tag; those that are left."""
    until = time.monotonic() + seconds
    while (left := process_tag.find_processes(known)) and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return left


def read(pid, name):
    return Path(f"/proc/{pid}/{name}").read_bytes()


def find_main_process(known):
    """The browser's own process: the one with the switch, whose parent has it not."""
    with_switch = [
        pid
        for pid in process_tag.find_processes(known)
        if process_tag.make_switch(known).encode() in read(pid, "cmdline").split(b"\0")
    ]
    return with_switch[0]


def find_descendants(pid):
    below = [int(each) for each in read(pid, f"task/{pid}/children").split()]
    return [*below, *(each for child in below for each in find_descendants(child))]


async def test_browser_gives_its_product_and_version(browser):
    name, _, version = browser.version.partition(" ")
    assert name
    assert version.split(".")[0].isdigit()
    assert browser.sandboxed is (os.geteuid() != 0 and browser.sandboxed)
    assert not browser.closed


async def test_browser_does_not_get_our_settings(engine, chosen, monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_PASSWORD", "correct-horse-battery")
    browser = await engine.start(chosen, None)
    try:
        environments = [read(pid, "environ") for pid in process_tag.find_processes(browser.tag)]
    finally:
        await browser.close()
    assert any(browser.tag.encode() in each for each in environments)
    assert not any(b"correct-horse-battery" in each for each in environments)


async def test_browser_makes_no_page_that_is_not_asked_for(browser, page, server):
    await page.goto(server.page("<p>plain</p>"), timeout=10)
    pages = [
        pid
        for pid in find_descendants(find_main_process(browser.tag))
        if b"--type=renderer" in read(pid, "cmdline") and b"--extension-process" not in read(pid, "cmdline")
    ]
    assert pages
    assert not [pid for pid in pages if b"--top-chrome-webui" in read(pid, "cmdline")]


async def test_browser_leaves_out_all_that_its_driver_leaves_out(browser):
    given = [
        set(each.partition(b"=")[2].split(b","))
        for each in read(find_main_process(browser.tag), "cmdline").split(b"\0")
        if each.startswith(b"--disable-features=")
    ]
    assert set.union(*given) == given[-1]  # the one that counts


async def test_killed_browser_ends_every_verb(engine, chosen, server, seen, temporary):
    tasks = asyncio.all_tasks()
    browser = await engine.start(chosen, None)
    calls = []
    lost = asyncio.Event()
    browser.on_closed(lambda: calls.append(browser.closed))
    browser.on_closed(lost.set)
    page = await browser.new_page(seen)
    url, body = server.body()
    await page.goto(server.page("<p>"), timeout=5)
    await page.evaluate("url => { fetch(url) }", url, timeout=5)
    body.send(b"one\n")
    await seen.until(lambda: seen.body(url) == b"one\n")
    verbs = [
        page.evaluate("() => new Promise(() => {})", timeout=60),
        page.wait("() => false", timeout=60),
        page.find(Control("button", "Go"), timeout=60),
        page.click(Control("button", "Go"), timeout=60),
        page.insert_text("#field", "text", timeout=60),
    ]
    pending = [asyncio.ensure_future(verb) for verb in verbs]
    await asyncio.sleep(0.1)
    os.kill(find_main_process(browser.tag), signal.SIGKILL)
    outcomes = await asyncio.wait_for(asyncio.gather(*pending, return_exceptions=True), 5)
    assert [type(each) for each in outcomes] == [BrowserClosed] * len(verbs)
    assert all(each.__cause__ is None and each.__context__ is None for each in outcomes)
    assert page.closed
    await asyncio.wait_for(lost.wait(), 5)
    assert browser.closed
    assert calls == [True]
    assert isinstance(seen.of(url)[-1], Failed)
    for verb in (page.read_address(), browser.new_page(seen), browser.storage_state()):
        with pytest.raises(BrowserClosed):
            await verb
    # What it has left goes at once: by the time of the close, its id may be that of another process.
    assert await wait_until_gone(browser.tag) == []
    while not get_group(browser)._over:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await browser.close()
    assert calls == [True]
    assert list(temporary.iterdir()) == []
    assert asyncio.all_tasks() == tasks


async def test_on_closed_is_called_at_once_when_it_is_too_late(engine, chosen):
    browser = await engine.start(chosen, None)
    await browser.close()
    calls = []
    browser.on_closed(lambda: calls.append(1))
    assert calls == [1]


async def test_crashed_tab_ends_its_verbs_and_leaves_the_others(browser, server, seen):
    page, other = await browser.new_page(seen), await browser.new_page(seen)
    await page.goto(server.page("<p>"), timeout=5)
    pending = asyncio.ensure_future(page.wait("() => false", timeout=60))
    await asyncio.sleep(0.1)
    with pytest.raises((BrowserClosed, SiteError)):
        await page.goto("chrome://crash", timeout=10)
    with pytest.raises(BrowserClosed):
        await pending
    assert page.closed
    assert await other.evaluate("() => 1", timeout=5) == 1
    await page.close()
    await other.close()


async def test_tab_that_closes_itself_ends_its_verbs(browser, seen):
    page = await browser.new_page(seen)
    with pytest.raises(BrowserClosed, match="closed"):
        await page.evaluate("() => { window.close(); return new Promise(() => {}) }", timeout=10)
    assert page.closed
    await page.close()


async def test_closing_a_tab_that_goes_to_another_document_does_close_it(browser, server, seen):
    bodies = []
    for _ in range(5):
        url, body = server.body()
        bodies.append(body)
        next_one = server.page(f"<script>fetch('{url}')</script>")
        page = await browser.new_page(seen)
        await page.goto(server.page("<p>"), timeout=5)
        with pytest.raises(BrowserError):
            await page.evaluate(
                "url => { location.href = url; return new Promise(() => {}) }", next_one, timeout=5
            )
        await page.close()
    for body in bodies:
        if body.asked.is_set():
            await asyncio.wait_for(body.left.wait(), 5)


@pytest.mark.parametrize("after", [0.0, 0.2, 0.6])
async def test_start_that_is_cancelled_leaves_nothing(engine, chosen, temporary, next_tag, after):
    tasks = asyncio.all_tasks()
    starting = asyncio.ensure_future(engine.start(chosen, None))
    await asyncio.sleep(after)
    if starting.done():
        await starting.result().close()
    else:
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
    assert await wait_until_gone(next_tag) == []
    assert list(temporary.iterdir()) == []
    assert asyncio.all_tasks() == tasks


async def test_start_fails_when_the_browser_ends_at_once(engine, chosen, tmp_path, temporary):
    tasks = asyncio.all_tasks()
    fake = tmp_path / "browser"
    fake.write_text("#!/bin/sh\necho 'cannot open shared object file: libnothing.so' >&2\nexit 3\n")
    fake.chmod(0o755)
    with pytest.raises(BrowserError, match=r"libnothing\.so") as caught:
        await engine.start(msgspec.structs.replace(chosen, browser=str(fake)), None)
    assert str(fake) in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert list(temporary.iterdir()) == []
    assert asyncio.all_tasks() == tasks


async def test_start_times_out_when_the_browser_hangs(
    engine, chosen, tmp_path, temporary, next_tag, quick_start, quick_close
):
    fake = tmp_path / "browser"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    with pytest.raises(BrowserTimeout, match="start"):
        await engine.start(msgspec.structs.replace(chosen, browser=str(fake)), None)
    assert await wait_until_gone(next_tag) == []
    assert list(temporary.iterdir()) == []


async def test_start_names_a_browser_that_is_not_there(engine, chosen):
    with pytest.raises(BrowserMissing, match="/nowhere/chrome"):
        await engine.start(msgspec.structs.replace(chosen, browser="/nowhere/chrome"), None)


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "stopped, its own process killed"])
async def test_close_ends_a_browser_that_hangs(engine, chosen, temporary, quick_close, killed):
    tasks = asyncio.all_tasks()
    browser = await engine.start(chosen, None)
    await browser.new_page(lambda event: None)
    processes = [process_tag.Owner.of(pid) for pid in process_tag.find_processes(browser.tag)]
    main = find_main_process(browser.tag)
    assert any(b"NetworkService" in read(each.process, "cmdline") for each in processes)  # it has no tag
    for each in processes:
        os.kill(each.process, signal.SIGSTOP)
    if killed:
        os.kill(main, signal.SIGKILL)
    started = time.monotonic()
    await browser.close()
    assert time.monotonic() - started < 12
    assert await wait_until_gone(browser.tag) == []
    until = time.monotonic() + 5
    while (left := [each for each in processes if each.alive]) and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert left == []
    assert list(temporary.iterdir()) == []
    assert asyncio.all_tasks() == tasks
