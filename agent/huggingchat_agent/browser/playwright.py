"""The Playwright engine: its launcher and its pipe to the browser; `page.CdpPage` has the verbs.

Playwright's errors never leave this module: their messages hold whole addresses and call logs.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

from playwright.async_api import async_playwright

from huggingchat_agent.browser import (
    abilities,
    bound,
    devtools_endpoint,
    driver_environment,
    process_tag,
    start_failures,
)
from huggingchat_agent.browser.launch import DISABLED_FEATURES, KEYLESS, QUIET, choose_switches
from huggingchat_agent.browser.persons_browser import ALLOW_SECONDS
from huggingchat_agent.browser.playwright_session import PlaywrightSession
from huggingchat_agent.browser.process_group import ProcessGroup
from huggingchat_agent.browser.running_browser import (
    CLOSE_SECONDS,
    CLOSED,
    TAB_CLOSED,
    TAB_CRASHED,
    RunningBrowser,
    finish_in_time,
    make_driver_error,
    start_browser,
)
from huggingchat_agent.browser.temporary import TemporaryFolder, keep_pipe_from_children
from huggingchat_agent.environment import put_secrets_aside

if TYPE_CHECKING:
    from pathlib import Path

    import playwright.async_api as driver

    from huggingchat_agent.browser.page import CdpPage
    from huggingchat_agent.choices import EngineName
    from huggingchat_agent.endpoint import Endpoint
    from huggingchat_agent.errors import BrowserError
    from huggingchat_agent.proxy import Proxy
    from huggingchat_agent.settings import Settings

DRIVER_GONE = "Playwright's own process is gone: it crashed or was killed."

_TIDY_SECONDS = 1.0
_TIDY_PAUSE = 0.02

_WRITTEN = re.compile(r"^\[pid=\d+\]\[err\] (.*)$", re.MULTILINE)


class PlaywrightEngine:
    """Implements `protocols.Engine`."""

    name: EngineName = "playwright"
    can = abilities.can("playwright")

    async def start(self, settings: Settings, storage_state: dict[str, Any] | None) -> PlaywrightBrowser:
        abilities.check("playwright", settings)
        return await start_browser(PlaywrightBrowser, settings, storage_state)


# Before it is connected, Playwright asks every tab of a running browser, the user's included.
CONNECT_SECONDS = 20.0


class PlaywrightBrowser(RunningBrowser):
    """A browser that Playwright started or connected to."""

    def __init__(self, settings: Settings, path: str = "", *, sandboxed: bool = False) -> None:
        super().__init__(settings, path, sandboxed=sandboxed)
        self._manager = async_playwright()
        self._browser: driver.Browser | None = None
        self._context: driver.BrowserContext | None = None
        self._root: PlaywrightSession | None = None
        self._driver: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._process = 0
        self._group: ProcessGroup | None = None
        self._folder = TemporaryFolder(self.tag) if path else None
        self._folders: list[Path] = []  # of Playwright and the browser, elsewhere; the entry of `bind`
        self._bind = settings.bind
        self._borrowed = False

    async def _open(self, storage_state: dict[str, Any] | None) -> None:
        # In our folder: whatever Playwright's own process makes there is removed with it.
        temporary = {} if self._folder is None else {"TMPDIR": str(self._folder.path)}
        if self._folder is not None and self._bind:
            temporary |= bound.place_sockets(self._folder.path)
        with put_secrets_aside(), driver_environment.choose(temporary | driver_environment.keep_compiled()):
            playwright = await self._manager.start()
        self._driver = _find_driver(self._manager)
        if self._driver is not None:
            self._watching = asyncio.create_task(self._watch_driver(self._driver), name="watch the driver")
            keep_pipe_from_children(self._driver)
        chromium = playwright.chromium
        if self._settings.connect:
            patience = ALLOW_SECONDS if self._settings.searched else CONNECT_SECONDS
            self._browser = browser = await self._connect(lambda each: _connect_to(chromium, each, patience))
        elif self._settings.user_data_dir is not None:
            folder = self._settings.user_data_dir
            context = await chromium.launch_persistent_context(
                folder, **self._make_launch_options(), **self._make_context_args(no_viewport=True)
            )
            assert context.browser is not None
            self._browser = browser = context.browser
        else:
            self._browser = browser = await chromium.launch(**self._make_launch_options())
        browser.on("disconnected", lambda _: self.mark_gone())
        self._root = root = PlaywrightSession(await browser.new_browser_cdp_session())
        self.version = (await root.send("Browser.getVersion"))["product"].replace("/", " ")
        if self._bind and self._folder:
            self._folders.append(await bound.bind(browser, self._bind, self._folder.path))
        if self._path:
            await self._note_leftovers(root)
        if browser.contexts and self._settings.own_cookies:
            self._borrowed = True
            self._context = browser.contexts[0]
            self._context.on("dialog", self._close_dialog)
        else:
            # Not with the local storage: Playwright loads a page to set that (see `site_data`).
            cookies: Any = {"cookies": (storage_state or {}).get("cookies", []), "origins": []}
            self._context = await browser.new_context(
                storage_state=cookies,
                **self._make_context_args(no_viewport=not self._settings.headless or None),
            )

    def _make_launch_options(self) -> dict[str, Any]:
        assert self._folder is not None
        return {
            "executable_path": self._path,
            "headless": self._settings.headless,
            "chromium_sandbox": self.sandboxed,
            "args": [
                *QUIET,
                DISABLED_FEATURES,
                process_tag.make_switch(self.tag),
                *choose_switches(self._settings),
            ],
            "env": dict(self._folder.make_environment()),
            "ignore_default_args": list(KEYLESS) if self._settings.system_keyring else None,
            # The password of a bound browser's proxy goes to the context: Playwright registers this.
            "proxy": _format_proxy(self._settings.proxy, credentials=not self._bind),
            # We handle signals ourselves.
            "handle_sigint": False,
            "handle_sigterm": False,
            "handle_sighup": False,
        }

    def _make_context_args(self, *, no_viewport: bool | None) -> dict[str, Any]:
        """The user's choice. A viewport in it excludes `no_viewport`."""
        chosen = dict(self._settings.context_args)
        if self._bind and self._settings.proxy:
            chosen["proxy"] = _format_proxy(self._settings.proxy)
        if (credentials := self._settings.http_credentials) is not None:
            chosen.setdefault(
                "http_credentials",
                {
                    "username": credentials.username,
                    "password": credentials.password.reveal(),
                    "origin": self._settings.origin,
                    "send": "unauthorized",
                },
            )
        return chosen if "viewport" in chosen else {"no_viewport": no_viewport, **chosen}

    async def _note_leftovers(self, root: PlaywrightSession) -> None:
        """Note what to remove at the end: the process, and the folders that are not the user's."""
        processes = (await root.send("SystemInfo.getProcessInfo"))["processInfo"]
        self._process = next(each["id"] for each in processes if each["type"] == "browser")
        self._folders += [
            each
            for each in process_tag.find_temporary_folders(self._process)
            if each != self._settings.user_data_dir or self._settings.system_keyring
        ]
        self._group = ProcessGroup(self._process)
        if self._folder is not None:
            await self._folder.guard(self._process, self._folders)
        self.on_closed(self._start_burial)

    async def _open_tab(self) -> _Tab:
        assert self._context is not None and self._root is not None
        return _Tab(await self._context.new_page(), self._root)

    async def _ping(self) -> None:
        if self._root is not None:
            await self._root.send("Browser.getVersion")

    async def _read_state(self) -> dict[str, Any]:
        assert self._context is not None and self._root is not None
        if self._borrowed:
            return await self._read_site_state()
        # Not Playwright's own `storage_state`, which waits for a tab that computes.
        return await self._make_state([dict(each) for each in await self._context.cookies()])

    def _close_dialog(self, dialog: driver.Dialog) -> None:
        """Close a dialog of one of our tabs. Without a handler, Playwright would close those of all tabs."""
        if any(tab.page is dialog.page for tab in self._pages.values() if isinstance(tab, _Tab)):
            self.spawn(
                dialog.accept() if dialog.type == "beforeunload" else dialog.dismiss(), "close a dialog"
            )

    def _make_start_error(self, what: str, said: str) -> BrowserError:
        if not self._path:
            return make_driver_error(what, said)
        if known := start_failures.explain_output(said):
            return known
        logs = said.partition("Call log:")[0]
        return start_failures.make_start_error(
            self._path, _WRITTEN.findall(logs) or [logs.partition("\n")[0]]
        )

    def _find_processes(self) -> set[int]:
        driver = {self._driver.pid} if self._driver is not None else set()
        return super()._find_processes() | driver

    async def _watch_driver(self, driver: asyncio.subprocess.Process) -> None:
        """Playwright does not report that its own process died, and nothing works without it."""
        await driver.wait()
        self.mark_gone(DRIVER_GONE)

    def _start_burial(self) -> None:
        if self._gone != CLOSED and self._group is not None:
            self.spawn(self._bury(self._group), "kill what the browser has left")

    async def _bury(self, group: ProcessGroup) -> None:
        """Kill what a lost browser has left now: at our end, its id may be that of another process."""
        await group.end_soon(CLOSE_SECONDS)
        if self._folder is not None:
            self._folder.spare_group()

    async def _end(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        if self._opening is not None and not await finish_in_time(asyncio.shield(self._opening)):
            self._kill()
            await finish_in_time(self._opening)
        if self._settings.connect:
            await self._close_tabs()
        elif self._leaves_nothing:
            self._kill(driver_too=True)
            if self._driver is not None:
                await self._driver.wait()
        if self._browser is not None and not await finish_in_time(self._browser.close()):
            self._kill()
        await self._wait_for_tidying()
        if not await finish_in_time(self._manager.__aexit__()):
            self._kill(driver_too=True)
            await finish_in_time(self._manager.__aexit__())
        if self._group is not None:
            self._group.end()
        if self._folder is not None:
            process_tag.kill_processes(process_tag.find_processes(self.tag))
            await self._folder.remove()

    async def _wait_for_tidying(self) -> None:
        """If the browser was killed, give Playwright's process a moment to remove its folders."""
        if self._driver is not None and self._driver.returncode is not None:
            return
        until = time.monotonic() + _TIDY_SECONDS
        # No event tells that a folder is gone.
        while any(each.exists() for each in self._folders) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(_TIDY_PAUSE)

    def _kill(self, *, driver_too: bool = False) -> None:
        """Kill the browser, and Playwright's own process too if that does not end."""
        if self._group is not None:
            self._group.kill()
        process_tag.kill_processes(process_tag.find_processes(self.tag))
        if driver_too and self._driver is not None and self._driver.returncode is None:
            self._driver.kill()


class _Tab:
    """Implements `running_browser.Tab`."""

    def __init__(self, page: driver.Page, root: PlaywrightSession) -> None:
        self.page, self._root = page, root
        self.cdp: PlaywrightSession
        self._target = ""

    async def attach(self) -> None:
        self.cdp = PlaywrightSession(await self.page.context.new_cdp_session(self.page))
        self._target = (await self.cdp.send("Target.getTargetInfo"))["targetInfo"]["targetId"]

    def report_to(self, page: CdpPage) -> None:
        self.cdp.on(page.receive)
        self.page.on("crash", lambda _: page.mark_gone(TAB_CRASHED))
        self.page.on("close", lambda _: page.mark_closed(TAB_CLOSED))

    async def ask_to_close(self) -> None:
        if self._target:
            await self._root.send("Target.closeTarget", {"targetId": self._target})
        else:
            await self.page.close()


async def _connect_to(chromium: driver.BrowserType, endpoint: Endpoint, seconds: float) -> driver.Browser:
    why = ""
    address = await devtools_endpoint.find_socket_address(endpoint)
    try:
        if not endpoint.cdp:
            return await chromium.connect(address)
        async with asyncio.timeout(seconds):
            return await chromium.connect_over_cdp(address, no_defaults=True, timeout=seconds * 1000)
    except TimeoutError:
        raise start_failures.make_busy_error(endpoint, seconds) from None
    except Exception as error:  # of the driver, whose errors are of many classes
        why = str(error).partition("\n")[0].partition("Call log:")[0]
    raise start_failures.make_connect_error(endpoint, why)


def _find_driver(manager: Any) -> asyncio.subprocess.Process | None:
    """Playwright's own process, which its API does not give; None where it cannot be found."""
    for name in ("_client", "_connection"):  # as several versions call what holds it
        transport: Any = getattr(getattr(manager, name, None), "_transport", None)
        process = getattr(transport, "_proc", None)
        if isinstance(process, asyncio.subprocess.Process):
            # Playwright leaves there that its process died, and asyncio would log that nobody looked.
            transport.on_error_future.add_done_callback(lambda found: found.cancelled() or found.exception())
            return process
    return None


def _format_proxy(proxy: Proxy | None, *, credentials: bool = True) -> dict[str, str] | None:
    """The proxy in Playwright's form. Playwright passes the credentials through its pipe."""
    if proxy is None:
        return None
    if not credentials:
        return {"server": proxy.server}
    password = proxy.password.reveal() if proxy.password else ""
    account = {"username": proxy.username, "password": password} if proxy.username else {}
    return {"server": proxy.server, **account}
