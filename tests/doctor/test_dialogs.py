"""Whatever covers a composer is closed: on a page with nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from huggingchat_agent.browser import load_engine
from huggingchat_agent.errors import PageChanged
from huggingchat_agent.settings import make_settings
from huggingchat_agent.site.gestures.composer import write

if TYPE_CHECKING:
    from huggingchat_agent.events import Drift

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

VEIL = "position:fixed;inset:0;background:#0008"
STRIP = "position:fixed;left:0;right:0;bottom:0;height:50vh;background:#fd6"

# A page with a composer at its bottom. `begin` is called once its elements are there.
PAGE = """(front, begin) => {
  document.documentElement.innerHTML = `<body style="margin:0"><div id="app">
    <div style="height:80vh"></div><textarea placeholder="Ask anything"></textarea>
    <button aria-label="Send message" disabled>s</button></div>${front}</body>`;
  const field = document.querySelector("textarea");
  field.addEventListener("input", () => document.querySelector("#app button").disabled = !field.value);
  new Function(begin)();
}"""

CLOSES = "document.querySelector('#front button').onclick = () => document.querySelector('#front').remove();"
INERT = (
    "app.inert = true; document.querySelector('#front button').onclick = () => "
    "{ document.querySelector('#front').remove(); app.inert = false; };"
)
# The first look at the page is the moment in which its scripts come to life and move the dialog elsewhere.
MOVES = (
    INERT
    + """
  const move = () => {
    const place = document.createElement("div");
    document.body.append(document.createElement("p"), place);
    place.append(document.querySelector("#front"));
  };
  const closest = Element.prototype.closest;
  let looked = false;
  Element.prototype.closest = function (selector) {
    if (selector === "[inert]" && !looked) setTimeout(move, 0, looked = true);
    return closest.call(this, selector);
  };
"""
)


def dialog(title: str, button: str, style: str = VEIL) -> str:
    return f'<div id="front" style="{style}"><div role="dialog"><h2>{title}</h2>{button}</div></div>'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(tmp_path_factory):
    settings = make_settings(base_url="http://127.0.0.1:9", home=tmp_path_factory.mktemp("home"))
    browser = await load_engine("playwright").start(settings, None)
    try:
        yield await browser.new_page(lambda event: None)
    finally:
        await browser.close()


CASES = {
    "nothing": ("", "", None),
    "the welcome, inert behind": (dialog("Welcome", "<button>Start chatting</button>"), INERT, None),
    "the welcome, moved as the page comes to life": (
        dialog("Welcome", "<button>Start chatting</button>"),
        MOVES,
        None,
    ),
    "the disclaimer": (dialog("Disclaimer", "<button>Explore the app</button>"), CLOSES, None),
    "a dialog with a word": (dialog("News", "<button> Got  it </button>"), CLOSES, "a dialog 'News'"),
    "a dialog with an icon": (dialog("Tour", "<button><svg></svg></button>"), CLOSES, "a dialog 'Tour'"),
    "the browser's own dialog": (
        '<dialog id="front"><p>Hello</p><button aria-label="Close">x</button></dialog>',
        "front.showModal();" + CLOSES,
        "a dialog 'Hello'",
    ),
    "a banner": (
        f'<aside id="front" style="{STRIP}"><h3>Soon</h3><button>Dismiss</button></aside>',
        CLOSES,
        "a notice 'Soon'",
    ),
    "a notice that goes away": (
        f'<aside id="front" style="{STRIP}"><h3>Done</h3></aside>',
        "setTimeout(() => front.remove(), 700);",
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_composer_behind(page, name):
    front, begin, named = CASES[name]
    await page.evaluate(PAGE, front, begin, timeout=5)
    seen: list[Drift] = []
    began = time.monotonic()
    await write(page, "hello", timeout=8, notice=seen.append)
    assert time.monotonic() - began < 6
    assert await page.evaluate("() => document.querySelector('textarea').value", timeout=5) == "hello"
    if name != "a notice that goes away":
        assert [each.what for each in seen] == ([named] if named else [])


@pytest.mark.parametrize("button", ["<button>I agree</button>", ""])
async def test_nothing_is_agreed_to(page, button):
    pressed = "window.pressed = 0; addEventListener('click', () => window.pressed++);"
    await page.evaluate(PAGE, dialog("Terms", button), pressed, timeout=5)
    with pytest.raises(PageChanged, match="'Terms' covers the page") as caught:
        await write(page, "hello", timeout=1.0, notice=lambda drift: None)
    assert (caught.value.part, caught.value.change) == ("a dialog 'Terms'", "new")
    assert await page.evaluate("() => window.pressed", timeout=5) == 0
