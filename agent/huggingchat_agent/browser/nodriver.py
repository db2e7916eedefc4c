"""The nodriver engine: it connects to a browser that we launch, or that runs; the verbs are `page.CdpPage`'s.

Of nodriver only the connection is used (`link`): its own launcher leaves processes behind, and its
event classes and handlers lose messages.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser import (
    abilities,
    devtools_endpoint,
    running_browser,
    site_data,
    start_failures,
)
from huggingchat_agent.browser.connection import Link, Session
from huggingchat_agent.browser.launch import Launched
from huggingchat_agent.browser.running_browser import TAB_CLOSED, TAB_CRASHED, Running, started
from huggingchat_agent.errors import BrowserError

if TYPE_CHECKING:
    from huggingchat_agent.browser.page import CdpPage
    from huggingchat_agent.proxy import Proxy
    from huggingchat_agent.settings import Settings


class NodriverEngine:
    """Implements `protocols.Engine`."""

    name = "nodriver"
    can = abilities.can("nodriver")

    async def start(self, settings: Settings, storage_state: dict[str, Any] | None) -> NodriverBrowser:
        abilities.check("nodriver", settings)
        return await started(NodriverBrowser, settings, storage_state)


class NodriverBrowser(Running):
    """A browser at the other end of a link."""

    def __init__(self, settings: Settings, path: str = "", *, sandboxed: bool = False) -> None:
        super().__init__(settings, path, sandboxed=sandboxed)
        self._launched = Launched(path, self.mark) if path else None
        self._link = Link(self._event, self.lost)
        self._root = Session(self._link)
        self._context: dict[str, str] = {}
        self._origins: dict[str, site_data.Items] = {}
        self._watching: asyncio.Task[None] | None = None

    async def _open(self, storage_state: dict[str, Any] | None) -> None:
        if self._launched is None:
            await self._connect(str(self._settings.connect))
        else:
            await self._launched.start(self._settings, sandboxed=self.sandboxed)
            self._watching = asyncio.create_task(self._watch(self._launched), name="watch the browser")
            await self._link.connect(self._launched.address)
        self.version = (await self._root.send("Browser.getVersion"))["product"].replace("/", " ")
        if self._settings.own_cookies:
            return
        # Not in the browser's own context: there Chromium, while it starts, drops the cookies that have no
        # end. And what is done in this one goes with us, also where we are killed.
        apart = await self._root.send("Target.createBrowserContext", {"disposeOnDetach": True})
        self._context = {"browserContextId": apart["browserContextId"]}
        state = storage_state or {}
        await site_data.set_cookies(self._root, self._context, state)
        for each in state.get("origins", []):
            await self._restore(each["origin"], each["localStorage"])

    async def _connect(self, connect: str) -> None:
        why = ""
        address = await devtools_endpoint.socket_address(connect)
        try:
            return await self._link.connect(address)
        except Exception as error:
            why = str(error)
        raise start_failures.unreachable(connect, why)

    async def _new_tab(self) -> _Tab:
        return await _Tab.made(self, self._link, self._context, self._settings.proxy)

    async def _restore(self, origin: str, items: site_data.Items) -> None:
        """Put items into the local storage of an origin, in a tab where every answer is an empty page."""
        tab = await _Tab.made(self, self._link, self._context, None)
        await tab.attach()

        def answer(method: str, params: dict[str, Any]) -> None:
            if method == "Fetch.requestPaused":
                empty = {"requestId": params["requestId"], "responseCode": 200, "body": ""}
                self.later(_told(tab.cdp, "Fetch.fulfillRequest", empty), "answer with an empty page")

        self._origins[origin] = items
        self._link.receivers[tab.cdp.id] = answer
        await tab.cdp.send("Fetch.enable")
        await tab.cdp.send("Page.navigate", {"url": origin})
        await site_data.put_items(tab.cdp, items)
        await tab.ask_to_close()

    async def _storage_state(self) -> dict[str, Any]:
        if self._settings.own_cookies:
            return await site_data.of_site(self._root, self._sessions(), self._settings.base_url)
        self._origins |= dict([await site_data.items(each) for each in self._sessions()])
        return {
            "cookies": await site_data.cookies(self._root, self._context),
            "origins": [
                {"origin": origin, "localStorage": items} for origin, items in self._origins.items() if items
            ],
        }

    def _event(self, method: str, params: dict[str, Any]) -> None:
        """What the browser as a whole reports: that a tab is gone."""
        if method == "Target.detachedFromTarget":
            self._link.receivers.pop(params["sessionId"], None)
            for page, tab in tuple(self._pages.items()):
                if isinstance(tab, _Tab) and tab.cdp.id == params["sessionId"]:
                    page.ended(TAB_CLOSED)

    async def _watch(self, launched: Launched) -> None:
        await launched.ended()
        self.lost()

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
                async with asyncio.timeout(running_browser.CLOSE_SECONDS):
                    await self._root.send("Browser.close")
                    patience = running_browser.CLOSE_SECONDS
            await self._launched.stop(patience)
        await self._link.disconnect()


class _Tab:
    """Implements `running.Tab`."""

    def __init__(self, browser: Running, link: Link, target: str, proxy: Proxy | None) -> None:
        self._browser, self._link, self._target, self._proxy = browser, link, target, proxy
        self._root = Session(link)
        self.cdp = Session(link)  # until it is attached
        self._tried: set[str] = set()

    @classmethod
    async def made(cls, browser: Running, link: Link, context: dict[str, str], proxy: Proxy | None) -> _Tab:
        made = await Session(link).send("Target.createTarget", {"url": "about:blank", **context})
        return cls(browser, link, made["targetId"], proxy)

    async def attach(self) -> None:
        attach = {"targetId": self._target, "flatten": True}
        self.cdp = Session(self._link, (await self._root.send("Target.attachToTarget", attach))["sessionId"])
        await self.cdp.send("Inspector.enable")
        if self._proxy is not None and self._proxy.username:
            every = [{"urlPattern": "*"}]
            self._link.receivers[self.cdp.id] = self._at_the_proxy
            await self.cdp.send("Fetch.enable", {"handleAuthRequests": True, "patterns": every})

    def report_to(self, page: CdpPage) -> None:
        def receive(method: str, params: dict[str, Any]) -> None:
            if method == "Inspector.targetCrashed":
                page.lost(TAB_CRASHED)
            elif method == "Page.javascriptDialogOpening":
                page.receive(method, params)
                # It would hold back everything in its tab.
                self._answer("Page.handleJavaScriptDialog", {"accept": params["type"] == "beforeunload"})
            elif method.startswith("Fetch."):
                self._at_the_proxy(method, params)
            else:
                page.receive(method, params)

        self._link.receivers[self.cdp.id] = receive

    async def ask_to_close(self) -> None:
        await self._root.send("Target.closeTarget", {"targetId": self._target})

    def _at_the_proxy(self, method: str, params: dict[str, Any]) -> None:
        """Let every request go on; tell the proxy, once for each, who we are."""
        request = params.get("requestId", "")
        if method == "Fetch.requestPaused":
            self._answer("Fetch.continueRequest", {"requestId": request})
        elif method == "Fetch.authRequired":
            answer = {"response": "Default"}
            if params["authChallenge"].get("source") == "Proxy":
                answer = {"response": "CancelAuth"} if request in self._tried else self._credentials()
                self._tried.add(request)
            self._answer("Fetch.continueWithAuth", {"requestId": request, "authChallengeResponse": answer})

    def _credentials(self) -> dict[str, str]:
        assert self._proxy is not None
        password = self._proxy.password.reveal() if self._proxy.password else ""
        return {
            "response": "ProvideCredentials",
            "username": str(self._proxy.username),
            "password": password,
        }

    def _answer(self, method: str, params: dict[str, Any]) -> None:
        self._browser.later(_told(self.cdp, method, params), method)


async def _told(cdp: Session, method: str, params: dict[str, Any]) -> None:
    with contextlib.suppress(BrowserError):  # the request, or the tab, is gone: nobody waits for the answer
        await cdp.send(method, params)
