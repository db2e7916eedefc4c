"""Each verb of a page, where nothing is in its way."""

import base64

import pytest

from huggingchat_agent.browser.protocols import Control, Upload
from huggingchat_agent.errors import (
    BrowserClosed,
    BrowserError,
    BrowserTimeout,
    SiteError,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

FORM = """<title>form</title>
<form onsubmit="return false"><label>Name <input name=name value=old></label>
<input type=password name=password placeholder=Password><textarea placeholder="Ask anything"></textarea>
<button onclick="this.textContent = 'Sent'">Send message</button></form>
<script>
window.log = [];
document.addEventListener('input', event => log.push([event.target.name || event.target.placeholder,
    event.isTrusted, event.target.value]));
</script>"""

INPUT = "() => window.log"


async def test_goto_returns_when_the_document_is_parsed(page, server):
    await page.goto(server.page("<p>one</p><script>window.parsed = 1</script>"), timeout=5)
    assert await page.evaluate("() => [parsed, document.querySelector('p').textContent]", timeout=5) == [
        1,
        "one",
    ]


async def test_goto_returns_for_another_place_in_the_same_document(page, server):
    url = server.page("<p id=there>one</p>")
    await page.goto(url, timeout=5)
    await page.goto(f"{url}#there", timeout=5)
    assert await page.read_address() == f"{url}#there"


async def test_goto_follows_a_document_that_goes_on_while_it_is_parsed(page, server):
    last = server.page("<p>last</p>")
    await page.goto(server.page(f"<script>location.replace('{last}')</script><p>first"), timeout=5)
    await page.wait("() => document.querySelector('p')?.textContent === 'last'", timeout=5)
    assert await page.read_address() == last


async def test_goto_raises_site_error_when_nothing_listens(page):
    with pytest.raises(SiteError, match=r"http://127\.0\.0\.1:9/chat.*ERR_"):
        await page.goto("http://127.0.0.1:9/chat?code=hidden", timeout=5)


async def test_goto_raises_site_error_for_what_is_no_address(page):
    with pytest.raises(SiteError, match="cannot be reached"):
        await page.goto("not an address", timeout=5)


async def test_goto_times_out_when_the_server_does_not_answer(page, server):
    url, _ = server.body("text/html")
    with pytest.raises(BrowserTimeout, match="did not load within"):
        await page.goto(url, timeout=0.3)


async def test_find_sees_what_is_in_the_accessibility_tree(page, server):
    html = """<img alt="A cat"><a href="/chat/"><svg></svg> New Chat</a><h2>Today</h2>
    <div role=menuitem>Rename</div><div role=dialog aria-label="Rename conversation"></div>
    <button hidden>Hidden</button><button aria-hidden=true>For nobody</button>"""
    there = [
        Control("button", "Send message"),
        Control("textbox", "Ask anything"),
        Control("textbox", "Password"),
        Control("textbox", "Name"),
        Control("img", "A cat"),
        Control("link", "New Chat"),
        Control("heading", "Today"),
        Control("menuitem", "Rename"),
        Control("dialog", "Rename conversation"),
    ]
    absent = [Control("button", "Send"), Control("button", "Hidden"), Control("button", "For nobody")]
    await page.goto(server.page(FORM + html), timeout=5)
    assert [each for each in there if not await page.find(each, timeout=0)] == []
    assert [each for each in absent if await page.find(each, timeout=0)] == []


async def test_find_waits_until_the_control_is_there(page, server):
    await page.goto(
        server.page(
            "<script>setTimeout(() => document.body.append(document.createElement("
            "'button')), 50)</script><style>button::after {content: 'Late'}</style>"
        ),
        timeout=5,
    )
    assert await page.find(Control("button", "Late"), timeout=5)


async def test_find_waits_across_a_navigation(page, server):
    last = server.page("<button>There</button>")
    await page.goto(
        server.page(f"<script>setTimeout(() => location.href = '{last}', 50)</script>"), timeout=5
    )
    assert await page.find(Control("button", "There"), timeout=5)


async def test_find_gives_false_when_the_time_is_over(page, server):
    await page.goto(server.page(FORM), timeout=5)
    assert await page.find(Control("button", "Missing"), timeout=0.2) is False


async def test_click_presses_the_control(page, server):
    await page.goto(server.page(FORM), timeout=5)
    await page.click(Control("button", "Send message"), timeout=5)
    assert await page.find(Control("button", "Sent"), timeout=5)


async def test_click_is_trusted_and_whole(page, server):
    kinds = ["pointerdown", "mousedown", "pointerup", "mouseup", "click"]
    script = f"{kinds}.forEach(kind => addEventListener(kind, e => log.push([kind, e.isTrusted, e.detail])))"
    await page.goto(server.page(f"<button>Go</button><script>window.log = []; {script}</script>"), timeout=5)
    await page.click(Control("button", "Go"), timeout=5)
    log = await page.evaluate(INPUT, timeout=5)
    assert [kind for kind, *_ in log] == kinds
    assert all(trusted for _, trusted, _ in log)
    assert log[-1][2] == 1


async def test_click_leaves_nothing_in_the_page(page, server):
    await page.goto(server.page(FORM), timeout=5)
    await page.click(Control("button", "Send message"), timeout=5)
    left = "() => Object.getOwnPropertySymbols(document.querySelector('button')).length"
    assert await page.evaluate(left, timeout=5) == 0


async def test_click_follows_a_link(page, server):
    last = server.page("<p>there")
    await page.goto(server.page(f"<a href={last}>Go</a>"), timeout=5)
    await page.click(Control("link", "Go"), timeout=5)
    await page.wait("() => document.querySelector('p')", timeout=5)
    assert await page.read_address() == last


async def test_insert_text_replaces_what_is_there(page, server):
    await page.goto(server.page(FORM), timeout=5)
    await page.insert_text("input[name=name]", "new é 日本 👩‍🚀", timeout=5)
    assert await page.evaluate(INPUT, timeout=5) == [["name", True, "new é 日本 👩‍🚀"]]


async def test_insert_text_keeps_lines_and_tabs_in_a_text_area(page, server):
    await page.goto(server.page(FORM), timeout=5)
    await page.insert_text("textarea", "one\n\ttwo\n\nthree  ", timeout=5)
    log = await page.evaluate(INPUT, timeout=5)
    assert log[-1] == ["Ask anything", True, "one\n\ttwo\n\nthree  "]


async def test_insert_text_takes_a_long_text(page, server):
    text = "0123456789" * 10_000
    await page.goto(server.page(FORM), timeout=5)
    await page.insert_text("textarea", text, timeout=10)
    assert await page.evaluate("() => document.querySelector('textarea').value", timeout=5) == text


async def test_insert_text_empties_the_field_when_the_text_is_empty(page, server):
    await page.goto(server.page(FORM), timeout=5)
    await page.insert_text("input[name=name]", "", timeout=5)
    assert await page.evaluate(INPUT, timeout=5) == [["name", True, ""]]


async def test_insert_text_fills_an_editable_element(page, server):
    await page.goto(server.page("<div contenteditable style='width: 9em'>old</div>"), timeout=5)
    await page.insert_text("div", "new", timeout=5)
    assert await page.evaluate("() => document.querySelector('div').textContent", timeout=5) == "new"


async def test_insert_text_goes_to_its_own_tab(browser, page, seen, server):
    url = server.page(FORM)
    other = await browser.new_page(seen)
    try:
        await page.goto(url, timeout=5)
        await other.goto(url, timeout=5)
        await page.insert_text("textarea", "first", timeout=5)
        await other.insert_text("textarea", "second", timeout=5)
        await page.insert_text("input[name=name]", "third", timeout=5)
        assert [event[2] for event in await page.evaluate(INPUT, timeout=5)] == ["first", "third"]
        assert [event[2] for event in await other.evaluate(INPUT, timeout=5)] == ["second"]
    finally:
        await other.close()


async def test_insert_text_names_an_invalid_selector(page, server):
    await page.goto(server.page(FORM), timeout=5)
    with pytest.raises(BrowserError, match="not a valid selector"):
        await page.insert_text("input[", "text", timeout=5)


FILES = [Upload("photo é.png", "image/png", bytes(range(256))), Upload("a.txt", "text/plain", b"")]

READ = """async () => Promise.all([...document.querySelector('input').files].map(async file =>
    [file.name, file.type, btoa(String.fromCharCode(...new Uint8Array(await file.arrayBuffer())))]))"""


async def test_set_files_fills_a_hidden_input(page, server):
    html = "<input type=file multiple style='display: none' onchange='window.changed = this.files.length'>"
    await page.goto(server.page(html), timeout=5)
    await page.set_files("input", FILES, timeout=5)
    expected = [[each.name, each.mime, base64.b64encode(each.data).decode()] for each in FILES]
    assert await page.evaluate(READ, timeout=5) == expected
    assert await page.evaluate("() => changed", timeout=5) == 2


async def test_set_files_refuses_two_files_where_one_is_taken(page, server):
    await page.goto(server.page("<input type=file>"), timeout=5)
    with pytest.raises(BrowserTimeout, match="one file only"):
        await page.set_files("input", FILES, timeout=1)


async def test_set_files_says_when_it_is_no_file_input(page, server):
    await page.goto(server.page(FORM), timeout=5)
    with pytest.raises(BrowserTimeout, match="not a file input"):
        await page.set_files("input", FILES, timeout=1)


async def test_evaluate_hands_values_over_and_back(page):
    value = {"text": "é\u2028</script>", "list": [1, 2.5, None, True], "empty": {}}
    assert await page.evaluate("async (a, b) => [b, a]", value, 7, timeout=5) == [7, value]


async def test_evaluate_gives_none_for_undefined(page):
    assert await page.evaluate("() => undefined", timeout=5) is None


async def test_evaluate_raises_what_the_page_raises(page):
    with pytest.raises(BrowserError, match=r"TypeError: no good$"):
        await page.evaluate("async () => { throw new TypeError('no good') }", timeout=5)


async def test_evaluate_refuses_what_is_not_json(page):
    with pytest.raises(BrowserError, match="NaN"):
        await page.evaluate("() => NaN", timeout=5)


@pytest.mark.parametrize("function", ["() => new Promise(() => {})", "() => { for (;;); }"])
async def test_evaluate_times_out(page, function):
    with pytest.raises(BrowserTimeout, match="did not end within"):
        await page.evaluate(function, timeout=0.3)


async def test_evaluate_works_again_after_an_endless_loop(page):
    with pytest.raises(BrowserTimeout):
        await page.evaluate("() => { for (;;); }", timeout=0.3)
    assert await page.evaluate("() => 1", timeout=5) == 1


async def test_wait_gives_the_first_true_value(page, server):
    await page.goto(server.page("<script>setTimeout(() => window.ready = [1], 50)</script>"), timeout=5)
    assert await page.wait("key => window[key]", "ready", timeout=5) == [1]


async def test_wait_awaits_an_asynchronous_function(page):
    assert await page.wait("async () => 'now'", timeout=5) == "now"


async def test_wait_times_out(page):
    with pytest.raises(BrowserTimeout, match="did not come within"):
        await page.wait("() => false", timeout=0.2)


async def test_snapshot_shows_the_page_and_masks_what_was_typed(page, server):
    await page.goto(server.page(FORM), timeout=5)
    await page.insert_text("input[name=password]", "correct horse", timeout=5)
    await page.insert_text("textarea", "A question", timeout=5)
    shot = await page.take_snapshot()
    assert shot.png.startswith(b"\x89PNG")
    assert '- button "Send message"' in shot.tree
    assert '- textbox "Password": [redacted]' in shot.tree
    assert "A question" in shot.tree
    assert "horse" not in shot.tree
    assert "•" not in shot.tree
    assert "old" not in shot.tree


async def test_snapshot_pictures_are_equal_whatever_was_typed(page, server):
    await page.goto(server.page("<input name=name><input type=password name=password>"), timeout=5)
    pictures = set()
    for text in ("one", "another text"):
        await page.insert_text("[name=name]", text, timeout=5)
        await page.insert_text("[name=password]", text, timeout=5)
        pictures.add((await page.take_snapshot()).png)
    assert len(pictures) == 1


async def test_snapshot_leaves_the_page_as_it_was(page, server):
    await page.goto(server.page(FORM), timeout=5)
    before = await page.evaluate(
        "() => getComputedStyle(document.querySelector('input')).backgroundColor", timeout=5
    )
    await page.take_snapshot()
    after = await page.evaluate(
        "() => getComputedStyle(document.querySelector('input')).backgroundColor", timeout=5
    )
    assert after == before
    assert await page.evaluate("() => document.adoptedStyleSheets.length", timeout=5) == 0


async def test_snapshot_pictures_a_tab_that_is_behind_another(browser, page, server, seen):
    await page.goto(server.page("<p style='background: red'>behind"), timeout=5)
    before = (await page.take_snapshot()).png
    other = await browser.new_page(seen)
    try:
        await other.goto(server.page("<p>in front"), timeout=5)
        shot = await page.take_snapshot()
    finally:
        await other.close()
    assert shot.png == before
    assert "behind" in shot.tree


async def test_snapshot_works_under_a_content_policy(page, server):
    policy = "default-src 'none'; style-src 'none'"
    await page.goto(server.page("<input value=old>", content_security_policy=policy), timeout=5)
    await page.insert_text("input", "something", timeout=5)
    before = (await page.take_snapshot()).png
    await page.insert_text("input", "another text", timeout=5)
    assert (await page.take_snapshot()).png == before


async def test_address_is_the_whole_address(page, server):
    url = server.page("<p>") + "?code=abc&state=def#part"
    await page.goto(url, timeout=5)
    assert await page.read_address() == url


async def test_close_twice_is_fine_and_what_follows_says_so(browser, seen):
    page = await browser.new_page(seen)
    assert not page.closed
    await page.close()
    await page.close()
    assert page.closed
    for verb in (page.read_address, page.take_snapshot):
        with pytest.raises(BrowserClosed, match="was closed"):
            await verb()


WITHIN = """<style>.row { padding: 20px; height: 40px }
.late { display: none } .row:hover .late { display: inline }</style>
<div class=row id=one role=presentation><button class=late>Edit</button></div>
<div class=row id=two role=presentation><button class=late>Edit</button></div><output></output>
<script>for (const each of document.querySelectorAll("button"))
  each.onclick = () => document.querySelector("output").textContent += each.parentElement.id</script>"""


async def test_click_within_an_element_uncovers_what_is_only_under_the_pointer(page, server):
    await page.goto(server.page(WITHIN), timeout=5)
    for row in ("two", "one"):
        assert not await page.find(Control("button", "Edit", within=f"#{row}"), timeout=0)
        await page.click(Control("button", "Edit", within=f"#{row}"), timeout=5)
        assert await page.find(Control("button", "Edit", within=f"#{row}"), timeout=0)
    assert await page.evaluate("() => document.querySelector('output').textContent", timeout=5) == "twoone"
    with pytest.raises(BrowserTimeout, match="not there"):
        await page.click(Control("button", "Edit", within="#three"), timeout=0.3)
