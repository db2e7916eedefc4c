"""The provider on the stand-in site: one site and one browser per module and engine."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from fixtures.site import StandIn
from huggingchat_agent.provider import HuggingChat
from huggingchat_agent.provider.background import background
from tests.budget import leave_to_soak
from tests.quick import QUICK
from tests.signed_in import save_session

LLAMA, QWEN, DEEPSEEK = (
    "meta-llama/Llama-3.3-70B-Instruct",
    "Qwen/Qwen2.5-VL-7B-Instruct",
    "deepseek-ai/DeepSeek-R1",
)


# Every test of a provider is there on both engines. Nothing in the provider knows which it is, so the
# default run takes one: the answers on Playwright, with every fifth on nodriver too, and the rest on
# nodriver, which is what the provider chooses by itself.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    spared: dict[str, list[pytest.Item]] = {"nodriver": [], "playwright": []}
    for item in items:
        if item.path.parent == Path(__file__).parent and getattr(item, "callspec", None):
            second = "nodriver" if item.path.stem == "test_answers" else "playwright"
            if item.callspec.params.get("engine") == second:
                spared[second].append(item)
    del spared["nodriver"][::5]
    leave_to_soak(config, items, [*spared["nodriver"], *spared["playwright"]])


def user(text):
    return {"role": "user", "content": text}


async def collect(parts):
    return [part async for part in parts]


def filter_parts(kind, parts):
    return [part for part in parts if isinstance(part, kind)]


@pytest.fixture(scope="module")
def site():
    with StandIn(**QUICK) as site:
        yield site


@pytest.fixture(autouse=True, scope="module")
def ended():
    """What a module leaves open is closed before the next one begins."""
    yield
    background.close()


@pytest.fixture
def run(site, tmp_path, borrowed):
    """Run a program in a process of its own, signed in before; what it printed.

    It uses a running browser.
    """
    save_session(site, tmp_path / "home")

    def run(*command, **environment):
        ran = subprocess.run(
            [str(each) for each in command],
            cwd=tmp_path,
            env={
                **os.environ,
                **borrowed,
                "HOME": str(tmp_path),
                "HUGGINGCHAT_BASE_URL": site.url,
                "HUGGINGCHAT_HOME": str(tmp_path / "home"),
                "HUGGINGCHAT_USERNAME": site.username,
                "HUGGINGCHAT_PASSWORD": site.password,
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


@pytest.fixture(scope="module", params=["playwright", "nodriver"])
def engine(request):
    return request.param


@pytest.fixture(scope="module")
def provider_at(tmp_path_factory, engine):
    """A separate provider for a site: `provider_at(site, **options)`."""

    def make(site, **options):
        home = save_session(site, tmp_path_factory.mktemp("home"))
        account = {"username": site.username, "password": site.password}
        chosen = {"home": home, "engine": engine, **account, **options}
        return type("HuggingChat", (HuggingChat,), {"url": site.url, "options": chosen})

    return make


@pytest.fixture(scope="module")
def provider(provider_at, site, engine):
    """The module's provider: nodriver's goes by ui where it can, as any does by default."""
    # What comes of a turn is the same by page, in a fraction of the time.
    return provider_at(site, via="auto" if engine == "nodriver" else "page")


@pytest.fixture(scope="module")
def auth(provider):
    """Signed in."""
    (result,) = asyncio.run(collect(provider.on_auth_async()))
    return result
