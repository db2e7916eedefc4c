"""No error holds typed text or an address's query: not in its text, its cause or its context."""

import os
import traceback
from pathlib import Path

import pytest

from huggingchat_agent.browser.protocols import Control
from huggingchat_agent.errors import AgentError, BrowserError, BrowserTimeout, SiteError

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SECRET = "correct-horse-battery"
QUERY = "?code=4f1c9b2e&state=eyJkYXRhIjp7fX0"
SESSION = '{"cookies": [{"name": "hf-chat", "value": "5ec2e75a10", "domain": "chat.example.org"}]}'
SERVERS = '{"Mine": {"url": "https://tools.example.org/mcp", "headers": {"X-Key": "k3y-of-mine"}}}'
QUERY_PARTS = ("4f1c9b2e", "eyJkYXRhIjp7fX0")


def read(pid, name):
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


def find_descendants():
    """Ids of our children, and of theirs."""
    found: set[int] = {os.getpid()}
    older: set[int] = set()
    stats = {int(each.name): read(each.name, "stat") for each in Path("/proc").glob("[0-9]*")}
    # After the name, which may hold anything: state, parent.
    parents = {pid: int(stat.rpartition(b")")[2].split()[1]) for pid, stat in stats.items() if stat}
    while found != older:
        older = set(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    return found - {os.getpid()}


def show_all(error):
    """Everything that an error can show."""
    texts = "".join(traceback.format_exception(error, chain=True))
    return f"{texts} {error!r} {error.args!r} {vars(error)!r}"


async def fails(verb, *kinds):
    with pytest.raises(kinds or (AgentError,)) as caught:
        await verb
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    text = show_all(caught.value)
    for secret in (SECRET, *QUERY_PARTS):
        assert secret not in text
    return caught.value


@pytest.mark.parametrize(
    "field",
    [
        "<input type=password id=field disabled>",
        "<input type=password id=field hidden>",
        "<div inert><input type=password id=field></div>",
        "<input type=password id=field><div style='position: fixed; inset: 0'></div>",
        "<input type=password id=field oninput='this.value = \"\"'>",
        "<p>",
    ],
)
async def test_insert_text_that_fails_does_not_show_the_text(page, server, field):
    await page.goto(server.page(field) + QUERY, timeout=5)
    await fails(page.insert_text("#field", SECRET, timeout=1), BrowserTimeout)


async def test_insert_text_does_not_show_the_text_when_the_tab_goes(browser, seen, server):
    page = await browser.new_page(seen)
    await page.goto(server.page("<input type=password id=field>") + QUERY, timeout=5)
    await page.close()
    await fails(page.insert_text("#field", SECRET, timeout=5))


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/chat", "http://user:correct-horse-battery@127.0.0.1:9/"]
)
async def test_goto_does_not_show_the_query_or_the_user(page, address):
    await fails(page.goto(address + QUERY, timeout=5), SiteError)


async def test_goto_does_not_show_the_query_when_it_takes_too_long(page, server):
    url, _ = server.body("text/html")
    await fails(page.goto(url + QUERY, timeout=0.2), BrowserTimeout)


async def test_goto_does_not_show_what_is_no_address(page):
    await fails(page.goto(f"nonsense{QUERY}", timeout=5), SiteError)


@pytest.mark.parametrize(
    "function",
    [
        "secret => { throw new Error('at ' + location.href) }",
        "secret => { throw location.href }",
        "secret => new Promise(() => {})",
        "secret => { location.href = '/elsewhere'; return new Promise(() => {}) }",
        "secret => (",
    ],
)
async def test_evaluate_does_not_show_its_arguments_or_the_address(page, server, function):
    await page.goto(server.page("<p>") + QUERY, timeout=5)
    await fails(page.evaluate(function, SECRET, timeout=0.5), BrowserError)


async def test_verbs_do_not_show_the_address_when_their_time_is_over(page, server):
    await page.goto(server.page("<p>") + QUERY, timeout=5)
    await fails(page.click(Control("button", "Go"), timeout=0.2), BrowserTimeout)
    await fails(page.wait("() => false", timeout=0.2), BrowserTimeout)


async def test_snapshot_does_not_show_what_addresses_carry(page, server):
    html = f"<a href='https://example.org/{QUERY}'>https://example.org/{QUERY}</a> someone@example.org"
    await page.goto(server.page(html) + QUERY, timeout=5)
    tree = (await page.take_snapshot()).tree
    assert "https://example.org/?…" in tree
    for hidden in (*QUERY_PARTS, "someone@"):
        assert hidden not in tree


@pytest.mark.skipif(not Path("/proc").exists(), reason="environments are read from /proc")
async def test_no_process_that_we_start_gets_the_password_or_the_session(engine, chosen, monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_PASSWORD", SECRET)
    monkeypatch.setenv("HUGGINGCHAT_SESSION", SESSION)
    monkeypatch.setenv("HUGGINGCHAT_TOOL_SERVERS", SERVERS)
    monkeypatch.setenv("HUGGINGCHAT_USERNAME", "someone@example.org")
    before = find_descendants()
    browser = await engine.start(chosen, None)
    try:
        started = find_descendants() - before
        environments = {(pid, read(pid, "cmdline")[:80]): read(pid, "environ") for pid in started}
    finally:
        await browser.close()
    assert len(started) > 3
    assert any(browser.tag.encode() in each for each in environments.values())
    # Only who has them is shown when this fails: an environment holds more secrets than ours.
    given = ("USERNAME", "PASSWORD", "SESSION", "TOOL_SERVERS")
    known = [each.encode() for each in (SECRET, SESSION, SERVERS, *(f"HUGGINGCHAT_{each}" for each in given))]
    assert [name for name, each in environments.items() if any(secret in each for secret in known)] == []
    assert os.environ["HUGGINGCHAT_PASSWORD"] == SECRET
    assert os.environ["HUGGINGCHAT_SESSION"] == SESSION
    assert os.environ["HUGGINGCHAT_USERNAME"] == "someone@example.org"
