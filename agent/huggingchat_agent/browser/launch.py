"""Starts a browser, for engines that can only connect to one.

The browser gets its own process group, and a folder for all its files (see `temporary`). Its output goes to a
file there, so that no pipe can fill up.

The browser chooses the port that it listens on, on the loopback address only. Unlike a pipe, the port is
open to every local user while the browser runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING

from huggingchat_agent.browser import process_tag, start_failures
from huggingchat_agent.browser.process_group import ProcessGroup
from huggingchat_agent.browser.temporary import TemporaryFolder

if TYPE_CHECKING:
    from pathlib import Path

    from huggingchat_agent.settings import Settings

# Keep the browser itself off the network, whatever the driver's own switches do. If no switch stops
# some requests, a `data:` address replaces their server. Nothing stops Chromium (up to 156) from asking
# Google who is signed in.
QUIET = (
    "--autofill-server-url=data:,",
    "--component-updater=url-source=data:,",
    "--disable-client-side-phishing-detection",
    "--disable-domain-reliability",
    "--no-pings",
)

# Chromium follows the last of several such switches, so this one repeats Playwright's. It also turns off
# look-ups and the pages of the address bar, which cost as much as starting the browser.
DISABLED_FEATURES = "--disable-features=" + ",".join(
    (
        "AimEnabled",
        "AvoidCorsURLLoaderRestartOnRedirect",
        "AvoidUnnecessaryBeforeUnloadCheckSync",
        "DestroyProfileOnBrowserClose",
        "HttpsFirstBalancedModeAutoEnable",
        "HttpsUpgrades",
        "LensOverlay",
        "MediaRouter",
        "NetworkTimeServiceQuerying",
        "OptimizationHints",
        "PaintHolding",
        "PreconnectToSearch",
        "TcpPortRandomizationWin",
        "ThirdPartyStoragePartitioning",
        "Translate",
        "WebUIOmniboxAimPopup",
        "WebUIOmniboxPopup",
        "msEdgeUpdateLaunchServicesPreferredVersion",
        "msForceBrowserSignIn",
    )
)

# Keep the key of the cookies out of the system's keyring. A copy of a person's profile opens without these.
KEYLESS = ("--password-store=basic", "--use-mock-keychain")

# Do not slow down background tabs, and ask no questions.
SWITCHES = (
    *QUIET,
    DISABLED_FEATURES,
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-startup-window",
    "--no-service-autorun",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-ipc-flooding-protection",
    "--disable-back-forward-cache",
    "--disable-breakpad",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-field-trial-config",
    "--disable-hang-monitor",
    "--disable-infobars",
    "--disable-popup-blocking",
    "--disable-prompt-on-repost",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
    "--enable-features=SkipListAccountsWithoutGaiaCookies",  # in versions to come
    "--force-color-profile=srgb",
    "--metrics-recording-only",
    "--mute-audio",
    "--window-size=1280,800",
)

# Without a window there is no mouse, and pages would hide controls that appear under a pointer.
_MOUSE = (
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"
)
HEADLESS = ("--headless", "--hide-scrollbars", _MOUSE)

# Chromium follows the last of several `--blink-settings`, so this one repeats ours and Playwright's.
_NO_PICTURES = ("--disable-remote-fonts", f"{_MOUSE},imagesEnabled=false")

_LISTENING = re.compile(r"^DevTools listening on (ws://\S+)$", re.MULTILINE)
_LOOK_SECONDS = 0.02  # seconds between two looks at the disk, which reports no change
_ALL_HOSTS = "--proxy-bypass-list=<-loopback>"


def choose_switches(settings: Settings) -> tuple[str, ...]:
    """What to add to the switches of any browser that we start. The user's own come last."""
    seen = settings.shown or settings.record is not None
    return (*(_NO_PICTURES if settings.skip_pictures and not seen else ()), *settings.browser_args)


class LaunchedBrowser:
    """A running browser. `address` is that of its DevTools socket."""

    def __init__(self, path: str, tag: str) -> None:
        self.address = ""
        self._path, self._tag = path, tag
        self._folder = TemporaryFolder(tag)
        self._profile = self._folder.path / "profile"
        self._process: asyncio.subprocess.Process | None = None
        self._group: ProcessGroup | None = None

    async def start(self, settings: Settings, *, sandboxed: bool) -> None:
        """Start it and wait until it listens, without a time limit: cancel it. Raises BrowserError."""
        self._profile = settings.user_data_dir or self._profile
        before = self._read_address()  # left by an earlier browser
        chosen = [
            *(() if settings.system_keyring else KEYLESS),
            *(HEADLESS if settings.headless else ()),
            *([] if sandboxed else ["--no-sandbox"]),
            *([f"--proxy-server={settings.proxy.server}", _ALL_HOSTS] if settings.proxy else []),
            f"--user-data-dir={self._profile}",
            process_tag.make_switch(self._tag),
            *choose_switches(settings),
        ]
        with self._output.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                self._path,
                *SWITCHES,
                *chosen,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._folder.make_environment(),
                start_new_session=True,
            )
        self._group = ProcessGroup(self._process.pid)
        await self._folder.guard(self._process.pid, [self._profile] if settings.system_keyring else [])
        self.address = await self._wait_for_address(before)

    async def wait_for_exit(self) -> None:
        """Wait until the browser's process has ended for any reason, and kill what it has left."""
        if self._process is not None:
            await self._process.wait()
        if self._group is not None:
            self._group.end()
            self._folder.spare_group()

    async def stop(self, seconds: float) -> None:
        """Wait that long for its end, then kill it, and remove its files. Stopping twice is fine."""
        if self._process is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._process.wait()
            self.kill()
            await self.wait_for_exit()
        process_tag.kill_processes(process_tag.find_processes(self._tag))
        await self._folder.remove()

    @property
    def _output(self) -> Path:
        return self._folder.path / "output"

    def _read_address(self) -> str:
        """The address that the browser listens at, "" until it does."""
        with contextlib.suppress(OSError):
            port, _, path = (self._profile / "DevToolsActivePort").read_text().partition("\n")
            if path:
                return f"ws://127.0.0.1:{port}{path.strip()}"
        with contextlib.suppress(OSError):  # with a port of the user's choice, it writes only this
            if written := _LISTENING.search(self._output.read_text(errors="replace")):
                return written[1]
        return ""

    async def _wait_for_address(self, before: str) -> str:
        assert self._process is not None
        while True:
            if (address := self._read_address()) != before and address:
                return address
            written = self._output.read_text(errors="replace")
            if self._process.returncode is not None:
                code = f"exit code {self._process.returncode}"
                raise start_failures.make_start_error(self._path, written.splitlines() or [code])
            if known := start_failures.explain_output(written):  # it may still run, but is of no use
                raise known
            await asyncio.sleep(_LOOK_SECONDS)

    def kill(self) -> None:
        """Kill its processes."""
        if self._group is not None:
            self._group.kill()
