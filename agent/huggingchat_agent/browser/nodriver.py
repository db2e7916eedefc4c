"""The nodriver engine: a connection to a browser, launched by us or running. `page.CdpPage` has the verbs.

It uses only nodriver's connection (`connection`): nodriver's launcher leaves processes behind, and its event
classes and handlers lose messages.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser import abilities, devtools_endpoint, running_browser, site_data, start_failures
from huggingchat_agent.browser.connection import BrowserConnection, CdpSession
from huggingchat_agent.browser.launch import LaunchedBrowser
from huggingchat_agent.browser.persons_browser import ALLOW_SECONDS
from huggingchat_agent.browser.running_browser import TAB_CLOSED, TAB_CRASHED, RunningBrowser, start_browser
from huggingchat_agent.errors import BrowserError
from huggingchat_agent.origin import parse_origin

if TYPE_CHECKING:
    from huggingchat_agent.browser.page import CdpPage
    from huggingchat_agent.choices import EngineName
    from huggingchat_agent.endpoint import Endpoint
    from huggingchat_agent.settings import Settings


_PROXY = "proxy"


class NodriverEngine:
    """Implements `protocols.Engine`."""

    name: EngineName = "nodriver"
    can = abilities.can("nodriver")

    async def start(self, settings: Settings, storage_state: dict[str, Any] | None) -> NodriverBrowser:
        abilities.check("nodriver", settings)
        return await start_browser(NodriverBrowser, settings, storage_state)


class NodriverBrowser(RunningBrowser):
    """A browser behind nodriver's connection."""

    def __init__(self, settings: Settings, path: str = "", *, sandboxed: bool = False) -> None:
        super().__init__(settings, path, sandboxed=sandboxed)
        self._launched = LaunchedBrowser(path, self.tag) if path else None
        self._connection = BrowserConnection(self._handle_event, self.mark_gone)
        self._root = CdpSession(self._connection)
        self._context: dict[str, str] = {}
        self._watching: asyncio.Task[None] | None = None

    async def _open(self, storage_state: dict[str, Any] | None) -> None:
        if self._launched is None:
            await self._connect(self._connect_to)
        else:
            await self._launched.start(self._settings, sandboxed=self.sandboxed)
            self._watching = asyncio.create_task(
                self._watch_process(self._launched), name="watch the browser"
            )
            await self._connection.connect(self._launched.address)
        self.version = (await self._root.send("Browser.getVersion"))["product"].replace("/", " ")
        if self._settings.own_cookies:
            return
        # Not in the browser's own context: while it starts, Chromium drops session cookies there. And this
        # context goes away with us, even if we are killed.
        apart = await self._root.send("Target.createBrowserContext", {"disposeOnDetach": True})
        self._context = {"browserContextId": apart["browserContextId"]}
        await site_data.set_cookies(self._root, self._context, storage_state or {})

    async def _connect_to(self, endpoint: Endpoint) -> None:
        why = ""
        address = await devtools_endpoint.find_socket_address(endpoint)
        try:
            return await self._connection.connect(address, ALLOW_SECONDS)
        except Exception as error:  # of the driver, whose errors are of many classes
            why = str(error)
        raise start_failures.make_connect_error(endpoint, why)

    async def _open_tab(self) -> _Tab:
        return await _Tab.create(self, self._connection, self._context, _read_credentials(self._settings))

    async def _ping(self) -> None:
        await self._root.send("Browser.getVersion")

    def _kill(self) -> None:
        if self._launched is not None:
            self._launched.kill()

    async def _read_state(self) -> dict[str, Any]:
        if self._settings.own_cookies:
            return await self._read_site_state()
        return await self._make_state(await site_data.get_cookies(self._root, self._context))

    def _handle_event(self, method: str, params: dict[str, Any]) -> None:
        """Handle an event of the browser as a whole: a tab is gone."""
        if method == "Target.detachedFromTarget":
            self._connection.receivers.pop(params["sessionId"], None)
            for page, tab in tuple(self._pages.items()):
                if isinstance(tab, _Tab) and tab.cdp.id == params["sessionId"]:
                    page.mark_closed(TAB_CLOSED)

    async def _watch_process(self, launched: LaunchedBrowser) -> None:
        await launched.wait_for_exit()
        self.mark_gone()

    async def _end(self) -> None:
        for task in (self._opening, self._watching):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._launched is None:
            await self._close_tabs()
        else:
            patience = 0.0
            with contextlib.suppress(BrowserError, TimeoutError):
                async with asyncio.timeout(0 if self._leaves_nothing else running_browser.CLOSE_SECONDS):
                    await self._root.send("Browser.close")
                    patience = running_browser.CLOSE_SECONDS
            await self._launched.stop(patience)
        await self._connection.disconnect()


class _Tab:
    """Implements `running_browser.Tab`."""

    def __init__(
        self,
        browser: RunningBrowser,
        connection: BrowserConnection,
        target: str,
        credentials: dict[str, tuple[str, str]],
    ) -> None:
        self._browser, self._connection, self._target = browser, connection, target
        self._credentials = credentials
        self._root = CdpSession(connection)
        self.cdp = CdpSession(connection)  # until `attach`
        self._tried: set[tuple[str, str]] = set()

    @classmethod
    async def create(
        cls,
        browser: RunningBrowser,
        connection: BrowserConnection,
        context: dict[str, str],
        credentials: dict[str, tuple[str, str]],
    ) -> _Tab:
        made = await CdpSession(connection).send("Target.createTarget", {"url": "about:blank", **context})
        return cls(browser, connection, made["targetId"], credentials)

    async def attach(self) -> None:
        attach = {"targetId": self._target, "flatten": True}
        self.cdp = CdpSession(
            self._connection, (await self._root.send("Target.attachToTarget", attach))["sessionId"]
        )
        await self.cdp.send("Inspector.enable")
        if self._credentials:
            every = [{"urlPattern": "*"}]
            self._connection.receivers[self.cdp.id] = self._handle_fetch
            await self.cdp.send("Fetch.enable", {"handleAuthRequests": True, "patterns": every})

    def report_to(self, page: CdpPage) -> None:
        def receive(method: str, params: dict[str, Any]) -> None:
            if method == "Inspector.targetCrashed":
                page.mark_gone(TAB_CRASHED)
            elif method == "Page.javascriptDialogOpening":
                page.receive(method, params)
                # An open dialog would hold back everything in its tab.
                self._answer("Page.handleJavaScriptDialog", {"accept": params["type"] == "beforeunload"})
            elif method.startswith("Fetch."):
                self._handle_fetch(method, params)
            else:
                page.receive(method, params)

        self._connection.receivers[self.cdp.id] = receive

    async def ask_to_close(self) -> None:
        await self._root.send("Target.closeTarget", {"targetId": self._target})

    def _handle_fetch(self, method: str, params: dict[str, Any]) -> None:
        """Let every request continue. Give the proxy, and the app's own origin, their credentials once."""
        request = params.get("requestId", "")
        if method == "Fetch.requestPaused":
            self._answer("Fetch.continueRequest", {"requestId": request})
        elif method == "Fetch.authRequired":
            challenge = params["authChallenge"]
            asker = _PROXY if challenge.get("source") == "Proxy" else str(parse_origin(challenge["origin"]))
            answer = {"response": "Default"}
            if asker in self._credentials:
                username, password = self._credentials[asker]
                answer = {"response": "ProvideCredentials", "username": username, "password": password}
                if (request, asker) in self._tried:
                    answer = {"response": "CancelAuth"}
                self._tried.add((request, asker))
            self._answer("Fetch.continueWithAuth", {"requestId": request, "authChallengeResponse": answer})

    def _answer(self, method: str, params: dict[str, Any]) -> None:
        self._browser.spawn(_send_quietly(self.cdp, method, params), method)


def _read_credentials(settings: Settings) -> dict[str, tuple[str, str]]:
    """User name and password by asker: the proxy, or the app's own origin."""
    found = {}
    if (proxy := settings.proxy) is not None and proxy.username:
        found[_PROXY] = (proxy.username, proxy.password.reveal() if proxy.password else "")
    if (gateway := settings.http_credentials) is not None:
        found[settings.origin] = (gateway.username, gateway.password.reveal())
    return found


async def _send_quietly(cdp: CdpSession, method: str, params: dict[str, Any]) -> None:
    with contextlib.suppress(BrowserError):  # the request or the tab is gone, and with it the need
        await cdp.send(method, params)
