"""The model list: from the live app, by one browser, and the fallback while the app does not answer."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing

import pytest

from fixtures.site import StandIn
from huggingchat_agent.browser import process_tag
from huggingchat_agent.provider import HuggingChat, auth, default_model, models
from huggingchat_agent.provider.background import background
from tests.provider.conftest import DEEPSEEK, LLAMA, QWEN

pytestmark = pytest.mark.browser

LIVE = [LLAMA, QWEN, DEEPSEEK]


@pytest.fixture(scope="module")
def here(provider_at, site):
    """The module's provider."""
    return provider_at(site)


@pytest.fixture(scope="module")
def browsers(engine):
    """The tags of the browsers that are started."""
    made = []

    def make_tag():
        made.append(original())
        return made[-1]

    original = process_tag.make_tag
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process_tag, "make_tag", make_tag)
        yield made


def test_names_are_there_before_anything_is_asked():
    assert HuggingChat.url == "https://huggingface.co/chat"
    assert HuggingChat.url.startswith(HuggingChat.origin)
    assert HuggingChat.domain in HuggingChat.origin
    assert HuggingChat.working and HuggingChat.needs_auth
    assert HuggingChat.supports_stream and HuggingChat.use_nodriver
    assert HuggingChat.default_model == models.default_model == default_model
    assert HuggingChat.default_vision_model in HuggingChat.vision_models
    assert HuggingChat.default_model in HuggingChat.text_models
    assert set(HuggingChat.image_models) & set(HuggingChat.model_aliases.values())
    assert HuggingChat.models == []


@pytest.mark.parametrize(("there", "chosen"), [(True, "nodriver"), (False, "playwright")])
def test_engine_is_nodriver_where_that_is_installed_and_the_log_says_which(
    monkeypatch, caplog, there, chosen
):
    monkeypatch.delenv("HUGGINGCHAT_ENGINE", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if there else None)
    caplog.set_level(logging.INFO)
    auth._choose_engine.cache_clear()
    assert HuggingChat._read_options()["engine"] == chosen
    auth._choose_engine.cache_clear()
    assert f"engine is {chosen}: nodriver is {'' if there else 'not '}installed" in caplog.text


def test_list_is_the_app_s(here, browsers):
    assert here.get_models() == LIVE
    assert here.models == here.text_models == LIVE
    assert here.vision_models == [QWEN]
    assert HuggingChat.models == []  # that of another deployment
    assert here.get_models() == LIVE
    assert here.get_model("deepseek-r1") == here.get_model("r1") == DEEPSEEK
    assert here.get_model("") == default_model
    assert len(browsers) == 1


async def test_list_is_given_inside_a_running_loop(here, browsers):
    assert here.get_models(refresh=True) == LIVE
    assert len(browsers) == 1


def test_list_asked_for_by_many_threads_takes_one_browser_and_one_request(provider_at, browsers, site):
    here = provider_at(site)  # which has not asked yet
    started = len(browsers)
    got, before = [], site.control.count("GET", "/chat/$")
    asking = [threading.Thread(target=lambda: got.append(here.get_models(60))) for _ in range(12)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert got == [LIVE] * 12
    assert len(browsers) == started + 1
    assert site.control.count("GET", "/chat/$") == before + 1


def test_fallback_is_given_and_logged_while_the_site_is_down_and_the_app_s_list_afterwards(
    provider_at, caplog
):
    with StandIn() as gone:
        here = provider_at(gone)
        port = int(gone.origin.rpartition(":")[2])
    with caplog.at_level(logging.WARNING):
        assert here.get_models() == models.fallback_models
    lines = [each.getMessage() for each in caplog.records if "fallback list" in each.getMessage()]
    assert len(lines) == 1 and here.url in lines[0] and "cannot be reached" in lines[0]
    with StandIn(port=port):
        assert here.get_models() == LIVE
        background.close()


def test_fallback_is_given_in_time_when_the_site_does_not_answer(provider_at, site, caplog):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        here = provider_at(site)
        here.url = f"http://127.0.0.1:{silent.getsockname()[1]}/chat"
        start = time.monotonic()
        assert here.get_models(timeout=0.5) == models.fallback_models
        assert time.monotonic() - start < 5
    assert "there was no answer within 0.5 s" in caplog.text
    background.close()


SCRIPT = """
    import asyncio, json, sys, threading
    from huggingchat_agent.browser import process_tag
    from huggingchat_agent.provider import HuggingChat

    made, original = [], process_tag.make_tag
    process_tag.make_tag = lambda: made.append(original()) or made[-1]
    import models_at_import
    got = [models_at_import.MODELS]
    threads = [threading.Thread(target=lambda: got.append(HuggingChat.get_models())) for _ in range(5)]
    for each in threads: each.start()
    async def inside(): got.append(HuggingChat.get_models())
    asyncio.run(inside())
    for each in threads: each.join()
    print(json.dumps({"models": got, "tags": made, "seen": len(process_tag.find_processes(made[0]))}))
"""


@pytest.mark.parametrize("engine", ["playwright", "nodriver"])
def test_list_asked_for_at_import_takes_one_browser_that_ends_with_the_process(site, tmp_path, engine):
    (tmp_path / "models_at_import.py").write_text(
        "from huggingchat_agent.provider import HuggingChat\nMODELS = HuggingChat.get_models()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)],
        cwd=tmp_path,
        env={
            **os.environ,
            "HUGGINGCHAT_BASE_URL": site.url,
            "HUGGINGCHAT_HOME": str(tmp_path / "home"),
            "HUGGINGCHAT_ENGINE": engine,
        },
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    report = json.loads(ran.stdout)
    assert report["models"] == [LIVE] * 7
    assert len(report["tags"]) == 1
    assert report["seen"] > 1
    until = time.monotonic() + 5
    while (left := process_tag.find_processes(report["tags"][0])) and time.monotonic() < until:
        time.sleep(0.02)
    assert left == []
