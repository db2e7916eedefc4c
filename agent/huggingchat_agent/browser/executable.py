"""Finds the browser to use.

In this order: the executable named by `HUGGINGCHAT_BROWSER`, or the channel named by `HUGGINGCHAT_CHANNEL`; a
Chromium, Chrome or Edge of the system; Playwright's own, if it is in its cache; last, Playwright's download.

    python -m huggingchat_agent.browser.executable [--download]

prints the path and exits 0, or names what is missing and exits 4. It downloads only with `--download`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import NamedTuple

from huggingchat_agent.environment import get_inheritable
from huggingchat_agent.errors import BrowserMissing, SettingsError

DOWNLOAD_SECONDS = 120.0
EXIT_MISSING = 4

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
_ELSEWHERE = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        r"%ProgramFiles%\Google\Chrome\Application\chrome.exe",
        r"%ProgramFiles(x86)%\Google\Chrome\Application\chrome.exe",
        r"%LocalAppData%\Google\Chrome\Application\chrome.exe",
        r"%ProgramFiles(x86)%\Microsoft\Edge\Application\msedge.exe",
    ),
}
# For each channel: program names on Linux, the application on macOS, the folder on Windows.
_CHANNELS = {
    "chromium": (("chromium", "chromium-browser"), "Chromium", ""),
    "chrome": (("google-chrome", "google-chrome-stable"), "Google Chrome", r"Google\Chrome"),
    "chrome-beta": (("google-chrome-beta",), "Google Chrome Beta", r"Google\Chrome Beta"),
    "chrome-dev": (("google-chrome-unstable",), "Google Chrome Dev", r"Google\Chrome Dev"),
    "chrome-canary": (("google-chrome-canary",), "Google Chrome Canary", r"Google\Chrome SxS"),
    "msedge": (("microsoft-edge", "microsoft-edge-stable"), "Microsoft Edge", r"Microsoft\Edge"),
    "msedge-beta": (("microsoft-edge-beta",), "Microsoft Edge Beta", r"Microsoft\Edge Beta"),
    "msedge-dev": (("microsoft-edge-dev",), "Microsoft Edge Dev", r"Microsoft\Edge Dev"),
    "brave": (("brave-browser", "brave"), "Brave Browser", r"BraveSoftware\Brave-Browser"),
}
_PROGRAMS = {"msedge": "msedge.exe", "brave": "brave.exe"}  # on Windows, by the first word of the channel
_PROGRAM_FOLDERS = (r"%ProgramFiles%", r"%ProgramFiles(x86)%", r"%LocalAppData%")
_CACHE = {"darwin": "~/Library/Caches/ms-playwright", "win32": r"%LocalAppData%\ms-playwright"}
# The layouts of Playwright's downloads, newest first. The shell can only run headless, so it comes last.
_DOWNLOADED = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    "chromium-*/chrome-win*/chrome.exe",
    "chromium_headless_shell-*/chrome-headless-shell-*/chrome-headless-shell*",
    "chromium_headless_shell-*/chrome-*/headless_shell*",
)


class Executable(NamedTuple):
    """A browser to use: the path of its executable, and where it was found."""

    path: str
    origin: str


def find_executable(named: str | None = None, channel: str | None = None) -> Executable | None:
    """The browser to use without a download, or None.

    `named` is `HUGGINGCHAT_BROWSER`, `channel` is `HUGGINGCHAT_CHANNEL`. Raises BrowserMissing if the file
    is not executable or the channel not installed, SettingsError for a channel that does not exist.
    """
    if channel:
        return _find_channel(channel)
    if named:
        path = shutil.which(os.path.expanduser(named))
        if path is None:
            raise BrowserMissing(
                f"HUGGINGCHAT_BROWSER names {named!r}, which cannot be executed. Correct it, or unset it to "
                "let the agent find a browser."
            )
        return Executable(path, "HUGGINGCHAT_BROWSER")
    return _find_installed() or _find_downloaded()


async def find_or_download(named: str | None = None, channel: str | None = None) -> Executable:
    """As `find_executable`, with Playwright's download, at most 120 s, as the last resort.

    Raises BrowserMissing with the command that installs one.
    """
    found = find_executable(named, channel)
    if found is None:
        outcome = await _download()
        found = _find_downloaded()
        if found is None:
            raise BrowserMissing(
                f"No browser is installed here, and Playwright's download {outcome}. {_advise()}"
            )
    return found


def make_missing_error() -> BrowserMissing:
    """The error for a machine without a browser."""
    return BrowserMissing(f"No browser is installed. {_advise()}")


def _find_channel(channel: str) -> Executable:
    if channel not in _CHANNELS:
        raise SettingsError(f"There is no channel {channel!r}. It is one of: {', '.join(_CHANNELS)}.")
    names, bundle, folder = _CHANNELS[channel]
    program = _PROGRAMS.get(channel.partition("-")[0], "chrome.exe")
    candidates = {
        "darwin": [f"/Applications/{bundle}.app/Contents/MacOS/{bundle}"],
        "win32": [os.path.expandvars(rf"{each}\{folder}\Application\{program}") for each in _PROGRAM_FOLDERS],
    }.get(sys.platform, names)
    for candidate in candidates:
        if path := shutil.which(candidate):
            return Executable(path, f"channel {channel}")
    raise BrowserMissing(
        f"The channel {channel} is not installed here. Install it, or leave the channel out to have any "
        "browser used."
    )


def _find_installed() -> Executable | None:
    for name in (*_NAMES, *map(os.path.expandvars, _ELSEWHERE.get(sys.platform, ()))):
        if path := shutil.which(name):
            return Executable(path, "installed on this system")
    return None


def _find_downloaded() -> Executable | None:
    folder = _find_cache_folder()
    for pattern in _DOWNLOADED:
        for path in sorted(folder.glob(pattern), key=_parse_revision, reverse=True):
            if os.access(path, os.X_OK) and path.is_file():
                return Executable(str(path), "downloaded by Playwright")
    return None


def _find_cache_folder() -> Path:
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if named == "0":  # Playwright's word for "inside the package"
        import playwright

        return Path(playwright.__file__).parent / "driver" / "package" / ".local-browsers"
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expandvars(_CACHE.get(sys.platform, f"{base}/ms-playwright"))).expanduser()


def _parse_revision(path: Path) -> int:
    for part in path.parts:
        name, _, number = part.rpartition("-")
        if name.startswith("chromium") and number.isdigit():
            return int(number)
    return 0


async def _download() -> str:
    """Run Playwright's installer, at most 120 s. Returns the outcome, as the end of a sentence."""
    process = await asyncio.create_subprocess_exec(
        *_make_download_command(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=get_inheritable(),
        start_new_session=True,  # its children must not outlive the limit
    )
    try:
        async with asyncio.timeout(DOWNLOAD_SECONDS):
            code = await process.wait()
    except TimeoutError:
        return f"took longer than {DOWNLOAD_SECONDS:.0f} s"
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                _kill_group(process.pid)
            await process.wait()
    return f"ended with exit code {code}"


def _kill_group(pid: int) -> None:
    if hasattr(os, "killpg"):
        os.killpg(pid, signal.SIGKILL)
    else:
        os.kill(pid, signal.SIGTERM)


def _make_download_command() -> tuple[str, ...]:
    return (sys.executable, "-m", "playwright", "install", "chromium")


def _advise() -> str:
    system = "`sudo apt-get install chromium` or " if shutil.which("apt-get") else ""
    download = shlex.join(_make_download_command())
    return f"Run {system}`{download}`, or set HUGGINGCHAT_BROWSER to the path of one."


def main(arguments: list[str]) -> int:
    """The command line; returns the exit code."""
    named = os.environ.get("HUGGINGCHAT_BROWSER")
    try:
        found = asyncio.run(find_or_download(named)) if "--download" in arguments else find_executable(named)
        if found is None:
            raise make_missing_error()
    except BrowserMissing as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_MISSING
    sys.stdout.write(f"{found.path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
