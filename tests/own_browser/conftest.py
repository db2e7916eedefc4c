"""A person with a Chromium of their own, in which they are signed in."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from fixtures.site import StandIn
from huggingchat_agent.browser.launch import KEYLESS
from huggingchat_agent.browser.sandbox import detect_sandbox
from tests.persons import program
from tests.quick import QUICK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="package")
def site() -> Iterator[StandIn]:
    with StandIn(**QUICK) as site:
        yield site


@pytest.fixture(scope="package")
def signed_in_profile(site: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Chromium in which ada has signed in, and which has been closed."""
    folder = tmp_path_factory.mktemp("person") / "chromium"
    elsewhere: Any = {"name": "elsewhere", "value": "s3cret", "domain": "bank.example", "path": "/"}
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder,
            executable_path=program(),
            chromium_sandbox=detect_sandbox().on,
            ignore_default_args=list(KEYLESS),
        )
        # That of the identity provider ends with the browser.
        for each in site.control.open_session()["cookies"]:
            context.add_cookies([each | ({"expires": -1} if each["name"] == "token" else {})])
        context.add_cookies([elsewhere | {"expires": time.time() + 10_000}])
        context.close()
    return folder


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the browsers of this person keep their profiles: nothing yet."""
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def person(signed_in_profile: Path, config: Path) -> Path:
    """A copy of that folder at its place."""
    return shutil.copytree(signed_in_profile, config / "chromium", symlinks=True)
