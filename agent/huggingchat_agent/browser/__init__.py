"""The browser room: Page, Browser and Engine protocols, and the engines behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Engine
    from huggingchat_agent.settings import EngineName


def engine(name: EngineName) -> Engine:
    """The engine of that name; its driver is imported only now."""
    if name == "nodriver":
        from huggingchat_agent.browser.nodriver import NodriverEngine

        return NodriverEngine()
    from huggingchat_agent.browser.playwright import PlaywrightEngine

    return PlaywrightEngine()
