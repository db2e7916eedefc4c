"""A browser as the rest of the agent sees it: three small protocols.

A `Page` has ten verbs, and two more for recordings. They are written once, on bare CDP (`page.CdpPage`), so
that an engine only launches and connects. Their promises:

* `find` sees what assistive technology sees: role and accessible name, equal but for white space.
  Hidden and inert controls do not exist for it.
* `click` and `insert_text` act only on a control that is visible, enabled and not covered at its
  middle. They scroll it into view and look again when it is re-rendered. They wait until that holds,
  or raise `BrowserTimeout`, which names the obstacle.
* A verb that made its gesture does not fail: if the gesture leads to a page that does not load, it returns.
* Text is typed by CDP `Input.insertText`. It never appears in an error.
* A navigation that has begun holds back scripts until the other site answers. `evaluate`, `wait`,
  `find` and `read_address` wait for that, within their time.

Times are in seconds. Every verb raises `BrowserClosed` when the browser or the tab is gone, and
`BrowserTimeout` when the time is over. Other driver errors become `BrowserError`. No message, cause
or context of these holds typed text or the query of an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from huggingchat_agent.browser.console_messages import PageMessage
    from huggingchat_agent.browser.dropped_cookies import DroppedCookies
    from huggingchat_agent.choices import EngineName
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.settings import Settings


class Control(NamedTuple):
    """A control by role and accessible name, perhaps only `within` the element of a CSS selector. Each use
    finds it again.

    Some controls appear only under the pointer. So before a click on a missing one, the pointer goes to the
    element that it is within.
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
    """One tab. `id` is unique within the process. Reading `closed` does not ask the browser."""

    @property
    def id(self) -> str: ...

    @property
    def closed(self) -> bool: ...

    async def goto(self, url: str, *, timeout: float) -> None:
        """Open an address, and return when its document is parsed. SiteError if it cannot be reached."""

    async def find(self, control: Control, *, timeout: float) -> bool:
        """Wait until the control is in the accessibility tree; False when the time is over (0: look once)."""

    async def click(self, control: Control, *, timeout: float) -> None:
        """Click the middle of the control."""

    async def insert_text(self, selector: str, text: str, *, timeout: float) -> None:
        """Focus the field of the CSS selector, and replace its text.

        By selector and not by role: a password field has no role. Real input events follow.
        """

    async def set_files(self, selector: str, files: Sequence[Upload], *, timeout: float) -> None:
        """Put files into the file input of the CSS selector, which may be hidden.

        Large files get more time than `timeout`.
        """

    async def evaluate(self, function: str, *args: Any, timeout: float) -> Any:
        """Call a JavaScript function (its source) with JSON arguments, await and return its JSON result.

        Raises BrowserError with the page's message if it raises, or if the page navigates.
        """

    async def wait(self, function: str, *args: Any, timeout: float) -> Any:
        """Wait until the function returns something true, across navigations; return that.

        It checks when the document changes, and 20 times a second.
        """

    async def take_snapshot(self) -> Snapshot:
        """A picture of the view, and the whole accessibility tree. Text in input fields is masked.

        Text areas stay readable: they hold prompts and no secrets.
        """

    async def observe(self, hear: Callable[[PageMessage], None], *, everything: bool = False) -> None:
        """For a recording: pass on the page's console messages, errors and dialogs from now on.

        With `everything`, the sink also gets the bodies of scripts, styles and pictures. A page can notice
        that something reads its console, so this is for recordings only.
        """

    async def take_picture(self, secrets: Callable[[str], list[str]]) -> bytes:
        """For a recording: a small picture (WebP) of the view, cheaper than a snapshot.

        It masks text in input fields, and everything that `secrets` finds in the page's text. Raises
        BrowserError if more secrets appear meanwhile.
        """

    async def read_address(self) -> str:
        """The address of the current document. It can hold secrets: redact it before you show it."""

    async def close(self) -> None:
        """Close the tab. Closing twice is fine."""


class Browser(Protocol):
    """A running browser with one set of cookies. The caller that started it closes it."""

    @property
    def version(self) -> str:
        """Product and version, such as "Chromium 156.0.8078.79"."""

    @property
    def sandboxed(self) -> bool:
        """Whether we started it with its sandbox. False if we did not start it."""

    @property
    def closed(self) -> bool: ...

    @property
    def dropped_cookies(self) -> DroppedCookies:
        """The cookies that it was sent and did not keep."""

    async def new_page(self, sink: Callable[[ExchangeEvent], None]) -> Page:
        """Open a tab whose traffic goes to the sink from its first request on.

        The sink is called in the event loop, in order, and must not block.
        """

    async def storage_state(self) -> dict[str, Any]:
        """Cookies and local storage in Playwright's storage state format.

        From a browser that is not ours, only those of the app's host.
        """

    def measure_memory(self) -> float:
        """MiB of the processes that we started for it, the driver's included. 0 if that is not known."""

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Call back once when the browser is gone for any reason."""

    async def close(self) -> None:
        """End the browser and everything started for it. Closing twice is fine.

        In a browser that we connected to, it closes only our tabs.
        """


class Engine(Protocol):
    """Starts browsers. `can` has its abilities by name: see `abilities`."""

    @property
    def name(self) -> EngineName: ...

    @property
    def can(self) -> Mapping[str, bool]: ...

    async def start(self, settings: Settings, storage_state: dict[str, Any] | None) -> Browser:
        """Start a browser, or connect to the one that the settings name.

        The browser gets the cookies and local storage of a saved session, unless its own are used
        (`settings.own_cookies`). Raises SettingsError for what the engine cannot do, BrowserMissing,
        BrowserTimeout or BrowserError, and leaves nothing behind then.
        """
