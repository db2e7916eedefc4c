"""What Playwright's own process is started with, and where its files are."""

import importlib
import os
import tempfile
from typing import Any

import pytest

from huggingchat_agent.browser import driver_environment, load_engine
from huggingchat_agent.settings import make_settings


def read_environment():
    transport: Any = importlib.import_module("playwright._impl.transport")
    return transport.get_driver_env()


def test_variables_are_chosen_for_the_block_alone():
    before = os.environ.get("TMPDIR")
    with driver_environment.choose({"TMPDIR": "/nowhere"}):
        assert read_environment()["TMPDIR"] == "/nowhere"
        assert os.environ.get("TMPDIR") == before
    assert read_environment().get("TMPDIR") == before
    with driver_environment.choose({}):
        assert read_environment().get("TMPDIR") == before


def test_compiled_code_is_kept_in_the_cache_folder_of_the_user(monkeypatch, tmp_path):
    monkeypatch.delenv(driver_environment.COMPILED, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with driver_environment.choose(driver_environment.keep_compiled()):
        assert "huggingchat-agent" in read_environment()[driver_environment.COMPILED]
    monkeypatch.setenv(driver_environment.COMPILED, "/elsewhere")
    with driver_environment.choose(driver_environment.keep_compiled()):
        assert read_environment()[driver_environment.COMPILED] == "/elsewhere"


@pytest.mark.browser
async def test_files_of_playwright_are_in_the_folder_of_the_browser(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    browser = await load_engine("playwright").start(make_settings(base_url="http://127.0.0.1:9/"), None)
    try:
        (ours,) = tmp_path.iterdir()
        assert {each.name.partition("-")[0] for each in ours.iterdir()} >= {"playwright_chromiumdev_profile"}
    finally:
        await browser.close()
    assert list(tmp_path.iterdir()) == []
