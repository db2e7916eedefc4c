"""Browsers and their tabs: three protocols (Engine, Browser, Page), and the engines that implement them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.errors import BrowserMissing

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Engine
    from huggingchat_agent.choices import EngineName


def load_engine(name: EngineName) -> Engine:
    """The engine of that name. Imports its driver only now; raises BrowserMissing if it is not installed."""
    if name == "nodriver":
        try:
            from huggingchat_agent.browser.nodriver import NodriverEngine
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "nodriver":
                raise
        else:
            return NodriverEngine()
        raise BrowserMissing(
            "The engine nodriver is not installed. Run `pip install nodriver`, or use the engine playwright."
        )
    from huggingchat_agent.browser.playwright import PlaywrightEngine

    return PlaywrightEngine()
