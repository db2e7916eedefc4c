"""Obstacles between the agent and a control: it clicks nothing blindly, and the error says why."""

import asyncio

import pytest

from huggingchat_agent.browser.protocols import Control
from huggingchat_agent.errors import BrowserError, BrowserTimeout

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

GO = Control("button", "Go")
COUNT = """<script>window.clicks = [];
addEventListener('click', event => clicks.push(event.target.id))</script>"""
BUTTON = "<button id=go>Go</button>"
EFFECT = "() => window.clicks?.[0] ?? document.querySelector('#field')?.value ?? ''"
SHORT = 3.0  # seconds: time enough for a first look, in many tabs at once


async def collect_reasons(browser, server, pages, verb):
    """What a verb raises on each of the pages, and what it did; all at once, each in a tab of its own."""

    async def reason(html):
        page = await browser.new_page(lambda event: None)
        try:
            await page.goto(server.page(html), timeout=10)
            with pytest.raises(BrowserTimeout) as caught:
                await verb(page)
            return str(caught.value), await page.evaluate(EFFECT, timeout=5)
        finally:
            await page.close()

    return dict(zip(pages, await asyncio.gather(*map(reason, pages.values())), strict=True))


OBSTACLES = {
    "inert": (f"<div inert>{BUTTON}</div>", "it is not there, or hidden or inert"),
    "behind a modal dialog": (
        f"{BUTTON}<dialog>hello</dialog><script>document.querySelector('dialog').showModal()</script>",
        "it is not there, or hidden or inert",
    ),
    "hidden": (f"<div style='visibility: hidden'>{BUTTON}</div>", "it is not there, or hidden or inert"),
    "disabled": (f"<fieldset disabled>{BUTTON}</fieldset>", "it is disabled"),
    "aria-disabled": (f"<div aria-disabled=true>{BUTTON}</div>", "it is disabled"),
    "covered": (f"{BUTTON}<div id=lid style='position: fixed; inset: 0'></div>", "it is covered by <div>"),
    "without pointer": (f"<div style='pointer-events: none'>{BUTTON}</div>", "it is covered by <body>"),
    "without size": (
        "<button style='width: 0; height: 0; padding: 0; border: 0' aria-label=Go></button>",
        "it is not visible",
    ),
    "always moving": (
        # On a circle, for there is no turning point at which it would stand still for two frames.
        "<style>@keyframes move { to { transform: rotate(1turn) } }"
        "#go { margin: 100px; transform-origin: 99px; animation: move 2s infinite linear }</style>"
        f"{BUTTON}",
        "it is moving",
    ),
}


async def test_click_refuses_and_says_why(browser, server):
    pages = {name: html + COUNT for name, (html, _) in OBSTACLES.items()}
    seen = await collect_reasons(browser, server, pages, lambda page: page.click(GO, timeout=SHORT))
    start = 'The button "Go" could not be clicked within 3 s: '
    assert seen == {name: (f"{start}{reason}.", "") for name, (_, reason) in OBSTACLES.items()}


@pytest.mark.parametrize("obstacle", ["inert", "disabled", "aria-disabled", "covered", "hidden"])
async def test_click_waits_until_the_obstacle_is_gone(page, server, obstacle):
    html, _ = OBSTACLES[obstacle]
    gone = """<script>setTimeout(() => {
        for (const each of document.querySelectorAll('[inert], [disabled], [aria-disabled], [style]')) {
            for (const name of ['inert', 'disabled', 'aria-disabled', 'style']) each.removeAttribute(name);
        } }, 150)</script>"""
    await page.goto(server.page(html + COUNT + gone), timeout=5)
    await page.click(GO, timeout=5)
    assert await page.evaluate("() => clicks", timeout=5) == ["go"]


async def test_click_reaches_what_is_off_screen(page, server):
    far = "<div style='height: 3000px'></div>"
    box = f"<div style='overflow: auto; height: 100px; width: 100px'>{far}{BUTTON}</div>"
    await page.goto(server.page(f"{COUNT}{far}{box}{far}"), timeout=5)
    await page.click(GO, timeout=5)
    assert await page.evaluate("() => clicks", timeout=5) == ["go"]


@pytest.mark.parametrize("above", ["3000px", "calc(100vh - 50px)"], ids=["would cover", "covers"])
async def test_click_reaches_what_a_sticky_bar_covers(page, server, above):
    far = "<div style='height: 3000px'></div>"
    bar = "<div style='position: fixed; bottom: 0; height: 60px; width: 100%; background: red'></div>"
    html = f"<body style='margin: 0'>{COUNT}<div style='height: {above}'></div>{BUTTON}{far}{bar}"
    await page.goto(server.page(html), timeout=5)
    await page.click(GO, timeout=5)
    assert await page.evaluate("() => clicks", timeout=5) == ["go"]


async def test_click_takes_the_one_that_can_be_clicked_when_several_match(page, server):
    html = (
        f"<div inert><button id=first>Go</button></div><button id=second disabled>Go</button>{BUTTON}{COUNT}"
    )
    await page.goto(server.page(html), timeout=5)
    await page.click(GO, timeout=5)
    assert await page.evaluate("() => clicks", timeout=5) == ["go"]


async def test_click_reaches_into_a_shadow_tree(page, server):
    html = """<div id=host></div><script>
    const root = document.querySelector('#host').attachShadow({mode: 'open'});
    root.innerHTML = '<p>text <button onclick="window.pressed = true"><b>Go</b></button></p>'</script>"""
    await page.goto(server.page(html), timeout=5)
    await page.click(GO, timeout=5)
    assert await page.evaluate("() => pressed", timeout=5)


async def test_click_reaches_a_checkbox_that_its_label_covers(page, server):
    html = """<label style="position: relative">Go<input type=checkbox>
    <span style="position: absolute; inset: -20px"></span></label>"""
    await page.goto(server.page(html), timeout=5)
    await page.click(Control("checkbox", "Go"), timeout=5)
    assert await page.evaluate("() => document.querySelector('input').checked", timeout=5)


async def test_click_hits_the_new_control_when_the_page_keeps_rendering_it_again(page, server):
    html = f"""<div id=box>{BUTTON}</div>{COUNT}<script>
    const again = setInterval(() => document.querySelector('#box').innerHTML = '{BUTTON}', 37);
    setTimeout(() => clearInterval(again), 600)</script>"""
    await page.goto(server.page(html), timeout=5)
    await page.click(GO, timeout=5)
    assert await page.evaluate("() => clicks.filter(id => id === 'go').length", timeout=5) <= 1


async def test_click_stops_the_press_when_something_slides_under_the_mouse(page, server):
    # The lid falls as soon as the mouse moves, which is after the look and before the press.
    html = f"""{BUTTON}{COUNT}<script>let falls = 0;
    document.querySelector('#go').addEventListener('mousemove', () => {{
        if (falls++) return;
        const lid = document.createElement('button');
        Object.assign(lid, {{id: 'lid', style: 'position: fixed; inset: 0; width: 100%; height: 100%'}});
        document.body.append(lid);
        setTimeout(() => lid.remove(), 200);
    }})</script>"""
    await page.goto(server.page(html), timeout=5)
    await page.click(GO, timeout=5)
    assert await page.evaluate("() => clicks", timeout=5) == ["go"]


async def test_click_is_not_misled_by_clicks_that_scripts_make(page, server):
    html = f"""{BUTTON}<button id=other></button><script>window.made = 0; window.clicks = [];
    setInterval(() => document.querySelector('#other').click(), 1);
    document.querySelector('#other').onclick = () => made++;
    document.querySelector('#go').onclick = () => clicks.push('go')</script>"""
    await page.goto(server.page(html), timeout=5)
    await page.click(GO, timeout=5)
    assert await page.evaluate("() => clicks", timeout=5) == ["go"]
    assert await page.evaluate("() => made", timeout=5) > 0


@pytest.mark.parametrize("dialog", ["alert('hello')", "confirm('sure?')", "prompt('name?')"])
async def test_click_is_done_when_it_opens_a_dialog_of_the_browser(page, server, dialog):
    html = f"<button id=go onclick=\"{dialog}; document.title = 'after'\">Go</button>"
    await page.goto(server.page(html), timeout=5)
    await page.click(GO, timeout=5)
    await page.wait("() => document.title === 'after'", timeout=5)


async def test_click_presses_once_when_the_control_goes_at_the_press(page, server):
    html = f"""{BUTTON}<script>window.presses = 0;
    addEventListener('pointerdown', event => {{ presses++; event.target.remove();
        document.body.insertAdjacentHTML('beforeend', '{BUTTON}') }})</script>"""
    await page.goto(server.page(html), timeout=5)
    await page.click(GO, timeout=5)
    assert await page.evaluate("() => presses", timeout=5) == 1


async def test_find_does_not_see_behind_a_modal_dialog(page, server):
    html, _ = OBSTACLES["behind a modal dialog"]
    await page.goto(server.page(html), timeout=5)
    assert await page.find(GO, timeout=0) is False
    await page.evaluate("() => document.querySelector('dialog').close()", timeout=5)
    assert await page.find(GO, timeout=5) is True


FIELD = "<input id=field>"

FIELD_OBSTACLES = {
    "inert": (f"<div inert>{FIELD}</div>", "it is inert"),
    "in an inert dialog": (
        f"<dialog open inert>{FIELD}</dialog>",
        "it is inert",
    ),
    "behind a modal dialog": (
        f"{FIELD}<dialog>hello</dialog><script>document.querySelector('dialog').showModal()</script>",
        "it is covered by <dialog>",
    ),
    "disabled": ("<input id=field disabled>", "it is disabled"),
    "read-only": ("<input id=field readonly>", "it is read-only"),
    "hidden": ("<input id=field hidden>", "it is not visible"),
    "covered": (f"{FIELD}<div style='position: fixed; inset: 0'></div>", "it is covered by <div>"),
    "missing": ("<p>", "it is not there"),
    "emptied at once": ("<input id=field oninput='this.value = \"\"'>", "it did not keep the text"),
}


async def test_insert_text_refuses_and_says_why(browser, server):
    pages = {name: html for name, (html, _) in FIELD_OBSTACLES.items()}
    seen = await collect_reasons(
        browser, server, pages, lambda page: page.insert_text("#field", "typed", timeout=SHORT)
    )
    start = "The field #field could not be filled in within 3 s: "
    assert seen == {name: (f"{start}{reason}.", "") for name, (_, reason) in FIELD_OBSTACLES.items()}


@pytest.mark.parametrize("obstacle", ["inert", "disabled", "read-only", "hidden"])
async def test_insert_text_waits_until_the_obstacle_is_gone(page, server, obstacle):
    html, _ = FIELD_OBSTACLES[obstacle]
    gone = """<script>setTimeout(() => {
        for (const each of document.querySelectorAll('*')) {
            for (const name of ['inert', 'disabled', 'readonly', 'hidden']) each.removeAttribute(name);
        } }, 150)</script>"""
    await page.goto(server.page(html + gone), timeout=5)
    await page.insert_text("#field", "typed text", timeout=5)
    assert await page.evaluate("() => document.querySelector('#field').value", timeout=5) == "typed text"


async def test_insert_text_fills_the_new_field_when_the_page_replaces_it_between_focus_and_text(page, server):
    html = f"""<div id=box>{FIELD}</div><script>
    document.querySelector('#field').addEventListener('focus', () => setTimeout(() => {{
        document.querySelector('#box').innerHTML = '{FIELD}' }}))</script>"""
    await page.goto(server.page(html), timeout=5)
    await page.insert_text("#field", "typed text", timeout=5)
    assert await page.evaluate("() => document.querySelector('#field').value", timeout=5) == "typed text"


async def test_insert_text_fills_the_field_again_when_it_is_emptied_once(page, server):
    html = """<input id=field><script>let late = false;
    document.querySelector('#field').addEventListener('input', event => {
        if (!late) event.target.value = '';
        late = true; })</script>"""
    await page.goto(server.page(html), timeout=5)
    await page.insert_text("#field", "typed text", timeout=5)
    assert await page.evaluate("() => document.querySelector('#field').value", timeout=5) == "typed text"


async def test_insert_text_is_done_when_the_text_leads_to_another_page(page, server):
    last = server.page("<p>there")
    await page.goto(server.page(f"<input id=field oninput=\"location.href = '{last}'\">"), timeout=5)
    await page.insert_text("#field", "123456", timeout=5)
    await page.wait("() => document.querySelector('p')", timeout=5)


async def test_evaluate_says_so_when_the_page_navigates(page, server):
    last = server.page("<p>there")
    await page.goto(server.page("<p>"), timeout=5)
    with pytest.raises(BrowserError, match="navigated while a script") as caught:
        await page.evaluate("url => { location.href = url; return new Promise(() => {}) }", last, timeout=5)
    assert not isinstance(caught.value, BrowserTimeout)


async def test_evaluate_waits_for_a_navigation_that_has_begun(page, server):
    there = server.page("<p>there")
    url, asked, answer = server.slow(there)
    await page.goto(server.page("<p>here"), timeout=5)
    await page.evaluate("url => { location.href = url }", url, timeout=5)
    await asked.wait()
    waiting = asyncio.ensure_future(page.evaluate("() => location.href", timeout=5))
    answer.set()
    assert await waiting == there


async def test_click_is_done_when_it_leads_to_a_page_that_does_not_come(page, server):
    url, asked, answer = server.slow(server.page("<p>there"))
    await page.goto(server.page(f"<a href={url}>Go</a>"), timeout=5)
    await page.click(Control("link", "Go"), timeout=2)
    await asyncio.wait_for(asked.wait(), 5)
    answer.set()


async def test_insert_text_is_done_when_it_leads_to_a_page_that_does_not_come(page, server):
    url, asked, answer = server.slow(server.page("<p>there"))
    await page.goto(server.page(f"<input id=field oninput=\"location.href = '{url}'\">"), timeout=5)
    await page.insert_text("#field", "123456", timeout=2)
    await asyncio.wait_for(asked.wait(), 5)
    answer.set()


async def test_goto_that_timed_out_leaves_the_tab_usable(page, server):
    url, _, answer = server.slow(server.page("<p>"))
    await page.goto(server.page("<p>here"), timeout=5)
    with pytest.raises(BrowserTimeout):
        await page.goto(url, timeout=0.5)
    assert await page.evaluate("() => document.querySelector('p').textContent", timeout=2) == "here"
    answer.set()


async def test_goto_wins_over_a_navigation_of_the_page_itself(page, server):
    elsewhere, asked, answer = server.slow(server.page("<p>elsewhere"))
    last = server.page("<p>last")
    await page.goto(
        server.page(f"<script>setTimeout(() => location.href = '{elsewhere}', 50)</script>"), timeout=5
    )
    await asked.wait()
    await page.goto(last, timeout=5)
    answer.set()
    assert await page.evaluate("() => document.querySelector('p').textContent", timeout=5) == "last"


async def test_wait_goes_on_across_navigations(page, server):
    last = server.page("<p id=last>there")
    second = server.page(f"<script>setTimeout(() => location.href = '{last}', 50)</script>")
    await page.goto(
        server.page(f"<script>setTimeout(() => location.href = '{second}', 50)</script>"), timeout=5
    )
    assert await page.wait("() => document.querySelector('#last')?.textContent", timeout=5) == "there"


async def test_wait_goes_on_when_it_began_within_a_navigation(page, server):
    url, asked, answer = server.slow(server.page("<script>window.there = 1</script>"))
    await page.goto(server.page("<p>"), timeout=5)
    await page.evaluate("url => { location.href = url }", url, timeout=5)
    await asked.wait()
    waiting = asyncio.ensure_future(page.wait("() => window.there", timeout=5))
    answer.set()
    assert await waiting == 1


async def test_wait_raises_what_the_function_raises(page, server):
    await page.goto(server.page("<p>"), timeout=5)
    with pytest.raises(BrowserError, match="ReferenceError"):
        await page.wait("() => nothing.of.that.name", timeout=5)


async def test_verbs_can_be_cancelled(page, server):
    await page.goto(server.page(FIELD), timeout=5)
    for verb in (
        page.find(GO, timeout=60),
        page.click(GO, timeout=60),
        page.wait("() => false", timeout=60),
        page.insert_text("#missing", "text", timeout=60),
        page.evaluate("() => new Promise(() => {})", timeout=60),
    ):
        task = asyncio.ensure_future(verb)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await page.evaluate("() => 1", timeout=5) == 1
