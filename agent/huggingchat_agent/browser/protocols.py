"""What the rest of the agent may ask of a browser: three small protocols.

A `Page` has ten verbs, and two more for recordings. They are written once, on bare CDP
(`page.CdpPage`), so that an engine needs nothing but to launch and to connect. What they promise:

* `find` sees what assistive technology sees: role and accessible name, exactly but for white space;
  hidden and inert controls do not exist for it.
* `click` and `insert_text` act only on a control that is visible, enabled and reachable at its
  middle (not covered); they scroll it into view, look again when it was re-rendered, and otherwise
  wait until it is so or the time is over (`BrowserTimeout`, which says what was in the way).
* A gesture that was made is never reported as one that was not: where it leads to a page that does
  not come, the verb returns.
* Text goes in by CDP `Input.insertText` and never appears in an error, whatever fails.
* A navigation that has begun holds back scripts until the other site answers; `evaluate`, `wait`,
  `find` and `address` wait for that, within their time.

Times are in seconds. Every verb raises `BrowserClosed` when the browser or the tab is gone and
`BrowserTimeout` when the time is over; other driver errors become `BrowserError`. No message, cause
or context of these holds text that was typed or the query part of an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from huggingchat_agent.browser.console_messages import PageMessage
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.settings import Settings


class Control(NamedTuple):
    """How a control is known: by role and accessible name, perhaps only `within` the element that a CSS
    selector names. It is found again at each use.

    To click one that is not there, the pointer is first put on the element it is within: some appear
    only under it.
    """

    role: str
    name: str
    within: str = ""


class Upload(NamedTuple):
    """A file for a file input: its name, its media type, its bytes."""

    name: str
    mime: str
    data: bytes


class Snapshot(NamedTuple):
    """A picture (PNG) and the accessibility tree (text) of a page, input fields masked in both."""

    png: bytes
    tree: str


class Page(Protocol):
    """One tab. `id` is unique within the process; `closed` tells without asking the browser."""

    @property
    def id(self) -> str: ...

    @property
    def closed(self) -> bool: ...

    async def goto(self, url: str, *, timeout: float) -> None:
        """Open an address and return when its document is parsed; SiteError if it cannot be reached."""

    async def find(self, control: Control, *, timeout: float) -> bool:
        """Wait until the control is in the accessibility tree; False when the time is over (0: look once)."""

    async def click(self, control: Control, *, timeout: float) -> None:
        """Click the middle of the control."""

    async def insert_text(self, selector: str, text: str, *, timeout: float) -> None:
        """Focus the field that the CSS selector names, replace what is in it by the text.

        By selector and not by role: a password field has no role. Real input events follow.
        """

    async def set_files(self, selector: str, files: Sequence[Upload], *, timeout: float) -> None:
        """Put files into the file input that the CSS selector names, shown or not."""

    async def evaluate(self, function: str, *args: Any, timeout: float) -> Any:
        """Call a JavaScript function (its source) with JSON arguments, await and return its JSON result.

        BrowserError with the page's message where it raises, or where the page goes to another document.
        """

    async def wait(self, function: str, *args: Any, timeout: float) -> Any:
        """Wait until the function returns something true, across navigations; return that.

        It is looked at when the document changes, and 20 times a second.
        """

    async def snapshot(self) -> Snapshot:
        """Picture of what is in view and the whole accessibility tree, what is typed in input fields masked.

        Text areas stay as they are: questions are asked in them, secrets are not.
        """

    async def observe(self, hear: Callable[[PageMessage], None], *, everything: bool = False) -> None:
        """For a recording: have what the page says (console, errors, dialogs) handed over from now on.

        `everything` has the sink get the bodies of scripts, styles and pictures too. A page can tell that
        its console is listened to; without a recording it is not.
        """

    async def picture(self, secrets: Callable[[str], list[str]]) -> bytes:
        """For a recording: a small picture (WebP) of what is in view, cheaper than a snapshot.

        What is typed in input fields is masked, and so is what `secrets` finds in the text of the page.
        BrowserError where more of that came up meanwhile.
        """

    async def address(self) -> str:
        """The address of the document now shown. It can hold secrets: redact before showing it."""

    async def close(self) -> None:
        """Close the tab. Closing twice is fine."""


class Browser(Protocol):
    """A running browser with one set of cookies. The caller that started it closes it."""

    @property
    def version(self) -> str:
        """Product and version, such as "Chromium 156.0.8078.79"."""

    @property
    def sandboxed(self) -> bool:
        """Whether we started it with its sandbox; False also where we did not start it."""

    @property
    def closed(self) -> bool: ...

    async def new_page(self, sink: Callable[[ExchangeEvent], None]) -> Page:
        """Open a tab whose traffic goes to the sink from its first request on.

        The sink is called in the event loop, in order, and must not block.
        """

    async def storage_state(self) -> dict[str, Any]:
        """Cookies and local storage in Playwright's storage state form.

        Of a browser that is not ours, those of the app's host only.
        """

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Call back once when the browser goes away, however it does."""

    async def close(self) -> None:
        """End the browser and everything started for it. Closing twice is fine.

        Of a browser that we connected to, only our tabs are closed.
        """


class Engine(Protocol):
    """How to get a browser. `can` says by name what it is able to do: see `abilities`."""

    @property
    def name(self) -> str: ...

    @property
    def can(self) -> Mapping[str, bool]: ...

    async def start(self, settings: Settings, storage_state: dict[str, Any] | None) -> Browser:
        """Start a browser, or connect to the one that the settings name.

        The browser gets the cookies and local storage of a saved session, unless its own are used
        (`settings.own_cookies`). Raises SettingsError for what the engine cannot do, BrowserMissing,
        BrowserTimeout or BrowserError, and leaves nothing behind then.
        """
